-- One row per stream, kind of change and window in which it came: columns came, went, changed type or name, or rows name a schema version that was not known.
{#-
    Columns that were added, dropped, retyped or renamed after a stream's first build, and schema versions that rows name for the first time after the first
    hundred rows. A dropped column's change is that of the first hour from which on it had no values. Columns that came are only worth knowing.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with schema_history as (

    select * from {{ ref('forensics__schema_history') }}

),

hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

),

moments_of_seals as (

    select * from {{ dbt_forensics._input('int_forensics__sealed_moments') }}

),

metrics as (

    select * from {{ dbt_forensics._input('int_forensics__metrics') }}

),

settings as (

    select *
    from {{ dbt_forensics._input('int_forensics__detectors') }}
    where detector = 'schema_drift' and is_enabled

),

column_versions as (

    select
        stream,
        column_name,
        data_type,
        column_position,
        is_dropped,
        dbt_valid_from as changed_at,
        lag(data_type) over (partition by stream, column_name order by dbt_valid_from) as type_before,
        lag(is_dropped) over (partition by stream, column_name order by dbt_valid_from) as was_dropped,
        row_number() over (partition by stream, column_name order by dbt_valid_from) as version,
        min(dbt_valid_from) over (partition by stream) as first_at
    from schema_history

),

column_changes as (

    select
        stream,
        column_name,
        data_type,
        changed_at,
        case
            when is_dropped then 'dropped'
            when version = 1 or was_dropped then 'added'
            else 'retyped'
        end as change
    from column_versions
    where changed_at > first_at and (is_dropped or version = 1 or was_dropped or type_before <> data_type)

),

numbered_changes as (

    select
        *,
        row_number() over (partition by stream, changed_at, change, data_type order by column_name) as place
    from column_changes

),

paired_changes as (

    {#- A column that went and one of its type that came at the same build: one that was renamed. #}
    select
        changes.stream,
        changes.changed_at,
        case when gone.column_name is not null then 'renamed' else changes.change end as change,
        coalesce(gone.column_name || ' to ', '') || changes.column_name as what,
        case when changes.change = 'dropped' then changes.column_name end as dropped_column,
        coalesce(gone.column_name, case when changes.change <> 'added' then changes.column_name end) as former_column
    from numbered_changes as changes
    left join numbered_changes as gone
        on
            changes.stream = gone.stream
            and changes.changed_at = gone.changed_at
            and changes.change = 'added'
            and gone.change = 'dropped'
            and changes.data_type = gone.data_type
            and changes.place = gone.place
    left join numbered_changes as partners
        on
            changes.stream = partners.stream
            and changes.changed_at = partners.changed_at
            and changes.change = 'dropped'
            and partners.change = 'added'
            and changes.data_type = partners.data_type
            and changes.place = partners.place
    where partners.column_name is null

),

captured_hours as (

    select
        hourly.stream,
        hourly.arrived_hour,
        coalesce(moments_of_seals.sealed_at, hourly.recorded_at) as captured_at
    from hourly
    left join moments_of_seals
        on
            hourly.stream = moments_of_seals.stream
            and hourly.recorded_at = moments_of_seals.recorded_at
            and moments_of_seals.kind = 'profile'
    where hourly.measure = 'rows'

),

captures as (

    select
        stream,
        captured_at,
        max(max(arrived_hour)) over (
            partition by stream order by captured_at rows between unbounded preceding and 1 preceding
        ) as last_hour_before
    from captured_hours
    group by stream, captured_at

),

first_hours_of_captures as (

    {#- A build may record old rows too: they say nothing of when something changed. #}
    select
        captures.stream,
        captures.captured_at,
        min(captured_hours.arrived_hour) as arrived_hour
    from captures
    inner join captured_hours
        on
            captures.stream = captured_hours.stream
            and captures.captured_at = captured_hours.captured_at
            and captures.last_hour_before <= captured_hours.arrived_hour
    group by captures.stream, captures.captured_at

),

last_values as (

    {#- Of the hours that were recorded while there was such a column: the last one in which not all of its values were missing. #}
    select
        dropped.stream,
        dropped.dropped_column,
        dropped.changed_at,
        max(all_rows.arrived_hour) as last_filled_hour
    from paired_changes as dropped
    inner join hourly as all_rows
        on
            dropped.stream = all_rows.stream
            and all_rows.measure = 'rows'
            and dropped.changed_at > all_rows.recorded_at
    left join hourly as missing
        on
            all_rows.stream = missing.stream
            and all_rows.arrived_hour = missing.arrived_hour
            and missing.measure = 'null'
            and dropped.dropped_column = missing.subject
    where dropped.dropped_column is not null and all_rows.row_count > coalesce(missing.row_count, 0)
    group by dropped.stream, dropped.dropped_column, dropped.changed_at

),

dated_changes as (

    select
        paired_changes.stream,
        paired_changes.change,
        paired_changes.what,
        paired_changes.former_column,
        paired_changes.changed_at,
        min(emptied.arrived_hour) as emptied_hour,
        coalesce(
            max(first_hours_of_captures.arrived_hour), {{ dbt_forensics.window_start('hour', 'paired_changes.changed_at') }}
        ) as built_hour
    from paired_changes
    left join first_hours_of_captures
        on paired_changes.stream = first_hours_of_captures.stream and paired_changes.changed_at = first_hours_of_captures.captured_at
    left join last_values
        on
            paired_changes.stream = last_values.stream
            and paired_changes.dropped_column = last_values.dropped_column
            and paired_changes.changed_at = last_values.changed_at
    left join hourly as emptied
        on
            paired_changes.stream = emptied.stream
            and emptied.measure = 'rows'
            and last_values.last_filled_hour < emptied.arrived_hour
            and paired_changes.changed_at >= emptied.recorded_at
    group by paired_changes.stream, paired_changes.change, paired_changes.what, paired_changes.former_column, paired_changes.changed_at

),

version_hours as (

    select
        stream,
        subject,
        min(arrived_hour) as arrived_hour,
        min(first_arrived_at) as first_arrived_at,
        min(touched_at) as changed_at,
        sum(row_count) as row_count
    from hourly
    where measure = 'version'
    group by stream, subject

),

rows_so_far as (

    select
        stream,
        arrived_hour,
        coalesce(sum(row_count) over (
            partition by stream order by arrived_hour rows between unbounded preceding and 1 preceding
        ), 0) as rows_before,
        row_count as rows_in_hour
    from hourly
    where measure = 'rows'

),

unknown_versions as (

    select
        version_hours.stream,
        'unknown version' as change,
        version_hours.subject as what,
        version_hours.changed_at,
        version_hours.arrived_hour,
        version_hours.first_arrived_at
    from version_hours
    inner join rows_so_far
        on version_hours.stream = rows_so_far.stream and version_hours.arrived_hour = rows_so_far.arrived_hour
    inner join settings
        on version_hours.stream = settings.stream
    where rows_so_far.rows_before >= 100 and version_hours.row_count >= settings.threshold

),

all_changes as (

    {#- Columns that are dropped at once went for one reason, also those that never had a value. #}
    select
        stream,
        change,
        what,
        former_column,
        changed_at,
        coalesce(emptied_hour, min(emptied_hour) over (partition by stream, change, changed_at), built_hour) as arrived_hour,
        cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at
    from dated_changes
    union all
    select
        stream,
        change,
        what,
        cast(null as {{ dbt.type_string() }}) as former_column,
        changed_at,
        arrived_hour,
        first_arrived_at
    from unknown_versions

),

changes_in_windows as (

    {#- What is known of a metric that names a column ends with it. #}
    select
        all_changes.stream,
        all_changes.change,
        all_changes.what,
        all_changes.changed_at,
        {{ dbt_forensics._start_of_window('all_changes.arrived_hour', 'settings') }} as first_window,
        all_changes.arrived_hour,
        all_changes.first_arrived_at,
        metrics.metric
    from all_changes
    inner join settings
        on all_changes.stream = settings.stream
    left join metrics
        on
            all_changes.stream = metrics.stream
            and {{ dbt.position("' ' || lower(all_changes.former_column) || ' '", 'metrics.words') }} > 0

),

shape_changes as (

    select
        stream,
        change,
        first_window,
        min(changed_at) as changed_at,
        coalesce(min(first_arrived_at), min(arrived_hour)) as first_arrived_at,
        min(arrived_hour) as arrived_hour,
        count(distinct what) as change_count,
        {{ dbt_forensics.first_ten('what') }} as named,
        {{ dbt_forensics.first_ten('metric') }} as metrics
    from changes_in_windows
    group by stream, change, first_window

)

select
    shape_changes.stream,
    'schema_drift' as detector,
    shape_changes.change as subject,
    {{ dbt_forensics.canonical_text('shape_changes.first_window', dbt.type_timestamp()) }} as identity_text,
    shape_changes.first_window as window_start,
    {{ dbt_forensics._windows_after(1, 'shape_changes.first_window', 'settings') }} as window_end,
    case
        when shape_changes.change = 'added' then 'low'
        when shape_changes.change in ('dropped', 'retyped')
            then {{ dbt_forensics.severity_of_rank(dbt_forensics.severity_rank('settings.severity') ~ ' + 1') }}
        else settings.severity
    end as severity,
    cast(shape_changes.change_count as {{ dbt_forensics.type_exact_number() }}) as observed,
    cast(0 as {{ dbt_forensics.type_exact_number() }}) as expected,
    cast(
        '{"change":' || {{ dbt_forensics.json_text('shape_changes.change') }} || ',"what":' || shape_changes.named
        || coalesce(',"metrics":' || shape_changes.metrics, '') || '}' as {{ dbt.type_string() }}
    ) as evidence,
    shape_changes.arrived_hour as first_event_at,
    shape_changes.first_arrived_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
    {{ dbt_forensics._is_past('shape_changes.first_window') }} as is_over,
    shape_changes.changed_at as touched_at
from shape_changes
inner join settings
    on shape_changes.stream = settings.stream
