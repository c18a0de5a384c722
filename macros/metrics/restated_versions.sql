{% macro restated_versions(streams, versions, changes, allow=[]) %}
    {#-
        A select of the versions that moved a value after its window was settled, with settles_at, the time from which it was. Rows that
        had arrived by then and were only recorded later are growth: of the first build after it, what came on time or late, and
        corrections that arrived before. allow: causes by which a settled value may change.
    -#}
    {%- if not streams -%}
    {{ return(dbt_forensics.no_rows({'stream': 'text', 'metric': 'text', 'window_start': 'time', 'version': 'integer', 'recorded_from': 'time'})) }}
    {%- endif -%}
    with versions as (

        select *
        from {{ versions }}
        where {{ dbt_forensics.is_one_of('stream', streams.keys() | list) }}

    ),

    moments as (

        select distinct
            stream,
            recorded_from as moment
        from versions

    ),

    windows as (

        select distinct
            stream,
            window_start,
            window_end,
            case stream
            {%- for stream in streams.values() %}
                when '{{ stream.name }}' then {{ dbt_forensics.time_plus(stream.expected_delay.period, stream.expected_delay['count'],
                    dbt_forensics.time_plus(stream.allowed_lateness.period, stream.allowed_lateness['count'], 'window_end')) }}
            {%- endfor %}
            end as settles_at
        from versions

    ),

    points as (

        select
            stream,
            moment as point_at,
            moment,
            cast(null as {{ dbt.type_timestamp() }}) as window_start,
            cast(null as {{ dbt.type_timestamp() }}) as window_end
        from moments
        union all
        select
            stream,
            settles_at as point_at,
            cast(null as {{ dbt.type_timestamp() }}) as moment,
            window_start,
            window_end
        from windows

    ),

    followed as (

        {#- Per window the first build at or after the time at which it settled. #}
        select
            stream,
            window_start,
            window_end,
            point_at as settles_at,
            min(moment) over (
                partition by stream
                order by point_at desc, case when moment is null then 1 else 0 end
                rows between unbounded preceding and current row
            ) as shown_settled_at
        from points

    ),

    settled as (

        select
            versions.*,
            followed.settles_at,
            followed.shown_settled_at
        from versions
        inner join followed
            on
                versions.stream = followed.stream
                and versions.window_start = followed.window_start
                and versions.window_end = followed.window_end
        where
            versions.is_settled
            and versions.recorded_from >= followed.settles_at
            and coalesce(versions.value, 0) <> coalesce(versions.previous_value, 0)

    ),

    restating as (

        select distinct
            settled.stream,
            settled.metric,
            settled.window_start,
            settled.dimensions,
            settled.version
        from settled
        inner join {{ changes }} as changes
            on
                settled.stream = changes.stream
                and settled.metric = changes.metric
                and settled.window_start = changes.window_start
                and settled.dimensions = changes.dimensions
                and settled.version = changes.version
        where
            changes.change <> 0
            {%- if allow %}
            and not {{ dbt_forensics.is_one_of('changes.cause', allow) }}
            {%- endif %}
            and (
                settled.recorded_from > settled.shown_settled_at
                or not (
                    changes.cause in ('on_time', 'late')
                    or (changes.cause = 'correction' and coalesce(changes.last_arrived_at < settled.settles_at, false))
                )
            )

    )

    select
        settled.stream,
        settled.metric,
        settled.window_start,
        settled.dimensions,
        settled.version,
        settled.recorded_from,
        settled.settles_at,
        settled.previous_value,
        settled.value
    from settled
    inner join restating
        on
            settled.stream = restating.stream
            and settled.metric = restating.metric
            and settled.window_start = restating.window_start
            and settled.dimensions = restating.dimensions
            and settled.version = restating.version
{% endmacro %}
