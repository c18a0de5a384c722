-- One row per value of a window that is over but not settled: what it will be, as an estimate, from how settled windows grew.
{%- do dbt_forensics.assert_settings('view') %}
-- depends_on: {{ ref('forensics__batch_history') }}
-- depends_on: {{ ref('forensics__metric_versions') }}
-- depends_on: {{ ref('forensics__streams') }}
{{ dbt_forensics.estimates() }}
