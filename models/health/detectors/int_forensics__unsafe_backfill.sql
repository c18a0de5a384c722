-- One row per action that is applied and not verified yet, into whose windows other rows came since.
{#-
    What the plan said of these windows is not what they show now. It is over when the action is verified or reverted.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with actions as (

    select * from {{ ref('forensics__actions') }}

),

action_rows as (

    select * from {{ ref('int_forensics__action_rows') }}

),

profile as (

    select * from {{ ref('int_forensics__row_profile') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'unsafe_backfill' and is_enabled

),

acted_windows as (

    select distinct
        actions.stream,
        actions.action_id,
        actions.kind,
        actions.applied_at,
        action_rows.window_start
    from actions
    inner join action_rows
        on actions.action_id = action_rows.action_id
    where actions.status = 'applied' and actions.kind in ('replay', 'release', 'withdrawal')

),

disturbed_actions as (

    select
        acted_windows.stream,
        acted_windows.action_id,
        acted_windows.kind,
        min(profile.window_start) as first_window,
        max(profile.window_start) as last_window,
        sum(profile.row_count) as row_count,
        min(profile.batch_id) as batch_id,
        min(profile.first_event_at) as first_event_at,
        min(profile.first_arrived_at) as first_arrived_at,
        max(profile.last_arrived_at) as last_arrived_at,
        max(profile.recorded_at) as touched_at
    from acted_windows
    inner join profile
        on
            acted_windows.stream = profile.stream
            and acted_windows.window_start = profile.window_start
            and acted_windows.applied_at < profile.recorded_at
    where profile.measure = 'rows'
    group by acted_windows.stream, acted_windows.action_id, acted_windows.kind

)

select
    actions.stream,
    'unsafe_backfill' as detector,
    actions.action_id as subject,
    actions.action_id as identity_text,
    actions.first_window as window_start,
    {{ dbt_forensics._end_of_window('actions.last_window', 'settings') }} as window_end,
    settings.severity,
    cast(actions.row_count as {{ number }}) as observed,
    cast(0 as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'rows': 'actions.row_count',
    }, {
        'action': 'actions.action_id',
        'kind': 'actions.kind',
        'first_batch': 'actions.batch_id',
    }) }} as evidence,
    actions.first_event_at,
    actions.first_arrived_at,
    actions.last_arrived_at,
    false as is_over,
    actions.touched_at
from disturbed_actions as actions
inner join settings
    on actions.stream = settings.stream
where actions.row_count >= settings.threshold
