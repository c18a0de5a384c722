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
    {%- set columns = dbt_forensics._postgres_columns(relation) -%}
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

{% macro postgres__assert_session() %}
    {#- Of this one the package's own statements depend as they are sent, before any of them could set it. -#}
    {%- set found = dbt_forensics._single_row("select current_setting('standard_conforming_strings')")[0] -%}
    {%- if found != 'on' -%}
        {{ dbt_forensics._config_error('the PostgreSQL session', 'standard_conforming_strings', found, 'on, since a backslash in a text would be read as something else. Take it out of the settings of the role, the database or the server') }}
    {%- endif -%}
{% endmacro %}

{% macro postgres__without_collation(text) %}
    {#- A database's own collation is never one that takes different texts for equal. -#}
    {{ return('(' ~ text ~ ') collate "default"') }}
{% endmacro %}

{% macro postgres__fix_session() %}
    {%- set settings = {
        'timezone': 'UTC', 'datestyle': 'ISO, MDY', 'intervalstyle': 'postgres', 'bytea_output': 'hex', 'extra_float_digits': '1', 'lc_monetary': 'C',
        'xmloption': 'content', 'xmlbinary': 'base64', 'array_nulls': 'on', 'quote_all_identifiers': 'off',
        'lc_numeric': 'C', 'lc_time': 'C', 'transform_null_equals': 'off',
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

{% macro postgres__without_jit() %}
    {#- Compiling takes seconds, in each of the server's processes, as soon as a plan seems dear, and saves less: a first build is faster without, too. -#}
    {{ return(dbt_forensics.fix_session() ~ 'set local jit = off') }}
{% endmacro %}

{% macro postgres__without_nested_loops() %}
    {{ return('set local enable_nestloop = off') }}
{% endmacro %}

{% macro postgres__once_per_row() %}
    {{ return('offset 0') }}
{% endmacro %}

{% macro postgres__lock_build(name, is_shared) %}
    {{ return('select pg_advisory_xact_lock' ~ ('_shared' if is_shared else '') ~ '(hashtextextended(' ~ dbt_forensics.text_literal(name) ~ ', 0))') }}
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
{% macro postgres__relations_with_hidden_rows(relations) %}
    {#- A view is read with the rights of its owner, unless it says otherwise. A policy that lets the role see every row hides none. -#}
    {%- set asked = [] -%}
    {%- for relation in relations.values() if relation and not relation.is_cte -%}
        {#- Asked of the catalog, which may be read whatever the role may do in a schema. -#}
        {%- do asked.append(
            '(' ~ loop.index ~ ', (select classes.oid from pg_class as classes inner join pg_namespace as homes on classes.relnamespace = homes.oid where homes.nspname = '
            ~ dbt_forensics.text_literal(relation.schema) ~ ' and classes.relname = ' ~ dbt_forensics.text_literal(relation.identifier) ~ '))'
        ) -%}
    {%- endfor -%}
    {%- set names = [] -%}
    {%- for name, relation in relations.items() if relation and not relation.is_cte -%}{%- do names.append(name) -%}{%- endfor -%}
    {%- set hidden = [] -%}
    {%- set found = run_query(dbt_forensics._postgres_hidden_rows(asked)).rows if asked else [] -%}
    {%- for row in found -%}{%- do hidden.append(names[row[0] - 1]) -%}{%- endfor -%}
    {{ return(hidden) }}
{% endmacro %}

{% macro _postgres_hidden_rows(asked) %}
    with recursive readings as (

        select
            asked.position,
            cast(asked.relation as oid) as relation,
            cast(cast(quote_ident(current_user) as regrole) as oid) as reader
        from (values {{ asked | join(', ') }}) as asked (position, relation)
        union
        select
            readings.position,
            depends.refobjid as relation,
            case when 'security_invoker=true' = any(views.reloptions) then readings.reader else views.relowner end as reader
        from readings
        inner join pg_class as views
            on readings.relation = views.oid and views.relkind in ('v', 'm')
        inner join pg_rewrite as rules
            on views.oid = rules.ev_class
        inner join pg_depend as depends
            on
                rules.oid = depends.objid
                and depends.classid = cast('pg_rewrite' as regclass)
                and depends.refclassid = cast('pg_class' as regclass)
                and depends.refobjid <> views.oid

    ),

    policies as (

        select
            readings.position,
            readings.relation,
            readings.reader,
            policy.polpermissive as is_permissive,
            coalesce(pg_get_expr(policy.polqual, policy.polrelid), 'true') = 'true' as shows_all
        from readings
        inner join pg_policy as policy
            on readings.relation = policy.polrelid and policy.polcmd in ('r', '*')
        where exists (
            select 1
            from unnest(policy.polroles) as roles (role)
            where case when role = 0 then true else pg_has_role(readings.reader, role, 'usage') end
        )

    )

    select distinct readings.position
    from readings
    inner join pg_class as tables
        on readings.relation = tables.oid and tables.relrowsecurity
    inner join pg_roles as roles
        on readings.reader = roles.oid and not roles.rolsuper and not roles.rolbypassrls
    left join policies
        on readings.position = policies.position and readings.relation = policies.relation and readings.reader = policies.reader
    where tables.relforcerowsecurity or not pg_has_role(readings.reader, tables.relowner, 'usage')
    group by readings.position, readings.relation, readings.reader
    having not coalesce(bool_or(policies.is_permissive and policies.shows_all), false) or bool_or(not policies.is_permissive and not policies.shows_all)
{% endmacro %}

{% macro postgres__attempt(query, keep_as) %}
    {#- A block with a handler goes on after a failure, in the same transaction. -#}
    {%- set statement = dbt_forensics.text_literal(('create temporary table ' ~ keep_as ~ ' as ' if keep_as else '') ~ query) -%}
    {%- set tag = '$forensics_' ~ local_md5(statement) ~ '$' -%}
    {%- set attempted -%}
        {{ dbt_forensics.without_jit() }};
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
    {%- set rows = relation -%}
    {%- if source | string != relation | string -%}
        {#- What is no table has no type of its rows; a view of this session has. -#}
        {%- set rows = 'forensics_rows_' ~ local_md5(source | string) -%}
        {%- do dbt_forensics.postgres__attempt('create or replace temporary view ' ~ rows ~ ' as select * from ' ~ source, none) -%}
    {%- endif -%}
    {%- for expression in expressions -%}
        {%- set name = 'pg_temp.forensics_' ~ local_md5(rows ~ expression) -%}
        {%- set tag = '$forensics_' ~ local_md5(expression) ~ '$' -%}
        {#- Where it cannot be made, what calls it fails. -#}
        {%- do dbt_forensics.postgres__attempt(
            'create or replace function ' ~ name ~ '(forensics_row ' ~ rows ~ ') returns boolean language plpgsql as ' ~ tag
            ~ ' begin perform (' ~ expression ~ ') is null from (select (forensics_row).*) as ' ~ alias
            ~ '; return true; exception when others then return false; end ' ~ tag, none
        ) -%}
        {%- do succeeds.append(', ' ~ name ~ '(' ~ rows ~ '.*) as forensics_succeeds_' ~ loop.index) -%}
        {%- do values.append(', case when forensics_succeeds_' ~ loop.index ~ ' then ' ~ expression ~ ' end as forensics_value_' ~ loop.index) -%}
    {%- endfor -%}
    {#- Functions are volatile unless they say otherwise, so the two selects stay apart, and conditions still reach the inner one. -#}
    {{ return('(select *' ~ values | join ~ ' from (select *' ~ succeeds | join ~ ' from ' ~ rows ~ ') as ' ~ alias ~ ') as ' ~ alias) }}
{% endmacro %}

{% macro _postgres_columns(relation) %}
    {#- The information schema, which dbt asks, does not know materialized views. -#}
    {%- set columns = dbt_forensics.default__column_types(relation) -%}
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
