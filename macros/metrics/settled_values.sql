{% macro settled_values(moment=none) %}
    {#-
        CTEs versions, builds and settled_versions: the versions of all values, the last build of each stream, and the versions of windows that are
        settled and were seen from their end on, with observed_seconds, how long that was, and final_from, since when their value did not change. moment: an SQL expression; only what was known by then. A batch that a stream's first
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

    judged_versions as (

        select
            versions.*,
            {{ dbt_forensics.elapsed_seconds('versions.window_end', 'builds.last_built_at') }} as seconds_by_now,
            case
                when versions.window_end >= observed.first_shown_at and {{ dbt_forensics._settles_at('versions.window_end') }} <= builds.latest_event_time
                    then versions.definition_digest
            end as settled_digest
        from versions
        inner join builds
            on versions.stream = builds.stream
        inner join observed
            on versions.stream = observed.stream and versions.metric = observed.metric
        left join {{ ref('forensics__streams').render() }} as streams
            on versions.stream = streams.stream

    ),

    marked_versions as (

        {#- Marked, not joined with their own keys: PostgreSQL takes a join over four columns for one row. #}
        {%- set of_key = 'over (partition by stream, metric, window_start, dimensions)' %}
        select
            *,
            min(settled_digest) {{ of_key }} as first_digest,
            max(settled_digest) {{ of_key }} as last_digest,
            max(case when settled_digest is not null then seconds_by_now end) {{ of_key }} as observed_seconds,
            coalesce(
                max(case when settled_digest is not null and value_change <> 0 then recorded_from end) {{ of_key }},
                min(case when settled_digest is not null then recorded_from end) {{ of_key }}
            ) as final_from
        from judged_versions

    ),

    settled_versions as (

        {#- Of windows that are settled by now, and were always computed by one definition. #}
        select *
        from marked_versions
        where first_digest = last_digest

    )
{% endmacro %}
