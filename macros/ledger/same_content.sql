{% macro same_content(left, right, columns, streams) %}
    {#-
        Condition: two captured rows of one event say the same, of which the right one arrived first. Rows of one shape are compared as they are. Rows of different shapes (the
        source gained or lost columns between them) are compared over the columns that both sources had: there a NULL against a value is a
        difference too. Rows that name different schema versions are compared where both have a value.
        left, right: what stands before the names of the columns, such as 'this_row.'. columns: see columns_ever().
    -#}
    {%- set differences, gaps = [], [] -%}
    {%- for role in ['entity_id', 'event_type', 'tenant'] -%}
        {%- set texts = [left ~ role, right ~ role] -%}
        {%- do differences.append(texts | join(' <> ')) -%}
        {%- do gaps.append(dbt_forensics._gap(texts, [left, right], dbt_forensics._periods_of_role(role, columns.moved, streams))) -%}
    {%- endfor -%}
    {%- for column, family in columns.families.items() -%}
        {%- set texts = [] -%}
        {%- for side in [left, right] -%}
            {%- do texts.append(dbt_forensics._text_as(dbt_forensics.json_value(side ~ 'payload', column), family)) -%}
        {%- endfor -%}
        {%- do differences.append(texts | join(' <> ')) -%}
        {%- set periods = {} -%}
        {%- for stream, moved in columns.moved.items() -%}
            {%- if column in moved -%}{%- do periods.update({stream: moved[column]}) -%}{%- endif -%}
            {#- What is a role now may have been content before. -#}
            {%- for role in dbt_forensics.stream_roles() if (streams[stream][role] or '') | trim('" ') | lower == column | lower -%}{%- do periods.update({stream: []}) -%}{%- endfor -%}
        {%- endfor -%}
        {%- do gaps.append(dbt_forensics._gap(texts, [left, right], periods)) -%}
    {%- endfor -%}
    case
                when {{ left }}event_time <> {{ right }}event_time then false
                when
                    {{ left }}payload = {{ right }}payload
                    {%- for role in ['entity_id', 'event_type', 'tenant'] %}
                    and {{ dbt_forensics.is_same(left ~ role, right ~ role) }}
                    {%- endfor %}
                    then true
                {%- set is_new_shape = dbt_forensics._is_at_a_new_shape(columns.moved, left ~ 'stream', right ~ 'recorded_at') %}
                when {{ dbt_forensics.same_shape(left, right) }}{{ ' and not ' ~ is_new_shape if is_new_shape }} then false
                {%- if columns.moved %}
                when
                    {{ dbt_forensics.is_one_of(left ~ 'stream', columns.moved.keys() | list) }}
                    and {{ dbt_forensics.is_same(left ~ 'schema_version', right ~ 'schema_version') }}
                    and (
                        {{ gaps | map('replace', '\n', ' ') | join('\n                        or ') }}
                    )
                    then false
                {%- endif %}
                else not coalesce(
                    {{ differences | map('replace', '\n', ' ') | join('\n                    or ') }},
                    false
                )
            end
{%- endmacro %}


{% macro same_shape(left, right) %}
    {#- SQL condition: two captured rows have the same columns and schema version. -#}
    {{ return(left ~ 'shape_digest = ' ~ right ~ 'shape_digest and ' ~ dbt_forensics.is_same(left ~ 'schema_version', right ~ 'schema_version')) }}
{% endmacro %}


{% macro _gap(texts, sides, periods) %}
    {#-
        Condition: one of two rows has a value, and the other one, whose relation had the column, has none. periods: {stream: [(after, until)]}. The build that
        found a new column may have captured rows that are older than it, but none that arrived after a row with a value in it.
    -#}
    {%- set gaps = [] -%}
    {%- for here, there in [(0, 1), (1, 0)] -%}
        {%- set conditions = [texts[here] ~ ' is null', texts[there] ~ ' is not null'] -%}
        {%- for stream, known in periods.items() -%}
            {%- set within = [] -%}
            {%- for after, until in known -%}
                {%- set bounds = [sides[here] ~ 'recorded_at ' ~ ('>=' if here == 0 else '>') ~ ' ' ~ dbt_forensics.timestamp_literal(after)] if after else [] -%}
                {%- do within.append('(' ~ (bounds + ([sides[here] ~ 'recorded_at < ' ~ dbt_forensics.timestamp_literal(until)] if until else [])) | join(' and ') ~ ')') -%}
            {%- endfor -%}
            {%- do conditions.append('(' ~ sides[0] ~ 'stream <> ' ~ dbt_forensics.forensics_literal(stream) ~ ' or ' ~ (within | join(' or ') or '1 = 0') ~ ')') -%}
        {%- endfor -%}
        {%- do gaps.append(conditions | join(' and ')) -%}
    {%- endfor -%}
    {{ return('(' ~ gaps | join(') or (') ~ ')') }}
{% endmacro %}


{% macro _periods_of_role(role, moved, streams) %}
    {#- {stream: [(after, until)]} of the streams in which a role is made of a column that came or went: when that was there. -#}
    {%- set periods = {} -%}
    {%- for stream, columns in moved.items() if role in streams[stream] -%}
        {%- for column, known in columns.items() if dbt_forensics._is_named(column, streams[stream][role] | lower) -%}{%- do periods.update({stream: known}) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(periods) }}
{% endmacro %}


{% macro _is_at_a_new_shape(moved, stream_name, recorded_at) %}
    {#- Condition: a row was captured by a build that found a new column in its stream; none where there was no such build. -#}
    {%- set captured = [] -%}
    {%- for stream, columns in moved.items() -%}
        {%- set times = [] -%}
        {%- for periods in columns.values() -%}
            {%- for after, _ in periods if after -%}{%- do times.append(dbt_forensics.timestamp_literal(after)) -%}{%- endfor -%}
        {%- endfor -%}
        {%- if times -%}
            {%- do captured.append(stream_name ~ ' = ' ~ dbt_forensics.forensics_literal(stream) ~ ' and ' ~ recorded_at ~ ' in (' ~ times | unique | join(', ') ~ ')') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('(' ~ captured | join(' or ') ~ ')' if captured else none) }}
{% endmacro %}
