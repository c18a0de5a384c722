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
            case when windows.is_complete then 0 else coalesce({{ dbt_forensics.share_of('late_shares.late_count', 'late_shares.row_count') }}, 0) * 2 end as tolerated,
            windows.touched_at
        from windows
        inner join (
            select
                stream,
                sum(late_count) as late_count,
                sum(row_count) as row_count
            from windows
            group by stream
        ) as late_shares
            on windows.stream = late_shares.stream
        where windows.missing_number_count > 0 and windows.is_due
{%- endmacro %}
