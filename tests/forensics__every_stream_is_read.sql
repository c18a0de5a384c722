-- A stream that cannot be read stops no other one: the build leaves it out, and this test names it, with the key of its configuration.
{%- do dbt_forensics.assert_settings('test') %}
{%- do dbt_forensics.after_detection() %}
{%- set unread = ref('forensics__unread_streams') %}
{%- set is_read = dbt_forensics.is_built_here() and dbt_forensics.can_read([unread]) %}
{%- if is_read %}
{%- do dbt_forensics.log_unread_streams(unread.render()) %}
select
    stream,
    config_key,
    reason,
    recorded_at
from {{ unread.render() }}
{%- else %}
{{ dbt_forensics.no_rows({'stream': 'text'}) }}
{%- endif %}
