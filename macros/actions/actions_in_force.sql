{% macro actions_in_force(actions, action_rows, last_recorded_at) %}
    {#-
        CTE actions_in_force: one row per captured row that anyone acted upon: what the last action that is in force makes of it, and what was done
        last. An action is in force from when it was applied until it was reverted. Rows acted upon within a day before the ledger's last
        entry are looked at again, so that an act that was recorded while a build ran is not missed; to look twice changes nothing.
    -#}
    acts as (

        select
            action_id,
            kind,
            act,
            recorded_at as acted_at,
            max(case when act = 'reverted' then 1 else 0 end) over (partition by action_id) as is_reverted
        from {{ actions }}
        where act in ('applied', 'reverted') and kind in ('replay', 'release', 'withdrawal')

    ),

    acted_rows as (

        select
            of_action.stream,
            of_action.row_key,
            of_action.event_id,
            acts.action_id,
            acts.kind,
            acts.act,
            acts.acted_at,
            row_number() over (
                partition by of_action.row_key, acts.is_reverted, acts.act order by acts.acted_at desc, acts.action_id desc
            ) as place_in_force,
            row_number() over (partition by of_action.row_key order by acts.acted_at desc, acts.act desc, acts.action_id desc) as place,
            acts.is_reverted
        from {{ action_rows }} as of_action
        inner join acts
            on of_action.action_id = acts.action_id

    ),

    in_force as (

        select
            row_key,
            kind
        from acted_rows
        where act = 'applied' and is_reverted = 0 and place_in_force = 1

    ),

    actions_in_force as (

        select
            last_acts.stream,
            last_acts.row_key,
            last_acts.event_id,
            coalesce(in_force.kind in ('replay', 'release'), false) as is_admitted,
            coalesce(in_force.kind = 'withdrawal', false) as is_withdrawn,
            last_acts.action_id as last_action_id,
            last_acts.acted_at,
            case when last_acts.act = 'reverted' then 'revert' else last_acts.kind end as last_cause,
            {% if last_recorded_at -%}
            last_acts.acted_at > {{ dbt_forensics.time_plus('day', -1, last_recorded_at) }} as is_recent
            {%- else -%}
            true as is_recent
            {%- endif %}
        from acted_rows as last_acts
        left join in_force
            on last_acts.row_key = in_force.row_key
        where last_acts.place = 1

    )
{% endmacro %}
