{% test accounts_for_every_row(model, stream=none) %}
    {#-
        On the relation of a stream (or, for all streams, on a relation of the package): each batch has as many rows on record, and
        each of them a verdict, as the relation has rows. Fails with one row per batch that does not add up.
        stream: the stream's name; default: the streams that read this relation.
    -#}
    {%- do dbt_forensics.after_detection() %}
    {%- set streams = dbt_forensics.streams_of(model, stream) %}
    {%- set batches = ref('forensics__batches').render() %}
    {%- set withdrawals = ref('forensics__held_withdrawals').render() %}
    {{ dbt_forensics.unaccounted_batches(streams, batches, withdrawals) }}
{% endtest %}
