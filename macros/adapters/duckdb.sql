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
    {%- elif dbt_forensics._duckdb_is_told_as_json(data_type) -%}
        {{ return('cast(to_json(' ~ expression ~ ') as varchar)') }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}

{% macro duckdb__without_collation(text) %}
    {{ return('(' ~ text ~ ') collate c') }}
{% endmacro %}

{% macro _duckdb_is_told_as_json(data_type) %}
    {#- The engine's own text of a union or a variant does not tell the number 5 from the text 5. -#}
    {{ return(modules.re.search('union\\(|\\bvariant(?=[,)\\[]|$)', data_type) is not none) }}
{% endmacro %}

{% macro _duckdb_plain_number(text) %}
    {#- The shortest text of a float (1.5, 1e+22, 1.2e-07, nan) without exponent: its digits, moved by the exponent. -#}
    {%- set digits = "replace(ltrim(split_part(" ~ text ~ ", 'e', 1), '-'), '.', '')" -%}
    {%- set exponent = "cast(split_part(" ~ text ~ ", 'e', 2) as integer)" -%}
    {%- set sign = "case when " ~ text ~ " like '-%' then '-' else '' end" -%}
    {{ return(
        "case when " ~ text ~ " in ('nan', '-nan') then 'NaN'"
        ~ " when " ~ text ~ " in ('inf', '-inf') then replace(" ~ text ~ ", 'inf', 'Infinity')"
        ~ " when " ~ text ~ " in ('0.0', '-0.0') then '0'"
        ~ " when " ~ text ~ " like '%e-%' then " ~ sign ~ " || '0.' || repeat('0', -" ~ exponent ~ " - 1) || " ~ digits
        ~ " when " ~ text ~ " like '%e+%' then " ~ sign ~ " || rpad(" ~ digits ~ ", " ~ exponent ~ " + 1, '0')"
        ~ " else rtrim(rtrim(" ~ text ~ ", '0'), '.') end"
    ) }}
{% endmacro %}

{% macro duckdb__json_text(expression) %}
    {{ return(dbt_forensics._duckdb_small_letters('cast(to_json(' ~ expression ~ ') as varchar)')) }}
{% endmacro %}

{% macro _duckdb_small_letters(json) %}
    {#-
        DuckDB writes control characters as \u001F, everybody else as \u001f. Escaped backslashes are set aside meanwhile as a
        character that JSON text never holds, so that a text that reads \u001F stays what it is.
    -#}
    {%- set ns = namespace(fixed="replace(" ~ json ~ ", '\\\\', chr(1))") -%}
    {%- for number in ['0B', '0E', '0F', '1A', '1B', '1C', '1D', '1E', '1F'] -%}
        {%- set ns.fixed = "replace(" ~ ns.fixed ~ ", '\\u00" ~ number ~ "', '\\u00" ~ number | lower ~ "')" -%}
    {%- endfor -%}
    {{ return("case when contains(" ~ json ~ ", '\\u00') then replace(" ~ ns.fixed ~ ", chr(1), '\\\\') else " ~ json ~ " end") }}
{% endmacro %}

{% macro duckdb__canonical_json(fields, rare) %}
    {#-
        A whole row at once is four times as fast as value by value; rows with a NULL or a rare field go the long way, which leaves NULLs
        out, and so do names that only their case tells apart, since a struct cannot hold both.
    -#}
    {%- if fields.keys() | map('lower') | unique | list | length < fields | length or not fields -%}
        {{ return(dbt_forensics.default__canonical_json(fields, rare)) }}
    {%- endif -%}
    {%- set members = [] -%}
    {%- set one_by_one = [] -%}
    {%- set exceptions_of_form = [] -%}
    {%- for name, text in dict(fields, **rare).items() | sort(case_sensitive=true) -%}
        {%- if name not in rare -%}{%- do members.append(dbt_forensics.quoted(name) ~ ' := ' ~ text) -%}{%- endif -%}
        {%- do one_by_one.append("coalesce(',' || " ~ dbt_forensics._json_name(name) ~ " || ':' || cast(to_json(" ~ text ~ ") as varchar), '')") -%}
        {%- do exceptions_of_form.append(text ~ (' is not null' if name in rare else ' is null')) -%}
    {%- endfor -%}
    {{ return(dbt_forensics._duckdb_small_letters(
        "case when " ~ exceptions_of_form | join(' or ') ~ " then '{' || substr(" ~ one_by_one | join(' || ') ~ ", 2) || '}'"
        ~ " else cast(to_json(struct_pack(" ~ members | join(', ') ~ ")) as varchar) end"
    )) }}
{% endmacro %}

{% macro duckdb__canonical_json_array(texts) %}
    {{ return(dbt_forensics._duckdb_small_letters('cast(to_json([' ~ texts | join(', ') ~ ']) as varchar)')) }}
{% endmacro %}

{% macro duckdb__comma_separated(texts) %}
    {{ return('concat(' ~ texts | join(", ',', ") ~ ')') }}
{% endmacro %}

{% macro duckdb__json_value(json, name) %}
    {%- set pointer = '/' ~ name | replace('~', '~0') | replace('/', '~1') -%}
    {{ return('json_extract_string(' ~ json ~ ', ' ~ dbt_forensics.forensics_literal(pointer) ~ ')') }}
{% endmacro %}

{% macro duckdb__typed_value(text, data_type) %}
    {%- set type = data_type | lower -%}
    {%- if not type or type.startswith('varchar') and not type.endswith(']') or type == 'text' -%}
        {{ return(text) }}
    {%- elif type in ['timestamp with time zone', 'timestamptz'] -%}
        {{ return("timezone('UTC', try_cast(replace(" ~ text ~ ", 'T', ' ') as timestamp))") }}
    {%- elif type.startswith('timestamp') -%}
        {{ return("try_cast(replace(" ~ text ~ ", 'T', ' ') as " ~ type ~ ")") }}
    {%- elif type.endswith('int') or type.endswith('integer') -%}
        {{ return("case when regexp_full_match(" ~ text ~ ", '-?[0-9]+') then try_cast(" ~ text ~ " as " ~ type ~ ") end") }}
    {%- elif type == 'boolean' -%}
        {{ return("case " ~ text ~ " when 'true' then true when 'false' then false end") }}
    {%- elif dbt_forensics._duckdb_is_told_as_json(type) -%}
        {{ return('try(from_json(' ~ text ~ ', ' ~ dbt_forensics.text_literal(data_type | tojson) ~ '))') }}
    {%- endif -%}
    {{ return('try_cast(' ~ text ~ ' as ' ~ data_type ~ ')') }}
{% endmacro %}

{% macro duckdb__reads_back(data_type) %}
    {#- JSON has no bytes, and says nothing of the types in a variant. -#}
    {{ return(not dbt_forensics._duckdb_is_told_as_json(data_type) or modules.re.search('\\b(variant|blob|bit|geometry)\\b', data_type) is none) }}
{% endmacro %}

{% macro duckdb__keeps_capitals() %}{{ return(true) }}{% endmacro %}

{% macro duckdb__fix_session() %}
    {#- Only settings that are a session's own. dbt opens one for each node. -#}
    {%- set settings = {
        'TimeZone': "'UTC'", 'Calendar': "'gregorian'", 'integer_division': 'false', 'ieee_floating_point_ops': 'true', 'default_null_order': "'nulls_last'",
        'scalar_subquery_error_on_multiple_rows': 'true', 'disable_timestamptz_casts': 'false',
    } -%}
    {%- set statements = [] -%}
    {%- for name, value in settings.items() -%}{%- do statements.append('set ' ~ name ~ ' = ' ~ value ~ '; ') -%}{%- endfor -%}
    {{ return(statements | join) }}
{% endmacro %}

{% macro duckdb__assert_session() %}
    {#- These two are of the whole database: the package cannot set them for itself. -#}
    {%- set found = dbt_forensics._single_row("select current_setting('default_collation'), current_setting('default_order')") -%}
    {%- if found[0] -%}
        {{ dbt_forensics._config_error('the DuckDB session', 'default_collation', found[0], "none, since ids that differ would be one. Take it out of the profile's settings, and write `collate` where it is needed") }}
    {%- elif found[1] | lower not in ['asc', 'ascending'] -%}
        {{ dbt_forensics._config_error('the DuckDB session', 'default_order', found[1], "ASC. Take it out of the profile's settings") }}
    {%- endif -%}
{% endmacro %}

{% macro duckdb__utc_timestamp(expression, data_type) %}
    {%- if data_type == 'timestamp' -%}
        {{ return(expression) }}
    {%- elif data_type == 'timestamptz_ns' -%}
        {{ return("timezone('UTC', cast(" ~ expression ~ " as timestamptz))") }}
    {%- elif data_type == 'date' or data_type.startswith('timestamp_') -%}
        {{ return('cast(' ~ expression ~ ' as timestamp)') }}
    {%- elif data_type in ['timestamp with time zone', 'timestamptz'] -%}
        {{ return("timezone('UTC', " ~ expression ~ ")") }}
    {%- endif -%}
    {#- A cast to timestamp drops an offset, and one to timestamptz wants it without a space and with a capital Z. -#}
    {%- set text = 'cast(' ~ expression ~ ' as varchar)' -%}
    {%- set offset = "regexp_matches(" ~ text ~ ", ':[0-9.]+ ?([Zz]|[+-][0-9:]+) *$')" -%}
    {%- set plain = "regexp_replace(replace(rtrim(" ~ text ~ "), 'z', 'Z'), ' ([Z+-])', '\\1')" -%}
    {{ return(
        "case when not regexp_full_match(" ~ text ~ ", '" ~ dbt_forensics.iso_time_pattern() ~ "') then null"
        ~ " when " ~ text ~ " like '0000%' then null"
        ~ " when " ~ offset ~ " then timezone('UTC', try_cast(" ~ plain ~ " as timestamptz))"
        ~ " else try_cast(rtrim(" ~ text ~ ") as timestamp) end"
    ) }}
{% endmacro %}

{% macro duckdb__exact_number(expression) %}
    {#- A float is read from its shortest text: a cast to decimal multiplies, and 8996782.7 would become 8996782.699999999. -#}
    {%- set text = 'cast(' ~ expression ~ ' as varchar)' -%}
    {%- set number -%}
        case when typeof({{ expression }}) in ('DOUBLE', 'FLOAT') then try_cast({{ text }} as decimal(38, 9))
        when typeof({{ expression }}) <> 'VARCHAR' then try_cast({{ expression }} as decimal(38, 9))
        when regexp_full_match({{ text }}, '{{ dbt_forensics.number_pattern() }}') then try_cast({{ text }} as decimal(38, 9)) end
    {%- endset -%}
    {{ return('case when abs(' ~ number ~ ') < 100000000000000000000 then ' ~ number ~ ' end') }}
{% endmacro %}

{% macro duckdb__digest_word(digest, number) %}
    {#- Of the number that the digest is, by shifting: two words cost half of reading each from its digits. NULL of what is no digest. -#}
    {%- set whole = "try_cast('0x' || " ~ digest ~ " as uhugeint)" -%}
    {{ return('cast(' ~ (whole ~ ' >> 68' if number == 1 else '(' ~ whole ~ ' >> 4) & cast(1152921504606846975 as uhugeint)') ~ ' as bigint)') }}
{% endmacro %}

{% macro duckdb__hash_of(expressions) %}
    {{ return('hash(' ~ expressions | join(', ') ~ ')') }}
{% endmacro %}

{% macro duckdb__statement_row_limit() %}
    {#- What five million rows need meanwhile is a few GB; beyond its memory the engine writes to disk, several times what the rows take in the database. -#}
    {{ return(5000000) }}
{% endmacro %}

{% macro duckdb__first_ten(expression, repeats) %}
    {#- Only what may repeat is told apart: a distinct aggregate over every entry would cost as much as all else together. -#}
    {%- set once = 'min(case when not (' ~ repeats ~ ') then ' ~ expression ~ ' end, 10)' -%}
    {%- set repeated = 'min(distinct case when ' ~ repeats ~ ' then ' ~ expression ~ ' end, 10)' -%}
    {{ return(dbt_forensics._duckdb_small_letters("nullif(cast(to_json(list_sort(list_concat(" ~ once ~ ", " ~ repeated ~ "))[:10]) as varchar), '[]')")) }}
{% endmacro %}

{% macro duckdb__elapsed_seconds(from_time, to_time) %}
    {{ return('case when isfinite(' ~ from_time ~ ') and isfinite(' ~ to_time ~ ') then cast(cast(epoch_us(' ~ to_time ~ ') - epoch_us(' ~ from_time ~ ') as decimal(19, 0)) * cast(0.000001 as decimal(6, 6)) as decimal(38, 9)) end') }}
{% endmacro %}

{% macro duckdb__exact_quotient(numerator, denominator) %}
    {#- DuckDB divides decimals as floats; whole numbers are divided exactly. A numeric(38, 9) is written with all nine digits. -#}
    {%- set scaled = "cast(replace(cast(" ~ numerator ~ " as varchar), '.', '') as hugeint)" -%}
    {{ return(
        "sign(" ~ numerator ~ ") * cast((abs(" ~ scaled ~ ") * 2 + " ~ denominator ~ ") // (2 * " ~ denominator
        ~ ") as decimal(38, 0)) * cast(0.000000001 as decimal(9, 9))"
    ) }}
{% endmacro %}

{% macro duckdb__exact_ratio(numerator, denominator) %}
    {%- set above = "abs(cast(replace(cast(" ~ numerator ~ " as varchar), '.', '') as hugeint))" -%}
    {%- set below = "abs(cast(replace(cast(" ~ denominator ~ " as varchar), '.', '') as hugeint))" -%}
    {{ return(
        "sign(" ~ numerator ~ ") * sign(" ~ denominator ~ ") * cast((" ~ above ~ " * 2000000000 + " ~ below ~ ") // (2 * " ~ below
        ~ ") as decimal(38, 0)) * cast(0.000000001 as decimal(9, 9))"
    ) }}
{% endmacro %}

{% macro duckdb__attempt(query, keep_as) %}
    {#-
        The one question of dbt-duckdb that a failure does not end is whether a location exists: it selects from what it is given, in quotes, and a failure is a no.
        The statement stands between two selects from a view that every DuckDB has. What the engine said is in dbt's log file.
    -#}
    {%- set statement = ('create or replace temporary table ' ~ keep_as ~ ' as ' if keep_as else '') ~ query -%}
    {%- set has_run = adapter.location_exists("duckdb_types' where 1 = 0;\n" ~ statement ~ "\n; select 1 from 'duckdb_types") -%}
    {{ return({'problem': none if has_run else "dbt's log file has what DuckDB says", 'relation': keep_as, 'is_kept': keep_as is not none}) }}
{% endmacro %}

{% macro duckdb__tried_rows(source, relation, expressions) %}
    {#- What two expressions of one select have in common is computed once, outside of try(): so each has a select of its own. -#}
    {%- set ns = namespace(rows=source) -%}
    {%- set alias = ' as ' ~ adapter.quote(relation.identifier) -%}
    {%- for expression in expressions -%}
        {%- set ns.rows = '(select *, try((' ~ expression ~ ') is null) is not null as forensics_succeeds_' ~ loop.index ~ ' from ' ~ ns.rows ~ ')' ~ alias -%}
        {%- set ns.rows = '(select *, try(' ~ expression ~ ') as forensics_value_' ~ loop.index ~ ' from ' ~ ns.rows ~ ')' ~ alias -%}
    {%- endfor -%}
    {{ return(ns.rows) }}
{% endmacro %}

{% macro duckdb__column_types(relation) %}
    {#- A source may be a file or a function that reads one, which only a select can be asked about. A view over something that is gone fails. -#}
    {%- set columns = {} -%}
    {%- if dbt_forensics.duckdb__attempt('select 1 from ' ~ relation ~ ' where 1 = 0', none).problem -%}{{ return(columns) }}{%- endif -%}
    {%- set described -%}
        select
            column_name,
            column_type as data_type,
            cast(null as bigint) as character_maximum_length,
            cast(null as bigint) as numeric_precision,
            cast(null as bigint) as numeric_scale
        from (describe select * from {{ relation }})
    {%- endset -%}
    {%- for column in sql_convert_columns_in_relation(run_query(described)) -%}{%- do columns.update({column.name: column.data_type}) -%}{%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
