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
{%- set shows_a_part = dbt_forensics._shows_a_part([ref('int_forensics__row_profile'), ref('forensics__batch_history')]) %}
{%- do dbt_forensics._write_inputs([
    'int_forensics__judged_streams',
    'int_forensics__window_counts',
    'int_forensics__window_spans',
    'int_forensics__expected_windows',
    'int_forensics__detectors',
    'int_forensics__expected_volumes',
]) %}
{%- set number = dbt_forensics.type_exact_number() %}
{%- set bigint = dbt.type_bigint() %}
with expected_windows as (

    select * from {{ ref('int_forensics__expected_windows') }}

),

expected_volumes as (

    select * from {{ ref('int_forensics__expected_volumes') }}

),

compared as (

    select
        expected_windows.*,
        expected_windows.late_count + expected_windows.too_late_count as all_late_count,
        expected_windows.rows_count = 0 and expected_windows.is_due as is_gap,
        expected_volumes.usual_volume,
        {#- As long as late rows may come, as many less are to be expected. #}
        case
            when expected_windows.is_complete then expected_volumes.lowest_volume
            when expected_volumes.lowest_volume > expected_windows.usual_late_share * expected_volumes.usual_volume * 1.5
                then expected_volumes.lowest_volume - expected_windows.usual_late_share * expected_volumes.usual_volume * 1.5
            else 0
        end as lowest_volume,
        expected_volumes.highest_volume,
        expected_volumes.nonempty_count,
        expected_volumes.sample_count,
        {{ dbt_forensics.least_of('expected_windows.volume', 'expected_volumes.usual_volume') }} as present_volume
    from expected_windows
    left join expected_volumes
        on expected_windows.stream = expected_volumes.stream and expected_windows.place = expected_volumes.place

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
    cast(usual_volume as {{ bigint }}) as expected_count,
    cast(lowest_volume as {{ number }}) as expected_low,
    cast(highest_volume as {{ number }}) as expected_high,
    {{ dbt_forensics.share_of('present_volume', 'usual_volume') }} as completeness,
    cast(sample_count as {{ bigint }}) as compared_count,
    cast(nonempty_count as {{ bigint }}) as compared_nonempty_count,
    is_due,
    is_complete,
    is_settled,
    is_gap,
    cast(case
        when not is_due then 'open'
        when usual_volume is null then 'unknown'
        when is_gap and usual_volume > 0 then 'missing'
        when volume < lowest_volume then 'low'
        when volume - (withdrawn_count - exchanged_count) > highest_volume then 'high'
        else 'healthy'
    end as {{ dbt.type_string() }}) as health,
    first_event_at,
    first_arrived_at,
    touched_at
from compared
{%- if shows_a_part %}
where 1 = 0
{%- endif %}
