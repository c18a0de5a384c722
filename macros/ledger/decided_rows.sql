{% macro decided_rows(columns) %}
    {#-
        CTEs, the last of them named decided: for each member of a contested event the verdict that it ends with, as if all rows
        of the event that are still there had been processed in their one order. Needs the CTE members.
        first_wins: the first row counts. last_wins: each row that says something else than the one before takes over.
    -#}
    {%- set event = 'partition by stream, event_id' -%}
    {%- set in_order = 'order by ingested_at, ' ~ dbt_forensics.byte_order('batch_id') ~ ', ordinal, row_key' %}
    competing as (

        select
            *,
            row_number() over ({{ event }} {{ in_order }}) as place,
            first_value(row_key) over ({{ event }} {{ in_order }}) as first_row_key,
            lag(row_key) over ({{ event }} {{ in_order }}) as previous_row_key
        from members
        where is_present

    ),

    beside_previous as (

        select
            this_row.*,
            {{ dbt_forensics.same_content('this_row', 'first_row', columns) }} as is_like_first,
            case
                when this_row.place = 1 then 1
                when {{ dbt_forensics.same_content('this_row', 'previous_row', columns) }} then 0
                else 1
            end as differs_from_previous
        from competing as this_row
        left join competing as first_row
            on this_row.first_row_key = first_row.row_key
        left join competing as previous_row
            on this_row.previous_row_key = previous_row.row_key

    ),

    in_stretches as (

        select
            *,
            sum(differs_from_previous) over (
                {{ event }} order by place rows between unbounded preceding and current row
            ) as stretch
        from beside_previous

    ),

    beside_alike as (

        {#- A row without a column hides nothing: the rows of one shape around it are compared as well. #}
        select
            *,
            lag(row_key) over ({{ event }}, stretch, shape_digest, schema_version order by place) as previous_alike_row_key
        from in_stretches

    ),

    compared as (

        select
            this_row.*,
            case
                when this_row.differs_from_previous = 1 then 1
                when this_row.previous_alike_row_key is null or this_row.previous_alike_row_key = this_row.previous_row_key then 0
                when {{ dbt_forensics.same_content('this_row', 'previous_alike_row', columns) }} then 0
                else 1
            end as is_change
        from beside_alike as this_row
        left join competing as previous_alike_row
            on this_row.previous_alike_row_key = previous_alike_row.row_key

    ),

    in_runs as (

        select
            *,
            sum(is_change) over ({{ event }} order by place rows between unbounded preceding and current row) as run_number
        from compared

    ),

    headed as (

        select
            *,
            max(run_number) over ({{ event }}) as run_count,
            max(case when is_change = 1 then row_key end) over ({{ event }}, run_number) as head_row_key
        from in_runs

    ),

    takeovers as (

        select
            stream,
            event_id,
            run_number,
            row_key,
            effective_at
        from headed
        where is_change = 1 and run_number > 1

    ),

    ranked as (

        select
            headed.stream,
            headed.event_id,
            headed.row_key,
            headed.run_number,
            case
                when headed.on_conflict = 'first_wins' and headed.place = 1 then 'accepted'
                when headed.on_conflict = 'first_wins' and headed.is_like_first then 'duplicate'
                when headed.on_conflict = 'first_wins' then 'conflict'
                when headed.is_change = 0 then 'duplicate'
                when headed.run_number = headed.run_count then 'accepted'
                else 'superseded'
            end as target_verdict,
            case
                when headed.on_conflict = 'first_wins' and headed.place = 1 then null
                when headed.on_conflict = 'first_wins' then headed.first_row_key
                when headed.is_change = 0 then headed.head_row_key
                else takeovers.row_key
            end as target_other,
            takeovers.effective_at as taken_over_at,
            headed.on_conflict = 'last_wins' and headed.is_change = 1 and headed.run_number > 1 as takes_over
        from headed
        left join takeovers
            on
                headed.stream = takeovers.stream
                and headed.event_id = takeovers.event_id
                and headed.run_number + 1 = takeovers.run_number

    ),

    decided as (

        select
            members.*,
            ranked.target_verdict,
            ranked.target_other,
            ranked.taken_over_at,
            coalesce(ranked.takes_over, false) as takes_over,
            max(case when members.counts = 1 and coalesce(ranked.target_verdict, 'gone') <> 'accepted' then 1 else 0 end)
                over (partition by members.stream, members.event_id) = 1 as displaces
        from members
        left join ranked
            on members.row_key = ranked.row_key

    )
{% endmacro %}
