-- One row per version of a metric's value.
select
    stream,
    metric,
    window_start,
    window_end,
    dimensions,
    version,
    value,
    previous_value,
    input_count,
    is_current,
    is_settled,
    origin
from {{ ref('forensics__metric_versions') }}
