{% macro metric_deltas(task, metric) %}
    {#-
        CTEs, the last of them named <metric_id>_deltas: for one metric what the new entries change, by window, dimensions, time of
        publication and cause, with the additive parts of the value. A changed definition adds what the old entries make by the new
        one, and takes away what stood there by the old one, both under the cause definition_changed. Rows of one key add up.
    -#}
    {%- set stream = task.stream -%}
    {%- set name = dbt_forensics.metric_id(stream.name, metric.name) -%}
    {%- set parts = dbt_forensics.metric_parts(stream, metric.definition) -%}
    {%- set processed_to = dbt_forensics.timestamp_literal(metric.processed_to) if metric.processed_to else none -%}
    {%- set dimensions = {} -%}
    {%- for column in dbt_forensics.metric_dimensions(stream, metric.definition) -%}
        {%- do dimensions.update({column: 'dimension_' ~ loop.index}) -%}
    {%- endfor -%}
    {%- set key = ['window_start'] + dimensions.values() | list -%}
    {%- set keys = key | join(', ') -%}
    {%- set has_states = not (dbt_forensics.adds_up(parts.sum) and dbt_forensics.adds_up(parts.number)) -%}
    {%- set has_earlier = has_states and metric.state == 'known' -%}
    {%- set cause = 'forensics_cause' -%}
    {%- if metric.state == 'changed' -%}
        {%- set cause = "case when forensics_recorded_at > " ~ processed_to ~ " then forensics_cause else 'definition_changed' end" -%}
    {%- endif %}
    {{ name }}_inputs as (

        {{ dbt_forensics._inputs(
            task, metric, parts, dimensions, stream.name ~ ('_dated' if task.is_backcast else '_entries'),
            'forensics_recorded_at > ' ~ processed_to if metric.state == 'known' else none,
            'forensics_recorded_from' if task.is_backcast and metric.state == 'new' else task.stamp, cause
        ) }}

    ),
    {% if has_earlier %}
    {{ name }}_earlier as (

        {{ dbt_forensics._inputs(
            task, metric, parts, dimensions, stream.name ~ '_earlier', 'forensics_recorded_at <= ' ~ processed_to, task.stamp, cause
        ) }}

    ),
    {% endif %}
    {{ name }}_grouped as (

        select
            {{ keys }},
            recorded_from,
            cause,
            {{ dbt_forensics._added(parts.sum, 'sum_input') }} as sum_change,
            {{ dbt_forensics._added(parts.number, 'number_input') }} as number_change,
            sum(effect) as input_change,
            {{ 'sum(effect * is_unknown)' if dbt_forensics.lacking(stream, metric.definition) else '0' }} as unknown_change,
            {%- for word in [1, 2] %}
            mod(sum(effect * {{ dbt_forensics.digest_word('row_key', word) }}), {{ dbt_forensics.word_modulus() }}) as digest_change_{{ word }},
            {%- endfor %}
            {#- Only these causes can have several entries of one event in a build. #}
            {%- set repeats = "cause in ('correction', 'rewritten', 'definition_changed')" %}
            count(distinct case when {{ repeats }} then event_id end)
            + count(case when not ({{ repeats }}) then 1 end) as event_count,
            {{ dbt_forensics.first_ten('event_id', repeats) }} as sample_event_ids,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at
        from {{ name }}_inputs
        group by {{ keys }}, recorded_from, cause

    ),
    {% if not dbt_forensics.adds_up(parts.sum) %}
    {{ dbt_forensics.metric_states(
        name ~ '_sum', key, 'sum_input', {'least': 'min', 'greatest': 'max'}.get(parts.sum.kind), name ~ '_inputs', name ~ '_earlier' if has_earlier else none
    ) }},
    {% endif %}
    {%- if not dbt_forensics.adds_up(parts.number) and metric.definition.agg == 'ratio' %}
    {{ dbt_forensics.metric_states(name ~ '_number', key, 'number_input', none, name ~ '_inputs', name ~ '_earlier' if has_earlier else none) }},
    {% endif %}
    {{ name }}_deltas as (

        select
            cast('{{ stream.name }}' as {{ dbt.type_string() }}) as stream,
            cast('{{ metric.name }}' as {{ dbt.type_string() }}) as metric,
            window_start,
            {{ dbt_forensics.window_end(stream.window, 'window_start') }} as window_end,
            {{ dbt_forensics.canonical_json(dimensions) }} as dimensions,
            recorded_from,
            cause,
            sum_change,
            number_change,
            input_change,
            unknown_change,
            digest_change_1,
            digest_change_2,
            event_count,
            sample_event_ids,
            first_arrived_at,
            last_arrived_at
        from {{ name }}_grouped
        {%- if not dbt_forensics.adds_up(parts.sum) %}
        {%- set sum_change = 'distinct_change' if parts.sum.kind == 'distinct' else 'extreme_change' %}
        {%- set number_change = '0' if metric.definition.agg == 'ratio' else 'distinct_change' %}
        {{ dbt_forensics._state_deltas(stream, metric, dimensions, name ~ '_sum_changes', sum_change, number_change) }}
        {%- endif %}
        {%- if not dbt_forensics.adds_up(parts.number) and metric.definition.agg == 'ratio' %}
        {{ dbt_forensics._state_deltas(stream, metric, dimensions, name ~ '_number_changes', '0', 'distinct_change') }}
        {%- endif %}
        {%- if metric.state == 'changed' %}
        union all
        select
            latest.stream,
            latest.metric,
            latest.window_start,
            latest.window_end,
            latest.dimensions,
            {{ task.stamp }} as recorded_from,
            'definition_changed' as cause,
            -latest.sum_of_numbers as sum_change,
            -latest.number_count as number_change,
            -latest.input_count as input_change,
            -latest.unknown_count as unknown_change,
            -latest.digest_word_1 as digest_change_1,
            -latest.digest_word_2 as digest_change_2,
            0 as event_count,
            cast(null as {{ dbt.type_string() }}) as sample_event_ids,
            cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
            cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at
        from latest_versions as latest
        where latest.stream = '{{ stream.name }}' and latest.metric = '{{ metric.name }}'
        {%- endif %}

    )
{% endmacro %}


{% macro metric_id(stream_name, metric_name) %}
    {#-
        What the names of a metric's CTEs begin with: another one for each, also of the metric net_revenue of shop and the metric revenue of shop_net, or of names that only
        capitals tell apart; and short enough where an engine cuts names at 63 characters.
    -#}
    {{ return((stream_name ~ '_' ~ metric_name)[:30] ~ '_' ~ local_md5(stream_name ~ '.' ~ metric_name)[:10]) }}
{% endmacro %}


{% macro _inputs(task, metric, parts, dimensions, entries, condition, recorded_from, cause) %}
    {#- A select of the entries of a metric, with its key and what each of its two parts takes from them. -#}
    {%- set stream = task.stream -%}
    {%- set lacking = dbt_forensics.lacking(stream, metric.definition) -%}
    {%- set conditions = [] -%}
    {%- if parts.where -%}{%- do conditions.append('(' ~ parts.where ~ (' or ' ~ lacking if lacking else '') ~ ')') -%}{%- endif -%}
    {%- if condition -%}{%- do conditions.append(condition) -%}{%- endif -%}
    {%- for entry_part in dbt_forensics.entry_parts(stream, entries) -%}
    {%- set types = entry_part.types -%}
    {{- '\n        union all\n        ' if not loop.first -}}
    select
            forensics_window_start as window_start,
            {%- for column, alias in dimensions.items() %}
            {{ dbt_forensics.canonical_text(dbt_forensics._dimension_sql(stream, metric, column, types), dbt_forensics._type_of(column, types)) }} as {{ alias }},
            {%- endfor %}
            {{ recorded_from }} as recorded_from,
            {{ cause }} as cause,
            forensics_effect as effect,
            forensics_event_id as event_id,
            forensics_row_key as row_key,
            forensics_ingested_at as ingested_at,
            {%- if lacking %}
            case when {{ lacking }} then 1 else 0 end as is_unknown,
            {%- endif %}
            {%- for input, part in {'sum_input': parts.sum, 'number_input': parts.number}.items() %}
            {{ 'case when not ' ~ lacking ~ ' then ' if lacking }}{{ dbt_forensics._taken(part, types) }}{{ ' end' if lacking }} as {{ input }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ entry_part.from }}
        {%- if conditions %}
        where {{ conditions | join(' and ') }}
        {%- endif %}
    {%- endfor -%}
{%- endmacro %}


{% macro _taken(part, types) %}
    {#- What a part takes from an entry: a number, a text to be told apart from others, or 1; NULL where it takes nothing. -#}
    {%- if part.kind == 'rows' -%}
        {%- set taken = '1' -%}
    {%- elif part.is_number -%}
        {%- set taken = dbt_forensics.exact_number('(' ~ part.expr ~ ')') -%}
    {%- else -%}
        {%- set column = dbt_forensics._column_named(part.expr | string | trim, types) -%}
        {%- set taken = dbt_forensics.canonical_text(dbt_forensics.quoted(column), types[column]) if column else 'cast((' ~ part.expr ~ ') as ' ~ dbt.type_string() ~ ')' -%}
    {%- endif -%}
    {{ return('case when ' ~ part.where ~ ' then ' ~ taken ~ ' end' if part.where else taken) }}
{% endmacro %}


{% macro _added(part, input) %}
    {%- if part.kind == 'added' -%}{{ return(
            'sum(case when effect > 0 then coalesce(' ~ input ~ ', 0) else 0 end) - sum(case when effect < 0 then coalesce(' ~ input ~ ', 0) else 0 end)'
        ) }}
    {%- elif dbt_forensics.adds_up(part) -%}{{ return('sum(case when ' ~ input ~ ' is not null then effect else 0 end)') }}
    {%- endif -%}
    {{ return('0') }}
{% endmacro %}


{% macro _state_deltas(stream, metric, dimensions, changes, sum_change, number_change) %}
    union all
        select
            cast('{{ stream.name }}' as {{ dbt.type_string() }}) as stream,
            cast('{{ metric.name }}' as {{ dbt.type_string() }}) as metric,
            window_start,
            {{ dbt_forensics.window_end(stream.window, 'window_start') }} as window_end,
            {{ dbt_forensics.canonical_json(dimensions) }} as dimensions,
            recorded_from,
            cause,
            {{ sum_change }} as sum_change,
            {{ number_change }} as number_change,
            0 as input_change,
            0 as unknown_change,
            0 as digest_change_1,
            0 as digest_change_2,
            0 as event_count,
            cast(null as {{ dbt.type_string() }}) as sample_event_ids,
            cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
            cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at
        from {{ changes }}
{%- endmacro %}


{% macro _dimension_sql(stream, metric, column, types) %}
    {%- set found = dbt_forensics._column_named(column, types) -%}
    {%- if not found -%}
        {{ dbt_forensics._config_error("stream '" ~ stream.name ~ "'", 'metrics.' ~ metric.name ~ '.dimensions', column ~ ', which ' ~ stream.relation ~ ' does not have', 'its columns: ' ~ types.keys() | join(', ')) }}
    {%- endif -%}
    {{ return(dbt_forensics.quoted(found)) }}
{% endmacro %}


{% macro _type_of(column, types) %}
    {{ return(types[dbt_forensics._column_named(column, types)]) }}
{% endmacro %}
