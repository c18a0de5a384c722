{% macro arrivals(streams, profile) %}
    {#-
        CTEs: hourly, what is counted of the rows that arrived in an hour, by measure and subject but for the delays, and beside it how many came in all
        (hour_count) and how many of them repeat others (hour_duplicates); and batches, the rows of each batch.
    -#}
    hourly as (

        select
            stream,
            arrived_hour,
            measure,
            subject,
            sum(row_count) as row_count,
            sum(sum(case when measure = 'rows' then row_count else 0 end)) over (partition by stream, arrived_hour) as hour_count,
            sum(sum(case when measure = 'duplicate' then row_count else 0 end)) over (partition by stream, arrived_hour) as hour_duplicates,
            min(first_event_at) as first_event_at,
            min(first_arrived_at) as first_arrived_at,
            max(last_arrived_at) as last_arrived_at,
            min(recorded_at) as recorded_at,
            max(recorded_at) as touched_at
        from {{ profile }} as counted
        where arrived_hour is not null and measure <> 'delay' and {{ dbt_forensics.is_one_of('stream', streams.keys() | list) }}
        group by stream, arrived_hour, measure, subject
        having sum(counted.row_count) > 0

    ),

    first_arrivals as (

        select
            stream,
            min(first_arrived_at) as first_arrived_at
        from hourly
        where measure = 'rows'
        group by stream

    ),

    {#- The windows of a batch are those that hold a tenth of its rows. #}
    batch_windows as (

        select
            stream,
            batch_id,
            coalesce(window_start, {{ dbt_forensics.time_of_stream(streams, 'window_start', 'arrived_hour') }}) as window_start,
            sum(case when measure = 'rows' then row_count else 0 end) as rows_count,
            sum(case when measure = 'duplicate' then row_count else 0 end) as duplicate_count,
            sum(case when measure = 'conflict' then row_count else 0 end) as conflict_count,
            sum(case when measure = 'quarantined' then row_count else 0 end) as quarantined_count,
            sum(case when measure = 'null' then row_count else 0 end) as null_count,
            sum(case when measure = 'values' then row_count else 0 end) as value_count,
            sum(case when measure = 'rule' and not {{ dbt_forensics.is_rule_of_the_stream('profile', streams) }} then row_count else 0 end) as unreadable_count,
            max(case when measure in ('duplicate', 'rule') then sample_event_ids end) as sample_event_ids,
            min(first_event_at) as first_event_at,
            min(first_arrived_at) as first_arrived_at,
            max(last_arrived_at) as last_arrived_at,
            min(recorded_at) as recorded_at,
            max(recorded_at) as touched_at
        from {{ profile }} as profile
        where batch_id is not null and {{ dbt_forensics.is_one_of('stream', streams.keys() | list) }}
        group by 1, 2, 3

    ),

    batch_totals as (

        select
            *,
            sum(rows_count) over (partition by stream, batch_id) as batch_count
        from batch_windows

    ),

    batches as (

        select
            stream,
            batch_id,
            min(case when rows_count * 10 >= batch_count then window_start end) as first_window,
            max(case when rows_count * 10 >= batch_count then window_start end) as last_window,
            sum(rows_count) as rows_count,
            sum(duplicate_count) as duplicate_count,
            sum(conflict_count) as conflict_count,
            sum(quarantined_count) as quarantined_count,
            sum(null_count) as null_count,
            sum(value_count) as value_count,
            sum(unreadable_count) as unreadable_count,
            max(sample_event_ids) as sample_event_ids,
            min(first_event_at) as first_event_at,
            coalesce(min(first_arrived_at), min(recorded_at)) as first_arrived_at,
            coalesce(max(last_arrived_at), max(recorded_at)) as last_arrived_at,
            min(recorded_at) as recorded_at,
            max(touched_at) as touched_at
        from batch_totals
        group by stream, batch_id

    )
{% endmacro %}


{% macro found_columns() %}
    {#- What every detector gives of a detection. identity_text: what tells it from others of the detector, stream and subject. -#}
    {{ return([
        'stream', 'detector', 'subject', 'identity_text', 'window_start', 'window_end', 'severity', 'observed', 'expected', 'evidence', 'first_event_at',
        'first_arrived_at', 'last_arrived_at', 'is_over', 'touched_at',
    ]) }}
{% endmacro %}


{% macro found(detector, from, where, values, streams) %}
    {#-
        A select of detections, with the columns of found_columns(). from: a CTE with stream, first_window, last_window, or a select of it, in parentheses with
        alias. values: {column: SQL} for identity_text, observed, evidence, and what differs from the defaults. where: a condition.
    -#}
    {%- set time = dbt.type_timestamp() -%}
    {%- set number = dbt_forensics.type_exact_number() %}
        select
            candidates.stream,
            '{{ detector }}' as detector,
            {{ values.get('subject', 'cast(null as ' ~ dbt.type_string() ~ ')') }} as subject,
            {{ values.identity_text }} as identity_text,
            candidates.first_window as window_start,
            {{ values.get('window_end', dbt_forensics.time_of_stream(streams, 'window_end', 'candidates.last_window', of='candidates.stream')) }} as window_end,
            {{ values.get('severity', dbt_forensics.severity(detector, streams)) }} as severity,
            cast({{ values.observed }} as {{ number }}) as observed,
            cast({{ values.get('expected', 'null') }} as {{ number }}) as expected,
            {{ values.evidence }} as evidence,
            {{ values.get('first_event_at', 'cast(null as ' ~ time ~ ')') }} as first_event_at,
            {{ values.get('first_arrived_at', 'cast(null as ' ~ time ~ ')') }} as first_arrived_at,
            {{ values.get('last_arrived_at', 'cast(null as ' ~ time ~ ')') }} as last_arrived_at,
            {{ values.get('is_over', '1 = 0') }} as is_over,
            {{ values.get('touched_at', 'cast(null as ' ~ time ~ ')') }} as touched_at
        from {{ from }} as candidates
        where {{ dbt_forensics.is_on(detector, streams) }} and ({{ where }})
{%- endmacro %}


{% macro is_past(streams, clock, time='candidates.last_window') %}
    {#-
        A condition: the window after the one that a time is in is over and should be there. What happened once (rows rewritten, columns changed)
        is then over, if it did not happen again; the record of it stays.
    -#}
    {{ return('(' ~ dbt_forensics.time_of_stream(streams, 'past_at', time, of='candidates.stream') ~ ' <= ' ~ clock ~ ')') }}
{% endmacro %}
