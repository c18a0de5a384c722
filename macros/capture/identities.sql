{#-
    What names the events of a stream. Rows on record keep their ids: another expression, or the same relation under another stream's name, would count each
    event twice. So int_forensics__build carries, from build to build, what each stream was declared as when it was first recorded.
-#}

{% macro _identities() %}
    {#- JSON, {stream: {relation, names}}: what is on record of each stream with seals, declared or not; of the others, and of those that record every row again, what is declared. -#}
    {%- set streams, identities = dbt_forensics.streams(), dbt_forensics._identities_on_record() -%}
    {%- set sealed = dbt_forensics._sealed_streams() if identities else [] -%}
    {%- for name, stream in streams.items() if name not in identities or name not in sealed or name in dbt_forensics.accepted_withdrawals(streams) -%}
        {%- do identities.update({name: {'relation': stream.relation, 'names': dbt_forensics._names_of_events(stream)}}) -%}
    {%- endfor -%}
    {{ return(tojson(identities, sort_keys=true)) }}
{% endmacro %}


{% macro _problem_of_name(stream) %}
    {#- {key, reason} where a stream has recorded nothing yet, and its relation is on record under a name that is not declared any more; else none. -#}
    {%- set identities = fromjson(dbt_forensics._build()['identities'] or '{}') -%}
    {%- set declared = dbt_forensics.streams() -%}
    {%- set former = [] -%}
    {%- for name, identity in identities.items() if name not in declared and identity.relation == stream.relation -%}{%- do former.append(name) -%}{%- endfor -%}
    {#- A stream that was renamed twice names the last of its former names. -#}
    {%- set sealed = dbt_forensics._sealed_streams() if former and stream.replaces not in former else [] -%}
    {%- if stream.name in sealed -%}{{ return(none) }}{%- endif -%}
    {%- for name in former if name in sealed -%}
        {{ return({'key': 'replaces', 'reason': dbt_forensics._found(
            (stream.replaces or 'nothing') ~ ', while ' ~ stream.relation ~ " is on record as stream '" ~ name ~ "', which is not declared any more",
            "to go on under its name, '" ~ name ~ "'; or replaces: " ~ name ~ ', to record the relation from the beginning under the new one. Then leave the rows of the old one out of your sums',
        )}) }}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}


{% macro _problem_of_ids(stream, dirty) %}
    {#-
        {key, reason} where a stream's events were named by something else when they were recorded, and rows on record would get other ids by what is declared now; else none.
        Every batch that the horizon has is dirty then. An expression that is only written otherwise, or names a renamed column, gives the same ids. dirty: its dirty batches.
    -#}
    {%- set was = fromjson(dbt_forensics._build()['identities'] or '{}').get(stream.name, {}).names -%}
    {%- set is = dbt_forensics._names_of_events(stream) -%}
    {%- if not was or was == is -%}{{ return(none) }}{%- endif -%}
    {%- set dirty = '(select *, null as config_key from ' ~ dirty ~ ' as found) as dirty' -%}
    {%- set of_stream = 'sealed_count > 0 and row_count > 0' -%}
    {%- set arrivals = dbt_forensics.arrival_range(dirty, stream.name, of_stream) -%}
    {%- set counts = dbt_forensics._single_row(dbt_forensics._other_ids(stream, dirty, of_stream, arrivals)) if arrivals else [0, 0] -%}
    {%- if not counts[0] or not counts[1] -%}{{ return(none) }}{%- endif -%}
    {%- set key = 'event_id' if 'event_id' in was or 'event_id' in is else 'payload' -%}
    {{ return({'key': key, 'reason': dbt_forensics._found(
        (is.get(key) or 'nothing') ~ ', by which ' ~ counts[0] ~ ' events on record have other ids than they were recorded with (' ~ key ~ ': ' ~ (was.get(key) or 'nothing') ~ ')',
        'what they were recorded with; or, to withdraw the rows on record and record them again under the new ids, one build with'
        ~ " --vars '{forensics_accept_withdrawals: [" ~ stream.name ~ "], forensics_verify: full}'",
    )}) }}
{% endmacro %}


{% macro _names_of_events(stream) %}
    {#- {key: what is declared}: the event id; or, where the stream names none, all that the digest of the content is made of. -#}
    {%- if stream.event_id -%}{{ return({'event_id': stream.event_id | trim}) }}{%- endif -%}
    {%- set names = {'payload': stream.payload | join(', ') if stream.payload is defined else 'every column that no key names'} -%}
    {%- for role in dbt_forensics.stream_roles() if stream[role] -%}{%- do names.update({role: stream[role] | trim}) -%}{%- endfor -%}
    {{ return(names) }}
{% endmacro %}


{% macro _other_ids(stream, dirty, batches, arrivals) %}
    {#- A select of two numbers: how many events on record of some batches the relation names no more, and how many it has there that are not on record. -#}
    {%- set name = stream.name -%}
    {%- set presence = dbt_forensics._existing('int_forensics__presence_changes') -%}
    {%- set chosen = 'batch_id in (select batch_id from ' ~ dirty ~ " where stream = '" ~ name ~ "' and " ~ batches ~ ')' -%}
    with {{ dbt_forensics.captured_rows(stream, dbt_forensics.stream_shape(stream), chosen, arrivals.from_time, arrivals.to_time) }},

    named as (

        select distinct event_id
        from {{ name }}_captured

    ),

    recorded as (

        select distinct event_id
        from {{ dbt_forensics._existing('forensics__event_history') }}
        where
            stream = '{{ name }}'
            and {{ chosen }}
            and (ingested_at between {{ arrivals.from_time }} and {{ arrivals.to_time }} or ingested_at is null)
            {%- if presence %}
            and row_key not in (select row_key from {{ presence }} where stream = '{{ name }}' group by row_key having sum(presence_change) < 0)
            {%- endif %}

    )

    select
        count(case when named.event_id is null then recorded.event_id end) as former_count,
        count(case when recorded.event_id is null then named.event_id end) as new_count
    from named
    full outer join recorded
        on named.event_id = recorded.event_id
{% endmacro %}


{% macro _identities_on_record() %}
    {%- set build = dbt_forensics._existing('int_forensics__build') -%}
    {%- set rows = run_query('select identities from ' ~ build ~ ' order by turn desc limit 1').rows if build else [] -%}
    {{ return(fromjson(rows[0][0]) if rows and rows[0][0] else {}) }}
{% endmacro %}


{% macro _sealed_streams() %}
    {%- set seals = dbt_forensics._existing('forensics__batch_history') -%}
    {{ return(run_query('select distinct stream from ' ~ seals).columns[0].values() | list if seals else []) }}
{% endmacro %}
