{% macro history_changes(streams, presence, profile, withdrawals) %}
    {#-
        CTEs, the last of them named history_changes: what happened to rows on record, one row per stream, kind and build that found it: rewritten (rows of a
        batch went and others came), deleted (they went and did not come back), inserted (rows came into a batch that was sealed an hour after its last
        arrival), truncated (a share of all rows went at once: then nothing else is said of the build). What somebody accepted is none of these.
        And held: what every stream's withdrawal is that is held now. withdrawals: forensics__held_withdrawals. Needs the CTE moments_of_seals.
    -#}
    held_or_not as (

        select
            *,
            row_number() over (partition by stream order by entry_number desc) as entries_to_go
        from {{ withdrawals }}
        where {{ dbt_forensics.is_one_of('stream', streams.keys() | list) }}

    ),

    held as (

        select
            *,
            {{ dbt_forensics.time_of_stream(streams, 'window_start', 'first_event_at') }} as first_window,
            {{ dbt_forensics.time_of_stream(streams, 'window_start', 'last_event_at') }} as last_window
        from held_or_not
        where entries_to_go = 1 and state = 'held'

    ),

    accepted as (

        select
            stream,
            recorded_at
        from held_or_not
        where state = 'accepted'

    ),

    came_and_went as (

        select
            presence.stream,
            presence.row_key,
            presence.event_id,
            presence.batch_id,
            presence.event_time,
            presence.ingested_at,
            presence.presence_change,
            coalesce(moments_of_seals.sealed_at, presence.recorded_at) as recorded_at,
            lead(presence.recorded_at) over (partition by presence.stream, presence.row_key order by presence.recorded_at, presence.presence_change) as returned_at
        from {{ presence }} as presence
        left join moments_of_seals
            on presence.stream = moments_of_seals.stream and presence.recorded_at = moments_of_seals.recorded_at and moments_of_seals.what = 'presence'
        where {{ dbt_forensics.is_one_of('presence.stream', streams.keys() | list) }}

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
        from {{ profile }} as profile
        left join moments_of_seals
            on profile.stream = moments_of_seals.stream and profile.recorded_at = moments_of_seals.recorded_at and moments_of_seals.what = 'profile'
        where profile.measure = 'rows' and {{ dbt_forensics.is_one_of('profile.stream', streams.keys() | list) }}

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
            max(last_arrived_at) over (partition by stream, batch_id order by recorded_at rows between unbounded preceding and 1 preceding) as arrived_before,
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
            and batches_after_builds.sealed_at >= {{ dbt_forensics.time_plus('hour', 1, 'batches_after_builds.arrived_before') }} as is_slipped_in
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
        where {{ dbt_forensics.is_on('truncated_source', streams, 'loss.stream') }}
        group by loss.stream, loss.recorded_at
        having sum(loss.gone_count) > max(rows_before_builds.rows_before) * {{ dbt_forensics.knob('truncated_source', streams, 'loss.stream') }} and sum(loss.gone_count) >= 20

    ),

    rows_changed as (

        {#- Where the rows are that went; of what came, where the batch is. #}
        select
            came_and_went.stream,
            batch_changes.kind,
            came_and_went.recorded_at,
            came_and_went.batch_id,
            {{ dbt_forensics.time_of_stream(streams, 'window_start', 'came_and_went.event_time', of='came_and_went.stream') }} as window_start,
            count(*) as row_count,
            sum(case when came_and_went.returned_at is null then 1 else 0 end) as missing_count,
            {{ dbt_forensics.first_ten('came_and_went.event_id') }} as sample_event_ids,
            min(came_and_went.event_time) as first_event_at,
            min(came_and_went.ingested_at) as first_arrived_at,
            max(came_and_went.ingested_at) as last_arrived_at
        from came_and_went
        inner join batch_changes
            on
                came_and_went.stream = batch_changes.stream
                and came_and_went.batch_id = batch_changes.batch_id
                and came_and_went.recorded_at = batch_changes.recorded_at
        where came_and_went.presence_change = -1 and batch_changes.kind in ('rewritten', 'deleted')
        group by 1, 2, 3, 4, 5
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
            came.first_event_at,
            came.first_arrived_at,
            came.last_arrived_at
        from rows_that_came as came
        inner join batch_changes
            on
                came.stream = batch_changes.stream
                and came.batch_id = batch_changes.batch_id
                and came.recorded_at = batch_changes.recorded_at
        where batch_changes.kind = 'inserted'

    ),

    named_changes as (

        select
            rows_changed.*,
            case
                when accepted.stream is not null and (truncations.stream is not null or rows_changed.kind = 'deleted') then 'accepted'
                when truncations.stream is not null then 'truncated'
                else rows_changed.kind
            end as what,
            truncations.rows_before
        from rows_changed
        left join truncations
            on rows_changed.stream = truncations.stream and rows_changed.recorded_at = truncations.recorded_at
        left join accepted
            on rows_changed.stream = accepted.stream and rows_changed.recorded_at = accepted.recorded_at

    ),

    kinds_of_changes as (

        select
            *,
            sum(row_count) over (partition by stream, recorded_at, what) as total_count
        from named_changes

    ),

    history_changes as (

        select
            stream,
            what,
            recorded_at,
            coalesce(
                min(case when row_count * 10 >= total_count then window_start end),
                min(window_start), {{ dbt_forensics.time_of_stream(streams, 'window_start', 'recorded_at') }}
            ) as first_window,
            coalesce(
                max(case when row_count * 10 >= total_count then window_start end),
                max(window_start), {{ dbt_forensics.time_of_stream(streams, 'window_start', 'recorded_at') }}
            ) as last_window,
            sum(row_count) as row_count,
            sum(missing_count) as missing_count,
            count(distinct batch_id) as batch_count,
            {{ dbt_forensics.first_ten('batch_id') }} as batch_ids,
            max(rows_before) as rows_before,
            max(sample_event_ids) as sample_event_ids,
            min(first_event_at) as first_event_at,
            min(first_arrived_at) as first_arrived_at,
            max(last_arrived_at) as last_arrived_at
        from kinds_of_changes
        group by stream, what, recorded_at

    )
{% endmacro %}


{% macro _found_change(detector, what, streams, values) %}
    {%- set common = {
        'identity_text': dbt_forensics.canonical_text('candidates.recorded_at', dbt.type_timestamp()),
        'observed': 'candidates.row_count',
        'expected': '0',
        'evidence': "cast(" ~ dbt_forensics.evidence({'rows': 'candidates.row_count', 'still_missing': 'candidates.missing_count', 'batches': 'candidates.batch_count', 'rows_before': 'candidates.rows_before'}, {}, 'candidates.sample_event_ids')
            ~ " as " ~ dbt.type_string() ~ ")",
        'first_event_at': 'candidates.first_event_at',
        'first_arrived_at': 'candidates.recorded_at',
        'last_arrived_at': 'candidates.recorded_at',
        'touched_at': 'candidates.recorded_at',
    } -%}
    {{ dbt_forensics.found(detector, 'history_changes', "candidates.what = '" ~ what ~ "' and candidates.row_count >= " ~ ('1' if detector == 'truncated_source' else dbt_forensics.knob(detector, streams)), dict(common, **values), streams) }}
{%- endmacro %}


{% macro history_rewritten(streams, clock) %}
    {#- Rows on record were replaced in their batch by others. -#}
    {{ dbt_forensics._found_change('history_rewritten', 'rewritten', streams, {'is_over': dbt_forensics.is_past(streams, clock, 'candidates.recorded_at')}) }}
{%- endmacro %}


{% macro history_deleted(streams) %}
    {#- Rows on record are gone from the relation, until they are back. -#}
    {{ dbt_forensics._found_change('history_deleted', 'deleted', streams, {}) }}
{%- endmacro %}


{% macro history_inserted(streams, clock) %}
    {#- Rows came into a batch that was long complete. -#}
    {{ dbt_forensics._found_change('history_inserted', 'inserted', streams, {'is_over': dbt_forensics.is_past(streams, clock, 'candidates.recorded_at')}) }}
{%- endmacro %}


{% macro truncated_source(streams) %}
    {#- A large share of all rows went at once, until most are back. -#}
    {{ dbt_forensics._found_change('truncated_source', 'truncated', streams, {'expected': 'candidates.rows_before', 'is_over': 'candidates.missing_count * 10 <= candidates.row_count'}) }}
{%- endmacro %}


{% macro held_source(streams) %}
    {#- A large share of the rows that count would be withdrawn, and is held, until somebody says that they are meant to be gone, or they are back. -#}
    {%- set evidence = dbt_forensics.evidence({'rows': 'candidates.row_count', 'held': 'candidates.withdrawn_count', 'rows_before': 'candidates.counting_count'}, {}) -%}
    {{ dbt_forensics.found('truncated_source', 'held', '1 = 1', {
        'identity_text': dbt_forensics.canonical_text('candidates.first_held_at', dbt.type_timestamp()) ~ " || ' held'",
        'observed': 'candidates.withdrawn_count',
        'expected': 'candidates.counting_count',
        'evidence': evidence,
        'first_event_at': 'candidates.first_event_at',
        'first_arrived_at': 'candidates.first_held_at',
        'last_arrived_at': 'candidates.recorded_at',
        'touched_at': 'candidates.recorded_at',
    }, streams) }}
{%- endmacro %}
