{% macro streams_of(model, name=none) %}
    {#- {name: stream} of the streams that read a relation, or of the one named; for a relation of the package, of all. -#}
    {%- set streams = dbt_forensics.streams() -%}
    {%- if name -%}
        {%- if name not in streams -%}
            {{ dbt_forensics._config_error('a test', 'stream', name, 'one of the declared streams: ' ~ streams.keys() | join(', ')) }}
        {%- endif -%}
        {{ return({name: streams[name]}) }}
    {%- endif -%}
    {%- set reading = {} -%}
    {%- for stream in streams.values() -%}
        {%- if dbt_forensics.stream_relation(stream) | string == model | string -%}
            {%- do reading.update({stream.name: stream}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(reading or streams) }}
{% endmacro %}


{% macro is_one_of(expression, values) %}
    {#- SQL condition: an expression is one of some values. -#}
    {%- if not values -%}{{ return('1 = 0') }}{%- endif -%}
    {%- set literals = [] -%}
    {%- for value in values -%}{%- do literals.append(dbt_forensics.forensics_literal(value)) -%}{%- endfor -%}
    {{ return(expression ~ ' in (' ~ literals | join(', ') ~ ')') }}
{% endmacro %}
