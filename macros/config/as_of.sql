{% macro _as_of(where, as_of, as_of_sql) %}
    {#- The time at which something is looked at, as an SQL expression: from a UTC time that someone wrote, or from their SQL. -#}
    {%- if (as_of is none) == (as_of_sql is none) -%}
        {{ dbt_forensics._config_error(where, 'as_of', 'nothing' if as_of is none else 'as_of and as_of_sql', 'one of as_of (a UTC time such as 2026-01-05 12:00:00) and as_of_sql (an SQL expression)') }}
    {%- elif as_of_sql is none -%}
        {{ return(dbt_forensics.timestamp_literal(dbt_forensics.utc_time_text(where, 'as_of', as_of))) }}
    {%- elif as_of_sql is not string or not as_of_sql | trim -%}
        {{ dbt_forensics._config_error(where, 'as_of_sql', as_of_sql, 'an SQL expression, as text') }}
    {%- endif -%}
    {{ return('cast((' ~ as_of_sql ~ ') as ' ~ dbt.type_timestamp() ~ ')') }}
{% endmacro %}


{% macro _stream_on_record(where, stream) %}
    {#- The name of a stream that is declared, or was when something was recorded. -#}
    {%- set declared = dbt_forensics.streams().keys() | list -%}
    {%- if execute and stream not in declared -%}
        {%- set history = dbt_forensics._existing('forensics__event_history') -%}
        {%- if not history or not run_query('select 1 from ' ~ history ~ ' where stream = ' ~ dbt_forensics.forensics_literal(stream) ~ ' limit 1').rows -%}
            {{ dbt_forensics._config_error(where, 'stream', stream, 'a stream that is declared (' ~ (declared | join(', ') or 'none is') ~ ') or on record') }}
        {%- endif -%}
    {%- endif -%}
    {{ return(stream) }}
{% endmacro %}


{% macro _stream_with_metric(where, metric, stream) %}
    {#- The name of the one stream that has a metric: among those declared, else among those on record. While parsing, none is looked for. -#}
    {%- if not execute -%}{{ return(stream or '') }}{%- endif -%}
    {%- set declared, known = [], [] -%}
    {%- for candidate in dbt_forensics.streams().values() if stream in [none, candidate.name] -%}
        {%- do known.extend(candidate.metrics.keys()) -%}
        {%- if metric in candidate.metrics -%}{%- do declared.append(candidate.name) -%}{%- endif -%}
    {%- endfor -%}
    {%- if stream in [none, dbt_forensics.watched_stream()] and metric in dbt_forensics.watches() -%}{%- do declared.append(dbt_forensics.watched_stream()) -%}{%- endif -%}
    {%- if not declared -%}
        {%- set log = dbt_forensics._existing('int_forensics__metric_log') -%}
        {%- if log -%}
            {%- set of_metric = 'select distinct stream from ' ~ log ~ ' where metric = ' ~ dbt_forensics.forensics_literal(metric) -%}
            {%- for row in run_query(of_metric ~ ' order by 1').rows if stream in [none, row[0]] -%}{%- do declared.append(row[0]) -%}{%- endfor -%}
        {%- endif -%}
    {%- endif -%}
    {%- if declared | length == 1 -%}
        {{ return(declared[0]) }}
    {%- elif declared -%}
        {{ dbt_forensics._config_error(where, 'stream', 'nothing, and several streams have a metric ' ~ metric, 'one of ' ~ declared | join(', ')) }}
    {%- endif -%}
    {%- set of_stream = ' of stream ' ~ stream if stream else '' -%}
    {{ dbt_forensics._config_error(where, 'metric', metric ~ of_stream, 'a metric that is declared (' ~ (known | unique(case_sensitive=true) | join(', ') or 'none is') ~ ') or on record') }}
{% endmacro %}
