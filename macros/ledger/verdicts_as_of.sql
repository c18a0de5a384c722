{% macro verdicts_as_of(stream, as_of=none, as_of_sql=none) %}
    {#-
        A select of what was known of a stream's rows at a time: one row per row captured by then, with the columns of forensics__verdicts: the
        verdict, whether it counted, which row had won over it and why, and whether its source still had it; and as_of.
        stream: its name. as_of: a UTC time, as text or as a time of YAML; what a build recorded counts from the instant of that build on.
        as_of_sql: instead of as_of, an SQL expression that gives a timestamp in UTC.
    -#}
    {{- dbt_forensics._verdicts_as_of('verdicts_as_of', stream, as_of, as_of_sql) -}}
{%- endmacro %}


{% macro _verdicts_as_of(where, stream, as_of, as_of_sql) %}
    {%- set moment = dbt_forensics._as_of(where, as_of, as_of_sql) -%}
    {%- set relations = {
        'history': ref('forensics__event_history').render(),
        'ledger': ref('forensics__ledger').render(),
        'presence': ref('int_forensics__presence_changes').render(),
    } -%}
    {%- set stream_name = dbt_forensics._stream_on_record(where, stream) -%}
    with
    {%- for name, relation in relations.items() %}

    {{ name }}_then as (

        select *
        from {{ relation }}
        where
            stream = {{ dbt_forensics.forensics_literal(stream_name) }}
            and recorded_at <= {{ moment }}

    ),
    {%- endfor %}

    {{ dbt_forensics.described_events('history_then', 'ledger_then', 'presence_then') }}

    select
        described.*,
        {{ moment }} as as_of
    from described
{%- endmacro %}
