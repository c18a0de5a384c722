{% macro events_as_of(stream, as_of=none, as_of_sql=none) %}
    {#- A select of the events of a stream that counted at a time: the columns of forensics__events, and as_of. The arguments are those of verdicts_as_of. -#}
    {%- set verdicts = dbt_forensics._verdicts_as_of('events_as_of', stream, as_of, as_of_sql) -%}
    {{- dbt_forensics._counted_events('(' ~ verdicts ~ ') as verdicts', also=['as_of']) -}}
{%- endmacro %}
