{% macro watched_changes(watch, log, watch_log, seals) %}
    {#-
        CTEs, the last of them named <watch>_changes: one row per value of a watched relation that is not what it was, and cause. What the
        metric's own changes since then explain carries their causes; the rest is code_changed if the model's code did since, rounding within
        the tolerance, unattributed where no metric is named, and else unexplained. log: int_forensics__metric_log. watch_log: as it is, or none.
    -#}
    {%- set name = watch.name -%}
    {%- set number = dbt_forensics.type_exact_number() -%}
    {%- set text = dbt.type_string() -%}
    {%- set relation = dbt_forensics.stream_relation(watch) -%}
    {%- set digest = dbt_forensics.watch_digest(watch) -%}
    {%- set recorded_at = dbt_forensics.recorded_at() %}
    {{ name }}_shown as (

        {{ dbt_forensics._watched_values(watch, relation) }}

    ),

    {{ name }}_before as (

        {{ dbt_forensics.latest_versions(watch_log) }}

    ),

    {{ name }}_moved as (

        select
            coalesce(shown.window_start, latest.window_start) as window_start,
            coalesce(shown.dimensions, latest.dimensions) as dimensions,
            coalesce(latest.version, 0) + 1 as version,
            shown.value,
            latest.value as previous_value,
            latest.recorded_from as shown_from,
            latest.definition_digest as digest_before,
            coalesce(shown.value, 0) - coalesce(latest.value, 0) as difference
        from {{ name }}_shown as shown
        full outer join (
            select * from {{ name }}_before
            where stream = '{{ dbt_forensics.watched_stream() }}' and metric = '{{ name }}'
        ) as latest
            on shown.window_start = latest.window_start and shown.dimensions = latest.dimensions
        where not {{ dbt_forensics.is_same('shown.value', 'latest.value') }} or latest.version is null

    ),

    {{ name }}_explained as (

        {% if watch.metric -%}
        select
            moved.window_start,
            moved.dimensions,
            metric_log.cause,
            sum(metric_log.change) as change,
            sum(metric_log.event_count) as event_count,
            max(metric_log.sample_event_ids) as sample_event_ids,
            min(metric_log.first_arrived_at) as first_arrived_at,
            max(metric_log.last_arrived_at) as last_arrived_at
        from {{ name }}_moved as moved
        inner join {{ log }} as metric_log
            on
                moved.window_start = metric_log.window_start
                and moved.dimensions = metric_log.dimensions
                and (moved.shown_from is null or metric_log.recorded_from > moved.shown_from)
        where metric_log.stream = '{{ watch.metric_stream }}' and metric_log.metric = '{{ watch.metric_name }}'
        group by moved.window_start, moved.dimensions, metric_log.cause
        {%- else -%}
        {{ dbt_forensics.no_rows({
            'window_start': 'time', 'dimensions': 'text', 'cause': 'text', 'change': 'number', 'event_count': 'integer',
            'sample_event_ids': 'text', 'first_arrived_at': 'time', 'last_arrived_at': 'time',
        }) }}
        {%- endif %}

    ),

    {{ name }}_rest as (

        select
            moved.window_start,
            moved.dimensions,
            moved.difference - coalesce(sum(explained.change), 0) as change,
            count(explained.cause) as cause_count
        from {{ name }}_moved as moved
        left join {{ name }}_explained as explained
            on moved.window_start = explained.window_start and moved.dimensions = explained.dimensions
        group by moved.window_start, moved.dimensions, moved.difference

    ),

    {{ name }}_causes as (

        select * from {{ name }}_explained
        union all
        select
            rest.window_start,
            rest.dimensions,
            case
                {%- if not watch.metric %}
                when 1 = 1 then 'unattributed'
                {%- endif %}
                when abs(rest.change) <= {{ watch.tolerance }} then 'rounding'
                when moved.digest_before <> '{{ digest }}' then 'code_changed'
                else 'unexplained'
            end as cause,
            rest.change,
            0 as event_count,
            cast(null as {{ text }}) as sample_event_ids,
            cast(null as {{ dbt.type_timestamp() }}) as first_arrived_at,
            cast(null as {{ dbt.type_timestamp() }}) as last_arrived_at
        from {{ name }}_rest as rest
        inner join {{ name }}_moved as moved
            on rest.window_start = moved.window_start and rest.dimensions = moved.dimensions
        where rest.change <> 0 or rest.cause_count = 0

    ),

    {{ name }}_changes as (

        select
            cast('{{ dbt_forensics.watched_stream() }}' as {{ text }}) as stream,
            cast('{{ name }}' as {{ text }}) as metric,
            moved.window_start,
            {{ dbt_forensics.window_end(watch.window, 'moved.window_start') }} as window_end,
            moved.dimensions,
            cast(moved.version as {{ dbt.type_bigint() }}) as version,
            cast(moved.value as {{ number }}) as value,
            cast(moved.previous_value as {{ number }}) as previous_value,
            cast(causes.cause as {{ text }}) as cause,
            cast(causes.change as {{ number }}) as change,
            cast(causes.event_count as {{ dbt.type_bigint() }}) as event_count,
            causes.sample_event_ids,
            causes.first_arrived_at,
            causes.last_arrived_at,
            {#- A watched value is taken as it is shown: there is nothing to add to, and no input of ours. #}
            cast(moved.value as {{ number }}) as sum_of_numbers,
            cast(0 as {{ number }}) as number_count,
            cast(0 as {{ dbt.type_bigint() }}) as input_count,
            cast(0 as {{ dbt.type_bigint() }}) as unknown_count,
            cast(0 as {{ dbt.type_bigint() }}) as digest_word_1,
            cast(0 as {{ dbt.type_bigint() }}) as digest_word_2,
            cast('{{ digest }}' as {{ text }}) as definition_digest,
            cast('published' as {{ text }}) as origin,
            {{ recorded_at }} as recorded_from,
            {{ dbt_forensics._watched_is_settled(watch, seals) }} as is_settled,
            {{ recorded_at }} as ledger_to,
            cast('{}' as {{ text }}) as definitions
        from {{ name }}_moved as moved
        inner join {{ name }}_causes as causes
            on moved.window_start = causes.window_start and moved.dimensions = causes.dimensions

    )
{% endmacro %}


{% macro _watched_values(watch, relation) %}
    {#- A select of the values that a watched relation shows: window_start, dimensions, value. Each key must be there once. -#}
    {%- set where = "watch '" ~ watch.name ~ "'" -%}
    {%- set columns = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}{%- do columns.update({column.name: column.data_type}) -%}{%- endfor -%}
    {%- set found = {} -%}
    {%- for column in [watch.window_start, watch.value] + watch.dimensions -%}
        {%- set name = dbt_forensics._column_named(column, columns) -%}
        {%- if not name -%}
            {{ dbt_forensics._config_error(where, none, column ~ ', which ' ~ relation ~ ' does not have', 'its columns: ' ~ columns.keys() | join(', ')) }}
        {%- endif -%}
        {%- do found.update({column: name}) -%}
    {%- endfor -%}
    {%- set dimensions = {} -%}
    {%- for column in watch.dimensions -%}
        {%- do dimensions.update({column: dbt_forensics.canonical_text(dbt_forensics.quoted(found[column]), columns[found[column]])}) -%}
    {%- endfor -%}
    {%- set time = dbt_forensics.utc_timestamp(dbt_forensics.quoted(found[watch.window_start]), columns[found[watch.window_start]]) -%}
    {%- set values -%}
        select
            {{ time }} as window_start,
            {{ dbt_forensics.canonical_json(dimensions) }} as dimensions,
            {{ dbt_forensics.exact_number(dbt_forensics.quoted(found[watch.value])) }} as value
        from {{ relation }}
        where {{ time }} is not null
    {%- endset -%}
    {%- set repeated = run_query('select window_start, dimensions, count(*) as times from (' ~ values ~ ') as shown group by window_start, dimensions having count(*) > 1').rows -%}
    {%- if repeated -%}
        {{ dbt_forensics._config_error(where, 'relation', relation ~ ' with ' ~ repeated[0][2] ~ ' rows for ' ~ repeated[0][0] ~ ' ' ~ repeated[0][1], 'one row per window_start and dimensions') }}
    {%- endif -%}
    {{ return(values) }}
{% endmacro %}


{% macro _watched_is_settled(watch, seals) %}
    {%- if not watch.metric -%}{{ return('cast(false as ' ~ dbt.type_boolean() ~ ')') }}{%- endif -%}
    {%- set stream = dbt_forensics.streams()[watch.metric_stream] -%}
    {%- set latest = dbt_forensics._single_row('select max(latest_event_time) from ' ~ seals ~ " where stream = '" ~ stream.name ~ "' and dbt_valid_to is null")[0] -%}
    {%- if not latest -%}{{ return('cast(false as ' ~ dbt.type_boolean() ~ ')') }}{%- endif -%}
    {{ return(dbt_forensics.timestamp_literal(latest) ~ ' >= ' ~ dbt_forensics.time_plus(stream.expected_delay.period, stream.expected_delay['count'],
        dbt_forensics.time_plus(stream.allowed_lateness.period, stream.allowed_lateness['count'], dbt_forensics.window_end(watch.window, 'moved.window_start')))) }}
{% endmacro %}


{% macro watch_digest(watch) %}
    {#- Changes whenever the watch is configured otherwise, or the code of the watched model is. -#}
    {%- set relation = dbt_forensics.stream_relation(watch) | string -%}
    {%- set code = [] -%}
    {%- for node in graph.nodes.values() if node.get('relation_name') == relation and node.resource_type in ['model', 'snapshot'] -%}
        {%- do code.append(node.checksum.checksum) -%}
    {%- endfor -%}
    {{ return(local_md5([watch.window_start, watch.dimensions, watch.value, watch.window, watch.metric, code] | tojson)) }}
{% endmacro %}
