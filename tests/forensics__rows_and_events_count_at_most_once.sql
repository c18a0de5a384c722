-- The ledger's invariants: per row the effects add up to 0 or 1, per event at most one row counts, and effect and verdict agree. `dbt build` looks at the
-- events that its build decided between several rows; `dbt test` at every event.
with touched as (

    select distinct
        stream,
        event_id
    from {{ ref('forensics__ledger').render() }}
    where {{ dbt_forensics.is_worth_checking() }}

),

entries as (

    select ledger.*
    from {{ ref('forensics__ledger').render() }} as ledger
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

),

mislabelled as (

    select
        stream,
        event_id,
        row_key,
        effect as effects
    from entries
    where
        (effect = 1) <> (verdict = 'accepted')
        or (effect = -1 and verdict not in ('superseded', 'withdrawn'))

)

select * from counted_rows
union all
select * from mislabelled
union all
select * from counted_events
