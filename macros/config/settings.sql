{% macro verify_mode() %}
    {#- Which sealed batches a build compares by digest: those inside the verify horizon, or every one (a scrub). -#}
    {%- set mode = var('forensics_verify', 'horizon') -%}
    {%- if mode not in ['horizon', 'full'] -%}
        {{ dbt_forensics._config_error("var 'forensics_verify'", none, mode, 'horizon or full') }}
    {%- endif -%}
    {{ return(mode) }}
{% endmacro %}


{% macro verify_horizon() %}
    {%- set horizon = var('forensics_verify_horizon', {'count': 3, 'period': 'day'}) -%}
    {%- do dbt_forensics._validate_period("var 'forensics_verify_horizon'", 'value', horizon) -%}
    {{ return(horizon) }}
{% endmacro %}
