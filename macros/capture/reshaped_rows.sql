{% macro reshaped_rows(stream, shape, history, arrivals) %}
    {#-
        CTEs, the last of them named <stream>_reshaped: pairs (raw_key, row_key) of a raw row and a captured one that differ only because the
        relation lost or renamed columns since, or holds the same values in another type. A change of columns is not a change of rows: such a row is neither new nor gone. (A column that was
        gained changes no row until it has a value in it; from then on the row says something that is not on record yet.)
        Needs the CTEs <stream>_captured and <stream>_batches.
    -#}
    {%- set name = stream.name -%}

    {{ name }}_raw_unmatched as (

        select
            captured.row_key,
            captured.ordinal,
            {{ dbt_forensics.row_content(shape, 'captured') }} as payload,
            {{ dbt_forensics.row_identity(shape, 'captured') }} as identity_text
        from {{ name }}_captured as captured
        left join {{ history }} as history
            on captured.row_key = history.row_key and {{ dbt_forensics.is_within('history', arrivals) }}
        where history.row_key is null

    ),

    {{ name }}_known_unmatched as (

        select
            history.row_key,
            history.ordinal,
            {{ dbt_forensics.row_content(shape, 'history') }} as payload,
            {{ dbt_forensics.row_identity(shape, 'history') }} as identity_text
        from {{ history }} as history
        left join {{ name }}_captured as captured
            on history.row_key = captured.row_key
        where
            captured.row_key is null
            and history.stream = '{{ name }}'
            and history.shape_digest <> {{ dbt_forensics.shape_digest(shape) }}
            and history.batch_id in (select batch_id from {{ name }}_batches)
            and {{ dbt_forensics.is_within('history', arrivals) }}

    ),
    {%- for side in ['raw', 'known'] %}

    {{ name }}_{{ side }}_placed as (

        select
            *,
            row_number() over (partition by identity_text, payload order by ordinal, row_key) as place
        from {{ name }}_{{ side }}_unmatched

    ),
    {%- endfor %}

    {{ name }}_reshaped as (

        select
            raw_rows.row_key as raw_key,
            known_rows.row_key
        from {{ name }}_raw_placed as raw_rows
        inner join {{ name }}_known_placed as known_rows
            on
                raw_rows.identity_text = known_rows.identity_text
                and raw_rows.payload = known_rows.payload
                and raw_rows.place = known_rows.place

    ),
{% endmacro %}


{% macro row_identity(shape, relation) %}
    {#- Who and when, without what: the part of a row's digest that a change of columns leaves as it is. -#}
    {%- set stamp = dbt.type_timestamp() -%}
    {%- set times = {
        'event_time': dbt_forensics.canonical_text(relation ~ '.event_time', stamp),
        'ingested_at': dbt_forensics.canonical_text(relation ~ '.ingested_at', stamp),
        'sequence_number': 'cast(' ~ relation ~ '.sequence_number as ' ~ dbt.type_string() ~ ')',
    } -%}
    {%- set parts = [relation ~ '.batch_id'] -%}
    {%- for role, given in shape.roles.items() if role != 'batch_id' and not given.is_dropped -%}
        {%- do parts.append(times.get(role, relation ~ '.' ~ role)) -%}
    {%- endfor -%}
    {{ return(dbt_forensics.canonical_json_array(parts)) }}
{% endmacro %}


{% macro row_content(shape, relation) %}
    {#- What a row says in the columns that the relation has now, as if each of them had always had its name, and the type that it had at first. -#}
    {%- set fields = {} -%}
    {%- for column in shape.payload + shape.roles.values() | map(attribute='column') | select('string') | list -%}
        {%- do fields.update({column: dbt_forensics._text_as(dbt_forensics.kept_text(shape, relation, column), shape.families.get(column))}) -%}
    {%- endfor -%}
    {{ return(dbt_forensics.canonical_json(fields)) }}
{% endmacro %}


{% macro kept_text(shape, relation, column, payload=none) %}
    {#- The text that a captured row has of a column, also where the column had another name when the row was captured. payload: SQL in place of the relation's. -#}
    {%- set texts = [] -%}
    {%- for name in [column] + shape.former.get(column, []) -%}{%- do texts.append(dbt_forensics.json_value(payload or relation ~ '.payload', name)) -%}{%- endfor -%}
    {{ return(texts[0] if texts | length == 1 else 'coalesce(' ~ texts | join(', ') ~ ')') }}
{% endmacro %}


{% macro shape_digest(shape) %}
    {#- Text: the digest of the roles that the relation fills, and of the names and families of types of its content columns. -#}
    {%- set filled = shape.roles.items() | rejectattr('1.is_dropped') | map(attribute='0') | sort -%}
    {%- set columns = [] -%}
    {%- for column in shape.payload | sort(case_sensitive=true) -%}
        {%- do columns.append([column, dbt_forensics.type_family(shape.columns[column]) or '']) -%}
    {%- endfor -%}
    {{ return(dbt.hash(dbt_forensics.forensics_literal([filled, columns] | tojson))) }}
{% endmacro %}


{% macro has_other_shapes(stream, shape, history, arrivals) %}
    {#- Whether rows were captured, among arrivals within a range, when the relation had other columns. -#}
    {{ return(dbt_forensics._single_row(
        'select count(*) from ' ~ history ~ " as history where stream = '" ~ stream.name ~ "' and "
        ~ dbt_forensics.is_within('history', arrivals) ~ ' and shape_digest <> ' ~ dbt_forensics.shape_digest(shape)
    )[0] > 0) }}
{% endmacro %}


{% macro is_within(relation, arrivals) %}
    {#- SQL condition: a row arrived within a range, or nobody knows when. -#}
    {{ return('(' ~ relation ~ '.ingested_at between ' ~ arrivals.from_time ~ ' and ' ~ arrivals.to_time ~ ' or ' ~ relation ~ '.ingested_at is null)') }}
{% endmacro %}
