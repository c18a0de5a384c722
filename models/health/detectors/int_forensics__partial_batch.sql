-- One row per batch with far fewer rows than those that arrive at its hour of the day.
{#-
    Below the threshold's share of what is usual, five times as far from it as four in five batches of its hour are at most (more than six standard
    deviations), and 3.5 standard deviations of a count (the root of what is usual), until half of what is missing has come into its window. The first batch and the
    last one may not be complete; a batch that is alone on its day is judged as a window; and where one load in five is half or double (several files of unlike size
    in one stream), no size is usual.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
{%- set number = dbt_forensics.type_exact_number() %}
with batches as (

    select * from {{ dbt_forensics._input('int_forensics__compared_batches') }}

),

windows as (

    select * from {{ dbt_forensics._input('int_forensics__judged_windows') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'partial_batch' and is_enabled

),

batches_in_windows as (

    select
        batches.*,
        windows.event_count as window_count,
        windows.expected_count as window_expected
    from batches
    left join windows
        on batches.stream = windows.stream and batches.last_window = windows.window_start

)

select
    batches.stream,
    'partial_batch' as detector,
    batches.batch_id as subject,
    '' as identity_text,
    batches.first_window as window_start,
    {{ dbt_forensics._end_of_window('batches.last_window', 'settings') }} as window_end,
    settings.severity,
    cast(batches.volume as {{ number }}) as observed,
    cast(batches.usual_volume as {{ number }}) as expected,
    {{ dbt_forensics.evidence({
        'rows': 'batches.volume',
        'usual_rows': 'batches.usual_volume',
    }, {
        'batch_id': 'batches.batch_id',
    }) }} as evidence,
    batches.first_event_at,
    batches.first_arrived_at,
    batches.last_arrived_at,
    coalesce(
        batches.window_count >= batches.window_expected - (batches.usual_volume - batches.volume) * 0.5, false
    ) as is_over,
    {{ dbt_forensics.greatest_of('batches.touched_at', 'batches.next_recorded_at') }} as touched_at
from batches_in_windows as batches
inner join settings
    on batches.stream = settings.stream
where
    batches.any_day_count >= 7
    and batches.usual_volume >= 50
    and batches.volume < batches.usual_volume * (1 - settings.threshold)
    and batches.usual_distance_share < 1
    and batches.is_repetition = 0
    and batches.distance_share > batches.usual_distance_share * 5
    and (batches.usual_volume - batches.volume) * (batches.usual_volume - batches.volume) > batches.usual_volume * 12
    and batches.first_arrived_at > batches.earliest_first_arrived_at
    and batches.last_arrived_at < batches.latest_first_arrived_at
    and batches.wrong_share < 0.5
