{% macro duckdb__canonical_text(expression, data_type) %}
    {%- set text = 'cast(' ~ expression ~ ' as varchar)' -%}
    {%- if data_type.startswith('decimal') and not data_type.replace(' ', '').endswith(',0)') -%}
        {{ return("rtrim(rtrim(" ~ text ~ ", '0'), '.')") }}
    {%- elif data_type in ['double', 'float', 'real'] -%}
        {{ return(dbt_forensics._duckdb_plain_number(text)) }}
    {%- elif data_type == 'timestamp with time zone' or data_type == 'timestamptz' -%}
        {{ return("replace(cast(timezone('UTC', " ~ expression ~ ") as varchar), ' ', 'T')") }}
    {%- elif data_type.startswith('timestamp') -%}
        {{ return("replace(" ~ text ~ ", ' ', 'T')") }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{% macro _duckdb_plain_number(text) %}
    {#- The shortest text of a float (1.5, 1e+22, 1.2e-07, nan) without exponent: its digits, moved by the exponent. -#}
    {%- set digits = "replace(ltrim(split_part(" ~ text ~ ", 'e', 1), '-'), '.', '')" -%}
    {%- set exponent = "cast(split_part(" ~ text ~ ", 'e', 2) as integer)" -%}
    {%- set sign = "case when " ~ text ~ " like '-%' then '-' else '' end" -%}
    {{ return(
        "case when " ~ text ~ " = 'nan' then 'NaN'"
        ~ " when " ~ text ~ " in ('inf', '-inf') then replace(" ~ text ~ ", 'inf', 'Infinity')"
        ~ " when " ~ text ~ " in ('0.0', '-0.0') then '0'"
        ~ " when " ~ text ~ " like '%e-%' then " ~ sign ~ " || '0.' || repeat('0', -" ~ exponent ~ " - 1) || " ~ digits
        ~ " when " ~ text ~ " like '%e+%' then " ~ sign ~ " || rpad(" ~ digits ~ ", " ~ exponent ~ " + 1, '0')"
        ~ " else rtrim(rtrim(" ~ text ~ ", '0'), '.') end"
    ) }}
{% endmacro %}

{% macro duckdb__json_text(expression) %}
    {#- to_json() writes \u001F with a capital; the few control characters with a letter in their number are escaped here. -#}
    {%- set ns = namespace(escaped="replace(replace(" ~ expression ~ ", '\\', '\\\\'), '\"', '\\\"')") -%}
    {%- set short = {8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r'} -%}
    {%- for code in range(1, 32) -%}
        {%- set written = '\\' ~ short[code] if code in short else '\\u00' ~ '%02x' % code -%}
        {%- set ns.escaped = "replace(" ~ ns.escaped ~ ", chr(" ~ code ~ "), '" ~ written ~ "')" -%}
    {%- endfor -%}
    {{ return(
        "case when regexp_matches(" ~ expression ~ ", '[\\x0b\\x0e\\x0f\\x1a-\\x1f]') then '\"' || " ~ ns.escaped
        ~ " || '\"' else cast(to_json(" ~ expression ~ ") as varchar) end"
    ) }}
{% endmacro %}

{% macro duckdb__canonical_json(fields) %}
    {#- A whole row at once is four times as fast as value by value; rows with a NULL or a control character go the long way. -#}
    {%- if not fields -%}{{ return("'{}'") }}{%- endif -%}
    {%- set members = [] -%}
    {%- set nulls = [] -%}
    {%- for name in fields | sort(case_sensitive=true) -%}
        {%- do members.append(adapter.quote(name | replace('"', '""')) ~ ' := ' ~ fields[name]) -%}
        {%- do nulls.append(fields[name] ~ ' is null') -%}
    {%- endfor -%}
    {%- set whole = 'cast(to_json(struct_pack(' ~ members | join(', ') ~ ')) as varchar)' -%}
    {{ return(
        "case when " ~ nulls | join(' or ') ~ " or contains(" ~ whole ~ ", '\\u00') then "
        ~ dbt_forensics.default__canonical_json(fields) ~ " else " ~ whole ~ " end"
    ) }}
{% endmacro %}

{% macro duckdb__json_value(json, name) %}
    {%- set pointer = '/' ~ name | replace('~', '~0') | replace('/', '~1') -%}
    {{ return('json_extract_string(' ~ json ~ ', ' ~ dbt_forensics.forensics_literal(pointer) ~ ')') }}
{% endmacro %}

{% macro duckdb__typed_value(text, data_type) %}
    {%- if not data_type or data_type.startswith('varchar') or data_type == 'text' -%}{{ return(text) }}{%- endif -%}
    {{ return('try_cast(' ~ text ~ ' as ' ~ data_type ~ ')') }}
{% endmacro %}

{% macro duckdb__utc_timestamp(expression, data_type) %}
    {%- if data_type == 'timestamp' -%}
        {{ return(expression) }}
    {%- elif data_type == 'date' or data_type.startswith('timestamp_') -%}
        {{ return('cast(' ~ expression ~ ' as timestamp)') }}
    {%- elif data_type in ['timestamp with time zone', 'timestamptz'] -%}
        {{ return("timezone('UTC', " ~ expression ~ ")") }}
    {%- endif -%}
    {%- set text = 'cast(' ~ expression ~ ' as varchar)' -%}
    {{ return(
        "case when regexp_matches(" ~ text ~ ", ':[0-9.]+ *(Z|z|[+-][0-9]{2}(:?[0-9]{2})?) *$')"
        ~ " then timezone('UTC', try_cast(" ~ text ~ " as timestamptz)) else try_cast(" ~ text ~ " as timestamp) end"
    ) }}
{% endmacro %}

{% macro duckdb__exact_number(expression) %}
    {%- set number = 'try_cast(' ~ expression ~ ' as decimal(38, 9))' -%}
    {{ return('case when ' ~ number ~ ' between -99999999999999999999 and 99999999999999999999 then ' ~ number ~ ' end') }}
{% endmacro %}

{% macro duckdb__digest_word(digest, number) %}
    {{ return("cast('0x' || substr(" ~ digest ~ ", " ~ (1 if number == 1 else 17) ~ ", 15) as bigint)") }}
{% endmacro %}

{% macro duckdb__hash_of(expressions) %}
    {{ return('hash(' ~ expressions | join(', ') ~ ')') }}
{% endmacro %}

{% macro duckdb__first_ten(expression) %}
    {#- An event has at most two entries of one cause in one build, so twenty values hold ten distinct ones. -#}
    {{ return('cast(to_json(list_sort(list_distinct(min(' ~ expression ~ ', 20)))[:10]) as varchar)') }}
{% endmacro %}

{% macro duckdb__elapsed_seconds(from_time, to_time) %}
    {{ return('cast((epoch_us(' ~ to_time ~ ') - epoch_us(' ~ from_time ~ ')) / 1000000.0 as decimal(38, 9))') }}
{% endmacro %}

{% macro duckdb__exact_quotient(numerator, denominator) %}
    {#- DuckDB divides decimals as floats; whole numbers are divided exactly. A numeric(38, 9) is written with all nine digits. -#}
    {%- set scaled = "cast(replace(cast(" ~ numerator ~ " as varchar), '.', '') as hugeint)" -%}
    {{ return(
        "sign(" ~ numerator ~ ") * cast((abs(" ~ scaled ~ ") * 2 + " ~ denominator ~ ") // (2 * " ~ denominator
        ~ ") as decimal(38, 0)) * cast(0.000000001 as decimal(9, 9))"
    ) }}
{% endmacro %}
