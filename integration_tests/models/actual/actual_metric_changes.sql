-- One row per version of a metric's value and cause of its change. Derived event ids are digests, which no seed shows.
select
    stream,
    metric,
    window_start,
    dimensions,
    version,
    cause,
    change,
    event_count,
    case when stream <> 'clicks' then sample_event_ids end as sample_event_ids,
    first_arrived_at,
    last_arrived_at
from {{ ref('forensics__metric_changes') }}
where stream <> 'notes'
