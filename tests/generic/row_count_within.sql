{% test row_count_within(model, min_rows=none, max_rows=none, per=none) %}
    {#-
        The number of rows is within bounds, both included. Fails with one row (or one per group) where it is not. min_rows, max_rows: whole numbers, at least
        one of them. per: columns or expressions within which rows are counted; a group without any row is not seen.
    -#}
    {%- if min_rows is none and max_rows is none %}
        {{ dbt_forensics._config_error('row_count_within', 'min_rows and max_rows', 'nothing', 'a whole number from 0 for at least one of them') }}
    {%- endif %}
    {%- for name, bound in {'min_rows': min_rows, 'max_rows': max_rows}.items() if bound is not none and (bound is not integer or bound is boolean or bound < 0) %}
        {{ dbt_forensics._config_error('row_count_within', name, bound, 'a whole number from 0') }}
    {%- endfor %}
    {%- set keys = [per] if per is string else per or [] %}
    select
        {%- for key in keys %}
        {{ key }} as key_{{ loop.index }},
        {%- endfor %}
        count(*) as row_count
    from {{ model }}
    {%- if keys %}
    group by {{ keys | join(', ') }}
    {%- endif %}
    having
        1 = 0
        {%- if min_rows is not none %}
        or count(*) < {{ min_rows }}
        {%- endif %}
        {%- if max_rows is not none %}
        or count(*) > {{ max_rows }}
        {%- endif %}
{% endtest %}
