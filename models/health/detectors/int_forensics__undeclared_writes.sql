-- One row per stream whose source writes otherwise than its key `writes` says.
{#-
    Declared to append, while rows went and rows of their events came in other batches; or declared to be recreated, while rows of earlier loads are still there.
    It is over when the stream says how its source writes, or when nothing moved for as long as rows may be late, and a week.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with changes as (

    select * from {{ dbt_forensics._input('int_forensics__history_changes') }}

),

seals as (

    select * from {{ ref('forensics__batch_history') }}

),

streams as (

    select * from {{ ref('forensics__streams') }}

),

withdrawals as (

    select
        *,
        row_number() over (partition by stream order by entry_number desc) as recency_rank
    from {{ ref('forensics__held_withdrawals') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'undeclared_writes' and is_enabled

),

moves as (

    select
        stream,
        min(recorded_at) as first_at,
        max(recorded_at) as last_at,
        sum(row_count) as row_count,
        max(batch_count) as batch_count,
        max(case when row_count * 2 >= rows_before then 'replace' else 'merge' end) as writes
    from changes
    where kind = 'moved'
    group by stream

),

loads as (

    {#- Of a table that is recreated, the last load is all that is there, unless rows of earlier ones are held. #}
    select
        seals.stream,
        min(seals.dbt_valid_from) as first_at,
        max(seals.dbt_valid_from) as last_at,
        sum(seals.row_count) as row_count,
        count(*) as batch_count,
        'append' as writes
    from seals
    inner join streams
        on seals.stream = streams.stream
    left join withdrawals
        on seals.stream = withdrawals.stream and withdrawals.recency_rank = 1 and withdrawals.state = 'held'
    where streams.writes = 'replace' and seals.dbt_valid_to is null and seals.row_count > 0 and withdrawals.stream is null
    group by seals.stream
    having min(seals.dbt_valid_from) < max(seals.dbt_valid_from) and min(seals.max_ingested_at) < max(seals.max_ingested_at)

),

found as (

    select * from moves
    union all
    select * from loads

)

select
    found.stream,
    'undeclared_writes' as detector,
    cast(null as {{ dbt.type_string() }}) as subject,
    '' as identity_text,
    {{ dbt_forensics._start_of_window('found.first_at', 'settings') }} as window_start,
    {{ dbt_forensics._end_of_window('found.first_at', 'settings') }} as window_end,
    settings.severity,
    cast(1 as {{ number }}) as observed,
    cast(0 as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'rows': 'found.row_count',
        'batches': 'found.batch_count',
    }, {
        'declare_writes': 'found.writes',
    }) }} as evidence,
    cast(null as {{ dbt.type_timestamp() }}) as first_event_at,
    found.first_at as first_arrived_at,
    found.last_at as last_arrived_at,
    {{ dbt_forensics._is_accepted('found.last_at') }} as is_over,
    found.last_at as touched_at
from found
inner join settings
    on found.stream = settings.stream
where found.row_count >= settings.threshold
