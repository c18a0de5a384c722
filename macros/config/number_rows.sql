{% macro _digit_rows() %}
    {#- A CTE named digits: the whole numbers from 0 to 9, on any engine. -#}
    digits as (
        {% for digit in range(10) %}
        select {{ digit }} as digit
        {{- ' union all' if not loop.last }}
        {%- endfor %}

    )
{%- endmacro %}


{% macro number_rows() %}
    {#- CTEs, the last of them named numbers: the whole numbers n from 0 to 99999, on any engine. -#}
    {{ dbt_forensics._digit_rows() }},

    numbers as (

        select cast(tens_of_thousands.digit * 10000 + thousands.digit * 1000 + hundreds.digit * 100 + tens.digit * 10 + ones.digit as {{ dbt.type_int() }}) as n
        from digits as ones
        cross join digits as tens
        cross join digits as hundreds
        cross join digits as thousands
        cross join digits as tens_of_thousands

    )
{% endmacro %}
