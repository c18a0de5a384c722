-- The ledger's invariants: per row the effects add up to 0 or 1 and the entries are numbered from 1, per event at most one row counts, every entry has a
-- verdict and a cause, and effect and verdict agree. `dbt build` looks at the events that its build decided between several rows; `dbt test` at every event.
{%- do dbt_forensics.assert_settings('test') %}
{%- set ledger = ref('forensics__ledger').render() %}
with touched as (

    select distinct event_key
    from {{ ledger }}
    where {{ dbt_forensics.is_worth_checking() }}

),

-- One pass over two thin columns; the times of arrival then let the engine skip the rest of the ledger.
arrivals as (

    select distinct
        ledger.event_key,
        ledger.ingested_at
    from {{ ledger }} as ledger
    inner join touched
        on ledger.event_key = touched.event_key

),

entries as (

    select ledger.*
    from {{ ledger }} as ledger
    inner join arrivals
        on ledger.event_key = arrivals.event_key and ledger.ingested_at = arrivals.ingested_at
    union all
    select ledger.*
    from {{ ledger }} as ledger
    inner join touched
        on ledger.event_key = touched.event_key
    where ledger.ingested_at is null

),

counted_rows as (

    select
        stream,
        event_id,
        row_key,
        sum(effect) as effects
    from entries
    group by stream, event_id, row_key
    having
        sum(effect) not in (0, 1)
        or min(entry_number) <> 1
        or max(entry_number) <> count(*)
        or count(distinct entry_number) <> count(*)

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
        effect is null
        or verdict is null
        or cause is null
        or (effect = 1) <> (verdict = 'accepted')
        or (effect = -1 and verdict not in ('superseded', 'withdrawn'))

)

select * from counted_rows
union all
select * from mislabelled
union all
select * from counted_events
