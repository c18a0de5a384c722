{% test sequence_is_contiguous(model, column_name, per=none) %}
    {#-
        A source's own numbers have no gap between the smallest and the largest. Fails with one row per gap, with the numbers on both sides and how
        many are missing between them. per: columns or expressions that have numbers of their own, such as [customer_id].
    -#}
    {%- set keys = [per] if per is string else per or [] %}
    with numbers_seen as (

        select distinct
            {%- for key in keys %}
            {{ key }} as key_{{ loop.index }},
            {%- endfor %}
            {{ column_name }} as number_after
        from {{ model }}
        where {{ column_name }} is not null

    ),

    followed as (

        select
            *,
            lag(number_after) over (
                {%- if keys %}partition by {% for key in keys %}key_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %} {% endif -%}
                order by number_after
            ) as number_before
        from numbers_seen

    )

    select
        {%- for key in keys %}
        key_{{ loop.index }},
        {%- endfor %}
        number_before,
        number_after,
        number_after - number_before - 1 as missing_count
    from followed
    where number_after - number_before > 1
{% endtest %}
