-- One row per place of a window that can be compared: the median volume of the windows before it at the same hour and weekday, and its bounds.
{#-
    Of at most eight windows; where there are not four, of those at the same hour of the last 28 days; where there are not seven, none. spread is
    the median distance from it. Medians, so that incidents among these windows do not matter while they are the fewer. Days without rows where there
    should be some, and stretches far below what was before, are not among them at all (int_forensics__placed_windows).
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with {{ dbt_forensics._digit_rows() }},

windows as (

    select * from {{ dbt_forensics._input('int_forensics__placed_windows') }}

),

settings as (

    select
        stream,
        cast(threshold as numeric(12, 6)) as low_share,
        cast({{ dbt_forensics.share_of('threshold', '(1 - threshold)') }} as numeric(12, 6)) as high_share
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'volume_anomaly'

),

seasons as (

    select
        'weekly' as season,
        digit as seasons_ago,
        digit * 7 as days_ago
    from digits
    where digit between 1 and 8
    union all
    select
        'daily' as season,
        tens.digit * 10 + ones.digit as seasons_ago,
        tens.digit * 10 + ones.digit as days_ago
    from digits as ones
    cross join digits as tens
    where tens.digit * 10 + ones.digit between 1 and 28

),

earlier_volumes as (

    {#- Each window's volume goes to the windows after it. By the day only where the season of the week is not known yet: after four weeks nothing is read there. #}
    select
        windows.stream,
        windows.usual_place + seasons.days_ago * windows.windows_a_day as place,
        seasons.season,
        seasons.seasons_ago,
        windows.volume
    from windows
    cross join seasons
    where
        windows.makes_usual
        and (
            seasons.season = 'weekly'
            or windows.usual_place + seasons.days_ago * windows.windows_a_day < 28 * windows.windows_a_day
        )

),

ranked_volumes as (

    select
        *,
        row_number() over (partition by stream, place, season order by volume) as place_among,
        count(*) over (partition by stream, place, season) as sample_count
    from earlier_volumes

),

volumes_with_median as (

    select
        *,
        max(case when place_among * 2 in (sample_count, sample_count + 1) then volume end)
            over (partition by stream, place, season) as usual_volume
    from ranked_volumes
    where sample_count >= case when season = 'weekly' then 4 else 7 end

),

ranked_distances as (

    select
        *,
        abs(volume - usual_volume) as distance,
        row_number() over (partition by stream, place, season order by abs(volume - usual_volume)) as distance_place
    from volumes_with_median

),

seasonal_volumes as (

    select
        stream,
        place,
        season,
        usual_volume,
        sample_count,
        sum(case when volume > 0 then 1 else 0 end) as nonempty_count,
        {#- Until the season of the week is known, also of the same weekday: a feed that rests at weekends is not broken on each of its first four. #}
        min(case when seasons_ago <= 2 or (season = 'daily' and seasons_ago in (7, 14, 21)) then volume end) as lowest_before,
        max(case when seasons_ago <= 2 or (season = 'daily' and seasons_ago in (7, 14, 21)) then volume end) as highest_before,
        max(case when distance_place * 2 in (sample_count, sample_count + 1) then distance end) as spread,
        row_number() over (partition by stream, place order by season desc) as choice
    from ranked_distances
    group by stream, place, season, usual_volume, sample_count

),

far_volumes as (

    {#-
        As many times the median as the larger of these is: one median distance times 7.5 above it (five standard deviations), or what the detector's share
        leaves (with 0.5: half of it, or double). The lowest one is four standard deviations of a count below the median as well, by which small windows differ for
        no reason. And neither is nearer than that share to the last two of its season: a feed that grows or shrinks from week to week is not broken.
    #}
    select
        seasonal_volumes.*,
        cast(seasonal_volumes.usual_volume as numeric(18, 0)) + {{ dbt_forensics.greatest_of(
            'cast(seasonal_volumes.spread as numeric(18, 0)) * 7.5',
            'cast(seasonal_volumes.usual_volume as numeric(18, 0)) * settings.high_share'
        ) }} as far_above,
        seasonal_volumes.usual_volume - cast(
            floor(sqrt(cast(seasonal_volumes.usual_volume * 16 as {{ dbt.type_float() }}))) as {{ dbt.type_bigint() }}
        ) as low_by_chance,
        cast(coalesce(seasonal_volumes.lowest_before, seasonal_volumes.usual_volume) as numeric(18, 0))
        * (1 - settings.low_share) as low_recently,
        cast(seasonal_volumes.highest_before as numeric(18, 0)) * (1 + settings.high_share) as high_recently
    from seasonal_volumes
    inner join settings
        on seasonal_volumes.stream = settings.stream
    where seasonal_volumes.choice = 1

),

mirrored_volumes as (

    select
        *,
        cast(usual_volume as numeric(18, 0))
        * cast(coalesce({{ dbt_forensics.share_of('usual_volume', 'far_above') }}, 0) as numeric(18, 9)) as far_below
    from far_volumes

)

select
    stream,
    place,
    season,
    usual_volume,
    nonempty_count,
    sample_count,
    cast(case
        when low_by_chance <= 0 then 0
        when low_by_chance <= far_below and low_by_chance <= low_recently then low_by_chance
        when far_below <= low_recently then far_below
        else low_recently
    end as {{ number }}) as lowest_volume,
    cast({{ dbt_forensics.greatest_of('far_above', 'high_recently') }} as {{ number }}) as highest_volume
from mirrored_volumes
