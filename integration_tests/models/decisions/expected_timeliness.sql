-- One row per case of the decision table.
select
    setting,
    event_time,
    ingested_at,
    expected_timeliness as timeliness
from {{ ref('timeliness_cases') }}
