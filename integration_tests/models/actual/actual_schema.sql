-- One row per column of a stream's relation. Its type is named differently by each engine.
select
    stream,
    column_name,
    column_position,
    is_dropped
from {{ ref('forensics__schema_history') }}
where dbt_valid_to is null
