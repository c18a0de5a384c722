-- One row per metric, dimensions and run of windows in which a value that usually moves is exactly the same.
{#-
    At least four windows, in hours six; at least the threshold's factor times its longest run before; and of the values before, at least twenty, half were
    another than the one before them.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with metric_values as (

    select * from {{ dbt_forensics._input('int_forensics__metric_values') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'metric_flat' and is_enabled

),

followed_values as (

    select
        *,
        row_number() over (partition by series order by window_start) as place,
        lag(value) over (partition by series order by window_start) as value_before
    from metric_values

),

numbered_values as (

    select
        *,
        sum(case when value = value_before then 0 else 1 end) over (
            partition by series order by window_start rows between unbounded preceding and current row
        ) as run
    from followed_values

),

runs as (

    select
        series,
        stream,
        subject,
        metric,
        run,
        min(window_start) as window_start,
        max(window_end) as window_end,
        min(place) as first_place,
        count(*) as window_count,
        sum(input_count) as row_count,
        max(value) as value,
        max(touched_at) as touched_at,
        max(case when is_judged then 1 else 0 end) as is_judged,
        max(case when has_too_few_rows then 1 else 0 end) as has_too_few_rows,
        max(case when window_period = 'hour' then 6 else 4 end) as fewest
    from numbered_values
    group by series, stream, subject, metric, run

),

compared_runs as (

    select
        *,
        max(window_count) over (partition by series order by run rows between unbounded preceding and 1 preceding) as longest_before,
        max(run) over (partition by series) as last_run
    from runs

)

select
    compared_runs.stream,
    'metric_flat' as detector,
    compared_runs.subject,
    {{ dbt_forensics.canonical_text('compared_runs.window_start', dbt.type_timestamp()) }} as identity_text,
    compared_runs.window_start,
    compared_runs.window_end,
    settings.severity,
    cast(compared_runs.window_count as {{ number }}) as observed,
    cast(compared_runs.longest_before as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'windows': 'compared_runs.window_count',
        'longest_before': 'compared_runs.longest_before',
        'value': 'compared_runs.value',
        'rows': 'compared_runs.row_count',
    }, {
        'metric': 'compared_runs.metric',
    }) }} as evidence,
    compared_runs.window_start as first_event_at,
    cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
    compared_runs.run < compared_runs.last_run as is_over,
    compared_runs.touched_at
from compared_runs
inner join settings
    on compared_runs.stream = settings.stream
where
    compared_runs.is_judged = 1
    and compared_runs.has_too_few_rows = 0
    and compared_runs.window_count >= compared_runs.fewest
    and compared_runs.window_count >= compared_runs.longest_before * settings.threshold
    and compared_runs.first_place > 20
    and (compared_runs.run - 1) * 2 >= compared_runs.first_place - 1
