-- One row per stretch of hours or windows with an unusual share, as a detection.
{#- The windows of an hour of arrival are those that hold a part of the rows concerned. #}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set run = [
    'stream', 'detector', 'grain', 'measure', 'subject', 'severity', 'first_bucket', 'last_bucket', 'part', 'whole', 'usual_share',
    'touched_at', 'is_over', 'window_period', 'window_minutes',
] | join(', ') %}
with share_runs as (

    select * from {{ dbt_forensics._input('int_forensics__unusual_shares') }}

),

rows_concerned as (

    select * from {{ ref('int_forensics__row_profile') }}

),

streams as (

    select * from {{ ref('forensics__streams') }}

),

rows_of_runs as (

    select
        share_runs.*,
        streams.window_minutes,
        streams.window_period,
        coalesce(rows_concerned.window_start, {{ dbt_forensics._start_of_window('rows_concerned.arrived_hour') }}) as window_start,
        rows_concerned.row_count,
        rows_concerned.sample_event_ids,
        rows_concerned.batch_id,
        rows_concerned.first_event_at,
        rows_concerned.first_arrived_at,
        rows_concerned.last_arrived_at
    from share_runs
    inner join streams
        on share_runs.stream = streams.stream
    left join rows_concerned
        on
            share_runs.stream = rows_concerned.stream
            and (share_runs.measure = rows_concerned.measure or (share_runs.measure = 'late' and rows_concerned.measure = 'too_late'))
            and coalesce(share_runs.subject, '') = coalesce(rows_concerned.subject, '')
            and (
                (share_runs.grain = 'hour' and rows_concerned.arrived_hour between share_runs.first_bucket and share_runs.last_bucket)
                or (share_runs.grain = 'window' and rows_concerned.window_start between share_runs.first_bucket and share_runs.last_bucket)
                or (
                    share_runs.grain = 'day'
                    and rows_concerned.window_start
                    between share_runs.first_bucket and {{ dbt_forensics.time_plus('hour', 23, 'share_runs.last_bucket') }}
                )
            )

),

windows_of_runs as (

    select
        {{ run }},
        window_start,
        sum(row_count) as row_count,
        sum(sum(row_count)) over (partition by {{ run }}) as total_count,
        max(sum(row_count)) over (partition by {{ run }}) as largest_count,
        max(sample_event_ids) as sample_event_ids,
        min(batch_id) as batch_id,
        min(first_event_at) as first_event_at,
        min(first_arrived_at) as first_arrived_at,
        max(last_arrived_at) as last_arrived_at
    from rows_of_runs
    group by {{ run }}, window_start

),

dated_runs as (

    select
        {{ run }},
        case
            when grain = 'hour' then {{ dbt_forensics._window_with_a_part('min', 'row_count') }}
            else first_bucket
        end as first_window,
        case grain
            when 'hour' then {{ dbt_forensics._window_with_a_part('max', 'row_count') }}
            when 'day' then {{ dbt_forensics.time_plus('hour', 23, 'last_bucket') }}
            else last_bucket
        end as last_window,
        max(sample_event_ids) as sample_event_ids,
        min(batch_id) as batch_id,
        min(first_event_at) as first_event_at,
        min(first_arrived_at) as first_arrived_at,
        max(last_arrived_at) as last_arrived_at,
        {{ dbt_forensics.share_of('part', 'whole') }} as share
    from windows_of_runs
    group by {{ run }}

)

select
    dated_runs.stream,
    dated_runs.detector,
    dated_runs.subject,
    {#- A stretch of windows and one of days may begin at the same time. #}
    case when dated_runs.grain = 'day' then 'day ' else '' end
    || {{ dbt_forensics.canonical_text('dated_runs.first_bucket', dbt.type_timestamp()) }} as identity_text,
    dated_runs.first_window as window_start,
    {{ dbt_forensics._end_of_window('dated_runs.last_window', 'dated_runs') }} as window_end,
    {#- One step more severe where the share is half of all rows above what is usual. #}
    {{ dbt_forensics.severity_of_rank(
        dbt_forensics.severity_rank('dated_runs.severity') ~ ' + case when dated_runs.share - dated_runs.usual_share >= 0.5 then 1 else 0 end'
    ) }} as severity,
    cast(dated_runs.share as {{ dbt_forensics.type_exact_number() }}) as observed,
    cast(dated_runs.usual_share as {{ dbt_forensics.type_exact_number() }}) as expected,
    {{ dbt_forensics.evidence({
        'rows': 'dated_runs.part',
        'of_rows': 'dated_runs.whole',
    }, {
        'subject': 'dated_runs.subject',
        'first_batch': 'dated_runs.batch_id',
    }, 'dated_runs.sample_event_ids') }} as evidence,
    dated_runs.first_event_at,
    dated_runs.first_arrived_at,
    dated_runs.last_arrived_at,
    dated_runs.is_over,
    dated_runs.touched_at
from dated_runs
