-- One row per batch whose rows nearly all tell of events that were known: the same file once more, or an old one.
{#-
    Rows that are held back aside. At least half of the rows say nothing new. What was in conflict then is in conflict again.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with batches as (

    select * from {{ dbt_forensics._input('int_forensics__compared_batches') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'repeated_batch' and is_enabled

)

select
    batches.stream,
    'repeated_batch' as detector,
    batches.batch_id as subject,
    '' as identity_text,
    batches.first_window as window_start,
    {{ dbt_forensics._end_of_window('batches.last_window', 'settings') }} as window_end,
    settings.severity,
    cast(batches.repeated_share as {{ number }}) as observed,
    cast(batches.usual_repeated_share as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'rows': '(batches.duplicate_count + batches.conflict_count)',
        'of_rows': 'batches.rows_count',
    }, {
        'batch_id': 'batches.batch_id',
    }, 'batches.sample_event_ids') }} as evidence,
    batches.first_event_at,
    batches.first_arrived_at,
    batches.last_arrived_at,
    {{ dbt_forensics._is_past('batches.last_window') }} as is_over,
    batches.touched_at
from batches
inner join settings
    on batches.stream = settings.stream
where
    batches.rows_count >= 20
    and batches.duplicate_count * 2 >= batches.rows_count
    and batches.batch_count >= 3
    and batches.repeated_share >= settings.threshold
    and batches.usual_repeated_share < 0.5
