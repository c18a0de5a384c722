{% macro read_streams(streams) %}
    {#-
        Which streams this build can read, as {dirty, unread, failing}: dirty, what to select the dirty batches from of those that it can; unread,
        {stream: {key, reason}} of the others; failing, {stream: [key]} of what cannot be evaluated on all rows of a stream that can be read: such
        rows are quarantined. A stream that cannot be read stops no other one: it is left out of this build, and the next build tries again. All are tried at once; only if that fails, one after the other, and then key by key.
    -#}
    {%- set unread, failing, selects = {}, {}, {} -%}
    {%- set hidden = dbt_forensics._streams_with_hidden_rows(streams) -%}
    {%- for name, stream in streams.items() -%}
        {%- set shape = dbt_forensics.stream_shape(stream) -%}
        {%- set problem = hidden.get(name) or shape.problem or dbt_forensics._problem_of_name(stream) or dbt_forensics._problem_at_first(stream, shape) -%}
        {%- if problem -%}{%- do unread.update({name: problem}) -%}
        {%- else -%}{%- do selects.update({name: dbt_forensics.dirty_batches(stream)}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set tried = dbt_forensics.attempt(dbt_forensics._dirty_select(selects), 'forensics_dirty') -%}
    {%- for name in selects.keys() | list if tried.problem -%}
        {%- set alone = dbt_forensics.attempt(dbt_forensics._dirty_select({name: selects[name]})) -%}
        {%- if alone.problem -%}
            {%- do unread.update({name: dbt_forensics._problem_of_reading(streams[name], alone.problem)}) -%}
            {%- do selects.pop(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if tried.problem -%}
        {%- set tried = dbt_forensics.attempt(dbt_forensics._dirty_select(selects), 'forensics_dirty') -%}
        {%- if tried.problem -%}{%- do exceptions.raise_compiler_error('dbt_forensics: the streams cannot be read together: ' ~ tried.problem) -%}{%- endif -%}
    {%- endif -%}
    {%- for name in selects -%}
        {%- set of_ids = dbt_forensics._problem_of_ids(streams[name], tried.relation) -%}
        {%- set found = {'unread': of_ids} if of_ids else (dbt_forensics._problems_of_capture(streams[name], tried.relation) if tried.is_kept else {}) -%}
        {%- if found.unread -%}{%- do unread.update({name: found.unread}) -%}{%- endif -%}
        {%- if found.failing -%}{%- do failing.update({name: found.failing}) -%}{%- endif -%}
    {%- endfor -%}
    {%- for name, problem in unread.items() -%}
        {%- do log("dbt_forensics: stream '" ~ name ~ "', key '" ~ problem.key ~ "': " ~ problem.reason ~ ' This build records the other streams.', info=true) -%}
    {%- endfor -%}
    {%- for name, keys in failing.items() -%}
        {%- do log("dbt_forensics: stream '" ~ name ~ "': " ~ keys | join(', ') ~ ' cannot be evaluated on some of the rows that arrived. These are quarantined.', info=true) -%}
    {%- endfor -%}
    {{ return({'dirty': tried.relation, 'unread': unread, 'failing': failing}) }}
{% endmacro %}


{% macro streams_that_are_read(streams) %}
    {#- Those of the streams that the last build did not leave out. -#}
    {%- set read = dict(streams) -%}
    {%- set dirty = dbt_forensics._existing('int_forensics__dirty_batches') -%}
    {%- for row in (run_query('select stream from ' ~ dirty ~ " where difference = 'unread'").rows if dirty else []) -%}{%- do read.pop(row[0], none) -%}{%- endfor -%}
    {{ return(read) }}
{% endmacro %}


{% macro texts_by_stream(texts, stream) %}
    {#- Text: the list that a stream has, in one text with blanks; NULL for the other streams. texts: {stream: list of texts}. stream: SQL. -#}
    {%- set cases = [] -%}
    {%- for name, listed in texts.items() -%}{%- do cases.append("when '" ~ name ~ "' then " ~ dbt_forensics.forensics_literal(listed | join(' '))) -%}{%- endfor -%}
    {{ return('case ' ~ stream ~ ' ' ~ cases | join(' ') ~ ' end' if cases else 'null') }}
{% endmacro %}


{% macro unread_columns() %}
    {#- The columns of int_forensics__dirty_batches that say why a stream was left out, and their types. -#}
    {{ return({'config_key': 'text', 'reason': 'text', 'recorded_at': 'time'}) }}
{% endmacro %}


{% macro _dirty_select(selects) %}
    {#- A select of the dirty batches of some streams. selects: {stream: its CTEs}. -#}
    {%- if not selects -%}{{ return(dbt_forensics.no_rows(dbt_forensics.dirty_batch_columns())) }}{%- endif -%}
    with {{ selects.values() | join(',\n') }}
    {%- for name in selects %}
    select * from {{ name }}_dirty
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}


{% macro _problem_at_first(stream, shape) %}
    {#- Before anything is sealed the arrivals are looked at to find the horizon: the first question to a relation that nobody has read yet. -#}
    {%- if dbt_forensics._existing('forensics__batch_history') -%}{{ return(none) }}{%- endif -%}
    {%- set arrivals = 'select count(' ~ dbt_forensics._role_sql(shape, 'ingested_at') ~ ') from ' ~ shape.source -%}
    {%- set problem = dbt_forensics.attempt(arrivals).problem -%}
    {{ return(dbt_forensics._problem_of_reading(stream, problem) if problem else none) }}
{% endmacro %}


{% macro _problem_of_reading(stream, problem) %}
    {#- {key, reason}: why a relation whose columns are known cannot be read. problem: what the engine says of all of it. -#}
    {%- set shape = dbt_forensics.stream_shape(stream) -%}
    {%- set of_relation = dbt_forensics.attempt('select count(*) from ' ~ dbt_forensics.stream_relation(stream)).problem -%}
    {%- if not of_relation -%}
        {%- set found = dbt_forensics._failing_key(dbt_forensics._role_expressions(stream, shape), ['from ' ~ shape.source]) -%}
        {%- if found -%}{{ return(found) }}{%- endif -%}
    {%- endif -%}
    {{ return({
        'key': 'relation',
        'reason': 'found ' ~ stream.relation ~ ', which cannot be read (' ~ (of_relation or problem) ~ '); allowed: a relation of which every row can be read.',
    }) }}
{% endmacro %}


{% macro _problems_of_capture(stream, dirty) %}
    {#-
        {unread, failing} of a stream's dirty batches. unread: {key, reason} of the first role that cannot be evaluated on every row, or none; who a row is must be known.
        failing: [key] of the rules and metrics that cannot be. What is a column by itself always can.
    -#}
    {%- set shape = dbt_forensics.stream_shape(stream) -%}
    {%- set roles, judging = dbt_forensics._role_expressions(stream, shape), {} -%}
    {%- for key, expression in dbt_forensics._judging_expressions(stream, shape).items() if not expression.is_column -%}{%- do judging.update({key: expression}) -%}{%- endfor -%}
    {%- set arrivals = dbt_forensics.arrival_range('(select *, null as config_key from ' ~ dirty ~ ') as dirty', stream.name, "difference <> 'gone'") if roles or judging else none -%}
    {%- if not arrivals -%}{{ return({}) }}{%- endif -%}
    {%- set within -%}
        where
            {{ dbt_forensics._arrives_within(shape, arrivals.from_time, arrivals.to_time) }}
            and {{ dbt_forensics._batch_id(shape) }} in (select batch_id from {{ dirty }} where stream = '{{ stream.name }}')
    {%- endset -%}
    {%- set rows = dbt_forensics._rows_of(shape.sources, within) -%}
    {%- set problem = dbt_forensics._problem_of(roles.values() | list + judging.values() | list, rows) -%}
    {%- if not problem -%}{{ return({}) }}{%- endif -%}
    {%- set of_role = dbt_forensics._failing_key(roles, rows) -%}
    {%- if of_role -%}{{ return({'unread': of_role}) }}{%- endif -%}
    {%- set failing, values = [], [] -%}
    {%- for key, expression in judging.items() if dbt_forensics._problem_of([expression], rows) -%}{%- do failing.append(key) -%}{%- endfor -%}
    {%- set tried = dbt_forensics.tried_sources(stream, shape, failing) if failing -%}
    {%- for key in failing -%}{%- do values.append({'sql': 'forensics_value_' ~ loop.index}) -%}{%- endfor -%}
    {%- if failing and (not tried or dbt_forensics._problem_of(values, dbt_forensics._rows_of(tried, within))) -%}
        {{ return({'unread': dbt_forensics._failing_key(judging, rows)}) }}
    {%- endif -%}
    {%- if failing -%}{{ return({'failing': failing}) }}{%- endif -%}
    {{ return({'unread': {'key': 'relation', 'reason': dbt_forensics._found('rows that cannot be read (' ~ problem ~ ')', 'a relation of which every row can be read')}}) }}
{% endmacro %}


{% macro tried_sources(stream, shape, failing) %}
    {#- The parts to select from (see stream_shape) where some keys fail on rows: with the columns of tried_rows(), in the order of these keys; none where that is not possible. -#}
    {%- set expressions = dbt_forensics._judging_expressions(stream, shape) -%}
    {%- set texts = [] -%}
    {%- for key in failing -%}{%- do texts.append(expressions[key].sql) -%}{%- endfor -%}
    {%- set sources = [] -%}
    {%- for source in shape.sources -%}{%- do sources.append(dbt_forensics.tried_rows(source, dbt_forensics.stream_relation(stream), texts)) -%}{%- endfor -%}
    {{ return(sources if none not in sources else none) }}
{% endmacro %}


{% macro _rows_of(sources, within) %}
    {%- set rows = [] -%}
    {%- for source in sources -%}{%- do rows.append('from ' ~ source ~ ' ' ~ within) -%}{%- endfor -%}
    {{ return(rows) }}
{% endmacro %}


{% macro _problem_of(expressions, rows) %}
    {#- What the engine says if one of some expressions cannot be evaluated on every one of some rows, or none. rows: a list of SQL, each from `from` on. -#}
    {%- set counts, selects = [], [] -%}
    {%- for expression in expressions -%}{%- do counts.append('count(' ~ expression.sql ~ ')') -%}{%- endfor -%}
    {%- for part in rows -%}{%- do selects.append('select ' ~ counts | join(', ') ~ ' ' ~ part) -%}{%- endfor -%}
    {{ return(dbt_forensics.attempt(selects | join(' union all ')).problem) }}
{% endmacro %}


{% macro _failing_key(expressions, rows) %}
    {#- {key, reason} of the first of some expressions that cannot be evaluated on every one of some rows, or none. rows: a list of SQL, each from `from` on. -#}
    {%- for key, expression in expressions.items() -%}
        {%- set problem = dbt_forensics._problem_of([expression], rows) -%}
        {%- if problem -%}
            {{ return({'key': key, 'reason': 'found ' ~ expression.given ~ ', which fails on rows that arrived (' ~ problem ~ '); allowed: an expression that can be evaluated on every row.'}) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}


{% macro _role_expressions(stream, shape) %}
    {#- {key: {given, sql}} of the roles that are an expression. -#}
    {%- set expressions = {} -%}
    {%- for role, found in shape.roles.items() if not found.column -%}
        {%- do expressions.update({role: {'given': stream[role], 'sql': dbt_forensics._time_sql(shape, role) if role in ['event_time', 'ingested_at'] else dbt_forensics._role_sql(shape, role)}}) -%}
    {%- endfor -%}
    {{ return(expressions) }}
{% endmacro %}


{% macro _judging_expressions(stream, shape) %}
    {#-
        {key: {given, sql, is_column}} of the rules, and of what the metrics ask of a row. What is no input of a metric need not be a number, and may be nothing that its
        expression can be asked of. is_column: the expression is a column, which never fails.
    -#}
    {%- set expressions = {} -%}
    {%- for metric, definition in stream.metrics.items() -%}
        {%- set key, where = 'metrics.' ~ metric, definition.where -%}
        {%- if where -%}{%- do expressions.update({key ~ '.where': {'given': where, 'sql': '(' ~ where ~ ')', 'is_column': false}}) -%}{%- endif -%}
        {%- if definition.expr -%}
            {%- do expressions.update({key ~ '.expr': {
                'given': definition.expr,
                'sql': '(case when ' ~ where ~ ' then ' ~ definition.expr ~ ' end)' if where else '(' ~ definition.expr ~ ')',
                'is_column': not where and dbt_forensics._column_named(definition.expr | string | trim, shape.columns) is not none,
            }}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for rule, condition in stream.rules.items() -%}
        {%- do expressions.update({'rules.' ~ rule: {'given': condition, 'sql': '(' ~ condition ~ ')', 'is_column': false}}) -%}
    {%- endfor -%}
    {{ return(expressions) }}
{% endmacro %}


{% macro log_unread_streams(unread) %}
    {#- Says which streams the last build left out, where people look: at the end. unread: forensics__unread_streams. -#}
    {%- for row in run_query('select stream, config_key, reason from ' ~ unread ~ ' order by stream').rows -%}
        {%- do log("dbt_forensics: stream '" ~ row[0] ~ "', key '" ~ row[1] ~ "': " ~ row[2] ~ ' The last build left the stream out.', info=true) -%}
    {%- endfor -%}
{% endmacro %}
