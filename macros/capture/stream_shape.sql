{% macro stream_shape(stream) %}
    {#-
        What a stream's relation looks like now, as the capture needs it:
        source: what to select from, in which expressions find every column that they name, in the type that it had at first (NULL where a value does not
        fit it). sources: the same rows in one or more parts: in another one, columns that only rules and metrics name have the type in which all
        values of their family can be kept (see _wider). columns: {name: data type}, each by the name under which it is on record; dropped: the same of the
        columns that it had before; known: the types in which metrics see them all; roles: {role: {sql, data_type, column, is_dropped}};
        payload: names of the content columns that are kept; retyped: {name: change} of columns that expressions name and that had another type at
        first (see _changed_type); original: {name: sql} of what these hold now; wide: {name: type} of those that have a wider one in other parts;
        families: {name: family of types} of the columns that were of another one at first: that one;
        former: {name: [name]} of columns that were renamed: what they were called before, the latest first;
        used: names of the columns that metrics name or are split by; absent: {name: [(from, to)]} of those of them that the relation had lost: from when to when (or none).
        problem: {key, reason} where the relation, or what is configured of it, cannot be read, or none. Then the rest is what is on record
        of the relation, so that what was captured can still be worked with.
        It is looked at once per stream and node. The first of its queries also fixes the session.
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
    {%- set found = dbt_forensics.column_types(relation) if not relation.is_cte else {} -%}
    {%- if not found -%}
        {%- do problems.append(('relation', stream.relation ~ ' (' ~ relation ~ '), which does not exist or has no columns that can be read', 'a relation that exists when the build starts')) -%}
        {%- for column, known in before.items() if not known.left_at -%}{%- do found.update({column: known.last}) -%}{%- endfor -%}
    {%- endif -%}
    {%- for column in found if (column | lower).startswith('forensics_') -%}
        {%- do problems.append(('relation', relation ~ ' with a column ' ~ column, "columns that do not begin with forensics_, as the package's own do")) -%}
    {%- endfor -%}
    {%- set texts = dbt_forensics._expression_texts(stream, found) -%}
    {%- set spelt = dbt_forensics._names_on_record(found, before, texts) -%}
    {%- set columns, dropped = {}, {} -%}
    {%- for column, data_type in found.items() -%}{%- do columns.update({spelt[column]: data_type}) -%}{%- endfor -%}
    {%- for column, types in before.items() if column not in columns -%}
        {%- do dropped.update({column: types.last}) -%}
    {%- endfor -%}

    {%- set families, retyped, original, known, wide, used, absent = {}, {}, {}, {}, {}, [], {} -%}
    {%- for column, data_type in dict(dropped, **columns).items() -%}
        {%- set change = dbt_forensics._changed_type(before.get(column), data_type) -%}
        {%- if change and change.family and change.family != dbt_forensics.type_family(data_type) -%}{%- do families.update({column: change.family}) -%}{%- endif -%}
        {%- set in_metrics = dbt_forensics._is_named(column, texts.metrics) -%}
        {%- set in_roles = dbt_forensics._is_named(column, texts.roles) -%}
        {%- set is_named = in_metrics or in_roles or dbt_forensics._is_named(column, texts.rules) -%}
        {%- if in_metrics or column | lower in texts.dimensions -%}{%- do used.append(column) -%}{%- endif -%}
        {#- What only splits metrics is read as the text that is on record. -#}
        {%- do known.update({column: (change.type if change else data_type) if in_metrics else (dbt.type_string() if change or not dbt_forensics.reads_back(data_type) else data_type)}) -%}
        {%- if in_metrics and not dbt_forensics.reads_back(known[column]) -%}
            {%- do problems.append(('metrics', 'an expression with the column ' ~ column ~ ', of the type ' ~ known[column], 'columns of types whose values can be read back from the record. Cast it in the relation, or select a part of it there')) -%}
        {%- endif -%}
        {%- if change and is_named -%}
            {%- do retyped.update({column: change}) -%}
            {%- if change.family in ['number', 'time'] and not in_roles -%}{%- do wide.update({column: dbt_forensics.type_of_family(change.family)}) -%}{%- endif -%}
            {%- if column in columns -%}{%- do original.update({column: 'forensics_original_' ~ loop.index}) -%}{%- endif -%}
        {%- endif -%}
        {%- if in_metrics and before.get(column, {}).absent -%}{%- do absent.update({column: before[column].absent}) -%}{%- endif -%}
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

    {%- set missing = {} -%}
    {%- for column, data_type in dropped.items() if not dbt_forensics._column_named(column, columns) -%}
        {%- if dbt_forensics._is_named(column, texts.metrics ~ ' ' ~ texts.roles ~ ' ' ~ texts.rules) -%}
            {%- do missing.update({column: retyped[column].type if column in retyped else (data_type if data_type not in ['ARRAY', 'USER-DEFINED'] else dbt.type_string())}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set parts = dbt_forensics._relation_as_known(relation, found, spelt, missing, retyped, original, wide) -%}
    {{ return(dbt_forensics._of_complete_batches(stream, {
        'source': parts[0], 'sources': parts[1:] or parts, 'columns': columns, 'dropped': dropped, 'known': known, 'roles': roles, 'payload': payload,
        'families': families, 'retyped': retyped, 'original': original, 'wide': wide, 'former': dbt_forensics._former_names(columns, before),
        'used': used, 'absent': absent, 'problem': problem,
    })) }}
{% endmacro %}


{% macro _relation_as_known(relation, found, spelt, missing, retyped, original, wide) %}
    {#-
        [source, and its parts if there are several] (see stream_shape): the relation; or, where an expression names a column that is gone or has
        become something else, or whose name is spelt in other capitals now, a select that has it still. A change of columns stops no build.
    -#}
    {%- set respelt = spelt.items() | selectattr('0', 'in', found) | rejectattr('1', 'in', found) | list -%}
    {%- if not missing and not original and not respelt -%}{{ return([relation]) }}{%- endif -%}
    {%- set as_first, as_wide, all_fit = [], [], [] -%}
    {%- for column, data_type in found.items() -%}
        {%- set name = dbt_forensics.quoted(spelt[column]) -%}
        {%- set value = dbt_forensics.quoted(column) -%}
        {%- if spelt[column] in original -%}
            {%- set change = retyped[spelt[column]] -%}
            {%- set read = dbt_forensics._read_first(dbt_forensics.canonical_text(value, data_type), change, dbt_forensics.type_family(data_type) != change.family) -%}
            {%- set of_original = value ~ ' as ' ~ original[spelt[column]] -%}
            {%- do as_first.extend([of_original, read.value ~ ' as ' ~ name]) -%}
            {%- do as_wide.extend([of_original, (read.wide if spelt[column] in wide else read.value) ~ ' as ' ~ name]) -%}
            {%- if spelt[column] in wide -%}{%- do all_fit.append('(' ~ value ~ ' is null or coalesce(' ~ read.fits ~ ', false))') -%}{%- endif -%}
        {%- else -%}
            {%- do as_first.append(value ~ (' as ' ~ name if name != value else '')) -%}
            {%- do as_wide.append(as_first[-1]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for column, data_type in missing.items() -%}
        {%- do as_first.append('cast(null as ' ~ data_type ~ ') as ' ~ dbt_forensics.quoted(column)) -%}
        {%- do as_wide.append(as_first[-1]) -%}
    {%- endfor -%}
    {%- set parts = ['(select ' ~ as_first | join(', ') ~ ' from ' ~ relation ~ ') as relation_as_known'] -%}
    {%- if all_fit -%}
        {%- do parts.append('(select ' ~ as_first | join(', ') ~ ' from ' ~ relation ~ ' where ' ~ all_fit | join(' and ') ~ ') as relation_as_known') -%}
        {%- do parts.append('(select ' ~ as_wide | join(', ') ~ ' from ' ~ relation ~ ' where not (' ~ all_fit | join(' and ') ~ ')) as relation_as_known') -%}
    {%- endif -%}
    {{ return(parts) }}
{% endmacro %}


{% macro _changed_type(before, data_type) %}
    {#-
        {type, family, is_mixed, eras}: the type that a column had at first, if it has another one now or had one meanwhile; none if not. is_mixed: it was of other
        families too. eras: [(from, to)] when it had its first type. All texts are one type: nothing tells them apart in an expression.
    -#}
    {%- if not before -%}{{ return(none) }}{%- endif -%}
    {#- Earlier releases did not know the names of these two types. -#}
    {%- set types = before.types | reject('in', ['ARRAY', 'USER-DEFINED']) | list + [data_type] -%}
    {%- set family = dbt_forensics.type_family(types[0]) -%}
    {%- set ns = namespace(families=[]) -%}
    {%- for type in types -%}{%- do ns.families.append(dbt_forensics.type_family(type)) -%}{%- endfor -%}
    {%- set is_mixed = ns.families | unique | list | length > 1 -%}
    {%- if types | map('lower') | unique | list | length == 1 or (family == 'text' and not is_mixed) -%}{{ return(none) }}{%- endif -%}
    {{ return({'type': types[0], 'family': family, 'is_mixed': is_mixed, 'eras': before.eras}) }}
{% endmacro %}


{% macro _read_first(text, change, is_other, recorded_at=none) %}
    {#-
        {value, fits, wide}, as SQL: of a text the value in the type that its column had at first, or NULL; whether it fits; and its value in the widest
        type of the family. is_other: the text may be written as another family's are. recorded_at: when the text was recorded, if it was.
    -#}
    {%- set plain = dbt_forensics._text_as(text, change.family) if is_other else text -%}
    {%- set first = dbt_forensics.typed_value(plain, change.type) -%}
    {%- if change.family == 'text' -%}
        {{ return({'value': text, 'fits': 'true', 'wide': text}) }}
    {%- elif change.family == 'number' -%}
        {%- set fits = dbt_forensics.canonical_text(first, change.type) ~ ' = ' ~ plain -%}
    {%- elif change.family == 'time' -%}
        {%- set fits = dbt_forensics.utc_timestamp(first, change.type) ~ ' = ' ~ dbt_forensics.utc_timestamp(plain) -%}
    {%- elif dbt_forensics.reads_any_text(change.type) -%}
        {%- set fits = first ~ ' is not null' -%}
    {%- else -%}
        {%- set fits = dbt_forensics._is_within_any(recorded_at, change.eras) if recorded_at else 'false' -%}
    {%- endif -%}
    {{ return({'value': 'case when ' ~ fits ~ ' then ' ~ first ~ ' end', 'fits': fits, 'wide': dbt_forensics._read_as(plain, change.family)}) }}
{% endmacro %}


{% macro _is_within_any(time, periods) %}
    {#- Condition: a time is within one of the periods (from, to), of which the end is open where it is none. -#}
    {%- set conditions = [] -%}
    {%- for from_time, to_time in periods -%}
        {%- set begins = time ~ ' >= ' ~ dbt_forensics.timestamp_literal(from_time) -%}
        {%- do conditions.append('(' ~ begins ~ (' and ' ~ time ~ ' < ' ~ dbt_forensics.timestamp_literal(to_time) if to_time else '') ~ ')') -%}
    {%- endfor -%}
    {{ return('(' ~ (conditions | join(' or ') or '1 = 0') ~ ')') }}
{% endmacro %}


{% macro _expression_texts(stream, found) %}
    {#-
        {roles, rules, metrics, written}: what the stream's expressions say, in small letters and without what stands in quotes; written: as it is.
        dimensions: names of the columns that split metrics.
    -#}
    {%- set texts = {'roles': [], 'rules': stream.rules.values() | list, 'metrics': []} -%}
    {%- set dimensions = [] -%}
    {%- for role in dbt_forensics.stream_roles() if role in stream and not dbt_forensics._column_named(stream[role] | trim, found) -%}
        {#- A name alone is no expression, also where there is no such column any more. -#}
        {%- if not modules.re.match('^\\w+$|^"[^"]*"$', stream[role] | trim) -%}{%- do texts.roles.append(stream[role]) -%}{%- endif -%}
    {%- endfor -%}
    {%- for metric in stream.metrics.values() -%}
        {%- do texts.metrics.append(metric.expr | default('') ~ ' ' ~ metric.where | default('')) -%}
        {%- for column in metric.dimensions | default([]) -%}{%- do dimensions.append(column | lower) -%}{%- endfor -%}
    {%- endfor -%}
    {%- set written = (texts.roles + texts.rules + texts.metrics) | join(' ; ') -%}
    {%- for kind in ['roles', 'rules', 'metrics'] -%}{%- do texts.update({kind: dbt_forensics._words_alone(texts[kind] | join(' ; '))}) -%}{%- endfor -%}
    {{ return(dict(texts, written=written, dimensions=dimensions)) }}
{% endmacro %}


{% macro _words_alone(sql) %}
    {#- SQL in small letters, without its texts in single quotes. -#}
    {{ return(modules.re.sub('("(?:[^"]|"")*")|\'(?:[^\']|\'\')*\'', ' \\1 ', sql) | lower) }}
{% endmacro %}


{% macro _is_named(column, text) %}
    {#- Whether expressions, in small letters, name a column. -#}
    {%- set name = column | lower | replace('"', '""') -%}
    {%- if name not in text -%}{{ return(false) }}{%- endif -%}
    {{ return(modules.re.search('(?<![a-z0-9_])' ~ modules.re.escape(name) ~ '(?![a-z0-9_])', text) is not none) }}
{% endmacro %}


{% macro _names_on_record(found, before, texts) %}
    {#-
        {name: name}: under which name each column of the relation is on record. One that only capitals tell from a column that is not there any more is that
        column, unless capitals count and an expression names it in quotes as it is spelt now.
    -#}
    {%- set spelt = {} -%}
    {%- for column in found -%}
        {%- set ns = namespace(gone=[], come=[]) -%}
        {%- if column not in before -%}
            {%- for name in before if name not in found and name | lower == column | lower -%}{%- do ns.gone.append(name) -%}{%- endfor -%}
            {%- for name in found if name not in before and name | lower == column | lower -%}{%- do ns.come.append(name) -%}{%- endfor -%}
        {%- endif -%}
        {%- set is_one = ns.gone | length == 1 and ns.come | length == 1 and not (dbt_forensics.tells_capitals_apart() and dbt_forensics.quoted(column) in texts.written) -%}
        {%- do spelt.update({column: ns.gone[0] if is_one else column}) -%}
    {%- endfor -%}
    {{ return(spelt) }}
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
        {name: {first, last, types, eras, absent, came_at, came_to, left_at, position}}: of the columns that the relation had at earlier builds: the first and the last data
        type, all of them in their order, when it had the first one and when there was no such column as [(from, to)],
        when and at which position they came, when they left (none if they had not), and the last position.
    -#}
    {%- set before = {} -%}
    {%- set history = dbt_forensics._existing('forensics__schema_history') -%}
    {%- if not history -%}
        {%- if dbt_forensics.fix_session() -%}{%- do run_query(dbt_forensics.fix_session()) -%}{%- endif -%}
        {{ return(before) }}
    {%- endif -%}
    {%- set seen = run_query(
        dbt_forensics.fix_session() ~ 'select column_name, data_type, column_position, is_dropped, dbt_valid_from, dbt_valid_to from ' ~ history
        ~ ' where stream = ' ~ dbt_forensics.forensics_literal(stream_name) ~ ' order by dbt_valid_from, column_position'
    ) -%}
    {%- for name, data_type, position, is_dropped, changed_at, changed_to in seen.rows -%}
        {%- set known = before.get(name, {'first': data_type, 'came_at': changed_at, 'came_to': position, 'types': [], 'eras': [], 'absent': []}) -%}
        {%- if is_dropped -%}
            {%- do known.absent.append((changed_at, changed_to)) -%}
        {%- else -%}
            {%- if data_type == known.first -%}{%- do known.eras.append((changed_at if known.eras else '1900-01-01 00:00:00', changed_to)) -%}{%- endif -%}
            {%- do known.types.append(data_type) -%}
        {%- endif -%}
        {%- do before.update({name: dict(
            known, last=data_type, left_at=changed_at if is_dropped else none, position=known.position if is_dropped else position
        )}) -%}
    {%- endfor -%}
    {{ return(before) }}
{% endmacro %}


{% macro _former_names(columns, before) %}
    {#- {name: [name]}: a column came at a build when another of its type left its very place: it was renamed, and may have been before. -#}
    {%- set renamed = {} -%}
    {%- for column in (columns.keys() | list + before.keys() | list) | unique(case_sensitive=true) -%}
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
