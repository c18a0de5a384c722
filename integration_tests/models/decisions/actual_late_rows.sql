-- One row per case that the public macro late_rows() calls late, and how it does.
{%- set periods = {
    'days': ['day', {'count': 1, 'period': 'hour'}, {'count': 1, 'period': 'day'}],
    'hours': ['hour', {'count': 10, 'period': 'minute'}, {'count': 2, 'period': 'hour'}],
    'strict': ['day', {'count': 0, 'period': 'hour'}, {'count': 0, 'period': 'day'}],
    'patient': ['day', {'count': 2, 'period': 'day'}, {'count': 90, 'period': 'minute'}],
} %}
{%- for name, period in periods.items() %}
select
    setting,
    event_time,
    ingested_at,
    timeliness,
    window_start,
    lateness_seconds
from (
    {{ dbt_forensics.late_rows(ref('timeliness_cases'), 'event_time', 'ingested_at', period[0], period[1], period[2]) }}
) as late_rows
where setting = '{{ name }}'
{{ 'union all' if not loop.last }}
{%- endfor %}
