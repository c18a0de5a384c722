{% macro _binned_values(plan, history, slice) %}
    {#-
        CTEs, the last of them named binned_values: how many values of a column are in each bin, by day of arrival and build, of about 512 rows that count and came in time:
        those with the smallest keys, which are digests and so as good as drawn. Of columns of personal data nothing is counted.
    -#}
    {%- set columns = {} -%}
    {%- for task in plan -%}
        {%- set personal = task.stream.personal_data | map('lower') | list -%}
        {%- for column in task.columns if column | lower not in personal -%}
            {%- do columns.update({column: columns.get(column, []) + [task.stream.name]}) -%}
        {%- endfor -%}
    {%- endfor %}
    day_sizes as (

        select
            stream,
            {{ dbt_forensics.window_start('day', 'arrived_hour') }} as arrived_day,
            recorded_at,
            sum(row_count) as row_count
        from totals
        group by stream, {{ dbt_forensics.window_start('day', 'arrived_hour') }}, recorded_at

    ),

    drawn_rows as (

        select
            history.stream,
            history.payload,
            history.event_time,
            history.ingested_at,
            day_sizes.arrived_day,
            day_sizes.recorded_at
        from {{ history }} as history
        inner join day_sizes
            on
                history.stream = day_sizes.stream
                and {{ dbt_forensics.window_start('day', 'coalesce(history.ingested_at, history.recorded_at)') }} = day_sizes.arrived_day
        inner join first_entries as entries
            on history.row_key = entries.row_key and day_sizes.recorded_at = entries.recorded_at
        where
            {{ dbt_forensics.is_not_profiled(plan, 'history', slice) }}
            {#- The first two digits of a key, as a number below 256. #}
            and (
                day_sizes.row_count <= 512
                or (
                    ({{ dbt.position("substr(history.row_key, 1, 1)", "'0123456789abcdef'") }} - 1) * 16
                    + {{ dbt.position("substr(history.row_key, 2, 1)", "'0123456789abcdef'") }} - 1
                ) * day_sizes.row_count < 131072
            )
            and entries.verdict = 'accepted'
            and entries.timeliness in ('on_time', 'late')

    ),

    column_numbers as (

        {%- for column in columns %}
        select {{ loop.index }} as column_number, {{ dbt_forensics.forensics_literal(column) }} as column_name
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- else %}
        select 0 as column_number, 'none' as column_name
        {%- endfor %}

    ),

    drawn_values as (

        select
            drawn_rows.*,
            column_numbers.column_name,
            case column_numbers.column_number
                {%- for column, having in columns.items() %}
                when {{ loop.index }} then case when {{ dbt_forensics.is_one_of('drawn_rows.stream', having) }} then {{ dbt_forensics.json_value('drawn_rows.payload', column) }} end
                {%- else %}
                when 0 then cast(null as {{ dbt.type_string() }})
                {%- endfor %}
            end as value_text
        from drawn_rows
        cross join column_numbers
        {{ dbt_forensics.once_per_row() }}

    ),

    numbers as (

        select
            *,
            {{ dbt_forensics.exact_number('value_text') }} as number_value
        from drawn_values
        where value_text is not null
        {{ dbt_forensics.once_per_row() }}

    ),

    magnitudes as (

        select
            *,
            case
                {%- for power in range(15, -7, -1) %}
                when abs(number_value) >= {{ dbt_forensics._power_of_ten(power) }} then {{ power }}
                {%- endfor %}
            end as power_of_ten
        from numbers
        {{ dbt_forensics.once_per_row() }}

    ),

    scaled_numbers as (

        select
            *,
            case power_of_ten
                {%- for power in range(15, -7, -1) %}
                when {{ power }} then {{ dbt_forensics._power_of_ten(power) }}
                {%- endfor %}
            end as scale_value
        from magnitudes
        {{ dbt_forensics.once_per_row() }}

    ),

    bins as (

        {#- Of a number its sign, its first digit and its power of ten, of any other value a digit of its digest: no value is in the profile. #}
        select
            *,
            case
                when number_value is null then '#' || substr({{ dbt.hash('value_text') }}, 1, 1)
                when power_of_ten is null then '0'
                else
                    case when number_value < 0 then '-' else '' end
                    || case
                        {%- for digit in range(9, 1, -1) %}
                        when abs(number_value) >= scale_value * {{ digit }} then '{{ digit }}'
                        {%- endfor %}
                        else '1'
                    end
                    || 'e' || cast(power_of_ten as {{ dbt.type_string() }})
            end as bin
        from scaled_numbers
        {{ dbt_forensics.once_per_row() }}

    ),

    binned_values as (

        select
            stream,
            'bin' as measure,
            {{ dbt_forensics.canonical_json({'bin': 'bin', 'column': 'column_name'}) }} as subject,
            arrived_day as arrived_hour,
            cast(null as {{ dbt.type_string() }}) as batch_id,
            cast(null as {{ dbt.type_timestamp() }}) as window_start,
            count(*) as row_count,
            cast(null as {{ dbt.type_string() }}) as sample_event_ids,
            min(event_time) as first_event_at,
            min(ingested_at) as first_arrived_at,
            max(ingested_at) as last_arrived_at,
            recorded_at
        from bins
        group by stream, column_name, bin, arrived_day, recorded_at

    ),
{% endmacro %}


{% macro _power_of_ten(power) %}
    {#- A power of ten as an exact number. -#}
    {%- set digits = '1' ~ '0' * power if power >= 0 else '0.' ~ '0' * (-power - 1) ~ '1' -%}
    {{ return("cast('" ~ digits ~ "' as " ~ dbt_forensics.type_exact_number() ~ ')') }}
{% endmacro %}
