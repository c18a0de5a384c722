{% macro irreproducible_values(streams, ledger, history, log, plan=none) %}
    {#-
        A select of the current values that the ledger and the history do not give again: everything is added up anew and compared, to
        the last digit and to the digest of the inputs. Metrics whose definition has changed since their last version are left out.
        plan: what to add up, in the form of metric_plan(); default: all metrics.
    -#}
    {%- set plan = plan or dbt_forensics._plan_of_all(streams, log) -%}
    {%- if not plan -%}
    {{ return(dbt_forensics.no_rows({'stream': 'text', 'metric': 'text', 'window_start': 'time', 'dimensions': 'text'})) }}
    {%- endif -%}
    with latest_versions as (

        {{ dbt_forensics.latest_versions(log) }}

    ),
    {% for task in plan %}
    {{ dbt_forensics.typed_entries(task.stream, ledger, history) }},
    {%- for metric in task.metrics %}
    {{ dbt_forensics.metric_deltas(task, metric) }},
    {% endfor %}
    {%- endfor %}
    recomputed as (
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

    totals as (

        select
            stream,
            metric,
            window_start,
            dimensions,
            sum(sum_change) as sum_of_numbers,
            sum(number_change) as number_count,
            sum(input_change) as input_count,
            sum(unknown_change) as unknown_count,
            {%- for word in [1, 2] %}
            mod(mod(sum(digest_change_{{ word }}), {{ dbt_forensics.word_modulus() }}) + {{ dbt_forensics.word_modulus() }}, {{ dbt_forensics.word_modulus() }}) as digest_word_{{ word }}{{ ',' if word == 1 }}
            {%- endfor %}
        from recomputed
        group by stream, metric, window_start, dimensions

    ),

    valued as (

        select
            *,
            case
                when unknown_count <> 0 then null
            {%- for task in plan %}
                {%- for metric in task.metrics %}
                when stream = '{{ task.stream.name }}' and metric = '{{ metric.name }}' then {{ dbt_forensics.metric_value(metric.definition.agg) }}
                {%- endfor %}
            {%- endfor %}
            end as value
        from totals

    ),

    declared as (

        select *
        from latest_versions
        where
            {%- for task in plan %}
            {%- set outer = loop %}
            {%- for metric in task.metrics %}
            (stream = '{{ task.stream.name }}' and metric = '{{ metric.name }}'){{ ' or' if not (loop.last and outer.last) }}
            {%- endfor %}
            {%- endfor %}

    )

    select
        coalesce(declared.stream, valued.stream) as stream,
        coalesce(declared.metric, valued.metric) as metric,
        coalesce(declared.window_start, valued.window_start) as window_start,
        coalesce(declared.dimensions, valued.dimensions) as dimensions,
        declared.value as value_on_record,
        valued.value as value_recomputed,
        declared.input_count as inputs_on_record,
        valued.input_count as inputs_recomputed
    from declared
    full outer join valued
        on
            declared.stream = valued.stream
            and declared.metric = valued.metric
            and declared.window_start = valued.window_start
            and declared.dimensions = valued.dimensions
    where
        coalesce(declared.value, 0) <> coalesce(valued.value, 0)
        or coalesce(declared.input_count, 0) <> coalesce(valued.input_count, 0)
        or coalesce(declared.unknown_count, 0) <> coalesce(valued.unknown_count, 0)
        or coalesce(declared.digest_word_1, 0) <> coalesce(valued.digest_word_1, 0)
        or coalesce(declared.digest_word_2, 0) <> coalesce(valued.digest_word_2, 0)
{% endmacro %}


{% macro _plan_of_all(streams, log) %}
    {#- A plan in the form of metric_plan() that computes every metric of which the log holds the present definition from nothing. -#}
    {%- set on_record = dbt_forensics.metrics_on_record(log).metrics -%}
    {%- set plan = [] -%}
    {%- for stream in streams.values() -%}
        {%- set metrics = [] -%}
        {%- for name, definition in stream.metrics.items() -%}
            {%- set digest = dbt_forensics.definition_digest(stream, definition) -%}
            {%- if on_record.get((stream.name, name), {}).digest == digest -%}
                {%- do metrics.append({'name': name, 'definition': definition, 'digest': digest, 'state': 'new', 'processed_to': none}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if metrics -%}
            {%- do plan.append({
                'stream': stream, 'ledger_to': none, 'is_backcast': false, 'metrics': metrics,
                'stamp': 'cast(null as ' ~ dbt.type_timestamp() ~ ')',
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(plan) }}
{% endmacro %}
