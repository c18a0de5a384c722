-- One row per stretch of hours of arrival, or of windows, in which a share of the rows is unusual.
{#-
    A share is unusual if at least ten rows are concerned, and it is above the stream's median by more than the detector's threshold, by more than six times what
    it is commonly above it (the upper quartile; beyond what is tolerated), and by more than chance does (five standard deviations of a share of so many rows).
    Hours and windows with fewer than twenty rows are not looked at; a stream with fewer than ten such hours, or seven such windows, is too new to tell.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with windows as (

    select * from {{ dbt_forensics._input('int_forensics__judged_windows') }}

),

hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

),

columns_seen as (

    select * from {{ ref('forensics__schema_history') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where is_enabled

),

counted_shares as (

    select * from {{ dbt_forensics._input('int_forensics__duplicate_storm') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__conflicting_duplicates') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__clock_skew') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__null_spike') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__value_out_of_range') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__unparseable_payload') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__hot_entity') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__late_surge') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__out_of_order_surge') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__sequence_gap') }}

),

sizes as (

    select
        stream,
        'hour' as grain,
        arrived_hour as bucket_start,
        row_count
    from hourly
    where measure = 'rows'
    union all
    select
        stream,
        'window' as grain,
        window_start as bucket_start,
        row_count
    from windows
    union all
    select
        stream,
        'day' as grain,
        {{ dbt_forensics.window_start('day', 'window_start') }} as bucket_start,
        sum(row_count) as row_count
    from windows
    where window_period = 'hour'
    group by stream, {{ dbt_forensics.window_start('day', 'window_start') }}

),

buckets as (

    select
        *,
        row_number() over (partition by stream, grain order by bucket_start) as place,
        count(*) over (partition by stream, grain) as last_place
    from sizes
    where row_count >= 20

),

first_columns as (

    select
        stream,
        min(dbt_valid_from) as first_at
    from columns_seen
    group by stream

),

first_arrivals as (

    select
        stream,
        min(first_arrived_at) as first_arrived_at
    from hourly
    where measure = 'rows'
    group by stream

),

younger_measures as (

    {#- A column that is younger than the stream had no values before, and what began before the stream's first arrival was late for nobody. #}
    select
        columns_seen.stream,
        'hour' as grain,
        'null' as measure,
        columns_seen.column_name as subject,
        min(columns_seen.dbt_valid_from) as known_from
    from columns_seen
    inner join first_columns
        on columns_seen.stream = first_columns.stream
    group by columns_seen.stream, columns_seen.column_name, first_columns.first_at
    having min(columns_seen.dbt_valid_from) > first_columns.first_at
    union all
    select
        stream,
        'window' as grain,
        'late' as measure,
        '' as subject,
        first_arrived_at as known_from
    from first_arrivals

),

looked_at as (

    select
        younger_measures.stream,
        younger_measures.grain,
        younger_measures.measure,
        younger_measures.subject,
        younger_measures.known_from,
        count(buckets.stream) as bucket_count
    from younger_measures
    left join buckets
        on
            younger_measures.stream = buckets.stream
            and younger_measures.grain = buckets.grain
            and younger_measures.known_from <= buckets.bucket_start
    group by
        younger_measures.stream, younger_measures.grain, younger_measures.measure, younger_measures.subject, younger_measures.known_from

),

shares as (

    select
        counted_shares.stream,
        counted_shares.detector,
        counted_shares.grain,
        counted_shares.measure,
        counted_shares.subject,
        counted_shares.bucket_start,
        counted_shares.part,
        counted_shares.whole,
        counted_shares.tolerated,
        counted_shares.touched_at,
        settings.severity,
        settings.threshold,
        buckets.place,
        buckets.last_place,
        coalesce(looked_at.bucket_count, buckets.last_place) as bucket_count,
        case when counted_shares.detector = 'hot_entity' then '' else coalesce(counted_shares.subject, '') end as usual_of,
        {{ dbt_forensics.share_of('counted_shares.part', 'counted_shares.whole') }} as share
    from counted_shares
    inner join settings
        on counted_shares.stream = settings.stream and counted_shares.detector = settings.detector
    inner join buckets
        on
            counted_shares.stream = buckets.stream
            and counted_shares.grain = buckets.grain
            and counted_shares.bucket_start = buckets.bucket_start
    left join looked_at
        on
            counted_shares.stream = looked_at.stream
            and counted_shares.grain = looked_at.grain
            and counted_shares.measure = looked_at.measure
            and coalesce(counted_shares.subject, '') = looked_at.subject
    where counted_shares.part > 0 and coalesce(counted_shares.bucket_start >= looked_at.known_from, true)

),

ranked_shares as (

    {#- Where a detector counted nothing its share is 0: those hours and windows are before all others in order. #}
    select
        *,
        bucket_count - count(*) over (partition by stream, detector, grain, usual_of)
        + row_number() over (partition by stream, detector, grain, usual_of order by share) as rank_among
    from shares

),

usual_shares as (

    {%- set of = 'over (partition by stream, detector, grain, usual_of)' %}
    select
        *,
        coalesce(max(case when rank_among * 2 in (bucket_count, bucket_count + 1) then share end) {{ of }}, 0) as usual_share,
        coalesce(
            max(case when rank_among * 4 >= bucket_count * 3 and (rank_among - 1) * 4 < bucket_count * 3 then share end) {{ of }}, 0
        ) as high_share
    from ranked_shares

),

unusual as (

    select
        *,
        place - row_number() over (partition by stream, detector, grain, coalesce(subject, '') order by place) as run
    from usual_shares
    where
        part >= 10
        and bucket_count >= case when grain = 'hour' then 10 else 7 end
        and share > usual_share + threshold + tolerated
        and share - usual_share - tolerated > (high_share - usual_share - tolerated) * 6
        and {{ dbt_forensics.is_beyond_chance('share', 'usual_share', 'whole') }}

)

select
    stream,
    detector,
    grain,
    measure,
    subject,
    min(severity) as severity,
    min(bucket_start) as first_bucket,
    max(bucket_start) as last_bucket,
    sum(part) as part,
    sum(whole) as whole,
    min(usual_share) as usual_share,
    max(touched_at) as touched_at,
    {#- Numbers that are missing are missing until they come; all else is over when what comes after it is as usual. #}
    max(place) < max(last_place) and detector <> 'sequence_gap' as is_over
from unusual
group by stream, detector, grain, measure, subject, run
