{% macro time_of_stream(streams, what, time, count='1', of='stream') %}
    {#-
        A time that depends on the stream of a row: what is window_start (of the window that a time is in), window_end, later (count windows after
        a window's start), past_at (when the window after the one that a time is in should be there), due_at (when the rows of a window that ends at a
        time should be there) or settles_at (when it is settled, by the watermark's measure: the latest event time must have come there).
        of: the column that has the stream. Streams of one setting share one branch: such expressions are put into each other.
    -#}
    {%- if not streams -%}{{ return('cast(null as ' ~ dbt.type_timestamp() ~ ')') }}{%- endif -%}
    {%- set groups = {} -%}
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
        {%- do groups.update({value: groups.get(value, []) + [stream.name]}) -%}
    {%- endfor -%}
    {%- set cases = [] -%}
    {%- for value, names in groups.items() -%}
        {%- do cases.append(('else ' if loop.last else 'when ' ~ dbt_forensics.is_one_of(of, names) ~ ' then ') ~ value) -%}
    {%- endfor -%}
    {{ return('cast(' ~ (groups.keys() | first if groups | length == 1 else 'case ' ~ cases | join(' ') ~ ' end') ~ ' as ' ~ dbt.type_timestamp() ~ ')') }}
{% endmacro %}


{% macro value_of_stream(values, of='stream') %}
    {#- A value that depends on the stream of a row. values: {stream name: SQL}. of: the column that has the stream. Streams of one value share one branch. -#}
    {%- set groups = {} -%}
    {%- for name, value in values.items() -%}{%- do groups.update({value: groups.get(value, []) + [name]}) -%}{%- endfor -%}
    {%- set cases = [] -%}
    {%- for value, names in groups.items() -%}
        {%- do cases.append(('else ' if loop.last else 'when ' ~ dbt_forensics.is_one_of(of, names) ~ ' then ') ~ value) -%}
    {%- endfor -%}
    {{ return((groups.keys() | first | default('null')) if groups | length <= 1 else '(case ' ~ cases | join(' ') ~ ' end)') }}
{% endmacro %}


{% macro windows_a_day(streams) %}
    {#- Integer: how many windows the stream of a row has a day. -#}
    {%- set values = {} -%}
    {%- for stream in streams.values() -%}{%- do values.update({stream.name: '24' if stream.window == 'hour' else '1'}) -%}{%- endfor -%}
    {{ return(dbt_forensics.value_of_stream(values)) }}
{% endmacro %}
