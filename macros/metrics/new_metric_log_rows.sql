{% macro new_metric_log_rows(log, ledger, history, seals, plan=none) %}
    {#-
        A select of the versions that the metrics' log lacks, one row per version and cause. log: as it is, or none. ledger: the relation, or in
        a plan what it would be. plan: what to do, in the form of metric_plan(); default: all that there is.
    -#}
    {%- set plan = plan or dbt_forensics.metric_plan(dbt_forensics.streams(), ledger, log) %}
    {%- if not plan %}
    {{ dbt_forensics.no_rows(dbt_forensics.metric_log_columns()) }}
    {%- else %}
    with

    latest_versions as (

    {{ dbt_forensics.latest_versions(log) }}

    ),
    {% for task in plan %}
    {{ dbt_forensics.typed_entries(task.stream, ledger, history, task.after) }},
    {%- if task.earlier_to %}
    {{ dbt_forensics.earlier_entries(task, ledger, history) }},
    {%- endif %}
    {%- if task.is_backcast %}
    {{ dbt_forensics.backcast_entries(task, seals) }},
    {%- endif %}
    {%- for metric in task.metrics %}
    {{ dbt_forensics.metric_deltas(task, metric) }},
    {% endfor %}
    {%- endfor %}
    deltas as (
    {% for task in plan %}
    {%- set outer = loop %}
    {%- for metric in task.metrics %}
        select * from {{ dbt_forensics.metric_id(task.stream.name, metric.name) }}_deltas
        {%- if not (loop.last and outer.last) %}
        union all
        {%- endif %}
    {%- endfor %}
    {%- endfor %}

    ),

    {{ dbt_forensics.versioned_changes(plan, log) }},

    moments as (

        select distinct
            stream,
            recorded_from as moment,
            cast(null as {{ dbt.type_timestamp() }}) as latest_event_time
        from versioned
        union all
        select
            stream,
            {{ dbt_forensics.least_of('max_ingested_at', 'recorded_at') }} as moment,
            latest_event_time
        from {{ seals }}
        where dbt_valid_to is null

    ),

    watermarks as (

        {#- Per time of publication: how far event time was known by then. #}
        select
            stream,
            moment,
            max(max(latest_event_time)) over (partition by stream order by moment rows between unbounded preceding and current row) as latest_event_time
        from moments
        group by stream, moment

    ),

    logged as (

        select
            versioned.stream,
            versioned.metric,
            versioned.window_start,
            versioned.window_end,
            versioned.dimensions,
            cast(versioned.version as {{ dbt.type_bigint() }}) as version,
            cast(versioned.value as {{ dbt_forensics.type_exact_number() }}) as value,
            cast(versioned.previous_value as {{ dbt_forensics.type_exact_number() }}) as previous_value,
            cast(versioned.cause as {{ dbt.type_string() }}) as cause,
            cast(versioned.change as {{ dbt_forensics.type_exact_number() }}) as change,
            cast(versioned.event_count as {{ dbt.type_bigint() }}) as event_count,
            versioned.sample_event_ids,
            versioned.first_arrived_at,
            versioned.last_arrived_at,
            cast(versioned.sum_of_numbers as {{ dbt_forensics.type_exact_number() }}) as sum_of_numbers,
            cast(versioned.number_count as {{ dbt_forensics.type_exact_number() }}) as number_count,
            cast(versioned.input_count as {{ dbt.type_bigint() }}) as input_count,
            cast(versioned.unknown_count as {{ dbt.type_bigint() }}) as unknown_count,
            cast(versioned.digest_word_1 as {{ dbt.type_bigint() }}) as digest_word_1,
            cast(versioned.digest_word_2 as {{ dbt.type_bigint() }}) as digest_word_2,
            {{ dbt_forensics.of_metric(plan, 'definition_digest') }} as definition_digest,
            case when versioned.recorded_from < {{ dbt_forensics.of_metric(plan, 'stamp') }} then 'reconstructed' else 'published' end as origin,
            case
                when versioned.recorded_from <= versioned.published_at_first then {{ dbt_forensics.time_plus('microsecond', 1, 'versioned.published_at_first') }}
                else versioned.recorded_from
            end as recorded_from,
            coalesce(watermarks.latest_event_time >= {{ dbt_forensics.settles_at('versioned') }}, false) as is_settled,
            {{ dbt_forensics.of_metric(plan, 'ledger_to') }} as ledger_to,
            {{ dbt_forensics.of_metric(plan, 'definitions') }} as definitions
        from versioned
        left join watermarks
            on versioned.stream = watermarks.stream and versioned.recorded_from = watermarks.moment

    )

    select * from logged
    {%- endif %}
{% endmacro %}
