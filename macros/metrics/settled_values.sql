{% macro settled_values(moment=none) %}
    {#-
        CTEs versions, builds and settled: the versions of all values, the last build of each stream, and the keys of windows that are
        settled and were seen from their end on. moment: an SQL expression; only what was known by then. A batch that a stream's first
        build found is taken as known from its last arrival on, as the backcast does.
    -#}
    {%- set seals = ref('forensics__batch_history').render() -%}
    {%- set known = ' where recorded_from <= ' ~ moment if moment else '' %}
    versions as (

        select
            stream,
            metric,
            window_start,
            window_end,
            dimensions,
            version,
            value,
            coalesce(value, 0) - coalesce(previous_value, 0) as value_change,
            input_count,
            definition_digest,
            recorded_from,
            {% if moment -%}
            case when recorded_to <= {{ moment }} then recorded_to end as recorded_to
            {%- else -%}
            recorded_to
            {%- endif %}
        from {{ ref('forensics__metric_versions').render() }}
        {{- known }}

    ),
    {% if moment %}
    dated_seals as (

        select
            stream,
            latest_event_time,
            case
                when recorded_at > min(recorded_at) over (partition by stream) then recorded_at
                else {{ dbt_forensics.least_of('max_ingested_at', 'recorded_at') }}
            end as recorded_at
        from {{ seals }}

    ),
    {% endif %}
    builds as (

        select
            stream,
            max(recorded_at) as last_built_at,
            max(latest_event_time) as latest_event_time
        from {{ 'dated_seals where recorded_at <= ' ~ moment if moment else seals }}
        group by stream

    ),

    observed as (

        {#- A window that was over before the metric's first value had no chance to be seen settling. #}
        select
            stream,
            metric,
            min(recorded_from) as first_shown_at
        from versions
        group by stream, metric

    ),

    settled as (

        {#- The keys of windows that are settled by now, and were always computed by one definition. #}
        select
            versions.stream,
            versions.metric,
            versions.window_start,
            versions.dimensions,
            max({{ dbt_forensics.elapsed_seconds('versions.window_end', 'builds.last_built_at') }}) as observed_seconds,
            coalesce(
                max(case when versions.value_change <> 0 then versions.recorded_from end), min(versions.recorded_from)
            ) as final_from
        from versions
        inner join builds
            on versions.stream = builds.stream
        inner join observed
            on versions.stream = observed.stream and versions.metric = observed.metric
        where
            versions.window_end >= observed.first_shown_at
            and {{ dbt_forensics.settles_at('versions') }} <= builds.latest_event_time
        group by versions.stream, versions.metric, versions.window_start, versions.dimensions
        having count(distinct versions.definition_digest) = 1

    )
{% endmacro %}


{% macro settles_at(relation) %}
    {#- Timestamp: up to which event time a stream must be seen for a window to be settled; NULL for a stream that is not declared. -#}
    case {{ relation }}.stream
            {%- for stream in dbt_forensics.streams().values() %}
                when '{{ stream.name }}'
                    then {{ dbt_forensics.time_plus(stream.expected_delay.period, stream.expected_delay['count'],
                        dbt_forensics.time_plus(stream.allowed_lateness.period, stream.allowed_lateness['count'], relation ~ '.window_end')) }}
            {%- endfor %}
            end
{%- endmacro %}
