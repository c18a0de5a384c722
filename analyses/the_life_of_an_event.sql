-- What was the life of an event? One row per thing that happened to a row of it: it happened, arrived, was decided upon, went from its source or
-- came back. Change the two values in `asked`.
with asked as (

    select
        'orders' as stream_name,
        'e2' as event_id

),

events as (

    select events.*
    from asked
    inner join {{ ref('forensics__verdicts').render() }} as events
        on asked.stream_name = events.stream and asked.event_id = events.event_id

),

entries as (

    select ledger.*
    from asked
    inner join {{ ref('forensics__ledger').render() }} as ledger
        on asked.stream_name = ledger.stream and asked.event_id = ledger.event_id

),

vanished as (

    select vanished.*
    from asked
    inner join {{ ref('forensics__vanished_rows').render() }} as vanished
        on asked.stream_name = vanished.stream and asked.event_id = vanished.event_id

),

happenings as (

    select
        event_time as happened_at,
        1 as step,
        'happened' as what,
        row_key,
        batch_id,
        cast(null as {{ dbt.type_bigint() }}) as effect,
        timeliness as cause,
        cast(null as {{ dbt.type_string() }}) as other_row_key,
        payload
    from events
    union all
    select
        ingested_at as happened_at,
        2 as step,
        'arrived' as what,
        row_key,
        batch_id,
        cast(null as {{ dbt.type_bigint() }}) as effect,
        timeliness as cause,
        cast(null as {{ dbt.type_string() }}) as other_row_key,
        payload
    from events
    union all
    select
        entries.recorded_at as happened_at,
        2 + entries.entry_number as step,
        entries.verdict as what,
        entries.row_key,
        events.batch_id,
        entries.effect,
        entries.cause,
        entries.other_row_key,
        events.payload
    from entries
    inner join events
        on entries.row_key = events.row_key
    union all
    select
        vanished.vanished_at as happened_at,
        1 as step,
        'gone from its source' as what,
        vanished.row_key,
        vanished.batch_id,
        cast(null as {{ dbt.type_bigint() }}) as effect,
        cast(null as {{ dbt.type_string() }}) as cause,
        cast(null as {{ dbt.type_string() }}) as other_row_key,
        events.payload
    from vanished
    inner join events
        on vanished.row_key = events.row_key
    union all
    select
        vanished.returned_at as happened_at,
        1 as step,
        'back in its source' as what,
        vanished.row_key,
        vanished.batch_id,
        cast(null as {{ dbt.type_bigint() }}) as effect,
        cast(null as {{ dbt.type_string() }}) as cause,
        cast(null as {{ dbt.type_string() }}) as other_row_key,
        events.payload
    from vanished
    inner join events
        on vanished.row_key = events.row_key
    where vanished.returned_at is not null

)

select
    happened_at,
    what,
    batch_id,
    effect,
    cause,
    payload,
    row_key,
    other_row_key
from happenings
order by happened_at, step, batch_id, row_key
