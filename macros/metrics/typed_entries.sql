{% macro typed_entries(stream, ledger, history, after=none, name='entries', condition=none) %}
    {#-
        CTE <stream>_<name>: the ledger's entries that count or stop to, each with the columns of its row that metrics name, as the stream's relation
        names them and had them typed at first, so that the metrics' expressions read as they would on the relation. The package's own columns
        begin with forensics_. after: only entries recorded after this time, as text. condition: which of them, over the
        ledger as `ledger`.
    -#}
    {%- set shape = dbt_forensics.stream_shape(stream) -%}
    {%- set all_fit = [] %}
    {{ stream.name }}_{{ name }} as (

        select
            ledger.effect as forensics_effect,
            ledger.cause as forensics_cause,
            ledger.event_id as forensics_event_id,
            ledger.row_key as forensics_row_key,
            ledger.ingested_at as forensics_ingested_at,
            ledger.effective_at as forensics_effective_at,
            ledger.recorded_at as forensics_recorded_at,
            {{ dbt_forensics.window_start(stream.window, 'ledger.event_time') }} as forensics_window_start
            {%- for column, value in dbt_forensics._columns_of_entries(shape).items() %},
            {{ value.sql }} as {{ dbt_forensics.quoted(column) }}
            {%- if column in shape.wide %},
            {{ value.wide }} as {{ dbt_forensics._wide_name(shape, column) }}
            {%- do all_fit.append('(' ~ value.text ~ ' is null or coalesce(' ~ value.fits ~ ', false))') %}
            {%- endif %}
            {%- endfor %}
            {%- for column, periods in shape.absent.items() %},
            {{ dbt_forensics._is_within_any('history.recorded_at', periods) }} as {{ dbt_forensics._lack_name(shape, column) }}
            {%- endfor %}
            {%- if all_fit %},
            {{ all_fit | join(' and ') }} as forensics_all_fit
            {%- endif %}
        from {{ ledger }} as ledger
        inner join {{ history }} as history
            on ledger.row_key = history.row_key and ledger.ingested_at = history.ingested_at
        where
            ledger.stream = '{{ stream.name }}'
            {#- Its expressions are for its own rows, and may fail on those of another stream. #}
            and history.stream = '{{ stream.name }}'
            and ledger.effect <> 0
            {%- if after %}
            and ledger.recorded_at > {{ dbt_forensics.timestamp_literal(after) }}
            {%- endif %}
            {%- if condition %}
            and {{ condition }}
            {%- endif %}

    )
{% endmacro %}


{% macro _columns_of_entries(shape) %}
    {#- {name: {sql, text, fits, wide}} of the columns that metrics name: how each is read from the record (see _read_first). -#}
    {#- An expression may fail on rows that do not count, which are quarantined for that: it must not be asked of them before the join. -#}
    {%- set payload = 'case when ledger.effect <> 0 then history.payload end' -%}
    {%- set columns, roles = {}, {} -%}
    {%- for role, given in shape.roles.items() if given.column and given.column not in roles -%}{%- do roles.update({given.column: (role, given)}) -%}{%- endfor -%}
    {%- for column in shape.known if column in shape.used -%}
        {%- set role, given = roles.get(column, (none, none)) -%}
        {%- set text = dbt_forensics._role_text(role, given) if role else dbt_forensics.kept_text(shape, 'history', column, payload) -%}
        {%- if column in shape.retyped -%}
            {%- set change = shape.retyped[column] -%}
            {%- set read = dbt_forensics._read_first(text, change, change.is_mixed, 'history.recorded_at') -%}
            {%- do columns.update({column: {'sql': read.value, 'text': text, 'fits': read.fits, 'wide': read.wide}}) -%}
        {%- elif role and dbt_forensics._is_kept_as_is(role, shape.known[column]) -%}
            {%- do columns.update({column: {'sql': 'history.' ~ role}}) -%}
        {%- else -%}
            {%- do columns.update({column: {'sql': dbt_forensics.typed_value(text, shape.known[column])}}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}


{% macro entry_parts(stream, entries) %}
    {#-
        [{from, types}]: what to select a metric's inputs from, and the types of the columns there. Entries of which a value does not fit the type that its
        column had at first come from a part of their own, in which columns of numbers and times have the widest type of their family.
    -#}
    {%- set shape = dbt_forensics.stream_shape(stream) -%}
    {%- set columns = dbt_forensics._columns_of_entries(shape) -%}
    {%- if not shape.wide.keys() | select('in', columns) | list -%}{{ return([{'from': entries, 'types': shape.known}]) }}{%- endif -%}
    {%- set selected = ['forensics_effect', 'forensics_event_id', 'forensics_row_key', 'forensics_ingested_at', 'forensics_recorded_at', 'forensics_window_start', 'forensics_cause'] -%}
    {%- if entries == stream.name ~ '_dated' -%}{%- do selected.append('forensics_recorded_from') -%}{%- endif -%}
    {%- for column in columns -%}
        {%- do selected.append((dbt_forensics._wide_name(shape, column) ~ ' as ' if column in shape.wide else '') ~ dbt_forensics.quoted(column)) -%}
    {%- endfor -%}
    {%- for column in shape.absent -%}{%- do selected.append(dbt_forensics._lack_name(shape, column)) -%}{%- endfor -%}
    {{ return([
        {'from': '(select * from ' ~ entries ~ ' where forensics_all_fit) as fitting', 'types': shape.known},
        {'from': '(select ' ~ selected | join(', ') ~ ' from ' ~ entries ~ ' where not forensics_all_fit) as others', 'types': dict(shape.known, **shape.wide)},
    ]) }}
{% endmacro %}


{% macro lacking(stream, definition) %}
    {#- Condition over entries: their row came when the relation had lost a column that the metric names, so that what it would add is not known. None where that never was. -#}
    {%- set shape = dbt_forensics.stream_shape(stream) -%}
    {%- set named = [definition] if definition.agg != 'ratio' else [stream.metrics[definition.numerator], stream.metrics[definition.denominator]] -%}
    {%- set texts = [] -%}
    {%- for metric in named -%}{%- do texts.append(metric.expr | default('') ~ ' ' ~ metric.where | default('')) -%}{%- endfor -%}
    {%- set text = dbt_forensics._words_alone(texts | join(' ; ')) -%}
    {%- set conditions = [] -%}
    {%- for column in shape.absent if dbt_forensics._is_named(column, text) -%}{%- do conditions.append(dbt_forensics._lack_name(shape, column)) -%}{%- endfor -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')' if conditions else none) }}
{% endmacro %}


{% macro _wide_name(shape, column) %}{{ return('forensics_wide_' ~ (shape.wide.keys() | list).index(column)) }}{% endmacro %}


{% macro _lack_name(shape, column) %}{{ return('forensics_lacks_' ~ (shape.absent.keys() | list).index(column)) }}{% endmacro %}


{% macro earlier_entries(task, ledger, history) %}
    {#-
        CTE <stream>_earlier: the entries that the log contains already, of the windows that new entries touch: what does not add up
        is computed from all of a window's entries. The bounds of event time let the engine skip the rest of the ledger.
    -#}
    {%- set stream = task.stream -%}
    {%- set recorded_after = dbt_forensics.timestamp_literal(task.earlier_to) -%}
    {%- set touched = dbt_forensics._single_row(
        'select min(event_time), max(event_time) from ' ~ ledger ~ " where stream = '" ~ stream.name ~ "' and effect <> 0 and recorded_at > " ~ recorded_after
    ) -%}
    {%- set start = dbt_forensics.window_start(stream.window, 'ledger.event_time') -%}
    {%- set conditions = [start ~ ' in (select forensics_window_start from ' ~ stream.name ~ '_entries where forensics_recorded_at > ' ~ recorded_after ~ ')'] -%}
    {%- if touched[0] -%}
        {%- do conditions.append('ledger.event_time >= ' ~ dbt_forensics.window_start(stream.window, dbt_forensics.timestamp_literal(touched[0]))) -%}
        {%- do conditions.append('ledger.event_time < ' ~ dbt_forensics.window_end(stream.window, dbt_forensics.timestamp_literal(touched[1]))) -%}
    {%- endif -%}
    {{ dbt_forensics.typed_entries(stream, ledger, history, name='earlier', condition=conditions | join(' and ')) }}
{% endmacro %}


{% macro backcast_entries(task, seals) %}
    {#-
        CTE <stream>_dated: the entries with forensics_recorded_from, the time from which a build at the backcast's cadence would have
        shown them: the last arrival of a batch, or the end of an hour or day. An entry of this build's own time is published now.
    -#}
    {%- set name = task.stream.name -%}
    {%- set every = task.stream.backcast.every -%}
    {%- if every == 'batch' %}
    {{ name }}_moments as (

        select distinct
            forensics_effective_at as moment,
            cast(null as {{ dbt.type_timestamp() }}) as cut_off
        from {{ name }}_entries
        union all
        select distinct
            max_ingested_at as moment,
            max_ingested_at as cut_off
        from {{ seals }}
        where stream = '{{ name }}' and dbt_valid_to is null and max_ingested_at <= {{ task.stamp }}

    ),

    {{ name }}_cut_offs as (

        select
            moment,
            min(min(cut_off)) over (order by moment rows between current row and unbounded following) as cut_off
        from {{ name }}_moments
        group by moment

    ),
    {% endif %}
    {{ name }}_dated as (

        select
            entries.*,
            case
                when entries.forensics_effective_at >= entries.forensics_recorded_at then {{ task.stamp }}
                {%- if every == 'batch' %}
                else coalesce(cut_offs.cut_off, {{ task.stamp }})
                {%- else %}
                {%- set cut_off = dbt_forensics.time_plus(every, 1, dbt_forensics.time_trunc(every, 'entries.forensics_effective_at')) %}
                else {{ dbt_forensics.least_of(cut_off, task.stamp) }}
                {%- endif %}
            end as forensics_recorded_from
        from {{ name }}_entries as entries
        {%- if every == 'batch' %}
        left join {{ name }}_cut_offs as cut_offs
            on entries.forensics_effective_at = cut_offs.moment
        {%- endif %}

    )
{% endmacro %}


{% macro _is_kept_as_is(role, data_type) %}
    {#- Whether a role's kept value is of the very type of its column. -#}
    {%- set kept = {'event_time': dbt.type_timestamp(), 'ingested_at': dbt.type_timestamp(), 'sequence_number': dbt_forensics.type_of_family('number')}.get(role, '') -%}
    {{ return(data_type | lower | replace(' ', '') == kept | lower | replace(' ', '')) }}
{% endmacro %}


{% macro _role_text(role, given) %}
    {#- The text of a role's kept value. -#}
    {%- if role in ['event_time', 'ingested_at'] -%}{{ return(dbt_forensics.canonical_text('history.' ~ role, dbt.type_timestamp())) }}
    {%- elif role == 'sequence_number' -%}{{ return(dbt_forensics.canonical_text('history.' ~ role, dbt_forensics.type_of_family('number'))) }}
    {%- endif -%}
    {{ return('history.' ~ role) }}
{% endmacro %}
