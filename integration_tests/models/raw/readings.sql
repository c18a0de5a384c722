-- One row per reading of a sensor and upload of it.
select
    reading_id,
    sensor,
    measured_at,
    received_at,
    upload,
    degrees
from {{ ref('raw_readings') }}
