{% test schema_is_as_declared(model, columns, allow_more=false) %}
    {#-
        The relation has the columns that are named, each of the type that is named. Fails with one row per column that is missing, of another type, or not
        declared. columns: {name: type}; the type as the engine names it, or a family of types (number | text | time | boolean), or any.
        allow_more: whether columns that are not declared are allowed.
    -#}
    {%- if columns is not mapping %}
        {{ dbt_forensics._config_error('schema_is_as_declared', 'columns', columns, 'a mapping of column names to types, such as {amount: number}') }}
    {%- endif %}
    {%- set found, problems = {}, [] %}
    {%- if execute %}
        {%- for column in adapter.get_columns_in_relation(model) %}{% do found.update({column.name: column.data_type}) %}{% endfor %}
        {%- for name, type in columns.items() %}
            {%- set column = dbt_forensics._column_named(name, found) %}
            {%- set type = type | lower %}
            {%- if not column %}
                {%- do problems.append([name, 'missing', type, none]) %}
            {%- elif type != 'any' and type not in [found[column] | lower, (found[column] | lower).split('(')[0], dbt_forensics.type_family(found[column])] %}
                {%- do problems.append([name, 'of another type', type, found[column]]) %}
            {%- endif %}
        {%- endfor %}
        {%- set declared = columns.keys() | map('lower') | list %}
        {%- for name, type in found.items() if not allow_more and name | lower not in declared %}
            {%- do problems.append([name, 'not declared', none, type]) %}
        {%- endfor %}
    {%- endif %}
    {%- for problem in problems %}
    select
        {%- for name in ['column_name', 'problem', 'declared_type', 'found_type'] %}
        cast({{ dbt_forensics.forensics_literal(problem[loop.index0]) }} as {{ dbt.type_string() }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    {{- '\n    union all' if not loop.last }}
    {%- else %}
    {{ dbt_forensics.no_rows({'column_name': 'text', 'problem': 'text', 'declared_type': 'text', 'found_type': 'text'}) }}
    {%- endfor %}
{% endtest %}
