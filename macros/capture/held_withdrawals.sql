{% macro held_withdrawals(streams, dirty, history) %}
    {#-
        A select of what this build adds to forensics__held_withdrawals. A build that would withdraw more than a stream's max_withdrawn_share of the rows that count, and
        ten at least, holds that back, until somebody gives the word (var forensics_accept_withdrawals) or the rows are back. A row whose event its source
        still has was rewritten, moved or repeated, and is not withdrawn. Held is measured by what counted when it began, so that new rows release nothing.
    -#}
    {%- set presence = dbt_forensics._existing('int_forensics__presence_changes') -%}
    {%- set ledger = dbt_forensics._existing('forensics__ledger') -%}
    {%- set accepted = dbt_forensics.accepted_withdrawals(streams) -%}
    {%- set before = dbt_forensics._withdrawals_so_far() -%}
    {%- set losses = dbt_forensics._possible_losses(dirty) if ledger else {} -%}
    {%- set looked_at, ended = {}, {} -%}
    {%- for name, stream in streams.items() if losses.get(name, 0) is not none -%}
        {%- set earlier = before.get(name, {'entry_number': 0, 'state': none}) -%}
        {%- set counting, counting_now = none, none -%}
        {%- if losses.get(name, 0) >= 10 and stream.max_withdrawn_share < 1 -%}
            {%- set counting_now = dbt_forensics._single_row('select coalesce(sum(effect), 0) from ' ~ ledger ~ " where stream = '" ~ name ~ "'")[0] | int -%}
            {%- set counting = [counting_now, earlier.counting_count] | min if earlier.state == 'held' else counting_now -%}
        {%- endif -%}
        {%- if counting is not none and losses[name] > counting * stream.max_withdrawn_share -%}
            {%- do looked_at.update({name: {'counting': counting, 'counting_now': counting_now, 'earlier': earlier}}) -%}
        {%- elif earlier.state == 'held' -%}
            {#- A stream that never holds anything has accepted what it held before. #}
            {%- do ended.update({name: 'accepted' if losses.get(name) and stream.max_withdrawn_share == 1 else 'returned'}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not looked_at and not ended -%}
    {{ dbt_forensics.no_rows(dbt_forensics.held_withdrawal_columns()) }}
    {%- else -%}
    with
    {%- for name, found in looked_at.items() %}
    {{ dbt_forensics.presence_changes(streams[name], dirty, history, presence) }},

    {%- set held_since = dbt_forensics.timestamp_literal(found.earlier.first_held_at) if found.earlier.state == 'held' else none %}
    {{ dbt_forensics._withdrawn_rows(name, history, ledger, held_since) }},

    {{ name }}_withdrawal as (

        {%- set share = 'cast(' ~ streams[name].max_withdrawn_share ~ ' as ' ~ dbt_forensics.type_exact_number() ~ ')' %}
        {#- What came while rows were held, and is gone again, as of a bad push that is repaired, is none of what is held. #}
        {%- set is_too_much = 'withdrawn_count >= 10 and (withdrawn_before > ' ~ share ~ ' * ' ~ found.counting ~ ' or withdrawn_count > ' ~ share ~ ' * ' ~ found.counting_now ~ ')' %}
        select
            '{{ name }}' as stream,
            {{ found.earlier.entry_number + 1 }} as entry_number,
            case
                when {{ is_too_much }} then '{{ 'accepted' if name in accepted else 'held' }}'
                {%- if found.earlier.state == 'held' %}
                else 'returned'
                {%- endif %}
            end as state,
            row_count,
            withdrawn_count,
            {{ found.counting }} as counting_count,
            {{ dbt_forensics.share_of('withdrawn_count', found.counting) }} as share,
            first_event_at,
            last_event_at,
            {{ dbt_forensics.timestamp_literal(found.earlier.first_held_at) if found.earlier.state == 'held' else dbt_forensics.recorded_at() }} as first_held_at
        from {{ name }}_loss

    ),
    {%- endfor %}

    withdrawals as (

        {%- for name, found in looked_at.items() %}
        select *
        from {{ name }}_withdrawal
        where state is not null
        {%- if found.earlier.state == 'held' %} and (state <> 'held' or row_count <> {{ found.earlier.row_count }}){% endif %}
        {{- '\n        union all' if not loop.last or ended }}
        {%- endfor %}
        {%- for name, state in ended.items() %}
        select
            '{{ name }}' as stream,
            {{ before[name].entry_number + 1 }} as entry_number,
            '{{ state }}' as state,
            0 as row_count,
            0 as withdrawn_count,
            {{ before[name].counting_count }} as counting_count,
            0 as share,
            cast(null as {{ dbt.type_timestamp() }}) as first_event_at,
            cast(null as {{ dbt.type_timestamp() }}) as last_event_at,
            {{ dbt_forensics.timestamp_literal(before[name].first_held_at) }} as first_held_at
        {{- '\n        union all' if not loop.last }}
        {%- endfor %}

    )

    {% set types = {'text': dbt.type_string(), 'time': dbt.type_timestamp(), 'number': dbt_forensics.type_exact_number(), 'integer': dbt.type_bigint()} -%}
    select
        {%- for column, type in dbt_forensics.held_withdrawal_columns().items() if column != 'recorded_at' %}
        cast({{ column }} as {{ types[type] }}) as {{ column }},
        {%- endfor %}
        {{ dbt_forensics.recorded_at() }} as recorded_at
    from withdrawals
    {%- endif -%}
{% endmacro %}


{% macro held_withdrawal_columns() %}
    {#- Columns of forensics__held_withdrawals and their types. -#}
    {{ return({
        'stream': 'text', 'entry_number': 'integer', 'state': 'text', 'row_count': 'integer', 'withdrawn_count': 'integer', 'counting_count': 'integer', 'share': 'number',
        'first_event_at': 'time', 'last_event_at': 'time', 'first_held_at': 'time', 'recorded_at': 'time',
    }) }}
{% endmacro %}


{% macro held_streams(streams, dirty) %}
    {#- The names of the streams with dirty batches of which a withdrawal is held. Of each the build says by which word it is let go. -#}
    {%- set names = [] -%}
    {%- for name, held in dbt_forensics._withdrawals_so_far().items() if held.state == 'held' and name in streams and dbt_forensics.arrival_range(dirty, name, "difference not in ('new', 'unread')") -%}
        {%- do names.append(name) -%}
        {%- do log(
            "dbt_forensics: stream '" ~ name ~ "': " ~ held.withdrawn_count ~ ' of ' ~ held.counting_count ~ ' rows that count are gone from ' ~ streams[name].relation
            ~ ', more than max_withdrawn_share (' ~ streams[name].max_withdrawn_share ~ '): they are not withdrawn. Load them again; or, if they are meant to be gone, run'
            ~ " dbt build --vars '{forensics_accept_withdrawals: [" ~ name ~ "]}'.", info=true
        ) -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}


{% macro changes_not_held(name, history) %}
    {#-
        CTEs, the last of them named <name>_not_held: what is recorded of the presence of a stream's rows while a withdrawal is held: rows that are back, and ones whose
        event the source still has. Needs the CTEs <name>_changed and <name>_state.
    -#}
    {{ dbt_forensics._events_there(name, history) }},

    {{ name }}_not_held as (

        select changed.*
        from {{ name }}_changed as changed
        left join {{ name }}_events_there as events_there
            on changed.event_id = events_there.event_id
        where changed.presence_change = 1 or events_there.event_id is not null

    )
{%- endmacro %}


{% macro _withdrawals_so_far() %}
    {#- {stream name: the last row of forensics__held_withdrawals}. -#}
    {%- set held = dbt_forensics._existing('forensics__held_withdrawals') -%}
    {%- set found = {} -%}
    {%- if held -%}
        {%- set columns = ['stream', 'entry_number', 'state', 'row_count', 'withdrawn_count', 'counting_count', 'first_held_at'] -%}
        {%- for row in run_query('select ' ~ columns | join(', ') ~ ' from ' ~ held ~ ' order by stream, entry_number').rows -%}
            {%- set values = {} -%}
            {%- for column in columns -%}
                {%- do values.update({column: row[loop.index0] if column in ['stream', 'state', 'first_held_at'] else row[loop.index0] | int}) -%}
            {%- endfor -%}
            {%- do found.update({values.stream: values}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}


{% macro _possible_losses(dirty) %}
    {#- {stream name: how many sealed rows its dirty batches have}: no more can be gone; none for a stream that this build cannot read, of which nothing is known. -#}
    {%- set found = {} -%}
    {%- for name, row_count in run_query('select stream, sum(sealed_count) from ' ~ dirty ~ ' where sealed_count > 0 or difference = \'unread\' group by stream').rows -%}
        {%- do found.update({name: row_count | int if row_count is not none else none}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}


{% macro _events_there(name, history) %}
    {#- CTEs, the last of them named <name>_events_there: events of rows that are gone of which the source still has a row. -#}
    {{ name }}_gone_events as (

        select distinct event_id
        from {{ name }}_changed
        where presence_change = -1

    ),

    {{ name }}_events_there as (

        select distinct history.event_id
        from {{ history }} as history
        inner join {{ name }}_gone_events as gone_events
            on history.event_id = gone_events.event_id
        left join {{ name }}_state as state
            on history.row_key = state.row_key
        left join {{ name }}_changed as changed
            on history.row_key = changed.row_key
        where history.stream = '{{ name }}' and coalesce(state.presence_change, 0) + coalesce(changed.presence_change, 0) = 0

    )
{%- endmacro %}


{% macro _withdrawn_rows(name, history, ledger, held_since) %}
    {#-
        CTEs, the last of them named <name>_loss: how many rows of a stream are gone while their source has no other row of their event, how many of them count
        (withdrawn_count), and how many of these were recorded before a withdrawal was held (withdrawn_before; all, where held_since is none).
        Needs the CTEs <name>_changed and <name>_state.
    -#}
    {{ dbt_forensics._events_there(name, history) }},

    {{ name }}_gone as (

        select changed.*
        from {{ name }}_changed as changed
        left join {{ name }}_events_there as events_there
            on changed.event_id = events_there.event_id
        where changed.presence_change = -1 and events_there.event_id is null

    ),

    {{ name }}_counting as (

        select
            ledger.row_key,
            min(ledger.recorded_at) as first_recorded_at
        from {{ ledger }} as ledger
        inner join {{ name }}_gone as gone
            on ledger.row_key = gone.row_key and ledger.ingested_at = gone.ingested_at
        group by ledger.row_key
        having sum(ledger.effect) = 1

    ),

    {{ name }}_loss as (

        select
            count(*) as row_count,
            count(counting.row_key) as withdrawn_count,
            count({{ 'case when counting.first_recorded_at < ' ~ held_since ~ ' then counting.row_key end' if held_since else 'counting.row_key' }}) as withdrawn_before,
            min(gone.event_time) as first_event_at,
            max(gone.event_time) as last_event_at
        from {{ name }}_gone as gone
        left join {{ name }}_counting as counting
            on gone.row_key = counting.row_key

    )
{%- endmacro %}
