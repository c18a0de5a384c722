{% test has_no_conflicting_duplicates(model, event_id, content, per=none) %}
    {#-
        No two rows of one event say different things. Fails with one row per event that has more than one content.
        event_id: the column or expression that names an event. content: the columns that say what it says; NULL is a value.
        per: columns within which an event id means one event.
    -#}
    {%- do dbt_forensics.after_detection() %}
    {%- set keys = ([per] if per is string else per or []) + [event_id] %}
    {%- set contents = [content] if content is string else content %}
    with contents as (

        select distinct
            {%- for key in keys %}
            {{ key }} as key_{{ loop.index }},
            {%- endfor %}
            {%- for column in contents %}
            {{ column }} as content_{{ loop.index }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ model }}
        where {{ event_id }} is not null

    )

    select
        {%- for key in keys %}
        key_{{ loop.index }},
        {%- endfor %}
        count(*) as content_count
    from contents
    group by {% for key in keys %}key_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
    having count(*) > 1
{% endtest %}
