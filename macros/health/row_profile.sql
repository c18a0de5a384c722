{% macro row_profile_columns() %}
    {{ return({
        'stream': 'text', 'measure': 'text', 'subject': 'text', 'arrived_hour': 'time', 'batch_id': 'text', 'window_start': 'time', 'row_count': 'integer',
        'sample_event_ids': 'text', 'first_event_at': 'time', 'first_arrived_at': 'time', 'last_arrived_at': 'time', 'recorded_at': 'time',
    }) }}
{% endmacro %}


{% macro profile_plan(streams, ledger, profile) %}
    {#-
        What is not profiled yet, as a list of {stream, after, to, first_arrived_at}: after, the last ledger entry of the stream that the
        profile contains, as text, or none; to, the last one that there is; first_arrived_at, the earliest arrival among the rows recorded since, at most 35 days before the latest.
        Streams with nothing new are left out.
    -#}
    {%- set known, plan = {}, [] -%}
    {%- if profile -%}
        {%- for row in run_query('select stream, max(recorded_at) from ' ~ profile ~ ' group by stream').rows -%}
            {%- do known.update({row[0]: row[1].strftime('%Y-%m-%d %H:%M:%S.%f')}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for stream in streams.values() -%}
        {%- set after = known.get(stream.name) -%}
        {%- set found = dbt_forensics._single_row(
            'select count(*), min(case when entry_number = 1 then ingested_at end), max(case when entry_number = 1 then ingested_at end), max(recorded_at) from ' ~ ledger ~ " where stream = '" ~ stream.name ~ "'"
            ~ (' and recorded_at > ' ~ dbt_forensics.timestamp_literal(after) if after else '')
        ) -%}
        {%- if found[0] > 0 -%}
            {%- set long_ago = found[2] - modules.datetime.timedelta(days=35) if found[2] else none -%}
            {%- do plan.append({'stream': stream, 'after': after, 'to': found[3].strftime('%Y-%m-%d %H:%M:%S.%f'), 'first_arrived_at': [found[1], long_ago] | max if found[1] else none}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(plan) }}
{% endmacro %}


{% macro profiled_rows(task, history, ledger) %}
    {#-
        CTEs, the last of them named <stream>_profile: additive counts of what the ledger recorded since the last profile: new rows by what they
        are, and changes of verdict. Sums over the profile are the state.
    -#}
    {%- set stream = task.stream -%}
    {%- set name = stream.name -%}
    {%- set shape = dbt_forensics.stream_shape(stream) -%}
    {%- set after = dbt_forensics.timestamp_literal(task.after) if task.after else none -%}
    {%- set has_order = 'entity_id' in stream or 'sequence_number' in stream %}
    {{ name }}_first_entries as (

        select row_key, verdict, timeliness, recorded_at
        from {{ ledger }}
        where stream = '{{ name }}' and entry_number = 1{% if after %} and recorded_at > {{ after }}{% endif %}

    ),

    {% if has_order -%}
    {{ dbt_forensics.rows_out_of_order(task, history) }}
    {%- endif %}

    {{ name }}_new as (

        select
            history.row_key,
            history.event_id,
            history.batch_id,
            history.entity_id,
            history.event_time,
            history.ingested_at,
            history.schema_version,
            {%- for role in dbt_forensics.nullable_roles(stream) if role not in ['entity_id', 'schema_version'] %}
            history.{{ role }},
            {%- endfor %}
            history.payload,
            history.broken_rule,
            entries.verdict,
            entries.timeliness,
            entries.recorded_at,
            {{ dbt_forensics.window_start(stream.window, 'history.event_time') }} as window_start,
            {{ dbt_forensics.window_start('hour', 'coalesce(history.ingested_at, history.recorded_at)') }} as arrived_hour,
            {{ 'out_of_order.row_key is not null' if 'entity_id' in stream else '1 = 0' }} as is_out_of_order
        from {{ history }} as history
        inner join {{ name }}_first_entries as entries
            on history.row_key = entries.row_key
        {%- if 'entity_id' in stream %}
        left join {{ name }}_out_of_order as out_of_order
            on history.row_key = out_of_order.row_key
        {%- endif %}
        where history.stream = '{{ name }}'{% if after %} and history.recorded_at > {{ after }}{% endif %}

    ),

    {{ dbt_forensics._row_measures(stream, shape) }}

    {{ dbt_forensics._subject_measures(stream) }}

    {{ dbt_forensics._verdict_changes(stream, history, ledger, after) }}

    {{ name }}_profile as (

        {%- for measure in dbt_forensics.row_measures() %}
        select
            '{{ measure }}' as measure,
            cast(null as {{ dbt.type_string() }}) as subject,
            arrived_hour,
            batch_id,
            window_start,
            {{ measure }}_count as row_count,
            {{ measure ~ '_ids' if measure != 'rows' and measure != 'accepted' else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as sample_event_ids,
            first_event_at,
            first_arrived_at,
            last_arrived_at,
            recorded_at
        from {{ name }}_groups
        where {{ measure }}_count > 0
        union all
        {%- endfor %}
        {%- for column in shape.payload %}
        select
            'null' as measure,
            {{ dbt_forensics.forensics_literal(column) }} as subject,
            arrived_hour,
            batch_id,
            window_start,
            null_{{ loop.index }}_count as row_count,
            null_{{ loop.index }}_ids as sample_event_ids,
            first_event_at,
            first_arrived_at,
            last_arrived_at,
            recorded_at
        from {{ name }}_groups
        where null_{{ loop.index }}_count > 0
        union all
        {%- endfor %}
        {%- for role in dbt_forensics.nullable_roles(stream) %}
        select
            'null' as measure,
            '{{ role }}' as subject,
            arrived_hour,
            batch_id,
            window_start,
            null_{{ role }}_count as row_count,
            null_{{ role }}_ids as sample_event_ids,
            first_event_at,
            first_arrived_at,
            last_arrived_at,
            recorded_at
        from {{ name }}_groups
        where null_{{ role }}_count > 0
        union all
        {%- endfor %}
        {#- How many values there could have been. #}
        select
            'values' as measure,
            cast(null as {{ dbt.type_string() }}) as subject,
            arrived_hour,
            batch_id,
            window_start,
            rows_count * {{ shape.payload | length + dbt_forensics.nullable_roles(stream) | length }} as row_count,
            cast(null as {{ dbt.type_string() }}) as sample_event_ids,
            first_event_at,
            first_arrived_at,
            last_arrived_at,
            recorded_at
        from {{ name }}_groups
        union all
        select * from {{ name }}_subjects
        union all
        select * from {{ name }}_changed_verdicts
        {%- if 'sequence_number' in stream %}
        union all
        select * from {{ name }}_missing
        {%- endif %}

    )
{% endmacro %}


{% macro nullable_roles(stream) %}
    {#- The roles of a stream that are looked at for NULLs, beside the payload. The others must have a value, or are rules of the package. -#}
    {%- set roles = [] -%}
    {%- for role in ['entity_id', 'event_type', 'tenant', 'schema_version'] if role in stream -%}{%- do roles.append(role) -%}{%- endfor -%}
    {{ return(roles) }}
{% endmacro %}


{% macro row_measures() %}
    {#- What is counted of new rows: all of them, their verdicts, what is special about when they came. -#}
    {{ return(['rows'] + dbt_forensics.verdicts() + ['late', 'too_late', 'future', 'out_of_order']) }}
{% endmacro %}


{% macro _row_measures(stream, shape) %}
    {#- CTE <stream>_groups: the counts of new rows by hour of arrival, batch and window, all in one pass. -#}
    {%- set conditions = {} -%}
    {%- for verdict in dbt_forensics.verdicts() -%}{%- do conditions.update({verdict: "verdict = '" ~ verdict ~ "'"}) -%}{%- endfor -%}
    {%- for kind in ['late', 'too_late', 'future'] -%}{%- do conditions.update({kind: "timeliness = '" ~ kind ~ "'"}) -%}{%- endfor -%}
    {%- do conditions.update({'out_of_order': 'is_out_of_order'}) -%}
    {%- for column in shape.payload -%}
        {#- The payload leaves NULLs out. Quotes inside of values are escaped, so that a name and a colon are only found where it is a key. #}
        {%- set key = dbt_forensics._json_name(column) ~ " || ':'" -%}
        {%- set is_first = dbt.position("'{' || " ~ key, 'payload') ~ ' = 0' -%}
        {%- do conditions.update({'null_' ~ loop.index: is_first ~ ' and ' ~ dbt.position("',' || " ~ key, 'payload') ~ ' = 0'}) -%}
    {%- endfor -%}
    {%- for role in dbt_forensics.nullable_roles(stream) -%}{%- do conditions.update({'null_' ~ role: role ~ ' is null'}) -%}{%- endfor %}
    {{ stream.name }}_groups as (

        select
            arrived_hour,
            batch_id,
            window_start,
            recorded_at,
            count(*) as rows_count,
            {%- for measure, condition in conditions.items() %}
            sum(case when {{ condition }} then 1 else 0 end) as {{ measure }}_count,
            {%- if measure != 'accepted' %}
            {{ dbt_forensics.first_ten('case when ' ~ condition ~ ' then event_id end') }} as {{ measure }}_ids,
            {%- endif %}
            {%- endfor %}
            min(event_time) as first_event_at,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at
        from {{ stream.name }}_new
        group by arrived_hour, batch_id, window_start, recorded_at

    ),
{% endmacro %}


{% macro _subject_measures(stream) %}
    {#-
        CTE <stream>_subjects: the counts of new rows by something that they name: the rule that they broke, their schema version, an entity
        that many of them are about, and by how many half hours they arrived after their event.
    -#}
    {%- set name = stream.name -%}
    {%- set half_hours = "cast(floor((" ~ dbt_forensics.elapsed_seconds('event_time', 'ingested_at') ~ " + 900) / 1800) as " ~ dbt.type_bigint() ~ ")" %}
    {{ name }}_named as (

        select
            'rule' as measure,
            broken_rule as subject,
            arrived_hour,
            batch_id,
            window_start,
            event_id,
            event_time,
            ingested_at,
            recorded_at
        from {{ name }}_new
        where broken_rule is not null
        {%- if 'schema_version' in stream %}
        union all
        select
            'version' as measure,
            schema_version as subject,
            arrived_hour,
            batch_id,
            window_start,
            event_id,
            event_time,
            ingested_at,
            recorded_at
        from {{ name }}_new
        where schema_version is not null
        {%- endif %}

    ),

    {{ name }}_delays as (

        select
            arrived_hour,
            recorded_at,
            {{ half_hours }} as half_hours,
            count(*) as row_count,
            min(event_time) as first_event_at,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at
        from {{ name }}_new
        where event_time is not null and ingested_at is not null and verdict <> 'duplicate'
        group by 1, 2, 3

    ),
    {%- if 'entity_id' in stream %}

    {{ name }}_entities as (

        select
            entity_id,
            arrived_hour,
            batch_id,
            window_start,
            recorded_at,
            count(*) as row_count,
            {{ dbt_forensics.first_ten('event_id') }} as sample_event_ids,
            min(event_time) as first_event_at,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at
        from {{ name }}_new
        where entity_id is not null and verdict <> 'duplicate'
        group by entity_id, arrived_hour, batch_id, window_start, recorded_at
        having count(*) >= 10

    ),
    {%- endif %}

    {{ name }}_subjects as (

        select
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
        from {{ name }}_named
        group by measure, subject, arrived_hour, batch_id, window_start, recorded_at
        union all
        select
            'delay' as measure,
            cast(half_hours as {{ dbt.type_string() }}) as subject,
            arrived_hour,
            cast(null as {{ dbt.type_string() }}) as batch_id,
            cast(null as {{ dbt.type_timestamp() }}) as window_start,
            row_count,
            cast(null as {{ dbt.type_string() }}) as sample_event_ids,
            first_event_at,
            first_arrived_at,
            last_arrived_at,
            recorded_at
        from {{ name }}_delays
        where half_hours between -48 and 48
        {%- if 'entity_id' in stream %}
        union all
        select
            'entity' as measure,
            entity_id as subject,
            arrived_hour,
            batch_id,
            window_start,
            row_count,
            sample_event_ids,
            first_event_at,
            first_arrived_at,
            last_arrived_at,
            recorded_at
        from {{ name }}_entities
        {%- endif %}

    ),
{% endmacro %}


{% macro _verdict_changes(stream, history, ledger, after) %}
    {#- CTE <stream>_changed_verdicts: for each entry that is not its row's first, one row less with the verdict before it and one more with its own. -#}
    {%- set name = stream.name %}
    {{ name }}_later_entries as (

        select row_key, ingested_at, entry_number, verdict, recorded_at
        from {{ ledger }}
        where stream = '{{ name }}' and entry_number > 1{% if after %} and recorded_at > {{ after }}{% endif %}

    ),

    {{ name }}_verdict_steps as (

        {#- What had no arrival never counted and is quarantined for good: only an action gives it another entry. #}
        select
            history.batch_id,
            history.event_id,
            history.event_time,
            history.ingested_at,
            later_entries.verdict,
            earlier_entries.verdict as verdict_before,
            later_entries.recorded_at
        from {{ name }}_later_entries as later_entries
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

    {{ name }}_signed_steps as (

        select
            verdict as measure,
            1 as change,
            verdict_steps.*
        from {{ name }}_verdict_steps as verdict_steps
        union all
        select
            verdict_before as measure,
            -1 as change,
            verdict_steps.*
        from {{ name }}_verdict_steps as verdict_steps

    ),

    {{ name }}_changed_verdicts as (

        select
            measure,
            cast(null as {{ dbt.type_string() }}) as subject,
            {{ dbt_forensics.window_start('hour', 'coalesce(ingested_at, recorded_at)') }} as arrived_hour,
            batch_id,
            {{ dbt_forensics.window_start(stream.window, 'event_time') }} as window_start,
            sum(change) as row_count,
            {{ dbt_forensics.first_ten('event_id') }} as sample_event_ids,
            min(event_time) as first_event_at,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at,
            recorded_at
        from {{ name }}_signed_steps
        group by 1, 2, 3, 4, 5, recorded_at

    ),
{% endmacro %}
