-- One row per expected window of a stream, also where nothing came: what is on record of it, what is to be expected, and its health.
{{
    config(
        materialized='table',
        pre_hook="{{ dbt_forensics.read_once() }}",
        post_hook="{{ dbt_forensics.gather_statistics(this) }}",
    )
}}
{%- do dbt_forensics.take_turn() %}
{%- do dbt_forensics.assert_settings('table') %}
{%- set profile = ref('int_forensics__row_profile') %}
{%- set seals = ref('forensics__batch_history') %}
{%- set streams = dbt_forensics.streams() %}
{%- if not streams or not dbt_forensics.can_read([profile, seals]) %}
{{ dbt_forensics.no_rows(dbt_forensics.window_columns()) }}
{%- else %}
with

{{ dbt_forensics.window_states(streams, profile, seals, dbt_forensics.concluded_at()) }},

described as (

    select
        stream,
        place as window_number,
        window_start,
        window_end,
        rows_count as row_count,
        accepted_count as counted_count,
        late_count + too_late_count as late_count,
        {{ dbt_forensics.share_of('(late_count + too_late_count)', 'rows_count') }} as late_share,
        duplicate_count,
        {{ dbt_forensics.share_of('duplicate_count', 'rows_count') }} as duplicate_share,
        conflict_count,
        quarantined_count,
        {{ dbt_forensics.share_of('quarantined_count', 'rows_count') }} as quarantined_share,
        withdrawn_count,
        out_of_order_count,
        missing_count as missing_number_count,
        volume as event_count,
        usual_volume as expected_count,
        lowest_volume as expected_low,
        highest_volume as expected_high,
        {{ dbt_forensics.share_of('case when volume > usual_volume then usual_volume else volume end', 'usual_volume') }} as completeness,
        sample_count as compared_count,
        nonempty_count as compared_nonempty_count,
        is_due,
        is_complete,
        is_settled,
        is_gap,
        case
            when not is_due then 'open'
            when usual_volume is null then 'unknown'
            when is_gap and usual_volume > 0 then 'missing'
            when volume < lowest_volume then 'low'
            when volume - withdrawn_count > highest_volume then 'high'
            else 'healthy'
        end as health,
        first_event_at,
        first_arrived_at,
        touched_at
    from windows

)

select
    {%- set types = {'text': dbt.type_string(), 'time': dbt.type_timestamp(), 'number': dbt_forensics.type_exact_number(), 'integer': dbt.type_bigint(), 'boolean': dbt.type_boolean()} %}
    {%- for column, type in dbt_forensics.window_columns().items() %}
    cast({{ column }} as {{ types[type] }}) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from described
{%- endif %}
