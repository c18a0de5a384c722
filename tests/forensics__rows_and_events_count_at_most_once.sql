-- The ledger's invariants: per row the effects add up to 0 or 1, and per event at most one row counts.
with touched as (

    select distinct
        stream,
        event_id
    from {{ ref('forensics__ledger') }}
    where effect <> 0 and {{ dbt_forensics.checked_since() }}

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
