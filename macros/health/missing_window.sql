{% macro missing_window(streams) %}
    {#-
        Windows without a row that are over and should be there, one detection per stretch of them. Only where windows are hardly ever empty (nine of ten
        of those that it is compared with have rows) and have some rows (the knob) in the median.
    -#}
    {{ dbt_forensics.found('missing_window', "(
            select
                stream,
                min(window_start) as first_window,
                max(window_start) as last_window,
                count(*) as window_count,
                sum(expected_count) as usual_volume
            from (
                select
                    windows.*,
                    windows.window_number - row_number() over (partition by windows.stream order by windows.window_number) as run
                from windows
                where windows.is_gap and windows.compared_nonempty_count * 10 >= windows.compared_count * 9 and windows.expected_count >= " ~ dbt_forensics.knob('missing_window', streams, 'windows.stream') ~ "
            ) as gaps
            group by stream, run
        )", '1 = 1', {
        'identity_text': dbt_forensics.canonical_text('candidates.first_window', dbt.type_timestamp()),
        'observed': '0',
        'expected': 'candidates.usual_volume',
        'severity': dbt_forensics.severity_of_rank(dbt_forensics.severity_rank(dbt_forensics.severity('missing_window', streams)) ~ ' + case when candidates.window_count >= 3 then 1 else 0 end'),
        'evidence': dbt_forensics.evidence({'windows': 'candidates.window_count', 'rows': '0', 'usual_rows': 'candidates.usual_volume'}, {}),
        'first_event_at': 'candidates.first_window',
    }, streams) }}
{%- endmacro %}
