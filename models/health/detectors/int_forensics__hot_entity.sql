-- One row per hour of arrival: rows about the entity that most of them are about, repetitions aside.
{#-
    Entities with fewer than ten rows are not counted: in hours without one that has more, the share may be that of nine rows, and is taken for it.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with hourly as (

    select * from {{ dbt_forensics._input('int_forensics__hourly_counts') }}

),

ranked_entities as (

    select
        *,
        hour_count - hour_duplicates as whole,
        row_number() over (partition by stream, arrived_hour order by row_count desc, subject asc) as place
    from hourly
    where measure = 'entity' and hour_count > 0

)

select
    stream,
    'hot_entity' as detector,
    'hour' as grain,
    measure,
    subject,
    arrived_hour as bucket_start,
    row_count as part,
    whole,
    {{ dbt_forensics.share_of('9', 'whole') }} as tolerated,
    touched_at
from ranked_entities
where place = 1
