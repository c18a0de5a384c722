-- One row per batch: what is counted of its rows. Its windows are those that hold a part of them.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with profile as (

    select * from {{ ref('int_forensics__row_profile') }}

),

streams as (

    select * from {{ ref('forensics__streams') }}

),

rules as (

    select * from {{ dbt_forensics._input('int_forensics__rules') }}

),

counted as (

    select
        profile.stream,
        profile.batch_id,
        coalesce(profile.window_start, {{ dbt_forensics._start_of_window('profile.arrived_hour') }}) as window_start,
        {#- What breaks a rule of the stream could be read; what breaks one of the package's own could not. #}
        case when profile.measure = 'rule' and rules.rule is null then 'unreadable' else profile.measure end as measure,
        case when profile.measure in ('duplicate', 'rule') then profile.sample_event_ids end as sample_event_ids,
        profile.row_count,
        profile.first_event_at,
        profile.first_arrived_at,
        profile.last_arrived_at,
        profile.recorded_at
    from profile
    inner join streams
        on profile.stream = streams.stream
    left join rules
        on profile.stream = rules.stream and profile.measure = 'rule' and profile.subject = rules.rule
    where profile.batch_id is not null

),

windows_of_batches as (

    select
        stream,
        batch_id,
        window_start,
        {%- for measure in ['rows', 'duplicate', 'conflict', 'quarantined', 'null', 'values', 'unreadable'] %}
        sum(case when measure = '{{ measure }}' then row_count else 0 end) as {{ measure }}_count,
        {%- endfor %}
        max(sample_event_ids) as sample_event_ids,
        min(first_event_at) as first_event_at,
        min(first_arrived_at) as first_arrived_at,
        max(last_arrived_at) as last_arrived_at,
        min(recorded_at) as recorded_at,
        max(recorded_at) as touched_at
    from counted
    group by stream, batch_id, window_start

),

totals as (

    select
        *,
        sum(rows_count) over (partition by stream, batch_id) as total_count,
        max(rows_count) over (partition by stream, batch_id) as largest_count
    from windows_of_batches

)

select
    stream,
    batch_id,
    {{ dbt_forensics._window_with_a_part('min', 'rows_count') }} as first_window,
    {{ dbt_forensics._window_with_a_part('max', 'rows_count') }} as last_window,
    sum(rows_count) as rows_count,
    sum(duplicate_count) as duplicate_count,
    sum(conflict_count) as conflict_count,
    sum(quarantined_count) as quarantined_count,
    sum(null_count) as null_count,
    sum(values_count) as value_count,
    sum(unreadable_count) as unreadable_count,
    max(sample_event_ids) as sample_event_ids,
    min(first_event_at) as first_event_at,
    coalesce(min(first_arrived_at), min(recorded_at)) as first_arrived_at,
    coalesce(max(last_arrived_at), max(recorded_at)) as last_arrived_at,
    min(recorded_at) as recorded_at,
    max(touched_at) as touched_at
from totals
group by stream, batch_id
