-- One row per case of the decision table that is late.
select
    setting,
    event_time,
    ingested_at,
    expected_timeliness as timeliness
from {{ ref('timeliness_cases') }}
where expected_timeliness in ('late', 'too_late')
