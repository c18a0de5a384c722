{% macro assert_settings(kind, declared={}, node=none) %}
    {#-
        Stops where a root project configures a node of the package so that it could not keep its promises: a root project's config overrides a
        package's, in its file too. Called by every node itself; for what has no SQL of its own (a seed) by the one that reads it.
        kind, declared: see node_settings(). node: that other one. A unit test of a node has other settings than the node.
    -#}
    {%- if execute and model.resource_type != 'unit_test' -%}
        {%- if node is none -%}{%- do dbt_forensics._assert_found_again() -%}{%- endif -%}
        {%- set node = node or model -%}
        {%- set refused = [] -%}
        {%- for key, decision in dbt_forensics.node_settings().items() if decision -%}
            {%- set must = decision.must -%}
            {%- set allowed = must.internal if 'internal' in must and node.name.startswith('int_') else must.get(kind) -%}
            {%- set allowed = [declared.get(key)] if allowed == 'declared' else allowed -%}
            {%- if allowed is not none -%}
                {%- set found = dbt_forensics._setting(node, key) -%}
                {%- if not dbt_forensics._is_allowed(node, found, allowed) -%}
                    {%- do refused.append(dbt_forensics._refused_setting(key, found, allowed, decision.why)) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if refused -%}
            {%- set section = {'test': 'data_tests'}.get(node.resource_type, node.resource_type ~ 's') -%}
            {%- do exceptions.raise_compiler_error(
                'dbt_forensics: ' ~ node.name ~ ' ' ~ refused | join(' It ')
                ~ ' In dbt_project.yml give your own project the setting, ' ~ section ~ ': {' ~ project_name ~ ': {...}}, and not every project or dbt_forensics.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro _assert_found_again() %}
    {#- Stops where dbt would not find the node's relation again at the next build, and would ask for it to be deleted. -#}
    {%- if model.resource_type in ['model', 'snapshot'] and dbt_forensics.keeps_capitals() -%}
        {%- for part in ['database', 'schema', 'identifier'] if this[part] and this[part] != this[part] | lower and not this.quote_policy[part] -%}
            {%- do exceptions.raise_compiler_error(
                'dbt_forensics: ' ~ this ~ ': found quoting: {' ~ part ~ ': false} for the ' ~ part ~ ' ' ~ this[part]
                ~ ', which dbt would look for in small letters at the next build, and not find. To build, write quoting: {' ~ part ~ ': true} in dbt_project.yml, or a name without capitals.'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{% macro _setting(node, key) %}
    {#- A config of a node in the one form in which it is compared; none where it says nothing. -#}
    {%- set found = node.config.get(key) -%}
    {%- if key == 'contract' -%}
        {{ return('enforced' if found and found.enforced else 'not enforced') }}
    {%- elif key == 'snapshot_meta_column_names' -%}
        {%- set renamed = {} -%}
        {%- for column, name in (found or {}).items() if name and name != column -%}{%- do renamed.update({column: name}) -%}{%- endfor -%}
        {{ return(renamed or none) }}
    {%- elif key in ['error_if', 'warn_if', 'severity', 'fail_calc'] -%}
        {{ return(found | lower | replace(' ', '')) }}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}


{% macro _is_allowed(node, found, allowed) %}
    {%- if allowed == 'at least 1' -%}
        {{ return(found is none or found >= 1) }}
    {%- elif allowed == 'its own columns' -%}
        {%- set columns = node.columns.keys() | map('lower') | list -%}
        {%- for index in found or [] -%}
            {%- if index.columns | map('lower') | reject('in', columns) | list -%}{{ return(false) }}{%- endif -%}
        {%- endfor -%}
        {{ return(true) }}
    {%- endif -%}
    {{ return(found in allowed) }}
{% endmacro %}


{% macro _refused_setting(key, found, allowed, why) %}
    {%- set texts = [] -%}
    {%- for value in ([allowed] if allowed is string else allowed) + [found] -%}
        {%- do texts.append('nothing' if value is none else value | lower if value is boolean else value) -%}
    {%- endfor -%}
    {{ return('must be ' ~ key ~ ': ' ~ texts[:-1] | join(' or ') ~ '; found ' ~ key ~ ': ' ~ texts[-1] ~ '. ' ~ why) }}
{% endmacro %}


{% macro _assert_seeds() %}
    {#- The same for the package's seeds, which have no SQL that could say it; a project's own seed in the place of one is its own affair. -#}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.package_name == 'dbt_forensics' and node.resource_type == 'seed' -%}
            {%- do dbt_forensics.assert_settings('seed', node=node) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
