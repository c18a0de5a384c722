-- One row per expected window, with what is usual of it, the bounds that it is judged by, and its health.
{#-
    The bounds of its hour and weekday are widened by those of its kind of day, and by what somebody dismissed as expected, while that lasts.
-#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with windows as (

    select * from {{ dbt_forensics._input('int_forensics__placed_windows') }}

),

expected_volumes as (

    select * from {{ dbt_forensics._input('int_forensics__expected_volumes') }}

),

days_of_a_kind as (

    select * from {{ dbt_forensics._input('int_forensics__days_of_a_kind') }}

),

settings as (

    select
        stream,
        cast(1 - threshold as numeric(12, 6)) as low_share,
        cast(1 + {{ dbt_forensics.share_of('threshold', '(1 - threshold)') }} as numeric(12, 6)) as high_share
    from {{ dbt_forensics._input('int_forensics__detectors') }}
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
        days_of_a_kind.place is not null as is_special_day,
        coalesce(days_of_a_kind.is_named and days_of_a_kind.previous_count = 0, false) as is_new_kind,
        cast(expected_volumes.usual_volume * days_of_a_kind.low_share as numeric(18, 0)) as low_of_kind,
        cast(expected_volumes.usual_volume * days_of_a_kind.high_share as numeric(18, 0)) as high_of_kind,
        windows.rested_before and expected_volumes.season = 'daily' as is_weekly_rest,
        windows.place - windows.windows_a_day * cast(
            floor(cast(windows.place as numeric(18, 6)) / windows.windows_a_day) as {{ dbt.type_bigint() }}
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
        *,
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

)

select
    stream,
    {%- for column in [
        'place', 'window_start', 'window_end', 'volume', 'expected_volume', 'low_bound', 'high_bound', 'sample_count', 'nonempty_count', 'all_late_count',
        'is_due', 'is_complete', 'is_settled', 'is_gap', 'is_special_day', 'first_event_at', 'first_arrived_at', 'touched_at',
    ] %}
    {{ column }},
    {%- endfor %}
    {%- for measure in ['rows', 'accepted', 'duplicate', 'conflict', 'quarantined', 'withdrawn', 'exchanged', 'out_of_order', 'missing'] %}
    {{ measure }}_count,
    {%- endfor %}
    {{ dbt_forensics.least_of('volume', 'expected_volume') }} as present_volume,
    case
        when not is_due then 'open'
        when usual_volume is null then 'unknown'
        when is_gap and usual_volume > 0 and not may_be_empty then 'missing'
        {#- Silence is never health: the stream rests as it does at that hour and day, or it cannot be told while it is silent. #}
        when is_gap and is_stopped and not may_be_empty then 'unknown'
        when is_gap then 'resting'
        when volume < low_bound then 'low'
        when volume - (withdrawn_count - exchanged_count) > high_bound then 'high'
        else 'healthy'
    end as health
from bounded
