{% macro streams_with_rows_unaccounted_for(history, ledger) %}
    {#- A select of the streams of which the last build captured other than as many rows as the ledger then met for the first time. -#}
    with captured as (

        select
            stream,
            count(*) as captured_count
        from {{ history }}
        where {{ dbt_forensics.recorded_in_this_build() }}
        group by stream

    ),

    entered as (

        select
            stream,
            count(*) as entered_count
        from {{ ledger }}
        where entry_number = 1 and {{ dbt_forensics.recorded_in_this_build() }}
        group by stream

    )

    select
        captured.stream,
        captured.captured_count,
        coalesce(entered.entered_count, 0) as entered_count
    from captured
    left join entered
        on captured.stream = entered.stream
    where captured.captured_count > coalesce(entered.entered_count, 0)
{% endmacro %}
