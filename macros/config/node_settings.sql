{% macro node_settings() %}
    {#-
        What is decided about every config that dbt can apply to a node of the package from outside, by key. {}: harmless, whatever its value. must: the values
        that a kind of node may have ('declared': the ones that its own file gives); other kinds may have any. why: said to who sets another. The kinds: log (a
        model that holds evidence), snapshot, table, view, live (a view that shows acts as soon as they are recorded), ephemeral, seed, test, and internal (every
        node without a public name). A structure test compares
        the keys with those that dbt and its adapters know.
    -#}
    {{ return({
        'materialized': {
            'must': {'log': ['append_only', 'incremental'], 'snapshot': ['snapshot'], 'table': ['table'], 'view': ['replaced_view', 'view', 'table'], 'live': ['replaced_view', 'view'], 'ephemeral': ['ephemeral'], 'seed': ['seed'], 'test': ['test']},
            'why': 'Evidence is added to and never made again, nothing else is kept from build to build, and acts show at once.',
        },
        'incremental_strategy': {'must': {'log': ['append']}, 'why': 'Rows are only ever added.'},
        'full_refresh': {'must': {'log': [false]}, 'why': 'A full refresh would empty it.'},
        'on_schema_change': {
            'must': {'log': ['fail', 'append_new_columns']},
            'why': 'Another version of the package with other columns must not lose what was recorded in them.',
        },
        'unlogged': {'must': {'log': [none, false], 'snapshot': [none, false]}, 'why': 'A crash of the server empties an unlogged table.'},
        'indexes': {
            'must': {'log': 'its own columns', 'snapshot': 'its own columns', 'table': 'its own columns', 'view': 'its own columns', 'live': 'its own columns'},
            'why': 'An index over a column that it does not have stops the build.',
        },
        'contract': {
            'must': {'internal': ['not enforced']},
            'why': 'Only the public tables have a contract; `vars: {forensics_contracts: true}` enforces it.',
        },
        'on_error': {
            'must': {'log': [none, 'skip_children'], 'table': [none, 'skip_children'], 'view': [none, 'skip_children'], 'live': [none, 'skip_children']},
            'why': 'Nothing may be concluded from what a refused node left behind.',
        },
        'strategy': {'must': {'snapshot': 'declared'}, 'why': 'It says which rows are new, and which version of one holds.'},
        'unique_key': {'must': {'snapshot': 'declared'}, 'why': 'It says what a row is a version of.'},
        'updated_at': {'must': {'snapshot': 'declared'}, 'why': "A version begins at the build's own time."},
        'hard_deletes': {'must': {'snapshot': ['ignore']}, 'why': 'What a build does not look at is not gone.'},
        'invalidate_hard_deletes': {'must': {'snapshot': [none, false]}, 'why': 'What a build does not look at is not gone.'},
        'dbt_valid_to_current': {'must': {'snapshot': 'declared'}, 'why': 'What holds now is found by an empty dbt_valid_to.'},
        'snapshot_meta_column_names': {'must': {'snapshot': [none]}, 'why': 'The evidence is read by the names that dbt gives these columns.'},
        'snapshot_table_column_names': {'must': {'snapshot': [none]}, 'why': 'The evidence is read by the names that dbt gives these columns.'},
        'delimiter': {'must': {'seed': [',']}, 'why': "The package's file has commas."},
        'severity': {'must': {'test': ['error']}, 'why': 'A promise that does not hold must not pass.'},
        'fail_calc': {'must': {'test': ['count(*)']}, 'why': 'A promise that does not hold must not pass.'},
        'error_if': {'must': {'test': ['!=0', '<>0', '>0', '>=1']}, 'why': 'A promise that does not hold must not pass.'},
        'warn_if': {'must': {'test': ['!=0', '<>0', '>0', '>=1']}, 'why': 'A promise that does not hold must not pass.'},
        'limit': {'must': {'test': 'at least 1'}, 'why': 'A promise that does not hold must not pass.'},

        'enabled': {}, 'alias': {}, 'schema': {}, 'database': {}, 'target_schema': {}, 'target_database': {}, 'quoting': {},
        'access': {}, 'group': {}, 'tags': {}, 'meta': {}, 'docs': {}, 'packages': {}, 'persist_docs': {}, 'grants': {},
        'pre_hook': {}, 'post_hook': {}, 'sql_header': {}, 'static_analysis': {}, 'freshness': {}, 'on_configuration_change': {},
        'event_time': {}, 'batch_size': {}, 'begin': {}, 'lookback': {}, 'concurrent_batches': {}, 'incremental_predicates': {}, 'predicates': {},
        'check_cols': {}, 'column_types': {}, 'quote_columns': {}, 'where': {}, 'store_failures': {}, 'store_failures_as': {},
        'latest_version_pointer': {},
        'merge_update_columns': {}, 'merge_exclude_columns': {}, 'merge_clauses': {}, 'merge_returning_columns': {}, 'merge_on_using_columns': {},
        'merge_update_condition': {}, 'merge_insert_condition': {}, 'merge_update_set_expressions': {},
        'partitioned_by': {}, 'partition_by': {}, 'sorted_by': {}, 'sort_by': {}, 'format': {}, 'options': {}, 'fast': {},
    }) }}
{% endmacro %}
