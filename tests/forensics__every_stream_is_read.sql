-- A stream that cannot be read stops no other one: the build leaves it out, and this test names it, with the key of its configuration.
{%- do dbt_forensics.after_detection() %}
{%- set unread = ref('forensics__unread_streams').render() %}
{%- if dbt_forensics.can_read([ref('forensics__unread_streams')]) %}
{%- do dbt_forensics.log_unread_streams(unread) %}
{%- endif %}
select
    stream,
    config_key,
    reason,
    recorded_at
from {{ unread }}
