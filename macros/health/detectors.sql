{% macro detectors() %}
    {#-
        The detectors, as {name: {knob, default, severity, rank}}. knob: the one setting by which a stream makes it more or less sensitive, with its default.
        severity: that of its detections, unless the stream sets another. rank: of several detections of one incident the one with the lowest rank
        names its kind: causes come before what they cause.
    -#}
    {%- set listed = [
        ('truncated_source', 'share', 0.5, 'critical'),
        ('schema_drift', 'rows', 10, 'medium'),
        ('wrong_shape_load', 'share', 0.9, 'high'),
        ('constant_offset', 'minutes', 60, 'high'),
        ('history_rewritten', 'rows', 1, 'high'),
        ('history_deleted', 'rows', 1, 'high'),
        ('history_inserted', 'rows', 1, 'medium'),
        ('unsafe_backfill', 'rows', 10, 'high'),
        ('repeated_batch', 'share', 0.9, 'medium'),
        ('duplicate_storm', 'share', 0.2, 'medium'),
        ('conflicting_duplicates', 'share', 0.05, 'high'),
        ('unparseable_payload', 'share', 0.05, 'high'),
        ('null_spike', 'share', 0.2, 'high'),
        ('value_out_of_range', 'share', 0.05, 'high'),
        ('missing_window', 'rows', 10, 'high'),
        ('freshness', 'factor', 2, 'high'),
        ('late_surge', 'share', 0.2, 'medium'),
        ('hot_entity', 'share', 0.3, 'low'),
        ('partial_batch', 'share', 0.5, 'medium'),
        ('sequence_gap', 'share', 0.02, 'high'),
        ('clock_skew', 'share', 0.05, 'medium'),
        ('volume_anomaly', 'share', 0.5, 'medium'),
        ('out_of_order_surge', 'share', 0.2, 'low'),
        ('settled_window_restated', 'share', 0.05, 'high'),
        ('metric_mismatch', 'share', 0, 'high'),
        ('unexplained_change', 'rows', 1, 'critical'),
    ] -%}
    {%- set found = {} -%}
    {%- for name, knob, default, severity in listed -%}
        {%- do found.update({name: {'knob': knob, 'default': default, 'severity': severity, 'rank': loop.index}}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}


{% macro severities() %}
    {#- What a detection or an incident can be, the mildest first. -#}
    {{ return(['low', 'medium', 'high', 'critical']) }}
{% endmacro %}


{% macro severity_rank(severity) %}
    {#- Integer: 1 for low to 4 for critical. -#}
    {{ return("case " ~ severity ~ " when 'low' then 1 when 'medium' then 2 when 'high' then 3 when 'critical' then 4 end") }}
{% endmacro %}


{% macro severity_of_rank(rank) %}
    {#- Text: the severity of a rank; critical for all from 4 on. -#}
    {{ return("case when " ~ rank ~ " >= 4 then 'critical' when " ~ rank ~ " = 3 then 'high' when " ~ rank ~ " = 2 then 'medium' when " ~ rank ~ " = 1 then 'low' end") }}
{% endmacro %}


{% macro detector_settings(detector, streams) %}
    {#-
        {stream name: {knob, severity}} of the streams for which a detector is on. What concerns watched values belongs to no stream and has the
        defaults.
    -#}
    {%- set known = dbt_forensics.detectors()[detector] -%}
    {%- set found = {} -%}
    {%- for stream in streams.values() -%}
        {%- set given = stream.get('detectors', {}).get(detector, {}) -%}
        {%- if given.get('enabled', true) -%}
            {%- do found.update({stream.name: {'knob': given.get(known.knob, known.default), 'severity': given.get('severity', known.severity)}}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if detector in ['metric_mismatch', 'unexplained_change'] -%}
        {%- do found.update({dbt_forensics.watched_stream(): {'knob': known.default, 'severity': known.severity}}) -%}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}


{% macro is_on(detector, streams, of='candidates.stream') %}
    {#- A condition: a detector is on for the stream of a row. of: the column that has the stream. -#}
    {{ return(dbt_forensics.is_one_of(of, dbt_forensics.detector_settings(detector, streams).keys() | list)) }}
{% endmacro %}


{% macro knob(detector, streams, of='candidates.stream') %}
    {#- numeric: the knob of a detector for the stream of a row. -#}
    {%- set values = {} -%}
    {%- for name, given in dbt_forensics.detector_settings(detector, streams).items() -%}{%- do values.update({name: given.knob | string}) -%}{%- endfor -%}
    {{ return('cast(' ~ dbt_forensics.value_of_stream(values, of) ~ ' as ' ~ dbt_forensics.type_exact_number() ~ ')') }}
{% endmacro %}


{% macro severity(detector, streams, of='candidates.stream') %}
    {#- Text: the severity of a detector's detections for the stream of a row. -#}
    {%- set values = {} -%}
    {%- for name, given in dbt_forensics.detector_settings(detector, streams).items() -%}{%- do values.update({name: "'" ~ given.severity ~ "'"}) -%}{%- endfor -%}
    {{ return('cast(' ~ dbt_forensics.value_of_stream(values, of) ~ ' as ' ~ dbt.type_string() ~ ')') }}
{% endmacro %}
