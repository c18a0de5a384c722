{% macro _new_seals(relations, seals) %}
    {#-
        A select of the seals that are missing: of the rows that were added to each table since its last seal. relations: {name of the table: relation}.
        seals: forensics__seals as it is, or none.
    -#}
    {%- set clock = dbt_forensics.concluded_at() -%}
    {%- set end = dbt_forensics._end_of_seals(seals, clock) -%}
    {%- set bounds = dbt_forensics._bounds_of_new_rows(end, clock, seals) -%}
    {%- set grown = dbt_forensics._grown_tables(relations, bounds, seals) -%}
    {#- The seals of a build are after those of all others, also where its clock is not. -#}
    {%- set sealed_at = dbt_forensics.time_plus('microsecond', 1, dbt_forensics.timestamp_literal(end.recorded_at)) if end.clock_is_sealed else clock -%}
    {%- if not grown -%}
    {{ dbt_forensics.no_rows(dbt_forensics.seal_columns()) }}
    {%- else -%}
    with

    found as (
    {{ dbt_forensics._recorded_groups(grown, bounds) }}

    ),

    latest as (

        {{ dbt_forensics._latest_seals(seals) }}

    ),

    heads as (

        {{ dbt_forensics._head_of_seals(seals) }}

    ),

    described as (

        select
            found.sealed_table,
            found.stream,
            found.rows_recorded_at,
            found.row_count,
            found.digest,
            coalesce(heads.head, {{ dbt.hash("'forensics__seals'") }}) as previous_seal,
            {{ sealed_at }} as recorded_at
        from found
        left join latest
            on
                found.sealed_table = latest.sealed_table
                and found.stream = latest.stream
                and found.rows_recorded_at = latest.rows_recorded_at
        left join heads
            on 1 = 1
        where found.row_count > coalesce(latest.row_count, 0)

    )

    select
        cast(sealed_table as {{ dbt.type_string() }}) as sealed_table,
        cast(stream as {{ dbt.type_string() }}) as stream,
        rows_recorded_at,
        cast(row_count as {{ dbt.type_bigint() }}) as row_count,
        digest,
        previous_seal,
        {{ dbt_forensics._seal_of_rows('described') }} as seal,
        recorded_at
    from described
    {%- endif %}
{% endmacro %}


{% macro seal_columns() %}
    {#- The columns of forensics__seals and their kinds. -#}
    {{ return({
        'sealed_table': 'text', 'stream': 'text', 'rows_recorded_at': 'time', 'row_count': 'integer', 'digest': 'text', 'previous_seal': 'text',
        'seal': 'text', 'recorded_at': 'time',
    }) }}
{% endmacro %}


{% macro _seal_of_rows(row) %}
    {#- The digest of all that a seal says, and of the head of the chain before it. -#}
    {{ return(dbt.hash(dbt_forensics.canonical_json({
        'sealed_table': row ~ '.sealed_table',
        'stream': row ~ '.stream',
        'rows_recorded_at': dbt_forensics.canonical_text(row ~ '.rows_recorded_at', dbt.type_timestamp()),
        'row_count': 'cast(' ~ row ~ '.row_count as ' ~ dbt.type_string() ~ ')',
        'digest': row ~ '.digest',
        'previous_seal': row ~ '.previous_seal',
        'recorded_at': dbt_forensics.canonical_text(row ~ '.recorded_at', dbt.type_timestamp()),
    }))) }}
{% endmacro %}


{% macro _latest_seals(seals) %}
    {#- A select of the last seal of each table, stream and time of recording: rows that came later under a time that was sealed are in it too. -#}
    {%- if not seals -%}
    {{ return(dbt_forensics.no_rows(dbt_forensics.seal_columns())) }}
    {%- endif -%}
    select seals.*
        from {{ seals }} as seals
        inner join (
            select
                sealed_table,
                stream,
                rows_recorded_at,
                max(recorded_at) as recorded_at
            from {{ seals }}
            group by sealed_table, stream, rows_recorded_at
        ) as last_ones
            on
                seals.sealed_table = last_ones.sealed_table
                and seals.stream = last_ones.stream
                and seals.rows_recorded_at = last_ones.rows_recorded_at
                and seals.recorded_at = last_ones.recorded_at
{%- endmacro %}


{% macro _head_of_seals(seals) %}
    {#- One row, or none: the head of the chain (the digest of the seals of its last build), and when that was. -#}
    {%- if not seals -%}
    {{ return(dbt_forensics.no_rows({'head': 'text', 'recorded_at': 'time'})) }}
    {%- endif -%}
    select
            {{ dbt.hash(dbt_forensics.set_digest('seal')) }} as head,
            recorded_at
        from {{ seals }}
        where recorded_at = (select max(recorded_at) from {{ seals }})
        group by recorded_at
{%- endmacro %}


{% macro _end_of_seals(seals, clock) %}
    {#-
        Where the seals end, in one look: {recorded_at: the time of the last ones, or none; clock_is_sealed: whether that is this build's clock or later;
        tables, streams}. tables: {table: {time, clock_is_sealed}} of the latest rows that are sealed; streams: {table: {stream: the same}}.
    -#}
    {%- set end = {'recorded_at': none, 'clock_is_sealed': false, 'tables': {}, 'streams': {}} -%}
    {%- set query -%}
        select
            sealed_table,
            stream,
            max(rows_recorded_at),
            max(case when rows_recorded_at >= {{ clock }} then 1 else 0 end),
            max(recorded_at),
            max(case when recorded_at >= {{ clock }} then 1 else 0 end)
        from {{ seals }}
        group by sealed_table, stream
    {%- endset -%}
    {%- for row in (run_query(query).rows if seals else []) -%}
        {%- set of_rows = {'time': row[2], 'clock_is_sealed': row[3] == 1} -%}
        {%- set known = end.tables.get(row[0], of_rows) -%}
        {%- do end.tables.update({row[0]: {'time': [known.time, row[2]] | max, 'clock_is_sealed': known.clock_is_sealed or row[3] == 1}}) -%}
        {%- do end.streams.setdefault(row[0], {}).update({row[1]: of_rows}) -%}
        {%- do end.update({'recorded_at': [end.recorded_at or row[4], row[4]] | max, 'clock_is_sealed': end.clock_is_sealed or row[5] == 1}) -%}
    {%- endfor -%}
    {{ return(end) }}
{% endmacro %}


{% macro _bounds_of_new_rows(end, clock, seals) %}
    {#-
        {name of a table: a condition over its rows}: what was recorded after the last rows that are sealed, or by this build, whose clock may be theirs.
        Rows of an earlier time are never new, nor are those of a time at which no build recorded: whoever puts them in is found. Acts are: people act between builds and beside them, and an act may be
        committed when a seal of a later time is made already; as far back as the ledger looks for them (see actions_in_force()). end: as _end_of_seals() gives it.
    -#}
    {%- set bounds = {} -%}
    {%- set times = dbt_forensics._times_of_builds(end, clock) -%}
    {%- for name, table in dbt_forensics._sealed_tables().items() -%}
        {%- if table.is_of_acts -%}
            {%- set since = dbt_forensics.days_before(end.recorded_at, 1) -%}
            {%- if since -%}{%- do bounds.update({name: table.recorded_at ~ ' > ' ~ dbt_forensics.timestamp_literal(since)}) -%}{%- endif -%}
        {%- elif table.is_by_stream and name in end.streams -%}
            {%- set conditions, known = [], [] -%}
            {%- for stream, last in end.streams[name].items() -%}
                {%- do known.append(dbt_forensics.forensics_literal(stream)) -%}
                {%- do conditions.append('(stream = ' ~ known[-1] ~ ' and ' ~ dbt_forensics._is_recorded_after(table.recorded_at, last, clock) ~ ')') -%}
            {%- endfor -%}
            {%- do bounds.update({name: '(' ~ conditions | join(' or ') ~ ' or stream not in (' ~ known | join(', ') ~ '))'}) -%}
        {%- elif name in end.tables -%}
            {%- do bounds.update({name: dbt_forensics._is_recorded_after(table.recorded_at, end.tables[name], clock)}) -%}
        {%- endif -%}
        {%- if times and not table.is_of_acts -%}
            {%- set of_builds = table.recorded_at ~ ' in (' ~ times | join(', ') ~ ')' -%}
            {#- What is made stream by stream may lag behind, and then has the time of a build that is sealed. -#}
            {%- if table.is_by_stream and seals -%}{%- set of_builds = '(' ~ of_builds ~ ' or ' ~ table.recorded_at ~ ' in (select rows_recorded_at from ' ~ seals ~ '))' -%}{%- endif -%}
            {%- do bounds.update({name: (bounds[name] ~ ' and ' if name in bounds else '') ~ of_builds}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(bounds) }}
{% endmacro %}


{% macro _times_of_builds(end, clock) %}
    {#- SQL literals: when the builds since the last seals recorded; this build's clock too, where an earlier build has sealed at it. -#}
    {%- set build = dbt_forensics._existing('int_forensics__build') -%}
    {%- set times = [clock] if end.clock_is_sealed else [] -%}
    {%- for row in (run_query('select recorded_at, clock_at from ' ~ build).rows if build else []) -%}
        {%- do times.extend([dbt_forensics.timestamp_literal(row[0]), dbt_forensics.timestamp_literal(row[1])]) -%}
    {%- endfor -%}
    {{ return(times | unique | list) }}
{% endmacro %}


{% macro _is_recorded_after(recorded_at, last, clock) %}
    {{ return(recorded_at ~ (' >= ' ~ clock if last.clock_is_sealed else ' > ' ~ dbt_forensics.timestamp_literal(last.time))) }}
{% endmacro %}


{% macro _grown_tables(relations, bounds, seals) %}
    {#- Those of the relations that have rows without a seal, in one look. -#}
    {%- set query -%}
        with found as (
        {{ dbt_forensics._recorded_groups(relations, bounds, with_digest=false) }}
        ),
        latest as (
        {{ dbt_forensics._latest_seals(seals) }}
        )
        select distinct found.sealed_table
        from found
        left join latest
            on found.sealed_table = latest.sealed_table and found.stream = latest.stream and found.rows_recorded_at = latest.rows_recorded_at
        where found.row_count > coalesce(latest.row_count, 0)
        order by 1
    {%- endset -%}
    {%- set grown = {} -%}
    {%- for row in run_query(query).rows -%}{%- do grown.update({row[0]: relations[row[0]]}) -%}{%- endfor -%}
    {{ return(grown) }}
{% endmacro %}
