-- Promise 4: the captured rows are the ones that were sealed. The build that has just sealed them does not seal them again;
-- `dbt test` and a scrub do.
with found as (

    {{ dbt_forensics.batches_unlike_their_seal(
        ref('forensics__event_history').render(), ref('int_forensics__presence_changes').render(), ref('forensics__batch_history').render()
    ) }}

)

select * from found
{%- if not dbt_forensics.checks_everything() %}
where 1 = 0
{%- endif %}
