{% macro usual_times(from_hours=0) %}
    {#- Lengths of time as people set them, as a list of {count, period, seconds}, the shortest first. from_hours: none shorter but 0. -#}
    {%- set lengths = [] -%}
    {%- for period, seconds, counts in [('minute', 60, [0, 5, 15, 30]), ('hour', 3600, [1, 2, 3, 6, 12]), ('day', 86400, [1, 2, 3, 7, 14, 30, 60, 90, 180, 365])] -%}
        {%- for count in counts if count == 0 or count * seconds >= from_hours * 3600 -%}
            {%- do lengths.append({'count': count, 'period': period, 'seconds': count * seconds}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(lengths) }}
{% endmacro %}


{% macro first_length_of(seconds, lengths) %}
    {#- Integer: the place, from 1, of the shortest of some lengths of time that is not below a number of seconds; one more than there are if none is. -#}
    case
        {%- for length in lengths %}
            when {{ seconds }} <= {{ length.seconds }} then {{ loop.index }}
        {%- endfor %}
            else {{ lengths | length + 1 }}
        end
{%- endmacro %}


{% macro lateness_lengths(stream) %}
    {#- The usual times as allowed_lateness of a stream, and the one that it has, each with is_configured. -#}
    {%- set configured = stream.allowed_lateness -%}
    {%- set seconds = configured['count'] * {'minute': 60, 'hour': 3600, 'day': 86400}[configured.period] -%}
    {%- set lengths = [] -%}
    {%- for length in dbt_forensics.usual_times() if length.seconds != seconds -%}
        {%- do lengths.append(dict(length, is_configured=false)) -%}
    {%- endfor -%}
    {%- do lengths.append({'count': configured['count'], 'period': configured.period, 'seconds': seconds, 'is_configured': true}) -%}
    {{ return(lengths | sort(attribute='seconds')) }}
{% endmacro %}
