-- One row per stream, kind and build that found it: what happened to rows on record.
{#-
    Rewritten: rows of a batch went and others came. Deleted: they went and neither they nor others of their events came back. Inserted: rows came into a batch
    that was sealed an hour after its last arrival. Truncated: a share of all rows went at once; then nothing else is said of the build. What somebody
    accepted is none of these. Moved: they went while rows of their events came in other batches; said only of streams that are declared to append.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with presence as (

    select * from {{ ref('int_forensics__presence_changes') }}

),

profile as (

    select * from {{ ref('int_forensics__row_profile') }}

),

withdrawals as (

    select * from {{ ref('forensics__held_withdrawals') }}

),

moments_of_seals as (

    select * from {{ dbt_forensics._input('int_forensics__sealed_moments') }}

),

streams as (

    select * from {{ ref('forensics__streams') }}

),

settings as (

    select
        stream,
        threshold
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'truncated_source' and is_enabled

),

accepted as (

    select
        stream,
        recorded_at
    from withdrawals
    where state = 'accepted'

),

moves_at_builds as (

    {#- Each load of a table that is recreated moves all of its rows: they are added up before anything else. #}
    select
        presence.stream,
        presence.batch_id,
        {{ dbt_forensics._start_of_window('presence.event_time') }} as window_start,
        coalesce(moments_of_seals.sealed_at, presence.recorded_at) as recorded_at,
        presence.change_kind,
        max(streams.writes) as writes,
        count(*) as row_count,
        min(presence.event_time) as first_event_at
    from presence
    inner join streams
        on presence.stream = streams.stream
    left join moments_of_seals
        on
            presence.stream = moments_of_seals.stream
            and presence.recorded_at = moments_of_seals.recorded_at
            and moments_of_seals.kind = 'presence'
    where presence.change_kind in ('moved', 'restored')
    group by
        presence.change_kind, presence.stream, presence.batch_id, {{ dbt_forensics._start_of_window('presence.event_time') }},
        coalesce(moments_of_seals.sealed_at, presence.recorded_at)

),

came_and_went as (

    select
        presence.stream,
        presence.row_key,
        presence.event_id,
        presence.batch_id,
        {{ dbt_forensics._start_of_window('presence.event_time') }} as window_start,
        presence.event_time,
        presence.presence_change,
        coalesce(moments_of_seals.sealed_at, presence.recorded_at) as recorded_at,
        lead(presence.recorded_at) over (
            partition by presence.stream, presence.row_key order by presence.recorded_at, presence.presence_change
        ) as returned_at
    from presence
    inner join streams
        on presence.stream = streams.stream
    left join moments_of_seals
        on
            presence.stream = moments_of_seals.stream
            and presence.recorded_at = moments_of_seals.recorded_at
            and moments_of_seals.kind = 'presence'
    where presence.change_kind not in ('moved', 'restored')

),

rows_that_came as (

    select
        profile.stream,
        profile.batch_id,
        profile.window_start,
        profile.row_count,
        profile.first_event_at,
        profile.first_arrived_at,
        profile.last_arrived_at,
        coalesce(moments_of_seals.sealed_at, profile.recorded_at) as recorded_at
    from profile
    left join moments_of_seals
        on
            profile.stream = moments_of_seals.stream
            and profile.recorded_at = moments_of_seals.recorded_at
            and moments_of_seals.kind = 'profile'
    where profile.measure = 'rows'

),

batches_at_builds as (

    select
        stream,
        batch_id,
        recorded_at,
        sum(row_count) as row_count,
        min(first_arrived_at) as first_arrived_at,
        max(last_arrived_at) as last_arrived_at
    from rows_that_came
    where batch_id is not null
    group by stream, batch_id, recorded_at

),

batches_after_builds as (

    select
        *,
        max(last_arrived_at) over (
            partition by stream, batch_id order by recorded_at rows between unbounded preceding and 1 preceding
        ) as arrived_before,
        lag(recorded_at) over (partition by stream, batch_id order by recorded_at) as sealed_at
    from batches_at_builds

),

batches_with_loss as (

    select
        stream,
        batch_id,
        recorded_at,
        count(*) as gone_count,
        sum(case when returned_at is null then 1 else 0 end) as missing_count
    from came_and_went
    where presence_change = -1
    group by stream, batch_id, recorded_at

),

batches_with_gain as (

    select
        batches_after_builds.stream,
        batches_after_builds.batch_id,
        batches_after_builds.recorded_at,
        batches_after_builds.row_count as came_count,
        batches_after_builds.first_arrived_at <= batches_after_builds.arrived_before
        and batches_after_builds.sealed_at
        >= {{ dbt_forensics.time_plus('hour', 1, 'batches_after_builds.arrived_before') }} as is_slipped_in
    from batches_after_builds
    where batches_after_builds.sealed_at is not null

),

batch_changes as (

    select
        coalesce(loss.stream, gain.stream) as stream,
        coalesce(loss.batch_id, gain.batch_id) as batch_id,
        coalesce(loss.recorded_at, gain.recorded_at) as recorded_at,
        case
            when loss.gone_count > 0 and gain.came_count > 0 then 'rewritten'
            when loss.missing_count > 0 then 'deleted'
            when gain.is_slipped_in then 'inserted'
        end as kind,
        coalesce(loss.gone_count, 0) as gone_count,
        coalesce(loss.missing_count, 0) as missing_count,
        coalesce(gain.came_count, 0) as came_count
    from batches_with_loss as loss
    full outer join batches_with_gain as gain
        on loss.stream = gain.stream and loss.batch_id = gain.batch_id and loss.recorded_at = gain.recorded_at

),

builds_with_rows as (

    select
        stream,
        recorded_at,
        sum(row_count) as change
    from batches_at_builds
    group by stream, recorded_at
    union all
    select
        stream,
        recorded_at,
        sum(presence_change) as change
    from came_and_went
    group by stream, recorded_at
    union all
    select
        stream,
        recorded_at,
        -sum(row_count) as change
    from moves_at_builds
    group by stream, recorded_at

),

rows_at_builds as (

    select
        stream,
        recorded_at,
        sum(change) as change
    from builds_with_rows
    group by stream, recorded_at

),

rows_before_builds as (

    select
        stream,
        recorded_at,
        sum(change) over (partition by stream order by recorded_at rows between unbounded preceding and 1 preceding) as rows_before
    from rows_at_builds

),

truncations as (

    select
        loss.stream,
        loss.recorded_at,
        max(rows_before_builds.rows_before) as rows_before
    from batches_with_loss as loss
    inner join rows_before_builds
        on loss.stream = rows_before_builds.stream and loss.recorded_at = rows_before_builds.recorded_at
    inner join settings
        on loss.stream = settings.stream
    group by loss.stream, loss.recorded_at
    having sum(loss.gone_count) > max(rows_before_builds.rows_before * settings.threshold) and sum(loss.gone_count) >= 20

),

rows_changed as (

    {#- Where the rows are that went; of what came, where the batch is. #}
    select
        came_and_went.stream,
        batch_changes.kind,
        came_and_went.recorded_at,
        came_and_went.batch_id,
        came_and_went.window_start,
        count(*) as row_count,
        sum(case when came_and_went.returned_at is null then 1 else 0 end) as missing_count,
        {{ dbt_forensics.first_ten('came_and_went.event_id') }} as sample_event_ids,
        min(came_and_went.event_time) as first_event_at
    from came_and_went
    inner join batch_changes
        on
            came_and_went.stream = batch_changes.stream
            and came_and_went.batch_id = batch_changes.batch_id
            and came_and_went.recorded_at = batch_changes.recorded_at
    where came_and_went.presence_change = -1 and batch_changes.kind in ('rewritten', 'deleted')
    group by
        came_and_went.stream, batch_changes.kind, came_and_went.recorded_at, came_and_went.batch_id, came_and_went.window_start
    union all
    select
        came.stream,
        batch_changes.kind,
        came.recorded_at,
        came.batch_id,
        came.window_start,
        came.row_count,
        0 as missing_count,
        cast(null as {{ dbt.type_string() }}) as sample_event_ids,
        came.first_event_at
    from rows_that_came as came
    inner join batch_changes
        on
            came.stream = batch_changes.stream
            and came.batch_id = batch_changes.batch_id
            and came.recorded_at = batch_changes.recorded_at
    where batch_changes.kind = 'inserted'
    union all
    select
        stream,
        'moved' as kind,
        recorded_at,
        batch_id,
        window_start,
        row_count,
        0 as missing_count,
        cast(null as {{ dbt.type_string() }}) as sample_event_ids,
        first_event_at
    from moves_at_builds
    where change_kind = 'moved' and writes = 'append'

),

named_changes as (

    select
        rows_changed.*,
        case
            when rows_changed.kind = 'moved' then 'moved'
            when accepted.stream is not null and (truncations.stream is not null or rows_changed.kind = 'deleted') then 'accepted'
            when truncations.stream is not null then 'truncated'
            else rows_changed.kind
        end as named_kind,
        case when rows_changed.kind = 'moved' then rows_before_builds.rows_before else truncations.rows_before end as rows_before
    from rows_changed
    left join rows_before_builds
        on rows_changed.stream = rows_before_builds.stream and rows_changed.recorded_at = rows_before_builds.recorded_at
    left join truncations
        on rows_changed.stream = truncations.stream and rows_changed.recorded_at = truncations.recorded_at
    left join accepted
        on rows_changed.stream = accepted.stream and rows_changed.recorded_at = accepted.recorded_at

),

kinds_of_changes as (

    select
        *,
        sum(row_count) over (partition by stream, recorded_at, named_kind) as total_count,
        max(row_count) over (partition by stream, recorded_at, named_kind) as largest_count
    from named_changes

),

changes as (

    select
        stream,
        named_kind as kind,
        recorded_at,
        {{ dbt_forensics._window_with_a_part('min', 'row_count') }} as first_window,
        {{ dbt_forensics._window_with_a_part('max', 'row_count') }} as last_window,
        sum(row_count) as row_count,
        sum(missing_count) as missing_count,
        count(distinct batch_id) as batch_count,
        max(rows_before) as rows_before,
        max(sample_event_ids) as sample_event_ids,
        min(first_event_at) as first_event_at
    from kinds_of_changes
    group by stream, named_kind, recorded_at

),

dated_changes as (

    {#- What has no window, as its event has no time, is of the window of the build that found it. #}
    select
        changes.*,
        streams.window_period,
        streams.window_minutes,
        coalesce(changes.first_window, {{ dbt_forensics._start_of_window('changes.recorded_at') }}) as window_start,
        coalesce(changes.last_window, {{ dbt_forensics._start_of_window('changes.recorded_at') }}) as last_start
    from changes
    inner join streams
        on changes.stream = streams.stream

)

select
    dated_changes.stream,
    dated_changes.kind,
    dated_changes.recorded_at,
    {{ dbt_forensics.canonical_text('dated_changes.recorded_at', dbt.type_timestamp()) }} as identity_text,
    dated_changes.window_start,
    {{ dbt_forensics._end_of_window('dated_changes.last_start', 'dated_changes') }} as window_end,
    dated_changes.row_count,
    dated_changes.missing_count,
    dated_changes.batch_count,
    dated_changes.rows_before,
    {{ dbt_forensics.evidence({
        'rows': 'dated_changes.row_count',
        'still_missing': 'dated_changes.missing_count',
        'batches': 'dated_changes.batch_count',
        'rows_before': 'dated_changes.rows_before',
    }, {}, 'dated_changes.sample_event_ids') }} as evidence,
    dated_changes.first_event_at
from dated_changes
