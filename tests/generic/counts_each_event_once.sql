{% test counts_each_event_once(model, event_id='event_id', effect='1', per=none) %}
    {#-
        No event counts more than once. Fails with one row per event that does.
        event_id: the column or expression that names an event. effect: what a row adds to the count, such as the ledger's
        effect; default: each row counts 1. per: columns within which an event id means one event, such as [stream].
    -#}
    {%- do dbt_forensics.after_detection() %}
    {%- set keys = ([per] if per is string else per or []) + [event_id] %}
    select
        {%- for key in keys %}
        {{ key }} as key_{{ loop.index }},
        {%- endfor %}
        sum({{ effect }}) as times_counted
    from {{ model }}
    where {{ event_id }} is not null
    group by {{ keys | join(', ') }}
    having sum({{ effect }}) > 1
{% endtest %}
