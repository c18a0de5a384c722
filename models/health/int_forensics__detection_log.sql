-- One row per detection and build at which it opened (+1), became other than it was (0) or closed (-1). Rows are only ever added.
{{
    config(
        materialized='append_only',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        pre_hook="{{ dbt_forensics.without_nested_loops() }}",
    )
}}
{#-
    What is seen for the first time opens only if something of it was recorded since the stream's last change: usual shares move, and nothing
    old shall turn up because of that.
#}
{%- do dbt_forensics.assert_keeps_history({
    'materialized': 'append_only',
    'incremental_strategy': 'append',
}) %}
{%- do dbt_forensics.take_turn() %}
{%- set shows_a_part = dbt_forensics._shows_a_part([
    ref('int_forensics__row_profile'),
    ref('int_forensics__presence_changes'),
    ref('forensics__held_withdrawals'),
    ref('forensics__batch_history'),
    ref('forensics__windows'),
    ref('forensics__schema_history'),
    ref('forensics__metric_versions'),
    ref('forensics__metric_changes'),
    ref('int_forensics__metric_log'),
    ref('int_forensics__watch_log'),
    ref('forensics__actions'),
    ref('int_forensics__action_rows'),
]) %}
{%- do dbt_forensics._write_inputs([
    'int_forensics__judged_windows',
    'int_forensics__hourly_counts',
    'int_forensics__judged_streams',
    'int_forensics__detectors',
    'int_forensics__duplicate_storm',
    'int_forensics__conflicting_duplicates',
    'int_forensics__offset_runs',
    'int_forensics__clock_skew',
    'int_forensics__null_spike',
    'int_forensics__rules',
    'int_forensics__value_out_of_range',
    'int_forensics__unparseable_payload',
    'int_forensics__hot_entity',
    'int_forensics__late_surge',
    'int_forensics__out_of_order_surge',
    'int_forensics__sequence_gap',
    'int_forensics__unusual_shares',
    'int_forensics__share_detections',
    'int_forensics__constant_offset',
    'int_forensics__distribution_shift',
    'int_forensics__missing_window',
    'int_forensics__volume_anomaly',
    'int_forensics__freshness',
    'int_forensics__batch_counts',
    'int_forensics__compared_batches',
    'int_forensics__repeated_batch',
    'int_forensics__partial_batch',
    'int_forensics__wrong_shape_load',
    'int_forensics__sealed_moments',
    'int_forensics__metrics',
    'int_forensics__schema_drift',
    'int_forensics__history_changes',
    'int_forensics__history_rewritten',
    'int_forensics__history_deleted',
    'int_forensics__history_inserted',
    'int_forensics__truncated_source',
    'int_forensics__undeclared_writes',
    'int_forensics__settled_window_restated',
    'int_forensics__unexplained_change',
    'int_forensics__watches',
    'int_forensics__metric_mismatch',
    'int_forensics__unsafe_backfill',
    'int_forensics__metric_values',
    'int_forensics__metric_days',
    'int_forensics__metric_levels',
    'int_forensics__metric_anomaly',
    'int_forensics__metric_flat',
    'int_forensics__level_shift',
    'int_forensics__dimension_vanished',
    'int_forensics__found_detections',
]) %}
{%- set columns = dbt_forensics.detection_log_columns() %}
{%- set described = columns.keys() | reject('in', ['detection_id', 'change', 'recorded_at']) | list %}
{%- set log = load_relation(this) if execute else none %}
with found as (

    select * from {{ ref('int_forensics__found_detections') }}

),

log as (

    {% if log -%}
    select * from {{ this }}
    {%- else -%}
    {{ dbt_forensics.no_rows(columns) }}
    {%- endif %}

),

on_record as (

    select
        *,
        sum(change) over (partition by detection_id) as is_open,
        row_number() over (partition by detection_id order by recorded_at desc, change asc) as recency_rank,
        max(recorded_at) over (partition by stream) as stream_recorded_at
    from log

),

known as (

    select *
    from on_record
    where recency_rank = 1

),

streams_on_record as (

    select
        stream,
        max(stream_recorded_at) as recorded_at
    from on_record
    group by stream

),

steps as (

    select 1 as change
    union all
    select 0 as change
    union all
    select -1 as change

),

compared as (

    {#- What is seen and what is known are read once: engines that write a CTE out wherever it is named would do all the work of detection each time. #}
    select
        coalesce(found.detection_id, known.detection_id) as detection_id,
        {%- for column in described %}
        case when found.detection_id is not null then found.{{ column }} else known.{{ column }} end as {{ column }},
        {%- endfor %}
        found.detection_id is null as is_gone,
        coalesce(found.is_over, false) as is_over,
        known.detection_id is not null as is_known,
        coalesce(known.is_open, 0) as was_open,
        known.observed as observed_before,
        known.severity as severity_before,
        known.window_end as window_end_before
    from found
    full outer join known
        on found.detection_id = known.detection_id
    left join streams_on_record
        on found.stream = streams_on_record.stream
    where
        known.detection_id is not null
        or found.touched_at is null
        or streams_on_record.recorded_at is null
        or found.touched_at > streams_on_record.recorded_at

),

changes as (

    select
        compared.detection_id,
        {%- for column in described %}
        compared.{{ column }},
        {%- endfor %}
        steps.change
    from compared
    cross join steps
    where
        (steps.change = 1 and compared.was_open = 0 and not compared.is_gone and (not compared.is_known or not compared.is_over))
        or (
            steps.change = 0
            and compared.was_open = 1
            and not compared.is_gone
            and not compared.is_over
            {#- How long nothing has come yet is another at each build, and no news. #}
            and (
                (compared.observed <> compared.observed_before and compared.detector <> 'freshness')
                or compared.severity <> compared.severity_before
                or compared.window_end <> compared.window_end_before
            )
        )
        or (steps.change = -1 and (compared.was_open = 1 or not compared.is_known) and (compared.is_gone or compared.is_over))

)

select
    {%- set types = dbt_forensics._column_types() %}
    {%- for column in ['detection_id'] + described + ['change'] %}
    cast({{ column }} as {{ types[columns[column]] }}) as {{ column }},
    {%- endfor %}
    {{ dbt_forensics.concluded_at() }} as recorded_at
from changes
{%- if shows_a_part %}
where 1 = 0
{%- endif %}
