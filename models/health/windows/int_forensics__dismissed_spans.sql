-- One row per incident that somebody dismissed as expected: its stream and the windows that it had then.
{#- dbt-forensics incident dismiss writes the two times, of 19 characters each and a space between them, where other acts say what they select. -#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with acts as (

    select * from {{ ref('forensics__action_log') }}

)

select distinct
    stream,
    {{ dbt_forensics.utc_timestamp('substr(selection, 1, 19)') }} as span_start,
    {{ dbt_forensics.utc_timestamp('substr(selection, 21, 19)') }} as span_end
from acts
where kind = 'incident' and act = 'dismissed' and selection is not null
