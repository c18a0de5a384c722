{% macro time_of_stream(streams, what, time, count='1') %}
    {#-
        A time that depends on the stream of a row: what is window_start (of the window that a time is in), window_end, later (count windows after
        a window's start), past_at (when the window after the one that a time is in should be there), due_at (when the rows of a window that ends at a time should be there) or settles_at (when it is settled, by the
        watermark's measure: the latest event time must have come there).
    -#}
    {%- if not streams -%}{{ return('cast(null as ' ~ dbt.type_timestamp() ~ ')') }}{%- endif -%}
    {%- set cases = [] -%}
    {%- for stream in streams.values() -%}
        {%- set due_at = dbt_forensics.time_plus(stream.expected_delay.period, stream.expected_delay['count'], time) -%}
        {%- if what == 'window_start' -%}
            {%- set value = dbt_forensics.window_start(stream.window, time) -%}
        {%- elif what == 'window_end' -%}
            {%- set value = dbt_forensics.window_end(stream.window, time) -%}
        {%- elif what == 'later' -%}
            {%- set value = dbt_forensics.time_plus(stream.window, count, time) -%}
        {%- elif what == 'past_at' -%}
            {%- set next_end = dbt_forensics.time_plus(stream.window, 2, dbt_forensics.window_start(stream.window, time)) -%}
            {%- set value = dbt_forensics.time_plus(stream.expected_delay.period, stream.expected_delay['count'], next_end) -%}
        {%- elif what == 'due_at' -%}
            {%- set value = due_at -%}
        {%- else -%}
            {%- set value = dbt_forensics.time_plus(stream.allowed_lateness.period, stream.allowed_lateness['count'], due_at) -%}
        {%- endif -%}
        {%- do cases.append("when '" ~ stream.name ~ "' then cast(" ~ value ~ ' as ' ~ dbt.type_timestamp() ~ ')') -%}
    {%- endfor -%}
    {{ return('case stream ' ~ cases | join(' ') ~ ' end') }}
{% endmacro %}


{% macro windows_a_day(streams) %}
    {#- Integer: how many windows the stream of a row has a day. -#}
    {%- set cases = [] -%}
    {%- for stream in streams.values() -%}{%- do cases.append("when '" ~ stream.name ~ "' then " ~ (24 if stream.window == 'hour' else 1)) -%}{%- endfor -%}
    {{ return('case stream ' ~ cases | join(' ') ~ ' end') }}
{% endmacro %}
