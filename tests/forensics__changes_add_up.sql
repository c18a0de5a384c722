-- Promise 2: the changes of each version add up to the difference from the version before, and none is unexplained.
{%- do dbt_forensics.assert_settings('test') %}
{%- do dbt_forensics.after_detection() %}
{%- set log = ref('int_forensics__metric_log').render() %}
{%- set watch_log = ref('int_forensics__watch_log').render() %}
{%- if dbt_forensics.is_built_here() %}
{{ dbt_forensics.unexplained_versions(log, watch_log) }}
{%- else %}
{{ dbt_forensics.no_rows({'stream': 'text'}) }}
{%- endif %}
