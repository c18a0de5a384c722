{% macro late_rows(relation, event_time, ingested_at, window='day', expected_delay=none, allowed_lateness=none) %}
    {#-
        A select of the rows of a relation that arrived after their deadline (the end of their window plus expected_delay), with
        window_start, lateness_seconds (arrival less event time, signed) and timeliness: late, or too_late beyond allowed_lateness.
        event_time, ingested_at: timestamps in UTC, as columns or expressions. window: hour | day. expected_delay, allowed_lateness: such as
        {count: 1, period: hour}; default: one hour and three days.
    -#}
    {%- set stream = {
        'window': window,
        'expected_delay': expected_delay or {'count': 1, 'period': 'hour'},
        'allowed_lateness': allowed_lateness or {'count': 3, 'period': 'day'},
        'clock_skew': {'count': 0, 'period': 'minute'},
    } -%}
    {%- if window not in ['hour', 'day'] -%}
        {{ dbt_forensics._config_error('late_rows', 'window', window, 'one of hour, day') }}
    {%- endif -%}
    {%- do dbt_forensics._validate_period('late_rows', 'expected_delay', stream.expected_delay) -%}
    {%- do dbt_forensics._validate_period('late_rows', 'allowed_lateness', stream.allowed_lateness) -%}
    {%- do dbt_forensics.refuse_columns('late_rows', relation, ['window_start', 'lateness_seconds', 'timeliness']) -%}
    with timed_rows as (

        select
            source_rows.*,
            {{ dbt_forensics.window_start(window, event_time) }} as window_start,
            {{ dbt_forensics.elapsed_seconds(event_time, ingested_at) }} as lateness_seconds,
            {{ dbt_forensics.timeliness(stream, event_time, ingested_at) }} as timeliness
        from {{ relation }} as source_rows

    )

    select *
    from timed_rows
    where timeliness in ('late', 'too_late')
{% endmacro %}
