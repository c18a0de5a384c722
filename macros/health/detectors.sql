{% macro detectors() %}
    {#-
        The detectors, as {name: {setting, default, severity, rank}}. setting: the one key by which a stream makes it more or less sensitive, with the default of this threshold.
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
        ('distribution_shift', 'share', 0.1, 'high'),
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
        ('undeclared_writes', 'rows', 10, 'low'),
        ('metric_mismatch', 'share', 0, 'high'),
        ('unexplained_change', 'rows', 1, 'critical'),
        ('dimension_vanished', 'share', 0.9, 'medium'),
        ('metric_flat', 'factor', 3, 'medium'),
        ('level_shift', 'share', 0.1, 'medium'),
        ('metric_anomaly', 'share', 0.05, 'low'),
    ] -%}
    {%- set found = {} -%}
    {%- for name, setting, default, severity in listed -%}
        {%- do found.update({name: {'setting': setting, 'default': default, 'severity': severity, 'rank': loop.index}}) -%}
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


{% macro _detector_defaults() %}
    {#- The detectors with their defaults, as a list of {detector, threshold, severity}. -#}
    {%- set rows = [] -%}
    {%- for name, known in dbt_forensics.detectors().items() -%}
        {%- do rows.append({'detector': name, 'threshold': known.default, 'severity': known.severity}) -%}
    {%- endfor -%}
    {{ return(rows) }}
{% endmacro %}


{% macro _given_detector_settings(streams) %}
    {#- What streams say of their detectors, as a list of {stream, detector, threshold, severity, is_enabled}; NULL is the default. -#}
    {%- set rows = [] -%}
    {%- for stream in streams.values() -%}
        {%- for name, given in stream.detectors.items() -%}
            {%- do rows.append({
                'stream': stream.name, 'detector': name, 'threshold': given.get(dbt_forensics.detectors()[name].setting),
                'severity': given.get('severity'), 'is_enabled': given.get('enabled', true),
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(rows) }}
{% endmacro %}


{% macro _detector_ranks() %}
    {#- The place of each detector among those that may name an incident's kind, the most telling first: a list of {detector, rank}. -#}
    {%- set rows = [] -%}
    {%- for name, known in dbt_forensics.detectors().items() -%}{%- do rows.append({'detector': name, 'rank': known.rank}) -%}{%- endfor -%}
    {{ return(rows) }}
{% endmacro %}
