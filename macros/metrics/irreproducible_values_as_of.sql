{% macro irreproducible_values_as_of(stream, metric, moment, ledger, history, log) %}
    {#-
        A select of the values that a metric showed at a time and that the ledger and the history, as known then, do not give again:
        to the last digit and to the digest of the inputs. A definition that has changed since gives nothing again: only its digest is on
        record. stream: declared. moment: an SQL expression.
    -#}
    {%- set columns = {
        'stream': 'text', 'metric': 'text', 'window_start': 'time', 'dimensions': 'text', 'value_on_record': 'number',
        'value_recomputed': 'number', 'inputs_on_record': 'integer', 'inputs_recomputed': 'integer', 'problem': 'text',
    } -%}
    {%- set of_stream = "stream = '" ~ stream.name ~ "'" -%}
    {%- set shown_then = of_stream ~ ' and recorded_from <= ' ~ moment -%}
    {%- set published = dbt_forensics.metrics_on_record('(select * from ' ~ log ~ ' where ' ~ shown_then ~ ') as shown_then').metrics.get((stream.name, metric)) -%}
    {%- if not published -%}
        {{ return(dbt_forensics.no_rows(columns)) }}
    {%- endif -%}
    {%- set definition = stream.metrics[metric] -%}
    {%- set digest = dbt_forensics.definition_digest(stream, definition) -%}
    {%- set plan = [{
        'stream': stream, 'ledger_to': none, 'is_backcast': false, 'stamp': 'cast(null as ' ~ dbt.type_timestamp() ~ ')',
        'metrics': [{'name': metric, 'definition': definition, 'digest': digest, 'state': 'new', 'processed_to': none}],
    }] -%}
    with log_then as (

        select *
        from {{ log }}
        where {{ shown_then }}

    ),

    {%- if digest != published.digest %}

    shown as (

        {{ dbt_forensics.latest_versions('log_then') }}

    )

    select
        stream,
        metric,
        window_start,
        dimensions,
        value as value_on_record,
        cast(null as {{ dbt_forensics.type_exact_number() }}) as value_recomputed,
        input_count as inputs_on_record,
        cast(null as {{ dbt.type_bigint() }}) as inputs_recomputed,
        'definition_changed' as problem
    from shown
    where metric = '{{ metric }}'
    {%- else %}

    ledger_then as (

        {#- What a reconstructed value holds was recorded later, by the stream's first build: it took effect by the last cut-off. #}
        select *
        from {{ ledger }}
        where
            {{ of_stream }}
            and recorded_at <= {{ dbt_forensics.timestamp_literal(published.processed_to) }}
            and (
                recorded_at <= {{ moment }}
                or effective_at <{{ '=' if stream.backcast.every == 'batch' }} (select max(recorded_from) from log_then)
            )

    )

    select
        found.*,
        case
            when {{ dbt_forensics.is_same('value_on_record', 'value_recomputed') }} then 'inputs'
            else 'value'
        end as problem
    from (
        {{ dbt_forensics.irreproducible_values({stream.name: stream}, 'ledger_then', history, 'log_then', plan) }}
    ) as found
    {%- endif %}
{% endmacro %}
