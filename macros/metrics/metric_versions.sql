{% macro versioned_changes(plan, log) %}
    {#-
        CTEs, the last of them named versioned: the deltas of all metrics added up, in the order of causes, on what stood there before.
        Each step's value less the value before it is the change by that cause, so that the changes of a version add up to
        the difference exactly, also for an average. Needs the CTEs latest_versions and deltas.
    -#}
    {%- set key = 'stream, metric, window_start, dimensions' -%}
    {#- Named windows would say this once; some engines have none. -#}
    {%- set so_far = 'partition by merged.stream, merged.metric, merged.window_start, merged.dimensions order by merged.recorded_from, merged.cause_rank rows between unbounded preceding and current row' -%}
    {%- set by_cause = 'partition by ' ~ key ~ ' order by recorded_from, cause_rank' -%}
    {%- set of_build = 'partition by ' ~ key ~ ', recorded_from' -%}
    merged as (

        select
            {{ key }},
            {#- Where the window was changed, what the old one held is taken away without an event: the new one's end stands. #}
            coalesce(max(case when event_count > 0 then window_end end), max(window_end)) as window_end,
            recorded_from,
            cause,
            {{ dbt_forensics.cause_rank('cause') }} as cause_rank,
            sum(sum_change) as sum_change,
            sum(number_change) as number_change,
            sum(input_change) as input_change,
            sum(unknown_change) as unknown_change,
            sum(digest_change_1) as digest_change_1,
            sum(digest_change_2) as digest_change_2,
            sum(event_count) as event_count,
            max(sample_event_ids) as sample_event_ids,
            min(first_arrived_at) as first_arrived_at,
            max(last_arrived_at) as last_arrived_at
        from deltas
        group by {{ key }}, recorded_from, cause

    ),

    added_up as (

        select
            merged.*,
            coalesce(latest.version, 0) as version_before,
            latest.value as value_at_first,
            coalesce(latest.input_count, 0) as inputs_at_first,
            latest.recorded_from as published_at_first,
            coalesce(latest.sum_of_numbers, 0) + sum(merged.sum_change) over ({{ so_far }}) as sum_of_numbers,
            coalesce(latest.number_count, 0) + sum(merged.number_change) over ({{ so_far }}) as number_count,
            coalesce(latest.input_count, 0) + sum(merged.input_change) over ({{ so_far }}) as input_count,
            coalesce(latest.unknown_count, 0) + sum(merged.unknown_change) over ({{ so_far }}) as unknown_count,
            {%- for word in [1, 2] %}
            mod(mod(coalesce(latest.digest_word_{{ word }}, 0) + sum(merged.digest_change_{{ word }}) over ({{ so_far }}), {{ dbt_forensics.word_modulus() }}) + {{ dbt_forensics.word_modulus() }}, {{ dbt_forensics.word_modulus() }}) as digest_word_{{ word }},
            {%- endfor %}
            coalesce(latest.digest_word_1, 0) as digest_at_first_1,
            coalesce(latest.digest_word_2, 0) as digest_at_first_2,
            row_number() over (partition by merged.stream, merged.metric, merged.window_start, merged.dimensions, merged.recorded_from order by merged.cause_rank desc) as recency_rank
        from merged
        left join latest_versions as latest
            on
                merged.stream = latest.stream
                and merged.metric = latest.metric
                and merged.window_start = latest.window_start
                and merged.dimensions = latest.dimensions

    ),

    valued as (

        select
            *,
            case
                when unknown_count <> 0 then null
            {%- for task in plan %}
                {%- for metric in task.metrics %}
                when stream = '{{ task.stream.name }}' and metric = '{{ metric.name }}' then {{ dbt_forensics.metric_value(metric.definition.agg) }}
                {%- endfor %}
            {%- endfor %}
            end as value_here
        from added_up

    ),

    stepped as (

        {#- Each step with the state before it. #}
        select
            *,
            row_number() over ({{ of_build }} order by cause_rank) as step,
            case when row_number() over ({{ by_cause }}) = 1 then value_at_first else lag(value_here) over ({{ by_cause }}) end as value_at_step,
            coalesce(lag(input_count) over ({{ by_cause }}), inputs_at_first) as inputs_at_step,
            coalesce(lag(digest_word_1) over ({{ by_cause }}), digest_at_first_1) as digest_at_step_1,
            coalesce(lag(digest_word_2) over ({{ by_cause }}), digest_at_first_2) as digest_at_step_2
        from valued

    ),

    states as (

        {#- Each step with the state of its key before and after its time of publication. #}
        {%- set before = {'value_before': 'value_at_step', 'inputs_before': 'inputs_at_step', 'digest_before_1': 'digest_at_step_1', 'digest_before_2': 'digest_at_step_2'} %}
        {%- set after = {'window_end': 'window_end', 'value': 'value_here', 'sum_of_numbers': 'sum_of_numbers', 'number_count': 'number_count',
            'input_count': 'input_count', 'unknown_count': 'unknown_count', 'digest_word_1': 'digest_word_1', 'digest_word_2': 'digest_word_2'} %}
        select
            {{ key }},
            recorded_from,
            version_before,
            published_at_first,
            cause,
            coalesce(value_here, 0) - coalesce(value_at_step, 0) as change,
            event_count,
            sample_event_ids,
            first_arrived_at,
            {%- for name, column in before.items() %}
            max(case when step = 1 then {{ column }} end) over ({{ of_build }}) as {{ name }},
            {%- endfor %}
            {%- for name, column in after.items() %}
            max(case when recency_rank = 1 then {{ column }} end) over ({{ of_build }}) as {{ name }},
            {%- endfor %}
            last_arrived_at
        from stepped

    ),

    numbered as (

        {#- A time of publication makes a version if anything about the state differs. #}
        select
            *,
            version_before + dense_rank() over (partition by {{ key }} order by recorded_from) as version
        from states
        where
            input_count <> inputs_before
            or digest_word_1 <> digest_before_1
            or digest_word_2 <> digest_before_2
            or coalesce(value, 0) <> coalesce(value_before, 0)

    ),

    versioned as (

        select
            *,
            case when version > 1 then value_before end as previous_value
        from numbered

    )
{% endmacro %}


{% macro metric_value(agg) %}
    {#- The value of a metric from its additive parts. -#}
    {%- set number = dbt_forensics.type_exact_number() -%}
    {%- if agg in ['sum', 'count_distinct'] -%}
        {{ return('cast(sum_of_numbers as ' ~ number ~ ')') }}
    {%- elif agg in ['min', 'max'] -%}
        {{ return('case when number_count > 0 then cast(sum_of_numbers as ' ~ number ~ ') end') }}
    {%- elif agg == 'ratio' -%}
        {%- set ratio = dbt_forensics.exact_ratio('cast(sum_of_numbers as ' ~ number ~ ')', 'cast(number_count as ' ~ number ~ ')') -%}
        {{ return('case when number_count <> 0 and abs(sum_of_numbers) < 10000000000000000000 then cast(' ~ ratio ~ ' as ' ~ number ~ ') end') }}
    {%- elif agg == 'count' -%}
        {{ return('cast(input_count as ' ~ dbt_forensics.type_exact_number() ~ ')') }}
    {%- endif -%}
    {%- set quotient = dbt_forensics.exact_quotient('cast(sum_of_numbers as ' ~ dbt_forensics.type_exact_number() ~ ')', 'cast(number_count as ' ~ dbt.type_bigint() ~ ')') -%}
    {{ return('case when number_count > 0 then cast(' ~ quotient ~ ' as ' ~ dbt_forensics.type_exact_number() ~ ') end') }}
{% endmacro %}


{% macro causes() %}
    {#- All causes of a change, in the order in which they are applied to a value. -#}
    {{ return([
        'definition_changed', 'on_time', 'late', 'too_late', 'rewritten', 'correction', 'source_deleted',
        'withdrawal', 'erasure', 'replay', 'release', 'revert', 'code_changed', 'rounding', 'unattributed', 'unexplained',
    ]) }}
{% endmacro %}


{% macro cause_rank(cause) %}
    {#- The place of a cause in that order, as an SQL expression. -#}
    case {{ cause }}
    {%- for name in dbt_forensics.causes() %}
                when '{{ name }}' then {{ loop.index }}
    {%- endfor %}
            end
{%- endmacro %}
