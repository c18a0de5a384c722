{% macro row_digest(relation, columns=none) %}
    {#-
        Text: the digest of a row of a relation: md5 of its canonical JSON (see docs/digest.md). NULL is not '', and letter case
        and white space count; 1, 1.0 and 1e0 are one number, and one instant has one form.
        columns: names of the columns that count; default: all.
    -#}
    {%- if not execute -%}{{ return("''") }}{%- endif -%}
    {%- set fields = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) if columns is none or column.name in columns -%}
        {%- do fields.update({column.name: dbt_forensics.canonical_text(dbt_forensics.quoted(column.name), column.data_type)}) -%}
    {%- endfor -%}
    {%- for name in columns or [] if name not in fields -%}
        {{ dbt_forensics._config_error('row_digest', 'columns', name ~ ', which ' ~ relation ~ ' does not have', 'its columns') }}
    {%- endfor -%}
    {{ return(dbt.hash(dbt_forensics.canonical_json(fields))) }}
{% endmacro %}
