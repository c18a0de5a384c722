-- One row per delivery of a click. A seed cannot hold an empty text that is not NULL, so one is written in its place.
-- depends_on: {{ ref('raw_orders') }} (the stream orders reads it as a source, which dbt cannot order after its seed)
select
    session_id,
    clicked_at,
    received_at,
    url,
    replace(referrer, '<empty>', '') as referrer
from {{ ref('raw_clicks') }}
