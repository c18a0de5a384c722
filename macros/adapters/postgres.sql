{% macro postgres__canonical_text(expression, data_type) %}
    {%- if data_type.startswith('numeric') or data_type.startswith('decimal') -%}
        {{ return('cast(trim_scale(' ~ expression ~ ') as text)') }}
    {%- elif data_type in ['double precision', 'real'] -%}
        {{ return('cast(trim_scale(cast(cast(' ~ expression ~ ' as text) as numeric)) as text)') }}
    {%- elif data_type in ['timestamp with time zone', 'timestamptz'] -%}
        {{ return("(to_json(" ~ expression ~ " at time zone 'UTC') #>> '{}')") }}
    {%- elif data_type.startswith('timestamp') or data_type == 'date' -%}
        {{ return("(to_json(" ~ expression ~ ") #>> '{}')") }}
    {%- endif -%}
    {{ return('cast(' ~ expression ~ ' as text)') }}
{% endmacro %}

{% macro postgres__json_text(expression) %}
    {{ return('cast(to_json(cast(' ~ expression ~ ' as text)) as text)') }}
{% endmacro %}

{% macro postgres__json_value(json, name) %}
    {{ return('(cast(' ~ json ~ ' as json) ->> ' ~ dbt_forensics.forensics_literal(name) ~ ')') }}
{% endmacro %}

{% macro postgres__typed_value(text, data_type) %}
    {#- There is no try_cast, so the text is looked at first. -#}
    {%- set whole = {'smallint': '32767', 'integer': '2147483647', 'bigint': '9223372036854775807'} -%}
    {%- set special = '(-?[0-9]+(\\.[0-9]+)?|NaN|-?Infinity)' -%}
    {%- if data_type in whole -%}
        {%- set limit = whole[data_type] -%}
        {{ return("case when " ~ text ~ " !~ '^-?[0-9]{1,19}$' then null when cast(" ~ text ~ " as numeric) between -" ~ limit ~ " - 1 and " ~ limit ~ " then cast(" ~ text ~ " as " ~ data_type ~ ") end") }}
    {%- elif data_type.startswith('numeric') -%}
        {{ return("case when " ~ text ~ " ~ '^" ~ special ~ "$' then cast(" ~ text ~ " as numeric) end") }}
    {%- elif data_type in ['double precision', 'real'] -%}
        {%- set limit = '1.7976931348623157e308' if data_type == 'double precision' else '3.4028235e38' -%}
        {{ return("case when " ~ text ~ " in ('NaN', 'Infinity', '-Infinity') then cast(" ~ text ~ " as " ~ data_type ~ ") when " ~ text ~ " !~ '^" ~ special ~ "$' then null when abs(cast(" ~ text ~ " as numeric)) <= " ~ limit ~ " then cast(" ~ text ~ " as " ~ data_type ~ ") end") }}
    {%- elif data_type.startswith('timestamp') -%}
        {%- set utc = dbt_forensics.postgres__utc_timestamp(text, '') -%}
        {{ return('(' ~ utc ~ ")" ~ (" at time zone 'UTC'" if data_type == 'timestamp with time zone' else '')) }}
    {%- elif data_type == 'date' -%}
        {{ return('cast(' ~ dbt_forensics.postgres__utc_timestamp(text, '') ~ ' as date)') }}
    {%- elif data_type in ['json', 'jsonb'] -%}
        {{ return('cast(' ~ text ~ ' as ' ~ data_type ~ ')') }}
    {%- endif -%}
    {%- set patterns = {
        'boolean': '^(true|false)$', 'uuid': '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
        'time without time zone': '^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?$',
    } -%}
    {%- if data_type in patterns -%}
        {{ return("case when " ~ text ~ " ~ '" ~ patterns[data_type] ~ "' then cast(" ~ text ~ " as " ~ data_type ~ ") end") }}
    {%- endif -%}
    {{ return(text) }}
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
        "case when " ~ text ~ " !~ '^(" ~ dbt_forensics.number_pattern() ~ ")$' then null"
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
    {{ return('set local jit = off') }}
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

{% macro postgres__attempt(query, keep_as) %}
    {#- A block with a handler goes on after a failure, in the same transaction. -#}
    {%- set statement = dbt_forensics.text_literal(('create temporary table ' ~ keep_as ~ ' as ' if keep_as else '') ~ query) -%}
    {%- set tag = '$forensics_' ~ local_md5(statement) ~ '$' -%}
    {%- set attempted -%}
        {{ dbt_forensics.plan_quickly() }};
        {%- if keep_as %}
        drop table if exists pg_temp.{{ keep_as }};
        {%- endif %}
        do {{ tag }}
        begin
            perform set_config('dbt_forensics.problem', '', true);
            execute {{ statement }};
        exception when others then
            perform set_config('dbt_forensics.problem', sqlerrm, true);
        end
        {{ tag }};
        select current_setting('dbt_forensics.problem')
    {%- endset -%}
    {{ return({'problem': dbt_forensics._single_row(attempted)[0] or none, 'relation': keep_as, 'is_kept': keep_as is not none}) }}
{% endmacro %}

{% macro postgres__tried_rows(source, relation, expressions) %}
    {#- A function of this session for each expression, with a handler for each row. It takes a whole row, so that it knows the columns by their names. -#}
    {%- set alias = adapter.quote(relation.identifier) -%}
    {%- set succeeds, values = [], [] -%}
    {%- for expression in expressions -%}
        {%- set name = 'pg_temp.forensics_' ~ local_md5(relation ~ expression) -%}
        {%- set tag = '$forensics_' ~ local_md5(expression) ~ '$' -%}
        {#- Where it cannot be made, what calls it fails. -#}
        {%- do dbt_forensics.postgres__attempt(
            'create or replace function ' ~ name ~ '(forensics_row ' ~ relation ~ ') returns boolean language plpgsql as ' ~ tag
            ~ ' begin perform (' ~ expression ~ ') is null from (select (forensics_row).*) as ' ~ alias
            ~ '; return true; exception when others then return false; end ' ~ tag, none
        ) -%}
        {%- do succeeds.append(', ' ~ name ~ '(' ~ relation ~ '.*) as forensics_succeeds_' ~ loop.index) -%}
        {%- do values.append(', case when forensics_succeeds_' ~ loop.index ~ ' then ' ~ expression ~ ' end as forensics_value_' ~ loop.index) -%}
    {%- endfor -%}
    {#- Functions are volatile unless they say otherwise, so the two selects stay apart, and conditions still reach the inner one. -#}
    {{ return('(select *' ~ values | join ~ ' from (select *' ~ succeeds | join ~ ' from ' ~ source ~ ') as ' ~ alias ~ ') as ' ~ alias) }}
{% endmacro %}

{% macro postgres__relation_columns(relation) %}
    {#- The information schema, which dbt asks, does not know materialized views. -#}
    {%- set columns = dbt_forensics.default__relation_columns(relation) -%}
    {%- if columns -%}{{ return(columns) }}{%- endif -%}
    {%- set of_materialized_view -%}
        select
            columns.attname as column_name,
            case when types.typelem <> 0 and types.typlen = -1 then 'ARRAY' when schemas.nspname = 'pg_catalog' then format_type(columns.atttypid, null) else 'USER-DEFINED' end as data_type,
            cast(information_schema._pg_char_max_length(columns.atttypid, columns.atttypmod) as integer) as character_maximum_length,
            cast(information_schema._pg_numeric_precision(columns.atttypid, columns.atttypmod) as integer) as numeric_precision,
            cast(information_schema._pg_numeric_scale(columns.atttypid, columns.atttypmod) as integer) as numeric_scale
        from pg_catalog.pg_attribute as columns
        inner join pg_catalog.pg_class as relations
            on columns.attrelid = relations.oid and relations.relkind = 'm'
        inner join pg_catalog.pg_namespace as homes
            on relations.relnamespace = homes.oid
        inner join pg_catalog.pg_type as types
            on columns.atttypid = types.oid
        inner join pg_catalog.pg_namespace as schemas
            on types.typnamespace = schemas.oid
        where
            homes.nspname = {{ dbt_forensics.text_literal(relation.schema) }}
            and relations.relname = {{ dbt_forensics.text_literal(relation.identifier) }}
            and columns.attnum > 0
            and not columns.attisdropped
        order by columns.attnum
    {%- endset -%}
    {%- for column in sql_convert_columns_in_relation(run_query(of_materialized_view)) -%}{%- do columns.update({column.name: column.data_type}) -%}{%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
