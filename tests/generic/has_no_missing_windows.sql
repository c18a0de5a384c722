{% test has_no_missing_windows(model, event_time, grain='day', from_time=none, to_time=none) %}
    {#-
        Every hour or day has a row, from the first that has one (or from_time) to the last that has one (or to_time). Fails with one row per
        window that has none. event_time: a column or expression, in UTC. grain: hour | day. from_time, to_time: SQL expressions that give timestamps,
        such as those of the last load, so that a feed that stopped is seen; 100,000 windows at most.
    -#}
    {%- if grain not in ['hour', 'day'] %}
        {{ dbt_forensics._config_error('has_no_missing_windows', 'grain', grain, 'one of hour, day') }}
    {%- endif %}
    with {{ dbt_forensics.number_rows() }},

    windows_with_rows as (

        select distinct {{ dbt_forensics.window_start(grain, event_time) }} as window_start
        from {{ model }}
        where {{ event_time }} is not null

    ),

    spans as (

        select
            {{ dbt_forensics.window_start(grain, from_time) if from_time else 'min(window_start)' }} as first_window,
            {{ dbt_forensics.window_start(grain, to_time) if to_time else 'max(window_start)' }} as last_window
        from windows_with_rows

    ),

    expected_windows as (

        select {{ dbt_forensics.time_plus(grain, 'numbers.n', 'spans.first_window') }} as window_start
        from spans
        inner join numbers
            on {{ dbt_forensics.elapsed_seconds('spans.first_window', 'spans.last_window') }} >= numbers.n * cast({{ 3600 if grain == 'hour' else 86400 }} as {{ dbt.type_bigint() }})

    )

    select
        expected_windows.window_start,
        {{ dbt_forensics.window_end(grain, 'expected_windows.window_start') }} as window_end
    from expected_windows
    left join windows_with_rows
        on expected_windows.window_start = windows_with_rows.window_start
    where windows_with_rows.window_start is null
{% endtest %}
