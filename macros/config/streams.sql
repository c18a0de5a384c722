{% macro streams() %}
    {#- The declared streams, validated and completed with defaults, as {name: stream}, in their order. -#}
    {%- set declared = var('forensics_streams', {}) or {} -%}
    {%- if declared is not mapping -%}
        {{ dbt_forensics._config_error('forensics_streams', none, declared, 'a mapping of stream names to their configuration') }}
    {%- endif -%}
    {%- do dbt_forensics._validate_names_apart('forensics_streams', declared) -%}
    {%- set completed = {} -%}
    {%- for name, given in declared.items() -%}
        {%- do completed.update({name: dbt_forensics._complete_stream(name, given)}) -%}
    {%- endfor -%}
    {{ return(completed) }}
{% endmacro %}


{% macro _complete_stream(name, given) %}
    {#- dbt parses every node again where a var changed: a node that it runs was validated then. -#}
    {%- if not execute or model is not defined or model.resource_type == 'macro' -%}{%- do dbt_forensics._validate_stream(name, given) -%}{%- endif -%}
    {%- set stream = {
        'name': name,
        'writes': 'append',
        'complete_batches': none,
        'window': 'day',
        'expected_delay': {'count': 1, 'period': 'hour'},
        'clock_skew': {'count': 5, 'period': 'minute'},
        'allowed_lateness': {'count': 3, 'period': 'day'},
        'on_conflict': 'first_wins',
        'too_late': 'include',
        'backcast': {'every': 'none'},
        'rules': {},
        'metrics': {},
        'personal_data': [],
        'detectors': {},
        'max_withdrawn_share': 0.5,
        'owner': none,
        'replaces': none,
    } -%}
    {%- do stream.update(given) -%}
    {{ return(stream) }}
{% endmacro %}


{% macro stream_relation(stream) %}
    {#- The raw relation of a stream, through source() or ref(), so that lineage is real. -#}
    {%- set given = dbt_forensics._relation_parts(stream.relation) -%}
    {%- if given.kind == 'source' -%}{{ return(source(*given.names)) }}{%- endif -%}
    {#- A project's own macro `ref` may take no more than one name. -#}
    {%- set has_own_ref = 'ref' in context.get(project_name, {}) -%}
    {%- set names = given.names if given.names | length == 2 or has_own_ref else [project_name] + given.names -%}
    {{ return(ref(*names, v=given.version) if given.version else ref(*names)) }}
{% endmacro %}


{% macro stream_relations(streams) %}
    {#- The raw relations of streams, as a list: a node that calls it depends on them. Without ephemeral models, which are nowhere: a stream of one cannot be read (see stream_shape). -#}
    {%- set relations = [] -%}
    {%- for stream in streams.values() -%}
        {%- set relation = dbt_forensics.stream_relation(stream) -%}
        {%- if not relation.is_cte -%}{%- do relations.append(relation) -%}{%- endif -%}
        {%- set loads = dbt_forensics._loads_relation(stream) if stream.complete_batches else none -%}
        {%- if loads and not loads.is_cte -%}{%- do relations.append(loads) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(relations) }}
{% endmacro %}


{% macro _declared_stream_columns() %}
    {#- The columns of forensics__streams with their types. -#}
    {{ return({
        'stream': 'text', 'relation': 'text', 'window_period': 'text', 'window_minutes': 'integer', 'expected_delay_minutes': 'integer',
        'allowed_lateness_minutes': 'integer', 'clock_skew_minutes': 'integer', 'on_conflict': 'text', 'too_late': 'text',
        'max_withdrawn_share': 'number', 'writes': 'text', 'owner': 'text',
    }) }}
{% endmacro %}


{% macro _minutes_of(length) %}
    {#- Integer: the minutes of a length of time such as {count: 3, period: day}. -#}
    {{ return(length['count'] * {'minute': 1, 'hour': 60, 'day': 1440}[length.period]) }}
{% endmacro %}


{% macro _words_of_metric(stream, definition) %}
    {#- A list of the words that a metric is made of, each once: those of its parts, of a ratio. -#}
    {%- set parts = [definition] if definition.agg != 'ratio' else [stream.metrics[definition.numerator], stream.metrics[definition.denominator]] -%}
    {%- set texts = [] -%}
    {%- for part in parts -%}{%- do texts.append([part.expr | default(''), part.where | default(''), part.dimensions | default([]) | join(' ')] | join(' ')) -%}{%- endfor -%}
    {{ return(modules.re.findall('\\w+', dbt_forensics._words_alone(texts | join(' '))) | unique | list) }}
{% endmacro %}


{% macro stream_roles() %}
    {#- What a stream maps columns of its relation to. -#}
    {{ return(['event_id', 'entity_id', 'event_type', 'event_time', 'ingested_at', 'batch_id', 'sequence_number', 'schema_version', 'tenant']) }}
{% endmacro %}
