-- One row per action: what it was for, how far it has come, and what was done when.
{%- do dbt_forensics.assert_settings('live') %}
{#- Nothing can be emitted without it: dbt misses it here if it is disabled. #}
{%- do ref('forensics__outbox') %}
with acts as (

    select *
    from {{ ref('forensics__action_log').render() }}
    where kind <> 'incident'

),

actions as (

    select
        action_id,
        kind,
        stream,
        max(case when act = 'planned' then selection end) as selection,
        max(case when act = 'planned' then selection_digest end) as selection_digest,
        max(case when act = 'planned' then row_count end) as row_count,
        max(case when act = 'planned' then event_count end) as event_count,
        max(case when act = 'planned' then effects end) as effects,
        max(case when act = 'planned' then jsonl_folder end) as jsonl_folder,
        max(case when act = 'planned' then owner end) as owner,
        max(case when act = 'planned' then reason end) as reason,
        max(case when act = 'planned' then target end) as target,
        max(case when act = 'applied' then overrides end) as overrides,
        max(case when act = 'applied' then owner end) as applied_by,
        max(case when act = 'reverted' then owner end) as reverted_by,
        max(case when act = 'reverted' then reason end) as revert_reason,
        max(case when act = 'planned' then recorded_at end) as planned_at,
        max(case when act = 'applied' then recorded_at end) as applied_at,
        max(case when act = 'verified' then recorded_at end) as verified_at,
        max(case when act = 'reverted' then recorded_at end) as reverted_at,
        max(case when act = 'cancelled' then recorded_at end) as cancelled_at
    from acts
    group by action_id, kind, stream

),

described as (

    select
        *,
        cast(case
            when reverted_at is not null then 'reverted'
            when cancelled_at is not null then 'cancelled'
            when verified_at is not null then 'verified'
            when applied_at is not null then 'applied'
            else 'planned'
        end as {{ dbt.type_string() }}) as status
    from actions

)

select * from described
