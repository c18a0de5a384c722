{% macro build_clock() %}
    {#- The time of this invocation, UTC, as text: the var forensics_as_of, or when dbt started. -#}
    {%- set as_of = var('forensics_as_of', none) -%}
    {%- if as_of is none -%}
        {{ return(run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f')) }}
    {%- endif -%}
    {{ return(dbt_forensics.utc_time_text("var 'forensics_as_of'", none, as_of)) }}
{% endmacro %}


{% macro dbt_started_at() %}
    {#- When dbt started, UTC, as text: what no var moves. -#}
    {{ return(run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f')) }}
{% endmacro %}


{% macro recorded_at() %}
    {#-
        When what this build finds is recorded, as an SQL literal: the time in its row of int_forensics__build. Knowledge time never stands
        still: it is the build's clock, or a microsecond after what is recorded where that is not earlier (see build_row).
    -#}
    {{ return(dbt_forensics.timestamp_literal(dbt_forensics._build()['recorded_at'] if execute else dbt_forensics.build_clock())) }}
{% endmacro %}


{% macro concluded_at() %}
    {#-
        The time of what this build concludes from the ledger, as an SQL literal: that of the ledger's last entry where this build wrote it,
        else the build's clock. Concluding once more at the same clock is of the same time.
    -#}
    {%- set clock = dbt_forensics.build_clock() -%}
    {%- set last = dbt_forensics._last_recorded_at() -%}
    {{ return(dbt_forensics.timestamp_literal(last if last is not none and last > clock else clock)) }}
{% endmacro %}


{% macro _last_recorded_at() %}
    {#- The time of the last ledger entry, as text in the form of build_clock(), or none. It is asked for once per node. -#}
    {%- set known = load_result('forensics_last_entry') -%}
    {%- set found = known.table if known else dbt_forensics._look_for_last_entry() -%}
    {%- do store_result('forensics_last_entry', 'OK', found) -%}
    {%- set last = found.rows[0][0] if found.rows else none -%}
    {{ return(last.strftime('%Y-%m-%d %H:%M:%S.%f') if last else none) }}
{% endmacro %}


{% macro _look_for_last_entry() %}
    {#- A table of one value, or none. The last entry before the build bounds the look into the ledger. -#}
    {%- set ledger = dbt_forensics._existing('forensics__ledger') -%}
    {%- if not ledger -%}{{ return(none) }}{%- endif -%}
    {%- set build = dbt_forensics._existing('int_forensics__build') -%}
    {%- if dbt_forensics._is_recording() -%}
        {%- set since = dbt_forensics._build()['last_entry_at'] -%}
    {%- else -%}
        {%- set since = dbt_forensics._single_row('select max(last_entry_at) from ' ~ build)[0] if build else none -%}
    {%- endif -%}
    {%- set last_at = 'select max(recorded_at) from ' ~ ledger -%}
    {%- set found = run_query(last_at ~ ' where recorded_at >= ' ~ dbt_forensics.timestamp_literal(since)) if since else none -%}
    {{ return(found if found and found.rows[0][0] else run_query(last_at)) }}
{% endmacro %}


{% macro days_before(time, days) %}
    {#- A time (not SQL) that is a number of days before another; none before none. -#}
    {{ return(time - modules.datetime.timedelta(days=days) if time else none) }}
{% endmacro %}


{% macro utc_time_text(where, key, value) %}
    {#- A UTC time that someone wrote, as text with microseconds; an error that names where if it is none. A datetime of YAML will do. -#}
    {%- set given = modules.re.match('^(\\d{4}-\\d{2}-\\d{2})(?:[ T](\\d{2}:\\d{2}(?::\\d{2}(?:[.]\\d{1,6})?)?))?(?:Z|[+]00:00)?$', value | string | trim) -%}
    {%- if not given -%}
        {{ dbt_forensics._config_error(where, key, value, "a UTC time such as 2026-01-05 12:00:00") }}
    {%- endif -%}
    {%- set time = given.group(2) or '00:00' -%}
    {%- set time = time ~ (':00' if time | length == 5 else '') -%}
    {%- set time = time ~ ('.000000' if '.' not in time else '') -%}
    {{ return(given.group(1) ~ ' ' ~ (time ~ '000000')[:15]) }}
{% endmacro %}


{% macro timestamp_literal(value) %}
    {#- A time as an SQL literal. -#}
    {%- set text = value if value is string else value.strftime('%Y-%m-%d %H:%M:%S.%f') -%}
    {{ return('cast(' ~ dbt.string_literal(text) ~ ' as ' ~ dbt.type_timestamp() ~ ')') }}
{% endmacro %}


{% macro capture_instant() %}
    {#- The engine's own clock: only for dbt_valid_to of append-only rows, which must differ from run to run. -#}
    {{ return('cast(' ~ dbt.current_timestamp() ~ ' as ' ~ dbt.type_timestamp() ~ ')') }}
{% endmacro %}


{% macro last_recorded_literal() %}
    {#- The time of the last ledger entry as an SQL literal, or none: what was captured after it is not in the ledger yet. -#}
    {%- set last = dbt_forensics._last_recorded_at() -%}
    {{ return(dbt_forensics.timestamp_literal(last) if last else none) }}
{% endmacro %}
