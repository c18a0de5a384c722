-- Promise 4: every append-only table holds the rows that were sealed, no more, no less and no others, and the seals follow one another.
-- `dbt build` looks at the seals; `dbt test` and a scrub look at every row.
{%- do dbt_forensics.assert_settings('test') %}
{%- set seals = ref('forensics__seals').render() %}
{%- set relations = dbt_forensics._sealed_relations() %}
select * from (
{{ dbt_forensics._problems_of_seals(seals) }}
) as problems_of_seals
{%- if dbt_forensics.checks_everything() and dbt_forensics.is_built_here(['forensics__seals']) %}
union all
select * from (
{{ dbt_forensics._rows_unlike_their_seals(relations, seals) }}
) as rows_unlike_their_seals
{%- endif %}
