{% macro metric_log_columns() %}
    {#- Columns of int_forensics__metric_log and their types. -#}
    {{ return({
        'stream': 'text', 'metric': 'text', 'window_start': 'time', 'window_end': 'time', 'dimensions': 'text', 'version': 'integer',
        'value': 'number', 'previous_value': 'number', 'cause': 'text', 'change': 'number', 'event_count': 'integer', 'sample_event_ids': 'text',
        'first_arrived_at': 'time', 'last_arrived_at': 'time', 'sum_of_numbers': 'number', 'number_count': 'number', 'input_count': 'integer', 'unknown_count': 'integer',
        'digest_word_1': 'integer', 'digest_word_2': 'integer', 'definition_digest': 'text', 'origin': 'text', 'recorded_from': 'time',
        'is_settled': 'boolean', 'ledger_to': 'time', 'definitions': 'text',
    }) }}
{% endmacro %}


{% macro latest_versions(log) %}
    {#- A select of the latest version of each window of each metric, with the additive parts of its value. -#}
    {%- if not log -%}
    {{ return(dbt_forensics.no_rows(dbt_forensics.metric_log_columns())) }}
    {%- endif -%}
    select distinct
        stream,
        metric,
        window_start,
        window_end,
        dimensions,
        version,
        value,
        sum_of_numbers,
        number_count,
        input_count,
        unknown_count,
        digest_word_1,
        digest_word_2,
        definition_digest,
        recorded_from
    from (
        select
            *,
            max(version) over (partition by stream, metric, window_start, dimensions) as latest_version
        from {{ log }}
    ) as log
    where version = latest_version
{%- endmacro %}


{% macro of_metric(plan, what) %}
    {#- What the plan says of the metric of a row of the CTE versioned, as an SQL expression. -#}
    {%- set cases = [] -%}
    {%- for task in plan -%}
        {%- set stream = task.stream -%}
        {%- if what == 'definition_digest' -%}
            {%- for metric in task.metrics -%}
                {%- do cases.append("when versioned.stream = '" ~ stream.name ~ "' and versioned.metric = '" ~ metric.name ~ "' then '" ~ metric.digest ~ "'") -%}
            {%- endfor -%}
        {%- else -%}
            {%- set value = {
                'stamp': task.stamp,
                'definitions': 'cast(' ~ dbt_forensics.forensics_literal(task.definitions) ~ ' as ' ~ dbt.type_string() ~ ')',
                'ledger_to': dbt_forensics.timestamp_literal(task.ledger_to),
            }[what] -%}
            {%- do cases.append("when versioned.stream = '" ~ stream.name ~ "' then " ~ value) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('case ' ~ cases | join(' ') ~ ' end') }}
{% endmacro %}
