{% macro snapshot_append_only_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
    {#-
        A snapshot strategy for facts about one instant: rows are inserted and never touched again. The snapshot's query leaves
        out what is already captured; `dbt_valid_to_current` closes each interval as its row is captured, with an expression
        that later runs never equal (dbt_forensics.capture_instant()), so that dbt finds no open rows and reads no history.
    -#}
    {%- if not config.get('dbt_valid_to_current') -%}
        {%- do exceptions.raise_compiler_error(
            "dbt_forensics: snapshot '" ~ node.name ~ "' uses the strategy append_only without dbt_valid_to_current: "
            ~ "set it to dbt_forensics.capture_instant(), or every run reads the whole history."
        ) -%}
    {%- endif -%}
    {%- if adapter.get_hard_deletes_behavior(config) != 'ignore' -%}
        {%- do exceptions.raise_compiler_error(
            "dbt_forensics: snapshot '" ~ node.name ~ "' uses the strategy append_only with hard_deletes: "
            ~ adapter.get_hard_deletes_behavior(config) ~ '; allowed: ignore. A captured row is never closed.'
        ) -%}
    {%- endif -%}
    {{ return({
        'unique_key': config.get('unique_key'),
        'updated_at': config.get('updated_at'),
        'row_changed': '1 = 0',
        'scd_id': config.get('unique_key'),
        'invalidate_hard_deletes': false,
        'hard_deletes': 'ignore',
    }) }}
{% endmacro %}
