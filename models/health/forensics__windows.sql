-- One row per expected window of a stream, also where nothing came: what is on record of it, what is to be expected, and its health.
{{
    config(
        materialized='table',
        pre_hook="{{ dbt_forensics.without_nested_loops() }}",
        post_hook="{{ dbt_forensics.gather_statistics(this) }}",
    )
}}
{%- do dbt_forensics.take_turn() %}
{%- do dbt_forensics.assert_settings('table') %}
{%- set shows_a_part = dbt_forensics._shows_a_part([
    ref('int_forensics__row_profile'),
    ref('forensics__batch_history'),
    ref('forensics__action_log'),
]) %}
{%- do dbt_forensics._write_inputs([
    'int_forensics__judged_streams',
    'int_forensics__window_counts',
    'int_forensics__window_spans',
    'int_forensics__expected_windows',
    'int_forensics__detectors',
    'int_forensics__level_stretches',
    'int_forensics__dismissed_spans',
    'int_forensics__named_days',
    'int_forensics__placed_windows',
    'int_forensics__expected_volumes',
    'int_forensics__days_of_a_kind',
    'int_forensics__compared_windows',
]) %}
{%- set number = dbt_forensics.type_exact_number() %}
{%- set bigint = dbt.type_bigint() %}
with windows as (

    select * from {{ ref('int_forensics__compared_windows') }}

)

select
    stream,
    cast(place as {{ bigint }}) as window_number,
    window_start,
    window_end,
    cast(rows_count as {{ bigint }}) as row_count,
    cast(accepted_count as {{ bigint }}) as counted_count,
    cast(all_late_count as {{ bigint }}) as late_count,
    {{ dbt_forensics.share_of('all_late_count', 'rows_count') }} as late_share,
    cast(duplicate_count as {{ bigint }}) as duplicate_count,
    {{ dbt_forensics.share_of('duplicate_count', 'rows_count') }} as duplicate_share,
    cast(conflict_count as {{ bigint }}) as conflict_count,
    cast(quarantined_count as {{ bigint }}) as quarantined_count,
    {{ dbt_forensics.share_of('quarantined_count', 'rows_count') }} as quarantined_share,
    cast(withdrawn_count as {{ bigint }}) as withdrawn_count,
    cast(exchanged_count as {{ bigint }}) as exchanged_count,
    cast(out_of_order_count as {{ bigint }}) as out_of_order_count,
    cast(missing_count as {{ bigint }}) as missing_number_count,
    cast(volume as {{ bigint }}) as event_count,
    cast(expected_volume as {{ bigint }}) as expected_count,
    cast(low_bound as {{ number }}) as expected_low,
    cast(high_bound as {{ number }}) as expected_high,
    {{ dbt_forensics.share_of('present_volume', 'expected_volume') }} as completeness,
    cast(sample_count as {{ bigint }}) as compared_count,
    cast(nonempty_count as {{ bigint }}) as compared_nonempty_count,
    is_due,
    is_complete,
    is_settled,
    is_gap,
    is_special_day,
    cast(health as {{ dbt.type_string() }}) as health,
    first_event_at,
    first_arrived_at,
    touched_at
from windows
{%- if shows_a_part %}
where 1 = 0
{%- endif %}
