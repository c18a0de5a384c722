{% macro _problems_of_seals(seals) %}
    {#- A select of the seals that do not follow from what they say, do not continue the chain, or stand twice. -#}
    with

    heads as (

        select
            recorded_at,
            {{ dbt.hash(dbt_forensics.set_digest('seal')) }} as head
        from {{ seals }}
        group by recorded_at

    ),

    followed as (

        select
            recorded_at,
            coalesce(lag(head) over (order by recorded_at), {{ dbt.hash("'forensics__seals'") }}) as head_before
        from heads

    ),

    counted as (

        select
            *,
            count(*) over (partition by sealed_table, stream, rows_recorded_at, recorded_at) as times
        from {{ seals }}

    )

    select
        counted.sealed_table,
        counted.stream,
        counted.rows_recorded_at,
        counted.recorded_at as sealed_at,
        case
            when counted.times > 1 then 'the seal stands twice'
            when not {{ dbt_forensics.is_same('counted.seal', dbt_forensics._seal_of_rows('counted')) }} then 'the seal was changed'
            else 'the seal does not continue the chain'
        end as problem,
        counted.row_count as sealed_count,
        cast(null as {{ dbt.type_bigint() }}) as row_count
    from counted
    left join followed
        on counted.recorded_at = followed.recorded_at
    where
        counted.times > 1
        or not {{ dbt_forensics.is_same('counted.seal', dbt_forensics._seal_of_rows('counted')) }}
        or not {{ dbt_forensics.is_same('counted.previous_seal', 'followed.head_before') }}
{% endmacro %}


{% macro _rows_unlike_their_seals(relations, seals) %}
    {#-
        A select of where the tables' rows are not those that were sealed: per table, stream and time of recording. relations: {name of the table: relation}.
    -#}
    {%- set acts = [] -%}
    {%- for name, table in dbt_forensics._sealed_tables().items() if table.is_of_acts -%}{%- do acts.append("'" ~ name ~ "'") -%}{%- endfor %}
    with

    found as (
    {{ dbt_forensics._recorded_groups(relations) }}

    ),

    latest as (

        {{ dbt_forensics._latest_seals(seals) }}

    ),

    end_of_seals as (

        select {{ dbt_forensics.time_plus('day', -1, 'max(recorded_at)') }} as acts_since
        from {{ seals }}

    ),

    compared as (

        select
            coalesce(found.sealed_table, latest.sealed_table) as sealed_table,
            coalesce(found.stream, latest.stream) as stream,
            coalesce(found.rows_recorded_at, latest.rows_recorded_at) as rows_recorded_at,
            latest.recorded_at as sealed_at,
            case
                when latest.sealed_table is null then 'rows of a time that no seal covers'
                when found.sealed_table is null or found.row_count < latest.row_count then 'rows were removed'
                when found.row_count > latest.row_count then 'rows were added'
                else 'rows were changed'
            end as problem,
            latest.row_count as sealed_count,
            cast(found.row_count as {{ dbt.type_bigint() }}) as row_count
        from found
        full outer join latest
            on
                found.sealed_table = latest.sealed_table
                and found.stream = latest.stream
                and found.rows_recorded_at = latest.rows_recorded_at
        where
            found.sealed_table is null
            or latest.sealed_table is null
            or not {{ dbt_forensics.is_same('found.digest', 'latest.digest') }}

    )

    select compared.*
    from compared
    cross join end_of_seals
    {#- What people did since the last build is not sealed yet. #}
    where
        compared.sealed_at is not null
        or compared.sealed_table not in ({{ acts | join(', ') }})
        or compared.rows_recorded_at <= end_of_seals.acts_since
{% endmacro %}
