{% macro snapshot_versions_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
    {#-
        The strategy of the package's histories of batches and columns: a new version where what was seen differs. It is dbt's `check`, but for where the columns
        are named: dbt refuses to parse a whole project whose snapshots are all given the strategy `timestamp` while one of them has check_cols.
    -#}
    {%- set columns = {
        'forensics__batch_history': ['row_count', 'batch_digest', 'fingerprint'],
        'forensics__schema_history': ['data_type', 'column_position', 'is_dropped'],
    }[node.name] -%}
    {%- set same = [] -%}
    {%- for column in columns -%}
        {%- do same.append(dbt_forensics.is_same(snapshotted_rel ~ '.' ~ column, current_rel ~ '.' ~ column)) -%}
    {%- endfor -%}
    {{ return({
        'unique_key': config.get('unique_key'),
        'updated_at': config.get('updated_at'),
        'row_changed': 'not (' ~ same | join(' and ') ~ ')',
        'scd_id': snapshot_hash_arguments([config.get('unique_key'), config.get('updated_at')]),
        'invalidate_hard_deletes': false,
        'hard_deletes': 'ignore',
    }) }}
{% endmacro %}
