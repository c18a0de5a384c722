-- One row per stream, or metric of a stream, that the last build left out because it could not be read or computed.
{{ config(materialized='table') }}
{%- do dbt_forensics.assert_settings('table') %}
{%- do dbt_forensics.take_turn() %}
{%- set dirty = ref('int_forensics__dirty_batches') %}
{#- What was to be computed is known when the metrics are through. #}
{%- set log = ref('int_forensics__metric_log') %}
{%- set streams = dbt_forensics.streams() %}
{%- set can_read = dbt_forensics.can_read(dbt_forensics.stream_relations(streams) + [dirty, log]) %}
with unread_streams as (

    {% if can_read -%}
    select
        stream,
        config_key,
        reason,
        recorded_at
    from {{ dirty.render() }}
    where difference = 'unread'
    {%- else -%}
    {{ dbt_forensics.no_rows(dict({'stream': 'text'}, **dbt_forensics.unread_columns())) }}
    {%- endif %}

),

metrics_left_out as (
    {% for name, problem in (dbt_forensics.metrics_left_out(streams) if can_read else {}).items() %}
    select
        cast('{{ name[0] }}' as {{ dbt.type_string() }}) as stream,
        cast({{ dbt_forensics.forensics_literal(problem.key) }} as {{ dbt.type_string() }}) as config_key,
        cast({{ dbt_forensics.forensics_literal(problem.reason) }} as {{ dbt.type_string() }}) as reason,
        {{ dbt_forensics.concluded_at() }} as recorded_at
    {{- '\n    union all' if not loop.last }}
    {%- else %}
    {{ dbt_forensics.no_rows(dict({'stream': 'text'}, **dbt_forensics.unread_columns())) }}
    {%- endfor %}

)

select * from unread_streams
union all
select * from metrics_left_out
