{% macro clock_skew(streams, profile) %}
    {#- Rows whose event is further after their arrival than clock_skew allows, of those that arrived in an hour. Hours in which the whole feed is moved are a constant_offset. -#}
    {{ dbt_forensics.share_of_hour("part_rows.measure = 'future'
            and not exists (
                select 1
                from offset_runs
                where
                    part_rows.stream = offset_runs.stream
                    and part_rows.arrived_hour between offset_runs.first_hour and offset_runs.last_hour
            )") }}
{%- endmacro %}
