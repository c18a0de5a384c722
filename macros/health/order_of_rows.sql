{% macro rows_out_of_order(plan, history, slice={}) %}
    {#-
        CTEs: out_of_order, the new rows of which an earlier arrival of the same entity, at most some days older, has a later event time; and
        missing_numbers, how the count of missing sequence numbers changed (of all slices, with the last one). The look back is bounded, so that
        its cost follows the increment and not the history.
    -#}
    {%- set with_entity, with_number, streams = [], [], {} -%}
    {%- for task in plan -%}
        {%- do streams.update({task.stream.name: task.stream}) -%}
        {%- if 'entity_id' in task.stream -%}{%- do with_entity.append(task) -%}{%- endif -%}
        {%- if 'sequence_number' in task.stream -%}{%- do with_number.append(task) -%}{%- endif -%}
    {%- endfor %}
    {%- set arrived_at = 'ingested_at' %}
    {%- if slice.from_time %}
    {%- set before = dbt_forensics.time_plus('hour', -1, dbt_forensics.timestamp_literal(slice.from_time)) %}
    {%- set arrived_at = 'case when ingested_at < ' ~ dbt_forensics.timestamp_literal(slice.from_time) ~ ' then ' ~ before ~ ' else ingested_at end' %}
    {%- endif %}
    entity_arrivals as (

        {#- What came before the slice counts as one arrival: of it only the latest event time matters. #}
        select
            stream,
            entity_id,
            {{ arrived_at }} as arrived_at,
            max(event_time) as latest_event_time
        from {{ history }} as history
        where
            entity_id <> '' and event_time is not null and ingested_at is not null
            and {{ dbt_forensics.is_recent(with_entity, 'ingested_at') }}
            {%- if slice.to_time %}
            and ingested_at < {{ dbt_forensics.timestamp_literal(slice.to_time) }}
            {%- endif %}
        group by stream, entity_id, 3

    ),

    arrived_before as (

        select
            stream,
            entity_id,
            arrived_at,
            max(latest_event_time) over (
                partition by stream, entity_id order by arrived_at rows between unbounded preceding and 1 preceding
            ) as latest_event_time
        from entity_arrivals

    ),

    out_of_order as (

        select history.row_key
        from {{ history }} as history
        inner join arrived_before
            on
                history.stream = arrived_before.stream
                and history.entity_id = arrived_before.entity_id
                and history.ingested_at = arrived_before.arrived_at
        where history.event_time < arrived_before.latest_event_time and {{ dbt_forensics.is_not_profiled(plan, 'history', slice) }}

    ),
    {%- if with_number and not slice.to_time %}
    {%- set order = 'over (partition by stream, entity_id order by sequence_number)' %}

    numbered as (

        {#- Of a stream without entities all rows are of one. #}
        select
            stream,
            coalesce(entity_id, '') as entity_id,
            sequence_number,
            min(coalesce(event_time, ingested_at)) as event_time,
            min(case when {{ dbt_forensics.is_not_profiled(plan, 'history') }} then 1 else 0 end) = 1 as is_new
        from {{ history }} as history
        where
            sequence_number is not null and ingested_at is not null
            and ({{ dbt_forensics.is_recent(with_number | selectattr('stream.entity_id', 'defined') | list, 'ingested_at', 'entity_id is not null')
                ~ ' or ' ~ dbt_forensics.is_recent(with_number | rejectattr('stream.entity_id', 'defined') | list, 'ingested_at') }})
            and {{ dbt_forensics.is_recent(with_number, 'coalesce(event_time, ingested_at)') }}
        group by stream, 2, sequence_number

    ),

    number_steps as (

        {#- What is missing now, and what was before this build, both in the same stretch of time: the difference is what it found. #}
        select
            stream,
            1 as sign,
            event_time,
            lag(event_time) {{ order }} as time_before,
            sequence_number - lag(sequence_number) {{ order }} - 1 as missing_count
        from numbered
        union all
        select
            stream,
            -1 as sign,
            event_time,
            lag(event_time) {{ order }} as time_before,
            sequence_number - lag(sequence_number) {{ order }} - 1 as missing_count
        from numbered
        where not is_new

    ),

    dated_steps as (

        {#- What is missing happened between the two that came: half way, as far as one can tell. #}
        select
            stream,
            sign,
            missing_count,
            coalesce({{ dbt_forensics.time_plus('minute', 'cast(floor(' ~ dbt_forensics.elapsed_seconds('time_before', 'event_time') ~ ' / 120) as ' ~ dbt.type_int() ~ ')', 'time_before') }}, event_time) as event_time
        from number_steps
        where missing_count >= 1

    ),

    missing_numbers as (

        {#- One number that is out of the way shall not count for millions. #}
        select
            stream,
            'missing' as measure,
            cast(null as {{ dbt.type_string() }}) as subject,
            cast(null as {{ dbt.type_timestamp() }}) as arrived_hour,
            cast(null as {{ dbt.type_string() }}) as batch_id,
            {{ dbt_forensics._window_start_by_stream(streams, 'event_time') }} as window_start,
            sum(sign * case when missing_count > 1000 then 1000 else floor(missing_count) end) as row_count,
            cast(null as {{ dbt.type_string() }}) as sample_event_ids,
            min(event_time) as first_event_at,
            cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
            cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
            case stream
            {%- for task in with_number %}
                when '{{ task.stream.name }}' then {{ dbt_forensics.timestamp_literal(task.to) }}
            {%- endfor %}
            end as recorded_at
        from dated_steps
        group by stream, 6
        having sum(sign * case when missing_count > 1000 then 1000 else floor(missing_count) end) <> 0

    ),
    {%- endif %}
{% endmacro %}


{% macro is_recent(plan, time, condition=none) %}
    {#- A condition: a row of one of these streams, from a time on that is as long before the earliest new arrival as rows may be late, and two days. -#}
    {%- set conditions = [] -%}
    {%- for task in plan -%}
        {%- set from_time = dbt_forensics.look_back(task) -%}
        {%- do conditions.append("(stream = '" ~ task.stream.name ~ "'" ~ (' and ' ~ time ~ ' >= ' ~ from_time if from_time else '') ~ (' and ' ~ condition if condition else '') ~ ')') -%}
    {%- endfor -%}
    {{ return('(' ~ (conditions | join(' or ') or '1 = 0') ~ ')') }}
{% endmacro %}


{% macro look_back(task) %}
    {#- From when on the order of a stream's rows is looked at, as an SQL expression; none at its first build. -#}
    {%- if not task.after or not task.first_arrived_at -%}{{ return(none) }}{%- endif -%}
    {%- set time = dbt_forensics.time_trunc('day', dbt_forensics.timestamp_literal(task.first_arrived_at)) -%}
    {%- set times = [dbt_forensics.time_plus('day', -2, 'cast(' ~ time ~ ' as ' ~ dbt.type_timestamp() ~ ')')] -%}
    {%- for length in [task.stream.expected_delay, task.stream.allowed_lateness] -%}
        {%- do times.append(dbt_forensics.time_plus(length.period, -length['count'], times[-1])) -%}
    {%- endfor -%}
    {{ return(times[-1]) }}
{% endmacro %}
