{% macro sequence_gap(streams, profile) %}
    {#-
        Sequence numbers that are missing, of those that a window should have, from when its rows should be there. Until late rows had their time, twice as many may be
        missing as rows of the stream are commonly late.
    -#}
    select
            windows.stream,
            cast(null as {{ dbt.type_string() }}) as subject,
            windows.window_start as bucket_start,
            windows.missing_number_count as part,
            windows.row_count + windows.missing_number_count as whole,
            case when windows.is_complete then 0 else coalesce({{ dbt_forensics.share_of('windows.late_of_stream', 'windows.rows_of_stream') }}, 0) * 2 end as tolerated,
            windows.touched_at
        from (
            select
                *,
                sum(late_count) over (partition by stream) as late_of_stream,
                sum(row_count) over (partition by stream) as rows_of_stream
            from windows
        ) as windows
        where windows.missing_number_count > 0 and windows.is_due
{%- endmacro %}


{% macro sequence_gap_of_a_day(streams, profile) %}
    {#- The same of a day's windows, where these are shorter: of those in which too few numbers are missing to be told from each window alone. -#}
    {%- set day = dbt_forensics.window_start('day', 'windows.window_start') %}
    select
            windows.stream,
            cast(null as {{ dbt.type_string() }}) as subject,
            {{ day }} as bucket_start,
            sum(gaps.part) as part,
            sum(windows.row_count) + sum(gaps.part) as whole,
            max(gaps.tolerated) as tolerated,
            max(gaps.touched_at) as touched_at
        from windows
        left join ({{ dbt_forensics.sequence_gap(streams, profile) }}) as gaps
            on windows.stream = gaps.stream and windows.window_start = gaps.bucket_start and gaps.part < 10
        where windows.is_due and {{ dbt_forensics.is_one_of('windows.stream', streams.values() | selectattr('window', 'equalto', 'hour') | map(attribute='name') | list) }}
        group by windows.stream, {{ day }}
        having sum(gaps.part) > 0
{%- endmacro %}
