{% macro _assert_whole(relation) %}
    {#-
        Stops where source() or ref() gives something else than the relation of the graph, as it is: a macro of the project in the place of dbt's own, or
        `--defer`. Rows that it does not show would be recorded as gone.
    -#}
    {%- if relation is string or relation.identifier is not defined -%}
        {%- do dbt_forensics._refuse_relation(relation, 'is text and no relation', 'let the macro that replaces source() or ref() return the relation that dbt gives it') -%}
    {%- elif relation.is_cte or relation.type | default('', true) == 'ephemeral' -%}
        {%- do dbt_forensics._refuse_relation(relation, 'is an ephemeral model, which is nowhere in the database', 'materialize it as a view or a table') -%}
    {%- elif relation.limit is not none or relation.event_time_filter is not none -%}
        {%- do dbt_forensics._refuse_relation(relation, 'shows a part of its rows', 'build without the filter') -%}
    {%- endif -%}
    {%- set place = [relation.database, relation.schema, relation.identifier] | map('default', '', true) | map('lower') | join('.') -%}
    {%- set places = [] -%}
    {%- for id in model.depends_on.nodes -%}
        {%- set node = graph.sources.get(id) or graph.nodes.get(id) -%}
        {%- if node -%}
            {%- do places.append([node.database, node.schema, node.identifier or node.alias] | map('default', '', true) | map('lower') | join('.')) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if place not in places -%}
        {%- do dbt_forensics._refuse_relation(relation, 'is of another environment (--defer, or a macro of the project in place of source() or ref())', 'build it in this target too') -%}
    {%- endif -%}
{% endmacro %}


{% macro _refuse_relation(relation, found, instead) %}
    {%- set readers = [model.name] -%}
    {%- for stream in dbt_forensics.streams().values() -%}
        {%- for id in model.depends_on.nodes if id.split('.')[-1] == (stream.relation | replace('"', '')).split('.')[-1] and dbt_forensics.stream_relation(stream) | string == relation | string -%}
            {%- do readers.append("stream '" ~ stream.name ~ "', relation " ~ stream.relation) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error(
        'dbt_forensics: ' ~ readers[-1] ~ ': found ' ~ relation ~ ', which ' ~ found ~ '; what it does not show would be recorded as gone. To build, ' ~ instead ~ '.'
    ) -%}
{% endmacro %}


{% macro assert_sees_all_rows() %}
    {#- Stops where the database hides rows of the package's own tables from the role that builds. -#}
    {%- set relations = {} -%}
    {%- for node in graph.nodes.values() if 'macro.dbt_forensics.assert_keeps_history' in node.depends_on.macros -%}
        {%- do relations.update({node.name: adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias)}) -%}
    {%- endfor -%}
    {%- for name in dbt_forensics.relations_with_hidden_rows(relations) -%}
        {{ dbt_forensics._config_error(name, none, *dbt_forensics._hidden_rows(relations[name])) }}
    {%- endfor -%}
{% endmacro %}


{% macro _streams_with_hidden_rows(streams) %}
    {#- {stream: {key, reason}} of those whose relation the database shows to the role that builds in part only: in one query for all of them. -#}
    {%- set relations, hidden = {}, {} -%}
    {%- for name, stream in streams.items() -%}{%- do relations.update({name: dbt_forensics.stream_relation(stream)}) -%}{%- endfor -%}
    {%- for name in dbt_forensics.relations_with_hidden_rows(relations) -%}
        {%- do hidden.update({name: {'key': 'relation', 'reason': dbt_forensics._found(*dbt_forensics._hidden_rows(streams[name].relation))}}) -%}
    {%- endfor -%}
    {{ return(hidden) }}
{% endmacro %}


{% macro _hidden_rows(relation) %}
    {#- [found, allowed], for a relation whose rows the database hides in part. -#}
    {{ return([
        relation ~ ', where a row policy hides rows from this role',
        'a relation whose rows the building role sees all: let it bypass row security (bypassrls), or own the table',
    ]) }}
{% endmacro %}
