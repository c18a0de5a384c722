{% macro estimates_as_of(as_of=none, as_of_sql=none) %}
    {#-
        A select of what values of windows that are over but not settled will be, estimated from those that are settled: one row per value.
        as_of: a UTC time, as text or as a time of YAML; as_of_sql: instead of it, an SQL expression that gives a timestamp in UTC.
        Only what was known then is used.
    -#}
    {{ dbt_forensics.estimates(dbt_forensics._as_of('estimates_as_of', as_of, as_of_sql)) }}
{%- endmacro %}


{% macro estimates(moment=none) %}
    {#-
        The same, of now where moment is none. A settled value showed some share of what it became when it was as old as the open one is
        now. Of n such shares in order, the middle one gives the estimate, and the k-th from either end the interval, k the whole part of
        (n + 1) / 20: if the open value grows as those did, in whatever way, the interval holds it nine times in ten or more (a conformal
        interval; Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005).
    -#}
    {%- set streams = dbt_forensics.streams() -%}
    {%- if not streams -%}
    {{ dbt_forensics.no_rows(dbt_forensics.estimate_columns()) }}
    {%- else -%}
    {%- set enough = 19 -%}
    with
    {{ dbt_forensics.settled_values(moment) }},

    open_values as (

        select
            versions.*,
            {{ dbt_forensics.cycle_place('versions') }} as cycle_place,
            {{ dbt_forensics.elapsed_seconds('versions.window_end', 'builds.last_built_at') }} as age_seconds
        from versions
        inner join builds
            on versions.stream = builds.stream
        inner join {{ ref('forensics__streams').render() }} as streams
            on versions.stream = streams.stream
        where
            versions.recorded_to is null
            and versions.window_end <= builds.last_built_at
            and {{ dbt_forensics._settles_at('versions.window_end') }} > builds.latest_event_time

    ),

    settled_values as (

        select
            versions.*,
            {{ dbt_forensics.cycle_place('versions') }} as cycle_place,
            last_value(versions.value) over (
                partition by versions.stream, versions.metric, versions.window_start, versions.dimensions
                order by versions.version
                rows between unbounded preceding and unbounded following
            ) as final_value,
            {{ dbt_forensics.elapsed_seconds('versions.window_end', 'versions.recorded_from') }} as shown_from,
            {{ dbt_forensics.elapsed_seconds('versions.window_end', 'versions.recorded_to') }} as shown_to
        from settled_versions as versions

    ),

    comparable_values as (

        {#- What each settled value showed at the age of the open one, as a share of what it became. #}
        select
            open_values.stream,
            open_values.metric,
            open_values.window_start,
            open_values.dimensions,
            settled_values.window_start as settled_window_start,
            settled_values.cycle_place = open_values.cycle_place as is_same_place,
            {{ dbt_forensics.share_of('settled_values.value', 'settled_values.final_value') }} as share
        from open_values
        inner join settled_values
            on
                open_values.stream = settled_values.stream
                and open_values.metric = settled_values.metric
                and open_values.dimensions = settled_values.dimensions
                and open_values.definition_digest = settled_values.definition_digest
                and settled_values.shown_from <= open_values.age_seconds
                and (settled_values.shown_to > open_values.age_seconds or settled_values.shown_to is null)

    ),

    latest_values as (

        {%- set key = 'stream, metric, window_start, dimensions' %}
        select
            *,
            row_number() over (partition by {{ key }}, is_same_place order by settled_window_start desc) as recency_in_cycle,
            row_number() over (partition by {{ key }} order by settled_window_start desc) as recency,
            count(case when is_same_place then 1 end) over (partition by {{ key }}) as same_place_count
        from comparable_values
        where share <> 0

    ),

    basis_values as (

        select
            *,
            same_place_count >= {{ enough }} as is_by_place
        from latest_values
        where
            (same_place_count >= {{ enough }} and is_same_place and recency_in_cycle <= 30)
            or (same_place_count < {{ enough }} and recency <= 90)

    ),

    ordered_values as (

        select
            *,
            row_number() over (partition by {{ key }} order by share, settled_window_start) as place,
            count(*) over (partition by {{ key }}) as basis_count
        from basis_values

    ),

    shares as (

        select
            {{ key }},
            is_by_place,
            basis_count,
            max(case when place * 2 <= basis_count + 1 then share end) as middle_share,
            max(case when place * 20 <= basis_count + 1 then share end) as small_share,
            min(case when (basis_count + 1 - place) * 20 <= basis_count + 1 then share end) as large_share
        from ordered_values
        group by {{ key }}, is_by_place, basis_count

    ),

    estimated as (

        select
            open_values.*,
            shares.is_by_place,
            coalesce(shares.basis_count, 0) as basis_count,
            {%- for share in ['middle', 'small', 'large'] %}
            {{ dbt_forensics.share_of('open_values.value', 'shares.' ~ share ~ '_share') }} as by_{{ share }}_share{{ ',' if not loop.last }}
            {%- endfor %}
        from open_values
        left join shares
            on
                open_values.stream = shares.stream
                and open_values.metric = shares.metric
                and open_values.window_start = shares.window_start
                and open_values.dimensions = shares.dimensions
                and open_values.value <> 0

    ),

    described as (

        select
            stream,
            metric,
            window_start,
            window_end,
            dimensions,
            value,
            age_seconds,
            by_middle_share as estimate,
            {{ dbt_forensics.least_of('by_small_share', 'by_large_share') }} as estimate_low,
            {{ dbt_forensics.greatest_of('by_small_share', 'by_large_share') }} as estimate_high,
            cast(basis_count as {{ dbt.type_bigint() }}) as basis_count,
            cast(case
                when is_by_place then 'same_place_in_cycle'
                when not is_by_place then 'all'
            end as {{ dbt.type_string() }}) as basis
        from estimated

    )

    select * from described
    {%- endif -%}
{%- endmacro %}


{% macro cycle_place(relation) %}
    {#- Integer: the place of a window in its week, or of an hour in its day, in seconds. -#}
    mod(cast({{ dbt_forensics.elapsed_seconds(dbt_forensics.timestamp_literal('1970-01-05 00:00:00'), relation ~ '.window_start') }} as {{ dbt.type_bigint() }}), case {{ relation }}.stream
            {%- for stream in dbt_forensics.streams().values() %}
                when '{{ stream.name }}' then {{ {'hour': 86400, 'day': 604800}[stream.window] }}
            {%- endfor %}
            end)
{%- endmacro %}


{% macro estimate_columns() %}
    {#- The columns of forensics__estimates and their kinds. -#}
    {{ return({
        'stream': 'text', 'metric': 'text', 'window_start': 'time', 'window_end': 'time', 'dimensions': 'text', 'value': 'number',
        'age_seconds': 'number', 'estimate': 'number', 'estimate_low': 'number', 'estimate_high': 'number', 'basis_count': 'integer', 'basis': 'text',
    }) }}
{% endmacro %}
