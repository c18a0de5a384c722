{% macro _window_start_by_stream(streams, time, of='stream') %}
    {#- The start of the window that a time is in, of the stream of a row, where forensics__streams is not joined. of: the column that has the stream. -#}
    {%- set values = {} -%}
    {%- for stream in streams.values() -%}{%- do values.update({stream.name: dbt_forensics.window_start(stream.window, time)}) -%}{%- endfor -%}
    {{ return('cast(' ~ dbt_forensics.value_of_stream(values, of) ~ ' as ' ~ dbt.type_timestamp() ~ ')') }}
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
