{% macro settled_window_restated(streams, versions, changes, clock) %}
    {#-
        Values that moved after their window was settled, by more than the knob's share of what they showed before, and twice the share of rows
        that are commonly too late in the stream. What had arrived before it was settled and was only recorded then is growth. Versions of
        at least twenty rows; one detection per stream and window. versions, changes: forensics__metric_versions, forensics__metric_changes.
    -#}
    {{ dbt_forensics.found('settled_window_restated', "(
            select
                stream,
                window_start as first_window,
                window_start as last_window,
                min(recorded_from) as recorded_from,
                max(last_recorded_from) as last_recorded_from,
                max(moved) as moved,
                count(*) as value_count,
                max(metric) as metric,
                max(usual_shares.too_late_share) as too_late_share
            from (
                select
                    later.stream,
                    later.metric,
                    later.window_start,
                    later.dimensions,
                    min(restated.recorded_from) as recorded_from,
                    max(restated.last_recorded_from) as last_recorded_from,
                    " ~ dbt_forensics.share_of('abs(max(later.value) - max(before.value))', 'max(abs(before.value))') ~ " as moved
                from (
                    select
                        stream,
                        metric,
                        window_start,
                        dimensions,
                        min(version) as version,
                        min(recorded_from) as recorded_from,
                        max(recorded_from) as last_recorded_from
                    from (" ~ dbt_forensics.restated_versions(streams, versions, changes, ['definition_changed']) ~ ") as restating
                    where version > 1
                    group by stream, metric, window_start, dimensions
                ) as restated
                inner join " ~ versions ~ " as before
                    on
                        restated.stream = before.stream
                        and restated.metric = before.metric
                        and restated.window_start = before.window_start
                        and restated.dimensions = before.dimensions
                        and restated.version = before.version + 1
                inner join " ~ versions ~ " as later
                    on
                        restated.stream = later.stream
                        and restated.metric = later.metric
                        and restated.window_start = later.window_start
                        and restated.dimensions = later.dimensions
                        and later.is_current
                where before.input_count >= 20 and before.definition_digest = later.definition_digest
                group by later.stream, later.metric, later.window_start, later.dimensions
            ) as restated
            left join (
                select
                    stream as of_stream,
                    " ~ dbt_forensics.share_of("sum(case when measure = 'too_late' then row_count else 0 end)", "sum(case when measure = 'rows' then row_count else 0 end)") ~ " as too_late_share
                from hourly
                group by stream
            ) as usual_shares
                on restated.stream = usual_shares.of_stream
            group by stream, window_start
        )", 'candidates.moved > ' ~ dbt_forensics.knob('settled_window_restated', streams) ~ ' + coalesce(candidates.too_late_share, 0) * 2', {
        'identity_text': dbt_forensics.canonical_text('candidates.first_window', dbt.type_timestamp()),
        'observed': 'candidates.moved',
        'expected': '0',
        'evidence': dbt_forensics.evidence({'values': 'candidates.value_count', 'largest_share': 'candidates.moved'}, {'metric': 'candidates.metric'}),
        'first_event_at': 'candidates.first_window',
        'first_arrived_at': 'candidates.recorded_from',
        'last_arrived_at': 'candidates.last_recorded_from',
        'is_over': dbt_forensics.is_past(streams, clock, 'candidates.last_recorded_from'),
        'touched_at': 'candidates.last_recorded_from',
    }, streams) }}
{%- endmacro %}


{% macro unexplained_change(streams, versions, log, watch_log) %}
    {#- Versions of a value of which the changes by cause do not add up, or have a part that nothing explains; one detection per metric and window. -#}
    {%- set with_watches = dict(streams, **{dbt_forensics.watched_stream(): {'name': dbt_forensics.watched_stream()}}) -%}
    {{ dbt_forensics.found('unexplained_change', "(
            select
                unexplained.stream,
                unexplained.metric,
                unexplained.window_start as first_window,
                max(versions.window_end) as window_end,
                count(distinct unexplained.version) as version_count,
                min(versions.recorded_from) as recorded_from
            from (" ~ dbt_forensics.unexplained_versions(log, watch_log) ~ ") as unexplained
            inner join " ~ versions ~ " as versions
                on
                    unexplained.stream = versions.stream
                    and unexplained.metric = versions.metric
                    and unexplained.window_start = versions.window_start
                    and unexplained.dimensions = versions.dimensions
                    and unexplained.version = versions.version
            group by unexplained.stream, unexplained.metric, unexplained.window_start
        )", 'candidates.version_count >= ' ~ dbt_forensics.knob('unexplained_change', streams), {
        'subject': 'candidates.metric',
        'identity_text': dbt_forensics.canonical_text('candidates.first_window', dbt.type_timestamp()),
        'window_end': 'candidates.window_end',
        'observed': 'candidates.version_count',
        'expected': '0',
        'evidence': dbt_forensics.evidence({'versions': 'candidates.version_count'}, {'metric': 'candidates.metric'}),
        'first_event_at': 'candidates.first_window',
        'first_arrived_at': 'candidates.recorded_from',
        'touched_at': 'candidates.recorded_from',
    }, streams) }}
{%- endmacro %}


{% macro metric_mismatch(streams, watches, versions) %}
    {#- Watched values that are not what their metric shows, beyond the watch's tolerance and the knob's share of it, until they are; one detection per watch and window. -#}
    {%- set compared = [] -%}
    {%- for watch in watches.values() if watch.metric -%}
        {%- do compared.append("select cast('" ~ watch.name ~ "' as " ~ dbt.type_string() ~ ") as watch, cast('" ~ watch.metric_stream ~ "' as " ~ dbt.type_string()
            ~ ") as metric_stream, cast('" ~ watch.metric_name ~ "' as " ~ dbt.type_string() ~ ') as metric_name, cast(' ~ watch.tolerance ~ ' as ' ~ dbt_forensics.type_exact_number() ~ ') as tolerance') -%}
    {%- endfor -%}
    {%- if not compared -%}
        {%- do compared.append(dbt_forensics.no_rows({'watch': 'text', 'metric_stream': 'text', 'metric_name': 'text', 'tolerance': 'number'})) -%}
    {%- endif -%}
    {{ dbt_forensics.found('metric_mismatch', "(
            select
                cast('" ~ dbt_forensics.watched_stream() ~ "' as " ~ dbt.type_string() ~ ") as stream,
                compared.watch,
                compared.tolerance,
                metric_values.window_start as first_window,
                max(metric_values.window_end) as window_end,
                count(*) as value_count,
                sum(coalesce(shown_values.value, 0)) as shown,
                sum(coalesce(metric_values.value, 0)) as metric_value,
                max(abs(coalesce(shown_values.value, 0) - coalesce(metric_values.value, 0))) as difference,
                max(abs(coalesce(metric_values.value, 0))) as size,
                max(" ~ dbt_forensics.greatest_of('shown_values.recorded_from', 'metric_values.recorded_from') ~ ") as recorded_from
            from (" ~ compared | join(' union all ') ~ ") as compared
            inner join " ~ versions ~ " as metric_values
                on metric_values.stream = compared.metric_stream and metric_values.metric = compared.metric_name and metric_values.is_current
            left join " ~ versions ~ " as shown_values
                on
                    shown_values.stream = '" ~ dbt_forensics.watched_stream() ~ "'
                    and shown_values.metric = compared.watch
                    and shown_values.is_current
                    and metric_values.window_start = shown_values.window_start
                    and metric_values.dimensions = shown_values.dimensions
            where abs(coalesce(shown_values.value, 0) - coalesce(metric_values.value, 0)) > compared.tolerance
            group by compared.watch, compared.tolerance, metric_values.window_start
        )", 'candidates.difference > candidates.size * ' ~ dbt_forensics.knob('metric_mismatch', streams), {
        'subject': 'candidates.watch',
        'identity_text': dbt_forensics.canonical_text('candidates.first_window', dbt.type_timestamp()),
        'window_end': 'candidates.window_end',
        'observed': 'candidates.shown',
        'expected': 'candidates.metric_value',
        'evidence': dbt_forensics.evidence({'values': 'candidates.value_count', 'largest_difference': 'candidates.difference'}, {'metric': 'candidates.watch'}),
        'first_event_at': 'candidates.first_window',
        'first_arrived_at': 'candidates.recorded_from',
        'touched_at': 'candidates.recorded_from',
    }, streams) }}
{%- endmacro %}
