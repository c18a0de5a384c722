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

moments as (

    {%- for kind in ['seals', 'presence', 'profile'] %}
    select
        stream,
        recorded_at,
        '{{ kind }}' as kind
    from {{ kind }}
    group by stream, recorded_at
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}

),

{#- At one time, what was missed stands before the seal, and what was profiled behind it. #}
ordered_moments as (

    select
        stream,
        recorded_at,
        kind,
        case kind when 'presence' then 1 when 'seals' then 2 else 3 end as place,
        case when kind = 'seals' then recorded_at end as seal_at
    from moments

)

select
    stream,
    recorded_at,
    kind,
    case kind
        when 'presence' then min(seal_at) over (
            partition by stream order by recorded_at, place rows between current row and unbounded following
        )
        when 'profile' then max(seal_at) over (
            partition by stream order by recorded_at, place rows between unbounded preceding and current row
        )
    end as sealed_at
from ordered_moments
