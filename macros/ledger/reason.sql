{% macro reason(entry) %}
    {#- Text: why a row has the verdict of its last ledger entry, as a sentence. -#}
    {%- set since = dbt_forensics.canonical_text(entry ~ '.recorded_at', dbt.type_timestamp()) %}
    case {{ entry }}.verdict
            when 'accepted' then case
                when {{ entry }}.cause = 'source_deleted' then 'is back in its source, and counts again since ' || {{ since }}
                else 'counts since ' || {{ since }} || ': ' || {{ entry }}.cause
            end
            when 'duplicate' then 'says the same as row ' || {{ entry }}.other_row_key
            when 'conflict' then 'says something else than row ' || {{ entry }}.other_row_key || ', which came first'
            when 'superseded' then 'corrected by row ' || {{ entry }}.other_row_key
            when 'withdrawn' then 'does not count any more: ' || {{ entry }}.cause
            when 'quarantined' then 'broke ' || {{ entry }}.cause
            when 'pending' then 'arrived too late, and the stream leaves such rows out'
        end
{%- endmacro %}


{% macro verdicts() %}
    {#- All verdicts that a captured row can have. -#}
    {{ return(['accepted', 'duplicate', 'conflict', 'superseded', 'withdrawn', 'quarantined', 'pending']) }}
{% endmacro %}
