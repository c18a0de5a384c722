{#- Written from Snowflake's documentation; compiled here and not executed (see docs/engines.md). Literals hold no backslash, which would escape. -#}

{% macro snowflake__canonical_text(expression, data_type) %}
    {%- set text = 'cast(' ~ expression ~ ' as varchar)' -%}
    {%- set type = data_type.split('(')[0] -%}
    {%- if type in ['number', 'decimal', 'numeric'] -%}
        {{ return(dbt_forensics._without_trailing_zeros(text)) }}
    {%- elif type in ['float', 'float4', 'float8', 'double', 'double precision', 'real'] -%}
        {{ return(dbt_forensics._plain_number(text, "split_part(" ~ text ~ ", 'e', 1)", "cast(split_part(" ~ text ~ ", 'e', 2) as integer)")) }}
    {%- elif type in ['timestamp_tz', 'timestamp_ltz'] -%}
        {{ return(dbt_forensics._snowflake_iso("convert_timezone('UTC', " ~ expression ~ ")")) }}
    {%- elif type.startswith('timestamp') or type == 'datetime' -%}
        {{ return(dbt_forensics._snowflake_iso(expression)) }}
    {%- elif type == 'date' -%}
        {{ return("to_char(" ~ expression ~ ", 'YYYY-MM-DD')") }}
    {%- elif type == 'time' -%}
        {{ return("rtrim(rtrim(to_char(" ~ expression ~ ", 'HH24:MI:SS.FF9'), '0'), '.')") }}
    {%- elif type == 'binary' -%}
        {{ return("lower(hex_encode(" ~ expression ~ "))") }}
    {%- elif type in ['variant', 'object', 'array'] -%}
        {{ return('to_json(to_variant(' ~ expression ~ '))') }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{% macro _snowflake_iso(expression) %}
    {{ return("rtrim(rtrim(to_char(" ~ expression ~ ", 'YYYY-MM-DD\"T\"HH24:MI:SS.FF9'), '0'), '.')") }}
{% endmacro %}

{% macro snowflake__json_text(expression) %}
    {{ return(dbt_forensics._json_text_by_replacing(
        expression, "regexp_instr(" ~ expression ~ ", '[[:cntrl:]\"]') = 0 and charindex(chr(92), " ~ expression ~ ") = 0"
    )) }}
{% endmacro %}

{% macro snowflake__json_value(json, name) %}
    {{ return('cast(get(parse_json(' ~ json ~ '), ' ~ dbt_forensics.forensics_literal(name) ~ ') as varchar)') }}
{% endmacro %}

{% macro snowflake__typed_value(text, data_type) %}
    {%- set data_type = data_type | lower -%}
    {#- try_cast reads more than the canonical forms, so the text's form is looked at first; regexp_like matches the whole text. -#}
    {%- set type = data_type.split('(')[0] -%}
    {%- if type in ['number', 'decimal', 'numeric', 'int', 'integer', 'bigint', 'smallint', 'tinyint', 'byteint'] -%}
        {%- set is_whole = type.endswith('int') or type == 'integer' or data_type.replace(' ', '').endswith(',0)') or ',' not in data_type -%}
        {{ return("case when regexp_like(" ~ text ~ ", '-?[0-9]+" ~ ('' if is_whole else '([.][0-9]+)?') ~ "') then try_cast(" ~ text ~ " as " ~ data_type ~ ") end") }}
    {%- elif type in ['float', 'float4', 'float8', 'double', 'double precision', 'real'] -%}
        {{ return(
            "case when " ~ text ~ " = 'Infinity' then cast('inf' as float) when " ~ text ~ " = '-Infinity' then cast('-inf' as float) when " ~ text
            ~ " = 'NaN' then cast('NaN' as float) when regexp_like(" ~ text ~ ", '-?[0-9]+([.][0-9]+)?') then try_cast(" ~ text ~ " as float) end"
        ) }}
    {%- elif type == 'boolean' -%}
        {{ return("case " ~ text ~ " when 'true' then true when 'false' then false end") }}
    {%- elif type in ['timestamp_tz', 'timestamp_ltz'] -%}
        {{ return("cast(convert_timezone('UTC', to_timestamp_tz(to_char(" ~ dbt_forensics.snowflake__utc_timestamp(text, '') ~ ", 'YYYY-MM-DD HH24:MI:SS.FF9') || ' +00:00', 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM')) as " ~ data_type ~ ")") }}
    {%- elif type.startswith('timestamp') or type == 'datetime' -%}
        {{ return(dbt_forensics.snowflake__utc_timestamp(text, '')) }}
    {%- elif type == 'date' -%}
        {{ return('cast(' ~ dbt_forensics.snowflake__utc_timestamp(text, '') ~ ' as date)') }}
    {%- elif type == 'time' -%}
        {{ return("case when regexp_like(" ~ text ~ ", '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?') then try_cast(" ~ text ~ " as time) end") }}
    {%- elif type == 'binary' -%}
        {{ return("try_to_binary(" ~ text ~ ", 'HEX')") }}
    {%- elif type in ['variant', 'object', 'array'] -%}
        {{ return('cast(try_parse_json(' ~ text ~ ') as ' ~ type ~ ')') }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{% macro snowflake__utc_timestamp(expression, data_type) %}
    {%- set type = data_type.split('(')[0] -%}
    {%- if type in ['timestamp_ntz', 'timestamp', 'datetime'] -%}
        {{ return(expression) }}
    {%- elif type == 'date' -%}
        {{ return('cast(' ~ expression ~ ' as timestamp_ntz)') }}
    {%- elif type in ['timestamp_tz', 'timestamp_ltz'] -%}
        {{ return("cast(convert_timezone('UTC', " ~ expression ~ ") as timestamp_ntz)") }}
    {%- endif -%}
    {#- Text: with an explicit format, since the formats that are tried otherwise are a setting of the session. -#}
    {%- set text = 'rtrim(cast(' ~ expression ~ ' as varchar))' -%}
    {%- set rest = 'substr(' ~ text ~ ', 17)' -%}
    {%- set zone = "regexp_substr(" ~ rest ~ ", '[Zz+-].*')" -%}
    {%- set clock = "regexp_replace(" ~ rest ~ ", ' ?[Zz+-].*', '')" -%}
    {{ return(
        "case when not regexp_like(" ~ text ~ ", '" ~ dbt_forensics.iso_time_pattern() ~ "') then null when " ~ text ~ " like '0000%' then null"
        ~ " else dateadd(minute, -(" ~ dbt_forensics._iso_offset_minutes(zone) ~ "), try_to_timestamp_ntz(" ~ dbt_forensics._iso_stamp(text, clock)
        ~ " || case when " ~ clock ~ " like '%.%' then '' else '.0' end, 'YYYY-MM-DD HH24:MI:SS.FF')) end"
    ) }}
{% endmacro %}

{% macro snowflake__exact_number(expression) %}
    {%- set text = 'cast(' ~ expression ~ ' as varchar)' -%}
    {%- set number = "try_to_decimal(case when regexp_like(" ~ text ~ ", '" ~ dbt_forensics.number_pattern() ~ "') then trim(" ~ text ~ ") end, 38, 9)" -%}
    {{ return('case when abs(' ~ number ~ ') < 100000000000000000000 then ' ~ number ~ ' end') }}
{% endmacro %}

{% macro snowflake__digest_word(digest, number) %}
    {{ return("to_number(substr(" ~ digest ~ ", " ~ (1 if number == 1 else 17) ~ ", 15), 'XXXXXXXXXXXXXXX')") }}
{% endmacro %}

{% macro snowflake__hash_of(expressions) %}
    {{ return('hash(' ~ expressions | join(', ') ~ ')') }}
{% endmacro %}

{% macro snowflake__first_ten(expression, repeats) %}
    {#- min_by holds ten values whatever it reads; only what may repeat is gathered as a set. -#}
    {%- set alone = 'case when not (' ~ repeats ~ ') then ' ~ expression ~ ' end' -%}
    {%- set repeated = 'case when ' ~ repeats ~ ' then ' ~ expression ~ ' end' -%}
    {%- set smallest = 'array_slice(array_sort(array_cat(coalesce(min_by(' ~ alone ~ ', ' ~ alone ~ ', 10), array_construct()), array_agg(distinct ' ~ repeated ~ '))), 0, 10)' -%}
    {{ return("case when count(" ~ expression ~ ") > 0 then '[' || array_to_string(transform(" ~ smallest ~ ", v varchar -> " ~ dbt_forensics.snowflake__json_text('v') ~ "), ',') || ']' end") }}
{% endmacro %}

{% macro snowflake__exact_quotient(numerator, denominator) %}
    {#- A quotient is rounded to twelve digits before anybody can round it to nine; whole numbers are divided without a rest. -#}
    {%- set scaled = 'cast(abs(' ~ numerator ~ ') * 1000000000 as number(38, 0)) * 2 + ' ~ denominator -%}
    {%- set twice = '(2 * ' ~ denominator ~ ')' -%}
    {{ return(
        'sign(' ~ numerator ~ ') * cast((' ~ scaled ~ ' - mod(' ~ scaled ~ ', ' ~ twice ~ ')) / ' ~ twice ~ ' as number(38, 0)) * cast(0.000000001 as number(9, 9))'
    ) }}
{% endmacro %}

{% macro snowflake__exact_ratio(numerator, denominator) %}
    {%- set scaled = 'cast(abs(' ~ numerator ~ ') * 1000000000 as number(38, 0)) * 2000000000 + cast(abs(' ~ denominator ~ ') * 1000000000 as number(38, 0))' -%}
    {%- set twice = '(cast(abs(' ~ denominator ~ ') * 1000000000 as number(38, 0)) * 2)' -%}
    {{ return(
        'sign(' ~ numerator ~ ') * sign(' ~ denominator ~ ') * cast((' ~ scaled ~ ' - mod(' ~ scaled ~ ', ' ~ twice ~ ')) / ' ~ twice
        ~ ' as number(38, 0)) * cast(0.000000001 as number(9, 9))'
    ) }}
{% endmacro %}

{% macro snowflake__elapsed_seconds(from_time, to_time) %}
    {{ return('cast(datediff(microsecond, ' ~ from_time ~ ', ' ~ to_time ~ ') * cast(0.000001 as number(6, 6)) as number(38, 9))') }}
{% endmacro %}

{% macro snowflake__byte_order(expression) %}
    {{ return('collate(' ~ expression ~ ", 'utf8')") }}
{% endmacro %}

{% macro snowflake__text_literal(text) %}
    {#- A backslash escapes in a literal. -#}
    {{ return("'" ~ text | replace('\\', '\\\\') | replace("'", "''") ~ "'") }}
{% endmacro %}

{% macro snowflake__reads_back(data_type) %}
    {{ return(data_type.split('(')[0] not in ['geography', 'geometry', 'vector', 'map']) }}
{% endmacro %}

{% macro snowflake__assert_session() %}
    {#- dbt's timestamp is Snowflake's TIMESTAMP, which a parameter makes one of three types; it is a time in UTC only as TIMESTAMP_NTZ. -#}
    {%- set found = dbt_forensics._single_row("select typeof(to_variant(cast('2026-01-05 12:00:00' as timestamp)))")[0] -%}
    {%- if found != 'TIMESTAMP_NTZ' -%}
        {{ dbt_forensics._config_error('the Snowflake session', 'TIMESTAMP_TYPE_MAPPING', found, 'TIMESTAMP_NTZ, its default. Set it for the account, the user or the session') }}
    {%- endif -%}
{% endmacro %}

{% macro snowflake__tells_capitals_apart() %}{{ return(true) }}{% endmacro %}

{% macro snowflake__whole_row(alias) %}
    {{ return('to_json(object_construct_keep_null(' ~ alias ~ '.*))') }}
{% endmacro %}
