{% test is_reproducible_as_of(model, metric, as_of=none, stream=none, as_of_sql=none) %}
    {#-
        On forensics__metric_versions: what a metric showed at a time is what history and ledger, as known then, give again, to the last
        digit. Fails with one row per value that they do not.
        metric: its name. as_of: a UTC time. stream: needed where several streams have a metric of this name. as_of_sql: instead of as_of,
        an SQL expression that gives a timestamp in UTC.
    -#}
    {%- do dbt_forensics.after_detection() %}
    {%- if not dbt_forensics.is_built_here() -%}{{ return(dbt_forensics.no_rows({'stream': 'text'})) }}{%- endif %}
    {%- set moment = dbt_forensics._as_of('is_reproducible_as_of', as_of, as_of_sql) %}
    {%- set streams = dbt_forensics.streams() %}
    {%- set relations = dbt_forensics.stream_relations(streams) + [ref('int_forensics__metric_log')] %}
    {%- set ledger = ref('forensics__ledger').render() %}
    {%- set history = ref('forensics__event_history').render() %}
    {%- set log = ref('int_forensics__metric_log').render() %}
    {%- set name = dbt_forensics._stream_with_metric('is_reproducible_as_of', metric, stream) %}
    {%- if execute and metric not in streams.get(name, {}).get('metrics', {}) %}
        {{ dbt_forensics._config_error('is_reproducible_as_of', 'metric', metric ~ ', which no stream declares', 'a metric of which the definition is known') }}
    {%- endif %}
    {%- if dbt_forensics.can_read(relations) %}
    {{ dbt_forensics.irreproducible_values_as_of(streams[name], metric, moment, ledger, history, log) }}
    {%- else %}
    {{ dbt_forensics.no_rows({'stream': 'text'}) }}
    {%- endif %}
{% endtest %}
