-- One row per metric, dimensions and stretch of windows in which its value is far from its level, against the season.
{#-
    Windows of hours that lie less than half a day apart are of one stretch, and it is over half a day after the last one.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with levels as (

    select * from {{ dbt_forensics._input('int_forensics__metric_levels') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'metric_anomaly' and is_enabled

),

limits as (

    {#-
        Five times the median distance from what is expected (3.4 standard deviations), eight times that of the hour, and the threshold's share of the level; half more where what makes the value
        comes irregularly. Where most values are exactly what is expected, twice the largest distance of four weeks.
    #}
    select
        levels.*,
        settings.severity,
        levels.day_number * 24 + levels.slot as place,
        {#- Counted from a Monday. #}
        levels.day_number - 7 * cast(floor(levels.day_number / 7.0) as {{ dbt.type_bigint() }}) >= 5 as is_weekend,
        case when levels.window_period = 'hour' then 12 else 1 end as longest_pause,
        {{ dbt_forensics.greatest_of(
            dbt_forensics.greatest_of('levels.spread * 5', 'levels.hour_distance * 8'),
            dbt_forensics.greatest_of(
                'cast(abs(levels.usual_level) * cast(settings.threshold as numeric(9, 3)) as ' ~ number ~ ')',
                'case when levels.spread = 0 then levels.highest_distance * 2 else 0 end'
            )
        ) }} * case when levels.is_irregular then 3 else 2 end as twice_the_limit
    from levels
    inner join settings
        on levels.stream = settings.stream
    where levels.spread is not null and levels.is_judged and not levels.has_too_few_rows and not levels.is_too_young

),

sides as (

    {#-
        A value that the last two windows of its season have come half as near to is the season's; where the last three were far as well, all but as near. A Saturday or Sunday without
        one before is not judged. And where the last three were far from their level, the value that is far from all three is not as it should be, however near the level.
    #}
    select
        *,
        case
            when
                not is_high_for_a_reason
                and deviation * 2 > twice_the_limit
                and (highest_of_two is null or (deviation - highest_of_two) * 4 > twice_the_limit)
                and (lowest_of_three * 2 <= twice_the_limit or (deviation - highest_of_three) * 2 > twice_the_limit or season_count < 3)
                then 'high'
            when
                not is_low_for_a_reason
                and deviation * -2 > twice_the_limit
                and (lowest_of_two is null or (lowest_of_two - deviation) * 4 > twice_the_limit)
                and (highest_of_three * -2 <= twice_the_limit or (lowest_of_three - deviation) * 2 > twice_the_limit or season_count < 3)
                then 'low'
            when
                not is_high_for_a_reason
                and season_count = 3
                and highest_of_three * -2 > twice_the_limit
                and (deviation - highest_of_three) * 2 > twice_the_limit
                then 'high'
            when
                not is_low_for_a_reason
                and season_count = 3
                and lowest_of_three * 2 > twice_the_limit
                and (lowest_of_three - deviation) * 2 > twice_the_limit
                then 'low'
        end as side,
        max(place) over (partition by series) as last_place
    from limits
    where season_count > 0 or not is_weekend

),

far_values as (

    select
        *,
        lag(place) over (partition by series order by place) as place_before
    from sides
    where side is not null

),

numbered_values as (

    select
        *,
        sum(
            case
                when place_before is null then 1
                when window_period = 'hour' and place - place_before <= longest_pause then 0
                when window_period = 'day' and place - place_before <= 24 then 0
                else 1
            end
        ) over (partition by series order by place rows between unbounded preceding and current row) as stretch
    from far_values

),

ranked_values as (

    select
        *,
        row_number() over (partition by series, stretch order by abs(deviation) desc, place asc) as far_rank
    from numbered_values

),

stretches as (

    select
        stream,
        subject,
        metric,
        severity,
        min(window_start) as window_start,
        max(window_end) as window_end,
        count(*) as window_count,
        sum(case when side = 'high' then 1 else 0 end) as high_count,
        max(case when far_rank = 1 then value end) as value,
        max(case when far_rank = 1 then expected end) as expected,
        max(case when far_rank = 1 then input_count end) as input_count,
        max(case when abs(deviation) > twice_the_limit then 1 else 0 end) as is_twice_as_far,
        max(touched_at) as touched_at,
        max(last_place) - max(place) >= max(case when window_period = 'hour' then longest_pause else 24 end) as is_over
    from ranked_values
    group by stream, subject, metric, severity, series, stretch

)

select
    stream,
    'metric_anomaly' as detector,
    subject,
    {{ dbt_forensics.canonical_text('window_start', dbt.type_timestamp()) }} as identity_text,
    window_start,
    window_end,
    {#- One step more severe where it is twice as far as it takes. #}
    {{ dbt_forensics.severity_of_rank(dbt_forensics.severity_rank('severity') ~ ' + is_twice_as_far') }} as severity,
    cast(value as {{ number }}) as observed,
    cast(expected as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'windows': 'window_count',
        'rows': 'input_count',
    }, {
        'side': "case when high_count = window_count then 'high' when high_count = 0 then 'low' else 'both' end",
        'metric': 'metric',
    }) }} as evidence,
    window_start as first_event_at,
    cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
    is_over,
    touched_at
from stretches
