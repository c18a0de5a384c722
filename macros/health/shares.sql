{% macro share_detectors() %}
    {#-
        How detectors look at a share of the rows, as {name: {detector, measure, grain}}: of the rows that arrived in an hour, or of those of a window or
        of a day's windows. Each has a macro <name>() that selects what it counts; the detector is the name, if none is given.
    -#}
    {{ return({
        'duplicate_storm': {'measure': 'duplicate', 'grain': 'hour'},
        'conflicting_duplicates': {'measure': 'conflict', 'grain': 'hour'},
        'clock_skew': {'measure': 'future', 'grain': 'hour'},
        'null_spike': {'measure': 'null', 'grain': 'hour'},
        'value_out_of_range': {'measure': 'rule', 'grain': 'hour'},
        'unparseable_payload': {'measure': 'rule', 'grain': 'hour'},
        'hot_entity': {'measure': 'entity', 'grain': 'hour'},
        'late_surge': {'measure': 'late', 'grain': 'window'},
        'out_of_order_surge': {'measure': 'out_of_order', 'grain': 'window'},
        'sequence_gap': {'measure': 'missing', 'grain': 'window'},
        'sequence_gap_of_a_day': {'detector': 'sequence_gap', 'measure': 'missing', 'grain': 'day'},
    }) }}
{% endmacro %}


{% macro unusual_shares(streams, profile, schema_history) %}
    {#-
        CTEs, the last of them named share_runs: stretches of hours of arrival, or of windows, in which a share of the rows is unusual. A share is unusual
        if at least ten rows are concerned, and it is above the stream's median by more than the detector's knob, by more than six times what it is
        commonly above it (the upper quartile; beyond what is tolerated), and by more than chance does (five standard deviations of a share of so many rows). Hours and windows
        with less than twenty rows are not looked at; a stream with less than ten such hours, or seven such windows, is too new to tell.
        Needs the CTEs windows, hourly, offset_runs, first_arrivals.
    -#}
    {%- set detectors = dbt_forensics.share_detectors() %}
    {%- set hourly = streams.values() | selectattr('window', 'equalto', 'hour') | map(attribute='name') | list %}
    buckets as (

        select
            stream,
            'hour' as grain,
            arrived_hour as bucket_start,
            row_count,
            row_number() over (partition by stream order by arrived_hour) as place,
            count(*) over (partition by stream) as last_place
        from hourly
        where measure = 'rows' and row_count >= 20
        union all
        select
            stream,
            'window' as grain,
            window_start as bucket_start,
            row_count,
            row_number() over (partition by stream order by window_start) as place,
            count(*) over (partition by stream) as last_place
        from windows
        where row_count >= 20
        union all
        select
            stream,
            'day' as grain,
            bucket_start,
            row_count,
            row_number() over (partition by stream order by bucket_start) as place,
            count(*) over (partition by stream) as last_place
        from (
            select
                stream,
                {{ dbt_forensics.window_start('day', 'window_start') }} as bucket_start,
                sum(windows.row_count) as row_count
            from windows
            where {{ dbt_forensics.is_one_of('stream', hourly) }}
            group by stream, {{ dbt_forensics.window_start('day', 'window_start') }}
        ) as days
        where row_count >= 20

    ),

    counted_shares as (
        {% for name, detector in detectors.items() %}
        {%- set of = detector.detector | default(name) %}
        select
            '{{ of }}' as detector,
            '{{ detector.grain }}' as grain,
            '{{ detector.measure }}' as measure,
            {{ dbt_forensics.severity(of, streams, 'counted.stream') }} as severity,
            {{ dbt_forensics.knob(of, streams, 'counted.stream') }} as knob,
            counted.*
        from ({{ dbt_forensics.detector_macro(name)(streams, profile) }}) as counted
        where {{ dbt_forensics.is_on(of, streams, 'counted.stream') }}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}

    ),

    {#- A column that is younger than the stream had no values before, and what began before the stream's first arrival was late for nobody. #}
    younger_measures as (

        select
            columns_seen.stream,
            'hour' as grain,
            'null' as measure,
            columns_seen.column_name as subject,
            min(columns_seen.dbt_valid_from) as known_from
        from {{ schema_history }} as columns_seen
        inner join (
            select stream, min(dbt_valid_from) as first_at
            from {{ schema_history }}
            group by stream
        ) as firsts
            on columns_seen.stream = firsts.stream
        group by columns_seen.stream, columns_seen.column_name, firsts.first_at
        having min(columns_seen.dbt_valid_from) > firsts.first_at
        union all
        select
            stream,
            'window' as grain,
            'late' as measure,
            '' as subject,
            first_arrived_at as known_from
        from first_arrivals

    ),

    looked_at as (

        select
            younger_measures.stream,
            younger_measures.grain,
            younger_measures.measure,
            younger_measures.subject,
            younger_measures.known_from,
            count(buckets.stream) as bucket_count
        from younger_measures
        left join buckets
            on
                younger_measures.stream = buckets.stream
                and younger_measures.grain = buckets.grain
                and buckets.bucket_start >= younger_measures.known_from
        group by
            younger_measures.stream, younger_measures.grain, younger_measures.measure, younger_measures.subject, younger_measures.known_from

    ),

    shares as (

        select
            counted_shares.stream,
            counted_shares.detector,
            counted_shares.grain,
            counted_shares.measure,
            counted_shares.subject,
            counted_shares.bucket_start,
            counted_shares.part,
            counted_shares.whole,
            counted_shares.tolerated,
            counted_shares.touched_at,
            counted_shares.severity,
            counted_shares.knob,
            buckets.place,
            buckets.last_place,
            coalesce(looked_at.bucket_count, buckets.last_place) as bucket_count,
            case when counted_shares.detector = 'hot_entity' then '' else coalesce(counted_shares.subject, '') end as usual_of,
            {{ dbt_forensics.share_of('counted_shares.part', 'counted_shares.whole') }} as share
        from counted_shares
        inner join buckets
            on
                counted_shares.stream = buckets.stream
                and counted_shares.grain = buckets.grain
                and counted_shares.bucket_start = buckets.bucket_start
        left join looked_at
            on
                counted_shares.stream = looked_at.stream
                and counted_shares.grain = looked_at.grain
                and counted_shares.measure = looked_at.measure
                and coalesce(counted_shares.subject, '') = looked_at.subject
        where counted_shares.part > 0 and coalesce(counted_shares.bucket_start >= looked_at.known_from, true)

    ),

    ranked_shares as (

        {#- Where a detector counted nothing its share is 0: those hours and windows are before all others in order. #}
        select
            shares.*,
            shares.bucket_count - count(*) over (partition by stream, detector, grain, usual_of)
            + row_number() over (partition by stream, detector, grain, usual_of order by share) as rank_among
        from shares

    ),

    usual_shares as (

        {%- set of = 'over (partition by stream, detector, grain, usual_of)' %}
        select
            ranked_shares.*,
            coalesce(max(case when rank_among * 2 in (bucket_count, bucket_count + 1) then share end) {{ of }}, 0) as usual_share,
            coalesce(
                max(case when rank_among * 4 >= bucket_count * 3 and (rank_among - 1) * 4 < bucket_count * 3 then share end) {{ of }}, 0
            ) as high_share
        from ranked_shares

    ),

    unusual as (

        select
            usual_shares.*,
            place - row_number() over (partition by stream, detector, grain, coalesce(subject, '') order by place) as run
        from usual_shares
        where
            part >= 10
            and bucket_count >= case when grain = 'hour' then 10 else 7 end
            and share > usual_share + knob + tolerated
            and share - usual_share - tolerated > (high_share - usual_share - tolerated) * 6
            and {{ dbt_forensics.is_beyond_chance('share', 'usual_share', 'whole') }}

    ),

    share_runs as (

        select
            stream,
            detector,
            grain,
            measure,
            subject,
            min(severity) as severity,
            min(bucket_start) as first_bucket,
            max(bucket_start) as last_bucket,
            sum(part) as part,
            sum(whole) as whole,
            min(usual_share) as usual_share,
            max(touched_at) as touched_at,
            {#- Numbers that are missing are missing until they come; all else is over when what comes after it is as usual. #}
            max(place) < max(last_place) and detector <> 'sequence_gap' as is_over
        from unusual
        group by stream, detector, grain, measure, subject, run

    )
{% endmacro %}


{% macro is_beyond_chance(share, usual, count) %}
    {#- Whether a share of so many rows differs from the usual one by more than five standard deviations, in exact arithmetic. -#}
    {%- set difference = 'cast(' ~ share ~ ' - ' ~ usual ~ ' as numeric(12, 6))' -%}
    {%- set chance = 'cast(' ~ usual ~ ' as numeric(12, 6))' -%}
    {{ return(difference ~ ' * ' ~ difference ~ ' * cast(' ~ count ~ ' as numeric(14, 0)) > ' ~ chance ~ ' * (1 - ' ~ chance ~ ') * 25') }}
{% endmacro %}


{% macro found_shares(streams, profile) %}
    {#-
        CTEs, the last of them named found_shares: the stretches of unusual_shares() as detections. The windows of an hour of arrival are those that
        hold a tenth of the rows concerned. Needs share_runs.
    -#}
    {%- set columns = [
        'stream', 'detector', 'grain', 'measure', 'subject', 'severity', 'first_bucket', 'last_bucket', 'part', 'whole', 'usual_share', 'touched_at', 'is_over',
    ] %}
    {%- set run = columns | join(', ') %}
    rows_of_runs as (

        select
            share_runs.*,
            coalesce(rows_concerned.window_start, {{ dbt_forensics.time_of_stream(streams, 'window_start', 'rows_concerned.arrived_hour', of='share_runs.stream') }}) as window_start,
            rows_concerned.row_count,
            rows_concerned.sample_event_ids,
            rows_concerned.batch_id,
            rows_concerned.first_event_at,
            rows_concerned.first_arrived_at,
            rows_concerned.last_arrived_at
        from share_runs
        left join {{ profile }} as rows_concerned
            on
                share_runs.stream = rows_concerned.stream
                and (share_runs.measure = rows_concerned.measure or (share_runs.measure = 'late' and rows_concerned.measure = 'too_late'))
                and coalesce(share_runs.subject, '') = coalesce(rows_concerned.subject, '')
                and (
                    (share_runs.grain = 'hour' and rows_concerned.arrived_hour between share_runs.first_bucket and share_runs.last_bucket)
                    or (share_runs.grain = 'window' and rows_concerned.window_start between share_runs.first_bucket and share_runs.last_bucket)
                    or (
                        share_runs.grain = 'day'
                        and rows_concerned.window_start between share_runs.first_bucket and {{ dbt_forensics.time_plus('hour', 23, 'share_runs.last_bucket') }}
                    )
                )

    ),

    windows_of_runs as (

        select
            {{ run }},
            window_start,
            sum(row_count) as row_count,
            sum(sum(row_count)) over (partition by {{ run }}) as total_count,
            max(sample_event_ids) as sample_event_ids,
            min(batch_id) as batch_id,
            min(first_event_at) as first_event_at,
            min(first_arrived_at) as first_arrived_at,
            max(last_arrived_at) as last_arrived_at
        from rows_of_runs
        group by {{ run }}, window_start

    ),

    dated_runs as (

        select
            {{ run }},
            case when grain = 'hour' then min(case when row_count * 10 >= total_count then window_start end) else first_bucket end as first_window,
            case grain
                when 'hour' then max(case when row_count * 10 >= total_count then window_start end)
                when 'day' then {{ dbt_forensics.time_plus('hour', 23, 'last_bucket') }}
                else last_bucket
            end as last_window,
            max(sample_event_ids) as sample_event_ids,
            min(batch_id) as batch_id,
            min(first_event_at) as first_event_at,
            min(first_arrived_at) as first_arrived_at,
            max(last_arrived_at) as last_arrived_at,
            {{ dbt_forensics.share_of('part', 'whole') }} as share
        from windows_of_runs
        group by {{ run }}

    ),

    found_shares as (

        select
            stream,
            detector,
            subject,
            {#- A stretch of windows and one of days may begin at the same time. #}
            case when grain = 'day' then 'day ' else '' end || {{ dbt_forensics.canonical_text('first_bucket', dbt.type_timestamp()) }} as identity_text,
            first_window as window_start,
            {{ dbt_forensics.time_of_stream(streams, 'window_end', 'last_window') }} as window_end,
            {#- One step more severe where the share is half of all rows above what is usual. #}
            {{ dbt_forensics.severity_of_rank(dbt_forensics.severity_rank('severity') ~ ' + case when share - usual_share >= 0.5 then 1 else 0 end') }} as severity,
            share as observed,
            usual_share as expected,
            {{ dbt_forensics.evidence({'rows': 'part', 'of_rows': 'whole'}, {'subject': 'subject', 'first_batch': 'batch_id'}, 'sample_event_ids') }} as evidence,
            first_event_at,
            first_arrived_at,
            last_arrived_at,
            is_over,
            touched_at
        from dated_runs

    )
{% endmacro %}


{% macro evidence(numbers, texts, sample_event_ids=none) %}
    {#- Text: a JSON object of numbers, texts and sample event ids: what a detection rests on. Values of the payload are never in it. -#}
    {%- set members = [] -%}
    {%- for name, value in numbers.items() -%}
        {%- do members.append("coalesce(',\"" ~ name ~ "\":' || cast(" ~ value ~ ' as ' ~ dbt.type_string() ~ "), '')") -%}
    {%- endfor -%}
    {%- for name, value in texts.items() -%}
        {%- do members.append("coalesce(',\"" ~ name ~ "\":' || " ~ dbt_forensics.json_text(value) ~ ", '')") -%}
    {%- endfor -%}
    {%- if sample_event_ids -%}
        {%- do members.append("coalesce(',\"sample_event_ids\":' || " ~ sample_event_ids ~ ", '')") -%}
    {%- endif -%}
    {{ return("cast('{' || substr(" ~ members | join(' || ') ~ ", 2) || '}' as " ~ dbt.type_string() ~ ')') }}
{% endmacro %}


{% macro detector_macro(name) %}
    {#- The macro of a detector, which has its name. -#}
    {{ return(context['dbt_forensics'][name]) }}
{% endmacro %}


{% macro share_of_hour(where, rows='hourly', whole='part_rows.hour_count', tolerated='0') %}
    {#- A select of what a detector counts among the rows that arrived in an hour. rows: the CTE hourly, or a select of it, as part_rows. -#}
    select
            part_rows.stream,
            part_rows.subject,
            part_rows.arrived_hour as bucket_start,
            part_rows.row_count as part,
            {{ whole }} as whole,
            {{ tolerated }} as tolerated,
            part_rows.touched_at
        from {{ rows }} as part_rows
        where part_rows.hour_count > 0 and {{ where }}
{%- endmacro %}
