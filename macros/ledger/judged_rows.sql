{% macro judged_rows(streams, history, last_recorded_at) %}
    {#-
        A select of the captured rows that the ledger does not know yet, each judged by itself: its timeliness, and whether it
        is held back (a broken rule, or too late where these are excluded). last_recorded_at: SQL literal, or none.
    -#}
    {%- for stream in streams.values() %}
    select
        stream,
        row_key,
        event_id,
        {{ dbt_forensics.event_key() }} as event_key,
        event_time,
        ingested_at,
        effective_at,
        recorded_at,
        broken_rule,
        {{ dbt_forensics.timeliness(stream) }} as timeliness,
        cast('{{ stream.on_conflict }}' as {{ dbt.type_string() }}) as on_conflict,
        cast('{{ stream.too_late }}' as {{ dbt.type_string() }}) as too_late
    from {{ history }}
    where stream = '{{ stream.name }}'{% if last_recorded_at %} and recorded_at > {{ last_recorded_at }}{% endif %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}
