-- One row per window, and day of shorter windows: sequence numbers that are missing, of those that it should have.
{#-
    From when its rows should be there. Until late rows had their time, twice as many may be missing as rows of the stream are commonly late.
#}
{%- do dbt_forensics.assert_settings('ephemeral') %}
with windows as (

    select * from {{ dbt_forensics._input('int_forensics__judged_windows') }}

),

usual_shares as (

    select
        stream,
        {{ dbt_forensics.share_of('sum(late_count)', 'sum(row_count)') }} as late_share
    from windows
    group by stream

),

due_windows as (

    select
        windows.stream,
        windows.window_period,
        windows.window_start,
        {{ dbt_forensics.window_start('day', 'windows.window_start') }} as day_start,
        windows.row_count,
        windows.missing_number_count,
        case when windows.is_complete then 0 else coalesce(usual_shares.late_share, 0) * 2 end as tolerated,
        windows.touched_at
    from windows
    inner join usual_shares
        on windows.stream = usual_shares.stream
    where windows.is_due

)

select
    stream,
    'sequence_gap' as detector,
    'window' as grain,
    'missing' as measure,
    cast(null as {{ dbt.type_string() }}) as subject,
    window_start as bucket_start,
    missing_number_count as part,
    row_count + missing_number_count as whole,
    tolerated,
    touched_at
from due_windows
where missing_number_count > 0
union all
{#- Of a day, the windows in which too few numbers are missing to be told from each alone. #}
select
    stream,
    'sequence_gap' as detector,
    'day' as grain,
    'missing' as measure,
    cast(null as {{ dbt.type_string() }}) as subject,
    day_start as bucket_start,
    sum(case when missing_number_count between 1 and 9 then missing_number_count else 0 end) as part,
    sum(row_count + case when missing_number_count between 1 and 9 then missing_number_count else 0 end) as whole,
    max(case when missing_number_count between 1 and 9 then tolerated end) as tolerated,
    max(case when missing_number_count between 1 and 9 then touched_at end) as touched_at
from due_windows
where window_period = 'hour'
group by stream, day_start
having max(case when missing_number_count between 1 and 9 then 1 else 0 end) = 1
