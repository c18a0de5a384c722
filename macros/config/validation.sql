{% macro _validate_stream(name, given) %}
    {%- set where = "stream '" ~ name ~ "'" -%}
    {%- if not modules.re.match('^[A-Za-z][A-Za-z0-9_]*$', name | string) -%}
        {{ dbt_forensics._config_error(where, 'name', name, 'letters, digits and underscores, beginning with a letter') }}
    {%- endif -%}
    {%- if given is not mapping -%}
        {{ dbt_forensics._config_error(where, none, given, 'a mapping of keys to values') }}
    {%- endif -%}
    {%- set known = dbt_forensics._stream_keys() -%}
    {%- for key in given -%}
        {%- if key not in known -%}
            {{ dbt_forensics._config_error(where, key, 'an unknown key', 'one of ' ~ known | join(', ')) }}
        {%- endif -%}
    {%- endfor -%}
    {%- for key in ['relation', 'event_time', 'ingested_at'] -%}
        {%- if key not in given -%}
            {{ dbt_forensics._config_error(where, key, 'nothing', 'required: ' ~ ('source.<source>.<table> or ref.<model>' if key == 'relation' else 'a column or expression')) }}
        {%- endif -%}
    {%- endfor -%}
    {%- do dbt_forensics._validate_relation(where, given.relation) -%}
    {%- for role in dbt_forensics.stream_roles() if role in given -%}
        {%- if given[role] is not string or not given[role] | trim -%}
            {{ dbt_forensics._config_error(where, role, given[role], 'a column or an SQL expression, as text') }}
        {%- endif -%}
    {%- endfor -%}
    {%- for key in ['payload', 'personal_data'] if key in given -%}
        {%- if given[key] is string or given[key] is mapping or given[key] is not iterable or given[key] | reject('string') | list or given[key] | unique(case_sensitive=true) | list | length != given[key] | length -%}
            {{ dbt_forensics._config_error(where, key, given[key], 'a list of column names, each once') }}
        {%- endif -%}
    {%- endfor -%}
    {%- for key, allowed in {'writes': ['append', 'merge', 'replace'], 'window': ['hour', 'day'], 'on_conflict': ['first_wins', 'last_wins'], 'too_late': ['include', 'exclude']}.items() if key in given -%}
        {%- if given[key] not in allowed -%}
            {{ dbt_forensics._config_error(where, key, given[key], 'one of ' ~ allowed | join(', ')) }}
        {%- endif -%}
    {%- endfor -%}
    {%- for key in ['expected_delay', 'clock_skew', 'allowed_lateness'] if key in given -%}
        {%- do dbt_forensics._validate_period(where, key, given[key]) -%}
    {%- endfor -%}
    {%- if given.get('complete_batches') is not none -%}
        {%- do dbt_forensics._validate_complete_batches(where, given) -%}
    {%- endif -%}
    {%- if 'backcast' in given -%}
        {%- do dbt_forensics._validate_backcast(where, given.backcast) -%}
    {%- endif -%}
    {%- do dbt_forensics._validate_rules(where, given.get('rules', {})) -%}
    {%- do dbt_forensics._validate_metrics(where, given.get('metrics', {})) -%}
    {%- do dbt_forensics._validate_detectors(where, given.get('detectors', {})) -%}
    {%- set share = given.get('max_withdrawn_share', 0.5) -%}
    {%- if share is boolean or share is not number or share <= 0 or share > 1 -%}
        {{ dbt_forensics._config_error(where, 'max_withdrawn_share', share, 'a number above 0, at most 1 (nothing is held)') }}
    {%- endif -%}
    {%- if 'owner' in given and (given.owner is not string or not given.owner | trim) -%}
        {{ dbt_forensics._config_error(where, 'owner', given.owner, 'a name or an address, as text') }}
    {%- endif -%}
    {%- if 'replaces' in given and (given.replaces is not string or given.replaces in var('forensics_streams')) -%}
        {{ dbt_forensics._config_error(where, 'replaces', given.replaces, 'the name of a stream that is on record and not declared any more') }}
    {%- endif -%}
{% endmacro %}


{% macro _validate_names_apart(where, declared) %}
    {#- Names that only capitals tell apart would be one name in the SQL of the package, and long ones too where an engine cuts names at 63 characters. -#}
    {%- set seen = {} -%}
    {%- for name in declared if name is string -%}
        {%- if name | length > 47 -%}
            {{ dbt_forensics._config_error(where, none, 'the name ' ~ name, 'names of at most 47 characters') }}
        {%- elif name | lower in seen -%}
            {{ dbt_forensics._config_error(where, none, 'the names ' ~ seen[name | lower] ~ ' and ' ~ name, 'names that more than capitals tell apart') }}
        {%- endif -%}
        {%- do seen.update({name | lower: name}) -%}
    {%- endfor -%}
{% endmacro %}


{% macro _stream_keys() %}
    {{ return(['relation'] + dbt_forensics.stream_roles() + ['payload', 'window', 'expected_delay', 'clock_skew', 'allowed_lateness', 'on_conflict', 'too_late', 'backcast', 'rules', 'metrics', 'personal_data', 'detectors', 'writes', 'complete_batches', 'owner', 'max_withdrawn_share', 'replaces']) }}
{% endmacro %}


{% macro _validate_relation(where, relation) %}
    {%- if not dbt_forensics._relation_parts(relation) -%}
        {{ dbt_forensics._config_error(where, 'relation', relation, 'source.<source>.<table>, ref.<model>, ref.<package>.<model> or ref.<model>.v<version>, a name with a dot in double quotes') }}
    {%- endif -%}
{% endmacro %}


{% macro _relation_parts(relation) %}
    {#-
        {kind: source or ref, names, version} of what the key relation says; none if it says none of them. A last part such as v2 is a version, unless it is in
        double quotes. A name in double quotes may have dots.
    -#}
    {%- set name = '(?:"[^"]+"|[^."\\s][^."]*)' -%}
    {%- if relation is not string or not modules.re.match('^' ~ name ~ '(?:[.]' ~ name ~ ')+$', relation) -%}{{ return(none) }}{%- endif -%}
    {%- set parts = modules.re.findall(name, relation) -%}
    {%- set version = parts.pop()[1:] if parts[0] == 'ref' and parts | length > 2 and modules.re.match('^v[0-9]+$', parts[-1]) else none -%}
    {%- set names = [] -%}
    {%- for part in parts[1:] -%}{%- do names.append(part | replace('"', '')) -%}{%- endfor -%}
    {%- set is_one = (parts[0] == 'source' and names | length == 2) or (parts[0] == 'ref' and names | length in [1, 2]) -%}
    {{ return({'kind': parts[0], 'names': names, 'version': version} if is_one else none) }}
{% endmacro %}


{% macro _validate_period(where, key, value) %}
    {%- set allowed = 'a mapping such as {count: 3, period: day}: count a whole number from 0, period one of minute, hour, day' -%}
    {%- if value is not mapping
        or value.keys() | sort | join(',') != 'count,period'
        or value.count is boolean or value.count is not integer or value.count < 0
        or value.period not in ['minute', 'hour', 'day'] -%}
        {{ dbt_forensics._config_error(where, key, value, allowed) }}
    {%- endif -%}
{% endmacro %}


{% macro _validate_backcast(where, value) %}
    {%- if value is not mapping or value.keys() | list != ['every'] or value.every not in ['batch', 'hour', 'day', 'none'] -%}
        {{ dbt_forensics._config_error(where, 'backcast', value, '{every: batch | hour | day | none}') }}
    {%- endif -%}
{% endmacro %}


{% macro _validate_rules(where, rules) %}
    {%- if rules is not mapping -%}
        {{ dbt_forensics._config_error(where, 'rules', rules, 'a mapping of rule names to SQL conditions') }}
    {%- endif -%}
    {%- for rule, condition in rules.items() -%}
        {%- do dbt_forensics._validate_name(where, 'rules', rule) -%}
        {%- if condition is not string or not condition | trim -%}
            {{ dbt_forensics._config_error(where, 'rules.' ~ rule, condition, 'an SQL condition, as text') }}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro _validate_metrics(where, metrics) %}
    {%- if metrics is not mapping -%}
        {{ dbt_forensics._config_error(where, 'metrics', metrics, 'a mapping of metric names to their definition') }}
    {%- endif -%}
    {%- for metric, definition in metrics.items() -%}
        {%- do dbt_forensics._validate_name(where, 'metrics', metric) -%}
        {%- set key = 'metrics.' ~ metric -%}
        {%- if definition is not mapping -%}
            {{ dbt_forensics._config_error(where, key, definition, 'a mapping with agg and what it needs') }}
        {%- endif -%}
        {%- set aggs = ['sum', 'count', 'avg', 'count_distinct', 'min', 'max', 'ratio'] -%}
        {%- if definition.agg not in aggs -%}
            {{ dbt_forensics._config_error(where, key ~ '.agg', definition.agg, 'one of ' ~ aggs | join(', ')) }}
        {%- endif -%}
        {%- set parts = ['agg', 'numerator', 'denominator'] if definition.agg == 'ratio' else ['agg', 'expr', 'where', 'dimensions'] -%}
        {%- for part in definition if part not in parts -%}
            {{ dbt_forensics._config_error(where, key ~ '.' ~ part, 'an unknown key', 'one of ' ~ parts | join(', ')) }}
        {%- endfor -%}
        {%- if definition.agg == 'ratio' -%}
            {%- do dbt_forensics._validate_ratio(where, key, definition, metrics) -%}
        {%- elif definition.agg != 'count' and 'expr' not in definition -%}
            {{ dbt_forensics._config_error(where, key ~ '.expr', 'nothing', 'an SQL expression: ' ~ definition.agg ~ ' needs one') }}
        {%- endif -%}
        {%- if definition.agg == 'count' and 'expr' in definition -%}
            {{ dbt_forensics._config_error(where, key ~ '.expr', definition.expr, 'no expr: count counts rows; to leave some out, use where') }}
        {%- endif -%}
        {%- for part in ['expr', 'where'] if part in definition -%}
            {%- if (definition[part] is not string and definition[part] is not number) or not definition[part] | string | trim -%}
                {{ dbt_forensics._config_error(where, key ~ '.' ~ part, definition[part], 'an SQL expression, as text') }}
            {%- endif -%}
        {%- endfor -%}
        {%- set dimensions = definition.get('dimensions', []) -%}
        {%- if dimensions is string or dimensions is mapping or dimensions is not iterable or dimensions | reject('string') | list or dimensions | unique(case_sensitive=true) | list | length != dimensions | length -%}
            {{ dbt_forensics._config_error(where, key ~ '.dimensions', dimensions, 'a list of column names, each once') }}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro _validate_ratio(where, key, definition, metrics) %}
    {%- set parts = metrics.items() | selectattr('1.agg', 'in', ['sum', 'count', 'count_distinct']) | map(attribute='0') | list -%}
    {%- for part in ['numerator', 'denominator'] -%}
        {%- if definition.get(part) not in parts -%}
            {{ dbt_forensics._config_error(where, key ~ '.' ~ part, definition.get(part, 'nothing'), 'a sum, count or count_distinct of the stream: ' ~ parts | join(', ')) }}
        {%- endif -%}
    {%- endfor -%}
    {%- if metrics[definition.numerator].get('dimensions', []) != metrics[definition.denominator].get('dimensions', []) -%}
        {{ dbt_forensics._config_error(where, key, definition.numerator ~ ' and ' ~ definition.denominator ~ ', which have different dimensions', 'two metrics with the same dimensions') }}
    {%- endif -%}
{% endmacro %}


{% macro _validate_detectors(where, detectors) %}
    {%- if detectors is not mapping -%}
        {{ dbt_forensics._config_error(where, 'detectors', detectors, 'a mapping of detector names to their settings') }}
    {%- endif -%}
    {%- set known = dbt_forensics.detectors() -%}
    {%- for name, given in detectors.items() -%}
        {%- set key = 'detectors.' ~ name -%}
        {%- if name not in known -%}
            {{ dbt_forensics._config_error(where, key, 'an unknown detector', 'one of ' ~ known.keys() | join(', ')) }}
        {%- endif -%}
        {%- set setting = known[name].setting -%}
        {%- if given is not mapping -%}
            {{ dbt_forensics._config_error(where, key, given, 'a mapping such as {' ~ setting ~ ': ' ~ known[name].default ~ '} or {enabled: false}') }}
        {%- endif -%}
        {%- for part in given if part not in [setting, 'severity', 'enabled'] -%}
            {{ dbt_forensics._config_error(where, key ~ '.' ~ part, 'an unknown key', 'one of ' ~ [setting, 'severity', 'enabled'] | join(', ')) }}
        {%- endfor -%}
        {%- if 'enabled' in given and given.enabled is not boolean -%}
            {{ dbt_forensics._config_error(where, key ~ '.enabled', given.enabled, 'true or false') }}
        {%- endif -%}
        {%- if 'severity' in given and given.severity not in dbt_forensics.severities() -%}
            {{ dbt_forensics._config_error(where, key ~ '.severity', given.severity, 'one of ' ~ dbt_forensics.severities() | join(', ')) }}
        {%- endif -%}
        {%- if setting in given -%}
            {%- do dbt_forensics._validate_threshold(where, key ~ '.' ~ setting, setting, given[setting]) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro _validate_threshold(where, key, setting, value) %}
    {%- set is_number = value is number and value is not boolean -%}
    {%- if setting == 'share' and not (is_number and 0 <= value < 1) -%}
        {{ dbt_forensics._config_error(where, key, value, 'a number from 0 to below 1') }}
    {%- elif setting != 'share' and not (is_number and value is integer and value >= 1) -%}
        {{ dbt_forensics._config_error(where, key, value, 'a whole number from 1') }}
    {%- endif -%}
{% endmacro %}


{% macro _validate_name(where, key, name) %}
    {%- if not modules.re.match('^[A-Za-z][A-Za-z0-9_]*$', name | string) -%}
        {{ dbt_forensics._config_error(where, key, name, 'names of letters, digits and underscores, beginning with a letter') }}
    {%- endif -%}
{% endmacro %}


{% macro _config_error(where, key, found, allowed) %}
    {%- do exceptions.raise_compiler_error('dbt_forensics: ' ~ where ~ (", key '" ~ key ~ "'" if key else '') ~ ': ' ~ dbt_forensics._found(found, allowed)) -%}
{% endmacro %}


{% macro _found(found, allowed) %}
    {{ return('found ' ~ found ~ '; allowed: ' ~ allowed ~ '.') }}
{% endmacro %}
