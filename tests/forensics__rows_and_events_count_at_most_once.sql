-- The ledger's invariants: per row the effects add up to 0 or 1, and per event at most one row counts. `dbt build` looks at the
-- events that its build decided between several rows; `dbt test` at every event.
with touched as (

    select distinct
        stream,
        event_id
    from {{ ref('forensics__ledger') }}
    where
        {%- if dbt_forensics.checks_everything() %}
        effect <> 0
        {%- else %}
        {{ dbt_forensics.recorded_in_this_build() }}
        and (entry_number > 1 or cause = 'correction' or verdict in ('duplicate', 'conflict'))
        {%- endif %}

),

entries as (

    select ledger.*
    from {{ ref('forensics__ledger') }} as ledger
    inner join touched
        on ledger.stream = touched.stream and ledger.event_id = touched.event_id

),

counted_rows as (

    select
        stream,
        event_id,
        row_key,
        sum(effect) as effects
    from entries
    group by stream, event_id, row_key
    having sum(effect) not in (0, 1)

),

counted_events as (

    select
        stream,
        event_id,
        cast(null as {{ dbt.type_string() }}) as row_key,
        sum(effect) as effects
    from entries
    group by stream, event_id
    having sum(effect) not in (0, 1)

)

select * from counted_rows
union all
select * from counted_events
