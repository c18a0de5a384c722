{% macro rows_out_of_order(task, history) %}
    {#-
        CTEs for streams with entities or sequence numbers: <stream>_out_of_order, the new rows of which an earlier arrival of the same entity, at
        most some days older, has a later event time; and <stream>_missing, how the count of missing sequence numbers changed. The look back is
        bounded, so that its cost follows the increment and not the history.
    -#}
    {%- set stream = task.stream -%}
    {%- set name = stream.name -%}
    {%- set after = dbt_forensics.timestamp_literal(task.after) if task.after else none -%}
    {%- set from_time = dbt_forensics.look_back(task) %}
    {{ name }}_recent as (

        select
            row_key,
            {{ 'entity_id' if 'entity_id' in stream else "cast('' as " ~ dbt.type_string() ~ ')' }} as entity_id,
            event_time,
            ingested_at,
            sequence_number,
            recorded_at
        from {{ history }}
        where
            stream = '{{ name }}'
            and event_time is not null
            and ingested_at is not null
            {%- if 'entity_id' in stream %}
            and entity_id is not null
            {%- endif %}
            {%- if from_time %}
            and ingested_at >= {{ from_time }}
            {%- endif %}

    ),

    {%- if 'entity_id' in stream %}
    {{ name }}_arrivals as (

        select
            entity_id,
            ingested_at,
            max(event_time) as latest_event_time
        from {{ name }}_recent
        group by entity_id, ingested_at

    ),

    {{ name }}_arrived_before as (

        select
            entity_id,
            ingested_at,
            max(latest_event_time) over (
                partition by entity_id order by ingested_at rows between unbounded preceding and 1 preceding
            ) as latest_event_time
        from {{ name }}_arrivals

    ),

    {{ name }}_out_of_order as (

        select recent.row_key
        from {{ name }}_recent as recent
        inner join {{ name }}_arrived_before as arrived_before
            on recent.entity_id = arrived_before.entity_id and recent.ingested_at = arrived_before.ingested_at
        where
            recent.event_time < arrived_before.latest_event_time
            {%- if after %}
            and recent.recorded_at > {{ after }}
            {%- endif %}

    ),
    {%- endif %}
    {%- if 'sequence_number' in stream %}

    {{ name }}_numbered as (

        select
            entity_id,
            sequence_number,
            min(event_time) as event_time,
            min(recorded_at) as recorded_at
        from {{ name }}_recent
        where sequence_number is not null{% if from_time %} and event_time >= {{ from_time }}{% endif %}
        group by entity_id, sequence_number

    ),

    {{ name }}_number_steps as (

        {#- What is missing now, and what was before this build, both in the same stretch of time: the difference is what it found. #}
        select
            1 as sign,
            event_time,
            recorded_at,
            sequence_number - lag(sequence_number) over (partition by entity_id order by sequence_number) - 1 as missing_count
        from {{ name }}_numbered
        {%- if after %}
        union all
        select
            -1 as sign,
            event_time,
            recorded_at,
            sequence_number - lag(sequence_number) over (partition by entity_id order by sequence_number) - 1 as missing_count
        from {{ name }}_numbered
        where recorded_at <= {{ after }}
        {%- endif %}

    ),

    {{ name }}_missing as (

        {#- One number that is out of the way shall not count for millions. #}
        select
            'missing' as measure,
            cast(null as {{ dbt.type_string() }}) as subject,
            cast(null as {{ dbt.type_timestamp() }}) as arrived_hour,
            cast(null as {{ dbt.type_string() }}) as batch_id,
            {{ dbt_forensics.window_start(stream.window, 'event_time') }} as window_start,
            sum(sign * case when missing_count > 1000 then 1000 else floor(missing_count) end) as row_count,
            cast(null as {{ dbt.type_string() }}) as sample_event_ids,
            min(event_time) as first_event_at,
            cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
            cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at,
            cast({{ dbt_forensics.timestamp_literal(task.to) }} as {{ dbt.type_timestamp() }}) as recorded_at
        from {{ name }}_number_steps
        where missing_count >= 1
        group by 5
        having sum(sign * case when missing_count > 1000 then 1000 else floor(missing_count) end) <> 0

    ),
    {%- endif %}
{% endmacro %}


{% macro look_back(task) %}
    {#- From which arrival on the order of rows is looked at, as an SQL expression: as long before the earliest new arrival as rows may be late, and a day; none at a first build. -#}
    {%- if not task.after or not task.first_arrived_at -%}{{ return(none) }}{%- endif -%}
    {%- set time = dbt_forensics.time_trunc('day', dbt_forensics.timestamp_literal(task.first_arrived_at)) -%}
    {%- set times = [dbt_forensics.time_plus('day', -2, 'cast(' ~ time ~ ' as ' ~ dbt.type_timestamp() ~ ')')] -%}
    {%- for length in [task.stream.expected_delay, task.stream.allowed_lateness] -%}
        {%- do times.append(dbt_forensics.time_plus(length.period, -length['count'], times[-1])) -%}
    {%- endfor -%}
    {{ return(times[-1]) }}
{% endmacro %}
