{% macro metric_parts(stream, definition) %}
    {#-
        What a metric's value is made of: {sum: part, number: part, where}. A part: {kind, expr, where}, of which kind is added
        (numbers add up), counted (inputs that have a number), rows (inputs), distinct (different values), least or greatest (of the numbers).
        sum_of_numbers and number_count of the metric's log are the running totals of the two parts' changes: for a kind that does
        not add up, a change is the difference between two states (see metric_states). where: which entries are inputs at all.
    -#}
    {%- set where = definition.where | default(none) -%}
    {%- if definition.agg == 'ratio' -%}
        {%- set numerator, denominator = stream.metrics[definition.numerator], stream.metrics[definition.denominator] -%}
        {%- set conditions = [numerator.where | default('1 = 1'), denominator.where | default('1 = 1')] | unique(case_sensitive=true) | list -%}
        {{ return({
            'sum': dbt_forensics._value_part(numerator), 'number': dbt_forensics._value_part(denominator),
            'where': '(' ~ conditions | join(') or (') ~ ')',
        }) }}
    {%- endif -%}
    {%- set second = {'count_distinct': 'distinct', 'min': 'distinct', 'max': 'distinct', 'count': 'rows'}.get(definition.agg, 'counted') -%}
    {{ return({
        'sum': dbt_forensics._value_part(definition, where=none),
        'number': {'kind': second, 'expr': definition.expr, 'where': none, 'is_number': definition.agg != 'count_distinct'},
        'where': where,
    }) }}
{% endmacro %}


{% macro _value_part(definition, where='as defined') %}
    {#- The part that is the value of a metric by itself. -#}
    {%- set kind = {'sum': 'added', 'avg': 'added', 'count': 'rows', 'count_distinct': 'distinct', 'min': 'least', 'max': 'greatest'}[definition.agg] -%}
    {{ return({
        'kind': kind, 'expr': definition.expr, 'is_number': definition.agg != 'count_distinct',
        'where': definition.where | default(none) if where == 'as defined' else none,
    }) }}
{% endmacro %}


{% macro adds_up(part) %}
    {#- Whether the changes of a part follow from the new entries alone. -#}
    {{ return(part.kind in ['added', 'counted', 'rows']) }}
{% endmacro %}


{% macro metric_dimensions(stream, definition) %}
    {#- The columns by which a metric is split; those of its numerator for a ratio. -#}
    {%- set given = stream.metrics[definition.numerator] if definition.agg == 'ratio' else definition -%}
    {{ return(given.dimensions | default([])) }}
{% endmacro %}
