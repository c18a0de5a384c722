{% test reconciles_with(model, metric, window_start, value, stream=none, dimensions=[], tolerance=0) %}
    {#-
        On a model that publishes a metric: each value that it shows is what the metric is, and none is missing. Fails with one row
        per value that differs by more than the tolerance, or that only one of the two has.
        metric: its name. stream: needed where several streams have a metric of this name. window_start, value, dimensions: columns of the model.
    -#}
    {%- do dbt_forensics.after_detection() %}
    {%- if not dbt_forensics.is_built_here() -%}{{ return(dbt_forensics.no_rows({'stream': 'text'})) }}{%- endif %}
    {%- set versions = ref('forensics__metric_versions').render() %}
    {%- if execute and flags.WHICH not in ['compile', 'generate', 'list', 'lint'] %}
    {%- set name = dbt_forensics._stream_with_metric('reconciles_with', metric, stream) %}
    {%- set watch = {'name': 'reconciles_with', 'window_start': window_start, 'value': value, 'dimensions': dimensions} %}
    with shown as (

        {{ dbt_forensics._watched_values(watch, model) }}

    ),

    current_values as (

        select window_start, dimensions, value
        from {{ versions }}
        where is_current and stream = {{ dbt_forensics.forensics_literal(name) }} and metric = {{ dbt_forensics.forensics_literal(metric) }}

    )

    select
        coalesce(shown.window_start, current_values.window_start) as window_start,
        coalesce(shown.dimensions, current_values.dimensions) as dimensions,
        shown.value as value_shown,
        current_values.value as value_on_record
    from shown
    full outer join current_values
        on shown.window_start = current_values.window_start and shown.dimensions = current_values.dimensions
    where
        abs(coalesce(shown.value, 0) - coalesce(current_values.value, 0)) > {{ tolerance }}
        or (shown.window_start is null and coalesce(current_values.value, 0) <> 0)
    {%- else %}
    {{ dbt_forensics.no_rows({'window_start': 'time'}) }}
    {%- endif %}
{% endtest %}
