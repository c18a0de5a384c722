{% macro versioned_aggregate(relation, metric, agg, event_time, expr=none, where=none, dimensions=[], window='day') %}
    {#-
        A select of every version of an aggregate, with the columns of forensics__metric_versions: what each value was, from when to when. The body of
        a model that is a table: it reads its own past from that table, so that each build adds the values that changed and keeps all others.
        relation: a relation, or a query as text. metric: the name of the value. agg: sum | count | avg | count_distinct | min | max.
        event_time: a column, or an expression that gives a timestamp in UTC. expr: what is aggregated, a column or an expression; count needs none.
        where: an SQL condition. dimensions: names of columns. window: hour | day.
    -#}
    {%- do dbt_forensics._validate_versioned_aggregate(metric, agg, expr, dimensions, window) -%}
    {%- if not execute -%}{{ return('select 1 as parsed') }}{%- endif -%}
    {%- set past = dbt_forensics._past_of_versions() -%}
    {%- set columns, text, count = dbt_forensics._version_columns(), dbt.type_string(), dbt.type_bigint() -%}
    {%- set now = dbt_forensics.timestamp_literal(dbt_forensics.build_clock()) -%}
    {%- set definition = local_md5([relation | string, metric, agg, event_time, expr, where, dimensions, window] | tojson) -%}
    {%- if dbt_forensics.is_partial_run() -%}
    select * from {{ past }}
    {%- else -%}
    with past as (

        select * from {{ past }}

    ),

    shown as (

        select * from past where is_current

    ),

    {{ dbt_forensics._aggregated(relation, agg, event_time, expr, where, dimensions, window) }},

    compared as (

        select
            coalesce(aggregated.window_start, shown.window_start) as window_start,
            coalesce(aggregated.dimensions, shown.dimensions) as dimensions,
            coalesce(shown.version, 0) + 1 as version,
            {{ "coalesce(aggregated.value, case when aggregated.window_start is null then 0 end)" if agg in ['sum', 'count', 'count_distinct'] else 'aggregated.value' }} as value,
            shown.value as previous_value,
            coalesce(aggregated.input_count, 0) as input_count,
            coalesce(aggregated.unknown_count, 0) as unknown_count,
            coalesce(aggregated.inputs_digest, '0-0-0') as inputs_digest,
            shown.input_count as previous_count,
            shown.unknown_count as previous_unknown_count,
            shown.inputs_digest as previous_digest,
            shown.definition_digest as previous_definition
        from aggregated
        full outer join shown
            on aggregated.window_start = shown.window_start and aggregated.dimensions = shown.dimensions

    ),

    changed as (

        select *
        from compared
        where
            previous_count is null
            or input_count <> previous_count
            or unknown_count <> previous_unknown_count
            or inputs_digest <> previous_digest
            or (input_count > 0 and previous_definition <> '{{ definition }}')
            or coalesce(value <> previous_value, (value is null) <> (previous_value is null))

    ),

    versions as (

        select
            cast({{ dbt_forensics.forensics_literal(this.identifier) }} as {{ text }}) as stream,
            cast('{{ metric }}' as {{ text }}) as metric,
            window_start,
            {{ dbt_forensics.window_end(window, 'window_start') }} as window_end,
            dimensions,
            cast(version as {{ count }}) as version,
            cast(value as {{ dbt_forensics.type_exact_number() }}) as value,
            previous_value,
            cast(input_count as {{ count }}) as input_count,
            cast(unknown_count as {{ count }}) as unknown_count,
            case when unknown_count > 0 then cast(unknown_count as {{ text }}) || ' of its rows have no number there' end as unknown_reason,
            inputs_digest,
            cast('{{ definition }}' as {{ text }}) as definition_digest,
            cast('published' as {{ text }}) as origin,
            {{ now }} as recorded_from,
            cast(null as {{ dbt.type_timestamp() }}) as recorded_to,
            cast(true as {{ dbt.type_boolean() }}) as is_current,
            cast(false as {{ dbt.type_boolean() }}) as is_settled
        from changed
        union all
        select
            {%- for column in columns %}
            {{ {
                'recorded_to': 'case when past.is_current and changed.version is not null then ' ~ now ~ ' else past.recorded_to end as recorded_to',
                'is_current': 'past.is_current and changed.version is null as is_current',
            }.get(column, 'past.' ~ column) }}{{ ',' if not loop.last }}
            {%- endfor %}
        from past
        left join changed
            on past.window_start = changed.window_start and past.dimensions = changed.dimensions

    )

    select {{ columns | join(', ') }}
    from versions
    {%- endif -%}
{% endmacro %}


{% macro _aggregated(relation, agg, event_time, expr, where, dimensions, window) %}
    {#- CTEs, the last of them named aggregated: the value of each window and dimensions, with how many rows it is made of and their digest. -#}
    {%- set is_query = relation is string -%}
    {%- set columns = {} -%}
    {%- set found = adapter.get_column_schema_from_query(relation) if is_query else adapter.get_columns_in_relation(relation) -%}
    {%- for column in found -%}{%- do columns.update({column.name: column.data_type}) -%}{%- endfor -%}
    {%- set fields = {} -%}
    {%- for dimension in dimensions -%}
        {%- set name = dbt_forensics._column_named(dimension, columns) -%}
        {%- if not name -%}{{ dbt_forensics._config_error('versioned_aggregate', 'dimensions', dimension, 'columns of the relation: ' ~ columns.keys() | join(', ')) }}{%- endif -%}
        {%- do fields.update({dimension: dbt_forensics.canonical_text(dbt_forensics.quoted(name), columns[name])}) -%}
    {%- endfor -%}
    {%- set time, time_column = '(' ~ event_time ~ ')', dbt_forensics._column_named(event_time, columns) -%}
    {%- if time_column -%}{%- set time = dbt_forensics.quoted(time_column) -%}{%- endif -%}
    {%- set input, input_column = '(' ~ expr ~ ')', dbt_forensics._column_named(expr or '', columns) -%}
    {%- if input_column -%}{%- set input = dbt_forensics.quoted(input_column) -%}{%- endif -%}
    inputs as (

        select
            {{ dbt_forensics.window_start(window, dbt_forensics.utc_timestamp(time, columns[time_column] if time_column else none)) }} as window_start,
            {{ dbt_forensics.canonical_json(fields) }} as dimensions,
            {{ dbt_forensics.canonical_text(input, columns[input_column] if input_column else none) if expr else "''" }} as input,
            {{ dbt_forensics.exact_number(input) if expr and agg in ['sum', 'avg', 'min', 'max'] else 'cast(null as ' ~ dbt_forensics.type_exact_number() ~ ')' }} as number
        from {{ '(' ~ relation ~ ')' if is_query else relation }} as source_rows
        {%- if where %}
        where {{ where }}
        {%- endif %}

    ),

    parts as (

        select
            window_start,
            dimensions,
            {{ {'sum': 'coalesce(sum(number), 0)', 'avg': 'sum(number)', 'count': 'count(input)', 'count_distinct': 'count(distinct input)'}.get(agg, agg ~ '(number)') }} as sum_of_numbers,
            count(number) as number_count,
            count(input) as input_count,
            {{ 'count(input) - count(number)' if agg in ['sum', 'avg', 'min', 'max'] else '0' }} as unknown_count,
            {{ dbt_forensics.set_digest(dbt.hash('input')) }} as inputs_digest
        from inputs
        where window_start is not null
        group by window_start, dimensions

    ),

    aggregated as (

        select
            parts.*,
            {{ dbt_forensics.metric_value(agg) }} as value
        from parts

    )
{%- endmacro %}


{% macro _past_of_versions() %}
    {#- The table of the model that calls versioned_aggregate(), or a select without rows; an error where there could be no past, or time went back. -#}
    {%- if model.config.materialized != 'table' -%}
        {{ dbt_forensics._config_error('versioned_aggregate', 'materialized', model.config.materialized, "table: the model's own table is its past") }}
    {%- endif -%}
    {%- set past = load_relation(this) -%}
    {%- if not past -%}
        {%- set kinds = {'version': 'integer', 'value': 'number', 'previous_value': 'number', 'input_count': 'integer', 'unknown_count': 'integer', 'is_current': 'boolean', 'is_settled': 'boolean'} -%}
        {%- do kinds.update({'window_start': 'time', 'window_end': 'time', 'recorded_from': 'time', 'recorded_to': 'time'}) -%}
        {%- set none_yet = {} -%}
        {%- for column in dbt_forensics._version_columns() -%}{%- do none_yet.update({column: kinds.get(column, 'text')}) -%}{%- endfor -%}
        {{ return('(' ~ dbt_forensics.no_rows(none_yet) ~ ') as none_yet') }}
    {%- endif -%}
    {%- set last = dbt_forensics._single_row('select max(recorded_from) from ' ~ past)[0] -%}
    {%- if last and last.strftime('%Y-%m-%d %H:%M:%S.%f') > dbt_forensics.build_clock() -%}
        {{ dbt_forensics._config_error('versioned_aggregate', "var 'forensics_as_of'", dbt_forensics.build_clock(), 'a time from ' ~ last ~ ' on, at which ' ~ past ~ ' was built') }}
    {%- endif -%}
    {{ return(past) }}
{% endmacro %}


{% macro _version_columns() %}
    {{ return([
        'stream', 'metric', 'window_start', 'window_end', 'dimensions', 'version', 'value', 'previous_value', 'input_count', 'unknown_count', 'unknown_reason',
        'inputs_digest', 'definition_digest', 'origin', 'recorded_from', 'recorded_to', 'is_current', 'is_settled',
    ]) }}
{% endmacro %}


{% macro _validate_versioned_aggregate(metric, agg, expr, dimensions, window) %}
    {%- set where = 'versioned_aggregate' -%}
    {%- do dbt_forensics._validate_name(where, 'metric', metric) -%}
    {%- set aggs = ['sum', 'count', 'avg', 'count_distinct', 'min', 'max'] -%}
    {%- if agg not in aggs -%}
        {{ dbt_forensics._config_error(where, 'agg', agg, 'one of ' ~ aggs | join(', ')) }}
    {%- elif agg != 'count' and not expr -%}
        {{ dbt_forensics._config_error(where, 'expr', 'nothing', 'a column or an expression: ' ~ agg ~ ' needs one') }}
    {%- elif dimensions is string or dimensions is not sequence -%}
        {{ dbt_forensics._config_error(where, 'dimensions', dimensions, 'a list of column names') }}
    {%- elif window not in ['hour', 'day'] -%}
        {{ dbt_forensics._config_error(where, 'window', window, 'hour or day') }}
    {%- endif -%}
{% endmacro %}
