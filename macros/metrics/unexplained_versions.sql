{% macro unexplained_versions(log, watch_log) %}
    {#- A select of the versions whose changes do not add up to their difference, or whose predecessor is not the version before, or that have an unexplained part. -#}
    with all_versions as (

        select * from {{ log }}
        union all
        select * from {{ watch_log }}

    ),

    versions as (

        select
            stream,
            metric,
            window_start,
            dimensions,
            version,
            max(value) as value,
            max(previous_value) as previous_value,
            sum(change) as explained,
            count(*) as cause_count,
            count(case when cause = 'unexplained' or change is null then 1 end) as unexplained_count
        from all_versions
        group by stream, metric, window_start, dimensions, version

    ),

    followed as (

        select
            *,
            lag(value) over (partition by stream, metric, window_start, dimensions order by version) as value_before,
            coalesce(lag(version) over (partition by stream, metric, window_start, dimensions order by version), 0) as version_before
        from versions

    )

    select *
    from followed
    where
        coalesce(explained, 0) <> coalesce(value, 0) - coalesce(previous_value, 0)
        or coalesce(previous_value, 0) <> coalesce(value_before, 0)
        or version <> version_before + 1
        or unexplained_count > 0
{% endmacro %}
