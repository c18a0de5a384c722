{% macro deduplicate(relation, partition_by, order_by, output='winners', content=none, winner=none) %}
    {#-
        A select of the rows of a relation without repetition, or of the rows that lost. Rows with a NULL in their key are neither lost
        nor merged with different ones: they are one event only where they are equal in all columns.
        relation: a relation, or the name of a CTE. partition_by: the columns or expressions that name one event. order_by: the first row
        in this order wins; name enough of them that no two rows tie. output: winners | losers | all. content: columns or
        expressions to compare with the winner's. winner: an expression that names the winner in the rows that lost; default: its
        order_by values, as JSON.
        winners has the relation's columns (for a CTE also dedup_rank). losers and all add dedup_rank (from 1), dedup_winner and
        dedup_reason: winner, duplicate (content is equal), conflict (it is not), or repeated (no content was named).
    -#}
    {%- set keys = [partition_by] if partition_by is string else partition_by -%}
    {%- set orders = [order_by] if order_by is string else order_by -%}
    {%- set in_order = [] -%}
    {%- for expression in orders -%}
        {#- Where NULLs stand in an ascending order is not the same on every engine. -#}
        {%- do in_order.append(expression ~ ('' if modules.re.search('(?i)\\s(desc|nulls\\s+(first|last))\\s*$', expression) else ' nulls last')) -%}
    {%- endfor -%}
    {%- set compared = [content] if content is string else (content or []) -%}
    {%- if output not in ['winners', 'losers', 'all'] -%}
        {{ dbt_forensics._config_error('deduplicate', 'output', output, 'one of winners, losers, all') }}
    {%- elif not keys or not orders -%}
        {{ dbt_forensics._config_error('deduplicate', 'partition_by and order_by', 'nothing', 'at least one column or expression each') }}
    {%- endif -%}
    {%- do dbt_forensics.refuse_columns('deduplicate', relation, ['dedup_rank', 'dedup_winner', 'dedup_reason']) -%}
    {#- Rows without a key are one event only where they are equal. -#}
    {%- set has_no_key = '(' ~ keys | join(') is null or (') ~ ') is null' -%}
    {%- set of_no_key = 'case when ' ~ has_no_key ~ ' then ' ~ dbt_forensics.whole_row('source_rows') ~ ' end' -%}
    {%- set event = 'partition by ' ~ keys | join(', ') ~ ', ' ~ of_no_key ~ ' order by ' ~ in_order | join(', ') -%}
    {%- if output == 'winners' -%}
    with ranked_rows as (

        select
            source_rows.*,
            row_number() over ({{ event }}) as dedup_rank
        from {{ relation }} as source_rows

    )

    select {{ dbt_forensics._own_columns(relation) }}
    from ranked_rows
    where dedup_rank = 1
    {%- else -%}
    {%- set named = 'cast(' ~ winner ~ ' as ' ~ dbt.type_string() ~ ')' if winner else dbt_forensics._as_json(orders) -%}
    {%- set so_far = 'rows between unbounded preceding and current row' -%}
    with described_rows as (

        select
            source_rows.*,
            row_number() over ({{ event }}) as dedup_rank,
            first_value({{ named }}) over ({{ event }} {{ so_far }}) as dedup_winner,
            {{ dbt_forensics._as_json(compared) }} as dedup_content,
            first_value({{ dbt_forensics._as_json(compared) }}) over ({{ event }} {{ so_far }}) as dedup_winner_content
        from {{ relation }} as source_rows

    )

    select
        {{ dbt_forensics._own_columns(relation) if relation is not string else '*' }},
        {%- if relation is not string %}
        dedup_rank,
        dedup_winner,
        {%- endif %}
        case
            when dedup_rank = 1 then 'winner'
            {%- if not compared %}
            else 'repeated'
            {%- else %}
            when dedup_content = dedup_winner_content then 'duplicate'
            else 'conflict'
            {%- endif %}
        end as dedup_reason
    from described_rows
    {%- if output == 'losers' %}
    where dedup_rank > 1
    {%- endif %}
    {%- endif -%}
{% endmacro %}


{% macro _own_columns(relation) %}
    {#- The columns of a relation, quoted; all there are for the name of a CTE, which cannot be looked up. -#}
    {%- if relation is string or not execute -%}{{ return('*') }}{%- endif -%}
    {%- set names = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}{%- do names.append(dbt_forensics.quoted(column.name)) -%}{%- endfor -%}
    {{ return(names | join(', ') or '*') }}
{% endmacro %}


{% macro _as_json(expressions) %}
    {#- The values of expressions as JSON text, under their own words; what only orders them (desc, nulls last) is left out. -#}
    {%- set fields = {} -%}
    {%- for expression in expressions -%}
        {%- set value = modules.re.sub('(?i)\\s+(asc|desc)?(\\s*nulls\\s+(first|last))?\\s*$', '', expression ~ ' ') -%}
        {%- do fields.update({value: 'cast(' ~ value ~ ' as ' ~ dbt.type_string() ~ ')'}) -%}
    {%- endfor -%}
    {{ return(dbt_forensics.canonical_json(fields)) }}
{% endmacro %}
