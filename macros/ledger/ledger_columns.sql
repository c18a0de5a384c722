{% macro ledger_columns() %}
    {#- Columns of the ledger and their types. -#}
    {{ return({
        'stream': 'text', 'row_key': 'text', 'event_id': 'text', 'event_key': 'integer', 'entry_number': 'integer', 'effect': 'integer', 'verdict': 'text', 'cause': 'text',
        'timeliness': 'text', 'event_time': 'time', 'ingested_at': 'time', 'other_row_key': 'text', 'action_id': 'text',
        'recorded_at': 'time', 'effective_at': 'time',
    }) }}
{% endmacro %}


{% macro columns_ever(schema_history, streams) %}
    {#-
        What streams' relations have or had: {families: {name: family}, of all columns in order: the family of types where there were several; moved: {stream:
        {name: [(after, until)]}}: of the streams whose columns changed since their first build, those that came or went, with when they were there. A row that was
        recorded at the build that found a new column may be older than the column, so that its period begins after that build. What a stream keeps by
        a list of its own says nothing of its relation: these are left out.
    -#}
    {%- set seen, moved, first_at, changed = {}, {}, {}, [] -%}
    {%- set versions = run_query(
        'select column_name, data_type, stream, is_dropped, dbt_valid_from, dbt_valid_to from ' ~ schema_history ~ ' order by column_name, stream, dbt_valid_from'
    ).rows -%}
    {%- for row in versions -%}
        {%- do first_at.update({row[2]: [first_at.get(row[2], row[4]), row[4]] | min}) -%}
    {%- endfor -%}
    {%- for name, data_type, stream, is_dropped, from_time, to_time in versions -%}
        {%- do seen.setdefault(name, []).append(dbt_forensics.type_family(data_type)) -%}
        {%- if from_time > first_at[stream] -%}{%- do changed.append(stream) -%}{%- endif -%}
        {%- set periods = moved.setdefault(stream, {}).setdefault(name, []) -%}
        {%- if is_dropped -%}
            {%- if periods -%}{%- do periods.append((periods.pop()[0], from_time)) -%}{%- endif -%}
        {%- elif not periods or periods[-1][1] -%}
            {%- do periods.append((none if from_time == first_at[stream] else from_time, none)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set families, of_streams = {}, {} -%}
    {%- for column, known in seen.items() -%}
        {%- set several = known | unique | list -%}
        {%- do families.update({column: ('number' if 'number' in several else 'time') if several | length > 1 else none}) -%}
    {%- endfor -%}
    {%- for stream in streams.values() if stream.name in changed and not stream.payload -%}
        {%- set periods = {} -%}
        {%- for name, known in moved[stream.name].items() if known != [(none, none)] -%}{%- do periods.update({name: known}) -%}{%- endfor -%}
        {%- do of_streams.update({stream.name: periods}) -%}
    {%- endfor -%}
    {{ return({'families': families, 'moved': of_streams}) }}
{% endmacro %}
