{#-
    Written from BigQuery's documentation; compiled here and not executed (see docs/engines.md). dbt's timestamp is BigQuery's TIMESTAMP, an
    instant that is shown and read in UTC.
-#}

{% macro bigquery__canonical_text(expression, data_type) %}
    {%- set text = 'cast(' ~ expression ~ ' as string)' -%}
    {%- set type = data_type.split('(')[0].split('<')[0] -%}
    {%- if type == 'float64' -%}
        {{ return(dbt_forensics._plain_number(text, "split(" ~ text ~ ", 'e')[safe_offset(0)]", "cast(split(" ~ text ~ ", 'e')[safe_offset(1)] as int64)")) }}
    {%- elif type in ['numeric', 'bignumeric', 'decimal', 'bigdecimal'] -%}
        {{ return(dbt_forensics._without_trailing_zeros(text)) }}
    {%- elif type == 'timestamp' -%}
        {{ return("format_timestamp('%E4Y-%m-%dT%H:%M:%E*S', " ~ expression ~ ", 'UTC')") }}
    {%- elif type == 'datetime' -%}
        {{ return("format_datetime('%E4Y-%m-%dT%H:%M:%E*S', " ~ expression ~ ")") }}
    {%- elif type == 'date' -%}
        {{ return("format_date('%E4Y-%m-%d', " ~ expression ~ ")") }}
    {%- elif type == 'time' -%}
        {{ return("format_time('%H:%M:%E*S', " ~ expression ~ ")") }}
    {%- elif type == 'bytes' -%}
        {{ return('to_hex(' ~ expression ~ ')') }}
    {%- elif type == 'geography' -%}
        {{ return('st_astext(' ~ expression ~ ')') }}
    {%- elif type in ['struct', 'record', 'array', 'json', 'range', 'interval'] -%}
        {{ return('to_json_string(' ~ expression ~ ')') }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{% macro bigquery__json_text(expression) %}
    {{ return(dbt_forensics._json_text_by_replacing(expression, 'not regexp_contains(' ~ expression ~ ", r'[[:cntrl:]\"]') and strpos(" ~ expression ~ ', chr(92)) = 0')) }}
{% endmacro %}

{% macro bigquery__json_value(json, name) %}
    {#- The subscript takes a name as it is; a JSONPath would have a syntax of its own. -#}
    {{ return('json_value(parse_json(' ~ json ~ ')[' ~ dbt_forensics.forensics_literal(name) ~ '])') }}
{% endmacro %}

{% macro bigquery__typed_value(text, data_type) %}
    {%- set data_type = data_type | lower -%}
    {%- set type = data_type.split('(')[0].split('<')[0] -%}
    {%- if type in ['int64', 'int', 'integer', 'bigint', 'smallint', 'tinyint', 'byteint'] -%}
        {{ return("case when regexp_contains(" ~ text ~ ", r'^-?[0-9]+$') then safe_cast(" ~ text ~ " as int64) end") }}
    {%- elif type in ['numeric', 'bignumeric', 'decimal', 'bigdecimal', 'float64'] -%}
        {%- set special = '|NaN|-?Infinity' if type == 'float64' else '' -%}
        {{ return("case when regexp_contains(" ~ text ~ ", r'^(-?[0-9]+([.][0-9]+)?" ~ special ~ ")$') then safe_cast(" ~ text ~ " as " ~ type ~ ") end") }}
    {%- elif type in ['bool', 'boolean'] -%}
        {{ return("case " ~ text ~ " when 'true' then true when 'false' then false end") }}
    {%- elif type == 'timestamp' -%}
        {{ return(dbt_forensics.bigquery__utc_timestamp(text, '')) }}
    {%- elif type in ['datetime', 'date'] -%}
        {{ return('cast(' ~ dbt_forensics.bigquery__utc_timestamp(text, '') ~ ' as ' ~ type ~ ')') }}
    {%- elif type == 'time' -%}
        {{ return("case when regexp_contains(" ~ text ~ ", r'^[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?$') then safe_cast(" ~ text ~ " as time) end") }}
    {%- elif type == 'bytes' -%}
        {{ return('safe.from_hex(' ~ text ~ ')') }}
    {%- elif type == 'json' -%}
        {{ return('safe.parse_json(' ~ text ~ ')') }}
    {%- elif type == 'geography' -%}
        {{ return('safe.st_geogfromtext(' ~ text ~ ')') }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{% macro bigquery__utc_timestamp(expression, data_type) %}
    {%- if data_type == 'timestamp' -%}
        {{ return(expression) }}
    {%- elif data_type in ['datetime', 'date'] -%}
        {{ return('cast(' ~ expression ~ ' as timestamp)') }}
    {%- endif -%}
    {%- set text = 'rtrim(cast(' ~ expression ~ ' as string))' -%}
    {%- set rest = 'substr(' ~ text ~ ', 17)' -%}
    {%- set zone = "regexp_extract(" ~ rest ~ ", r'[Zz+-].*')" -%}
    {%- set clock = "regexp_replace(" ~ rest ~ ", r' ?[Zz+-].*', '')" -%}
    {{ return(
        "case when not regexp_contains(" ~ text ~ ", r'^(" ~ dbt_forensics.iso_time_pattern() ~ ")$') then null when starts_with(" ~ text ~ ", '0000') then null"
        ~ " else safe.timestamp_sub(safe_cast(" ~ dbt_forensics._iso_stamp(text, clock) ~ " || '+00:00' as timestamp), interval ("
        ~ dbt_forensics._iso_offset_minutes(zone) ~ ") minute) end"
    ) }}
{% endmacro %}

{% macro bigquery__exact_number(expression) %}
    {#- A NUMERIC has 29 digits before the point and nine after it; a text beyond that is NULL. -#}
    {%- set text = 'cast(' ~ expression ~ ' as string)' -%}
    {%- set number = "safe_cast(case when regexp_contains(" ~ text ~ ", r'^(" ~ dbt_forensics.number_pattern() ~ ")$') then trim(" ~ text ~ ") end as numeric)" -%}
    {{ return('case when abs(' ~ number ~ ") < numeric '100000000000000000000' then " ~ number ~ ' end') }}
{% endmacro %}

{% macro bigquery__digest_word(digest, number) %}
    {#- As a NUMERIC, since a sum of INT64 is one too, and eight words of 60 bits are more than it holds. -#}
    {{ return("cast(cast('0x' || substr(" ~ digest ~ ", " ~ (1 if number == 1 else 17) ~ ", 15) as int64) as numeric)") }}
{% endmacro %}

{% macro bigquery__hash_of(expressions) %}
    {{ return('farm_fingerprint(to_json_string(struct(' ~ expressions | join(', ') ~ ')))') }}
{% endmacro %}

{% macro bigquery__first_ten(expression, repeats) %}
    {#- The order is that of the escaped texts: of the bytes, but for texts that begin alike up to a quote, backslash or control character. -#}
    {%- set json = dbt_forensics.bigquery__json_text(expression) -%}
    {%- set inner = 'substr(' ~ json ~ ', 2, char_length(' ~ json ~ ') - 2)' -%}
    {{ return("'[\"' || string_agg(distinct " ~ inner ~ ", '\",\"' order by " ~ inner ~ " limit 10) || '\"]'") }}
{% endmacro %}

{% macro bigquery__exact_quotient(numerator, denominator) %}
    {#- A BIGNUMERIC's 38 digits after the point are more than any rounding to nine can be misled by. -#}
    {{ return('cast(round(cast(' ~ numerator ~ ' as bignumeric) / cast(' ~ denominator ~ ' as bignumeric), 9) as numeric)') }}
{% endmacro %}

{% macro bigquery__exact_ratio(numerator, denominator) %}
    {{ return(dbt_forensics.bigquery__exact_quotient(numerator, denominator)) }}
{% endmacro %}

{% macro bigquery__elapsed_seconds(from_time, to_time) %}
    {{ return('cast(timestamp_diff(' ~ to_time ~ ', ' ~ from_time ~ ", microsecond) as numeric) * numeric '0.000001'") }}
{% endmacro %}

{% macro bigquery__byte_order(expression) %}
    {{ return('collate(' ~ expression ~ ", '')") }}
{% endmacro %}

{% macro bigquery__text_literal(text) %}
    {#- A backslash escapes in a literal, two quotes are none, and a literal of one line cannot hold a line's end. -#}
    {{ return("'" ~ text | replace('\\', '\\\\') | replace("'", "\\'") | replace('\n', '\\n') | replace('\r', '\\r') ~ "'") }}
{% endmacro %}

{% macro bigquery__quoted(name) %}
    {{ return('`' ~ name | replace('\\', '\\\\') | replace('`', '\\`') ~ '`') }}
{% endmacro %}

{% macro bigquery__time_plus(period, count, time) %}
    {#- dbt's dateadd() makes a DATETIME of a TIMESTAMP, and the two cannot be compared. timestamp_add() takes no date. -#}
    {{ return('timestamp_add(cast(' ~ time ~ ' as timestamp), interval ' ~ count ~ ' ' ~ period ~ ')') }}
{% endmacro %}

{% macro bigquery__from_nothing() %}
    {{ return('from unnest([1]) as nothing ') }}
{% endmacro %}

{% macro bigquery__whole_row(alias) %}
    {{ return('to_json_string(' ~ alias ~ ')') }}
{% endmacro %}
