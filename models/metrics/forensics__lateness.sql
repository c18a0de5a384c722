-- One row per stream and length of time that allowed_lateness could be: which share of its rows it lets in.
{%- do dbt_forensics.assert_settings('view') %}
{%- set usual_lengths = dbt_forensics.usual_times() %}
{%- set lateness_columns = {'lateness_count': 'integer', 'lateness_period': 'text', 'lateness_seconds': 'integer'} %}
with events as (

    {#- Rows that count, did, or would have; what repeats an event or broke a rule does not. #}
    select
        stream,
        window_start,
        ingested_at
    from {{ ref('forensics__verdicts').render() }}
    where
        verdict in ('accepted', 'superseded', 'withdrawn', 'pending')
        and timeliness in ('on_time', 'late', 'too_late')

),

streams as (

    select * from {{ ref('forensics__streams').render() }}

),

usual_lengths as (

    {{ dbt_forensics._given_rows(dict({'place': 'integer'}, **lateness_columns), dbt_forensics._numbered_lengths(usual_lengths)) }}

),

configured_lengths as (

    {{ dbt_forensics._given_rows(
        dict({'stream': 'text'}, **lateness_columns), dbt_forensics._configured_lengths(dbt_forensics.streams())
    ) }}

),

lengths as (

    select
        configured_lengths.stream,
        usual_lengths.place,
        usual_lengths.lateness_count,
        usual_lengths.lateness_period,
        usual_lengths.lateness_seconds,
        false as is_configured
    from usual_lengths
    inner join configured_lengths
        on usual_lengths.lateness_seconds <> configured_lengths.lateness_seconds
    union all
    select
        stream,
        cast(null as {{ dbt.type_bigint() }}) as place,
        lateness_count,
        lateness_period,
        lateness_seconds,
        true as is_configured
    from configured_lengths

),

arrivals as (

    {#- The first microsecond after a length is outside it: a row that arrives at its deadline is late. #}
    select
        streams.stream,
        streams.allowed_lateness_minutes * 60 as allowed_seconds,
        {{ dbt_forensics.elapsed_seconds(
            dbt_forensics._due_at(dbt_forensics._windows_after(1, 'events.window_start')), 'events.ingested_at'
        ) }} + 0.000001 as seconds_after
    from events
    inner join streams
        on events.stream = streams.stream

),

places as (

    select
        stream,
        {{ dbt_forensics.first_length_of('seconds_after', usual_lengths) }} as place,
        seconds_after <= allowed_seconds as is_allowed
    from arrivals

),

counts as (

    select
        stream,
        place,
        is_allowed,
        count(*) as row_count
    from places
    group by stream, place, is_allowed

),

covered as (

    select
        lengths.stream,
        lengths.lateness_count,
        lengths.lateness_period,
        lengths.lateness_seconds,
        lengths.is_configured,
        sum(counts.row_count) as row_count,
        sum(case
            when lengths.is_configured and counts.is_allowed then counts.row_count
            when not lengths.is_configured and counts.place <= lengths.place then counts.row_count
            else 0
        end) as covered_count
    from lengths
    inner join counts
        on lengths.stream = counts.stream
    group by
        lengths.stream, lengths.lateness_count, lengths.lateness_period, lengths.lateness_seconds, lengths.is_configured

),

suggested as (

    select
        stream,
        min(lateness_seconds) as lateness_seconds
    from covered
    where covered_count >= 0.999 * row_count
    group by stream

)

select
    covered.stream,
    covered.lateness_count,
    covered.lateness_period,
    covered.lateness_seconds,
    cast(covered.row_count as {{ dbt.type_bigint() }}) as row_count,
    cast(covered.covered_count as {{ dbt.type_bigint() }}) as covered_count,
    {{ dbt_forensics.share_of('covered.covered_count', 'covered.row_count') }} as covered_share,
    covered.is_configured,
    coalesce(covered.lateness_seconds = suggested.lateness_seconds, false) as is_suggested
from covered
left join suggested
    on covered.stream = suggested.stream
