-- Promise 4: the content of each captured row is what its key says. The build that has just made the keys does not make them
-- again; `dbt test` and a scrub do.
with found as (

    {{ dbt_forensics.rows_unlike_their_key(ref('forensics__event_history').render()) }}

)

select * from found
{%- if not dbt_forensics.checks_everything() %}
where 1 = 0
{%- endif %}
