-- One row per column and stretch of arrivals in which its values lie elsewhere than usual.
{#-
    Compared are the values that are there: those that are not are a null_spike. The distance is the share of values that are in other bins than usual, as in the median of all
    days and builds; it is unusual as a share is: by the threshold, six times what it is commonly, and chance. Mornings are compared with mornings: what arrived in the same
    quarters of a day.
-#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
{%- set of_column = 'over (partition by stream, column_name)' %}
{%- set of_part = 'over (partition by stream, column_name, part_of_day)' %}
with profile as (

    select * from {{ ref('int_forensics__row_profile') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'distribution_shift' and is_enabled

),

counted_bins as (

    select
        profile.stream,
        {{ dbt_forensics.json_value('profile.subject', 'column') }} as column_name,
        {{ dbt_forensics.json_value('profile.subject', 'bin') }} as bin,
        profile.arrived_hour as arrived_day,
        profile.row_count,
        profile.first_event_at,
        profile.first_arrived_at,
        profile.last_arrived_at,
        profile.recorded_at
    from profile
    inner join settings
        on profile.stream = settings.stream
    where profile.measure = 'bin'

),

latest_arrivals as (

    select
        stream,
        recorded_at,
        max(max(last_arrived_at)) over (
            partition by stream order by recorded_at rows between unbounded preceding and 1 preceding
        ) as arrived_before_at
    from counted_bins
    group by stream, recorded_at

),

days_of_builds as (

    select
        stream,
        arrived_day,
        recorded_at,
        max(last_arrived_at) as last_arrived_at
    from counted_bins
    group by stream, arrived_day, recorded_at

),

sized_bins as (

    {#- What was put among rows that had arrived before is for those who look at the history. #}
    select
        counted_bins.*,
        sum(counted_bins.row_count) over (
            partition by counted_bins.stream, counted_bins.column_name, counted_bins.arrived_day, counted_bins.recorded_at
        ) as value_count
    from counted_bins
    inner join latest_arrivals
        on counted_bins.stream = latest_arrivals.stream and counted_bins.recorded_at = latest_arrivals.recorded_at
    inner join days_of_builds
        on
            counted_bins.stream = days_of_builds.stream
            and counted_bins.arrived_day = days_of_builds.arrived_day
            and counted_bins.recorded_at = days_of_builds.recorded_at
    where coalesce(days_of_builds.last_arrived_at > latest_arrivals.arrived_before_at, true)

),

bucket_bins as (

    {#- What a build recorded of a day is looked at by itself, where it is much; little of one is put together with what other builds recorded of the day. #}
    select
        stream,
        column_name,
        arrived_day,
        case when value_count >= 100 then recorded_at end as own_build,
        bin,
        sum(row_count) as row_count,
        sum(sum(row_count)) over (
            partition by stream, column_name, arrived_day, case when value_count >= 100 then recorded_at end
        ) as value_count,
        min(first_event_at) as first_event_at,
        min(first_arrived_at) as first_arrived_at,
        max(last_arrived_at) as last_arrived_at,
        min(recorded_at) as first_recorded_at,
        max(recorded_at) as recorded_at
    from sized_bins
    group by stream, column_name, arrived_day, case when value_count >= 100 then recorded_at end, bin

),

timed_bins as (

    select
        *,
        min(first_arrived_at) over (partition by stream, column_name, arrived_day, own_build) as bucket_from,
        max(last_arrived_at) over (partition by stream, column_name, arrived_day, own_build) as bucket_to
    from bucket_bins

),

shares as (

    select
        *,
        {#- From which quarter of its day to which one the bucket's rows arrived. #}
        floor({{ dbt_forensics.elapsed_seconds('arrived_day', 'bucket_from') }} / 21600.0) * 4
        + floor({{ dbt_forensics.elapsed_seconds('arrived_day', 'bucket_to') }} / 21600.0) as part_of_day,
        {{ dbt_forensics.share_of('row_count', 'value_count') }} as share,
        {#- Where a number is on a scale of its first digits and powers of ten. #}
        case
            when substr(bin, 1, 1) not in ('#', '-', '0')
                then cast(substr(bin, 1, 1) as {{ dbt.type_bigint() }}) + 9 * cast(substr(bin, 3) as {{ dbt.type_bigint() }})
        end as bin_position
    from timed_bins
    where value_count >= 50

),

buckets as (

    select
        stream,
        column_name,
        arrived_day,
        own_build,
        part_of_day,
        max(value_count) as value_count,
        max(share) as top_share,
        sum(share * bin_position) as mean_position,
        min(first_event_at) as first_event_at,
        min(first_arrived_at) as first_arrived_at,
        max(last_arrived_at) as last_arrived_at,
        min(first_recorded_at) as recorded_at,
        max(recorded_at) as touched_at
    from shares
    group by stream, column_name, arrived_day, own_build, part_of_day

),

placed_buckets as (

    select
        *,
        row_number() over (partition by stream, column_name order by last_arrived_at, first_arrived_at) as place,
        row_number() over (partition by stream, column_name, part_of_day order by top_share) as top_rank,
        count(*) {{ of_column }} as last_place,
        count(*) {{ of_part }} as bucket_count,
        abs(
            mean_position
            - lag(mean_position) over (partition by stream, column_name, part_of_day order by last_arrived_at, first_arrived_at)
        ) as step
    from buckets

),

columns_that_jump as (

    {#- Numbers that lie close together and move on by a digit at most, as a counter's do, are where they should be. #}
    select
        stream,
        column_name,
        part_of_day,
        bucket_count
    from placed_buckets
    where bucket_count >= 7
    group by stream, column_name, part_of_day, bucket_count
    having
        coalesce(max(step), 2) > 1
        or max(case when top_rank * 2 in (bucket_count, bucket_count + 1) then top_share end) < 0.8

),

ranked_shares as (

    {#- A bin that a bucket does not have has a share of 0 there. #}
    select
        shares.*,
        columns_that_jump.bucket_count,
        columns_that_jump.bucket_count - count(*) over (partition by shares.stream, shares.column_name, shares.part_of_day, shares.bin)
        + row_number() over (
            partition by shares.stream, shares.column_name, shares.part_of_day, shares.bin order by shares.share
        ) as rank_among
    from shares
    inner join columns_that_jump
        on
            shares.stream = columns_that_jump.stream
            and shares.column_name = columns_that_jump.column_name
            and shares.part_of_day = columns_that_jump.part_of_day

),

usual_shares as (

    select
        *,
        coalesce(
            max(case when rank_among * 2 in (bucket_count, bucket_count + 1) then share end)
                over (partition by stream, column_name, part_of_day, bin),
            0
        ) as usual_share
    from ranked_shares

),

bins_in_use as (

    select
        stream,
        column_name,
        part_of_day,
        count(distinct case when usual_share >= 0.02 then bin end) as bin_count
    from usual_shares
    group by stream, column_name, part_of_day

),

distances as (

    select
        stream,
        column_name,
        arrived_day,
        own_build,
        1 - sum({{ dbt_forensics.least_of('share', 'usual_share') }}) as distance
    from usual_shares
    group by stream, column_name, arrived_day, own_build

),

ranked_distances as (

    select
        placed_buckets.*,
        distances.distance,
        row_number() over (
            partition by placed_buckets.stream, placed_buckets.column_name, placed_buckets.part_of_day order by distances.distance
        ) as rank_among
    from placed_buckets
    inner join distances
        on
            placed_buckets.stream = distances.stream
            and placed_buckets.column_name = distances.column_name
            and placed_buckets.arrived_day = distances.arrived_day
            and {{ dbt_forensics.is_same('placed_buckets.own_build', 'distances.own_build') }}

),

usual_distances as (

    select
        *,
        max(case when rank_among * 2 in (bucket_count, bucket_count + 1) then distance end) {{ of_part }} as usual_distance,
        max(case when rank_among * 4 >= bucket_count * 3 and (rank_among - 1) * 4 < bucket_count * 3 then distance end)
            {{ of_part }} as high_distance
    from ranked_distances

),

unusual as (

    select
        usual_distances.*,
        settings.threshold,
        settings.severity,
        settings.window_period,
        settings.window_minutes,
        usual_distances.place - row_number() over (
            partition by usual_distances.stream, usual_distances.column_name order by usual_distances.place
        ) as run
    from usual_distances
    inner join settings
        on usual_distances.stream = settings.stream
    inner join bins_in_use
        on
            usual_distances.stream = bins_in_use.stream
            and usual_distances.column_name = bins_in_use.column_name
            and usual_distances.part_of_day = bins_in_use.part_of_day
    where
        usual_distances.distance > usual_distances.usual_distance + settings.threshold
        and usual_distances.distance - usual_distances.usual_distance > (usual_distances.high_distance - usual_distances.usual_distance) * 6
        and {{ dbt_forensics.is_beyond_chance(
            'usual_distances.distance', 'usual_distances.usual_distance', 'usual_distances.value_count'
        ) }}
        {#- Few values in many bins are far from any others: as 0.4 times the root of bins by values, and four times 0.3 by the root of values. #}
        and cast(usual_distances.distance as numeric(12, 6)) * cast(usual_distances.distance as numeric(12, 6))
        * cast(usual_distances.value_count as numeric(14, 0)) > 0.32 * bins_in_use.bin_count + 2.9

),

runs as (

    select
        stream,
        column_name,
        severity,
        window_period,
        window_minutes,
        max(distance) as distance,
        max(usual_distance) as usual_distance,
        sum(value_count) as value_count,
        min(arrived_day) as first_day,
        max(arrived_day) as last_day,
        min(recorded_at) as first_recorded_at,
        max(touched_at) as touched_at,
        min(first_event_at) as first_event_at,
        min(first_arrived_at) as first_arrived_at,
        max(last_arrived_at) as last_arrived_at,
        max(place) < max(last_place) as is_over
    from unusual
    group by stream, column_name, severity, window_period, window_minutes, run

),

windows_of_runs as (

    {#- Of all rows that arrived and were recorded meanwhile. #}
    select
        runs.stream,
        runs.column_name,
        runs.first_arrived_at,
        profile.window_start,
        sum(profile.row_count) as row_count,
        sum(sum(profile.row_count)) over (partition by runs.stream, runs.column_name, runs.first_arrived_at) as total_count
    from runs
    inner join profile
        on
            runs.stream = profile.stream
            and runs.first_day <= profile.arrived_hour
            and runs.last_arrived_at >= profile.arrived_hour
            and profile.recorded_at between runs.first_recorded_at and runs.touched_at
    where profile.measure = 'rows' and profile.window_start is not null
    group by runs.stream, runs.column_name, runs.first_arrived_at, profile.window_start

),

dated_runs as (

    {#- The windows are those that hold a tenth of the rows. #}
    select
        stream,
        column_name,
        first_arrived_at,
        min(case when row_count * 10 >= total_count then window_start end) as first_window,
        max(case when row_count * 10 >= total_count then window_start end) as last_window
    from windows_of_runs
    group by stream, column_name, first_arrived_at

)

select
    runs.stream,
    'distribution_shift' as detector,
    runs.column_name as subject,
    {{ dbt_forensics.canonical_text('runs.first_arrived_at', dbt.type_timestamp()) }} as identity_text,
    coalesce(dated_runs.first_window, {{ dbt_forensics._start_of_window('runs.first_event_at', 'runs') }}) as window_start,
    {{ dbt_forensics._end_of_window('coalesce(dated_runs.last_window, runs.last_arrived_at)', 'runs') }} as window_end,
    runs.severity,
    cast(runs.distance as {{ number }}) as observed,
    cast(runs.usual_distance as {{ number }}) as expected,
    {{ dbt_forensics.evidence({'values_counted': 'runs.value_count'}, {'subject': 'runs.column_name'}) }} as evidence,
    runs.first_event_at,
    runs.first_arrived_at,
    runs.last_arrived_at,
    runs.is_over,
    runs.touched_at
from runs
left join dated_runs
    on runs.stream = dated_runs.stream and runs.column_name = dated_runs.column_name and runs.first_arrived_at = dated_runs.first_arrived_at
