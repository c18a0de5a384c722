{% test does_not_restate_settled_windows(model, stream=none, metric=none, allow=[], since=none) %}
    {#-
        On forensics__metric_versions: no value moved after its window was settled. Fails with one row per version that moved one.
        stream, metric: only these; default: all. allow: causes by which a settled value may change, such as [definition_changed].
        since: only versions recorded at this UTC time or later.
    -#}
    {%- do dbt_forensics.after_detection() %}
    {%- if not dbt_forensics.is_built_here() -%}{{ return(dbt_forensics.no_rows({'stream': 'text'})) }}{%- endif %}
    {%- set streams = dbt_forensics.streams_of(none, stream) %}
    {%- set allowed = [allow] if allow is string else allow %}
    {%- for cause in allowed if cause not in dbt_forensics.causes() %}
        {{ dbt_forensics._config_error('does_not_restate_settled_windows', 'allow', cause, 'causes, of ' ~ dbt_forensics.causes() | join(', ')) }}
    {%- endfor %}
    {%- set metrics = [] %}
    {%- for one in streams.values() %}{% do metrics.extend(one.metrics.keys()) %}{% endfor %}
    {%- if metric and metric not in metrics %}
        {{ dbt_forensics._config_error('does_not_restate_settled_windows', 'metric', metric, 'one of ' ~ metrics | unique | join(', ')) }}
    {%- endif %}
    {%- set versions = ref('forensics__metric_versions').render() %}
    {%- set changes = ref('forensics__metric_changes').render() %}
    {%- set declared = ref('forensics__streams').render() %}
    with restated as (

        {{ dbt_forensics.restated_versions(versions, changes, declared, allowed, streams.keys() | list) }}

    )

    select *
    from restated
    where 1 = 1
    {%- if metric %} and metric = {{ dbt_forensics.forensics_literal(metric) }}{% endif %}
    {%- if since is not none %} and recorded_from >= {{ dbt_forensics.timestamp_literal(dbt_forensics.utc_time_text('does_not_restate_settled_windows', 'since', since)) }}{% endif %}
{% endtest %}
