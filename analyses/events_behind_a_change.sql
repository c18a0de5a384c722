-- Which events are behind the changes of a value? One row per ledger entry that a version of a metric's value in a window contains, with what it
-- added. For sum and count the contributions add up to the change by each cause; for avg they are the numbers that are averaged. Rows are chosen
-- by the metric's definition as it is now; a change by definition_changed has no entries of its own. Change the two values in `asked`.
{%- set streams = dbt_forensics.streams() %}
{%- set ledger = ref('forensics__ledger') %}
{%- set history = ref('forensics__event_history') %}
{%- set inputs_of_metrics = [] %}
{%- set relations = dbt_forensics.stream_relations(streams) + [ledger, history] %}
with asked as (

    select
        'revenue' as metric,
        cast('2026-01-05 00:00:00' as {{ dbt.type_timestamp() }}) as window_start

),
{%- if dbt_forensics.can_read(relations) %}
{%- for stream in streams.values() if stream.metrics %}
{%- set types = dbt_forensics.stream_shape(stream).known %}
{%- set every = stream.backcast.every %}
{%- set published_at = 'forensics_effective_at' if every == 'batch' else 'forensics_recorded_at' %}
{%- if every in ['hour', 'day'] %}
{%- set cut_off = dbt_forensics.time_plus(every, 1, dbt_forensics.time_trunc(every, 'forensics_effective_at')) %}
{%- set published_at = 'case when forensics_effective_at < forensics_recorded_at then '
    ~ dbt_forensics.least_of(cut_off, 'forensics_recorded_at') ~ ' else forensics_recorded_at end' %}
{%- endif %}
{{ dbt_forensics.typed_entries(stream, ledger, history) }},

{{ stream.name }}_asked as (

    select entries.*
    from {{ stream.name }}_entries as entries
    inner join asked
        on entries.forensics_window_start = asked.window_start

),
{%- for metric, definition in stream.metrics.items() %}
{%- set dimensions = {} %}
{%- set parts = dbt_forensics.metric_parts(stream, definition) %}
{%- for column in dbt_forensics.metric_dimensions(stream, definition) %}
{%- set dimension = dbt_forensics._dimension_sql(stream, {'name': metric}, column, types) %}
{%- do dimensions.update({column: dbt_forensics.canonical_text(dimension, dbt_forensics._type_of(column, types))}) %}
{%- endfor %}
{%- do inputs_of_metrics.append(dbt_forensics.metric_id(stream.name, metric) ~ '_inputs') %}

{{ inputs_of_metrics | last }} as (

    select
        cast('{{ stream.name }}' as {{ dbt.type_string() }}) as stream,
        cast('{{ metric }}' as {{ dbt.type_string() }}) as metric,
        {{ dbt_forensics.canonical_json(dimensions) }} as dimensions,
        {#- Different values and quotients are no sums: an event has no share of its own in them. #}
        {% if definition.agg == 'count' -%}
        1 as number,
        {%- elif definition.agg in ['count_distinct', 'ratio'] -%}
        cast(null as {{ dbt_forensics.type_exact_number() }}) as number,
        {%- else -%}
        {{ dbt_forensics.exact_number('(' ~ definition.expr ~ ')') }} as number,
        {%- endif %}
        forensics_window_start as window_start,
        forensics_cause as cause,
        forensics_event_id as event_id,
        forensics_row_key as row_key,
        forensics_effect as effect,
        {{ published_at }} as published_at
    from {{ stream.name }}_asked
    {%- if parts.where %}
    where {{ parts.where }}
    {%- endif %}

),
{%- endfor %}
{%- endfor %}
{%- endif %}

inputs as (
    {% for name in inputs_of_metrics %}
    select * from {{ name }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- else %}
    {{ dbt_forensics.no_rows({
        'stream': 'text', 'metric': 'text', 'dimensions': 'text', 'number': 'number', 'window_start': 'time', 'cause': 'text',
        'event_id': 'text', 'row_key': 'text', 'effect': 'integer', 'published_at': 'time',
    }) }}
    {%- endfor %}

),

versions as (

    select
        *,
        lag(recorded_from)
            over (partition by stream, metric, window_start, dimensions order by version) as previous_from
    from {{ ref('forensics__metric_versions') }}

),

events as (

    select
        inputs.stream,
        inputs.dimensions,
        versions.version,
        versions.recorded_from,
        inputs.cause,
        inputs.event_id,
        inputs.effect,
        inputs.effect * coalesce(inputs.number, 0) as contribution,
        history.entity_id,
        history.event_time,
        history.ingested_at,
        history.batch_id,
        history.payload,
        inputs.row_key
    from asked
    inner join inputs
        on asked.metric = inputs.metric
    inner join versions
        on
            inputs.stream = versions.stream
            and inputs.metric = versions.metric
            and inputs.window_start = versions.window_start
            and inputs.dimensions = versions.dimensions
            and inputs.published_at <= versions.recorded_from
            and (versions.previous_from is null or inputs.published_at > versions.previous_from)
    inner join {{ history }} as history
        on inputs.row_key = history.row_key

)

select * from events
order by stream, dimensions, version, {{ dbt_forensics.cause_rank('cause') }}, event_id, effect
