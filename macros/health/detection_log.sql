{% macro detection_log_columns() %}
    {#- The columns of int_forensics__detection_log with their types. -#}
    {{ return({
        'detection_id': 'text', 'detector': 'text', 'stream': 'text', 'subject': 'text', 'window_start': 'time', 'window_end': 'time', 'severity': 'text',
        'observed': 'number', 'expected': 'number', 'evidence': 'text', 'first_event_at': 'time', 'first_arrived_at': 'time', 'last_arrived_at': 'time',
        'change': 'integer', 'recorded_at': 'time',
    }) }}
{% endmacro %}


{% macro found_detections(streams, relations, clock) %}
    {#-
        CTEs, the last of them named found: everything that the detectors see in the present state. relations: {profile, windows, presence, withdrawals, seals, schema_history,
        versions, changes, log, watch_log, actions, action_rows}. clock: SQL, the time of the build.
    -#}
    windows as (

        {#- A window is news when rows of it are recorded, and when it can be judged at last: when its rows are due, and when late ones had their time. #}
        {%- set due_at = dbt_forensics.time_of_stream(streams, 'due_at', 'window_end') %}
        {%- set complete_at = dbt_forensics.time_of_stream(streams, 'settles_at', 'window_end') %}
        select
            {%- for column in dbt_forensics.window_columns() if column != 'touched_at' %}
            {{ column }},
            {%- endfor %}
            case
                when touched_at is null then null
                when is_complete and {{ complete_at }} > touched_at then {{ complete_at }}
                when is_due and {{ due_at }} > touched_at then {{ due_at }}
                else touched_at
            end as touched_at
        from {{ relations.windows }}

    ),

    {{ dbt_forensics.arrivals(streams, relations.profile) }},

    {{ dbt_forensics.offset_runs(streams, relations.profile) }},

    {{ dbt_forensics.unusual_shares(streams, relations.profile, relations.schema_history) }},

    {{ dbt_forensics.found_shares(streams, relations.profile) }},

    {{ dbt_forensics.pauses(clock) }},

    {{ dbt_forensics.usual_batches() }},

    {{ dbt_forensics.moments_of_seals(relations.presence, relations.profile, relations.seals) }},

    {{ dbt_forensics.schema_changes(streams, relations.profile, relations.schema_history) }},

    {{ dbt_forensics.history_changes(streams, relations.presence, relations.profile, relations.withdrawals) }},

    found as (

        select {{ dbt_forensics.found_columns() | join(", ") }} from found_shares
        {%- for detection in [
            dbt_forensics.constant_offset(streams),
            dbt_forensics.missing_window(streams),
            dbt_forensics.volume_anomaly(streams),
            dbt_forensics.freshness(streams, clock),
            dbt_forensics.repeated_batch(streams, clock),
            dbt_forensics.partial_batch(streams),
            dbt_forensics.wrong_shape_load(streams, clock),
            dbt_forensics.schema_drift(streams, clock),
            dbt_forensics.history_rewritten(streams, clock),
            dbt_forensics.history_deleted(streams),
            dbt_forensics.history_inserted(streams, clock),
            dbt_forensics.truncated_source(streams),
            dbt_forensics.held_source(streams),
            dbt_forensics.settled_window_restated(streams, relations.versions, relations.changes, clock),
            dbt_forensics.unexplained_change(streams, relations.versions, relations.log, relations.watch_log),
            dbt_forensics.metric_mismatch(streams, dbt_forensics.watches(), relations.versions),
            dbt_forensics.unsafe_backfill(streams, relations.profile, relations.actions, relations.action_rows),
        ] %}
        union all
        {{ detection }}
        {%- endfor %}

    )
{% endmacro %}


{% macro detection_changes(log, clock) %}
    {#-
        CTEs, the last of them named changes: what opened (+1), closed (-1) or became other than it was last seen (0) since the last build. What is seen for
        the first time opens only if something of it was recorded since the stream's last change: usual shares move, and nothing old shall
        turn up because of that. log: int_forensics__detection_log as it is, or none. Needs the CTE found.
    -#}
    identified as (

        select
            {{ dbt.hash("found.detector || '/' || found.stream || '/' || coalesce(found.subject, '') || '/' || found.identity_text") }} as detection_id,
            found.*
        from found

    ),

    on_record as (

        {% if log -%}
        select
            detection_id,
            detector,
            stream,
            subject,
            window_start,
            window_end,
            severity,
            observed,
            expected,
            evidence,
            first_event_at,
            first_arrived_at,
            last_arrived_at,
            sum(change) over (partition by detection_id) as is_open,
            row_number() over (partition by detection_id order by recorded_at desc, change) as entries_to_go,
            max(recorded_at) over (partition by stream) as stream_recorded_at
        from {{ log }}
        {%- else -%}
        {{ dbt_forensics.no_rows(dict(dbt_forensics.detection_log_columns(), is_open='integer', entries_to_go='integer', stream_recorded_at='time')) }}
        {%- endif %}

    ),

    known as (

        select *
        from on_record
        where entries_to_go = 1

    ),

    streams_on_record as (

        select
            stream,
            max(stream_recorded_at) as recorded_at
        from on_record
        group by stream

    ),

    steps as (

        select 1 as change
        union all
        select 0 as change
        union all
        select -1 as change

    ),

    {#- What is seen and what is known are read once: engines that write a CTE out wherever it is named would do all the work of detection each time. #}
    {%- set columns = dbt_forensics.detection_log_columns().keys() | reject('in', ['change', 'recorded_at']) | list %}
    compared as (

        select
            {%- for column in columns %}
            case when identified.detection_id is not null then identified.{{ column }} else known.{{ column }} end as {{ column }},
            {%- endfor %}
            identified.detection_id is null as is_gone,
            coalesce(identified.is_over, 1 = 0) as is_over,
            known.detection_id is not null as is_known,
            coalesce(known.is_open, 0) as was_open,
            known.observed as observed_before,
            known.severity as severity_before,
            known.window_end as window_end_before
        from identified
        full outer join known
            on identified.detection_id = known.detection_id
        left join streams_on_record
            on identified.stream = streams_on_record.stream
        where
            known.detection_id is not null
            or identified.touched_at is null
            or streams_on_record.recorded_at is null
            or identified.touched_at > streams_on_record.recorded_at

    ),

    changes as (

        select
            {%- for column in columns %}
            compared.{{ column }},
            {%- endfor %}
            steps.change
        from compared
        cross join steps
        where
            (steps.change = 1 and was_open = 0 and not is_gone and (not is_known or not is_over))
            or (
                steps.change = 0
                and was_open = 1
                and not is_gone
                and not is_over
                {#- How long nothing has come yet is another at each build, and no news. #}
                and ((observed <> observed_before and detector <> 'freshness') or severity <> severity_before or window_end <> window_end_before)
            )
            or (steps.change = -1 and (was_open = 1 or not is_known) and (is_gone or is_over))

    )
{% endmacro %}
