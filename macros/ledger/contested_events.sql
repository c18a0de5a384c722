{% macro contested_events(history, ledger, presence, last_recorded_at) %}
    {#-
        CTEs, the last of them named members: every row of the events for which more than one row may count, or whose rows came
        or went, with what the ledger says of it so far. Needs the CTE judged. ledger: the ledger as it is, or none.
    -#}
    repeated_hashes as (

        select {{ dbt_forensics.hash_of(['stream', 'event_id']) }} as event_hash
        from judged
        where held_cause is null
        group by event_hash
        having count(*) > 1

    ),

    touched as (

        select
            judged.stream,
            judged.event_id
        from judged
        inner join repeated_hashes
            on {{ dbt_forensics.hash_of(['judged.stream', 'judged.event_id']) }} = repeated_hashes.event_hash
        where judged.held_cause is null
        {%- if ledger %}
        union
        select
            ledger.stream,
            ledger.event_id
        from {{ ledger }} as ledger
        inner join judged
            on ledger.stream = judged.stream and ledger.event_id = judged.event_id
        where judged.held_cause is null and ledger.verdict not in ('quarantined', 'pending')
        {%- endif %}
        union
        select
            stream,
            event_id
        from {{ presence }}
        where event_id is not null{% if last_recorded_at %} and recorded_at > {{ last_recorded_at }}{% endif %}

    ),

    entries_so_far as (

        {% if ledger -%}
        select
            ledger.stream,
            ledger.event_id,
            ledger.row_key,
            ledger.ingested_at,
            ledger.verdict,
            ledger.timeliness,
            ledger.other_row_key,
            ledger.entry_number,
            sum(ledger.effect) over (partition by ledger.row_key) as counts,
            max(ledger.entry_number) over (partition by ledger.row_key) as entry_count
        from {{ ledger }} as ledger
        inner join touched
            on ledger.stream = touched.stream and ledger.event_id = touched.event_id
        {%- else -%}
        {{ dbt_forensics.no_rows({
            'stream': 'text', 'event_id': 'text', 'row_key': 'text', 'ingested_at': 'time', 'verdict': 'text', 'timeliness': 'text',
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
            on judged.stream = touched.stream and judged.event_id = touched.event_id
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
