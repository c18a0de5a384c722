{% test arrived_within(model, event_time, ingested_at, count, period) %}
    {#-
        Every row arrived within a time of its event. Fails with the rows that did not, or whose times are missing.
        event_time, ingested_at: columns or expressions, in one time zone. count, period: such as 3 and day (minute | hour | day).
    -#}
    {%- do dbt_forensics.after_detection() %}
    {%- do dbt_forensics._validate_period('arrived_within', 'count and period', {'count': count, 'period': period}) %}
    select *
    from {{ model }}
    where
        {{ event_time }} is null
        or {{ ingested_at }} is null
        or {{ ingested_at }} > {{ dbt_forensics.time_plus(period, count, event_time) }}
{% endtest %}
