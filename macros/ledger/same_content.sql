{% macro same_content(left, right, columns) %}
    {#-
        Condition: two captured rows say the same. Rows of one shape are compared as they are. Rows of different shapes (the
        source gained or lost columns between them, or names another schema version) are compared where both have a value.
        left, right: what stands before the names of the columns, such as 'this_row.'. columns: {name: family} of all payload columns that the streams have or had; family: in which type to compare, or none.
    -#}
    {%- set differences = [] -%}
    {%- for role in ['entity_id', 'event_type', 'tenant'] -%}
        {%- do differences.append(left ~ role ~ ' <> ' ~ right ~ role) -%}
    {%- endfor -%}
    {%- for column, family in columns.items() -%}
        {%- set texts = [] -%}
        {%- for side in [left, right] -%}
            {%- do texts.append(dbt_forensics._text_as(dbt_forensics.json_value(side ~ 'payload', column), family)) -%}
        {%- endfor -%}
        {%- do differences.append(texts | join(' <> ')) -%}
    {%- endfor -%}
    case
                when {{ left }}event_time <> {{ right }}event_time then false
                when
                    {{ left }}payload = {{ right }}payload
                    {%- for role in ['entity_id', 'event_type', 'tenant'] %}
                    and {{ dbt_forensics.is_same(left ~ role, right ~ role) }}
                    {%- endfor %}
                    then true
                when {{ dbt_forensics.same_shape(left, right) }} then false
                else not coalesce(
                    {{ differences | map('replace', '\n', ' ') | join('\n                    or ') }},
                    false
                )
            end
{%- endmacro %}


{% macro same_shape(left, right) %}
    {{ return(left ~ 'shape_digest = ' ~ right ~ 'shape_digest and ' ~ dbt_forensics.is_same(left ~ 'schema_version', right ~ 'schema_version')) }}
{% endmacro %}
