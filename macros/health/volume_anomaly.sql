{% macro volume_anomaly(streams) %}
    {#-
        Windows with far less or far more events than usual at their hour and weekday (rows that were replaced in place count once); one detection per stretch of them. Too few is so
        until they come; too many is over with the next usual window. Medians below twenty rows say nothing.
    -#}
    {{ dbt_forensics.found('volume_anomaly', "(
            select
                stream,
                side,
                min(window_start) as first_window,
                max(window_start) as last_window,
                count(*) as window_count,
                sum(event_count) as volume,
                sum(expected_count) as usual_volume,
                min(first_event_at) as first_event_at,
                min(first_arrived_at) as first_arrived_at,
                max(touched_at) as touched_at,
                max(window_number) as last_place,
                max(last_due_place) as last_due_place
            from (
                select
                    *,
                    window_number - row_number() over (partition by stream, side order by window_number) as run
                from (
                    select
                        windows.*,
                        max(case when is_due and event_count > 0 then window_number end) over (partition by stream) as last_due_place,
                        case
                            when is_due and event_count > 0 and event_count < expected_low then 'low'
                            when event_count - withdrawn_count > expected_high and event_count - withdrawn_count - expected_count >= 20 then 'high'
                        end as side
                    from windows
                    where expected_count >= 20
                ) as sides
                where side is not null
            ) as runs
            group by stream, side, run
        )", '1 = 1', {
        'identity_text': "candidates.side || ' ' || " ~ dbt_forensics.canonical_text('candidates.first_window', dbt.type_timestamp()),
        'subject': 'candidates.side',
        'observed': 'candidates.volume',
        'expected': 'candidates.usual_volume',
        'evidence': dbt_forensics.evidence(
            {'windows': 'candidates.window_count', 'rows': 'candidates.volume', 'usual_rows': 'candidates.usual_volume'}, {'side': 'candidates.side'}
        ),
        'first_event_at': 'coalesce(candidates.first_event_at, candidates.first_window)',
        'first_arrived_at': 'candidates.first_arrived_at',
        'is_over': "candidates.side = 'high' and candidates.last_place < candidates.last_due_place",
        'touched_at': 'candidates.touched_at',
    }, streams) }}
{%- endmacro %}
