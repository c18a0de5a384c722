{% test explains_every_change(model, stream=none, metric=none) %}
    {#-
        On forensics__metric_versions or forensics__metric_changes: the changes by cause of each version add up to its difference
        from the version before, and none is unexplained. Fails with one row per version that is not explained.
        stream, metric: only these; default: all.
    -#}
    {%- do dbt_forensics.after_detection() %}
    {%- if not dbt_forensics.is_built_here() -%}{{ return(dbt_forensics.no_rows({'stream': 'text'})) }}{%- endif %}
    with unexplained as (

        {{ dbt_forensics.unexplained_versions(ref('int_forensics__metric_log').render(), ref('int_forensics__watch_log').render()) }}

    )

    select *
    from unexplained
    where 1 = 1
    {%- if stream %} and stream = {{ dbt_forensics.forensics_literal(stream) }}{% endif %}
    {%- if metric %} and metric = {{ dbt_forensics.forensics_literal(metric) }}{% endif %}
{% endtest %}
