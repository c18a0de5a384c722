{% macro assert_keeps_history(expected) %}
    {#-
        Called by every node that holds evidence. A root project's own config overrides a package's, so the node looks at what
        it was given: a table in place of an incremental model, or a full refresh, would destroy what was recorded.
        expected: {config key: value}.
    -#}
    {%- if execute -%}
        {%- for key, value in expected.items() -%}
            {%- if model.config.get(key) != value -%}
                {%- do exceptions.raise_compiler_error(
                    'dbt_forensics: ' ~ model.name ~ ' holds evidence and must be ' ~ key ~ ': ' ~ value ~ '; found ' ~ key ~ ': '
                    ~ model.config.get(key) ~ ". Remove the override from the root project's dbt_project.yml."
                ) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if flags.FULL_REFRESH -%}
            {%- if model.config.get('full_refresh') is sameas true and model.resource_type == 'model' -%}
                {%- do exceptions.raise_compiler_error(
                    'dbt_forensics: ' ~ model.name ~ ' holds evidence and must be full_refresh: false; found full_refresh: true. '
                    ~ "Remove the override from the root project's dbt_project.yml."
                ) -%}
            {%- endif -%}
            {%- do log('dbt_forensics: ' ~ model.name ~ ' keeps its rows: --full-refresh does not apply to evidence.', info=true) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro is_empty_run() %}
    {#- Under --empty every relation looks empty; nothing may be concluded from that. -#}
    {{ return(flags.EMPTY | default(false)) }}
{% endmacro %}
