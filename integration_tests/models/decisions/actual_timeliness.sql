-- One row per case of the decision table, with the timeliness that the package gives it.
{%- set settings = {
    'days': {'window': 'day', 'expected_delay': {'count': 1, 'period': 'hour'}, 'clock_skew': {'count': 5, 'period': 'minute'}, 'allowed_lateness': {'count': 1, 'period': 'day'}},
    'hours': {'window': 'hour', 'expected_delay': {'count': 10, 'period': 'minute'}, 'clock_skew': {'count': 0, 'period': 'minute'}, 'allowed_lateness': {'count': 2, 'period': 'hour'}},
    'strict': {'window': 'day', 'expected_delay': {'count': 0, 'period': 'hour'}, 'clock_skew': {'count': 0, 'period': 'minute'}, 'allowed_lateness': {'count': 0, 'period': 'day'}},
    'patient': {'window': 'day', 'expected_delay': {'count': 2, 'period': 'day'}, 'clock_skew': {'count': 0, 'period': 'minute'}, 'allowed_lateness': {'count': 90, 'period': 'minute'}},
} %}
{%- for name, setting in settings.items() %}
select
    setting,
    event_time,
    ingested_at,
    {{ dbt_forensics.timeliness(setting) }} as timeliness
from {{ ref('timeliness_cases') }}
where setting = '{{ name }}'
{{ 'union all' if not loop.last }}
{%- endfor %}
