{% macro timeliness(stream, event_time='event_time', ingested_at='ingested_at') %}
    {#-
        Text: on_time, late, too_late or future, from a row's own times, so that it is the same whenever builds run; NULL where
        a time is missing or implausible. The deadline is the end of the event's window plus expected_delay.
    -#}
    {%- set deadline = dbt_forensics.time_plus(stream.expected_delay.period, stream.expected_delay['count'], dbt_forensics.window_end(stream.window, event_time)) -%}
    {%- set last_call = dbt_forensics.time_plus(stream.allowed_lateness.period, stream.allowed_lateness['count'], deadline) -%}
    case
            when {{ event_time }} is null or {{ ingested_at }} is null then null
            when not ({{ dbt_forensics._is_plausible(event_time) }} and {{ dbt_forensics._is_plausible(ingested_at) }}) then null
            when {{ event_time }} > {{ dbt_forensics.time_plus(stream.clock_skew.period, stream.clock_skew['count'], ingested_at) }} then 'future'
            when {{ ingested_at }} < {{ deadline }} then 'on_time'
            when {{ ingested_at }} < {{ last_call }} then 'late'
            else 'too_late'
        end
{%- endmacro %}


{% macro window_start(grain, event_time='event_time') %}
    {#- Start of the window of a time. -#}
    {{ return('cast(' ~ dbt_forensics.time_trunc(grain, event_time) ~ ' as ' ~ dbt.type_timestamp() ~ ')') }}
{% endmacro %}


{% macro window_end(grain, event_time='event_time') %}
    {#- End of the window of a time. -#}
    {{ return(dbt_forensics.time_plus(grain, 1, dbt_forensics.window_start(grain, event_time))) }}
{% endmacro %}
