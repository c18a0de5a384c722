{% macro metric_deltas(task, metric, log) %}
    {#-
        A select, for one metric, of what the new entries change: one row per window, dimensions, time of publication and cause, with
        the additive parts of the value. A changed definition adds what the old entries make by the new one, and takes away what
        stood there by the old one, both under the cause definition_changed.
    -#}
    {%- set stream = task.stream -%}
    {%- set definition = metric.definition -%}
    {%- set processed_to = dbt_forensics.timestamp_literal(metric.processed_to) if metric.processed_to else none -%}
    {%- set dimensions = {} -%}
    {%- for column in definition.dimensions | default([]) -%}
        {%- do dimensions.update({column: 'dimension_' ~ loop.index}) -%}
    {%- endfor -%}
    {%- set number = dbt_forensics.exact_number('(' ~ definition.expr ~ ')') if definition.expr else '0' -%}
    {%- set types = dbt_forensics.stream_shape(stream).known -%}
    {%- set cause = 'forensics_cause' -%}
    {%- if metric.state == 'changed' -%}
        {%- set cause = "case when forensics_recorded_at > " ~ processed_to ~ " then forensics_cause else 'definition_changed' end" -%}
    {%- endif %}
    {{ stream.name }}_{{ metric.name }}_inputs as (

        select
            forensics_window_start as window_start,
            {%- for column, alias in dimensions.items() %}
            {{ dbt_forensics.canonical_text(dbt_forensics._dimension_sql(stream, metric, column, types), dbt_forensics._type_of(column, types)) }} as {{ alias }},
            {%- endfor %}
            {{ 'forensics_recorded_from' if task.is_backcast and metric.state == 'new' else task.stamp }} as recorded_from,
            {{ cause }} as cause,
            forensics_effect as effect,
            forensics_event_id as event_id,
            forensics_row_key as row_key,
            forensics_ingested_at as ingested_at,
            {{ number }} as number
        from {{ stream.name }}_{{ 'dated' if task.is_backcast else 'entries' }}
        {%- set conditions = [] -%}
        {%- if definition.where %}{% do conditions.append('(' ~ definition.where ~ ')') %}{% endif -%}
        {%- if metric.state == 'known' and processed_to %}{% do conditions.append('forensics_recorded_at > ' ~ processed_to) %}{% endif %}
        {%- if conditions %}
        where {{ conditions | join(' and ') }}
        {%- endif %}

    ),

    {{ stream.name }}_{{ metric.name }}_grouped as (

        select
            window_start,
            {%- for alias in dimensions.values() %}
            {{ alias }},
            {%- endfor %}
            recorded_from,
            cause,
            sum(case when effect > 0 then coalesce(number, 0) else 0 end) - sum(case when effect < 0 then coalesce(number, 0) else 0 end) as sum_change,
            sum(case when number is not null then effect else 0 end) as number_change,
            sum(effect) as input_change,
            {%- for word in [1, 2] %}
            mod(sum(effect * {{ dbt_forensics.digest_word('row_key', word) }}), {{ dbt_forensics.word_modulus() }}) as digest_change_{{ word }},
            {%- endfor %}
            {#- Only these causes can have several entries of one event in a build. #}
            {%- set repeats = "cause in ('correction', 'definition_changed')" %}
            count(distinct case when {{ repeats }} then event_id end)
            + count(case when not ({{ repeats }}) then 1 end) as event_count,
            {{ dbt_forensics.first_ten('event_id', repeats) }} as sample_event_ids,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at
        from {{ stream.name }}_{{ metric.name }}_inputs
        group by window_start, {% for alias in dimensions.values() %}{{ alias }}, {% endfor %}recorded_from, cause

    ),

    {{ stream.name }}_{{ metric.name }}_deltas as (

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
            digest_change_1,
            digest_change_2,
            event_count,
            sample_event_ids,
            first_arrived_at,
            last_arrived_at
        from {{ stream.name }}_{{ metric.name }}_grouped
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
