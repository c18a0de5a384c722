{% macro metric_plan(streams, ledger, log) %}
    {#-
        What this build has to do for the metrics, as a list of {stream, processed_to, ledger_to, stamp, is_backcast,
        metrics: [{name, definition, digest, state}]}; state is new, changed or known. processed_to: the last ledger entry that the metrics contain, or none.
        stamp: the time at which what is found now is published: the ledger's last entry, or the clock where only a definition changed.
        Streams with nothing to do are left out.
    -#}
    {%- set plan = [] -%}
    {%- set processed = {} -%}
    {%- set known = {} -%}
    {%- if log -%}
        {%- for row in run_query('select stream, max(ledger_to) from ' ~ log ~ ' group by stream').rows -%}
            {%- do processed.update({row[0]: row[1].strftime('%Y-%m-%d %H:%M:%S.%f')}) -%}
        {%- endfor -%}
        {%- set definitions -%}
            select stream, metric, definition_digest
            from {{ log }}
            group by stream, metric, definition_digest
            order by stream, metric, max(recorded_from)
        {%- endset -%}
        {%- for row in run_query(definitions).rows -%}
            {%- do known.update({(row[0], row[1]): row[2]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set entries = {} -%}
    {%- for row in run_query('select stream, max(recorded_at) from ' ~ ledger ~ ' group by stream').rows -%}
        {%- do entries.update({row[0]: row[1].strftime('%Y-%m-%d %H:%M:%S.%f')}) -%}
    {%- endfor -%}

    {%- for stream in streams.values() if stream.metrics and stream.name in entries -%}
        {%- set processed_to = processed.get(stream.name) -%}
        {%- set has_entries = processed_to is none or entries[stream.name] > processed_to -%}
        {%- set metrics = [] -%}
        {%- for name, definition in stream.metrics.items() -%}
            {%- set digest = dbt_forensics.definition_digest(stream, definition) -%}
            {%- set before = known.get((stream.name, name)) -%}
            {%- set state = 'new' if before is none else ('known' if before == digest else 'changed') -%}
            {%- if has_entries or state != 'known' -%}
                {%- do metrics.append({'name': name, 'definition': definition, 'digest': digest, 'state': state}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if metrics -%}
            {%- do plan.append({
                'stream': stream,
                'processed_to': processed_to,
                'ledger_to': entries[stream.name],
                'stamp': dbt_forensics.timestamp_literal(entries[stream.name]) if has_entries else dbt_forensics.recorded_at(),
                'is_backcast': processed_to is none and stream.backcast.every != 'none',
                'metrics': metrics,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(plan) }}
{% endmacro %}


{% macro definition_digest(stream, definition) %}
    {#- Changes whenever the metric would be computed differently. -#}
    {{ return(local_md5([
        definition.agg, definition.expr | default('') | string, definition.where | default('') | string,
        definition.dimensions | default([]), stream.window
    ] | tojson)) }}
{% endmacro %}
