-- One row per declared stream, with the time of what this build concludes.
{%- do dbt_forensics.assert_settings('ephemeral') %}
{#- What is concluded is known when the ledger is through, and until then this is not compiled. #}
-- depends_on: {{ ref('forensics__ledger') }}
with streams as (

    select * from {{ ref('forensics__streams') }}

)

select
    stream,
    window_period,
    window_minutes,
    expected_delay_minutes,
    allowed_lateness_minutes,
    {{ dbt_forensics.concluded_at() }} as concluded_at
from streams
