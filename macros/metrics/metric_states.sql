{% macro metric_states(name, key, input, extreme, inputs, earlier) %}
    {#-
        CTEs, the last of them named <name>_changes: by how much the entries of each publication and cause change the number of different
        values of an input (distinct_change) and the least or greatest of them (extreme_change), per key.
        A value is alive while the entries that have it add up to more than 0. Causes are applied in their order; only values of the
        keys that new entries touch are looked at. name: prefix of the CTEs. key: names of the columns that make up a key. input: column of
        the inputs. extreme: min, max or none. inputs: CTE of the new entries. earlier: CTE of those that are in the log already, or none.
    -#}
    {%- set keys = key | join(', ') %}
    {{ name }}_values as (

        select
            {{ keys }},
            recorded_from,
            cause,
            {{ dbt_forensics.cause_rank('cause') }} as cause_rank,
            {{ input }} as value,
            sum(effect) as effect
        from {{ inputs }}
        where {{ input }} is not null
        group by {{ keys }}, recorded_from, cause, {{ input }}
        {%- if earlier %}
        union all
        select
            {{ keys }},
            {{ dbt_forensics.earliest_time() }} as recorded_from,
            cast(null as {{ dbt.type_string() }}) as cause,
            0 as cause_rank,
            {{ input }} as value,
            sum(effect) as effect
        from {{ earlier }}
        where {{ input }} is not null
        group by {{ keys }}, {{ input }}
        having sum(effect) <> 0
        {%- endif %}

    ),

    {{ name }}_counted as (

        select
            *,
            dense_rank() over (partition by {{ keys }} order by recorded_from, cause_rank) as step,
            sum(effect) over (
                partition by {{ keys }}, value order by recorded_from, cause_rank
                rows between unbounded preceding and current row
            ) as count_after
        from {{ name }}_values

    ),

    {{ name }}_changing as (

        select
            *,
            case when count_after > 0 then 1 else 0 end - case when count_after - effect > 0 then 1 else 0 end as alive_change
        from {{ name }}_counted

    ),

    {{ name }}_spans as (

        {#- From the step at which a value comes alive to the one at which it stops to be, if it does. #}
        select
            *,
            min(case when alive_change <> 0 then step end) over (
                partition by {{ keys }}, value order by step
                rows between 1 following and unbounded following
            ) as next_step
        from {{ name }}_changing

    ),

    {{ name }}_steps as (

        select
            {{ keys }},
            step,
            recorded_from,
            cause,
            sum(alive_change) as distinct_change{{ ',' if extreme }}
            {%- if extreme %}
            {{ extreme }}(case when alive_change = 1 and next_step is null then value end) as lasting_value
            {%- endif %}
        from {{ name }}_spans
        group by {{ keys }}, step, recorded_from, cause

    ),
    {% if extreme %}
    {{ name }}_candidates as (

        select
            {{ keys }},
            step,
            recorded_from,
            cause,
            distinct_change,
            {{ extreme }}(lasting_value) over (
                partition by {{ keys }} order by step
                rows between unbounded preceding and current row
            ) as value
        from {{ name }}_steps
        union all
        select
            {% for column in key %}steps.{{ column }}, {% endfor %}
            steps.step,
            steps.recorded_from,
            steps.cause,
            steps.distinct_change,
            spans.value
        from {{ name }}_steps as steps
        inner join {{ name }}_spans as spans
            on
                {% for column in key -%}
                {{ 'steps.' ~ column ~ ' = spans.' ~ column if loop.first else dbt_forensics.is_same('steps.' ~ column, 'spans.' ~ column) }} and {# #}
                {%- endfor -%}
                steps.step >= spans.step and steps.step < spans.next_step
        where spans.alive_change = 1

    ),

    {{ name }}_extremes as (

        select
            {{ keys }},
            step,
            recorded_from,
            cause,
            distinct_change,
            {{ extreme }}(value) as value
        from {{ name }}_candidates
        group by {{ keys }}, step, recorded_from, cause, distinct_change

    ),
    {% endif %}
    {{ name }}_differences as (

        select
            {{ keys }},
            recorded_from,
            cause,
            distinct_change,
            {% if extreme -%}
            coalesce(value, 0) - coalesce(lag(value) over (partition by {{ keys }} order by step), 0) as extreme_change
            {%- else -%}
            0 as extreme_change
            {%- endif %}
        from {{ name }}_{{ 'extremes' if extreme else 'steps' }}

    ),

    {{ name }}_changes as (

        select *
        from {{ name }}_differences
        where cause is not null

    )
{% endmacro %}
