{#- Times that depend on the stream of a row. of: the alias of forensics__streams, or of what has its columns. -#}

{% macro _start_of_window(time, of='streams') %}
    {#- The start of the window that a time is in. -#}
    {{ return(
        'case when ' ~ of ~ ".window_period = 'hour' then " ~ dbt_forensics.window_start('hour', time)
        ~ ' else ' ~ dbt_forensics.window_start('day', time) ~ ' end'
    ) }}
{% endmacro %}


{% macro _windows_after(count, start, of='streams') %}
    {#- The start of the window that is a number of windows after the one that starts at a time. -#}
    {{ return(dbt_forensics.time_plus('minute', count ~ ' * ' ~ of ~ '.window_minutes', start)) }}
{% endmacro %}


{% macro _end_of_window(time, of='streams') %}
    {#- The end of the window that a time is in. -#}
    {{ return(dbt_forensics._windows_after(1, dbt_forensics._start_of_window(time, of), of)) }}
{% endmacro %}


{% macro _due_at(window_end, of='streams') %}
    {#- When the rows of a window that ends at a time should be there. -#}
    {{ return(dbt_forensics.time_plus('minute', of ~ '.expected_delay_minutes', window_end)) }}
{% endmacro %}


{% macro _settles_at(window_end, of='streams') %}
    {#- When a window that ends at a time is settled, by the watermark's measure: the latest event time must have come there. -#}
    {{ return(dbt_forensics.time_plus('minute', of ~ '.expected_delay_minutes + ' ~ of ~ '.allowed_lateness_minutes', window_end)) }}
{% endmacro %}


{% macro _is_past(time, of='settings') %}
    {#-
        A condition: the window after the one that a time is in is over, and its rows should be there. What happened once (rows rewritten, columns changed)
        is then over, if it did not happen again; the record of it stays.
    -#}
    {{ return('(' ~ dbt_forensics._due_at(dbt_forensics._windows_after(2, dbt_forensics._start_of_window(time, of), of), of) ~ ' <= ' ~ of ~ '.concluded_at)') }}
{% endmacro %}


{% macro _is_accepted(time, of='settings') %}
    {#- A condition: nobody waits any more for what happened at a time to be undone: rows had their time to come since, and a week went by. -#}
    {{ return('(' ~ dbt_forensics._settles_at(dbt_forensics.time_plus('day', 7, time), of) ~ ' <= ' ~ of ~ '.concluded_at)') }}
{% endmacro %}


{% macro settles_at(relation) %}
    {#- Timestamp: up to which event time a stream must be seen for a window to be settled; NULL for a stream that is not declared. For where forensics__streams is not at hand. -#}
    case {{ relation }}.stream
            {%- for stream in dbt_forensics.streams().values() %}
                when '{{ stream.name }}'
                    then {{ dbt_forensics.time_plus(stream.expected_delay.period, stream.expected_delay['count'],
                        dbt_forensics.time_plus(stream.allowed_lateness.period, stream.allowed_lateness['count'], relation ~ '.window_end')) }}
            {%- endfor %}
            end
{%- endmacro %}


{% macro _window_with_a_part(side, row_count) %}
    {#-
        The first or the last window that holds a part of some rows worth naming: a tenth of them; where none does, as of one load into the hours of a day, a tenth of
        what the fullest holds. side: min or max. Needs window_start, total_count and largest_count.
    -#}
    {%- set windows = [] -%}
    {%- for whole in ['total_count', 'largest_count'] -%}
        {%- do windows.append(side ~ '(case when ' ~ row_count ~ ' * 10 >= ' ~ whole ~ ' then window_start end)') -%}
    {%- endfor -%}
    {{ return('coalesce(' ~ windows | join(', ') ~ ')') }}
{% endmacro %}
