-- One row per window: rows whose entity already had a row with a later event time.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with windows as (

    select * from {{ dbt_forensics._input('int_forensics__judged_windows') }}

)

select
    stream,
    'out_of_order_surge' as detector,
    'window' as grain,
    'out_of_order' as measure,
    cast(null as {{ dbt.type_string() }}) as subject,
    window_start as bucket_start,
    out_of_order_count as part,
    row_count as whole,
    0 as tolerated,
    touched_at
from windows
where out_of_order_count > 0
