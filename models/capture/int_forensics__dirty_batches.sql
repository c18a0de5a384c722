-- One row per batch that is new, differs from its seal, or is gone from its relation: what this build reads row by row; and one per stream that it cannot read.
{{ config(materialized='table', post_hook="{{ dbt_forensics.gather_statistics(this) }}") }}
{%- do ref('int_forensics__build') %}
{%- do dbt_forensics.take_turn() %}
{%- do dbt_forensics.assert_settings('table') %}
{%- set streams = dbt_forensics.streams() %}
{%- set relations = dbt_forensics.stream_relations(streams) %}
{%- if not streams or not dbt_forensics.can_read(relations) %}
{{ dbt_forensics.report_nothing_to_read(streams) }}
{{ dbt_forensics.no_rows(dict(dbt_forensics.dirty_batch_columns(), **dbt_forensics.unread_columns())) }}
{%- else %}
{%- do dbt_forensics.assert_session() %}
{%- do dbt_forensics.assert_sees_all_rows() %}
{%- set read = dbt_forensics.read_streams(streams) %}
with dirty as (

    select * from {{ read.dirty }} as dirty
    {%- if read.unread %}
    where not {{ dbt_forensics.is_one_of('stream', read.unread.keys() | list) }}
    {%- endif %}

),

unread as (
    {% for name, problem in read.unread.items() %}
    select
        cast('{{ name }}' as {{ dbt.type_string() }}) as stream,
        cast({{ dbt_forensics.forensics_literal(problem.key) }} as {{ dbt.type_string() }}) as config_key,
        cast({{ dbt_forensics.forensics_literal(problem.reason) }} as {{ dbt.type_string() }}) as reason,
        {{ dbt_forensics.recorded_at() }} as recorded_at
    {{- '\n    union all' if not loop.last }}
    {%- else %}
    {{ dbt_forensics.no_rows(dict({'stream': 'text'}, **dbt_forensics.unread_columns())) }}
    {%- endfor %}

),

described as (

    select
        coalesce(dirty.stream, unread.stream) as stream,
        dirty.batch_id,
        coalesce(dirty.difference, 'unread') as difference,
        dirty.row_count,
        dirty.sealed_count,
        dirty.min_ingested_at,
        dirty.max_ingested_at,
        dirty.fingerprint,
        {#- Of a batch, what cannot be evaluated on all of its stream's rows. #}
        coalesce(unread.config_key, {{ dbt_forensics.texts_by_stream(read.failing, 'dirty.stream') }}) as config_key,
        unread.reason,
        unread.recorded_at
    from dirty
    full outer join unread
        on dirty.stream = unread.stream

)

select * from described
{%- endif %}
