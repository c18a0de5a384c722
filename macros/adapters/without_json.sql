{#- What engines share that have no function for a JSON text, for the shortest text of a number or for ISO 8601 in all its forms. -#}

{% macro _json_text_by_replacing(expression, is_plain) %}
    {#- A text as a JSON string, by replacing what must be escaped. is_plain: a condition that is true only where there is nothing of that. -#}
    {%- set mark = 'chr(92)' -%}
    {%- set ns = namespace(escaped="replace(replace(" ~ expression ~ ", " ~ mark ~ ", " ~ mark ~ " || " ~ mark ~ "), '\"', " ~ mark ~ " || '\"')") -%}
    {%- set short = {8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r'} -%}
    {%- for number in range(1, 32) -%}
        {%- set ns.escaped = 'replace(' ~ ns.escaped ~ ', chr(' ~ number ~ '), ' ~ mark ~ " || '" ~ short.get(number, 'u%04x' % number) ~ "')" -%}
    {%- endfor -%}
    {{ return("'\"' || case when " ~ is_plain ~ " then " ~ expression ~ " else " ~ ns.escaped ~ " end || '\"'") }}
{% endmacro %}

{% macro _plain_number(text, mantissa, exponent) %}
    {#- The text of a float (1.5, 1e+22, 1.2e-07, nan) without exponent: its digits, moved by the exponent. mantissa, exponent: its parts. -#}
    {%- set digits = "replace(replace(" ~ mantissa ~ ", '-', ''), '.', '')" -%}
    {%- set sign = "case when " ~ text ~ " like '-%' then '-' else '' end" -%}
    {{ return(
        "case when lower(" ~ text ~ ") = 'nan' then 'NaN'"
        ~ " when lower(" ~ text ~ ") in ('inf', '+inf', 'infinity', '+infinity') then 'Infinity'"
        ~ " when lower(" ~ text ~ ") in ('-inf', '-infinity') then '-Infinity'"
        ~ " when " ~ text ~ " in ('0', '-0', '0.0', '-0.0') then '0'"
        ~ " when " ~ text ~ " like '%e-%' then " ~ sign ~ " || '0.' || repeat('0', -" ~ exponent ~ " - 1) || rtrim(" ~ digits ~ ", '0')"
        ~ " when " ~ text ~ " like '%e%' and length(" ~ digits ~ ") <= " ~ exponent ~ " + 1 then " ~ sign ~ " || rpad(" ~ digits ~ ", " ~ exponent ~ " + 1, '0')"
        ~ " when " ~ text ~ " like '%e%' then " ~ sign ~ " || substr(" ~ digits ~ ", 1, " ~ exponent ~ " + 1) || rtrim('.' || rtrim(substr(" ~ digits ~ ", " ~ exponent ~ " + 2), '0'), '.')"
        ~ " when " ~ text ~ " like '%.%' then rtrim(rtrim(" ~ text ~ ", '0'), '.')"
        ~ " else " ~ text ~ " end"
    ) }}
{% endmacro %}

{% macro _without_trailing_zeros(text) %}
    {{ return("case when " ~ text ~ " like '%.%' then rtrim(rtrim(" ~ text ~ ", '0'), '.') else " ~ text ~ " end") }}
{% endmacro %}

{% macro _iso_stamp(text, clock) %}
    {#- Text 'YYYY-MM-DD HH:MM:SS[.ffffff]' of a text of iso_time_pattern(). clock: what stands between HH:MM and the offset: ':SS[.f]' or ''. -#}
    {{ return(
        "substr(" ~ text ~ ", 1, 10) || ' ' || case when length(" ~ text ~ ") = 10 then '00:00' else substr(" ~ text ~ ", 12, 5) end || case when "
        ~ clock ~ " = '' then ':00' else substr(" ~ clock ~ ", 1, 10) end"
    ) }}
{% endmacro %}

{% macro _iso_offset_minutes(zone) %}
    {#- How many minutes a text's offset (Z, +02:00, -0330, +05; NULL or '' for none) is ahead of UTC. -#}
    {{ return(
        "case when " ~ zone ~ " is null or " ~ zone ~ " in ('', 'Z', 'z') then 0 else case when " ~ zone ~ " like '-%' then -1 else 1 end * (cast(substr("
        ~ zone ~ ", 2, 2) as integer) * 60 + cast(substr(rpad(replace(" ~ zone ~ ", ':', ''), 5, '0'), 4, 2) as integer)) end"
    ) }}
{% endmacro %}
