-- One row per day, and stream where the calendar names one, that forensics_calendar gives a name.
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set calendar = ref('forensics_calendar') %}
{%- set is_there = not execute or model.resource_type != 'model' or load_relation(calendar) is not none %}
with calendar as (

    {% if is_there -%}
    select
        {% if dbt_forensics._has_column(calendar, 'stream') -%}
        cast(stream as {{ dbt.type_string() }}) as stream,
        {%- else -%}
        cast(null as {{ dbt.type_string() }}) as stream,
        {%- endif %}
        {{ dbt_forensics.utc_timestamp('cast(date as ' ~ dbt.type_string() ~ ')') }} as day_start,
        cast(name as {{ dbt.type_string() }}) as name
    from {{ calendar }}
    {%- else -%}
    {#- dbt run before the first dbt seed. #}
    {{ dbt_forensics.no_rows({'stream': 'text', 'day_start': 'time', 'name': 'text'}) }}
    {%- endif %}

)

select
    stream,
    day_start,
    min(name) as name
from calendar
where name is not null and day_start is not null
group by stream, day_start
