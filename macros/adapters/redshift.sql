{#-
    Written from Redshift's documentation; compiled here and not executed (see docs/engines.md). What is not here is PostgreSQL's. Redshift
    has no to_json, no json operators, no trim_scale, no hashtextextended, no make_date, no div, no array_agg and no `is not distinct from`.
    Literals hold no backslash, which would escape. A text has at most 65535 bytes.
-#}

{% macro redshift__canonical_text(expression, data_type) %}
    {%- set text = 'cast(' ~ expression ~ ' as varchar)' -%}
    {%- set type = data_type.split('(')[0] -%}
    {%- if type in ['numeric', 'decimal'] -%}
        {{ return(dbt_forensics._without_trailing_zeros(text)) }}
    {%- elif type in ['double precision', 'float', 'float8', 'real', 'float4'] -%}
        {{ return(dbt_forensics._plain_number(text, "split_part(" ~ text ~ ", 'e', 1)", "cast(split_part(" ~ text ~ ", 'e', 2) as integer)")) }}
    {%- elif type in ['timestamp with time zone', 'timestamptz'] -%}
        {{ return(dbt_forensics._redshift_iso('(' ~ expression ~ " at time zone 'UTC')")) }}
    {%- elif type.startswith('timestamp') -%}
        {{ return(dbt_forensics._redshift_iso(expression)) }}
    {%- elif type == 'date' -%}
        {{ return("to_char(" ~ expression ~ ", 'YYYY-MM-DD')") }}
    {%- elif type == 'boolean' -%}
        {{ return("case when " ~ expression ~ " then 'true' when not " ~ expression ~ " then 'false' end") }}
    {%- elif type == 'super' -%}
        {{ return('json_serialize(' ~ expression ~ ')') }}
    {%- elif type in ['varbyte', 'binary varying'] -%}
        {{ return('to_hex(' ~ expression ~ ')') }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{% macro _redshift_iso(expression) %}
    {{ return("rtrim(rtrim(to_char(" ~ expression ~ ", 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '0'), '.')") }}
{% endmacro %}

{% macro redshift__json_text(expression) %}
    {{ return(dbt_forensics._json_text_by_replacing(
        expression, expression ~ " !~ '[[:cntrl:]\"]' and strpos(" ~ expression ~ ", chr(92)) = 0"
    )) }}
{% endmacro %}

{% macro redshift__json_value(json, name) %}
    {#- The name is looked for first: older clusters give '' for one that is not there. An inner quote is escaped, so this is no part of a value. -#}
    {%- set member = "',' || " ~ dbt_forensics._json_name(name) ~ " || ':'" -%}
    {{ return("case when strpos(',' || substr(" ~ json ~ ", 2), " ~ member ~ ") > 0 then json_extract_path_text(" ~ json ~ ", " ~ dbt_forensics.forensics_literal(name) ~ ") end") }}
{% endmacro %}

{% macro redshift__typed_value(text, data_type) %}
    {%- set data_type = data_type | lower -%}
    {%- set type = data_type.split('(')[0] -%}
    {%- if type in ['numeric', 'decimal'] -%}
        {#- A numeric without precision would be numeric(18, 0). -#}
        {{ return("case when " ~ text ~ " !~ '^-?[0-9]+([.][0-9]+)?$' then null when length(split_part(ltrim(" ~ text ~ ", '-0'), '.', 1)) <= " ~ dbt_forensics._redshift_whole_digits(data_type) ~ " then cast(" ~ text ~ " as " ~ data_type ~ ") end") }}
    {%- elif type == 'super' -%}
        {{ return('case when can_json_parse(' ~ text ~ ') then json_parse(' ~ text ~ ') end') }}
    {%- elif type in ['varbyte', 'binary varying'] -%}
        {{ return("case when " ~ text ~ " ~ '^([0-9a-f]{2})*$' then from_hex(" ~ text ~ ") end") }}
    {%- elif type in ['timestamp with time zone', 'timestamptz'] -%}
        {{ return('(' ~ dbt_forensics.redshift__utc_timestamp(text, '') ~ ") at time zone 'UTC'") }}
    {%- elif type.startswith('timestamp') -%}
        {{ return(dbt_forensics.redshift__utc_timestamp(text, '')) }}
    {%- elif type == 'date' -%}
        {{ return('cast(' ~ dbt_forensics.redshift__utc_timestamp(text, '') ~ ' as date)') }}
    {%- elif type in ['smallint', 'integer', 'bigint'] -%}
        {%- set limit = {'smallint': '32767', 'integer': '2147483647', 'bigint': '9223372036854775807'}[type] -%}
        {{ return("case when " ~ text ~ " !~ '^-?[0-9]{1,19}$' then null when cast(" ~ text ~ " as numeric(38, 0)) between -cast(" ~ limit ~ " as numeric(38, 0)) - 1 and " ~ limit ~ " then cast(" ~ text ~ " as " ~ type ~ ") end") }}
    {%- elif type in ['double precision', 'float', 'float8', 'real', 'float4'] -%}
        {#- A text may have more digits than a numeric holds, so those before the point are compared with the largest value's, as text. -#}
        {%- set largest = '34028235' ~ '0' * 31 if type in ['real', 'float4'] else '17976931348623157' ~ '0' * 292 -%}
        {%- set whole = "split_part(ltrim(" ~ text ~ ", '-0'), '.', 1)" -%}
        {{ return(
            "case when " ~ text ~ " in ('NaN', 'Infinity', '-Infinity') then cast(" ~ text ~ " as " ~ type ~ ") when " ~ text
            ~ " !~ '^-?[0-9]+([.][0-9]+)?$' then null when length(" ~ whole ~ ") < " ~ largest | length ~ " or length(" ~ whole ~ ") = "
            ~ largest | length ~ " and " ~ whole ~ " <= '" ~ largest ~ "' then cast(" ~ text ~ " as " ~ type ~ ") end"
        ) }}
    {%- elif type == 'boolean' -%}
        {{ return("case " ~ text ~ " when 'true' then true when 'false' then false end") }}
    {%- elif type in ['time', 'time without time zone'] -%}
        {{ return("case when " ~ text ~ " ~ '^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?$' then cast(" ~ text ~ " as time) end") }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{% macro _redshift_whole_digits(data_type) %}
    {%- set sizes = data_type.split('(')[1].rstrip(') ').split(',') if '(' in data_type else ['18', '0'] -%}
    {{ return(sizes[0] | int - (sizes[1] | int if sizes | length > 1 else 0)) }}
{% endmacro %}

{% macro redshift__utc_timestamp(expression, data_type) %}
    {%- if data_type in ['timestamp without time zone', 'timestamp'] -%}
        {{ return(expression) }}
    {%- elif data_type == 'date' -%}
        {{ return('cast(' ~ expression ~ ' as timestamp)') }}
    {%- elif data_type in ['timestamp with time zone', 'timestamptz'] -%}
        {{ return('(' ~ expression ~ " at time zone 'UTC')") }}
    {%- endif -%}
    {#- Text: its form and its ranges are looked at first, since a failed cast would stop every other row. -#}
    {%- set text = 'rtrim(cast(' ~ expression ~ ' as varchar))' -%}
    {%- set year = 'cast(substr(' ~ text ~ ', 1, 4) as integer)' -%}
    {%- set leap = 'case when mod(' ~ year ~ ', 4) = 0 and (mod(' ~ year ~ ', 100) <> 0 or mod(' ~ year ~ ', 400) = 0) then 29 else 28 end' -%}
    {%- set rest = 'substr(' ~ text ~ ', 17)' -%}
    {%- set zone = "regexp_substr(" ~ rest ~ ", '[Zz+-].*')" -%}
    {%- set clock = "regexp_replace(" ~ rest ~ ", ' ?[Zz+-].*', '')" -%}
    {{ return(
        "case when " ~ text ~ " !~ '^(" ~ dbt_forensics.iso_time_pattern() ~ ")$' then null"
        ~ " when substr(" ~ text ~ ", 1, 4) = '0000' then null"
        ~ " when cast(substr(" ~ text ~ ", 9, 2) as integer) not between 1 and case when substr(" ~ text ~ ", 6, 2) in ('04', '06', '09', '11') then 30 when substr(" ~ text ~ ", 6, 2) = '02' then " ~ leap ~ " else 31 end then null"
        ~ " else cast(" ~ dbt_forensics._iso_stamp(text, clock) ~ " as timestamp) - (" ~ dbt_forensics._iso_offset_minutes(zone) ~ ") * interval '1 minute' end"
    ) }}
{% endmacro %}

{% macro redshift__exact_number(expression) %}
    {#-
        A numeric holds 38 digits and a cast knows no exponent, so the digits are moved by hand: the mantissa's are padded and cut to those
        before the point and ten after it, the tenth to round by.
    -#}
    {%- set text = 'trim(lower(cast(' ~ expression ~ ' as varchar)))' -%}
    {%- set mantissa = "ltrim(split_part(" ~ text ~ ", 'e', 1), '+-')" -%}
    {%- set exponent = "cast(coalesce(nullif(ltrim(split_part(" ~ text ~ ", 'e', 2), '+'), ''), '0') as integer)" -%}
    {%- set whole = "split_part(" ~ mantissa ~ ", '.', 1)" -%}
    {%- set digits = "(" ~ whole ~ " || split_part(" ~ mantissa ~ ", '.', 2))" -%}
    {%- set point = "(length(" ~ whole ~ ") + " ~ exponent ~ ")" -%}
    {%- set padded = "rpad(case when " ~ point ~ " < 0 then repeat('0', -" ~ point ~ ") else '' end || " ~ digits ~ ", case when " ~ point ~ " > 0 then " ~ point ~ " else 0 end + 10, '0')" -%}
    {%- set shown = "case when " ~ point ~ " > 0 then " ~ point ~ " else 0 end" -%}
    {%- set before = "ltrim(substr(" ~ padded ~ ", 1, " ~ shown ~ "), '0')" -%}
    {%- set after = "substr(" ~ padded ~ ", " ~ shown ~ " + 1, 10)" -%}
    {%- set number = "cast(cast('0' || " ~ before ~ " || '.' || " ~ after ~ " as numeric(31, 10)) as numeric(38, 9))" -%}
    {{ return(
        "case when " ~ text ~ " !~ '^(" ~ dbt_forensics.number_pattern() ~ ")$' then null"
        ~ " when ltrim(replace(" ~ mantissa ~ ", '.', ''), '0') = '' then cast(0 as numeric(38, 9))"
        ~ " when " ~ point ~ " < -10 then cast(0 as numeric(38, 9))"
        ~ " when length(" ~ before ~ ") > 20 then null"
        ~ " when " ~ text ~ " like '-%' then -" ~ number ~ " else " ~ number ~ " end"
    ) }}
{% endmacro %}

{% macro redshift__digest_word(digest, number) %}
    {{ return("cast(strtol(substr(" ~ digest ~ ", " ~ (1 if number == 1 else 17) ~ ", 15), 16) as numeric(38, 0))") }}
{% endmacro %}

{% macro redshift__hash_of(expressions) %}
    {%- set ns = namespace(hashed=none) -%}
    {%- for expression in expressions -%}
        {%- set ns.hashed = "fnv_hash(coalesce('=' || cast(" ~ expression ~ " as varchar), '')" ~ (', ' ~ ns.hashed if ns.hashed else '') ~ ')' -%}
    {%- endfor -%}
    {{ return(ns.hashed) }}
{% endmacro %}

{% macro redshift__first_ten(expression, repeats) %}
    {#- The one aggregate that joins texts, listagg, stops the statement beyond 64 kB; so only the smallest value is named. -#}
    {{ return("'[' || " ~ dbt_forensics.redshift__json_text('min(' ~ expression ~ ')') ~ " || ']'") }}
{% endmacro %}

{% macro redshift__exact_quotient(numerator, denominator) %}
    {{ return(dbt_forensics._redshift_rounded_quotient(
        dbt_forensics._redshift_whole(numerator, 9), 'cast(' ~ denominator ~ ' as numeric(38, 0))', 'case when ' ~ numerator ~ ' < 0 then -1 else 1 end'
    )) }}
{% endmacro %}

{% macro redshift__exact_ratio(numerator, denominator) %}
    {{ return(dbt_forensics._redshift_rounded_quotient(
        dbt_forensics._redshift_whole(numerator, 18), dbt_forensics._redshift_whole(denominator, 9),
        'case when (' ~ numerator ~ ' < 0) = (' ~ denominator ~ ' < 0) then 1 else -1 end'
    )) }}
{% endmacro %}

{% macro _redshift_whole(number, digits) %}
    {#- A number without its sign and its point, with so many digits after where it was. -#}
    {{ return("cast(replace(replace(cast(cast(" ~ number ~ " as numeric(38, 9)) as varchar), '.', ''), '-', '') || '" ~ '0' * (digits - 9) ~ "' as numeric(38, 0))") }}
{% endmacro %}

{% macro _redshift_rounded_quotient(above, below, sign) %}
    {#- Whole numbers are divided without a rest. Where digits could be lost to a product's or quotient's scale, the type says how many there are. -#}
    {%- set twice = 'cast(' ~ below ~ ' + ' ~ below ~ ' as numeric(38, 0))' -%}
    {%- set sum = 'cast(' ~ above ~ ' + ' ~ above ~ ' + ' ~ below ~ ' as numeric(38, 0))' -%}
    {%- set quotient = 'cast((' ~ sum ~ ' - mod(' ~ sum ~ ', ' ~ twice ~ ')) / ' ~ twice ~ ' as numeric(38, 0))' -%}
    {%- set billion = 'cast(1000000000 as numeric(38, 0))' -%}
    {{ return(
        sign ~ ' * cast(cast((' ~ quotient ~ ' - mod(' ~ quotient ~ ', ' ~ billion ~ ')) / ' ~ billion
        ~ ' as numeric(28, 0)) + cast(mod(' ~ quotient ~ ', ' ~ billion ~ ') as numeric(9, 0)) * cast(0.000000001 as numeric(9, 9)) as numeric(38, 9))'
    ) }}
{% endmacro %}

{% macro redshift__elapsed_seconds(from_time, to_time) %}
    {{ return('cast(cast(datediff(microsecond, ' ~ from_time ~ ', ' ~ to_time ~ ') as numeric(19, 0)) * cast(0.000001 as numeric(6, 6)) as numeric(38, 9))') }}
{% endmacro %}

{% macro redshift__byte_order(expression) %}
    {#- Texts are ordered by their bytes, unless a column asks for a collation that ignores letter case. -#}
    {{ return(expression) }}
{% endmacro %}

{% macro redshift__is_same(left, right) %}
    {{ return('(coalesce(' ~ left ~ ' = ' ~ right ~ ', false) or (' ~ left ~ ' is null and ' ~ right ~ ' is null))') }}
{% endmacro %}

{% macro redshift__row_store_indexes(columns, values, growing) %}
    {{ return([]) }}
{% endmacro %}

{% macro redshift__text_literal(text) %}
    {#- A backslash escapes in a literal. -#}
    {{ return("'" ~ text | replace('\\', '\\\\') | replace("'", "''") ~ "'") }}
{% endmacro %}

{% macro redshift__without_jit() %}{{ return('') }}{% endmacro %}

{% macro redshift__without_nested_loops() %}{{ return('') }}{% endmacro %}

{% macro redshift__lock_build(name, is_shared) %}{{ return('') }}{% endmacro %}
{% macro redshift__fix_session() %}{{ return('') }}{% endmacro %}

{% macro redshift__reads_back(data_type) %}{{ return(dbt_forensics.default__reads_back(data_type)) }}{% endmacro %}

{% macro redshift__reads_any_text(data_type) %}{{ return(true) }}{% endmacro %}

{% macro redshift__column_types(relation) %}{{ return(dbt_forensics.default__column_types(relation)) }}{% endmacro %}

{% macro redshift__relations_with_hidden_rows(relations) %}{{ return([]) }}{% endmacro %}

{% macro redshift__tells_capitals_apart() %}{{ return(false) }}{% endmacro %}

{% macro redshift__whole_row(alias) %}
    {#- There is no text of a row. A SUPER of its columns is one. -#}
    {{ return('json_serialize(object(' ~ alias ~ '.*))') }}
{% endmacro %}

{% macro redshift__attempt(query, keep_as) %}{{ return(dbt_forensics.default__attempt(query, keep_as)) }}{% endmacro %}

{% macro redshift__tried_rows(source, relation, expressions) %}{{ return(none) }}{% endmacro %}

{% macro redshift__without_collation(text) %}{{ return(text) }}{% endmacro %}

{% macro redshift__assert_session() %}{% endmacro %}
