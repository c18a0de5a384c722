{% macro detection_log_columns() %}
    {#- The columns of int_forensics__detection_log with their types. -#}
    {{ return({
        'detection_id': 'text', 'detector': 'text', 'stream': 'text', 'subject': 'text', 'window_start': 'time', 'window_end': 'time', 'severity': 'text',
        'observed': 'number', 'expected': 'number', 'evidence': 'text', 'first_event_at': 'time', 'first_arrived_at': 'time', 'last_arrived_at': 'time',
        'change': 'integer', 'recorded_at': 'time',
    }) }}
{% endmacro %}


{% macro evidence(numbers, texts, sample_event_ids=none) %}
    {#- Text: a JSON object of numbers, texts and sample event ids: what a detection rests on. Values of the payload are never in it. -#}
    {%- set members = [] -%}
    {%- for name, value in numbers.items() -%}
        {%- do members.append("coalesce(',\"" ~ name ~ "\":' || cast(" ~ value ~ ' as ' ~ dbt.type_string() ~ "), '')") -%}
    {%- endfor -%}
    {%- for name, value in texts.items() -%}
        {%- do members.append("coalesce(',\"" ~ name ~ "\":' || " ~ dbt_forensics.json_text(value) ~ ", '')") -%}
    {%- endfor -%}
    {%- if sample_event_ids -%}
        {%- do members.append("coalesce(',\"sample_event_ids\":' || " ~ sample_event_ids ~ ", '')") -%}
    {%- endif -%}
    {{ return("cast('{' || substr(" ~ members | join(' || ') ~ ", 2) || '}' as " ~ dbt.type_string() ~ ')') }}
{% endmacro %}
