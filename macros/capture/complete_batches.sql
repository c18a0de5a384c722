{#- Loaders such as dlt list their loads: rows of a load that is not complete yet are left for a later build (stream key `complete_batches`). -#}

{% macro _loads_relation(stream) %}
    {#- The relation that lists the complete loads of a stream, through source() or ref(). -#}
    {{ return(dbt_forensics.stream_relation({'relation': stream.complete_batches.relation})) }}
{% endmacro %}


{% macro _of_complete_batches(stream, shape) %}
    {#- A stream's shape, with a problem where its loads cannot be read; else what it selects from has the rows of complete loads only. -#}
    {%- set given = stream.complete_batches -%}
    {%- if not given or shape.problem -%}{{ return(shape) }}{%- endif -%}
    {%- set relation = dbt_forensics._loads_relation(stream) -%}
    {%- set columns = dbt_forensics.column_types(relation) if not relation.is_cte else {} -%}
    {%- set column = dbt_forensics._column_named(given.batch_id, columns) -%}
    {%- if not column -%}
        {%- set found = given.batch_id ~ ', which ' ~ given.relation ~ ' does not have' if columns else given.relation ~ ', which does not exist or has no columns that can be read' -%}
        {%- set allowed = 'its columns: ' ~ columns.keys() | join(', ') if columns else 'a relation that exists when the build starts' -%}
        {{ return(dict(shape, problem={'key': 'complete_batches', 'reason': dbt_forensics._found(found, allowed)})) }}
    {%- endif -%}
    {%- set complete = 'select ' ~ dbt_forensics.canonical_text(dbt_forensics.quoted(column), columns[column]) ~ ' from ' ~ relation
        ~ (' where ' ~ given.where if given.where else '') -%}
    {%- set problem = dbt_forensics.attempt('select count(*) from (' ~ complete ~ ') as loads').problem -%}
    {%- if problem -%}
        {%- set found = (given.where or given.batch_id) ~ ', which fails on rows of ' ~ given.relation ~ ' (' ~ problem ~ ')' -%}
        {{ return(dict(shape, problem={'key': 'complete_batches', 'reason': dbt_forensics._found(found, 'a condition that can be evaluated on every row')})) }}
    {%- endif -%}
    {%- set sources = [] -%}
    {%- for source in shape.sources -%}{%- do sources.append(dbt_forensics._rows_of_batches(shape, source, complete)) -%}{%- endfor -%}
    {{ return(dict(shape, source=dbt_forensics._rows_of_batches(shape, shape.source, complete), sources=sources)) }}
{% endmacro %}


{% macro _rows_of_batches(shape, source, batches) %}
    {{ return('(select * from ' ~ source ~ ' where ' ~ dbt_forensics._batch_id(shape) ~ ' in (' ~ batches ~ ')) as rows_of_complete_batches') }}
{% endmacro %}


{% macro _validate_complete_batches(where, given) %}
    {%- set value = given.complete_batches -%}
    {%- set allowed = 'a mapping such as {relation: source.raw._dlt_loads, batch_id: load_id, where: "status = 0"}: where may be left out' -%}
    {%- if value is not mapping or value.keys() | reject('in', ['relation', 'batch_id', 'where']) | list or 'relation' not in value or 'batch_id' not in value
        or value.values() | reject('string') | list or not dbt_forensics._relation_parts(value.relation) -%}
        {{ dbt_forensics._config_error(where, 'complete_batches', value, allowed) }}
    {%- endif -%}
    {%- if 'batch_id' not in given -%}
        {{ dbt_forensics._config_error(where, 'complete_batches', 'no key batch_id beside it', 'the stream key batch_id, which says of which load a row is') }}
    {%- endif -%}
{% endmacro %}
