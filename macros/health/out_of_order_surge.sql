{% macro out_of_order_surge(streams, profile) %}
    {#- Rows of which an earlier arrival of the same entity has a later event time, of those of a window. -#}
    select
            stream,
            cast(null as {{ dbt.type_string() }}) as subject,
            window_start as bucket_start,
            out_of_order_count as part,
            row_count as whole,
            0 as tolerated,
            touched_at
        from windows
        where out_of_order_count > 0
{%- endmacro %}
