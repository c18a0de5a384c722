{% macro build_row() %}
    {#-
        A select of the row that int_forensics__build gains when a build begins. The time at which the build records is its clock; or a microsecond
        after the latest time in any table that is only added to, where that is later, or where something was sealed or concluded at that
        very time: a build that was cut off before its seals goes on at its own time. These tables are looked into only where the clock is
        not after the build before: else all that they hold is older.
    -#}
    {%- set clock = dbt_forensics.timestamp_literal(dbt_forensics.build_clock()) -%}
    {%- set build = dbt_forensics._existing('int_forensics__build') -%}
    {%- set tables = dbt_forensics._recorded_tables() -%}
    {%- set captured = [] -%}
    {%- for name in ['forensics__event_history', 'forensics__schema_history', 'int_forensics__presence_changes'] -%}{%- do captured.append(dbt_forensics._existing(name)) -%}{%- endfor -%}
    with previous as (

        {% if build -%}
        select
            max(turn) as turn,
            max(recorded_at) as recorded_at
        from {{ build }}
        {%- else -%}
        select
            cast(null as {{ dbt.type_bigint() }}) as turn,
            cast(null as {{ dbt.type_timestamp() }}) as recorded_at
        {%- endif %}

    ),

    not_earlier as (

        {% for relation, column in tables.items() -%}
        select max({{ column }}) as recorded_at
        from {{ relation }}
        where {{ column }} {{ '>' if relation in captured else '>=' }} {{ clock }} and not exists (select 1 from previous where recorded_at < {{ clock }})
        {{- '\n        union all' if not loop.last }}
        {% else -%}
        select cast(null as {{ dbt.type_timestamp() }}) as recorded_at
        {% endfor %}
    ),

    latest as (

        select max(recorded_at) as recorded_at
        from not_earlier

    ),

    last_entry as (

        {{ dbt_forensics._last_time_in('forensics__ledger') }}

    ),

    last_seal as (

        {{ dbt_forensics._last_time_in('forensics__batch_history') }}

    )

    select
        cast(coalesce(previous.turn, 0) + 1 as {{ dbt.type_bigint() }}) as turn,
        cast({{ dbt_forensics.forensics_literal(invocation_id) }} as {{ dbt.type_string() }}) as invocation_id,
        {{ dbt_forensics.timestamp_literal(dbt_forensics.dbt_started_at()) }} as started_at,
        {{ clock }} as clock_at,
        case
            when latest.recorded_at is null then {{ clock }}
            else {{ dbt_forensics.time_plus('microsecond', 1, 'latest.recorded_at') }}
        end as recorded_at,
        last_entry.recorded_at as last_entry_at,
        last_seal.recorded_at as last_seal_at,
        cast({{ dbt_forensics.forensics_literal(dbt_forensics._identities()) }} as {{ dbt.type_string() }}) as identities
    from previous
    cross join latest
    cross join last_entry
    cross join last_seal
{% endmacro %}


{% macro _recorded_tables() %}
    {#- {relation: column}: the tables of the package that are only added to, as far as they exist, and the column with the time of recording. -#}
    {%- set tables = {} -%}
    {%- for name, column in {
        'forensics__event_history': 'recorded_at', 'forensics__batch_history': 'recorded_at', 'forensics__schema_history': 'recorded_at',
        'forensics__held_withdrawals': 'recorded_at', 'int_forensics__presence_changes': 'recorded_at', 'forensics__seals': 'recorded_at', 'forensics__ledger': 'recorded_at', 'int_forensics__metric_log': 'recorded_from',
        'int_forensics__watch_log': 'recorded_from', 'int_forensics__row_profile': 'recorded_at', 'int_forensics__detection_log': 'recorded_at',
    }.items() -%}
        {%- set relation = dbt_forensics._existing(name) -%}
        {%- if relation -%}{%- do tables.update({relation: column}) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(tables) }}
{% endmacro %}


{% macro _last_time_in(name) %}
    {%- set relation = dbt_forensics._existing(name) -%}
    select {{ 'max(recorded_at)' if relation else 'cast(null as ' ~ dbt.type_timestamp() ~ ')' }} as recorded_at
    {%- if relation %}
        from {{ relation }}
    {%- endif %}
{%- endmacro %}


{% macro _build() %}
    {#- The row of int_forensics__build that is this build's, asked for once per node. What only reads is told what a build would be now. -#}
    {%- set known = load_result('forensics_build') -%}
    {%- if known -%}
        {%- set found = known.table -%}
    {%- elif dbt_forensics._is_recording() -%}
        {%- set found = dbt_forensics._turn() -%}
    {%- else -%}
        {%- if flags.WHICH not in ['compile', 'generate', 'list', 'lint', 'show', 'test'] -%}{%- do dbt_forensics._assert_clock_goes_on() -%}{%- endif -%}
        {%- set found = run_query(dbt_forensics.build_row()) -%}
    {%- endif -%}
    {%- do store_result('forensics_build', 'OK', found) -%}
    {{ return(found.rows[-1]) }}
{% endmacro %}


{% macro _assert_clock_goes_on() %}
    {#-
        To go back in time would rewrite what was known, and is refused. The clock of the build before may be told again, also where what that one
        recorded was moved on by microseconds.
    -#}
    {%- if var('forensics_as_of', none) is not none -%}
        {%- set clock = dbt_forensics.build_clock() -%}
        {%- set build = dbt_forensics._existing('int_forensics__build') -%}
        {%- set before = run_query('select clock_at from ' ~ build ~ ' order by turn desc limit 1').rows if build else [] -%}
        {%- if not before or clock < before[0][0].strftime('%Y-%m-%d %H:%M:%S.%f') -%}
            {%- set looks, last = [], [] -%}
            {%- for relation, column in dbt_forensics._recorded_tables().items() -%}
                {%- do looks.append('select max(' ~ column ~ ') as last_at from ' ~ relation ~ ' where ' ~ column ~ ' > ' ~ dbt_forensics.timestamp_literal(clock)) -%}
            {%- endfor -%}
            {%- if looks -%}{%- do last.extend(dbt_forensics._single_row('select max(last_at) from (' ~ looks | join(' union all ') ~ ') as looks')) -%}{%- endif -%}
            {%- if last and last[0] -%}
                {{ dbt_forensics._config_error("var 'forensics_as_of'", none, var('forensics_as_of'), 'a time from ' ~ last[0].strftime('%Y-%m-%d %H:%M:%S.%f') ~ ', the last one on record: what was known then is not rewritten') }}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
