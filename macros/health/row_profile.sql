{% macro row_profile_columns() %}
    {#- The columns of int_forensics__row_profile with their types. -#}
    {{ return({
        'stream': 'text', 'measure': 'text', 'subject': 'text', 'arrived_hour': 'time', 'batch_id': 'text', 'window_start': 'time', 'row_count': 'integer',
        'sample_event_ids': 'text', 'first_event_at': 'time', 'first_arrived_at': 'time', 'last_arrived_at': 'time', 'recorded_at': 'time',
    }) }}
{% endmacro %}


{% macro profile_plan(streams, ledger, profile) %}
    {#-
        What is not profiled yet, as a list of {stream, columns, after, to, first_arrived_at, entry_count}: columns, those of its payload; after, the last
        ledger entry of the stream that the profile contains, as text, or none; to, the last one that there is; first_arrived_at, the earliest
        arrival among the rows recorded since, at most 35 days before the latest; entry_count, the entries since. Streams with nothing new are left out.
    -#}
    {%- set known, entries, plan = {}, [], [] -%}
    {%- if profile -%}
        {%- for row in run_query('select stream, max(recorded_at) from ' ~ profile ~ ' group by stream').rows -%}
            {%- do known.update({row[0]: row[1].strftime('%Y-%m-%d %H:%M:%S.%f')}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for stream in streams.values() -%}
        {%- set after = known.get(stream.name) -%}
        {%- do entries.append(
            "select stream, min(case when entry_number = 1 then ingested_at end), max(case when entry_number = 1 then ingested_at end), max(recorded_at), count(*) from " ~ ledger
            ~ " where stream = '" ~ stream.name ~ "'" ~ (' and recorded_at > ' ~ dbt_forensics.timestamp_literal(after) if after else '') ~ ' group by stream'
        ) -%}
    {%- endfor -%}
    {%- for row in run_query(entries | join(' union all ')).rows -%}
        {%- set long_ago = dbt_forensics.days_before(row[2], 35) -%}
        {%- do plan.append({
            'stream': streams[row[0]], 'columns': dbt_forensics.stream_shape(streams[row[0]]).payload, 'after': known.get(row[0]),
            'to': row[3].strftime('%Y-%m-%d %H:%M:%S.%f'), 'first_arrived_at': [row[1], long_ago] | max if row[1] else none, 'entry_count': row[4],
        }) -%}
    {%- endfor -%}
    {{ return(plan) }}
{% endmacro %}


{% macro profile_slices(plan, ledger) %}
    {#-
        The plan cut by time of arrival, as a list of {from_time, to_time}: whole hours as text, left out at the ends. A slice has no more entries than
        statement_row_limit(), or is of one hour. Rows whose arrival is not known are of the last one.
    -#}
    {%- set at_once = dbt_forensics.statement_row_limit() -%}
    {%- if not plan -%}{{ return([]) }}{%- endif -%}
    {%- if at_once is none or plan | sum(attribute='entry_count') <= at_once -%}{{ return([{}]) }}{%- endif -%}
    {%- set slices, taken = [{}], [0] -%}
    {%- set hours -%}
        select {{ dbt_forensics.window_start('hour', 'ingested_at') }}, count(*)
        from {{ ledger }} as entries
        where ingested_at is not null and {{ dbt_forensics.is_not_profiled(plan, 'entries') }}
        group by 1
        order by 1
    {%- endset -%}
    {%- for hour, entry_count in run_query(hours).rows -%}
        {%- if taken[-1] and taken[-1] + entry_count > at_once -%}
            {%- set time = hour.isoformat(' ') -%}
            {%- do slices[-1].update({'to_time': time}) -%}
            {%- do slices.append({'from_time': time}) -%}
            {%- do taken.append(0) -%}
        {%- endif -%}
        {%- do taken.append(taken[-1] + entry_count) -%}
    {%- endfor -%}
    {{ return(slices) }}
{% endmacro %}


{% macro profile_by_slices(profile, history, ledger) %}
    {#- Adds what is not profiled yet, if it is too much for one statement: one after the other, in the transaction of the caller. -#}
    {%- set streams = dbt_forensics.streams() -%}
    {%- if execute and streams and dbt_forensics.statement_row_limit() and dbt_forensics.can_read([history, ledger]) -%}
        {%- set plan = dbt_forensics.profile_plan(streams, ledger, profile) -%}
        {%- set slices = dbt_forensics.profile_slices(plan, ledger) -%}
        {%- for slice in slices if slices | length > 1 -%}
            {%- do run_query('insert into ' ~ profile ~ dbt_forensics.profile_select(plan, history, ledger, slice)) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{% macro profile_select(plan, history, ledger, slice={}) %}
    {#- What a slice adds to the profile: its columns in their order. #}
with

{{ dbt_forensics.profiled_rows(plan, history, ledger, slice) }}

select
    cast(stream as {{ dbt.type_string() }}) as stream,
    cast(measure as {{ dbt.type_string() }}) as measure,
    cast(subject as {{ dbt.type_string() }}) as subject,
    arrived_hour,
    batch_id,
    window_start,
    cast(row_count as {{ dbt.type_bigint() }}) as row_count,
    sample_event_ids,
    first_event_at,
    first_arrived_at,
    last_arrived_at,
    recorded_at
from profiled
{% endmacro %}


{% macro profiled_rows(plan, history, ledger, slice={}) %}
    {#-
        CTEs, the last of them named profiled: additive counts of what the ledger recorded since the last profile: new rows by what they are, and changes of
        verdict. Sums over the profile are the state.
    -#}
    {%- set streams, columns = {}, {} -%}
    {%- for task in plan -%}
        {%- do streams.update({task.stream.name: task.stream}) -%}
        {%- for column in task.columns -%}{%- do columns.update({column: columns.get(column, []) + [task.stream.name]}) -%}{%- endfor -%}
    {%- endfor -%}
    {%- set no_text = 'cast(null as ' ~ dbt.type_string() ~ ')' -%}
    {%- set roles = {} -%}
    {%- for role in ['entity_id', 'event_type', 'tenant', 'schema_version'] -%}
        {%- set having = streams.values() | selectattr(role, 'defined') | map(attribute='name') | list -%}
        {%- if having -%}{%- do roles.update({role: having}) -%}{%- endif -%}
    {%- endfor %}
    first_entries as (

        select
            row_key,
            verdict,
            timeliness,
            {#- What says again, or otherwise, what an event was is neither late nor out of order. #}
            cause not in ('duplicate', 'conflict', 'correction', 'rewritten') as is_first_of_event,
            recorded_at
        from {{ ledger }} as entries
        where entry_number = 1 and {{ dbt_forensics.is_not_profiled(plan, 'entries', slice) }}

    ),

    {{ dbt_forensics.rows_out_of_order(plan, history, slice) }}

    new_rows as (

        select
            history.stream,
            history.event_id,
            history.batch_id,
            history.entity_id,
            history.event_type,
            history.tenant,
            history.schema_version,
            history.event_time,
            history.ingested_at,
            history.broken_rule,
            entries.verdict,
            entries.timeliness,
            entries.is_first_of_event,
            entries.recorded_at,
            {{ dbt_forensics._window_start_by_stream(streams, 'history.event_time', of='history.stream') }} as window_start,
            {{ dbt_forensics.window_start('hour', 'coalesce(history.ingested_at, history.recorded_at)') }} as arrived_hour,
            {#- The payload leaves NULLs out. Quotes inside of values are escaped, so that a name and a colon are only found where it is a key. #}
            {%- for column, having in columns.items() %}
            {%- set key = dbt_forensics._json_name(column) ~ " || ':'" %}
            case
                when {{ dbt_forensics.is_one_of('history.stream', having) }} and {{ dbt.position("'{' || " ~ key, 'history.payload') }} <> 1 and {{ dbt.position("',' || " ~ key, 'history.payload') }} = 0
                    then 1
                else 0
            end as null_{{ loop.index }},
            {%- endfor %}
            out_of_order.row_key is not null as is_out_of_order
        from {{ history }} as history
        inner join first_entries as entries
            on history.row_key = entries.row_key
        left join out_of_order
            on history.row_key = out_of_order.row_key
        where {{ dbt_forensics.is_not_profiled(plan, 'history', slice) }}

    ),

    totals as (

        select
            stream,
            arrived_hour,
            batch_id,
            window_start,
            recorded_at,
            count(*) as row_count,
            {%- for column in columns %}
            sum(null_{{ loop.index }}) as null_{{ loop.index }},
            {%- endfor %}
            {%- for role, having in roles.items() %}
            sum(case when {{ role }} is null and {{ dbt_forensics.is_one_of('stream', having) }} then 1 else 0 end) as null_{{ role }},
            {%- endfor %}
            min(event_time) as first_event_at,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at
        from new_rows
        group by stream, arrived_hour, batch_id, window_start, recorded_at

    ),

    marked_rows as (

        {%- set kinds = [
            ('verdict', no_text, "verdict <> 'accepted'"), ('timeliness', no_text, "timeliness <> 'on_time' and (is_first_of_event or timeliness = 'future')"),
            ("'out_of_order'", no_text, 'is_out_of_order and is_first_of_event'),
            ("'rule'", 'broken_rule', 'broken_rule is not null'), ("'version'", 'schema_version', 'schema_version is not null'),
        ] %}
        {%- for measure, subject, condition in kinds %}
        select
            stream,
            {{ measure }} as measure,
            {{ subject }} as subject,
            arrived_hour,
            batch_id,
            window_start,
            recorded_at,
            event_id,
            event_time,
            ingested_at
        from new_rows
        where {{ condition }}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}

    ),

    marked as (

        select
            stream,
            measure,
            subject,
            arrived_hour,
            batch_id,
            window_start,
            count(*) as row_count,
            {{ dbt_forensics.first_ten('event_id') }} as sample_event_ids,
            min(event_time) as first_event_at,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at,
            recorded_at
        from marked_rows
        group by stream, measure, subject, arrived_hour, batch_id, window_start, recorded_at

    ),

    hot_entities as (

        {#- Most entities have a row or two in an hour, so that counting them must not cost more than a count. #}
        select
            stream,
            entity_id,
            arrived_hour,
            recorded_at
        from new_rows
        where entity_id is not null and verdict <> 'duplicate'
        group by stream, entity_id, arrived_hour, recorded_at
        having count(*) >= 10

    ),

    entities as (

        {#- Of a load around midnight the rows are in two windows. #}
        select
            new_rows.stream,
            'entity' as measure,
            new_rows.entity_id as subject,
            new_rows.arrived_hour,
            new_rows.batch_id,
            new_rows.window_start,
            count(*) as row_count,
            {{ dbt_forensics.first_ten('new_rows.event_id') }} as sample_event_ids,
            min(new_rows.event_time) as first_event_at,
            min(new_rows.ingested_at) as first_arrived_at,
            max(new_rows.ingested_at) as last_arrived_at,
            new_rows.recorded_at
        from new_rows
        inner join hot_entities
            on
                new_rows.stream = hot_entities.stream
                and new_rows.entity_id = hot_entities.entity_id
                and new_rows.arrived_hour = hot_entities.arrived_hour
                and new_rows.recorded_at = hot_entities.recorded_at
        where new_rows.verdict <> 'duplicate'
        group by new_rows.stream, new_rows.entity_id, new_rows.arrived_hour, new_rows.batch_id, new_rows.window_start, new_rows.recorded_at

    ),

    delays as (

        {#- By how many half hours rows arrived after their event. #}
        select
            stream,
            'delay' as measure,
            cast(cast(floor(({{ dbt_forensics.elapsed_seconds('event_time', 'ingested_at') }} + 900) / 1800) as {{ dbt.type_bigint() }}) as {{ dbt.type_string() }}) as subject,
            arrived_hour,
            {{ no_text }} as batch_id,
            cast(null as {{ dbt.type_timestamp() }}) as window_start,
            count(*) as row_count,
            {{ no_text }} as sample_event_ids,
            min(event_time) as first_event_at,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at,
            recorded_at
        from new_rows
        where
            is_first_of_event
            and ingested_at >= {{ dbt_forensics.time_plus('hour', -24, 'event_time') }}
            and ingested_at <= {{ dbt_forensics.time_plus('hour', 24, 'event_time') }}
        group by stream, 3, arrived_hour, recorded_at

    ),

    {{ dbt_forensics._verdict_changes(plan, streams, history, ledger, slice) }}

    {{ dbt_forensics._binned_values(plan, history, slice) }}

    profiled as (
        {%- set counts = {'rows': (no_text, 'row_count', none), 'accepted': (no_text, 'row_count', none), 'values': (no_text, 'row_count * ' ~ dbt_forensics._value_counts(plan), none)} %}
        {%- for column in columns %}
        {%- do counts.update({'null ' ~ loop.index: (dbt_forensics.forensics_literal(column), 'null_' ~ loop.index, none)}) %}
        {%- endfor %}
        {%- for role in roles %}
        {%- do counts.update({'null ' ~ role: ("'" ~ role ~ "'", 'null_' ~ role, none)}) %}
        {%- endfor %}
        {%- for name, count in counts.items() if name != 'accepted' %}
        select
            stream,
            '{{ name.split(' ')[0] }}' as measure,
            {{ count[0] }} as subject,
            arrived_hour,
            batch_id,
            window_start,
            {{ count[1] }} as row_count,
            {{ no_text }} as sample_event_ids,
            first_event_at,
            first_arrived_at,
            last_arrived_at,
            recorded_at
        from totals
        where {{ count[1] }} > 0
        union all
        {%- endfor %}
        select
            stream,
            'accepted' as measure,
            {{ no_text }} as subject,
            arrived_hour,
            batch_id,
            window_start,
            count(*) as row_count,
            {{ no_text }} as sample_event_ids,
            min(event_time) as first_event_at,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at,
            recorded_at
        from new_rows
        where verdict = 'accepted'
        group by stream, arrived_hour, batch_id, window_start, recorded_at
        union all
        select * from marked
        union all
        select * from entities
        union all
        select * from delays
        union all
        select * from changed_verdicts
        union all
        select * from binned_values
        {%- if streams.values() | selectattr('sequence_number', 'defined') | list and not slice.to_time %}
        union all
        select * from missing_numbers
        {%- endif %}

    )
{% endmacro %}


{% macro is_not_profiled(plan, relation, slice={}) %}
    {#- A condition: a row of the history or an entry of the ledger was recorded after what the profile contains of its stream, and is of the slice. -#}
    {%- set conditions = [] -%}
    {%- for task in plan -%}
        {%- do conditions.append(relation ~ ".stream = '" ~ task.stream.name ~ "'" ~ (' and ' ~ relation ~ '.recorded_at > ' ~ dbt_forensics.timestamp_literal(task.after) if task.after else '')) -%}
    {%- endfor -%}
    {#- The earliest bound by itself lets an engine skip what is older. -#}
    {%- set earliest = plan | map(attribute='after') | min if not plan | rejectattr('after') | list else none -%}
    {%- set bound = relation ~ '.recorded_at > ' ~ dbt_forensics.timestamp_literal(earliest) ~ ' and ' if earliest else '' -%}
    {%- set of_slice = [''] -%}
    {%- if slice.from_time -%}
        {%- set arrived = relation ~ '.ingested_at >= ' ~ dbt_forensics.timestamp_literal(slice.from_time) -%}
        {%- do of_slice.append(arrived if slice.to_time else '(' ~ arrived ~ ' or ' ~ relation ~ '.ingested_at is null)') -%}
    {%- endif -%}
    {%- if slice.to_time -%}{%- do of_slice.append(relation ~ '.ingested_at < ' ~ dbt_forensics.timestamp_literal(slice.to_time)) -%}{%- endif -%}
    {{ return('(' ~ bound ~ '((' ~ conditions | join(') or (') ~ '))' ~ of_slice | join(' and ') ~ ')') }}
{% endmacro %}


{% macro row_measures() %}
    {#- What is counted of the rows of a window: all of them, their verdicts, what is special about when they came and went. -#}
    {{ return(['rows'] + dbt_forensics.verdicts() + ['late', 'too_late', 'future', 'out_of_order', 'exchanged']) }}
{% endmacro %}


{% macro _value_counts(plan) %}
    {#- How many values a row of each stream could have. -#}
    {%- set counts = {} -%}
    {%- for task in plan -%}
        {%- set roles = ['entity_id', 'event_type', 'tenant', 'schema_version'] | select('in', task.stream) | list -%}
        {%- do counts.update({task.stream.name: (task.columns | length + roles | length) | string}) -%}
    {%- endfor -%}
    {{ return(dbt_forensics.value_of_stream(counts)) }}
{% endmacro %}


{% macro _verdict_changes(plan, streams, history, ledger, slice) %}
    {#-
        CTE changed_verdicts: for each entry that is not its row's first, one row less with the verdict before it and one more with its own; and one more that is exchanged, where
        another row of its event took the place of a row that is gone.
    -#}
    later_entries as (

        select stream, row_key, ingested_at, entry_number, verdict, cause, recorded_at
        from {{ ledger }} as entries
        where entry_number > 1 and {{ dbt_forensics.is_not_profiled(plan, 'entries', slice) }}

    ),

    verdict_steps as (

        select
            later_entries.stream,
            history.batch_id,
            history.event_id,
            history.event_time,
            history.ingested_at,
            later_entries.verdict,
            earlier_entries.verdict as verdict_before,
            later_entries.verdict = 'withdrawn' and later_entries.cause in ('correction', 'rewritten') as is_exchanged,
            earlier_entries.verdict = 'withdrawn' and earlier_entries.cause in ('correction', 'rewritten') as was_exchanged,
            later_entries.recorded_at
        from later_entries
        inner join {{ ledger }} as earlier_entries
            on
                later_entries.row_key = earlier_entries.row_key
                and later_entries.entry_number = earlier_entries.entry_number + 1
                and {{ dbt_forensics.is_same('later_entries.ingested_at', 'earlier_entries.ingested_at') }}
        inner join {{ history }} as history
            on
                later_entries.row_key = history.row_key
                and {{ dbt_forensics.is_same('later_entries.ingested_at', 'history.ingested_at') }}
        where later_entries.verdict <> earlier_entries.verdict

    ),

    signed_steps as (

        select
            verdict as measure,
            1 as change,
            verdict_steps.*
        from verdict_steps
        union all
        select
            verdict_before as measure,
            -1 as change,
            verdict_steps.*
        from verdict_steps
        union all
        select
            'exchanged' as measure,
            case when is_exchanged then 1 else -1 end as change,
            verdict_steps.*
        from verdict_steps
        where is_exchanged <> was_exchanged

    ),

    changed_verdicts as (

        select
            stream,
            measure,
            cast(null as {{ dbt.type_string() }}) as subject,
            {{ dbt_forensics.window_start('hour', 'coalesce(ingested_at, recorded_at)') }} as arrived_hour,
            batch_id,
            {{ dbt_forensics._window_start_by_stream(streams, 'event_time') }} as window_start,
            sum(change) as row_count,
            {{ dbt_forensics.first_ten('event_id') }} as sample_event_ids,
            min(event_time) as first_event_at,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at,
            recorded_at
        from signed_steps
        group by stream, measure, 4, batch_id, 6, recorded_at

    ),
{% endmacro %}
