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
        Needs the CTEs settings, windows, hourly, offset_runs, first_arrivals.
    -#}
    {%- set detectors = dbt_forensics.share_detectors() %}
    {%- set hourly = streams.values() | selectattr('window', 'equalto', 'hour') | map(attribute='name') | list %}
    buckets as (

        select
            stream,
            'hour' as grain,
            arrived_hour as bucket_start,
            row_count,
            row_number() over (partition by stream order by arrived_hour) as place
        from hourly
        where measure = 'rows' and row_count >= 20
        union all
        select
            stream,
            'window' as grain,
            window_start as bucket_start,
            row_count,
            row_number() over (partition by stream order by window_start) as place
        from windows
        where row_count >= 20
        union all
        select
            stream,
            'day' as grain,
            bucket_start,
            row_count,
            row_number() over (partition by stream order by bucket_start) as place
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
        select
            '{{ detector.detector | default(name) }}' as detector,
            '{{ detector.grain }}' as grain,
            '{{ detector.measure }}' as measure,
            counted.*
        from ({{ dbt_forensics.detector_macro(name)(streams, profile) }}) as counted
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}

    ),

    {#- A column that is younger than the stream had no values before, and what began before the stream's first arrival was late for nobody. #}
    younger_columns as (

        select
            columns_seen.stream,
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
            buckets.place,
            case when counted_shares.detector = 'hot_entity' then '' else coalesce(counted_shares.subject, '') end as usual_of,
            coalesce(younger_columns.known_from, first_arrivals.first_arrived_at) as known_from,
            {{ dbt_forensics.share_of('counted_shares.part', 'counted_shares.whole') }} as share
        from counted_shares
        inner join settings
            on counted_shares.stream = settings.stream and counted_shares.detector = settings.detector
        inner join buckets
            on
                counted_shares.stream = buckets.stream
                and counted_shares.grain = buckets.grain
                and counted_shares.bucket_start = buckets.bucket_start
        left join younger_columns
            on
                counted_shares.stream = younger_columns.stream
                and counted_shares.measure = 'null'
                and counted_shares.subject = younger_columns.subject
        left join first_arrivals
            on counted_shares.stream = first_arrivals.stream and counted_shares.detector = 'late_surge'
        where
            counted_shares.part > 0
            and coalesce(counted_shares.bucket_start >= coalesce(younger_columns.known_from, first_arrivals.first_arrived_at), true)

    ),

    ranked_shares as (

        select
            shares.*,
            row_number() over (partition by stream, detector, grain, usual_of order by share) as rank_among,
            count(*) over (partition by stream, detector, grain, usual_of) as share_count
        from shares

    ),

    subjects as (

        select distinct
            stream,
            detector,
            grain,
            usual_of,
            share_count,
            known_from
        from ranked_shares

    ),

    {#- Where a detector counted nothing its share is 0: those hours and windows are before all others in order. #}
    looked_at as (

        select
            subjects.stream,
            subjects.detector,
            subjects.grain,
            subjects.usual_of,
            count(*) as bucket_count,
            count(*) - subjects.share_count as zero_count
        from subjects
        inner join buckets
            on
                subjects.stream = buckets.stream
                and subjects.grain = buckets.grain
                and (subjects.known_from is null or buckets.bucket_start >= subjects.known_from)
        group by subjects.stream, subjects.detector, subjects.grain, subjects.usual_of, subjects.share_count

    ),

    usual_shares as (

        select
            looked_at.stream,
            looked_at.detector,
            looked_at.grain,
            looked_at.usual_of,
            looked_at.bucket_count,
            coalesce(max(case
                when (looked_at.zero_count + ranked_shares.rank_among) * 2 in (looked_at.bucket_count, looked_at.bucket_count + 1)
                    then ranked_shares.share
            end), 0) as usual_share,
            coalesce(max(case
                when
                    (looked_at.zero_count + ranked_shares.rank_among) * 4 >= looked_at.bucket_count * 3
                    and (looked_at.zero_count + ranked_shares.rank_among - 1) * 4 < looked_at.bucket_count * 3
                    then ranked_shares.share
            end), 0) as high_share
        from looked_at
        inner join ranked_shares
            on
                looked_at.stream = ranked_shares.stream
                and looked_at.detector = ranked_shares.detector
                and looked_at.grain = ranked_shares.grain
                and looked_at.usual_of = ranked_shares.usual_of
        group by looked_at.stream, looked_at.detector, looked_at.grain, looked_at.usual_of, looked_at.bucket_count

    ),

    unusual as (

        select
            shares.*,
            settings.severity,
            usual_shares.usual_share,
            shares.place - row_number() over (
                partition by shares.stream, shares.detector, shares.grain, coalesce(shares.subject, '') order by shares.place
            ) as run
        from shares
        inner join usual_shares
            on
                shares.stream = usual_shares.stream
                and shares.detector = usual_shares.detector
                and shares.grain = usual_shares.grain
                and shares.usual_of = usual_shares.usual_of
        inner join settings
            on shares.stream = settings.stream and shares.detector = settings.detector
        where
            shares.part >= 10
            and usual_shares.bucket_count >= case when shares.grain = 'hour' then 10 else 7 end
            and shares.share > usual_shares.usual_share + settings.knob + shares.tolerated
            and shares.share - usual_shares.usual_share - shares.tolerated > (usual_shares.high_share - usual_shares.usual_share - shares.tolerated) * 6
            and {{ dbt_forensics.is_beyond_chance('shares.share', 'usual_shares.usual_share', 'shares.whole') }}

    ),

    last_places as (

        select
            buckets.stream,
            buckets.grain,
            max(buckets.place) as place
        from buckets
        group by buckets.stream, buckets.grain

    ),

    share_runs as (

        select
            unusual.stream,
            unusual.detector,
            unusual.grain,
            unusual.measure,
            unusual.subject,
            min(unusual.severity) as severity,
            min(unusual.bucket_start) as first_bucket,
            max(unusual.bucket_start) as last_bucket,
            sum(unusual.part) as part,
            sum(unusual.whole) as whole,
            min(unusual.usual_share) as usual_share,
            max(unusual.touched_at) as touched_at,
            {#- Numbers that are missing are missing until they come; all else is over when what comes after it is as usual. #}
            max(unusual.place) < max(last_places.place) and unusual.detector <> 'sequence_gap' as is_over
        from unusual
        inner join last_places
            on unusual.stream = last_places.stream and unusual.grain = last_places.grain
        group by unusual.stream, unusual.detector, unusual.grain, unusual.measure, unusual.subject, unusual.run

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
    run_rows as (

        select
            share_runs.stream,
            share_runs.detector,
            share_runs.grain,
            share_runs.first_bucket,
            coalesce(share_runs.subject, '') as subject,
            coalesce(rows_concerned.window_start, {{ dbt_forensics.time_of_stream(streams, 'window_start', 'rows_concerned.arrived_hour', of='share_runs.stream') }}) as window_start,
            sum(rows_concerned.row_count) as row_count,
            max(rows_concerned.sample_event_ids) as sample_event_ids,
            min(rows_concerned.batch_id) as batch_id,
            min(rows_concerned.first_event_at) as first_event_at,
            min(rows_concerned.first_arrived_at) as first_arrived_at,
            max(rows_concerned.last_arrived_at) as last_arrived_at
        from share_runs
        inner join {{ profile }} as rows_concerned
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
        group by 1, 2, 3, 4, 5, 6

    ),

    run_totals as (

        select
            run_rows.*,
            sum(row_count) over (partition by stream, detector, grain, first_bucket, subject) as total_count
        from run_rows

    ),

    run_windows as (

        select
            stream,
            detector,
            grain,
            first_bucket,
            subject,
            min(case when row_count * 10 >= total_count then window_start end) as first_window,
            max(case when row_count * 10 >= total_count then window_start end) as last_window,
            max(sample_event_ids) as sample_event_ids,
            min(batch_id) as batch_id,
            min(first_event_at) as first_event_at,
            min(first_arrived_at) as first_arrived_at,
            max(last_arrived_at) as last_arrived_at
        from run_totals
        group by stream, detector, grain, first_bucket, subject

    ),

    dated_runs as (

        select
            share_runs.*,
            case when share_runs.grain = 'hour' then run_windows.first_window else share_runs.first_bucket end as first_window,
            case share_runs.grain
                when 'hour' then run_windows.last_window
                when 'day' then {{ dbt_forensics.time_plus('hour', 23, 'share_runs.last_bucket') }}
                else share_runs.last_bucket
            end as last_window,
            run_windows.sample_event_ids,
            run_windows.batch_id,
            run_windows.first_event_at,
            run_windows.first_arrived_at,
            run_windows.last_arrived_at,
            {{ dbt_forensics.share_of('share_runs.part', 'share_runs.whole') }} as share
        from share_runs
        left join run_windows
            on
                share_runs.stream = run_windows.stream
                and share_runs.detector = run_windows.detector
                and share_runs.grain = run_windows.grain
                and share_runs.first_bucket = run_windows.first_bucket
                and coalesce(share_runs.subject, '') = run_windows.subject

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
        {%- do members.append("coalesce(',\"sample_event_ids\":' || nullif(" ~ sample_event_ids ~ ", '[]'), '')") -%}
    {%- endif -%}
    {{ return("cast('{' || substr(" ~ members | join(' || ') ~ ", 2) || '}' as " ~ dbt.type_string() ~ ')') }}
{% endmacro %}


{% macro detector_macro(name) %}
    {#- The macro of a detector, which has its name. -#}
    {{ return(context['dbt_forensics'][name]) }}
{% endmacro %}


{% macro share_of_hour(where, rows='hourly', whole='all_rows.row_count', tolerated='0') %}
    {#- A select of what a detector counts among the rows that arrived in an hour. rows: a CTE, or a select of it, as part_rows; the hour's rows are all_rows. -#}
    select
            part_rows.stream,
            part_rows.subject,
            part_rows.arrived_hour as bucket_start,
            part_rows.row_count as part,
            {{ whole }} as whole,
            {{ tolerated }} as tolerated,
            part_rows.touched_at
        from {{ rows }} as part_rows
        inner join hourly as all_rows
            on part_rows.stream = all_rows.stream and part_rows.arrived_hour = all_rows.arrived_hour and all_rows.measure = 'rows'
        where {{ where }}
{%- endmacro %}
