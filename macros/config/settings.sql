{% macro verify_mode() %}
    {#- Which sealed batches a build compares by digest: those inside the verify horizon, or every one (a scrub). -#}
    {%- set mode = var('forensics_verify', 'horizon') -%}
    {%- if mode not in ['horizon', 'full'] -%}
        {{ dbt_forensics._config_error("var 'forensics_verify'", none, mode, 'horizon or full') }}
    {%- endif -%}
    {{ return(mode) }}
{% endmacro %}


{% macro verify_horizon() %}
    {#- How far back from the latest arrival sealed batches are compared by digest. -#}
    {%- set horizon = var('forensics_verify_horizon', {'count': 3, 'period': 'day'}) -%}
    {%- do dbt_forensics._validate_period("var 'forensics_verify_horizon'", 'value', horizon) -%}
    {{ return(horizon) }}
{% endmacro %}


{% macro accepted_withdrawals(streams) %}
    {#- The streams for which somebody gave the word in this build. -#}
    {%- set given = var('forensics_accept_withdrawals', []) or [] -%}
    {%- if given == 'all' -%}{{ return(streams.keys() | list) }}{%- endif -%}
    {%- if given is string or given is mapping or given is not iterable or given | reject('in', streams) | list -%}
        {{ dbt_forensics._config_error("var 'forensics_accept_withdrawals'", none, given, 'all, or a list of declared streams: ' ~ streams.keys() | join(', ')) }}
    {%- endif -%}
    {{ return(given | list) }}
{% endmacro %}
