{% macro usual_batches() %}
    {#-
        CTEs, the last of them named compared_batches: each batch with what is usual of the stream's: the median share of repetitions, of rows that could not be
        read and of missing values, and the size (median and lower quartile) of those whose last row arrived in the same hour of the day.
        Needs the CTE batches.
    -#}
    sized_batches as (

        select
            *,
            {{ dbt_forensics.elapsed_seconds(dbt_forensics.window_start('day', 'last_arrived_at'), dbt_forensics.window_start('hour', 'last_arrived_at')) }} as arrived_at_hour,
            rows_count - duplicate_count as volume,
            {{ dbt_forensics.share_of('duplicate_count', 'rows_count') }} as duplicate_share,
            {{ dbt_forensics.share_of('unreadable_count', 'rows_count') }} as unreadable_share,
            {{ dbt_forensics.share_of('null_count', 'rows_count') }} as nulls_per_row
        from batches
        where rows_count > 0

    ),

    ranked_batches as (

        select
            *,
            row_number() over (partition by stream, arrived_at_hour order by volume, batch_id) as volume_rank,
            count(*) over (partition by stream, arrived_at_hour) as same_hour_count,
            row_number() over (partition by stream order by duplicate_share, batch_id) as duplicate_rank,
            row_number() over (partition by stream order by unreadable_share, batch_id) as unreadable_rank,
            row_number() over (partition by stream order by nulls_per_row, batch_id) as nulls_rank,
            row_number() over (partition by stream order by rows_count, batch_id) as size_rank,
            count(*) over (partition by stream) as batch_count
        from sized_batches

    ),

    compared_batches as (

        select
            *,
            max(case when volume_rank * 2 in (same_hour_count, same_hour_count + 1) then volume end) over (partition by stream, arrived_at_hour) as usual_volume,
            max(case when volume_rank * 4 >= same_hour_count and (volume_rank - 1) * 4 < same_hour_count then volume end) over (
                partition by stream, arrived_at_hour
            ) as low_volume,
            max(case when duplicate_rank * 2 in (batch_count, batch_count + 1) then duplicate_share end) over (partition by stream) as usual_duplicate_share,
            max(case when unreadable_rank * 2 in (batch_count, batch_count + 1) then unreadable_share end) over (partition by stream) as usual_unreadable_share,
            max(case when nulls_rank * 2 in (batch_count, batch_count + 1) then nulls_per_row end) over (partition by stream) as usual_nulls_per_row,
            max(case when size_rank * 2 in (batch_count, batch_count + 1) then rows_count end) over (partition by stream) as usual_size,
            max(first_arrived_at) over (partition by stream) as latest_first_arrived_at
        from ranked_batches

    )
{% endmacro %}


{% macro _found_batch(detector, where, values, streams) %}
    {%- set common = {
        'subject': 'candidates.batch_id',
        'identity': "''",
        'first_event_at': 'candidates.first_event_at',
        'first_arrived_at': 'candidates.first_arrived_at',
        'last_arrived_at': 'candidates.last_arrived_at',
        'touched_at': 'candidates.touched_at',
    } -%}
    {{ dbt_forensics.found(detector, 'compared_batches', where, dict(common, **values), streams) }}
{%- endmacro %}


{% macro repeated_batch(streams, clock) %}
    {#- A batch of which nearly all rows say again what other rows said before: the same file once more, or an old one. -#}
    {{ dbt_forensics._found_batch('repeated_batch', 'candidates.rows_count >= 20 and candidates.batch_count >= 3 and candidates.duplicate_share >= settings.knob and candidates.usual_duplicate_share < 0.5', {
        'observed': 'candidates.duplicate_share',
        'expected': 'candidates.usual_duplicate_share',
        'evidence': dbt_forensics.evidence({'rows': 'candidates.duplicate_count', 'of_rows': 'candidates.rows_count'}, {'batch_id': 'candidates.batch_id'}, 'candidates.sample_event_ids'),
        'is_over': dbt_forensics.is_past(streams, clock) | replace('case stream', 'case candidates.stream'),
    }, streams) }}
{%- endmacro %}


{% macro partial_batch(streams) %}
    {#-
        A batch with far less rows than those that arrive at its hour of the day: below the knob's share of their median, and as far below it as six times
        what it takes to the lower quartile. The batch that arrived last may not be complete.
    -#}
    {{ dbt_forensics._found_batch('partial_batch', 'candidates.same_hour_count >= 7 and candidates.usual_volume >= 50 and candidates.volume < candidates.usual_volume * (1 - settings.knob) and candidates.usual_volume - candidates.volume > (candidates.usual_volume - candidates.low_volume) * 6 and candidates.last_arrived_at < candidates.latest_first_arrived_at', {
        'observed': 'candidates.volume',
        'expected': 'candidates.usual_volume',
        'evidence': dbt_forensics.evidence({'rows': 'candidates.volume', 'usual_rows': 'candidates.usual_volume'}, {'batch_id': 'candidates.batch_id'}),
    }, streams) }}
{%- endmacro %}


{% macro wrong_shape_load(streams, clock, shapes) %}
    {#-
        A batch of which nearly no row could be read, or nearly all values are missing: an error page, or another file's columns, landed as data.
        shapes: a select of stream and column_count, the number of columns that are looked at for values.
    -#}
    {{ dbt_forensics.found('wrong_shape_load', "(
            select
                compared_batches.*,
                shapes.column_count,
                case
                    when compared_batches.unreadable_share >= 0.000001 and compared_batches.unreadable_share >= " ~ dbt_forensics.share_of('compared_batches.null_count', 'compared_batches.rows_count * shapes.column_count') ~ "
                        then compared_batches.unreadable_share
                    else " ~ dbt_forensics.share_of('compared_batches.null_count', 'compared_batches.rows_count * shapes.column_count') ~ "
                end as wrong_share
            from compared_batches
            inner join (" ~ shapes ~ ") as shapes
                on compared_batches.stream = shapes.stream
        )", 'candidates.batch_count >= 5 and candidates.usual_size >= 10 and candidates.wrong_share >= settings.knob and candidates.usual_unreadable_share < 0.1 and candidates.usual_nulls_per_row < candidates.column_count * 0.5', {
        'subject': 'candidates.batch_id',
        'identity': "''",
        'observed': 'candidates.wrong_share',
        'expected': 'candidates.usual_unreadable_share',
        'evidence': dbt_forensics.evidence({'rows': 'candidates.rows_count', 'unreadable_rows': 'candidates.unreadable_count', 'missing_values': 'candidates.null_count'}, {'batch_id': 'candidates.batch_id'}, 'candidates.sample_event_ids'),
        'first_event_at': 'candidates.first_event_at',
        'first_arrived_at': 'candidates.first_arrived_at',
        'last_arrived_at': 'candidates.last_arrived_at',
        'touched_at': 'candidates.touched_at',
        'is_over': dbt_forensics.is_past(streams, clock) | replace('case stream', 'case candidates.stream'),
    }, streams) }}
{%- endmacro %}


{% macro looked_at_columns(streams) %}
    {#- A select of how many columns of each stream are looked at for missing values. -#}
    {%- set rows = [] -%}
    {%- for stream in streams.values() -%}
        {%- set count = dbt_forensics.stream_shape(stream).payload | length + dbt_forensics.nullable_roles(stream) | length -%}
        {%- do rows.append("select cast('" ~ stream.name ~ "' as " ~ dbt.type_string() ~ ') as stream, cast(' ~ count ~ ' as ' ~ dbt.type_bigint() ~ ') as column_count') -%}
    {%- endfor -%}
    {{ return(rows | join(' union all ')) }}
{% endmacro %}
