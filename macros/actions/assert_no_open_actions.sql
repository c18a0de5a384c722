{% macro assert_no_open_actions(stream) %}
    {#-
        For a model of yours that reads a stream and is built anew by windows: stops a --full-refresh, and a microbatch over windows, in which
        an action is applied and not verified yet, since what the model would show then is not what was planned. Other builds pass.
        stream: its name. Call it at the top of the model.
    -#}
    {%- set batch = model.batch if model.batch is defined else none -%}
    {%- set states = ref('forensics__actions') -%}
    {%- set action_rows = ref('int_forensics__action_rows') -%}
    {%- if execute and (flags.FULL_REFRESH or batch) and load_relation(states) and load_relation(action_rows) -%}
        {%- set conditions = ["states.status = 'applied'", 'of_action.stream = ' ~ dbt_forensics.forensics_literal(stream)] -%}
        {%- if batch and not flags.FULL_REFRESH -%}
            {%- do conditions.append('of_action.window_start >= ' ~ dbt_forensics.timestamp_literal(batch.event_time_start)) -%}
            {%- do conditions.append('of_action.window_start < ' ~ dbt_forensics.timestamp_literal(batch.event_time_end)) -%}
        {%- endif -%}
        {%- set found = run_query(
            'select of_action.action_id, min(of_action.window_start), max(of_action.window_start) from ' ~ states ~ ' as states inner join '
            ~ action_rows ~ ' as of_action on states.action_id = of_action.action_id where ' ~ conditions | join(' and ')
            ~ ' group by of_action.action_id order by 1'
        ).rows -%}
        {%- if found -%}
            {%- set named = [] -%}
            {%- for row in found -%}{%- do named.append(row[0] ~ ' (windows ' ~ row[1] ~ ' to ' ~ row[2] ~ ')') -%}{%- endfor -%}
            {%- do exceptions.raise_compiler_error(
                'dbt_forensics: ' ~ model.name ~ ' would be built anew over windows of stream ' ~ stream ~ ' with open actions: ' ~ named | join(', ')
                ~ '. Verify or revert them first: dbt-forensics replay verify|revert <action>.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
