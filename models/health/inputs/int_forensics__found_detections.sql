-- One row per thing that the detectors see in the present state of the record.
{%- do dbt_forensics.assert_settings('ephemeral') %}
{#- The detectors of shares have a model each too: their counts are judged together by int_forensics__unusual_shares. #}
with found as (

    select * from {{ dbt_forensics._input('int_forensics__share_detections') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__constant_offset') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__distribution_shift') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__missing_window') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__volume_anomaly') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__freshness') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__repeated_batch') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__partial_batch') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__wrong_shape_load') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__schema_drift') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__history_rewritten') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__history_deleted') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__history_inserted') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__truncated_source') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__undeclared_writes') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__settled_window_restated') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__unexplained_change') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__metric_mismatch') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__unsafe_backfill') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__metric_anomaly') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__metric_flat') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__level_shift') }}
    union all
    select * from {{ dbt_forensics._input('int_forensics__dimension_vanished') }}

)

select
    {{ dbt.hash("detector || '/' || stream || '/' || coalesce(subject, '') || '/' || identity_text") }} as detection_id,
    stream,
    detector,
    subject,
    identity_text,
    window_start,
    window_end,
    severity,
    observed,
    expected,
    evidence,
    first_event_at,
    first_arrived_at,
    last_arrived_at,
    is_over,
    touched_at
from found
