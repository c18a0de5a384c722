{% macro stream_shape(stream) %}
    {#-
        What a stream's relation looks like now, as the capture needs it:
        source: what to select from, in which the configured expressions find every column that they name (see _relation_as_known);
        columns: {name: data type}; dropped: the same of the columns that it had before; known: the types in which expressions
        see them all; roles: {role: {sql, data_type, column, is_dropped}}; payload: names of the content columns that are kept;
        families: {name: family of types} of the columns that were of another one at first: that one;
        retyped: the same of those that expressions name; original: {name: sql} of what these columns hold now;
        former: {name: [name]} of columns that were renamed: what they were called before, the latest first.
        problem: {key, reason} where the relation, or what is configured of it, cannot be read, or none. Then the rest is what is on record
        of the relation, so that what was captured can still be worked with.
        It is looked at once per stream and node.
    -#}
    {%- if 'shape' not in stream -%}{%- do stream.update({'shape': dbt_forensics._look_at_shape(stream)}) -%}{%- endif -%}
    {{ return(stream.shape) }}
{% endmacro %}


{% macro _look_at_shape(stream) %}
    {%- set relation = dbt_forensics.stream_relation(stream) -%}
    {%- set problems = [] -%}
    {%- set before = dbt_forensics._columns_before(stream.name) -%}
    {%- if relation.is_cte -%}
        {%- do problems.append(('relation', stream.relation ~ ', an ephemeral model', 'a relation in the warehouse: materialize the model as a view or a table')) -%}
    {%- endif -%}
    {%- set columns = dbt_forensics.relation_columns(relation) if not relation.is_cte else {} -%}
    {%- if not columns -%}
        {%- do problems.append(('relation', stream.relation ~ ' (' ~ relation ~ '), which does not exist or has no columns that can be read', 'a relation that exists when the build starts')) -%}
        {%- for column, known in before.items() if not known.left_at -%}{%- do columns.update({column: known.last}) -%}{%- endfor -%}
    {%- endif -%}
    {%- for column in columns if (column | lower).startswith('forensics_') -%}
        {%- do problems.append(('relation', relation ~ ' with a column ' ~ column, "columns that do not begin with forensics_, as the package's own do")) -%}
    {%- endfor -%}
    {%- set dropped = {} -%}
    {%- for column, types in before.items() if column not in columns -%}
        {%- do dropped.update({column: types.last}) -%}
    {%- endfor -%}

    {%- set families, retyped, original, known = {}, {}, {}, {} -%}
    {%- set known_columns = dict(dropped, **columns) -%}
    {%- for column, data_type in known_columns.items() -%}
        {%- set family = dbt_forensics.type_family(before[column].first if column in before else data_type) -%}
        {%- set is_other = family and family != dbt_forensics.type_family(data_type) -%}
        {%- set is_retyped = is_other and dbt_forensics._is_named(column, stream, known_columns) -%}
        {%- if is_other -%}{%- do families.update({column: family}) -%}{%- endif -%}
        {%- do known.update({column: dbt_forensics.type_of_family(family) if is_retyped else data_type}) -%}
        {%- if is_retyped -%}{%- do retyped.update({column: family}) -%}{%- endif -%}
        {%- if is_retyped and column in columns -%}{%- do original.update({column: 'forensics_original_' ~ loop.index}) -%}{%- endif -%}
    {%- endfor -%}

    {%- set roles = {} -%}
    {%- for role in dbt_forensics.stream_roles() if role in stream -%}
        {%- set found = dbt_forensics._role(stream, role, columns, dropped, original) -%}
        {%- do roles.update({role: found}) -%}
        {%- if not found.sql -%}{%- do problems.append((role, stream[role] ~ ', which ' ~ stream.relation ~ ' does not have', 'an expression, or one of its columns: ' ~ columns.keys() | join(', '))) -%}{%- endif -%}
    {%- endfor -%}

    {%- set mapped = roles.values() | map(attribute='column') | select('string') | list -%}
    {%- set payload = [] -%}
    {%- for name in stream.get('payload', columns.keys() | reject('in', mapped) | list) -%}
        {%- set column = dbt_forensics._column_named(name, columns) -%}
        {%- if column -%}
            {%- do payload.append(column) -%}
        {%- elif name not in dropped -%}
            {%- do problems.append(('payload', name ~ ', which ' ~ relation ~ ' does not have', 'its columns: ' ~ columns.keys() | join(', '))) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for metric, definition in stream.metrics.items() -%}
        {%- for name in definition.dimensions | default([]) if not dbt_forensics._column_named(name, known) -%}
            {%- do problems.append(('metrics.' ~ metric ~ '.dimensions', name ~ ', which ' ~ stream.relation ~ ' does not have', 'its columns: ' ~ known.keys() | join(', '))) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set problem = {'key': problems[0][0], 'reason': dbt_forensics._found(problems[0][1], problems[0][2])} if problems else none -%}

    {{ return({
        'source': dbt_forensics._relation_as_known(stream, relation, columns, dropped, retyped, original),
        'columns': columns, 'dropped': dropped, 'known': known, 'roles': roles, 'payload': payload, 'families': families, 'retyped': retyped, 'original': original,
        'former': dbt_forensics._former_names(columns, before), 'problem': problem,
    }) }}
{% endmacro %}


{% macro _relation_as_known(stream, relation, columns, dropped, retyped, original) %}
    {#-
        The relation; or, where an expression names a column that is gone or has become something else, a select that has it still: as
        NULL, or as far as its values can be read in the type that it had. A change of columns stops no build.
    -#}
    {%- set missing = {} -%}
    {%- for column, data_type in dropped.items() if dbt_forensics._is_named(column, stream, dict(dropped, **columns)) and not dbt_forensics._column_named(column, columns) -%}
        {%- do missing.update({column: dbt_forensics.type_of_family(retyped.get(column) or dbt_forensics.type_family(data_type))}) -%}
    {%- endfor -%}
    {%- if not missing and not original -%}{{ return(relation) }}{%- endif -%}
    {%- set selected = [] -%}
    {%- for column, data_type in columns.items() -%}
        {%- set name = dbt_forensics.quoted(column) -%}
        {%- if column in original -%}
            {%- do selected.append(name ~ ' as ' ~ original[column]) -%}
            {%- do selected.append(dbt_forensics._read_as(dbt_forensics.canonical_text(name, data_type), retyped[column]) ~ ' as ' ~ name) -%}
        {%- else -%}
            {%- do selected.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for column, data_type in missing.items() -%}
        {%- do selected.append('cast(null as ' ~ data_type ~ ') as ' ~ dbt_forensics.quoted(column)) -%}
    {%- endfor -%}
    {{ return('(select ' ~ selected | join(', ') ~ ' from ' ~ relation ~ ') as relation_as_known') }}
{% endmacro %}


{% macro _is_named(column, stream, names) %}
    {#- Whether an expression of the stream's configuration names a column: a rule, a metric, or a role that is not a column itself. -#}
    {%- set expressions = stream.rules.values() | list -%}
    {%- for role in dbt_forensics.stream_roles() if role in stream and not dbt_forensics._column_named(stream[role] | trim, names) -%}
        {%- do expressions.append(stream[role]) -%}
    {%- endfor -%}
    {%- for metric in stream.metrics.values() -%}
        {%- do expressions.append(metric.expr | default('') ~ ' ' ~ metric.where | default('')) -%}
    {%- endfor -%}
    {%- set name = '(?i)(?<![A-Za-z0-9_])' ~ modules.re.escape(column) ~ '(?![A-Za-z0-9_])' -%}
    {{ return(modules.re.search(name, expressions | join(' ')) is not none) }}
{% endmacro %}


{% macro _read_as(text, family) %}
    {#- A value of a family of types (see type_family) from a canonical text; NULL where the text does not fit. -#}
    {%- if family == 'number' -%}{{ return(dbt_forensics.exact_number(text)) }}
    {%- elif family == 'time' -%}{{ return(dbt_forensics.utc_timestamp(text)) }}
    {%- elif family == 'boolean' -%}{{ return(dbt_forensics.typed_value(text, 'boolean')) }}
    {%- endif -%}
    {{ return(text) }}
{% endmacro %}


{% macro _text_as(text, family) %}
    {#- The canonical text of what a text says in a family of types, so that 1.50 and 1.5 are one; the text where it does not fit. -#}
    {%- if family not in ['number', 'time'] -%}{{ return(text) }}{%- endif -%}
    {{ return('coalesce(' ~ dbt_forensics.canonical_text(dbt_forensics._read_as(text, family), dbt_forensics.type_of_family(family)) ~ ', ' ~ text ~ ')') }}
{% endmacro %}


{% macro _role(stream, role, columns, dropped, original) %}
    {#- A role is filled by a column (quoted) or by an expression of the project's owner (trusted, as their models are); its sql is none where it is neither. -#}
    {%- set given = stream[role] | trim -%}
    {%- set column = dbt_forensics._column_named(given, columns) or dbt_forensics._column_named(given[1:-1], columns) -%}
    {%- set column = none if column and given not in [column, dbt_forensics.quoted(column)] and column | lower != given | lower else column -%}
    {%- if column -%}
        {{ return({'sql': original.get(column, dbt_forensics.quoted(column)), 'data_type': columns[column], 'column': column, 'is_dropped': false}) }}
    {%- elif not modules.re.match('^[A-Za-z_][A-Za-z0-9_]*$', given) -%}
        {%- set names_dropped = dropped.keys() | select('in', given) | list | length > 0 -%}
        {{ return({'sql': '(' ~ given ~ ')', 'data_type': none, 'column': none, 'is_dropped': names_dropped}) }}
    {%- elif given in dropped and role not in ['ingested_at', 'batch_id'] -%}
        {%- do log("dbt_forensics: stream '" ~ stream.name ~ "': column " ~ given ~ ' (' ~ role ~ ') is gone from the relation; recorded as NULL from now on.', info=true) -%}
        {{ return({'sql': 'cast(null as ' ~ dbt.type_string() ~ ')', 'data_type': none, 'column': none, 'is_dropped': true}) }}
    {%- endif -%}
    {{ return({'sql': none, 'data_type': none, 'column': none, 'is_dropped': false}) }}
{% endmacro %}


{% macro _column_named(name, columns) %}
    {%- if name in columns -%}{{ return(name) }}{%- endif -%}
    {%- set alike = columns.keys() | select('equalto', name) | list or columns.keys() | map('lower') | select('equalto', name | lower) | list -%}
    {%- for column in columns if alike | length == 1 and column | lower == name | lower -%}
        {{ return(column) }}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}


{% macro _columns_before(stream_name) %}
    {#-
        {name: {first, last, came_at, came_to, left_at, position}}: of the columns that the relation had at earlier builds: the first and the last data type,
        when and at which position they came, when they left (none if they had not), and the last position.
    -#}
    {%- set before = {} -%}
    {%- set history = dbt_forensics._existing('forensics__schema_history') -%}
    {%- if history -%}
        {%- set seen = run_query(
            'select column_name, data_type, column_position, is_dropped, dbt_valid_from from ' ~ history
            ~ ' where stream = ' ~ dbt_forensics.forensics_literal(stream_name) ~ ' order by dbt_valid_from, column_position'
        ) -%}
        {%- for name, data_type, position, is_dropped, changed_at in seen.rows -%}
            {%- set known = before.get(name, {'first': data_type, 'came_at': changed_at, 'came_to': position}) -%}
            {%- do before.update({name: dict(
                known, last=data_type, left_at=changed_at if is_dropped else none, position=known.position if is_dropped else position
            )}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(before) }}
{% endmacro %}


{% macro _former_names(columns, before) %}
    {#- {name: [name]}: a column came at a build when another of its type left its very place: it was renamed, and may have been before. -#}
    {%- set renamed = {} -%}
    {%- for column in (columns.keys() | list + before.keys() | list) | unique -%}
        {%- set known = before.get(column) or {'came_at': none, 'came_to': loop.index, 'first': columns[column]} -%}
        {%- for name, was in before.items() if name not in columns and name != column -%}
            {%- if was.left_at == known.came_at and was.position == known.came_to and was.last == known.first -%}
                {%- do renamed.update({column: name}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set former = {} -%}
    {%- for column in columns if column in renamed -%}
        {%- set names = [renamed[column]] -%}
        {%- for _ in renamed if names[-1] in renamed and renamed[names[-1]] not in names -%}{%- do names.append(renamed[names[-1]]) -%}{%- endfor -%}
        {%- do former.update({column: names}) -%}
    {%- endfor -%}
    {{ return(former) }}
{% endmacro %}
