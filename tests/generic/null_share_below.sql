{% test null_share_below(model, column_name, share, per=none, min_rows=1) %}
    {#-
        Less than a share of the rows has no value in a column. Fails with one row (or one per group) where it is not so. share: such as 0.05. per: columns or
        expressions within which it is counted, such as [load_id]. min_rows: groups with less rows are not looked at.
    -#}
    {%- if share is not number or share is boolean or not 0 < share <= 1 %}
        {{ dbt_forensics._config_error('null_share_below', 'share', share, 'a number above 0, at most 1') }}
    {%- endif %}
    {%- set keys = [per] if per is string else per or [] %}
    select
        {%- for key in keys %}
        {{ key }} as key_{{ loop.index }},
        {%- endfor %}
        count(*) as row_count,
        sum(case when {{ column_name }} is null then 1 else 0 end) as null_count
    from {{ model }}
    {%- if keys %}
    group by {{ keys | join(', ') }}
    {%- endif %}
    having
        count(*) >= {{ min_rows }}
        and sum(case when {{ column_name }} is null then 1 else 0 end) >= count(*) * {{ share }}
        and count(*) > 0
{% endtest %}
