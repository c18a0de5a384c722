{% macro shown_event_id(row) %}
    {#- An event id as the expected seeds write it: a digest as `derived`, and an empty one, which no seed can hold, as `<empty>`. -#}
    case
        when {{ row }}.stream = 'clicks' and length({{ row }}.event_id) = 32 then 'derived'
        when {{ row }}.event_id = '' then '<empty>'
        else {{ row }}.event_id
    end
{%- endmacro %}
