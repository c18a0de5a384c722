{% macro after_detection() %}
    {#-
        For tests of what is on record: they run when detection is through. `dbt build` skips what is downstream of all that a failing test
        reads, and what the test found would be in no incident.
    -#}
    {%- do ref('forensics__incident_timeline') -%}
    {%- do ref('forensics__incident_impact') -%}
{% endmacro %}
