{% macro _sealed_tables() %}
    {#-
        Every append-only table of the package but the seals themselves, as {name: {columns, recorded_at, is_by_stream, is_of_acts}}.
        columns: {name: type} of what a row's digest is made of: all that never changes. recorded_at: SQL, when a row was recorded; it never goes
        back in a table, or, where is_by_stream, in the rows of a stream. is_of_acts: people write the table, beside any build.
    -#}
    {%- set version = {'dbt_scd_id': 'text', 'dbt_updated_at': 'time', 'dbt_valid_from': 'time'} -%}
    {%- set columns = {
        'forensics__event_history': dict(dbt_forensics._columns_beside_the_row_key(), dbt_valid_to='time', **version),
        'forensics__batch_history': dict(dbt_forensics.batch_history_columns(), **version),
        'forensics__schema_history': dict(dbt_forensics.schema_history_columns(), **version),
        'int_forensics__presence_changes': dbt_forensics.presence_columns(),
        'forensics__held_withdrawals': dbt_forensics.held_withdrawal_columns(),
        'forensics__ledger': dbt_forensics.ledger_columns(),
        'int_forensics__metric_log': dbt_forensics.metric_log_columns(),
        'int_forensics__watch_log': dbt_forensics.metric_log_columns(),
        'int_forensics__row_profile': dbt_forensics.row_profile_columns(),
        'int_forensics__detection_log': dbt_forensics.detection_log_columns(),
        'forensics__action_log': dbt_forensics.action_columns(),
        'int_forensics__action_rows': dbt_forensics.action_row_columns(),
        'forensics__outbox': dbt_forensics.outbox_columns(),
    } -%}
    {#- A version of the past, which is reconstructed, was recorded with the ledger entries that it is made of. -#}
    {%- set published = dbt_forensics.greatest_of('recorded_from', 'ledger_to') -%}
    {%- set tables = {} -%}
    {%- for name in columns -%}
        {%- do tables.update({name: {
            'columns': columns[name],
            'recorded_at': published if 'recorded_from' in columns[name] else 'recorded_at',
            'is_by_stream': name in ['int_forensics__metric_log', 'int_forensics__row_profile'],
            'is_of_acts': name in ['forensics__action_log', 'int_forensics__action_rows', 'forensics__outbox'],
        }}) -%}
    {%- endfor -%}
    {{ return(tables) }}
{% endmacro %}


{% macro _sealed_relations() %}
    {#- {name: relation} of the sealed tables, through ref(): a node that calls it comes after all of them. -#}
    {%- set relations = {} -%}
    {%- for name in dbt_forensics._sealed_tables() -%}{%- do relations.update({name: builtins.ref('dbt_forensics', name)}) -%}{%- endfor -%}
    {{ return(relations) }}
{% endmacro %}


{% macro _columns_beside_the_row_key() %}
    {#- The columns of a captured row that its key is not made of. What the key is made of need not be digested again. -#}
    {%- set columns = dbt_forensics.event_history_columns() -%}
    {%- set of_key = [
        'batch_id', 'event_id', 'entity_id', 'event_type', 'event_time', 'ingested_at', 'sequence_number', 'schema_version', 'tenant', 'payload',
    ] -%}
    {%- for name in of_key -%}{%- do columns.pop(name) -%}{%- endfor -%}
    {{ return(columns) }}
{% endmacro %}


{% macro _sealed_row_digest(columns) %}
    {#-
        Text: the digest of a row: md5 of its columns in the order of their names, and then the lengths of those that are text, all with commas between:
        the lengths say where each text ends, so that no two rows have one text.
    -#}
    {%- set types = {'time': dbt.type_timestamp(), 'number': dbt_forensics.type_exact_number() | replace('numeric', 'decimal'), 'boolean': dbt.type_boolean(), 'integer': dbt.type_bigint()} -%}
    {%- set values, lengths = [], [] -%}
    {%- for name, type in columns.items() | sort -%}
        {%- if type == 'text' -%}
            {%- do values.append(name) -%}
            {%- do lengths.append('cast(' ~ dbt.length(name) ~ ' as ' ~ dbt.type_string() ~ ')') -%}
        {%- else -%}
            {%- do values.append(dbt_forensics.canonical_text(name, types[type])) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(dbt.hash(dbt_forensics.comma_separated(values + lengths))) }}
{% endmacro %}


{% macro _recorded_groups(relations, bounds={}, with_digest=true) %}
    {#-
        A select of what the tables hold, one row per table, stream and time at which rows were recorded: row_count and, if wanted, digest.
        relations: {name of the table: relation}. bounds: {name: a condition over its rows}.
    -#}
    {%- set tables = dbt_forensics._sealed_tables() -%}
    {%- for name, relation in relations.items() %}
    select
        '{{ name }}' as sealed_table,
        rows_of_table.stream,
        rows_of_table.rows_recorded_at,
        {%- if with_digest %}
        {{ dbt_forensics.set_digest('rows_of_table.row_digest') }} as digest,
        {%- endif %}
        count(*) as row_count
    from (
        select
            coalesce(stream, '') as stream,
            {%- if with_digest %}
            {{ dbt_forensics._sealed_row_digest(tables[name].columns) }} as row_digest,
            {%- endif %}
            {{ tables[name].recorded_at }} as rows_recorded_at
        from {{ relation }}
        {%- if bounds.get(name) %}
        where {{ bounds[name] }}
        {%- endif %}
        {{ dbt_forensics.once_per_row() }}
    ) as rows_of_table
    group by rows_of_table.stream, rows_of_table.rows_recorded_at
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
