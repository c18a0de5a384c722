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
]) %}
{%- set number = dbt_forensics.type_exact_number() %}
{%- set bigint = dbt.type_bigint() %}
with windows as (

    select * from {{ ref('int_forensics__placed_windows') }}

),

expected_volumes as (

    select * from {{ ref('int_forensics__expected_volumes') }}

),

days_of_a_kind as (

    select * from {{ ref('int_forensics__days_of_a_kind') }}

),

settings as (

    select
        stream,
        cast(1 - threshold as numeric(12, 6)) as low_share,
        cast(1 + {{ dbt_forensics.share_of('threshold', '(1 - threshold)') }} as numeric(12, 6)) as high_share
    from {{ ref('int_forensics__detectors') }}
    where detector = 'volume_anomaly'

),

expected as (

    select
        windows.*,
        settings.low_share,
        settings.high_share,
        expected_volumes.usual_volume,
        {#- As long as late rows may come, as many less are to be expected. #}
        case
            when windows.is_complete then expected_volumes.lowest_volume
            when expected_volumes.lowest_volume > windows.usual_late_share * expected_volumes.usual_volume * 1.5
                then expected_volumes.lowest_volume - windows.usual_late_share * expected_volumes.usual_volume * 1.5
            else 0
        end as lowest_volume,
        expected_volumes.highest_volume,
        expected_volumes.nonempty_count,
        expected_volumes.sample_count,
        coalesce(days_of_a_kind.is_named and days_of_a_kind.previous_count = 0, false) as is_new_kind,
        cast(expected_volumes.usual_volume * days_of_a_kind.low_share as numeric(18, 0)) as low_of_kind,
        cast(expected_volumes.usual_volume * days_of_a_kind.high_share as numeric(18, 0)) as high_of_kind,
        windows.rested_before and expected_volumes.season = 'daily' as is_weekly_rest,
        windows.place - windows.windows_a_day * cast(
            floor(cast(windows.place as numeric(18, 6)) / windows.windows_a_day) as {{ bigint }}
        ) as hour_place
    from windows
    inner join settings
        on windows.stream = settings.stream
    left join expected_volumes
        on windows.stream = expected_volumes.stream and windows.compared_place = expected_volumes.place
    left join days_of_a_kind
        on windows.stream = days_of_a_kind.stream and windows.place = days_of_a_kind.place

),

low_levels as (

    {#- What somebody dismissed as expected is as usual while it lasts: until the stream is back at the level before, or the new one is accepted by time. #}
    select
        stream,
        hour_place,
        low_dismissed_from,
        min(volume) as least_volume,
        max(volume) as most_volume
    from expected
    where is_dismissed and is_due and low_dismissed_from is not null
    group by stream, hour_place, low_dismissed_from

),

high_levels as (

    select
        stream,
        hour_place,
        high_dismissed_from,
        min(volume) as least_volume,
        max(volume) as most_volume
    from expected
    where is_dismissed and is_due and high_dismissed_from is not null
    group by stream, hour_place, high_dismissed_from

),

judged_by_kind as (

    select
        expected.*,
        expected.is_dismissed or expected.is_new_kind as is_accepted,
        coalesce(
            expected.is_dismissed or expected.is_new_kind or expected.is_weekly_rest
            or expected.low_of_kind = 0 or low_levels.least_volume = 0,
            false
        ) as may_be_empty,
        {{ dbt_forensics.least_of('expected.lowest_volume', 'expected.low_of_kind * expected.low_share') }} as low_by_kind,
        {{ dbt_forensics.greatest_of('expected.highest_volume', 'expected.high_of_kind * expected.high_share') }} as high_by_kind,
        low_levels.least_volume * expected.low_share as low_by_dismissal,
        high_levels.most_volume * expected.high_share as high_by_dismissal,
        low_levels.most_volume as most_of_low,
        high_levels.least_volume as least_of_high
    from expected
    left join low_levels
        on
            expected.stream = low_levels.stream
            and expected.hour_place = low_levels.hour_place
            and expected.low_dismissed_from = low_levels.low_dismissed_from
    left join high_levels
        on
            expected.stream = high_levels.stream
            and expected.hour_place = high_levels.hour_place
            and expected.high_dismissed_from = high_levels.high_dismissed_from

),

bounded as (

    select
        judged_by_kind.*,
        late_count + too_late_count as all_late_count,
        rows_count = 0 and is_due as is_gap,
        case
            when usual_volume is null then null
            when most_of_low < usual_volume then most_of_low
            when least_of_high > usual_volume then least_of_high
            else usual_volume
        end as expected_volume,
        case
            when usual_volume is null then null
            when is_accepted then 0
            else {{ dbt_forensics.least_of('low_by_kind', 'low_by_dismissal') }}
        end as low_bound,
        case
            when usual_volume is null or is_accepted then null
            else {{ dbt_forensics.greatest_of('high_by_kind', 'high_by_dismissal') }}
        end as high_bound
    from judged_by_kind

),

compared as (

    select
        *,
        {{ dbt_forensics.least_of('volume', 'expected_volume') }} as present_volume
    from bounded

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
    cast(case
        when not is_due then 'open'
        when usual_volume is null then 'unknown'
        when is_gap and usual_volume > 0 and not may_be_empty then 'missing'
        {#- Silence is never health: the stream rests as it does at that hour and day, or it cannot be told while it is silent. #}
        when is_gap and is_stopped and not may_be_empty then 'unknown'
        when is_gap then 'resting'
        when volume < low_bound then 'low'
        when volume - withdrawn_count > high_bound then 'high'
        else 'healthy'
    end as {{ dbt.type_string() }}) as health,
    first_event_at,
    first_arrived_at,
    touched_at
from compared
{%- if shows_a_part %}
where 1 = 0
{%- endif %}
