{% macro postgres__canonical_text(expression, data_type) %}
    {%- if data_type.endswith(']') -%}
        {{ return('cast(' ~ expression ~ ' as text)') }}
    {%- elif data_type.startswith('numeric') or data_type.startswith('decimal') -%}
        {{ return('cast(trim_scale(' ~ expression ~ ') as text)') }}
    {%- elif data_type in ['double precision', 'real'] -%}
        {{ return('cast(trim_scale(cast(cast(' ~ expression ~ ' as text) as numeric)) as text)') }}
    {%- elif data_type in ['timestamp with time zone', 'timestamptz'] -%}
        {{ return("(to_json(" ~ expression ~ " at time zone 'UTC') #>> '{}')") }}
    {%- elif data_type.startswith('timestamp') or data_type == 'date' -%}
        {{ return("(to_json(" ~ expression ~ ") #>> '{}')") }}
    {%- elif data_type == 'bytea' -%}
        {{ return("('\\x' || encode(" ~ expression ~ ", 'hex'))") }}
    {%- elif data_type in dbt_forensics._postgres_catalogs() -%}
        {#- The name of an object is written with its schema or without, as the search path says. -#}
        {%- set id = 'cast(' ~ expression ~ ' as oid)' -%}
        {%- set catalog = "cast('pg_catalog." ~ dbt_forensics._postgres_catalogs()[data_type] ~ "' as regclass)" -%}
        {{ return('coalesce((pg_identify_object(' ~ catalog ~ ', ' ~ id ~ ', 0)).identity, cast(' ~ id ~ ' as text))') }}
    {%- endif -%}
    {{ return('cast(' ~ expression ~ ' as text)') }}
{% endmacro %}

{% macro _postgres_catalogs() %}
    {{ return({
        'regclass': 'pg_class', 'regproc': 'pg_proc', 'regprocedure': 'pg_proc', 'regoper': 'pg_operator', 'regoperator': 'pg_operator',
        'regtype': 'pg_type', 'regcollation': 'pg_collation', 'regconfig': 'pg_ts_config', 'regdictionary': 'pg_ts_dict',
    }) }}
{% endmacro %}

{% macro postgres__json_text(expression) %}
    {{ return('cast(to_json(cast(' ~ expression ~ ' as text)) as text)') }}
{% endmacro %}

{% macro postgres__json_value(json, name) %}
    {{ return('(cast(' ~ json ~ ' as json) ->> ' ~ dbt_forensics.forensics_literal(name) ~ ')') }}
{% endmacro %}

{% macro postgres__typed_value(text, data_type) %}
    {#- There is no try_cast, so the text is looked at first where it may be any: see postgres__reads_any_text(). -#}
    {%- set written, data_type = data_type, data_type | lower -%}
    {%- set whole = {'smallint': '32767', 'integer': '2147483647', 'bigint': '9223372036854775807'} -%}
    {%- set special = '(-?[0-9]+(\\.[0-9]+)?|NaN|-?Infinity)' -%}
    {%- set as_written = 'cast(' ~ text ~ ' as ' ~ written ~ ')' -%}
    {%- if data_type in whole -%}
        {%- set limit = whole[data_type] -%}
        {{ return("case when " ~ text ~ " !~ '^-?[0-9]{1,19}$' then null when cast(" ~ text ~ " as numeric) between -" ~ limit ~ " - 1 and " ~ limit ~ " then cast(" ~ text ~ " as " ~ data_type ~ ") end") }}
    {%- elif data_type.startswith('numeric') and not data_type.endswith(']') -%}
        {%- set size = modules.re.match('numeric\\(([0-9]+), *([0-9]+)\\)$', data_type) -%}
        {%- if not size -%}
            {{ return("case when " ~ text ~ " ~ '^" ~ special ~ "$' then cast(" ~ text ~ " as numeric) end") }}
        {%- endif -%}
        {%- set digits = size.group(1) | int - size.group(2) | int -%}
        {{ return("case when " ~ text ~ " = 'NaN' then " ~ as_written ~ " when " ~ text ~ " !~ '^-?[0-9]+(\\.[0-9]+)?$' then null when abs(round(cast(" ~ text ~ " as numeric), " ~ size.group(2) ~ ")) < 1" ~ '0' * digits ~ " then " ~ as_written ~ " end") }}
    {%- elif data_type in ['double precision', 'real'] -%}
        {%- set limit = '1.7976931348623157e308' if data_type == 'double precision' else '3.4028235e38' -%}
        {{ return("case when " ~ text ~ " in ('NaN', 'Infinity', '-Infinity') then cast(" ~ text ~ " as " ~ data_type ~ ") when " ~ text ~ " !~ '^" ~ special ~ "$' then null when abs(cast(" ~ text ~ " as numeric)) <= " ~ limit ~ " then cast(" ~ text ~ " as " ~ data_type ~ ") end") }}
    {%- elif dbt_forensics.type_family(data_type) == 'time' -%}
        {%- set utc = dbt_forensics.postgres__utc_timestamp(text, '') -%}
        {%- set utc = "case when " ~ text ~ " in ('infinity', '-infinity') then cast(" ~ text ~ " as timestamp without time zone) else " ~ utc ~ " end" -%}
        {{ return('cast(' ~ utc ~ ' as date)' if data_type == 'date' else '(' ~ utc ~ ")" ~ (" at time zone 'UTC'" if data_type.endswith('with time zone') else '')) }}
    {%- elif data_type in ['regclass', 'regtype', 'regprocedure', 'regoperator', 'regcollation'] -%}
        {{ return('to_' ~ data_type ~ '(' ~ text ~ ')') }}
    {%- elif data_type in ['regproc', 'regoper'] -%}
        {{ return('cast(cast(to_' ~ data_type ~ {'regproc': 'edure', 'regoper': 'ator'}[data_type] ~ '(' ~ text ~ ') as oid) as ' ~ data_type ~ ')') }}
    {%- endif -%}
    {%- set patterns = {
        'boolean': '^(true|false)$', 'uuid': '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
        'time without time zone': '^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?$',
    } -%}
    {%- if data_type == 'bit' -%}
        {#- The information schema leaves its length out, and a bit is one of length 1. -#}
        {{ return('cast(' ~ text ~ ' as bit varying)') }}
    {%- elif data_type in patterns -%}
        {{ return("case when " ~ text ~ " ~ '" ~ patterns[data_type] ~ "' then cast(" ~ text ~ " as " ~ data_type ~ ") end") }}
    {%- elif not data_type or data_type in ['array', 'user-defined'] or dbt_forensics.type_family(data_type) == 'text' -%}
        {{ return(text) }}
    {%- endif -%}
    {{ return(as_written) }}
{% endmacro %}

{% macro postgres__reads_back(data_type) %}{{ return(true) }}{% endmacro %}

{% macro postgres__reads_any_text(data_type) %}
    {{ return(dbt_forensics.type_family(data_type) is not none or data_type in ['uuid', 'time without time zone']) }}
{% endmacro %}

{% macro postgres__column_types(relation) %}
    {#- What the information schema calls ARRAY or USER-DEFINED is named, with its schema, so that it is one name whatever the search path. -#}
    {%- set columns = dbt_forensics.default__column_types(relation) -%}
    {%- if columns.values() | select('in', ['ARRAY', 'USER-DEFINED']) | list -%}
        {%- set named = run_query(
            "select a.attname, case when ns.nspname = 'pg_catalog' then format_type(a.atttypid, a.atttypmod) else quote_ident(ns.nspname) || '.' || quote_ident(coalesce(e.typname, t.typname)) || case when e.oid is null then '' else '[]' end end"
            ~ ' from pg_catalog.pg_attribute as a inner join pg_catalog.pg_class as c on a.attrelid = c.oid inner join pg_catalog.pg_type as t on a.atttypid = t.oid'
            ~ ' left join pg_catalog.pg_type as e on t.oid = e.typarray inner join pg_catalog.pg_namespace as ns on coalesce(e.typnamespace, t.typnamespace) = ns.oid'
            ~ ' where a.attnum > 0 and not a.attisdropped and c.relname = ' ~ dbt_forensics.text_literal(relation.identifier)
            ~ ' and c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = ' ~ dbt_forensics.text_literal(relation.schema) ~ ')'
        ) -%}
        {%- for name, data_type in named.rows if columns.get(name) in ['ARRAY', 'USER-DEFINED'] -%}{%- do columns.update({name: data_type}) -%}{%- endfor -%}
    {%- endif -%}
    {{ return(columns) }}
{% endmacro %}

{% macro postgres__fix_session() %}
    {%- set settings = {
        'timezone': 'UTC', 'datestyle': 'ISO, MDY', 'intervalstyle': 'postgres', 'bytea_output': 'hex', 'extra_float_digits': '1', 'lc_monetary': 'C',
        'xmloption': 'content', 'xmlbinary': 'base64', 'array_nulls': 'on', 'quote_all_identifiers': 'off',
    } -%}
    {%- set statements = [] -%}
    {%- for name, value in settings.items() -%}{%- do statements.append('set local ' ~ name ~ " = '" ~ value ~ "'; ") -%}{%- endfor -%}
    {{ return(statements | join) }}
{% endmacro %}

{% macro postgres__utc_timestamp(expression, data_type) %}
    {%- if data_type == 'timestamp without time zone' -%}
        {{ return(expression) }}
    {%- elif data_type == 'date' -%}
        {{ return('cast(' ~ expression ~ ' as timestamp without time zone)') }}
    {%- elif data_type == 'timestamp with time zone' -%}
        {{ return('(' ~ expression ~ " at time zone 'UTC')") }}
    {%- endif -%}
    {#- Text: its form and its ranges are looked at first, since a failed cast would stop every other row. -#}
    {%- set text = 'cast(' ~ expression ~ ' as text)' -%}
    {%- set month = "cast(substr(" ~ text ~ ", 6, 2) as integer)" -%}
    {%- set first_day = "make_date(cast(substr(" ~ text ~ ", 1, 4) as integer), " ~ month ~ ", 1)" -%}
    {{ return(
        "case when " ~ text ~ " !~ '^(" ~ dbt_forensics.iso_time_pattern() ~ ")$' then null"
        ~ " when substr(" ~ text ~ ", 1, 4) = '0000' then null"
        ~ " when cast(substr(" ~ text ~ ", 9, 2) as integer) not between 1 and extract(day from " ~ first_day ~ " + interval '1 month' - interval '1 day') then null"
        ~ " when " ~ text ~ " ~ ':[0-9.]+ ?(Z|z|[+-][0-9:]+) *$' then cast(" ~ text ~ " as timestamp with time zone) at time zone 'UTC'"
        ~ " else cast(" ~ text ~ " as timestamp without time zone) end"
    ) }}
{% endmacro %}

{% macro postgres__exact_number(expression) %}
    {%- set text = 'cast(' ~ expression ~ ' as text)' -%}
    {{ return(
        "case when " ~ text ~ " !~ '^(" ~ dbt_forensics.number_pattern() ~ ")$'"
        ~ " then case when pg_typeof(" ~ expression ~ ") = cast('boolean' as regtype) then cast(cast(" ~ text ~ " as boolean) as integer) end"
        ~ " when abs(cast(" ~ text ~ " as numeric)) >= 1e20 then null else cast(cast(" ~ text ~ " as numeric) as numeric(38, 9)) end"
    ) }}
{% endmacro %}

{% macro postgres__digest_word(digest, number) %}
    {{ return("cast(cast('x0' || substr(" ~ digest ~ ", " ~ (1 if number == 1 else 17) ~ ", 15) as bit(64)) as bigint)") }}
{% endmacro %}

{% macro postgres__hash_of(expressions) %}
    {{ return("hashtextextended(cast(row(" ~ expressions | join(', ') ~ ") as text), 0)") }}
{% endmacro %}

{% macro postgres__first_ten(expression, repeats) %}
    {{ return('cast(array_to_json((array_agg(distinct ' ~ expression ~ ' collate "C") filter (where ' ~ expression ~ ' is not null))[1:10]) as text)') }}
{% endmacro %}

{% macro postgres__elapsed_seconds(from_time, to_time) %}
    {{ return('case when isfinite(' ~ from_time ~ ') and isfinite(' ~ to_time ~ ') then cast(extract(epoch from ' ~ to_time ~ ') - extract(epoch from ' ~ from_time ~ ') as numeric(38, 9)) end') }}
{% endmacro %}

{% macro postgres__byte_order(expression) %}
    {{ return(expression ~ ' collate "C"') }}
{% endmacro %}

{% macro postgres__gather_statistics(relation) %}
    {#- The server does so too, but minutes later, when the next nodes have long been planned without. -#}
    {{ return('analyze ' ~ relation) }}
{% endmacro %}

{% macro postgres__plan_quickly() %}
    {#- Compiling takes seconds, in each of the server's processes, as soon as a plan seems dear, and saves less: a first build is faster without, too. -#}
    {{ return(dbt_forensics.fix_session() ~ 'set local jit = off') }}
{% endmacro %}

{% macro postgres__read_once() %}
    {{ return('set local enable_nestloop = off') }}
{% endmacro %}

{% macro postgres__row_store_indexes(columns, values, growing) %}
    {%- set indexes = [] -%}
    {%- for column in columns -%}
        {%- do indexes.append({'columns': [column] if column is string else column, 'type': 'btree'}) -%}
    {%- endfor -%}
    {%- for column in values -%}
        {%- do indexes.append({'columns': [column], 'type': 'hash'}) -%}
    {%- endfor -%}
    {%- for column in growing -%}
        {%- do indexes.append({'columns': [column], 'type': 'brin'}) -%}
    {%- endfor -%}
    {{ return(indexes) }}
{% endmacro %}

{% macro postgres__exact_quotient(numerator, denominator) %}
    {{ return(
        "sign(" ~ numerator ~ ") * div(abs(" ~ numerator ~ ") * 2000000000 + " ~ denominator ~ ", 2 * " ~ denominator
        ~ ") * 0.000000001"
    ) }}
{% endmacro %}

{% macro postgres__exact_ratio(numerator, denominator) %}
    {{ return(
        "sign(" ~ numerator ~ ") * sign(" ~ denominator ~ ") * div(abs(" ~ numerator ~ ") * 2000000000 + abs(" ~ denominator ~ "), 2 * abs(" ~ denominator
        ~ ")) * 0.000000001"
    ) }}
{% endmacro %}

{% macro postgres__tells_capitals_apart() %}{{ return(true) }}{% endmacro %}
