{% macro metric_plan(streams, ledger, log) %}
    {#-
        What this build has to do for the metrics, as a list of {stream, ledger_to, stamp, is_backcast, definitions, after, earlier_to,
        metrics: [{name, definition, digest, state, processed_to}]}; state is new, changed or known. processed_to: the last ledger entry
        that the metric contains, or none. definitions: {name: digest} of all metrics of the stream, as JSON: what this build writes
        contains the ledger up to ledger_to, by these definitions. after: the last ledger entry that all of them contain, or none. earlier_to: the last ledger
        entry that all of those contain that do not add up, which need what they contain of the windows that are touched; or none. stamp: the
        time at which what is found now is published: the ledger's last entry, or the clock where only a definition changed. Streams
        with nothing to do are left out.
    -#}
    {%- set plan = [] -%}
    {%- set on_record = dbt_forensics.metrics_on_record(log) -%}
    {%- set entries = dbt_forensics.last_ledger_entries(streams, ledger, on_record.streams) -%}

    {%- for stream in streams.values() if stream.metrics and stream.name in entries -%}
        {%- set processed_to = on_record.streams.get(stream.name) -%}
        {%- set definitions = {} -%}
        {%- set metrics = [] -%}
        {%- for name, definition in stream.metrics.items() -%}
            {%- set digest = dbt_forensics.definition_digest(stream, definition) -%}
            {%- do definitions.update({name: digest}) -%}
            {%- set before = on_record.metrics.get((stream.name, name)) -%}
            {%- set state = 'new' if not before else ('known' if before.digest == digest else 'changed') -%}
            {%- set has_news = state != 'known' or entries[stream.name] > before.processed_to -%}
            {%- if has_news and dbt_forensics._has_its_dimensions(stream, definition) -%}
                {%- do metrics.append({'name': name, 'definition': definition, 'digest': digest, 'state': state, 'processed_to': before.processed_to if before else none}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if metrics -%}
            {%- set with_states = [] -%}
            {%- for metric in metrics if metric.state == 'known' -%}
                {%- set parts = dbt_forensics.metric_parts(stream, metric.definition) -%}
                {%- if not (dbt_forensics.adds_up(parts.sum) and dbt_forensics.adds_up(parts.number)) -%}{%- do with_states.append(metric) -%}{%- endif -%}
            {%- endfor -%}
            {%- set reads_all = metrics | rejectattr('state', 'equalto', 'known') | list -%}
            {%- do plan.append({
                'stream': stream,
                'ledger_to': entries[stream.name],
                'stamp': dbt_forensics.timestamp_literal(entries[stream.name]) if not processed_to or entries[stream.name] > processed_to else dbt_forensics.recorded_at(),
                'is_backcast': not processed_to and stream.backcast.every != 'none',
                'definitions': definitions | tojson,
                'after': none if reads_all else metrics | map(attribute='processed_to') | min,
                'earlier_to': with_states | map(attribute='processed_to') | min if with_states else none,
                'metrics': metrics,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(plan) }}
{% endmacro %}


{% macro _has_its_dimensions(stream, definition) %}
    {#- Whether the relation has, or had, the columns by which a metric is split. A stream that names others is not read (see read_streams). -#}
    {%- set dimensions = dbt_forensics.metric_dimensions(stream, definition) -%}
    {%- set missing = [] -%}
    {%- for column in dimensions if not dbt_forensics._column_named(column, dbt_forensics.stream_shape(stream).known) -%}{%- do missing.append(column) -%}{%- endfor -%}
    {{ return(not missing) }}
{% endmacro %}


{% macro last_ledger_entries(streams, ledger, processed_to) %}
    {#-
        {stream: the time of its last ledger entry}, of the streams that have metrics and entries. processed_to: {stream: a time up to which
        entries are known}, which lets the engine skip what was recorded before.
    -#}
    {%- set entries, queries = dict(processed_to), [] -%}
    {%- for stream in streams.values() if stream.metrics -%}
        {%- set since = ' and recorded_at > ' ~ dbt_forensics.timestamp_literal(processed_to[stream.name]) if stream.name in processed_to else '' -%}
        {%- do queries.append("select '" ~ stream.name ~ "' as stream, max(recorded_at) as last_entry from " ~ ledger ~ " where stream = '" ~ stream.name ~ "'" ~ since) -%}
    {%- endfor -%}
    {%- if queries -%}
        {%- for row in run_query(queries | join(' union all ')).rows if row[1] -%}
            {%- do entries.update({row[0]: row[1].strftime('%Y-%m-%d %H:%M:%S.%f')}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(entries) }}
{% endmacro %}


{% macro metrics_on_record(log) %}
    {#-
        {metrics: {(stream, metric): {digest, processed_to}}, streams: {stream: processed_to}}: by which definition each metric was computed
        last, and up to which ledger entry; a metric without rows counts too, and one that was left out of the config stays behind.
    -#}
    {%- set metrics, streams = {}, {} -%}
    {%- if log -%}
        {%- set builds = run_query('select stream, definitions, max(ledger_to), max(recorded_from) from ' ~ log ~ ' group by stream, definitions order by 3, 4') -%}
        {%- for row in builds.rows -%}
            {%- set processed_to = row[2].strftime('%Y-%m-%d %H:%M:%S.%f') -%}
            {%- do streams.update({row[0]: processed_to}) -%}
            {%- for name, digest in fromjson(row[1]).items() -%}
                {%- do metrics.update({(row[0], name): {'digest': digest, 'processed_to': processed_to}}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return({'metrics': metrics, 'streams': streams}) }}
{% endmacro %}


{% macro definition_digest(stream, definition) %}
    {#- Changes whenever the metric would be computed differently. -#}
    {%- set of_parts = [] -%}
    {%- for part in ['numerator', 'denominator'] if part in definition -%}
        {%- do of_parts.append(dbt_forensics.definition_digest(stream, stream.metrics[definition[part]])) -%}
    {%- endfor -%}
    {%- if of_parts -%}{{ return(local_md5([definition.agg, of_parts] | tojson)) }}{%- endif -%}
    {{ return(local_md5([
        definition.agg, definition.expr | default('') | string, definition.where | default('') | string,
        definition.dimensions | default([]), stream.window
    ] | tojson)) }}
{% endmacro %}
