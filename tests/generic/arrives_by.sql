{% test arrives_by(model, event_time, ingested_at, count, period, grain='day', by_time=none) %}
    {#-
        Each hour or day has a row that arrived by its deadline: a time after its end. Fails with one row per window that has none; a window without any row
        fails too, between the first and the last that have one, or up to by_time. event_time, ingested_at: columns or expressions, in UTC. count, period: the
        time, such as 6 and hour. by_time: an SQL expression; windows whose deadline is after it are not due yet. Default: the latest arrival.
    -#}
    {%- do dbt_forensics._validate_period('arrives_by', 'count and period', {'count': count, 'period': period}) %}
    {%- if grain not in ['hour', 'day'] %}
        {{ dbt_forensics._config_error('arrives_by', 'grain', grain, 'one of hour, day') }}
    {%- endif %}
    with {{ dbt_forensics.number_rows() }},

    arrivals as (

        select
            {{ dbt_forensics.window_start(grain, event_time) }} as window_start,
            min({{ ingested_at }}) as first_arrived_at
        from {{ model }}
        where {{ event_time }} is not null
        group by 1

    ),

    spans as (

        select
            min(window_start) as first_window,
            {%- if by_time %}
            {{ by_time }} as seen_to
            {%- else %}
            (select max({{ ingested_at }}) from {{ model }}) as seen_to
            {%- endif %}
        from arrivals

    ),

    expected_windows as (

        select
            {{ dbt_forensics.time_plus(grain, 'numbers.n', 'spans.first_window') }} as window_start,
            spans.seen_to
        from spans
        inner join numbers
            on {{ dbt_forensics.elapsed_seconds('spans.first_window', 'spans.seen_to') }} >= numbers.n * cast({{ 3600 if grain == 'hour' else 86400 }} as {{ dbt.type_bigint() }})

    ),

    deadlines as (

        select
            window_start,
            seen_to,
            {{ dbt_forensics.time_plus(period, count, dbt_forensics.window_end(grain, 'window_start')) }} as deadline
        from expected_windows

    )

    select
        deadlines.window_start,
        deadlines.deadline,
        arrivals.first_arrived_at
    from deadlines
    left join arrivals
        on deadlines.window_start = arrivals.window_start
    where
        deadlines.deadline <= deadlines.seen_to
        and (arrivals.first_arrived_at is null or arrivals.first_arrived_at > deadlines.deadline)
{% endtest %}
