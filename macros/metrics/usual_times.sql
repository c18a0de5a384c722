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


{% macro _numbered_lengths(lengths) %}
    {#- Lengths of time as rows of forensics__lateness, with their place. -#}
    {%- set rows = [] -%}
    {%- for length in lengths -%}
        {%- do rows.append({
            'place': loop.index, 'lateness_count': length['count'], 'lateness_period': length.period, 'lateness_seconds': length.seconds,
        }) -%}
    {%- endfor -%}
    {{ return(rows) }}
{% endmacro %}


{% macro _configured_lengths(streams) %}
    {#- The allowed_lateness of each stream, as rows of forensics__lateness. -#}
    {%- set rows = [] -%}
    {%- for stream in streams.values() -%}
        {%- set length = stream.allowed_lateness -%}
        {%- do rows.append({
            'stream': stream.name, 'lateness_count': length['count'], 'lateness_period': length.period,
            'lateness_seconds': dbt_forensics._minutes_of(length) * 60,
        }) -%}
    {%- endfor -%}
    {{ return(rows) }}
{% endmacro %}
