-- One row per captured raw row: what it says, its current verdict, which row won over it, and why.
{%- do dbt_forensics.assert_settings('view') %}
with history as (

    select * from {{ ref('forensics__event_history').render() }}

),

ledger as (

    select * from {{ ref('forensics__ledger').render() }}

),

presence as (

    select * from {{ ref('int_forensics__presence_changes').render() }}

),

{{ dbt_forensics.described_events('history', 'ledger', 'presence') }}

select * from described
