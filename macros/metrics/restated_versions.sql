{% macro restated_versions(versions, changes, streams, allow=[], only=none) %}
    {#-
        A select of the versions that moved a value after its window was settled, with settles_at, the time from which it was. Rows that
        had arrived by then and were only recorded later are growth: of the first build after it, what came on time or late, and
        corrections that arrived before. versions, changes, streams: forensics__metric_versions, forensics__metric_changes,
        forensics__streams. allow: causes by which a settled value may change. only: names of streams; all if none is given.
    -#}
    with streams as (

        select * from {{ streams }}

    ),

    changes as (

        select * from {{ changes }}

    ),

    versions as (

        select *
        from {{ versions }}
        {%- if only is not none %}
        where {{ dbt_forensics.is_one_of('stream', only) }}
        {%- endif %}

    ),

    moved as (

        select
            versions.*,
            {{ dbt_forensics._settles_at('versions.window_end') }} as settles_at
        from versions
        inner join streams
            on versions.stream = streams.stream
        where versions.is_settled and coalesce(versions.value, 0) <> coalesce(versions.previous_value, 0)

    ),

    points as (

        {#- Builds, and versions at the time at which their window settled. #}
        select
            stream,
            metric,
            window_start,
            dimensions,
            version,
            recorded_from,
            settles_at,
            previous_value,
            value,
            settles_at as point_at,
            cast(null as {{ dbt.type_timestamp() }}) as built_at
        from moved
        where recorded_from >= settles_at
        union all
        select distinct
            stream,
            cast(null as {{ dbt.type_string() }}) as metric,
            cast(null as {{ dbt.type_timestamp() }}) as window_start,
            cast(null as {{ dbt.type_string() }}) as dimensions,
            cast(null as {{ dbt.type_bigint() }}) as version,
            cast(null as {{ dbt.type_timestamp() }}) as recorded_from,
            cast(null as {{ dbt.type_timestamp() }}) as settles_at,
            cast(null as {{ dbt_forensics.type_exact_number() }}) as previous_value,
            cast(null as {{ dbt_forensics.type_exact_number() }}) as value,
            recorded_from as point_at,
            recorded_from as built_at
        from versions

    ),

    settled as (

        {#- With the first build at or after the time at which the window settled. #}
        select
            *,
            min(built_at) over (
                partition by stream
                order by point_at desc, case when built_at is null then 1 else 0 end
                rows between unbounded preceding and current row
            ) as shown_settled_at
        from points

    )

    select distinct
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
    inner join changes
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
{% endmacro %}
