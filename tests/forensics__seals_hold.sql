-- Promise 4: every append-only table holds the rows that were sealed, no more, no less and no others, and the seals follow one another.
-- `dbt build` looks at the seals; `dbt test` and a scrub look at every row.
{%- do dbt_forensics.assert_settings('test') %}
{%- set seals = ref('forensics__seals').render() %}
{%- set relations = dbt_forensics._sealed_relations() %}
{%- set is_whole = dbt_forensics.is_built_here(['forensics__seals']) %}
{%- set checks_rows = is_whole and dbt_forensics.checks_everything() %}
{%- if not dbt_forensics.is_built_here() or not dbt_forensics.can_read(relations.values() | list) %}
{{ dbt_forensics.no_rows({'sealed_table': 'text'}) }}
{%- else %}
with problems_of_seals as (

    {{ dbt_forensics._problems_of_seals(seals) }}

)
{%- if checks_rows %},

rows_unlike_their_seals as (

    {{ dbt_forensics._rows_unlike_their_seals(relations, seals) }}

)
{%- endif %}

select * from problems_of_seals
{%- if checks_rows %}
union all
select * from rows_unlike_their_seals
{%- endif %}
{%- endif %}
