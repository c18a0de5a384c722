{% macro contested_events(history, ledger, presence, last_recorded_at) %}
    {#-
        CTEs, the last of them named members: every row of the events for which more than one row may count, or whose rows came
        or went, with what the ledger says of it so far. Needs the CTE judged. ledger: the ledger as it is, or none.
    -#}
    repeated as (

        select event_key
        from judged
        where held_cause is null
        group by event_key
        having count(*) > 1

    ),

    came_or_went as (

        select distinct {{ dbt_forensics.event_key() }} as event_key
        from {{ presence }}
        where event_id is not null{% if last_recorded_at %} and recorded_at > {{ last_recorded_at }}{% endif %}

    ),

    looked_for as (

        select event_key from judged where held_cause is null
        union all
        select event_key from came_or_went

    ),

    known_of as (

        select distinct event_key
        from looked_for

    ),

    seen_before as (

        {#- One pass over two thin columns of the ledger: which of these events it knows, and when their rows arrived. #}
        {% if ledger -%}
        select distinct
            ledger.event_key,
            ledger.ingested_at
        from {{ ledger }} as ledger
        inner join known_of
            on ledger.event_key = known_of.event_key
        {%- else -%}
        {{ dbt_forensics.no_rows({'event_key': 'integer', 'ingested_at': 'time'}) }}
        {%- endif %}

    ),

    looked_at as (

        select event_key from repeated
        union all
        select event_key from came_or_went
        union all
        select event_key from seen_before

    ),

    touched as (

        select distinct event_key
        from looked_at

    ),

    entries_so_far as (

        {#- The times of arrival let the engine skip the rest of the ledger. #}
        {% if ledger -%}
        select
            ledger.stream,
            ledger.event_id,
            ledger.row_key,
            ledger.ingested_at,
            ledger.verdict,
            ledger.other_row_key,
            ledger.entry_number,
            sum(ledger.effect) over (partition by ledger.row_key) as counts,
            max(ledger.entry_number) over (partition by ledger.row_key) as entry_count
        from {{ ledger }} as ledger
        inner join seen_before
            on ledger.event_key = seen_before.event_key and ledger.ingested_at = seen_before.ingested_at
        {%- else -%}
        {{ dbt_forensics.no_rows({
            'stream': 'text', 'event_id': 'text', 'row_key': 'text', 'ingested_at': 'time', 'verdict': 'text',
            'other_row_key': 'text', 'entry_number': 'integer', 'counts': 'integer', 'entry_count': 'integer',
        }) }}
        {%- endif %}

    ),

    absent as (

        select row_key
        from {{ presence }}
        group by row_key
        having sum(presence_change) < 0

    ),

    candidates as (

        select
            judged.stream,
            judged.event_id,
            judged.row_key,
            judged.ingested_at,
            true as is_new,
            cast(0 as {{ dbt.type_bigint() }}) as counts,
            cast(0 as {{ dbt.type_bigint() }}) as entry_count,
            cast(null as {{ dbt.type_string() }}) as verdict,
            cast(null as {{ dbt.type_string() }}) as other_row_key
        from judged
        inner join touched
            on judged.event_key = touched.event_key
        where judged.held_cause is null
        union all
        select
            stream,
            event_id,
            row_key,
            ingested_at,
            false as is_new,
            cast(counts as {{ dbt.type_bigint() }}) as counts,
            cast(entry_count as {{ dbt.type_bigint() }}) as entry_count,
            verdict,
            other_row_key
        from entries_so_far
        where entry_number = entry_count and verdict not in ('quarantined', 'pending')

    ),

    members as (

        select
            candidates.*,
            {{ dbt_forensics.event_key('candidates') }} as event_key,
            absent.row_key is null as is_present,
            history.batch_id,
            history.ordinal,
            history.entity_id,
            history.event_type,
            history.event_time,
            history.tenant,
            history.payload,
            history.shape_digest,
            history.schema_version,
            history.effective_at,
            {{ dbt_forensics.by_stream('timeliness', dbt_forensics.streams(), 'history') }} as timeliness,
            {{ dbt_forensics.by_stream('on_conflict', dbt_forensics.streams(), 'history') }} as on_conflict
        from candidates
        inner join {{ history }} as history
            on candidates.row_key = history.row_key and candidates.ingested_at = history.ingested_at
        left join absent
            on candidates.row_key = absent.row_key

    )
{% endmacro %}


{% macro by_stream(what, streams, relation) %}
    {#- A property of a row that its stream's configuration decides: timeliness, on_conflict or window_start. -#}
    {%- if not streams -%}
    cast(null as {{ dbt.type_timestamp() if what == 'window_start' else dbt.type_string() }})
    {%- else -%}
    case {{ relation }}.stream
    {%- for stream in streams.values() %}
                when '{{ stream.name }}' then
                {%- if what == 'timeliness' %} {{ dbt_forensics.timeliness(stream, relation ~ '.event_time', relation ~ '.ingested_at') }}
                {%- elif what == 'window_start' %} {{ dbt_forensics.window_start(stream.window, relation ~ '.event_time') }}
                {%- else %} '{{ stream[what] }}'
                {%- endif %}
    {%- endfor %}
            end
    {%- endif -%}
{%- endmacro %}


{% macro event_key(relation=none) %}
    {#- Integer: stands for an event of a stream where many rows are looked up by it. Two events may share one; nothing relies on it alone. -#}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{ return('cast(' ~ dbt_forensics.digest_word(dbt.hash(prefix ~ "stream || ':' || " ~ prefix ~ 'event_id'), 1) ~ ' as ' ~ dbt.type_bigint() ~ ')') }}
{% endmacro %}
