{#-
    The primitives: everything that engines do differently, each with its meaning and type said once, here. The rest of the
    package is written against these and dbt's own cross-database macros. An engine implements them in a file of its own in
    this folder; where no implementation fits, the call ends with an error that names the file to add.
-#}

{% macro canonical_text(expression, data_type=none) %}
    {#- Text: the one canonical form of a value: numbers without trailing zeros or exponent, times in UTC as ISO 8601. -#}
    {{ return(adapter.dispatch('canonical_text', 'dbt_forensics')(expression, (data_type or '') | lower)) }}
{% endmacro %}

{% macro without_collation(text) %}
    {#- Text: the same, compared by its characters alone, whatever collation its column has: ids that differ in capitals are two. -#}
    {{ return(adapter.dispatch('without_collation', 'dbt_forensics')(text)) }}
{% endmacro %}

{% macro json_text(expression) %}
    {#- Text: a text value as a JSON string, quotes included, control characters as \u00xx with small letters. -#}
    {{ return(adapter.dispatch('json_text', 'dbt_forensics')(expression)) }}
{% endmacro %}

{% macro canonical_json(fields, rare={}) %}
    {#-
        Text: a JSON object of {name: text expression}, names sorted, NULLs left out, all values strings, no spaces. rare: more fields, which
        are NULL for nearly every row.
    -#}
    {{ return(adapter.dispatch('canonical_json', 'dbt_forensics')(fields, rare)) }}
{% endmacro %}

{% macro canonical_json_array(texts) %}
    {#- Text: a JSON array of text expressions, as strings or null, no spaces. -#}
    {{ return(adapter.dispatch('canonical_json_array', 'dbt_forensics')(texts)) }}
{% endmacro %}

{% macro comma_separated(texts) %}
    {#- Text: text expressions with commas between them, NULL as nothing. -#}
    {{ return(adapter.dispatch('comma_separated', 'dbt_forensics')(texts)) }}
{% endmacro %}

{% macro json_value(json, name) %}
    {#- Text or NULL: the value of one name of a JSON object kept as text. -#}
    {{ return(adapter.dispatch('json_value', 'dbt_forensics')(json, name)) }}
{% endmacro %}

{% macro typed_value(text, data_type) %}
    {#- A value of the engine's type from its canonical text; NULL where the text does not fit. See reads_back() and reads_any_text(). -#}
    {{ return(adapter.dispatch('typed_value', 'dbt_forensics')(text, data_type or '')) }}
{% endmacro %}

{% macro reads_back(data_type) %}
    {#- Whether typed_value() makes the very value again of the canonical text of each value of a type. -#}
    {{ return(adapter.dispatch('reads_back', 'dbt_forensics')((data_type or '') | lower)) }}
{% endmacro %}

{% macro reads_any_text(data_type) %}
    {#- Whether typed_value() takes any text, and says NULL where it does not fit; else only a text that the engine wrote of a value of that very type. -#}
    {{ return(adapter.dispatch('reads_any_text', 'dbt_forensics')((data_type or '') | lower)) }}
{% endmacro %}

{% macro column_types(relation) %}
    {#- {name: type} of a relation's columns, in their order, each type as a cast to it says it in any session; empty where it does not exist, or nothing in it may be read. -#}
    {{ return(adapter.dispatch('column_types', 'dbt_forensics')(relation)) }}
{% endmacro %}

{% macro utc_timestamp(expression, data_type=none) %}
    {#- Timestamp without time zone, in UTC: from a timestamp, a date or ISO text; NULL where it cannot be read. -#}
    {{ return(adapter.dispatch('utc_timestamp', 'dbt_forensics')(expression, (data_type or '') | lower)) }}
{% endmacro %}

{% macro exact_number(expression) %}
    {#- numeric(38, 9): an exact number from any type, on DuckDB and PostgreSQL also of true (1) and false (0); NULL for NaN, infinity, 1e20 and beyond, and what is no number. -#}
    {{ return(adapter.dispatch('exact_number', 'dbt_forensics')(expression)) }}
{% endmacro %}

{% macro digest_word(digest, number) %}
    {#- Integer of 60 bits: the first (1) or second (2) word of a digest in hexadecimal. -#}
    {{ return(adapter.dispatch('digest_word', 'dbt_forensics')(digest, number)) }}
{% endmacro %}

{% macro hash_of(expressions) %}
    {#-
        An integer that is equal for equal values: to find candidates for a closer look cheaply. It may differ between engines and their
        versions, so nothing is decided by it.
    -#}
    {{ return(adapter.dispatch('hash_of', 'dbt_forensics')(expressions)) }}
{% endmacro %}

{% macro first_ten(expression, repeats='1 = 1') %}
    {#- Aggregate, text: up to ten distinct values, the smallest ones, as a JSON array of strings; NULL of none. repeats: where a value may stand twice. -#}
    {{ return(adapter.dispatch('first_ten', 'dbt_forensics')(expression, repeats)) }}
{% endmacro %}

{% macro exact_quotient(numerator, denominator) %}
    {#- numeric(38, 9): a numeric(38, 9) divided by a whole number above 0, rounded half away from zero, without floats. -#}
    {{ return(adapter.dispatch('exact_quotient', 'dbt_forensics')(numerator, denominator)) }}
{% endmacro %}

{% macro exact_ratio(numerator, denominator) %}
    {#- numeric(38, 9): a numeric(38, 9) below 1e19 divided by one that is not 0, rounded half away from zero, without floats. -#}
    {{ return(adapter.dispatch('exact_ratio', 'dbt_forensics')(numerator, denominator)) }}
{% endmacro %}

{% macro elapsed_seconds(from_time, to_time) %}
    {#- numeric(38, 9): seconds from one timestamp to another, signed, with fractions; NULL from or to infinity. -#}
    {{ return(adapter.dispatch('elapsed_seconds', 'dbt_forensics')(from_time, to_time)) }}
{% endmacro %}

{% macro byte_order(expression) %}
    {#- Text that sorts by its bytes, whatever the collation of the database. -#}
    {{ return(adapter.dispatch('byte_order', 'dbt_forensics')(expression)) }}
{% endmacro %}

{% macro is_same(left, right) %}
    {#- Condition, never NULL: two values are equal, or both NULL. (What dbt.equals() says of NULLs depends on the project's flags.) -#}
    {{ return(adapter.dispatch('is_same', 'dbt_forensics')(left, right)) }}
{% endmacro %}

{% macro time_plus(period, count, time) %}
    {#- Timestamp: a timestamp or a date, moved on by a whole number (or back, by a negative one) of microsecond, minute, hour or day, to the microsecond. -#}
    {{ return(adapter.dispatch('time_plus', 'dbt_forensics')(period, count, time)) }}
{% endmacro %}

{% macro time_trunc(period, time) %}
    {#- Timestamp: the start of the hour or day that a timestamp or a date is in. -#}
    {{ return(adapter.dispatch('time_trunc', 'dbt_forensics')(period, time)) }}
{% endmacro %}

{% macro tells_capitals_apart() %}
    {#- Whether a relation may have two columns whose names differ in capitals alone. -#}
    {{ return(adapter.dispatch('tells_capitals_apart', 'dbt_forensics')()) }}
{% endmacro %}

{% macro keeps_capitals() %}
    {#- Whether a relation keeps the capitals of a name that is written without quotes, so that dbt, which looks for it in small letters, does not find it again. -#}
    {{ return(adapter.dispatch('keeps_capitals', 'dbt_forensics')()) }}
{% endmacro %}

{% macro whole_row(alias) %}
    {#- Text that is equal for rows that are equal in all columns, and other for others. alias: of what the query selects from. -#}
    {{ return(adapter.dispatch('whole_row', 'dbt_forensics')(alias)) }}
{% endmacro %}

{% macro text_literal(text) %}
    {#- A text as an SQL literal, whatever characters it has. -#}
    {{ return(adapter.dispatch('text_literal', 'dbt_forensics')(text)) }}
{% endmacro %}

{% macro quoted(name) %}
    {#- A name as a quoted identifier, whatever characters it has. -#}
    {{ return(adapter.dispatch('quoted', 'dbt_forensics')(name)) }}
{% endmacro %}

{% macro assert_session() %}
    {#- Stops where the session is set so that the rest would be read or added up otherwise; nothing where no setting can do so. -#}
    {{ return(adapter.dispatch('assert_session', 'dbt_forensics')()) }}
{% endmacro %}

{% macro relations_with_hidden_rows(relations) %}
    {#- Names of {name: relation or none} of which the engine hides rows from the role that asks (row policies), below views too; of none without such policies. -#}
    {{ return(adapter.dispatch('relations_with_hidden_rows', 'dbt_forensics')(relations)) }}
{% endmacro %}

{% macro from_nothing() %}
    {#- What a select that reads no relation says before its `where`: nothing, or a relation of one row where that is asked for. -#}
    {{ return(adapter.dispatch('from_nothing', 'dbt_forensics')()) }}
{% endmacro %}

{% macro row_store_indexes(columns, values=[], growing=[]) %}
    {#-
        dbt's `indexes` config, where the engine stores rows and a look-up needs one; an empty list where it does not. columns: to be
        looked up and put in order. values: columns that are only looked up, and whose texts may be of any length. growing: columns whose
        values grow as rows are added, so that it is enough to know what each stretch of the table holds.
    -#}
    {{ return(adapter.dispatch('row_store_indexes', 'dbt_forensics')(columns, values, growing)) }}
{% endmacro %}

{% macro gather_statistics(relation) %}
    {#-
        After a node's statement: one by which the engine's planner learns what the node's relation holds; nothing where the engine does so by itself,
        or where the node's statement says that it brought no row.
    -#}
    {%- set made = load_result('main') -%}
    {%- if made and made.response.rows_affected == 0 -%}{{ return('') }}{%- endif -%}
    {{ return(adapter.dispatch('gather_statistics', 'dbt_forensics')(relation)) }}
{% endmacro %}

{% macro fix_session() %}
    {#-
        Statements, each with its semicolon, that set for the package's own queries what decides how the engine writes and reads values (zone, form
        of dates, intervals, bytes, floats): until the transaction or the node's own connection ends, so that nobody else's session changes.
        Nothing where assert_session() sees to it, or where no setting does so.
    -#}
    {{ return(adapter.dispatch('fix_session', 'dbt_forensics')()) }}
{% endmacro %}

{% macro attempt(query, keep_as=none) %}
    {#-
        Runs a select whose failure stops nothing, as {problem, relation, is_kept}. problem: none, or the engine's words; some engines only say that it
        failed. relation: what to select its rows from; with keep_as a table of this session that holds them (is_kept). Where an engine
        cannot go on after a failure, and where dbt only compiles, nothing is run, problem is none and relation is the select itself.
    -#}
    {%- if dbt_forensics.is_only_shown() -%}{{ return(dbt_forensics.default__attempt(query, keep_as)) }}{%- endif -%}
    {{ return(adapter.dispatch('attempt', 'dbt_forensics')(query, keep_as)) }}
{% endmacro %}

{% macro tried_rows(source, relation, expressions) %}
    {#-
        What stands after `from` in place of source, which selects from a relation, with two more columns for each of some expressions: forensics_succeeds_<number>, whether it does not fail on the
        row, and forensics_value_<number>, its value there. It may be slow, and not possible for an expression, which attempt() tells; none where the engine has no such thing.
    -#}
    {{ return(adapter.dispatch('tried_rows', 'dbt_forensics')(source, relation, expressions)) }}
{% endmacro %}

{% macro without_jit() %}
    {#-
        Statements before the query of each model and snapshot: those of fix_session(), and one where the engine would compile queries for longer
        than that saves.
    -#}
    {{ return(adapter.dispatch('without_jit', 'dbt_forensics')()) }}
{% endmacro %}

{% macro without_nested_loops() %}
    {#- A statement before a query that joins over several columns, where the engine would take such a join for rarer than it is, and read one side again for each row of the other; nothing elsewhere. -#}
    {{ return(adapter.dispatch('without_nested_loops', 'dbt_forensics')()) }}
{% endmacro %}

{% macro once_per_row() %}
    {#- The end of a subquery whose expressions are worked out once per row, where the engine would write each out wherever it is named; nothing elsewhere. -#}
    {{ return(adapter.dispatch('once_per_row', 'dbt_forensics')()) }}
{% endmacro %}

{% macro statement_row_limit() %}
    {#- How many rows a statement goes through at most where it can be cut, so that what it holds meanwhile stays small; none where an engine does not mind. Only for engines with transactions. -#}
    {{ return(adapter.dispatch('statement_row_limit', 'dbt_forensics')()) }}
{% endmacro %}

{% macro lock_build(name, is_shared) %}
    {#-
        A statement that waits until no other transaction holds the lock of this name, and holds it until this transaction ends; '' where the engine lets
        only one process write, or has no such lock. is_shared: it may be held together with others that share it.
    -#}
    {{ return(adapter.dispatch('lock_build', 'dbt_forensics')(name, is_shared)) }}
{% endmacro %}

{% macro delete_rows(relation, condition) %}
    {#- A statement that takes rows out of a table that is no evidence; '' where an engine's plain tables only grow. -#}
    {{ return(adapter.dispatch('delete_rows', 'dbt_forensics')(relation, condition)) }}
{% endmacro %}

{% macro iso_time_pattern() %}
    {#- What counts as a time in a text, on every engine: ISO 8601 from the day to the fraction of a second, with or without an offset. -#}
    {{ return('[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?( ?([Zz]|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?))?)? *') }}
{% endmacro %}

{% macro number_pattern() %}
    {#- What counts as a number in a text, on every engine. -#}
    {{ return(' *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE]([+]?[0-9]{1,2}|-[0-9]{1,3}))? *') }}
{% endmacro %}

{% macro type_family(data_type) %}
    {#- number, text, time or boolean; none for other types. SQL that is written for one type of a family reads the others of it. -#}
    {%- set type = 'a list' if data_type.endswith(']') else data_type.split('(')[0].strip() | lower -%}
    {%- if type in ['text', 'string', 'varchar', 'character varying', 'char', 'character', 'bpchar'] -%}{{ return('text') }}
    {%- elif (type.endswith('int') and type != 'point') or type in ['integer', 'numeric', 'decimal', 'number', 'double', 'double precision', 'real', 'float'] -%}{{ return('number') }}
    {%- elif type.startswith('timestamp') or type in ['date', 'datetime'] -%}{{ return('time') }}
    {%- elif type in ['boolean', 'bool'] -%}{{ return('boolean') }}
    {%- endif -%}
    {{ return(none) }}
{% endmacro %}

{% macro type_of_family(family) %}
    {#- The type in which every value of a family can be kept; text for what has no family. -#}
    {{ return({'number': 'decimal(38, 9)', 'time': dbt.type_timestamp(), 'boolean': 'boolean'}.get(family, dbt.type_string())) }}
{% endmacro %}

{% macro type_exact_number() %}
    {#- The type of exact numbers: numeric(38, 9). -#}
    {{ return('numeric(38, 9)') }}
{% endmacro %}

{% macro default__canonical_text(expression, data_type) %}{{ dbt_forensics._missing_primitive('canonical_text') }}{% endmacro %}
{% macro default__without_collation(text) %}{{ return(text) }}{% endmacro %}
{% macro default__json_text(expression) %}{{ dbt_forensics._missing_primitive('json_text') }}{% endmacro %}
{% macro default__json_value(json, name) %}{{ dbt_forensics._missing_primitive('json_value') }}{% endmacro %}
{% macro default__typed_value(text, data_type) %}{{ dbt_forensics._missing_primitive('typed_value') }}{% endmacro %}
{% macro default__utc_timestamp(expression, data_type) %}{{ dbt_forensics._missing_primitive('utc_timestamp') }}{% endmacro %}
{% macro default__exact_number(expression) %}{{ dbt_forensics._missing_primitive('exact_number') }}{% endmacro %}
{% macro default__digest_word(digest, number) %}{{ dbt_forensics._missing_primitive('digest_word') }}{% endmacro %}
{% macro default__hash_of(expressions) %}{{ dbt_forensics._missing_primitive('hash_of') }}{% endmacro %}
{% macro default__first_ten(expression, repeats) %}{{ dbt_forensics._missing_primitive('first_ten') }}{% endmacro %}
{% macro default__exact_quotient(numerator, denominator) %}{{ dbt_forensics._missing_primitive('exact_quotient') }}{% endmacro %}
{% macro default__exact_ratio(numerator, denominator) %}{{ dbt_forensics._missing_primitive('exact_ratio') }}{% endmacro %}
{% macro default__elapsed_seconds(from_time, to_time) %}{{ dbt_forensics._missing_primitive('elapsed_seconds') }}{% endmacro %}

{% macro default__canonical_json(fields, rare) %}
    {%- set members = [] -%}
    {%- set fields = dict(fields, **rare) -%}
    {%- for name in fields | sort(case_sensitive=true) -%}
        {%- do members.append("coalesce(',' || " ~ dbt_forensics._json_name(name) ~ " || ':' || " ~ dbt_forensics.json_text(fields[name]) ~ ", '')") -%}
    {%- endfor -%}
    {{ return("'{' || substr(" ~ (members | join(' || ') or "''") ~ ", 2) || '}'") }}
{% endmacro %}

{% macro _json_name(name) %}
    {#- A name as a JSON string: written out where that is plain, by the engine where something must be escaped. -#}
    {%- if modules.re.match('^[A-Za-z0-9_ .:/()+*=<>-]+$', name) -%}
        {{ return("'\"" ~ name ~ "\"'") }}
    {%- endif -%}
    {{ return(dbt_forensics.json_text('cast(' ~ dbt_forensics.forensics_literal(name) ~ ' as ' ~ dbt.type_string() ~ ')')) }}
{% endmacro %}

{% macro default__canonical_json_array(texts) %}
    {%- set members = [] -%}
    {%- for text in texts -%}
        {%- do members.append("coalesce(" ~ dbt_forensics.json_text(text) ~ ", 'null')") -%}
    {%- endfor -%}
    {{ return("'[' || " ~ members | join(" || ',' || ") ~ " || ']'") }}
{% endmacro %}

{% macro default__comma_separated(texts) %}
    {%- set members = [] -%}
    {%- for text in texts -%}{%- do members.append("coalesce(" ~ text ~ ", '')") -%}{%- endfor -%}
    {{ return(members | join(" || ',' || ")) }}
{% endmacro %}

{% macro default__is_same(left, right) %}
    {{ return('(' ~ left ~ ' is not distinct from ' ~ right ~ ')') }}
{% endmacro %}

{% macro default__byte_order(expression) %}
    {{ return(expression) }}
{% endmacro %}

{% macro default__time_plus(period, count, time) %}
    {{ return(dbt.dateadd(period, count, time)) }}
{% endmacro %}

{% macro default__time_trunc(period, time) %}
    {{ return(dbt.date_trunc(period, time)) }}
{% endmacro %}

{% macro default__text_literal(text) %}
    {{ return(dbt.string_literal(dbt.escape_single_quotes(text))) }}
{% endmacro %}

{% macro default__quoted(name) %}
    {{ return(adapter.quote(name | replace('"', '""'))) }}
{% endmacro %}

{% macro default__tells_capitals_apart() %}{{ return(false) }}{% endmacro %}

{% macro default__keeps_capitals() %}{{ return(false) }}{% endmacro %}

{% macro default__whole_row(alias) %}
    {{ return('cast(' ~ alias ~ ' as ' ~ dbt.type_string() ~ ')') }}
{% endmacro %}

{% macro default__from_nothing() %}{{ return('') }}{% endmacro %}

{% macro default__assert_session() %}{% endmacro %}

{% macro default__relations_with_hidden_rows(relations) %}
    {{ return([]) }}
{% endmacro %}

{% macro default__gather_statistics(relation) %}
    {{ return('') }}
{% endmacro %}

{% macro default__fix_session() %}
    {{ return('') }}
{% endmacro %}

{% macro default__attempt(query, keep_as) %}
    {{ return({'problem': none, 'relation': '(' ~ query ~ ')', 'is_kept': false}) }}
{% endmacro %}

{% macro default__tried_rows(source, relation, expressions) %}{{ return(none) }}{% endmacro %}

{% macro default__without_jit() %}
    {{ return(dbt_forensics.fix_session()) }}
{% endmacro %}

{% macro default__reads_back(data_type) %}
    {#- What holds other values, or has a unit, is text only. -#}
    {%- set type = data_type.split('(')[0].split('<')[0].strip() -%}
    {{ return(type.split(' ')[0] not in ['array', 'map', 'struct', 'object', 'record', 'range', 'interval', 'geometry', 'vector']) }}
{% endmacro %}

{% macro default__reads_any_text(data_type) %}
    {{ return(true) }}
{% endmacro %}

{% macro default__column_types(relation) %}
    {%- set columns = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do columns.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}

{% macro default__without_nested_loops() %}
    {{ return('') }}
{% endmacro %}

{% macro default__once_per_row() %}
    {{ return('') }}
{% endmacro %}

{% macro default__statement_row_limit() %}
    {{ return(none) }}
{% endmacro %}

{% macro default__lock_build(name, is_shared) %}
    {{ return('') }}
{% endmacro %}

{% macro default__delete_rows(relation, condition) %}
    {{ return('delete from ' ~ relation ~ ' where ' ~ condition) }}
{% endmacro %}

{% macro default__row_store_indexes(columns, values, growing) %}
    {{ return([]) }}
{% endmacro %}

{% macro _missing_primitive(name) %}
    {%- do exceptions.raise_compiler_error(
        "dbt_forensics: the engine '" ~ target.type ~ "' has no primitive '" ~ name ~ "': add macros/adapters/" ~ target.type
        ~ ".sql with a macro " ~ target.type ~ "__" ~ name ~ "; its meaning and type are said in macros/adapters/primitives.sql."
    ) -%}
{% endmacro %}
