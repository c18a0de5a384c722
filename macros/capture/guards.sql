{% macro assert_keeps_history(declared) %}
    {#-
        Called by every node that holds evidence. A root project's own config overrides a package's, so the node looks at what
        it was given, and at what stands in its place: a table in place of an incremental model, a full refresh, or a new and empty table beside the old one
        would destroy what was recorded.
        declared: {config key: value}.
    -#}
    {%- if execute -%}
        {%- do dbt_forensics.assert_settings('log' if declared.materialized == 'append_only' else 'snapshot', declared) -%}
        {%- if flags.FULL_REFRESH -%}
            {%- do log('dbt_forensics: ' ~ model.name ~ ' keeps its rows: --full-refresh does not apply to evidence.', info=true) -%}
        {%- endif -%}
        {%- set existing = load_relation(this) -%}
        {%- if existing and existing.type is not none and not existing.is_table -%}
            {%- do dbt_forensics._refuse_place('is a ' ~ existing.type ~ ', as `dbt clone` makes it; evidence is a table. Drop it, or build into a schema without it.') -%}
        {%- elif not existing -%}
            {%- do dbt_forensics._assert_not_moved() -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro _assert_all_enabled() %}
    {#- Stops where a project disables the seals or a test that says whether a promise holds, and not the package: nothing that it records without them would be known to be true. -#}
    {%- set needed = ['model.dbt_forensics.forensics__seals', 'model.dbt_forensics.forensics__unread_streams'] -%}
    {%- for test in [
        'changes_add_up', 'every_captured_row_has_an_entry', 'every_stream_is_read', 'history_is_untampered', 'history_matches_its_seals',
        'rows_and_events_count_at_most_once', 'seals_are_chained', 'seals_hold', 'values_are_reproducible', 'versions_follow',
    ] -%}{%- do needed.append('test.dbt_forensics.forensics__' ~ test) -%}{%- endfor -%}
    {%- for id in needed if id not in graph.nodes -%}
        {%- do exceptions.raise_compiler_error(
            'dbt_forensics: ' ~ id.split('.')[-1] ~ ' must be enabled: true; found enabled: false. What is recorded without it would not be known to be true. In dbt_project.yml give your own project the setting, '
            ~ ('data_tests' if id.startswith('test') else 'models') ~ ': {' ~ project_name ~ ': {...}}; or leave it out of a command with --exclude.'
        ) -%}
    {%- endfor -%}
{% endmacro %}


{% macro _assert_not_moved() %}
    {#-
        Stops where evidence is missing that was there: what is made of it is there, or a table of its name is where the package's others are, or all of it
        is in the target's own schema. After another schema, database or alias it would begin again beside the old one. A build that was killed ends
        before what comes after it, so that nothing is refused then.
    -#}
    {%- set nodes = graph.nodes.values() | selectattr('package_name', 'equalto', 'dbt_forensics') | selectattr('resource_type', 'in', ['model', 'snapshot']) | list -%}
    {%- for node in dbt_forensics._nodes_after([model.unique_id], nodes) -%}
        {%- set made = adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) -%}
        {%- if made -%}
            {%- do dbt_forensics._refuse_place(
                'is missing, while ' ~ made ~ ', which is made of it, is there. Take back the schema, database or alias that moved one of them, or restore the table'
                ~ ('; if it never was here, drop that view.' if made.is_view else '.')
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for place in nodes | map(attribute='schema') | unique -%}
        {%- set found = adapter.get_relation(database=model.database, schema=place, identifier=model.name) -%}
        {%- if found and found.is_table -%}{%- do dbt_forensics._refuse_second_place(found) -%}{%- endif -%}
    {%- endfor -%}
    {%- if target.schema not in nodes | map(attribute='schema') -%}
        {%- set found = adapter.get_relation(database=target.database, schema=target.schema, identifier='forensics__event_history') -%}
        {%- set declared = dbt_forensics.streams().keys() | map('tojson') | map('replace', '"', "'") | join(', ') -%}
        {%- if found and declared and run_query('select 1 from ' ~ found ~ ' where stream in (' ~ declared ~ ') limit 1').rows -%}
            {%- do dbt_forensics._refuse_second_place(found) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro _nodes_after(ids, nodes) %}
    {#- The nodes that are made of others, directly or not. -#}
    {%- set found, next = [], [] -%}
    {%- for node in nodes -%}
        {%- if node.unique_id not in ids and node.depends_on.nodes | select('in', ids) | list -%}
            {%- do found.append(node) -%}
            {%- do next.append(node.unique_id) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found + dbt_forensics._nodes_after(ids + next, nodes) if found else []) }}
{% endmacro %}


{% macro _refuse_second_place(found) %}
    {%- do dbt_forensics._refuse_place('is missing, while ' ~ found ~ ' is there. Take back the schema, database or alias that moved it, or move that table to where it is looked for.') -%}
{% endmacro %}


{% macro _refuse_place(found) %}
    {%- do exceptions.raise_compiler_error('dbt_forensics: ' ~ this ~ ', which holds evidence, ' ~ found) -%}
{% endmacro %}


{% macro is_partial_run() %}
    {#- Under --empty and --sample relations show a part of their rows; nothing may be concluded from that. -#}
    {{ return((flags.EMPTY | default(false)) or invocation_args_dict.get('sample') is not none) }}
{% endmacro %}
