-- One row per build that found rows on record gone from the relation, until they are back or nobody waits for them.
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with changes as (

    select * from {{ dbt_forensics._input('int_forensics__history_changes') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'history_deleted' and is_enabled

)

select
    changes.stream,
    'history_deleted' as detector,
    cast(null as {{ dbt.type_string() }}) as subject,
    changes.identity_text,
    changes.window_start,
    changes.window_end,
    settings.severity,
    cast(changes.row_count as {{ number }}) as observed,
    cast(0 as {{ number }}) as expected,
    changes.evidence,
    changes.first_event_at,
    changes.recorded_at as first_arrived_at,
    changes.recorded_at as last_arrived_at,
    {{ dbt_forensics._is_accepted('changes.recorded_at') }} as is_over,
    changes.recorded_at as touched_at
from changes
inner join settings
    on changes.stream = settings.stream
where changes.kind = 'deleted' and changes.row_count >= settings.threshold
