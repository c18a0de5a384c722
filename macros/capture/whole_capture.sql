{% macro assert_whole_capture(names) %}
    {#-
        Called by the nodes that capture: each concludes from what others of the same build found, so that a command which runs only some of them
        would record half of it for good. names: the ones that this node concludes from.
    -#}
    {%- if dbt_forensics._is_recording() -%}
        {%- set left_out = dbt_forensics._not_selected(names) -%}
        {%- if left_out and (dbt_forensics.streams() or not dbt_forensics._existing(left_out[0])) and not dbt_forensics.is_partial_run() -%}
            {%- do exceptions.raise_compiler_error(
                'dbt_forensics: ' ~ model.name ~ ' concludes from what ' ~ left_out | join(', ') ~ ' found in the same build, and `dbt ' ~ flags.WHICH
                ~ '` leaves that out here. Nothing is recorded. Run `dbt build`, or `dbt build --select +forensics__batch_history`.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro assert_captured_whole(history, presence) %}
    {#- Called by the ledger: what a build captured that was cut off before it sealed it waits until a whole build has looked at it again. -#}
    {%- if dbt_forensics._is_recording() and dbt_forensics._not_selected(['forensics__batch_history']) -%}
        {%- if not load_relation(history) or not load_relation(presence) -%}
            {%- do exceptions.raise_compiler_error(
                'dbt_forensics: ' ~ model.name ~ ' has nothing to conclude from: no row was captured yet. Run `dbt build`, or `dbt build --select +' ~ model.name ~ '`.'
            ) -%}
        {%- endif -%}
        {%- set found = dbt_forensics._single_row(
            'select count(*) from ' ~ history ~ ' as history left join ' ~ presence ~ ' as presence on history.row_key = presence.row_key where presence.row_key is null and '
            ~ dbt_forensics.is_unsealed('history')
        )[0] -%}
        {%- if found -%}
            {%- do exceptions.raise_compiler_error(
                'dbt_forensics: ' ~ model.name ~ ' would conclude from ' ~ found ~ ' rows that a build captured and did not seal, since it was cut off. Nothing is recorded. '
                ~ 'Run `dbt build`, or `dbt build --select +' ~ model.name ~ '`.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro is_unsealed(relation) %}
    {#- A condition: what a table says was recorded after the last seal, by a build that was cut off before it sealed it. -#}
    {%- set sealed_at = dbt_forensics._build()['last_seal_at'] -%}
    {{ return(relation ~ '.recorded_at > ' ~ dbt_forensics.timestamp_literal(sealed_at) if sealed_at else '1 = 1') }}
{% endmacro %}
