{% macro metric_as_of(metric, as_of=none, stream=none, as_of_sql=none) %}
    {#-
        A select of what a metric showed at a time: one row per window and dimensions that had a value then, as it was published.
        metric: its name. as_of: a UTC time, as text or as a time of YAML; a version counts from the instant of its build on.
        stream: needed where several streams have a metric of this name. as_of_sql: instead of as_of, an SQL expression that gives a
        timestamp in UTC.
    -#}
    {%- set moment = dbt_forensics._as_of('metric_as_of', as_of, as_of_sql) -%}
    {%- set versions = ref('forensics__metric_versions').render() -%}
    {%- set stream_name = dbt_forensics._stream_with_metric('metric_as_of', metric, stream) -%}
    select
        versions.stream,
        versions.metric,
        versions.window_start,
        versions.window_end,
        versions.dimensions,
        versions.version,
        versions.value,
        versions.previous_value,
        versions.input_count,
        versions.unknown_count,
        versions.unknown_reason,
        versions.inputs_digest,
        versions.definition_digest,
        versions.origin,
        versions.recorded_from,
        versions.is_settled,
        {{ moment }} as as_of
    from {{ versions }} as versions
    where
        versions.stream = {{ dbt_forensics.forensics_literal(stream_name) }}
        and versions.metric = {{ dbt_forensics.forensics_literal(metric) }}
        and versions.recorded_from <= {{ moment }}
        and (versions.recorded_to > {{ moment }} or versions.recorded_to is null)
{%- endmacro %}
