{% test has_no_open_actions(model, stream, from_time=none, to_time=none) %}
    {#-
        No action on a stream is applied and not verified yet, in windows from a time to before another one if given. Fails with those that are.
        model: any that is about the stream. from_time, to_time: UTC times such as 2026-01-05.
    -#}
    {%- do dbt_forensics.after_detection() %}
    {%- if not dbt_forensics.is_built_here() -%}{{ return(dbt_forensics.no_rows({'stream': 'text'})) }}{%- endif %}
    {%- set conditions = ["states.status = 'applied'", 'states.stream = ' ~ dbt_forensics.forensics_literal(stream)] -%}
    {%- for sign, name, time in [('>=', 'from_time', from_time), ('<', 'to_time', to_time)] if time is not none -%}
        {%- set given = dbt_forensics.timestamp_literal(dbt_forensics.utc_time_text('has_no_open_actions', name, time)) -%}
        {%- do conditions.append('of_action.window_start ' ~ sign ~ ' ' ~ given) -%}
    {%- endfor %}
    select
        states.action_id,
        states.kind,
        states.owner,
        states.reason,
        states.applied_at,
        min(of_action.window_start) as first_window_start,
        max(of_action.window_start) as last_window_start,
        count(*) as row_count
    from {{ ref('forensics__actions').render() }} as states
    inner join {{ ref('int_forensics__action_rows').render() }} as of_action
        on states.action_id = of_action.action_id
    where {{ conditions | join(' and ') }}
    group by states.action_id, states.kind, states.owner, states.reason, states.applied_at
{% endtest %}
