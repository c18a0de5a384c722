"""The query for the metric windows of a stream whose value has moved since it was first published.

The same value from other rows is a version too, and no change of a value.
"""

CHANGED_WINDOWS = """
with versions as (
    select * from {metric_versions} where stream = {stream} and {of_metric} and {within}
),
moments as (
    select distinct recorded_from as moment from versions
),
windows as (
    select distinct window_start, {deadline} as deadline, {settles_at} as settles_at from versions
),
points as (
    select 'moment' as kind, moment as point_at, moment, cast(null as timestamp) as window_start
    from moments
    union all
    select 'closed' as kind, deadline as point_at, cast(null as timestamp) as moment, window_start
    from windows
    union all
    select 'settled' as kind, settles_at as point_at, cast(null as timestamp) as moment, window_start
    from windows
),
followed as (
    select
        window_start, kind, point_at,
        min(moment) over (
            order by point_at desc, case when moment is null then 1 else 0 end
            rows between unbounded preceding and current row
        ) as first_moment
    from points
),
published as (
    select
        window_start,
        max(case when kind = 'closed' then {published_at} end) as published_at,
        max(case when kind = 'settled' then point_at end) as settles_at,
        max(case when kind = 'settled' then first_moment end) as shown_settled_at
    from followed
    where window_start is not null
    group by window_start
),
changed as (
    select
        versions.metric, versions.window_start, versions.dimensions,
        published.published_at, published.settles_at, published.shown_settled_at,
        max(case when recorded_from <= published_at then version else 0 end) as published_version,
        max(version) as version
    from versions
    inner join published on versions.window_start = published.window_start
    group by
        versions.metric, versions.window_start, versions.dimensions,
        published.published_at, published.settles_at, published.shown_settled_at
    having max(recorded_from) > published.published_at
),
causes as (
    select
        changed.metric, changed.window_start, changed.dimensions,
        max(case when changes.cause in {growth} then 0 else 1 end) as is_corrected,
        max(case when changes.cause = 'unexplained' then 1 else 0 end) as is_unexplained,
        max(
            case when coalesce(versions.value, 0) <> coalesce(versions.previous_value, 0) then 1 else 0 end
        ) as has_moved,
        max(
            case
                when not versions.is_settled or versions.recorded_from < changed.settles_at then 0
                when versions.recorded_from > changed.shown_settled_at then 1
                when changes.cause in ('on_time', 'late') then 0
                when changes.cause = 'correction' and changes.last_arrived_at < changed.settles_at then 0
                else 1
            end
        ) as is_restated
    from changed
    inner join {metric_changes} as changes
        on changed.metric = changes.metric and changed.window_start = changes.window_start
        and changed.dimensions = changes.dimensions and changes.version > changed.published_version
        and changes.version <= changed.version
    inner join versions
        on changes.metric = versions.metric and changes.window_start = versions.window_start
        and changes.dimensions = versions.dimensions and changes.version = versions.version
    where changes.stream = {stream}
    group by changed.metric, changed.window_start, changed.dimensions
)
select
    {stream} as stream, changed.metric, changed.window_start, latest.window_end, changed.dimensions,
    changed.published_at, changed.published_version, changed.version,
    coalesce(causes.is_restated, 0) as is_restated, coalesce(causes.is_corrected, 0) as is_corrected,
    coalesce(causes.is_unexplained, 0) as is_unexplained,
    before.value as previous_value, before.input_count as previous_input_count,
    before.recorded_from as previous_recorded_from,
    latest.value, latest.input_count, latest.recorded_from, latest.is_settled, latest.origin
from changed
inner join versions as latest
    on changed.metric = latest.metric and changed.window_start = latest.window_start
    and changed.dimensions = latest.dimensions and changed.version = latest.version
left join versions as before
    on changed.metric = before.metric and changed.window_start = before.window_start
    and changed.dimensions = before.dimensions and changed.published_version = before.version
left join causes
    on changed.metric = causes.metric and changed.window_start = causes.window_start
    and changed.dimensions = causes.dimensions
where coalesce(causes.has_moved, 1) = 1 or causes.is_unexplained = 1
order by changed.metric, changed.window_start, changed.dimensions
"""
