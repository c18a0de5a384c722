-- One row per watch and window in which watched values are not what their metric shows, until they are.
{#-
    Beyond the watch's tolerance, and the threshold's share of what the metric shows.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with watches as (

    select * from {{ dbt_forensics._input('int_forensics__watches') }}

),

versions as (

    select * from {{ ref('forensics__metric_versions') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'metric_mismatch' and is_enabled

),

current_values as (

    select
        stream,
        metric,
        window_start,
        window_end,
        dimensions,
        coalesce(value, 0) as value,
        recorded_from
    from versions
    where is_current

),

differing_values as (

    select
        watches.watch,
        metric_values.window_start,
        metric_values.window_end,
        metric_values.value as metric_value,
        coalesce(shown_values.value, 0) as shown_value,
        abs(coalesce(shown_values.value, 0) - metric_values.value) as difference,
        {{ dbt_forensics.greatest_of('shown_values.recorded_from', 'metric_values.recorded_from') }} as recorded_from
    from watches
    inner join current_values as metric_values
        on watches.stream = metric_values.stream and watches.metric = metric_values.metric
    left join current_values as shown_values
        on
            shown_values.stream = '{{ dbt_forensics.watched_stream() }}'
            and watches.watch = shown_values.metric
            and metric_values.window_start = shown_values.window_start
            and metric_values.dimensions = shown_values.dimensions
    where abs(coalesce(shown_values.value, 0) - metric_values.value) > watches.tolerance

),

mismatches as (

    select
        cast('{{ dbt_forensics.watched_stream() }}' as {{ dbt.type_string() }}) as stream,
        watch,
        window_start,
        max(window_end) as window_end,
        count(*) as value_count,
        sum(shown_value) as shown_value,
        sum(metric_value) as metric_value,
        max(difference) as difference,
        max(abs(metric_value)) as size,
        max(recorded_from) as recorded_from
    from differing_values
    group by watch, window_start

)

select
    mismatches.stream,
    'metric_mismatch' as detector,
    mismatches.watch as subject,
    {{ dbt_forensics.canonical_text('mismatches.window_start', dbt.type_timestamp()) }} as identity_text,
    mismatches.window_start,
    mismatches.window_end,
    settings.severity,
    cast(mismatches.shown_value as {{ number }}) as observed,
    cast(mismatches.metric_value as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'values': 'mismatches.value_count',
        'largest_difference': 'mismatches.difference',
    }, {
        'metric': 'mismatches.watch',
    }) }} as evidence,
    mismatches.window_start as first_event_at,
    mismatches.recorded_from as first_arrived_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
    false as is_over,
    mismatches.recorded_from as touched_at
from mismatches
inner join settings
    on mismatches.stream = settings.stream
where mismatches.difference > mismatches.size * settings.threshold
