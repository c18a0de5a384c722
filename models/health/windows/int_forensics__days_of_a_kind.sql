-- One row per window on a day of a kind (named by the calendar, first or last of a month), with how much of the usual volume such days had before.
{#-
    Of the last twelve such days: the second least and the second most, so that one failure is no custom; of a day that the calendar names also where there
    was only one. Where there was none before, previous_count is 0.
-#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with windows as (

    select * from {{ dbt_forensics._input('int_forensics__placed_windows') }}
    where kind_of_day is not null

),

expected_volumes as (

    select * from {{ dbt_forensics._input('int_forensics__expected_volumes') }}

),

shares as (

    select
        windows.stream,
        windows.place,
        windows.kind_of_day,
        windows.place - windows.windows_a_day * cast(
            floor(cast(windows.place as numeric(18, 6)) / windows.windows_a_day) as {{ dbt.type_bigint() }}
        ) as hour_place,
        {{ dbt_forensics.share_of('windows.volume', 'expected_volumes.usual_volume') }} as share
    from windows
    inner join expected_volumes
        on windows.stream = expected_volumes.stream and windows.compared_place = expected_volumes.place
    where expected_volumes.usual_volume > 0 and windows.is_due and not windows.is_stopped

),

numbered_shares as (

    select
        *,
        row_number() over (partition by stream, kind_of_day, hour_place order by place) as place_in_kind
    from shares

),

earlier_shares as (

    select
        later.stream,
        later.place,
        earlier.share,
        row_number() over (partition by later.stream, later.place order by earlier.share) as from_least,
        row_number() over (partition by later.stream, later.place order by earlier.share desc) as from_most,
        count(*) over (partition by later.stream, later.place) as previous_count
    from numbered_shares as later
    inner join numbered_shares as earlier
        on
            later.stream = earlier.stream
            and later.kind_of_day = earlier.kind_of_day
            and later.hour_place = earlier.hour_place
            and later.place_in_kind > earlier.place_in_kind
            and later.place_in_kind <= earlier.place_in_kind + 12

),

known_shares as (

    select
        stream,
        place,
        max(previous_count) as previous_count,
        max(case when from_least = 2 or previous_count = 1 then share end) as low_share,
        max(case when from_most = 2 or previous_count = 1 then share end) as high_share
    from earlier_shares
    group by stream, place

)

select
    windows.stream,
    windows.place,
    substr(windows.kind_of_day, 1, 9) = 'calendar ' as is_named,
    coalesce(known_shares.previous_count, 0) as previous_count,
    known_shares.low_share,
    known_shares.high_share
from windows
left join known_shares
    on windows.stream = known_shares.stream and windows.place = known_shares.place
where substr(windows.kind_of_day, 1, 9) = 'calendar ' or known_shares.previous_count >= 2
