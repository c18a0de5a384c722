-- One row per build at which a large share of all rows went at once, until most are back; and per withdrawal of so many that is held.
{#-
    A withdrawal is held until somebody says that these rows are meant to be gone, or they are back.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with changes as (

    select * from {{ dbt_forensics._input('int_forensics__history_changes') }}

),

withdrawals as (

    select * from {{ ref('forensics__held_withdrawals') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'truncated_source' and is_enabled

),

latest_withdrawals as (

    select
        *,
        row_number() over (partition by stream order by entry_number desc) as recency_rank
    from withdrawals

)

select
    changes.stream,
    'truncated_source' as detector,
    cast(null as {{ dbt.type_string() }}) as subject,
    changes.identity_text,
    changes.window_start,
    changes.window_end,
    settings.severity,
    cast(changes.row_count as {{ number }}) as observed,
    cast(changes.rows_before as {{ number }}) as expected,
    changes.evidence,
    changes.first_event_at,
    changes.recorded_at as first_arrived_at,
    changes.recorded_at as last_arrived_at,
    changes.missing_count * 10 <= changes.row_count or {{ dbt_forensics._is_accepted('changes.recorded_at') }} as is_over,
    changes.recorded_at as touched_at
from changes
inner join settings
    on changes.stream = settings.stream
where changes.kind = 'truncated'
union all
select
    withdrawals.stream,
    'truncated_source' as detector,
    cast(null as {{ dbt.type_string() }}) as subject,
    {{ dbt_forensics.canonical_text('withdrawals.first_held_at', dbt.type_timestamp()) }} || ' held' as identity_text,
    {{ dbt_forensics._start_of_window('withdrawals.first_event_at', 'settings') }} as window_start,
    {{ dbt_forensics._end_of_window('withdrawals.last_event_at', 'settings') }} as window_end,
    settings.severity,
    cast(withdrawals.withdrawn_count as {{ number }}) as observed,
    cast(withdrawals.counting_count as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'rows': 'withdrawals.row_count',
        'held': 'withdrawals.withdrawn_count',
        'rows_before': 'withdrawals.counting_count',
    }, {}) }} as evidence,
    withdrawals.first_event_at,
    withdrawals.first_held_at as first_arrived_at,
    withdrawals.recorded_at as last_arrived_at,
    false as is_over,
    withdrawals.recorded_at as touched_at
from latest_withdrawals as withdrawals
inner join settings
    on withdrawals.stream = settings.stream
where withdrawals.recency_rank = 1 and withdrawals.state = 'held'
