-- One row per batch of a stream: how many of its captured rows have which verdict. The verdicts add up to the rows.
{%- do dbt_forensics.assert_settings('view') %}
with events as (

    select * from {{ ref('forensics__verdicts').render() }}

),

batches as (

    select
        stream,
        batch_id,
        count(*) as row_count,
        {%- for verdict in dbt_forensics.verdicts() %}
        count(case when verdict = '{{ verdict }}' then 1 end) as {{ verdict }}_count,
        {%- endfor %}
        count(case when not is_in_source then 1 end) as vanished_count,
        min(ingested_at) as first_ingested_at,
        max(ingested_at) as last_ingested_at
    from events
    group by stream, batch_id

)

select * from batches
