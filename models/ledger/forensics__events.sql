-- One row per event that counts now: the row that won, as its source gave it.
{%- do dbt_forensics.assert_settings('view') %}
{{ dbt_forensics._counted_events(ref('forensics__verdicts').render()) }}
