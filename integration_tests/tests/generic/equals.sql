{% test equals(model, expected) %}
    {#- The model has the rows of a seed, no more and no fewer, each as often; the seed's column `why` is for people. -#}
    {%- set columns, actual = [], [] %}
    {%- if execute %}
    {%- for column in adapter.get_columns_in_relation(expected) if column.name != 'why' %}
        {%- set name = adapter.quote(column.name) %}
        {%- do columns.append(name) %}
        {%- do actual.append('cast(' ~ name ~ ' as ' ~ (dbt.type_string() if column.is_string() else column.data_type) ~ ') as ' ~ name) %}
    {%- endfor %}
    {%- endif %}
    with actual as (

        select {{ actual | join(', ') or '*' }}
        from {{ model }}

    ),

    expected as (

        select {{ columns | join(', ') or '*' }}
        from {{ expected }}

    ),

    missing as (

        select * from expected
        except all
        select * from actual

    ),

    unexpected as (

        select * from actual
        except all
        select * from expected

    )

    select 'missing' as what, missing.* from missing
    union all
    select 'unexpected' as what, unexpected.* from unexpected
{% endtest %}
