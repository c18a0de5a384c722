-- One row per version of a metric's value in a window: what it showed, from when to when.
with log as (

    select * from {{ ref('int_forensics__metric_log').render() }}
    union all
    select * from {{ ref('int_forensics__watch_log').render() }}

),

versions as (

    select distinct
        stream,
        metric,
        window_start,
        window_end,
        dimensions,
        version,
        value,
        previous_value,
        input_count,
        unknown_count,
        {{ dbt_forensics.digest_of_words('input_count', 'digest_word_1', 'digest_word_2') }} as inputs_digest,
        definition_digest,
        origin,
        recorded_from,
        is_settled
    from log

),

followed as (

    select
        *,
        lead(recorded_from) over (
            partition by stream, metric, window_start, dimensions
            order by version
        ) as recorded_to
    from versions

),

described as (

    select
        stream,
        metric,
        window_start,
        window_end,
        dimensions,
        version,
        value,
        previous_value,
        input_count,
        unknown_count,
        case
            when unknown_count > 0 then
                cast(unknown_count as {{ dbt.type_string() }})
                || ' of its rows came when the relation had lost a column that the metric names'
        end as unknown_reason,
        inputs_digest,
        definition_digest,
        origin,
        recorded_from,
        recorded_to,
        recorded_to is null as is_current,
        is_settled
    from followed

)

select * from described
