{% macro unsafe_backfill(streams, profile, actions, action_rows) %}
    {#-
        Rows that came into windows on which an action is applied and not verified yet, one detection per action: what the plan said of these windows
        is not what they show now. The knob is how many rows. It is over when the action is verified or reverted.
    -#}
    {{ dbt_forensics.found('unsafe_backfill', "(
            select
                acted_windows.stream,
                acted_windows.action_id,
                acted_windows.kind,
                min(new_rows.window_start) as first_window,
                max(new_rows.window_start) as last_window,
                sum(new_rows.row_count) as row_count,
                min(new_rows.batch_id) as batch_id,
                min(new_rows.first_event_at) as first_event_at,
                min(new_rows.first_arrived_at) as first_arrived_at,
                max(new_rows.last_arrived_at) as last_arrived_at,
                max(new_rows.recorded_at) as touched_at
            from (
                select distinct
                    actions.stream,
                    actions.action_id,
                    actions.kind,
                    actions.applied_at,
                    rows_acted_upon.window_start
                from " ~ actions ~ " as actions
                inner join " ~ action_rows ~ " as rows_acted_upon
                    on actions.action_id = rows_acted_upon.action_id
                where actions.status = 'applied' and " ~ dbt_forensics.is_one_of('actions.kind', ['replay', 'release', 'withdrawal']) ~ "
            ) as acted_windows
            inner join " ~ profile ~ " as new_rows
                on
                    acted_windows.stream = new_rows.stream
                    and acted_windows.window_start = new_rows.window_start
                    and acted_windows.applied_at < new_rows.recorded_at
            where new_rows.measure = 'rows'
            group by acted_windows.stream, acted_windows.action_id, acted_windows.kind
        )", 'candidates.row_count >= ' ~ dbt_forensics.knob('unsafe_backfill', streams), {
        'subject': 'candidates.action_id',
        'identity_text': 'candidates.action_id',
        'observed': 'candidates.row_count',
        'expected': '0',
        'evidence': dbt_forensics.evidence({'rows': 'candidates.row_count'}, {'action': 'candidates.action_id', 'kind': 'candidates.kind', 'first_batch': 'candidates.batch_id'}),
        'first_event_at': 'candidates.first_event_at',
        'first_arrived_at': 'candidates.first_arrived_at',
        'last_arrived_at': 'candidates.last_arrived_at',
        'touched_at': 'candidates.touched_at',
    }, streams) }}
{%- endmacro %}
