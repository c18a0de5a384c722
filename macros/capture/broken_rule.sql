{% macro broken_rule(stream, shape, failing=[]) %}
    {#-
        The name of the first rule that a raw row breaks, or NULL. A rule that is NULL for a row is not broken, as in a CHECK. failing: keys of rules and metrics that fail on rows, which
        are selected from tried_source(): such a row breaks `<name>_can_be_evaluated`.
    -#}
    {%- set event_time = dbt_forensics._time_sql(shape, 'event_time') -%}
    {%- set ingested_at = dbt_forensics._time_sql(shape, 'ingested_at') -%}
    {%- set rules = [] -%}
    {#- First, since an id or a time that is made of such a column is missing for that reason. -#}
    {%- for column, original in shape.original.items() -%}
        {%- do rules.append((column ~ '_keeps_its_type', original ~ ' is null or ' ~ dbt_forensics.quoted(column) ~ ' is not null')) -%}
    {%- endfor -%}
    {%- if 'event_id' in shape.roles -%}
        {%- do rules.append(('event_id_is_not_null', shape.roles.event_id.sql ~ ' is not null')) -%}
    {%- endif -%}
    {%- do rules.append(('event_time_is_not_null', event_time ~ ' is not null')) -%}
    {%- do rules.append(('ingested_at_is_not_null', ingested_at ~ ' is not null')) -%}
    {%- do rules.append(('event_time_is_plausible', dbt_forensics._is_plausible(event_time))) -%}
    {%- do rules.append(('ingested_at_is_plausible', dbt_forensics._is_plausible(ingested_at))) -%}
    {%- set asked = {} -%}
    {%- for key, expression in dbt_forensics._judging_expressions(stream, shape).items() -%}{%- do asked.update({key: expression.sql}) -%}{%- endfor -%}
    {%- for key in failing -%}
        {%- do rules.append((key.split('.')[1] ~ '_can_be_evaluated', 'forensics_succeeds_' ~ loop.index)) -%}
        {%- do asked.update({key: 'forensics_value_' ~ loop.index}) -%}
    {%- endfor -%}
    {%- for metric, definition in stream.metrics.items() if definition.agg in ['sum', 'avg', 'min', 'max'] -%}
        {%- set input = asked['metrics.' ~ metric ~ '.expr'] -%}
        {%- do rules.append((metric ~ '_is_a_number', input ~ ' is null or ' ~ dbt_forensics.exact_number(input) ~ ' is not null')) -%}
    {%- endfor -%}
    {%- for rule in stream.rules -%}
        {%- do rules.append((rule, asked['rules.' ~ rule])) -%}
    {%- endfor -%}
    case
    {%- for rule, condition in rules %}
                when not ({{ condition }}) then {{ dbt_forensics.forensics_literal(rule) }}
    {%- endfor %}
            end
{%- endmacro %}


{% macro _is_plausible(time) %}
    {#- Beyond these years a time is a mistake, and arithmetic with it may overflow. -#}
    {{ return(time ~ ' >= ' ~ dbt_forensics.earliest_time() ~ ' and ' ~ time ~ ' < ' ~ dbt_forensics.latest_time()) }}
{% endmacro %}


{% macro earliest_time() %}
    {#- The first time that can be true, as an SQL literal. -#}{{ return(dbt_forensics.timestamp_literal('1900-01-01 00:00:00')) }}{% endmacro %}


{% macro latest_time() %}
    {#- The first time after those that can be true, as an SQL literal. -#}{{ return(dbt_forensics.timestamp_literal('2200-01-01 00:00:00')) }}{% endmacro %}
