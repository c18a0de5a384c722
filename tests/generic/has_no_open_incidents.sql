{% test has_no_open_incidents(model, stream=none, min_severity='high') %}
    {#-
        No incident is open that is this severe or more. On forensics__incidents for all streams; on the relation of a stream for the streams that read it.
        Fails with one row per incident. stream: only this one. min_severity: low | medium | high | critical.
    -#}
    {%- if not dbt_forensics.is_built_here() -%}{{ return(dbt_forensics.no_rows({'stream': 'text'})) }}{%- endif %}
    {%- if min_severity not in dbt_forensics.severities() %}
        {{ dbt_forensics._config_error('has_no_open_incidents', 'min_severity', min_severity, 'one of ' ~ dbt_forensics.severities() | join(', ')) }}
    {%- endif %}
    {%- set incidents = ref('forensics__incidents').render() %}
    {%- set reading = [] %}
    {%- for one in dbt_forensics.streams().values() if stream in [none, one.name] and dbt_forensics.stream_relation(one) | string == model | string %}
        {%- do reading.append(one.name) %}
    {%- endfor %}
    {%- set names = [stream] if stream else reading %}
    select
        incident_id,
        stream,
        kind,
        severity,
        status,
        owner,
        window_start,
        window_end,
        opened_at
    from {{ incidents }}
    where
        status not in ('resolved', 'dismissed')
        and {{ dbt_forensics.severity_rank('severity') }} >= {{ dbt_forensics.severities().index(min_severity) + 1 }}
        {%- if names %}
        and {{ dbt_forensics.is_one_of('stream', names) }}
        {%- endif %}
{% endtest %}
