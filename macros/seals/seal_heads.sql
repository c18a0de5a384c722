{% macro seal_heads(seals, batches) %}
    {#-
        A select of every head that the chains ever had: chain, name, recorded_at, head. Chain `seals` is that of forensics__seals, in which each build
        continues the one before; chain `stream` that of a stream in forensics__batch_history.
    -#}
    select
        'seals' as chain,
        'forensics__seals' as name,
        recorded_at,
        {{ dbt.hash(dbt_forensics.set_digest('seal')) }} as head
    from {{ seals }}
    group by recorded_at
    union all
    select
        'stream' as chain,
        stream as name,
        recorded_at,
        {{ dbt.hash(dbt_forensics.set_digest('seal')) }} as head
    from {{ batches }}
    group by stream, recorded_at
{% endmacro %}


{% macro sealed_contents(seals, as_of) %}
    {#-
        A select of the digest of all that the seals say of each table, whatever they are chained to: chain (`table`), name, recorded_at, head. It tells
        which of the tables was rewritten. as_of: SQL, the time of a build; what was sealed after it is left out.
    -#}
    {%- set stamp = dbt.type_timestamp() -%}
    {%- set of_content = dbt.hash(dbt_forensics.canonical_json_array([
        'sealed_table', 'stream', dbt_forensics.canonical_text('rows_recorded_at', stamp), 'cast(row_count as ' ~ dbt.type_string() ~ ')', 'digest',
    ])) -%}
    with

    contents as (

        select
            sealed_table,
            recorded_at,
            {{ of_content }} as content_digest
        from {{ seals }}
        where recorded_at <= {{ as_of }}

    )

    select
        'table' as chain,
        sealed_table as name,
        max(recorded_at) as recorded_at,
        {{ dbt.hash(dbt_forensics.set_digest('content_digest')) }} as head
    from contents
    group by sealed_table
{% endmacro %}


{% macro print_chain_head() %}
    {#- Prints the head of each chain of seals, to be kept where nobody who can write the warehouse can change it: the streams', and that of all tables. -#}
    {%- set batches = dbt_forensics._existing('forensics__batch_history') -%}
    {%- set seals = dbt_forensics._existing('forensics__seals') -%}
    {%- if not batches or not seals -%}
        {%- do print('dbt_forensics: nothing is sealed yet; run dbt build first.') -%}
    {%- else -%}
        {%- for row in run_query(dbt_forensics.chain_heads(batches) ~ ' order by 1').rows -%}
            {%- do print(row[0] ~ ' ' ~ row[2].strftime('%Y-%m-%dT%H:%M:%S.%fZ') ~ ' ' ~ row[1]) -%}
        {%- endfor -%}
        {%- for row in run_query(dbt_forensics._head_of_seals(seals)).rows -%}
            {%- do print('forensics__seals ' ~ row[1].strftime('%Y-%m-%dT%H:%M:%S.%fZ') ~ ' ' ~ row[0]) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
