-- One row per expected window, with the time at which there was last something new to say of it.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with windows as (

    select * from {{ ref('forensics__windows') }}

),

streams as (

    select * from {{ ref('forensics__streams') }}

),

dated_windows as (

    select
        windows.*,
        streams.window_period,
        {{ dbt_forensics._due_at('windows.window_end') }} as due_at,
        {{ dbt_forensics._settles_at('windows.window_end') }} as complete_at
    from windows
    inner join streams
        on windows.stream = streams.stream

)

select
    stream,
    window_period,
    window_number,
    window_start,
    window_end,
    row_count,
    late_count,
    out_of_order_count,
    missing_number_count,
    event_count,
    withdrawn_count - exchanged_count as lost_count,
    expected_count,
    expected_low,
    expected_high,
    compared_count,
    compared_nonempty_count,
    is_due,
    is_complete,
    is_special_day,
    health,
    first_event_at,
    first_arrived_at,
    {#- A window counts as changed when rows of it are recorded, when it becomes due, and when late rows had their time. #}
    case
        when touched_at is null then null
        when is_complete and complete_at > touched_at then complete_at
        when is_due and due_at > touched_at then due_at
        else touched_at
    end as touched_at
from dated_windows
