{#-
    Spark SQL: Apache Spark with Iceberg or Delta, and Sail. The session is in UTC, so that a `timestamp` is a time in UTC as
    elsewhere, and decimals keep their digits: assert_session() checks both. In literals a backslash escapes.
-#}

{% macro spark__canonical_text(expression, data_type) %}
    {%- set text = 'cast(' ~ expression ~ ' as string)' -%}
    {%- if data_type.startswith('decimal') -%}
        {{ return(dbt_forensics._spark_plain_decimal(expression, text, data_type.replace(' ', '').strip(')').split(',')[-1] | int)) }}
    {%- elif data_type in ['double', 'float'] -%}
        {{ return(dbt_forensics._spark_float_text(expression, data_type)) }}
    {%- elif data_type.startswith('timestamp') -%}
        {{ return("replace(" ~ text ~ ", ' ', 'T')") }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{% macro _spark_plain_decimal(expression, text, scale) %}
    {#- Java writes 0.0000001 as 1E-7, but never so beside a whole number. -#}
    {%- if scale == 0 -%}{{ return(text) }}{%- endif -%}
    {%- if scale > 6 -%}
        {%- set size = 'abs(' ~ expression ~ ')' -%}
        {%- set text = "concat(case when " ~ expression ~ " < 0 then '-' else '' end, cast(floor(" ~ size ~ ") as string), substr(cast(" ~ size ~ " - floor(" ~ size ~ ") + 1 as string), 2))" -%}
    {%- endif -%}
    {{ return(dbt_forensics._spark_without_zeros(text)) }}
{% endmacro %}

{% macro _spark_without_zeros(text) %}
    {{ return("regexp_replace(" ~ text ~ ", '[.]0*$|([.][0-9]*[1-9])0+$', '$1')") }}
{% endmacro %}

{% macro _spark_float_text(expression, data_type) %}
    {#-
        The plain text of a float. Java before 19, which writes 1e22 as 1.0E22, gives some more digits than it takes to read them back: of long
        texts, and of those with a negative exponent, the fewest digits that do are taken. A lambda names a text that is long in SQL.
    -#}
    {%- set text = 'cast(' ~ expression ~ ' as string)' -%}
    {%- set digits = 'double' in data_type and 17 or 9 -%}
    {%- set written = "transform(sequence(0, " ~ (digits - 1) ~ "), forensics_digits -> format_string(concat('%.', cast(forensics_digits as string), 'e'), " ~ expression ~ "))" -%}
    {%- set shortest = "filter(" ~ written ~ ", forensics_text -> cast(forensics_text as " ~ data_type ~ ") = " ~ expression ~ ")[0]" -%}
    {%- set kept = "case when cast(cast('1e22' as double) as string) = '1.0E22' and (" ~ text ~ " like '%E-%' or length(" ~ text ~ ") >= " ~ digits ~ ") then " ~ shortest ~ " else " ~ text ~ " end" -%}
    {{ return("transform(array(" ~ kept ~ "), forensics_text -> " ~ dbt_forensics._spark_plain_number('forensics_text') ~ ")[0]") }}
{% endmacro %}

{% macro _spark_plain_number(text) %}
    {#- The text of a float as Java writes it (1.5, 1.2345678E7) or as Rust does (1e22, inf), without exponent and trailing zeros. -#}
    {%- set sign = "case when " ~ text ~ " like '-%' then '-' else '' end" -%}
    {%- set plain = "case when lower(" ~ text ~ ") like '%e%' then " ~ sign ~ " || " ~ dbt_forensics._spark_moved_point(text) ~ " else " ~ text ~ " end" -%}
    {{ return(
        "case when " ~ text ~ " rlike '^-?0([.]0*)?([eE].*)?$' then '0'"
        ~ " when lower(" ~ text ~ ") = 'nan' then 'NaN'"
        ~ " when lower(" ~ text ~ ") like '%inf%' then " ~ sign ~ " || 'Infinity'"
        ~ " else " ~ dbt_forensics._spark_without_zeros(plain) ~ " end"
    ) }}
{% endmacro %}

{% macro _spark_moved_point(text) %}
    {#- The digits of a text with an exponent, without sign, the point moved by the exponent. -#}
    {%- set mantissa = "ltrim('+- ', substring_index(lower(" ~ text ~ "), 'e', 1))" -%}
    {%- set whole = "substring_index(" ~ mantissa ~ ", '.', 1)" -%}
    {%- set digits = "replace(" ~ mantissa ~ ", '.', '')" -%}
    {%- set place = "(length(" ~ whole ~ ") + cast(ltrim('+', rtrim(substring_index(lower(" ~ text ~ "), 'e', -1))) as int))" -%}
    {{ return(
        "case when " ~ place ~ " <= 0 then concat('0.', repeat('0', -" ~ place ~ "), " ~ digits ~ ")"
        ~ " when " ~ place ~ " >= length(" ~ digits ~ ") then rpad(" ~ digits ~ ", " ~ place ~ ", '0')"
        ~ " else concat(substr(" ~ digits ~ ", 1, " ~ place ~ "), '.', substr(" ~ digits ~ ", " ~ place ~ " + 1)) end"
    ) }}
{% endmacro %}

{% macro spark__json_text(expression) %}
    {%- set json = 'to_json(array(' ~ expression ~ '))' -%}
    {{ return('case when ' ~ expression ~ ' is not null then ' ~ dbt_forensics._spark_small_letters('substr(' ~ json ~ ', 2, length(' ~ json ~ ') - 2)') ~ ' end') }}
{% endmacro %}

{% macro _spark_small_letters(json) %}
    {#- Spark writes control characters as \u001F, everybody else as \u001f. See _duckdb_small_letters(). -#}
    {%- set backslashes = dbt_forensics.text_literal('\\\\') -%}
    {%- set ns = namespace(fixed='replace(' ~ json ~ ', ' ~ backslashes ~ ', chr(1))') -%}
    {%- for number in ['0B', '0E', '0F', '1A', '1B', '1C', '1D', '1E', '1F'] -%}
        {%- set ns.fixed = 'replace(' ~ ns.fixed ~ ', ' ~ dbt_forensics.text_literal('\\u00' ~ number) ~ ', ' ~ dbt_forensics.text_literal('\\u00' ~ number | lower) ~ ')' -%}
    {%- endfor -%}
    {{ return('replace(' ~ ns.fixed ~ ', chr(1), ' ~ backslashes ~ ')') }}
{% endmacro %}

{% macro spark__canonical_json(fields, rare) %}
    {#- A struct leaves its NULLs out when it becomes JSON. -#}
    {%- set members = [] -%}
    {%- for name, text in dict(fields, **rare).items() | sort(case_sensitive=true) -%}
        {%- do members.append(dbt_forensics.text_literal(name) ~ ', ' ~ text) -%}
    {%- endfor -%}
    {%- if not members -%}{{ return("'{}'") }}{%- endif -%}
    {{ return(dbt_forensics._spark_small_letters('to_json(named_struct(' ~ members | join(', ') ~ '))')) }}
{% endmacro %}

{% macro spark__canonical_json_array(texts) %}
    {{ return(dbt_forensics._spark_small_letters('to_json(array(' ~ texts | join(', ') ~ '))')) }}
{% endmacro %}

{% macro spark__json_value(json, name) %}
    {#- A path cannot hold every name; a map can. -#}
    {{ return("from_json(" ~ json ~ ", 'map<string,string>')[" ~ dbt_forensics.text_literal(name) ~ "]") }}
{% endmacro %}

{% macro spark__typed_value(text, data_type) %}
    {%- set data_type = data_type | lower -%}
    {%- if not data_type or data_type == 'string' or data_type.startswith('varchar') or data_type.startswith('char') -%}
        {{ return(text) }}
    {%- elif data_type in ['tinyint', 'smallint', 'int', 'bigint'] -%}
        {{ return(dbt_forensics._spark_if(text, '-?[0-9]+', 'try_cast(' ~ text ~ ' as ' ~ data_type ~ ')')) }}
    {%- elif data_type.startswith('decimal') -%}
        {{ return(dbt_forensics._spark_if(text, '-?[0-9]+([.][0-9]+)?', 'try_cast(' ~ text ~ ' as ' ~ data_type ~ ')')) }}
    {%- elif data_type in ['double', 'float'] -%}
        {{ return(dbt_forensics._spark_if(text, '-?[0-9]+([.][0-9]+)?|NaN|-?Infinity', 'try_cast(' ~ text ~ ' as ' ~ data_type ~ ')')) }}
    {%- elif data_type.startswith('timestamp') or data_type == 'date' -%}
        {{ return('cast(' ~ dbt_forensics.spark__utc_timestamp(text, '') ~ ' as ' ~ data_type ~ ')') }}
    {%- elif data_type == 'boolean' -%}
        {{ return("case " ~ text ~ " when 'true' then true when 'false' then false end") }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{% macro spark__reads_back(data_type) %}
    {{ return(dbt_forensics.default__reads_back(data_type) and data_type != 'binary') }}
{% endmacro %}

{% macro _spark_if(text, pattern, value) %}
    {#- A value where a text is all of a pattern, else NULL. \z, because $ also stands before a last newline. -#}
    {{ return('case when ' ~ text ~ ' rlike ' ~ dbt_forensics.text_literal('^(' ~ pattern ~ ')\\z') ~ ' then ' ~ value ~ ' end') }}
{% endmacro %}

{% macro spark__utc_timestamp(expression, data_type) %}
    {%- if data_type == 'timestamp' -%}
        {{ return(expression) }}
    {%- elif data_type == 'date' or data_type == 'timestamp_ntz' -%}
        {{ return('cast(' ~ expression ~ ' as timestamp)') }}
    {%- endif -%}
    {#- Text: the day, the clock and the offset are read one by one, since engines of this dialect read different forms of them. -#}
    {%- set text = 'cast(' ~ expression ~ ' as string)' -%}
    {%- set clock = "regexp_extract(" ~ text ~ ", '^.{10}[T ]([0-9:]+([.][0-9]{1,6})?)', 1)" -%}
    {%- set time = "try_cast(concat(substr(" ~ text ~ ", 1, 10), ' ', " ~ clock ~ ", substr('00:00:00', length(" ~ clock ~ ") + 1)) as timestamp)" -%}
    {%- set offset = "regexp_replace(regexp_extract(" ~ text ~ ", ':[0-9.]+ ?([+-][0-9:]+) *$', 1), ':', '')" -%}
    {%- set minutes = "cast(rpad(" ~ offset ~ ", 5, '0') as int)" -%}
    {%- set micros = "((" ~ minutes ~ " - mod(" ~ minutes ~ ", 100)) / 100 * 60 + mod(" ~ minutes ~ ", 100)) * 60000000" -%}
    {%- set read = "case when substr(" ~ text ~ ", 1, 4) = '0000' then null when " ~ offset ~ " = '' then " ~ time
        ~ " else timestamp_micros(unix_micros(" ~ time ~ ") - cast(" ~ micros ~ " as bigint)) end" -%}
    {{ return(dbt_forensics._spark_if(text, dbt_forensics.iso_time_pattern(), read)) }}
{% endmacro %}

{% macro spark__exact_number(expression) %}
    {#-
        A number is read from its text, a float from its shortest one. Exponents and long fractions are read here, since Sail does not; a
        decimal(29, 9) holds what is below 1e20.
    -#}
    {%- set text = 'trim(cast(' ~ expression ~ ' as string))' -%}
    {%- set sign = "case when " ~ text ~ " like '-%' then '-' else '' end" -%}
    {%- set plain = "case when lower(" ~ text ~ ") like '%e%' then " ~ sign ~ " || " ~ dbt_forensics._spark_moved_point(text) ~ " else " ~ text ~ " end" -%}
    {%- set number = "cast(try_cast(regexp_extract(" ~ plain ~ ", '^[+-]?[0-9]*[.]?[0-9]{0,12}', 0) as decimal(29, 9)) as decimal(38, 9))" -%}
    {{ return(dbt_forensics._spark_if('cast(' ~ expression ~ ' as string)', dbt_forensics.number_pattern(), number)) }}
{% endmacro %}

{% macro spark__digest_word(digest, number) %}
    {#- A decimal: the sum of bigints is a bigint here, and would overflow. -#}
    {{ return("cast(conv(substr(" ~ digest ~ ", " ~ (1 if number == 1 else 17) ~ ", 15), 16, 10) as decimal(19, 0))") }}
{% endmacro %}

{% macro spark__hash_of(expressions) %}
    {#- A NULL does not change a hash, so that it is told from what is none beside it. -#}
    {%- set parts = [] -%}
    {%- for expression in expressions -%}{%- do parts.append(expression ~ ', ' ~ expression ~ ' is null') -%}{%- endfor -%}
    {{ return('xxhash64(' ~ parts | join(', ') ~ ')') }}
{% endmacro %}

{% macro spark__first_ten(expression, repeats) %}
    {{ return(
        'case when count(' ~ expression ~ ') > 0 then '
        ~ dbt_forensics._spark_small_letters('to_json(slice(sort_array(collect_set(' ~ expression ~ ')), 1, 10))') ~ ' end'
    ) }}
{% endmacro %}

{% macro spark__elapsed_seconds(from_time, to_time) %}
    {%- set micros = dbt_forensics._spark_micros(to_time) ~ ' - ' ~ dbt_forensics._spark_micros(from_time) -%}
    {{ return('cast(cast(' ~ micros ~ ' as decimal(19, 0)) * cast(0.000001 as decimal(6, 6)) as decimal(38, 9))') }}
{% endmacro %}

{% macro spark__exact_quotient(numerator, denominator) %}
    {#- Whole numbers of 1e-9, so that the digits of no intermediate result depend on the rules for scales. -#}
    {%- set size = 'abs(cast(' ~ numerator ~ ' as decimal(38, 9)))' -%}
    {%- set whole = 'cast(floor(' ~ size ~ ') as decimal(29, 0))' -%}
    {%- set fraction = 'cast((' ~ size ~ ' - ' ~ whole ~ ') * 1000000000 as decimal(9, 0))' -%}
    {%- set divisor = 'cast(' ~ denominator ~ ' as decimal(19, 0))' -%}
    {%- set doubled = 'cast((' ~ whole ~ ' * cast(1000000000 as decimal(10, 0)) + ' ~ fraction ~ ') * 2 + ' ~ divisor ~ ' as decimal(38, 0))' -%}
    {#- With one digit more, Spark would leave only 28 to the quotient. -#}
    {%- set steps = 'cast(2 * ' ~ divisor ~ ' as decimal(19, 0))' -%}
    {%- set quotient = 'cast((' ~ doubled ~ ' - mod(' ~ doubled ~ ', ' ~ steps ~ ')) / ' ~ steps ~ ' as decimal(38, 0))' -%}
    {{ return('cast(sign(' ~ numerator ~ ') as decimal(1, 0)) * cast(' ~ quotient ~ ' * cast(0.000000001 as decimal(9, 9)) as decimal(38, 9))') }}
{% endmacro %}

{% macro spark__exact_ratio(numerator, denominator) %}
    {#- Both as whole numbers of 1e-9; first the whole part, then of what is left its part in 1e9, since decimals have 38 digits. -#}
    {%- set wholes = [] -%}
    {%- for number in [numerator, denominator] -%}
        {%- set size = 'abs(cast(' ~ number ~ ' as decimal(38, 9)))' -%}
        {%- set whole = 'cast(floor(' ~ size ~ ') as decimal(19, 0))' -%}
        {%- do wholes.append('cast(' ~ whole ~ ' * cast(1000000000 as decimal(10, 0)) + cast((' ~ size ~ ' - ' ~ whole ~ ') * 1000000000 as decimal(9, 0)) as decimal(28, 0))') -%}
    {%- endfor -%}
    {%- set rest = 'mod(' ~ wholes[0] ~ ', ' ~ wholes[1] ~ ')' -%}
    {#- The more digits the divisor may have, the fewer Spark leaves to the quotient, which is long only where the divisor is short. -#}
    {%- set multiple = 'cast(' ~ wholes[0] ~ ' - ' ~ rest ~ ' as decimal(38, 0))' -%}
    {%- set quotient = 'coalesce(cast(' ~ multiple ~ ' / try_cast(' ~ wholes[1] ~ ' as decimal(19, 0)) as decimal(28, 0)), cast(' ~ multiple ~ ' / ' ~ wholes[1] ~ ' as decimal(28, 0)))' -%}
    {%- set parts = 'cast((cast(' ~ rest ~ ' as decimal(28, 0)) * cast(2000000000 as decimal(10, 0)) + ' ~ wholes[1] ~ ') div (2 * ' ~ wholes[1] ~ ') as decimal(10, 0))' -%}
    {{ return(
        'cast(sign(' ~ numerator ~ ') * sign(' ~ denominator ~ ') as decimal(1, 0)) * cast(' ~ quotient ~ ' + ' ~ parts
        ~ ' * cast(0.000000001 as decimal(9, 9)) as decimal(38, 9))'
    ) }}
{% endmacro %}

{% macro spark__time_plus(period, count, time) %}
    {#- dbt's dateadd() leaves fractions of a second out, and an interval is a literal. -#}
    {%- set micros = {'microsecond': '1', 'minute': '60000000', 'hour': '3600000000', 'day': '86400000000'}[period] -%}
    {{ return('timestamp_micros(' ~ dbt_forensics._spark_micros(time) ~ ' + cast(' ~ count ~ ' as bigint) * ' ~ micros ~ ')') }}
{% endmacro %}

{% macro spark__time_trunc(period, time) %}
    {#- Sail's date_trunc() knows only times that nanoseconds since 1970 can hold in 64 bits. -#}
    {%- set micros = {'hour': '3600000000', 'day': '86400000000'}[period] -%}
    {%- set since_1970 = dbt_forensics._spark_micros(time) -%}
    {{ return('timestamp_micros(' ~ since_1970 ~ ' - pmod(' ~ since_1970 ~ ', ' ~ micros ~ '))') }}
{% endmacro %}

{% macro _spark_micros(time) %}
    {#- Microseconds from 1970 to a timestamp or a date: unix_micros() takes no date. -#}
    {{ return('unix_micros(cast(' ~ time ~ ' as timestamp))') }}
{% endmacro %}

{% macro spark__text_literal(text) %}
    {#- A backslash escapes, two quotes are none, and ${...} would be filled in by the session. -#}
    {{ return("'" ~ text | replace('\\', '\\\\') | replace("'", "\\'") | replace('${', '$\\u007b') ~ "'") }}
{% endmacro %}

{% macro spark__quoted(name) %}
    {{ return('`' ~ name | replace('`', '``') ~ '`') }}
{% endmacro %}

{% macro spark__assert_session() %}
    {%- set found = dbt_forensics._single_row(
        "select concat_ws(', ', cast(timestamp_seconds(1767225600) as string), cast(timestamp_seconds(1782864000) as string)) as shown, cast('2026-01-05 12:00:00' as timestamp) as time, "
        ~ "cast(cast('1.000000001' as decimal(38, 9)) + cast('1' as decimal(38, 9)) as string) as total"
    ) -%}
    {%- set remedy = ' Set it in the profile, under server_side_parameters, or where the server is started' -%}
    {%- if found[0] != '2026-01-01 00:00:00, 2026-07-01 00:00:00' -%}
        {{ dbt_forensics._config_error('the Spark session', 'spark.sql.session.timeZone', 'another zone than UTC', 'UTC.' ~ remedy) }}
    {%- elif found[1].strftime('%H:%M') != '12:00' -%}
        {{ dbt_forensics._config_error('the Spark session', none, 'that dbt reads 12:00 UTC as ' ~ found[1], 'a dbt that runs in UTC, such as TZ=UTC dbt build') }}
    {%- elif found[2] != '2.000000001' -%}
        {{ dbt_forensics._config_error('the Spark session', 'spark.sql.decimalOperations.allowPrecisionLoss', 'true', 'false.' ~ remedy) }}
    {%- endif -%}
{% endmacro %}

{% macro spark__snapshot_merge_sql(target, source, insert_cols) %}
    {#-
        Only where a project dispatches dbt's macros to this package (docs/engines.md). dbt-spark's own merge compares with all that is on record,
        which rows that are only ever added do not need: the snapshot's query leaves out what is captured already.
    -#}
    {%- if config.get('strategy') != 'dbt_forensics.append_only' -%}
        {{ return(dbt.spark__snapshot_merge_sql(target, source, insert_cols)) }}
    {%- endif -%}
    insert into {{ target }} ({{ insert_cols | join(', ') }})
    select {{ insert_cols | join(', ') }}
    from {{ source.identifier if target.is_iceberg else source }}
    where dbt_change_type = 'insert'
{% endmacro %}

{% macro spark__whole_row(alias) %}
    {{ return("to_json(struct(" ~ alias ~ ".*), map('ignoreNullFields', 'false'))") }}
{% endmacro %}
