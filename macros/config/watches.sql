{% macro watches() %}
    {#- The declared watches, validated and completed with defaults, as {name: watch}, in their order. -#}
    {%- set declared = var('forensics_watches', {}) or {} -%}
    {%- if declared is not mapping -%}
        {{ dbt_forensics._config_error('forensics_watches', none, declared, 'a mapping of watch names to their configuration') }}
    {%- endif -%}
    {%- do dbt_forensics._validate_names_apart('forensics_watches', declared) -%}
    {%- set completed = {} -%}
    {%- for name, given in declared.items() -%}
        {%- do dbt_forensics._validate_watch(name, given) -%}
        {%- set watch = {'name': name, 'window': 'day', 'dimensions': [], 'metric': none, 'tolerance': 0} -%}
        {%- do watch.update(given) -%}
        {%- if watch.metric -%}
            {%- set stream_name, metric_name = watch.metric.split('.') -%}
            {%- do watch.update({'metric_stream': stream_name, 'metric_name': metric_name, 'window': dbt_forensics.streams()[stream_name].window}) -%}
        {%- endif -%}
        {%- do completed.update({name: watch}) -%}
    {%- endfor -%}
    {{ return(completed) }}
{% endmacro %}


{% macro _validate_watch(name, given) %}
    {%- set where = "watch '" ~ name ~ "'" -%}
    {%- do dbt_forensics._validate_name(where, 'name', name) -%}
    {%- if given is not mapping -%}
        {{ dbt_forensics._config_error(where, none, given, 'a mapping of keys to values') }}
    {%- endif -%}
    {%- set known = ['relation', 'window_start', 'dimensions', 'value', 'window', 'metric', 'tolerance'] -%}
    {%- for key in given if key not in known -%}
        {{ dbt_forensics._config_error(where, key, 'an unknown key', 'one of ' ~ known | join(', ')) }}
    {%- endfor -%}
    {%- for key in ['relation', 'window_start', 'value'] if given.get(key) is not string or not given[key] | trim -%}
        {{ dbt_forensics._config_error(where, key, given.get(key, 'nothing'), 'source.<source>.<table> or ref.<model>' if key == 'relation' else 'the name of a column') }}
    {%- endfor -%}
    {%- do dbt_forensics._validate_relation(where, given.relation) -%}
    {%- set dimensions = given.get('dimensions', []) -%}
    {%- if dimensions is string or dimensions is mapping or dimensions is not iterable or dimensions | reject('string') | list or dimensions | unique(case_sensitive=true) | list | length != dimensions | length -%}
        {{ dbt_forensics._config_error(where, 'dimensions', dimensions, 'a list of column names, each once') }}
    {%- endif -%}
    {%- if given.get('window', 'day') not in ['hour', 'day'] or ('window' in given and given.get('metric')) -%}
        {{ dbt_forensics._config_error(where, 'window', given.window, "hour or day; with a metric its stream's window is taken") }}
    {%- endif -%}
    {%- if given.get('tolerance', 0) is not number or given.get('tolerance', 0) is boolean or given.get('tolerance', 0) < 0 -%}
        {{ dbt_forensics._config_error(where, 'tolerance', given.tolerance, 'a number from 0') }}
    {%- endif -%}
    {%- if given.get('metric') -%}
        {%- do dbt_forensics._validate_watched_metric(where, given, dimensions) -%}
    {%- endif -%}
{% endmacro %}


{% macro _validate_watched_metric(where, given, dimensions) %}
    {%- set metrics = {} -%}
    {%- for stream in dbt_forensics.streams().values() -%}
        {%- for metric, definition in stream.metrics.items() -%}
            {%- do metrics.update({stream.name ~ '.' ~ metric: dbt_forensics.metric_dimensions(stream, definition)}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if given.metric not in metrics -%}
        {{ dbt_forensics._config_error(where, 'metric', given.metric, '<stream>.<metric>, one of ' ~ metrics.keys() | join(', ')) }}
    {%- endif -%}
    {%- if metrics[given.metric] | sort(case_sensitive=true) != dimensions | sort(case_sensitive=true) -%}
        {{ dbt_forensics._config_error(where, 'dimensions', dimensions | join(', ') or 'none', 'those of ' ~ given.metric ~ ': ' ~ (metrics[given.metric] | join(', ') or 'none')) }}
    {%- endif -%}
{% endmacro %}


{% macro watched_stream() %}
    {#- What stands in the column stream of a watched value's versions; no stream can have this name's meaning. -#}
    {{ return('forensics_watches') }}
{% endmacro %}


{% macro watched_relations(watches) %}
    {#- The relations of watches, through source() or ref(), so that lineage is real: a node that calls it depends on them. -#}
    {%- set relations = [] -%}
    {%- for watch in watches.values() -%}
        {%- do relations.append(dbt_forensics.stream_relation(watch)) -%}
    {%- endfor -%}
    {{ return(relations) }}
{% endmacro %}
