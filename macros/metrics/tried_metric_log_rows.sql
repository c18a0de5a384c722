{% macro tried_metric_log_rows(log, ledger, history, seals, left_out=[]) %}
    {#-
        The rows of new_metric_log_rows(), without the metrics whose expressions fail on rows on record: these stay behind, and catch up when they can
        be computed. All metrics are tried at once, and one after the other only if that fails. left_out: a list that gains {stream, metric} of each of those.
    -#}
    {%- set plan = dbt_forensics.metric_plan(dbt_forensics.streams(), ledger, log) -%}
    {%- if not plan -%}{{ return(dbt_forensics.no_rows(dbt_forensics.metric_log_columns())) }}{%- endif -%}
    {%- set tried = dbt_forensics.attempt(dbt_forensics.new_metric_log_rows(log, ledger, history, seals, plan), 'forensics_metric_log') -%}
    {%- if not tried.problem -%}{{ return('select * from ' ~ tried.relation ~ ' as logged') }}{%- endif -%}
    {%- set kept = [] -%}
    {%- for task in plan -%}
        {%- set metrics, definitions = [], fromjson(task.definitions) -%}
        {%- for metric in task.metrics -%}
            {%- set alone = dbt_forensics.attempt(dbt_forensics.new_metric_log_rows(log, ledger, history, seals, [dict(task, metrics=[metric])])) -%}
            {%- if alone.problem -%}
                {%- do definitions.pop(metric.name) -%}
                {%- do left_out.append({'stream': task.stream.name, 'metric': metric.name}) -%}
            {%- else -%}
                {%- do metrics.append(metric) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if metrics -%}{%- do kept.append(dict(task, metrics=metrics, definitions=definitions | tojson)) -%}{%- endif -%}
    {%- endfor -%}
    {%- if not kept -%}{{ return(dbt_forensics.no_rows(dbt_forensics.metric_log_columns())) }}{%- endif -%}
    {{ return(dbt_forensics.new_metric_log_rows(log, ledger, history, seals, kept)) }}
{% endmacro %}


{% macro metrics_left_out(streams) %}
    {#- {(stream, metric): {key, reason}} of the metrics that tried_metric_log_rows() left out: what it had to do, and has not done, is tried again. -#}
    {%- set left_out = {} -%}
    {%- set log, ledger = dbt_forensics._existing('int_forensics__metric_log'), dbt_forensics._existing('forensics__ledger') -%}
    {%- set history, seals = dbt_forensics._existing('forensics__event_history'), dbt_forensics._existing('forensics__batch_history') -%}
    {%- for task in dbt_forensics.metric_plan(streams, ledger, log) if log and ledger and history and seals -%}
        {%- for metric in task.metrics -%}
            {%- set alone = dbt_forensics.attempt(dbt_forensics.new_metric_log_rows(log, ledger, history, seals, [dict(task, metrics=[metric])])) -%}
            {%- if alone.problem -%}
                {%- do left_out.update({(task.stream.name, metric.name): {
                    'key': 'metrics.' ~ metric.name,
                    'reason': dbt_forensics._found('an expression that fails on rows on record (' ~ alone.problem ~ ')', 'one that can be evaluated on every row'),
                }}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(left_out) }}
{% endmacro %}
