{% macro report_nothing_to_read(streams) %}
    {#- Says that no stream is declared, or that --empty shows nothing. -#}
    {%- if execute and not streams -%}
        {%- do log(
            'dbt_forensics: no stream is declared, so nothing is recorded. Declare one in dbt_project.yml: '
            ~ 'vars: {forensics_streams: {orders: {relation: source.shop.order_events, event_id: event_id, event_time: occurred_at, ingested_at: loaded_at}}}; '
            ~ '`dbt-forensics init` writes it for a relation.', info=true) -%}
    {%- elif execute -%}
        {%- do log('dbt_forensics: --empty or --sample shows a part of the rows of each relation, so this build concludes and records nothing.', info=true) -%}
    {%- endif -%}
{% endmacro %}
