-- Promise 1: each captured row has a verdict. `dbt build` counts, per stream, what it captured; `dbt test` looks at every row.
{%- do dbt_forensics.assert_settings('test') %}
{%- set history = ref('forensics__event_history').render() %}
{%- set ledger = ref('forensics__ledger').render() %}
{%- if not dbt_forensics.is_built_here(['forensics__ledger']) %}
{{ dbt_forensics.no_rows({'stream': 'text'}) }}
{%- elif dbt_forensics.checks_everything() %}
select
    history.stream,
    history.batch_id,
    history.row_key,
    history.recorded_at
from {{ history }} as history
left join {{ ledger }} as ledger
    on history.row_key = ledger.row_key and ledger.entry_number = 1
where ledger.row_key is null
{%- else %}
{{ dbt_forensics.streams_with_rows_unaccounted_for(history, ledger) }}
{%- endif %}
