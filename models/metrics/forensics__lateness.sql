-- One row per stream and length of time that allowed_lateness could be: which share of its rows it lets in.
{%- do dbt_forensics.assert_settings('view') %}
-- depends_on: {{ ref('forensics__verdicts') }}
{%- set streams = dbt_forensics.streams() %}
{%- if not streams %}
{{ dbt_forensics.no_rows({
    'stream': 'text', 'lateness_count': 'integer', 'lateness_period': 'text', 'lateness_seconds': 'integer', 'row_count': 'integer',
    'covered_count': 'integer', 'covered_share': 'number', 'is_configured': 'boolean', 'is_suggested': 'boolean',
}) }}
{%- else %}
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
{% for stream in streams.values() %}
{%- set deadline = dbt_forensics.time_plus(
    stream.expected_delay.period, stream.expected_delay['count'], dbt_forensics.window_end(stream.window, 'window_start')
) %}
{%- set lengths = dbt_forensics.lateness_lengths(stream) %}
{{ stream.name }}_after_deadline as (

    select {{ dbt_forensics.elapsed_seconds(deadline, 'ingested_at') }} as seconds_after
    from events
    where stream = '{{ stream.name }}'

),

{{ stream.name }}_places as (

    {#- The first microsecond after a length is outside it: a row that arrives at its deadline is late. #}
    select
        {{ dbt_forensics.first_length_of('seconds_after + 0.000001', lengths) }} as place,
        count(*) as row_count
    from {{ stream.name }}_after_deadline
    group by 1

),

{{ stream.name }}_lengths as (
{% for length in lengths %}
    select
        {{ loop.index }} as place,
        {{ length['count'] }} as lateness_count,
        '{{ length.period }}' as lateness_period,
        {{ length.seconds }} as lateness_seconds,
        {{ 'true' if length.is_configured else 'false' }} as is_configured
    {%- if not loop.last %}
    union all
    {%- endif %}
{%- endfor %}

),

{{ stream.name }}_covered as (

    select
        cast('{{ stream.name }}' as {{ dbt.type_string() }}) as stream,
        lengths.lateness_count,
        lengths.lateness_period,
        lengths.lateness_seconds,
        lengths.is_configured,
        sum(places.row_count) as row_count,
        sum(case when places.place <= lengths.place then places.row_count else 0 end) as covered_count
    from {{ stream.name }}_lengths as lengths
    cross join {{ stream.name }}_places as places
    group by
        lengths.place, lengths.lateness_count, lengths.lateness_period, lengths.lateness_seconds, lengths.is_configured

),
{% endfor %}
covered as (
    {% for stream in streams.values() %}
    select * from {{ stream.name }}_covered
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

suggested as (

    select
        stream,
        min(lateness_seconds) as lateness_seconds
    from covered
    where covered_count >= 0.999 * row_count
    group by stream

),

described as (

    select
        covered.stream,
        cast(covered.lateness_count as {{ dbt.type_bigint() }}) as lateness_count,
        cast(covered.lateness_period as {{ dbt.type_string() }}) as lateness_period,
        cast(covered.lateness_seconds as {{ dbt.type_bigint() }}) as lateness_seconds,
        cast(covered.row_count as {{ dbt.type_bigint() }}) as row_count,
        cast(covered.covered_count as {{ dbt.type_bigint() }}) as covered_count,
        {{ dbt_forensics.share_of('covered.covered_count', 'covered.row_count') }} as covered_share,
        covered.is_configured,
        coalesce(covered.lateness_seconds = suggested.lateness_seconds, false) as is_suggested
    from covered
    left join suggested
        on covered.stream = suggested.stream

)

select * from described
{%- endif %}
