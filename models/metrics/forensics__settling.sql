-- One row per metric of a stream and age of a window: how much of its final value a settled window showed at that age.
{%- do dbt_forensics.assert_settings('view') %}
-- depends_on: {{ ref('forensics__batch_history') }}
-- depends_on: {{ ref('forensics__metric_versions') }}
-- depends_on: {{ ref('forensics__streams') }}
{%- set streams = dbt_forensics.streams() %}
{%- if not streams %}
{{ dbt_forensics.no_rows({
    'stream': 'text', 'metric': 'text', 'age_hours': 'integer', 'window_count': 'integer', 'value_count': 'integer', 'value_share': 'number',
    'input_share': 'number', 'final_share': 'number',
}) }}
{%- else %}
{%- set ages = dbt_forensics.usual_times(from_hours=1) %}
{%- set key = 'stream, metric, window_start, dimensions' %}
with
{{ dbt_forensics.settled_values() }},

numbered_inputs as (

    select
        *,
        input_count - coalesce(lag(input_count) over (partition by {{ key }} order by version), 0) as input_change
    from settled_versions

),

steps as (

    select
        versions.stream,
        versions.metric,
        versions.window_start,
        versions.dimensions,
        versions.value_change,
        versions.input_change,
        versions.final_from = versions.recorded_from as makes_final,
        {{ dbt_forensics.first_length_of(dbt_forensics.elapsed_seconds('versions.window_end', 'versions.recorded_from'), ages) }} as shown_at,
        {{ dbt_forensics.first_length_of('versions.observed_seconds + 0.000001', ages) }} as observed_to
    from numbered_inputs as versions

),

totals as (

    {#- Few rows, whatever the number of windows: what is added up by age is added up here. #}
    select
        stream,
        metric,
        shown_at,
        observed_to,
        sum(value_change) as value_change,
        sum(input_change) as input_change,
        sum(case when makes_final then 1 else 0 end) as final_count
    from steps
    group by stream, metric, shown_at, observed_to

),

windows as (

    select
        stream,
        metric,
        observed_to,
        count(distinct window_start) as window_count
    from steps
    group by stream, metric, observed_to

),

ages as (
{% for age in ages %}
    select
        {{ loop.index }} as place,
        {{ age.seconds // 3600 }} as age_hours
    {%- if not loop.last %}
    union all
    {%- endif %}
{%- endfor %}

),

added_up as (

    select
        totals.stream,
        totals.metric,
        ages.place,
        ages.age_hours,
        sum(totals.value_change) as final_value,
        sum(totals.input_change) as final_inputs,
        sum(totals.final_count) as value_count,
        sum(case when totals.shown_at <= ages.place then totals.value_change else 0 end) as value_then,
        sum(case when totals.shown_at <= ages.place then totals.input_change else 0 end) as inputs_then,
        sum(case when totals.shown_at <= ages.place then totals.final_count else 0 end) as final_then
    from totals
    inner join ages
        on totals.observed_to > ages.place
    group by totals.stream, totals.metric, ages.place, ages.age_hours

),

curves as (

    select
        added_up.stream,
        added_up.metric,
        cast(added_up.age_hours as {{ dbt.type_bigint() }}) as age_hours,
        cast(sum(windows.window_count) as {{ dbt.type_bigint() }}) as window_count,
        cast(max(added_up.value_count) as {{ dbt.type_bigint() }}) as value_count,
        {{ dbt_forensics.share_of('max(added_up.value_then)', 'max(added_up.final_value)') }} as value_share,
        {{ dbt_forensics.share_of('max(added_up.inputs_then)', 'max(added_up.final_inputs)') }} as input_share,
        {{ dbt_forensics.share_of('max(added_up.final_then)', 'max(added_up.value_count)') }} as final_share
    from added_up
    inner join windows
        on
            added_up.stream = windows.stream
            and added_up.metric = windows.metric
            and windows.observed_to > added_up.place
    group by added_up.stream, added_up.metric, added_up.age_hours

)

select * from curves
{%- endif %}
