{% macro plan_action(action_id, kind, act, rows) %}
    {#-
        Lays out, as temporary views of this session, what the ledger would be if an action were applied or reverted now, and returns
        {entries, effects, left_out}: the name of the view of the entries that it would gain, a select of the versions that metrics would gain, one
        row per version and cause, and {stream, metric} of each metric that cannot be computed. It is what a build would do, from the same macros, so that the prediction is exact.
        action_id, kind, act: of the act. rows: a select of the rows of the action, with the columns of action_row_columns().
    -#}
    {%- set relations = {} -%}
    {%- for name in ['forensics__action_log', 'int_forensics__action_rows', 'forensics__ledger', 'forensics__event_history', 'int_forensics__presence_changes',
        'forensics__schema_history', 'forensics__batch_history', 'int_forensics__metric_log'] -%}
        {%- do relations.update({name: dbt_forensics._existing(name)}) -%}
    {%- endfor -%}
    {%- set acts -%}
        select action_id, kind, act, recorded_at from {{ relations['forensics__action_log'] }}
        union all
        select
            {{ dbt_forensics.forensics_literal(action_id) }} as action_id,
            {{ dbt_forensics.forensics_literal(kind) }} as kind,
            {{ dbt_forensics.forensics_literal(act) }} as act,
            {{ dbt_forensics.recorded_at() }} as recorded_at
    {%- endset -%}
    {%- set acted_rows -%}
        select {{ dbt_forensics.action_row_columns().keys() | join(', ') }} from {{ relations['int_forensics__action_rows'] }}
        {%- if rows %}
        union all
        {{ rows }}
        {%- endif %}
    {%- endset -%}
    {%- do dbt_forensics._temporary_view('forensics_planned_acts', acts) -%}
    {%- do dbt_forensics._temporary_view('forensics_planned_rows', acted_rows) -%}
    {%- do dbt_forensics._temporary_view('forensics_planned_entries', dbt_forensics.new_ledger_entries(
        relations['forensics__ledger'], relations['forensics__event_history'], relations['int_forensics__presence_changes'],
        relations['forensics__schema_history'], 'forensics_planned_acts', 'forensics_planned_rows'
    )) -%}
    {%- do dbt_forensics._temporary_view(
        'forensics_planned_ledger',
        'select * from ' ~ relations['forensics__ledger'] ~ ' union all select * from forensics_planned_entries'
    ) -%}
    {%- set left_out = [] -%}
    {%- set effects = dbt_forensics.tried_metric_log_rows(
        relations['int_forensics__metric_log'], 'forensics_planned_ledger', relations['forensics__event_history'], relations['forensics__batch_history'], left_out
    ) -%}
    {{ return({'entries': 'forensics_planned_entries', 'effects': effects, 'left_out': left_out}) }}
{% endmacro %}


{% macro _temporary_view(name, select) %}
    {%- do run_query('create or replace temporary view ' ~ name ~ ' as ' ~ select) -%}
{% endmacro %}


{% macro settled_windows(stream, windows) %}
    {#- A select of those of some windows, given as SQL literals of their starts, that are settled: the stream has been seen far enough. -#}
    {%- set of_stream = dbt_forensics.streams()[stream] -%}
    {%- set latest = dbt_forensics._single_row(
        'select max(latest_event_time) from ' ~ dbt_forensics._existing('forensics__batch_history') ~ ' where dbt_valid_to is null and stream = '
        ~ dbt_forensics.forensics_literal(stream)
    )[0] -%}
    with
    {%- for window in windows %}
    {{ 'windows as (' if loop.first }}
    select
        {{ window }} as window_start,
        {{ dbt_forensics.forensics_literal(stream) }} as stream,
        {{ dbt_forensics.window_end(of_stream.window, window) }} as window_end
    {{ 'union all' if not loop.last else ')' }}
    {%- endfor %}
    select window_start
    from windows
    where {{ dbt_forensics.settles_at('windows') }} <= {{ dbt_forensics.timestamp_literal(latest) if latest else 'null' }}
{% endmacro %}
