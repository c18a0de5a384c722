-- Promise 4: a version of a batch or a column ends when the next one begins, and the last one is open. `dbt test` and a scrub look at them.
{%- do dbt_forensics.assert_settings('test') %}
{%- set batches = ref('forensics__batch_history').render() %}
{%- set columns_seen = ref('forensics__schema_history').render() %}
{%- if dbt_forensics.is_built_here() and dbt_forensics.checks_everything() %}
with batches as (

    {{ dbt_forensics.versions_out_of_order(batches, 'forensics__batch_history', 'batch_id') }}

),

columns_seen as (

    {{ dbt_forensics.versions_out_of_order(columns_seen, 'forensics__schema_history', 'column_name') }}

)

select * from batches
union all
select * from columns_seen
{%- else %}
{{ dbt_forensics.no_rows({'stream': 'text'}) }}
{%- endif %}
