{% macro window_columns() %}
    {#- The columns of forensics__windows with their types. -#}
    {{ return({
        'stream': 'text', 'window_number': 'integer', 'window_start': 'time', 'window_end': 'time', 'row_count': 'integer', 'counted_count': 'integer',
        'late_count': 'integer', 'late_share': 'number', 'duplicate_count': 'integer', 'duplicate_share': 'number', 'conflict_count': 'integer',
        'quarantined_count': 'integer', 'quarantined_share': 'number', 'withdrawn_count': 'integer', 'out_of_order_count': 'integer', 'missing_number_count': 'integer',
        'event_count': 'integer', 'expected_count': 'integer', 'expected_low': 'number', 'expected_high': 'number', 'completeness': 'number',
        'compared_count': 'integer', 'compared_nonempty_count': 'integer', 'is_due': 'boolean', 'is_complete': 'boolean', 'is_settled': 'boolean', 'is_gap': 'boolean',
        'health': 'text', 'first_event_at': 'time', 'first_arrived_at': 'time', 'touched_at': 'time',
    }) }}
{% endmacro %}


{% macro window_states(streams, profile, seals, clock) %}
    {#-
        CTEs, the last of them named windows: every expected window of every stream, also those without rows, with what is on record of it and what
        is to be expected of it. From the stream's first window to the later of its latest event's and the clock's. Rows that lie more than 31
        days away from all others and are less than a hundredth of them are strays and stretch nothing; nor does what is from the future; a
        stream has 100,000 windows at most, the latest ones. profile, seals: relations. clock: SQL.
    -#}
    {%- set due_at = dbt_forensics.time_of_stream(streams, 'due_at', 'window_end') -%}
    {%- set complete_at = dbt_forensics.time_of_stream(streams, 'settles_at', 'window_end') %}
    {{ dbt_forensics.number_rows() }},

    window_sums as (

        select
            stream,
            window_start,
            {%- for measure in dbt_forensics.row_measures() + ['missing'] %}
            sum(case when measure = '{{ measure }}' then row_count else 0 end) as {{ measure }}_count,
            {%- endfor %}
            min(case when measure = 'rows' then first_event_at end) as first_event_at,
            min(case when measure = 'rows' then first_arrived_at end) as first_arrived_at,
            max(recorded_at) as touched_at
        from {{ profile }}
        where window_start is not null and {{ dbt_forensics.is_one_of('stream', streams.keys() | list) }}
        group by stream, window_start

    ),

    windows_with_rows as (

        select
            stream,
            window_start,
            rows_count - future_count as row_count,
            lag(window_start) over (partition by stream order by window_start) as previous_start
        from window_sums
        where rows_count > future_count

    ),

    windows_in_islands as (

        select
            stream,
            window_start,
            row_count,
            sum(case when window_start <= {{ dbt_forensics.time_plus('day', 31, 'previous_start') }} then 0 else 1 end) over (
                partition by stream order by window_start rows between unbounded preceding and current row
            ) as island,
            sum(row_count) over (partition by stream) as stream_count
        from windows_with_rows

    ),

    islands as (

        select
            stream,
            min(window_start) as first_window,
            max(window_start) as last_window
        from windows_in_islands
        group by stream, island, stream_count
        having sum(row_count) * 100 >= stream_count

    ),

    spans as (

        select
            stream,
            min(first_window) as first_window,
            {{ dbt_forensics.greatest_of('max(last_window)', dbt_forensics.time_of_stream(streams, 'window_start', clock)) }} as last_window
        from islands
        group by stream

    ),

    latest_events as (

        select
            stream,
            max(latest_event_time) as latest_event_time
        from {{ seals }}
        where dbt_valid_to is null
        group by stream

    ),

    late_shares as (

        select
            stream,
            {{ dbt_forensics.share_of('sum(late_count + too_late_count)', 'sum(rows_count)') }} as usual_late_share
        from window_sums
        group by stream

    ),

    capped_spans as (

        select
            stream,
            {{ dbt_forensics.greatest_of('first_window', dbt_forensics.time_of_stream(streams, 'later', 'last_window', '-99999')) }} as first_window,
            last_window,
            {{ dbt_forensics.windows_a_day(streams) }} as windows_a_day
        from spans

    ),

    span_lengths as (

        {#- What is of a stream is joined to streams: to windows it might be worked out once for each of them. #}
        select
            capped_spans.*,
            {{ dbt_forensics.elapsed_seconds('capped_spans.first_window', 'capped_spans.last_window') }} * capped_spans.windows_a_day as length,
            latest_events.latest_event_time,
            coalesce(late_shares.usual_late_share, 0) as usual_late_share
        from capped_spans
        left join latest_events
            on capped_spans.stream = latest_events.stream
        left join late_shares
            on capped_spans.stream = late_shares.stream

    ),

    numbered_windows as (

        select
            span_lengths.stream,
            numbers.n as place,
            span_lengths.windows_a_day,
            span_lengths.latest_event_time,
            span_lengths.usual_late_share,
            {{ dbt_forensics.time_of_stream(streams, 'later', 'span_lengths.first_window', 'numbers.n') }} as window_start
        from span_lengths
        inner join numbers
            on span_lengths.length >= numbers.n * cast(86400 as {{ dbt.type_bigint() }})

    ),

    expected_windows as (

        select
            numbered_windows.stream,
            numbered_windows.place,
            numbered_windows.windows_a_day,
            numbered_windows.window_start,
            {{ dbt_forensics.time_of_stream(streams, 'window_end', 'numbered_windows.window_start', of='numbered_windows.stream') }} as window_end,
            {%- for measure in dbt_forensics.row_measures() + ['missing'] %}
            coalesce(window_sums.{{ measure }}_count, 0) as {{ measure }}_count,
            {%- endfor %}
            {#- Events: what repeats one, contradicts one or was corrected is none of its own. #}
            coalesce(window_sums.rows_count - window_sums.duplicate_count - window_sums.conflict_count - window_sums.superseded_count, 0) as volume,
            window_sums.first_event_at,
            window_sums.first_arrived_at,
            window_sums.touched_at,
            numbered_windows.latest_event_time,
            numbered_windows.usual_late_share
        from numbered_windows
        left join window_sums
            on numbered_windows.stream = window_sums.stream and numbered_windows.window_start = window_sums.window_start

    ),

    dated_windows as (

        {#- Where most rows are late, as of a health office, a window is judged when they had their time. #}
        select
            *,
            {{ complete_at }} <= {{ clock }} as is_complete,
            {{ complete_at }} <= {{ clock }}
            or (usual_late_share < 0.5 and {{ due_at }} <= {{ clock }}) as is_due,
            coalesce({{ complete_at }} <= latest_event_time, false) as is_settled
        from expected_windows

    ),

    {{ dbt_forensics.expected_volumes(streams) }},

    windows as (

        select
            dated_windows.*,
            dated_windows.rows_count = 0 and dated_windows.is_due as is_gap,
            expected_volumes.usual_volume,
            {#- As long as late rows may come, as many less are to be expected. #}
            case
                when dated_windows.is_complete then expected_volumes.lowest_volume
                when expected_volumes.lowest_volume > dated_windows.usual_late_share * expected_volumes.usual_volume * 1.5
                    then expected_volumes.lowest_volume - dated_windows.usual_late_share * expected_volumes.usual_volume * 1.5
                else 0
            end as lowest_volume,
            expected_volumes.highest_volume,
            expected_volumes.nonempty_count,
            expected_volumes.sample_count
        from dated_windows
        left join expected_volumes
            on dated_windows.stream = expected_volumes.stream and dated_windows.place = expected_volumes.place

    )
{% endmacro %}


{% macro expected_volumes(streams) %}
    {#-
        CTEs, the last of them named expected_volumes: per window the median volume (rows without duplicates) of the windows before it at the same hour
        and weekday, at most eight; where there are not four, of those at the same hour of the last 28 days; where there are not seven, none. spread is
        the median distance from it, lowest_volume and highest_volume are the bounds. Medians, so that incidents among these windows do not matter while they are the fewer.
    -#}
    seasons as (

        select
            'weekly' as season,
            digit as seasons_ago,
            digit * 7 as days_ago
        from digits
        where digit between 1 and 8
        union all
        select
            'daily' as season,
            tens.digit * 10 + ones.digit as seasons_ago,
            tens.digit * 10 + ones.digit as days_ago
        from digits as ones
        cross join digits as tens
        where tens.digit * 10 + ones.digit between 1 and 28

    ),

    earlier_volumes as (

        {#- Each window's volume goes to the windows after it. By the day only where the season of the week is not known yet: after four weeks nothing is read there. #}
        select
            dated_windows.stream,
            dated_windows.place + seasons.days_ago * dated_windows.windows_a_day as place,
            seasons.season,
            seasons.seasons_ago,
            dated_windows.volume
        from dated_windows
        cross join seasons
        where
            dated_windows.is_due
            and (seasons.season = 'weekly' or dated_windows.place + seasons.days_ago * dated_windows.windows_a_day < 28 * dated_windows.windows_a_day)

    ),

    ranked_volumes as (

        select
            *,
            row_number() over (partition by stream, place, season order by volume) as place_among,
            count(*) over (partition by stream, place, season) as sample_count
        from earlier_volumes

    ),

    volumes_with_median as (

        select
            *,
            max(case when place_among * 2 in (sample_count, sample_count + 1) then volume end) over (partition by stream, place, season) as usual_volume
        from ranked_volumes
        where sample_count >= case when season = 'weekly' then 4 else 7 end

    ),

    ranked_distances as (

        select
            *,
            abs(volume - usual_volume) as distance,
            row_number() over (partition by stream, place, season order by abs(volume - usual_volume)) as distance_place
        from volumes_with_median

    ),

    seasonal_volumes as (

        select
            stream,
            place,
            season,
            usual_volume,
            sample_count,
            sum(case when volume > 0 then 1 else 0 end) as nonempty_count,
            {#- Until the season of the week is known, also of the same weekday: a feed that rests at weekends is not broken on each of its first four. #}
            min(case when seasons_ago <= 2 or (season = 'daily' and seasons_ago in (7, 14, 21)) then volume end) as lowest_before,
            max(case when seasons_ago <= 2 or (season = 'daily' and seasons_ago in (7, 14, 21)) then volume end) as highest_before,
            max(case when distance_place * 2 in (sample_count, sample_count + 1) then distance end) as spread,
            row_number() over (partition by stream, place order by season desc) as choice
        from ranked_distances
        group by stream, place, season, usual_volume, sample_count

    ),

    {#-
        As many times the median as the larger of these is: one median distance times 7.5 above it (five standard deviations), or what the detector's share
        leaves (with 0.5: half of it, or double). The lowest one is four standard deviations of a count below the median as well, by which small windows differ for
        no reason. And neither is nearer than that share to the last two of its season: a feed that grows or shrinks from week to week is not broken.
    #}
    far_volumes as (

        {%- set shares, factors = {}, {} %}
        {%- for stream in streams.values() %}
        {%- set share = stream.detectors.get('volume_anomaly', {}).get('share', dbt_forensics.detectors().volume_anomaly.default) %}
        {%- do shares.update({stream.name: '%.6f' % share}) %}
        {%- do factors.update({stream.name: '%.6f' % (share / (1 - share))}) %}
        {%- endfor %}
        {%- set share, factor = 'cast(' ~ dbt_forensics.value_of_stream(shares) ~ ' as numeric(12, 6))', 'cast(' ~ dbt_forensics.value_of_stream(factors) ~ ' as numeric(12, 6))' %}
        select
            *,
            cast(usual_volume as numeric(18, 0)) + {{ dbt_forensics.greatest_of('cast(spread as numeric(18, 0)) * 7.5', 'cast(usual_volume as numeric(18, 0)) * ' ~ factor) }} as far_above,
            usual_volume - cast(floor(sqrt(cast(usual_volume * 16 as {{ dbt.type_float() }}))) as {{ dbt.type_bigint() }}) as low_by_chance,
            cast(coalesce(lowest_before, usual_volume) as numeric(18, 0)) * (1 - {{ share }}) as low_recently,
            cast(highest_before as numeric(18, 0)) * (1 + {{ factor }}) as high_recently
        from seasonal_volumes
        where choice = 1

    ),

    mirrored_volumes as (

        select
            *,
            cast(usual_volume as numeric(18, 0)) * cast(coalesce({{ dbt_forensics.share_of('usual_volume', 'far_above') }}, 0) as numeric(18, 9)) as far_below
        from far_volumes

    ),

    expected_volumes as (

        {%- set number = dbt_forensics.type_exact_number() %}
        select
            stream,
            place,
            usual_volume,
            nonempty_count,
            sample_count,
            cast(case
                when low_by_chance <= 0 then 0
                when low_by_chance <= far_below and low_by_chance <= low_recently then low_by_chance
                when far_below <= low_recently then far_below
                else low_recently
            end as {{ number }}) as lowest_volume,
            cast({{ dbt_forensics.greatest_of('far_above', 'high_recently') }} as {{ number }}) as highest_volume
        from mirrored_volumes

    )
{% endmacro %}


{% macro number_rows() %}
    {#- CTEs, the last of them named numbers: the whole numbers n from 0 to 99999, on any engine. -#}
    digits as (
        {% for digit in range(10) %}
        select {{ digit }} as digit
        {{- ' union all' if not loop.last }}
        {%- endfor %}

    ),

    numbers as (

        select cast(tens_of_thousands.digit * 10000 + thousands.digit * 1000 + hundreds.digit * 100 + tens.digit * 10 + ones.digit as {{ dbt.type_int() }}) as n
        from digits as ones
        cross join digits as tens
        cross join digits as hundreds
        cross join digits as thousands
        cross join digits as tens_of_thousands

    )
{% endmacro %}
