{% macro decided_rows(columns) %}
    {#-
        CTEs, the last of them named decided: for each member of a contested event the verdict that it ends with, as if all rows
        of the event that take part had been processed in their one order. Needs the CTE members.
        first_wins: the first row counts. last_wins: each row that says something else than the one before takes over.
        Each row meets the others of its event in windows, never in joins: what a planner expects of the number of rows is then of no account.
    -#}
    {%- set event = 'partition by stream, event_id, takes_part' -%}
    {%- set in_order = 'order by ingested_at, ' ~ dbt_forensics.byte_order('batch_id') ~ ', ordinal, row_key' -%}
    {%- set so_far = 'rows between unbounded preceding and current row' %}
    beside_others as (

        select
            *,
            row_number() over ({{ event }} {{ in_order }}) as place,
            first_value(row_key) over ({{ event }} {{ in_order }} {{ so_far }}) as first_row_key,
            lag(row_key) over ({{ event }} {{ in_order }}) as previous_row_key,
            {%- for column in dbt_forensics.content_columns() %}
            first_value({{ column }}) over ({{ event }} {{ in_order }} {{ so_far }}) as first_{{ column }},
            lag({{ column }}) over ({{ event }} {{ in_order }}) as previous_{{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from members

    ),

    beside_previous as (

        select
            *,
            {{ dbt_forensics.same_content('', 'first_', columns) }} as is_like_first,
            case
                when place = 1 then 1
                when {{ dbt_forensics.same_content('', 'previous_', columns) }} then 0
                else 1
            end as differs_from_previous
        from beside_others

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
        {%- set stretch = event ~ ', stretch, shape_digest, schema_version order by place' %}
        select
            *,
            lag(row_key) over ({{ stretch }}) as alike_row_key,
            {%- for column in dbt_forensics.content_columns() %}
            lag({{ column }}) over ({{ stretch }}) as alike_{{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from in_stretches

    ),

    compared as (

        select
            *,
            case
                when differs_from_previous = 1 then 1
                when alike_row_key is null or alike_row_key = previous_row_key then 0
                when {{ dbt_forensics.same_content('', 'alike_', columns) }} then 0
                else 1
            end as is_change
        from beside_alike

    ),

    in_runs as (

        select
            *,
            sum(is_change) over ({{ event }} order by place rows between unbounded preceding and current row) as run_number
        from compared

    ),

    headed as (

        {#- The next run's head takes over from this one. #}
        {%- set next_run = event ~ ' order by run_number range between 1 following and 1 following' %}
        select
            *,
            max(run_number) over ({{ event }}) as run_count,
            max(case when is_change = 1 then row_key end) over ({{ event }}, run_number) as head_row_key,
            max(case when is_change = 1 then row_key end) over ({{ next_run }}) as taken_over_by,
            max(case when is_change = 1 then effective_at end) over ({{ next_run }}) as taken_over_at
        from in_runs

    ),

    targeted as (

        select
            *,
            case
                when not takes_part then held_verdict
                when on_conflict = 'first_wins' and place = 1 then 'accepted'
                when on_conflict = 'first_wins' and is_like_first then 'duplicate'
                when on_conflict = 'first_wins' then 'conflict'
                when is_change = 0 then 'duplicate'
                when run_number = run_count then 'accepted'
                else 'superseded'
            end as target_verdict,
            case
                when not takes_part or (on_conflict = 'first_wins' and place = 1) then null
                when on_conflict = 'first_wins' then first_row_key
                when is_change = 0 then head_row_key
                else taken_over_by
            end as target_other,
            takes_part and on_conflict = 'last_wins' and is_change = 1 and run_number > 1 as takes_over
        from headed

    ),

    decided as (

        {#- Beside what becomes of the event: the row that counts (winner), the one that stops to (loser), and whether one had gone. #}
        {%- set of_event = 'over (partition by stream, event_id)' %}
        {%- set loses = "counts = 1 and coalesce(target_verdict, 'gone') <> 'accepted'" %}
        select
            *,
            max(case when {{ loses }} then 1 else 0 end) {{ of_event }} = 1 as displaces,
            max(case when {{ loses }} and is_rewritten then 1 else 0 end) {{ of_event }} = 1 as loser_is_rewritten,
            max(case when target_verdict = 'accepted' and is_rewrite then 1 else 0 end) {{ of_event }} = 1 as winner_is_rewrite,
            max(case when target_verdict = 'accepted' and (is_new or is_back) then 1 else 0 end) {{ of_event }} = 1 as winner_came,
            max(case when has_counted = 1 and verdict = 'withdrawn' and not is_in_source then 1 else 0 end) {{ of_event }} = 1 as had_gone,
            max(has_counted) {{ of_event }} = 1 as event_has_counted
        from targeted

    )
{% endmacro %}


{% macro content_columns() %}
    {#- What is compared of two rows to tell whether they say the same. -#}
    {{ return(['entity_id', 'event_type', 'event_time', 'tenant', 'payload', 'shape_digest', 'schema_version']) }}
{% endmacro %}
