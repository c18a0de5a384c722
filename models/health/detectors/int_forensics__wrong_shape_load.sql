-- One row per batch whose rows nearly all could not be read, or whose values are nearly all missing: an error page, or another file's columns, landed as data.
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with batches as (

    select * from {{ dbt_forensics._input('int_forensics__compared_batches') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'wrong_shape_load' and is_enabled

)

select
    batches.stream,
    'wrong_shape_load' as detector,
    batches.batch_id as subject,
    '' as identity_text,
    batches.first_window as window_start,
    {{ dbt_forensics._end_of_window('batches.last_window', 'settings') }} as window_end,
    settings.severity,
    cast(batches.wrong_share as {{ number }}) as observed,
    cast(batches.usual_wrong_share as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'rows': 'batches.rows_count',
        'unreadable_rows': 'batches.unreadable_count',
        'missing_values': 'batches.null_count',
        'of_values': 'batches.value_count',
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
    batches.batch_count >= 10
    and batches.usual_size >= 20
    and batches.wrong_share >= settings.threshold
    and batches.usual_wrong_share < 0.5
