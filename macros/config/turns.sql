{#-
    Of two builds of one target at a time, the later one goes on and the earlier one stops at its next node: a build that was killed holds nobody up.
    A build begins when int_forensics__build names it. Each node takes its turn before it looks at anything that was recorded, and keeps
    it while it writes: no other build begins meanwhile, and none that has lost its turn writes.
-#}

{% macro begin_turn() %}
    {#- Before int_forensics__build names this build: waits for nodes of another one that are under way, and looks whether dbt knows what they made. -#}
    {%- if dbt_forensics._is_recording() -%}
        {%- set lock = dbt_forensics._turn_lock(is_shared=false) -%}
        {%- if lock -%}{%- do run_query(lock) -%}{%- endif -%}
        {%- do dbt_forensics._assert_may_begin() -%}
        {%- if lock -%}{%- do dbt_forensics._is_made_next() -%}{%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro keep_seed() %}
    {#-
        Before a seed of the package, which may be made before int_forensics__build or after it: waits until no other build makes one of the two, and
        looks whether one has. So of two first builds one stops at whichever it comes to, and the other one goes on.
    -#}
    {%- set lock = dbt_forensics._turn_lock(is_shared=false) if execute and flags.WHICH in ['build', 'seed', 'retry'] else none -%}
    {%- if lock -%}
        {%- do run_query(lock) -%}
        {%- do dbt_forensics._assert_knows([model, graph.nodes['model.dbt_forensics.int_forensics__build']]) -%}
        {%- do dbt_forensics._is_made_next() -%}
    {%- endif -%}
{% endmacro %}


{% macro _is_made_next() %}
    {#- dbt knows of this node's table from now on: its other threads look before it notes that the table is made. -#}
    {%- do adapter.cache_added(this.incorporate(type='table')) -%}
{% endmacro %}


{% macro take_turn() %}
    {#-
        First in each node that reads what was recorded. Stops where another build has begun since this one. Where int_forensics__build is
        not selected, the first such node begins the build.
    -#}
    {%- if dbt_forensics._is_recording() -%}{%- do dbt_forensics._build() -%}{%- endif -%}
{% endmacro %}


{% macro keep_turn() %}
    {#- Before the statement of each node, where the engine has a lock for it: the turn is still this build's, and stays so until the node is through. -#}
    {%- if dbt_forensics._is_recording() and dbt_forensics._turn_lock() and model.name != 'int_forensics__build' and dbt_forensics._existing('int_forensics__build') -%}
        {%- set turns = dbt_forensics._turns() -%}
        {%- if dbt_forensics._begins_here() or invocation_id in turns.columns['invocation_id'].values() -%}
            {%- do dbt_forensics._assert_turn(turns) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro end_other_turns(build) %}
    {#- A statement after int_forensics__build has named this build: the rows of earlier ones go, except those whose rows no build has sealed yet. -#}
    {%- set seals = dbt_forensics._existing('forensics__seals') -%}
    {%- set is_sealed = 'recorded_at <= (select max(recorded_at) from ' ~ seals ~ ')' if seals else '1 = 0' -%}
    {{ return(dbt_forensics.delete_rows(build, 'invocation_id <> ' ~ dbt_forensics.forensics_literal(invocation_id) ~ ' and ' ~ is_sealed)) }}
{% endmacro %}


{% macro _is_recording() %}
    {#- Whether dbt runs a node of this package. To compile, show, document or test records nothing. -#}
    {%- if not execute or flags.WHICH not in ['build', 'run', 'snapshot', 'retry'] or model is not defined -%}{{ return(false) }}{%- endif -%}
    {{ return(model.resource_type in ['model', 'snapshot'] and model.package_name == 'dbt_forensics') }}
{% endmacro %}


{% macro _not_selected(names) %}
    {#- Those of some nodes of the package that this command does not run. -#}
    {%- set selected = [] -%}
    {%- for resource in selected_resources -%}{%- do selected.append(resource.split('.')[-1]) -%}{%- endfor -%}
    {{ return(names | reject('in', selected) | list) }}
{% endmacro %}


{% macro _begins_here() %}
    {{ return(not dbt_forensics._not_selected(['int_forensics__build'])) }}
{% endmacro %}


{% macro _turn_lock(is_shared=none) %}
    {#-
        The lock of this target's builds, as a statement; '' where the engine has none. To begin a build takes it alone. Nodes share it, except where
        a build has no int_forensics__build: one that shared it could not begin beside another one that does.
    -#}
    {%- set shares = dbt_forensics._begins_here() if is_shared is none else is_shared -%}
    {%- set build = graph.nodes['model.dbt_forensics.int_forensics__build'] -%}
    {{ return(dbt_forensics.lock_build('dbt_forensics build ' ~ build.get('database') ~ '.' ~ build.schema, shares)) }}
{% endmacro %}


{% macro _turns() %}
    {#- The rows of int_forensics__build, the last one last, read under the lock: the builds since the last seals, with what the last one was told. -#}
    {%- set lock = dbt_forensics._turn_lock() -%}
    {{ return(run_query(
        (lock ~ ';\n' if lock else '') ~ 'select turn, invocation_id, started_at, recorded_at, last_entry_at, last_seal_at, identities from '
        ~ dbt_forensics._existing('int_forensics__build') ~ ' order by turn'
    )) }}
{% endmacro %}


{% macro _turn() %}
    {#- The same, where the last row is this invocation's: its turn has come. -#}
    {%- if not dbt_forensics._begins_here() -%}{%- do dbt_forensics._begin_if_needed() -%}{%- endif -%}
    {%- set turns = dbt_forensics._turns() -%}
    {%- do dbt_forensics._assert_turn(turns) -%}
    {{ return(turns) }}
{% endmacro %}


{% macro _begin_if_needed() %}
    {#- Begins the build of a part that has no int_forensics__build, in its first node; makes that table where nothing was ever built. -#}
    {%- set build = dbt_forensics._existing('int_forensics__build') -%}
    {%- set lock = dbt_forensics._turn_lock() -%}
    {%- if not build -%}
        {%- if lock -%}{%- do run_query(lock) -%}{%- endif -%}
        {%- do dbt_forensics._assert_may_begin() -%}
        {%- set node = graph.nodes['model.dbt_forensics.int_forensics__build'] -%}
        {%- set made = api.Relation.create(database=node.get('database'), schema=node.schema, identifier=node.alias, type='table') -%}
        {#- Not by dbt's create_table_as(), which compares what it makes with the contract of the node that asks. -#}
        {%- do run_query('create table ' ~ made ~ ' as ' ~ dbt_forensics.build_row()) -%}
        {%- do adapter.cache_added(made) -%}
    {%- elif invocation_id not in dbt_forensics._turns().columns['invocation_id'].values() -%}
        {%- do dbt_forensics._assert_may_begin() -%}
        {%- do run_query('insert into ' ~ build ~ ' (turn, invocation_id, started_at, clock_at, recorded_at, last_entry_at, last_seal_at, identities) ' ~ dbt_forensics.build_row()) -%}
    {%- endif -%}
{% endmacro %}


{% macro _assert_turn(turns) %}
    {%- set last = turns.rows[-1] if turns.rows else none -%}
    {%- if not last or last['invocation_id'] != invocation_id -%}
        {%- do exceptions.raise_compiler_error(
            'dbt_forensics: another dbt build of this target began at ' ~ (last['started_at'].strftime('%Y-%m-%d %H:%M:%S') ~ ' UTC' if last else 'the same time')
            ~ '. This one stops, so that nothing is recorded twice. Run it again.'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro _assert_may_begin() %}
    {#- Under the lock: nothing that shows a false record is switched off, the clock goes on, and dbt knows which relations of the package there are. -#}
    {%- do dbt_forensics._assert_all_enabled() -%}
    {%- do dbt_forensics._assert_clock_goes_on() -%}
    {%- if dbt_forensics._turn_lock() -%}
        {%- do dbt_forensics._assert_knows(
            graph.nodes.values() | selectattr('package_name', 'equalto', 'dbt_forensics') | selectattr('resource_type', 'in', ['model', 'snapshot', 'seed']) | list
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro _assert_knows(nodes) %}
    {#- Stops where a relation came or went since dbt looked which ones there are: what another build made since would be made again. -#}
    {%- set there = {} -%}
    {%- for node in nodes if (node.get('database'), node.schema) not in there -%}
        {%- set database, schema = node.get('database'), node.schema -%}
        {%- set found = dbt.list_relations_without_caching(api.Relation.create(database=database, schema=schema)) -%}
        {%- do there.update({(database, schema): found.columns['name'].values() | list}) -%}
    {%- endfor -%}
    {%- for node in nodes if (node.alias in there[(node.get('database'), node.schema)]) != (dbt_forensics._existing(node.name) is not none) -%}
        {%- do exceptions.raise_compiler_error(
            'dbt_forensics: another dbt build of this target has changed ' ~ node.alias ~ ' since this one started. This one stops before it records anything. Run it again.'
        ) -%}
    {%- endfor -%}
{% endmacro %}
