-- One row per stream, time of recording and what was recorded then (presence or profile): when the capture of these rows was sealed.
{#- They differ where a build was cut off and another one went on with its capture. #}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with seals as (

    select * from {{ ref('forensics__batch_history') }}

),

presence as (

    select * from {{ ref('int_forensics__presence_changes') }}

),

profile as (

    select * from {{ ref('int_forensics__row_profile') }}

),

ordered_moments as (

    {#- At one time, what was missed stands before the seal, and what was profiled behind it. #}
    select distinct
        stream,
        recorded_at,
        'presence' as kind,
        1 as place,
        cast(null as {{ dbt.type_timestamp() }}) as seal_at
    from presence
    union all
    select distinct
        stream,
        recorded_at,
        'seal' as kind,
        2 as place,
        recorded_at as seal_at
    from seals
    union all
    select distinct
        stream,
        recorded_at,
        'profile' as kind,
        3 as place,
        cast(null as {{ dbt.type_timestamp() }}) as seal_at
    from profile

)

select
    stream,
    recorded_at,
    kind,
    case kind
        when 'presence'
            then min(seal_at) over (
                partition by stream order by recorded_at, place rows between current row and unbounded following
            )
        when 'profile'
            then max(seal_at) over (
                partition by stream order by recorded_at, place rows between unbounded preceding and current row
            )
    end as sealed_at
from ordered_moments
