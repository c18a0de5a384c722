{% macro typed_entries(stream, ledger, history, after=none, name='entries', condition=none) %}
    {#-
        CTE <stream>_<name>: the ledger's entries that count or stop to, each with the columns of its row as the stream's relation
        names and types them, so that the metrics' expressions read as they would on the relation. The package's own columns
        begin with forensics_. after: only entries recorded after this time, as text. condition: which of them, over the
        ledger as `ledger`.
    -#}
    {%- set shape = dbt_forensics.stream_shape(stream) -%}
    {%- set taken = [] %}
    {#- An expression may fail on rows that do not count, which are quarantined for that: it must not be asked of them before the join. #}
    {%- set payload = 'case when ledger.effect <> 0 then history.payload end' %}
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
            {%- for role, given in shape.roles.items() if given.column and given.column not in taken %}{% do taken.append(given.column) %},
            {{ dbt_forensics._role_as_column('history.' ~ role, role, given, shape.retyped.get(given.column)) }} as {{ dbt_forensics.quoted(given.column) }}
            {%- endfor %}
            {%- for column, data_type in shape.known.items() if column not in taken %},
            {%- set text = dbt_forensics.kept_text(shape, 'history', column, payload) %}
            {{ dbt_forensics._read_as(text, shape.retyped[column]) if column in shape.retyped else dbt_forensics.typed_value(text, data_type) }} as {{ dbt_forensics.quoted(column) }}
            {%- endfor %}
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


{% macro _role_as_column(value, role, given, family) %}
    {#- A role's kept value in the type in which expressions see its column: of a family where that changed, else the relation's. -#}
    {%- set text = value -%}
    {%- if role in ['event_time', 'ingested_at'] -%}
        {%- if (family or dbt_forensics.type_family(given.data_type)) == 'time' -%}{{ return(value) }}{%- endif -%}
        {%- set text = dbt_forensics.canonical_text(value, dbt.type_timestamp()) -%}
    {%- elif role == 'sequence_number' -%}
        {%- if (family or dbt_forensics.type_family(given.data_type)) == 'number' -%}{{ return(value) }}{%- endif -%}
        {%- set text = dbt_forensics.canonical_text(value, dbt_forensics.type_of_family('number')) -%}
    {%- endif -%}
    {{ return(dbt_forensics._read_as(text, family) if family else dbt_forensics.typed_value(text, given.data_type)) }}
{% endmacro %}
