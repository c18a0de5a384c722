{% macro build_clock() %}
    {#- The time of this invocation, UTC, as text: the var forensics_as_of, or when dbt started. -#}
    {%- set as_of = var('forensics_as_of', none) -%}
    {%- if as_of is none -%}
        {{ return(run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f')) }}
    {%- endif -%}
    {{ return(dbt_forensics.utc_time_text("var 'forensics_as_of'", none, as_of)) }}
{% endmacro %}


{% macro recorded_at() %}
    {#-
        When what this build finds is recorded, as an SQL literal. It is the build's clock, moved on by a microsecond where the
        ledger has entries of that very time already: knowledge time never stands still, so what is not yet in the ledger is
        exactly what was recorded after its last entry. To go back in time would rewrite what was known, and is refused.
    -#}
    {%- set clock = dbt_forensics.build_clock() -%}
    {%- set last = dbt_forensics._last_recorded_at() -%}
    {%- if last is none or clock > last -%}
        {{ return(dbt_forensics.timestamp_literal(clock)) }}
    {%- elif clock < last and var('forensics_as_of', none) is not none -%}
        {{ dbt_forensics._config_error("var 'forensics_as_of'", none, var('forensics_as_of'), 'a time from ' ~ last ~ ', the last one on record: what was known then is not rewritten') }}
    {%- endif -%}
    {{ return(dbt_forensics._a_microsecond_after(last)) }}
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
    {#- The time of the last ledger entry, as text in the form of build_clock(), or none. -#}
    {%- set ledger = dbt_forensics._existing('forensics__ledger') -%}
    {%- if not ledger -%}{{ return(none) }}{%- endif -%}
    {#- Seals are few, and each build's are older than its entries: they bound the look into the ledger. -#}
    {%- set last_at = 'select max(recorded_at) from ' ~ ledger -%}
    {%- set seals = dbt_forensics._existing('forensics__batch_history') -%}
    {%- set sealed_at = dbt_forensics._single_row('select max(recorded_at) from ' ~ seals)[0] if seals else none -%}
    {%- set found = dbt_forensics._single_row(last_at ~ ' where recorded_at >= ' ~ dbt_forensics.timestamp_literal(sealed_at))[0] if sealed_at else none -%}
    {%- set last = found or dbt_forensics._single_row(last_at)[0] -%}
    {{ return(last.strftime('%Y-%m-%d %H:%M:%S.%f') if last else none) }}
{% endmacro %}


{% macro _a_microsecond_after(time) %}
    {%- set moment = modules.datetime.datetime.strptime(time, '%Y-%m-%d %H:%M:%S.%f') + modules.datetime.timedelta(microseconds=1) -%}
    {{ return(dbt_forensics.timestamp_literal(moment.strftime('%Y-%m-%d %H:%M:%S.%f'))) }}
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
