{% macro incident_members(detections) %}
    {#-
        CTEs, the last of them named members: the detections that are not silenced, each with incident_id. Detections of one stream whose windows overlap or
        touch are of one incident. It is named after the one of them that was seen first, so that it keeps its name as it grows.
        detections: forensics__detections.
    -#}
    detections as (

        select *
        from {{ detections }}
        where not is_silenced and window_start is not null and window_end is not null

    ),

    reaching as (

        select
            *,
            max(window_end) over (
                partition by stream order by window_start, window_end, detection_id rows between unbounded preceding and 1 preceding
            ) as reached_before
        from detections

    ),

    in_islands as (

        select
            *,
            sum(case when window_start <= reached_before then 0 else 1 end) over (
                partition by stream order by window_start, window_end, detection_id rows between unbounded preceding and current row
            ) as island
        from reaching

    ),

    with_founder as (

        select
            *,
            first_value(detection_id) over (
                partition by stream, island order by first_detected_at, window_start, detection_id
                rows between unbounded preceding and unbounded following
            ) as founder
        from in_islands

    ),

    members as (

        select
            {{ dbt.hash("stream || '/' || founder") }} as incident_id,
            with_founder.*
        from with_founder

    )
{% endmacro %}


{% macro detector_rank(detector) %}
    {#- Integer: the place of a detector among those that may name an incident's kind, the most telling first. -#}
    {%- set cases = [] -%}
    {%- for name, known in dbt_forensics.detectors().items() -%}{%- do cases.append("when '" ~ name ~ "' then " ~ known.rank) -%}{%- endfor -%}
    {{ return('case ' ~ detector ~ ' ' ~ cases | join(' ') ~ ' end') }}
{% endmacro %}


{% macro detector_of_rank(rank) %}
    {#- Text: the detector that has a place among those that may name an incident's kind. -#}
    {%- set cases = [] -%}
    {%- for name, known in dbt_forensics.detectors().items() -%}{%- do cases.append('when ' ~ known.rank ~ " then '" ~ name ~ "'") -%}{%- endfor -%}
    {{ return('case ' ~ rank ~ ' ' ~ cases | join(' ') ~ ' end') }}
{% endmacro %}


{% macro owner_of(stream, owners) %}
    {#- Text: the owner of the stream that a column names; NULL where there is none. owners: what stream_owners() gives. -#}
    {%- set cases = [] -%}
    {%- for name, owner in owners.items() if owner -%}{%- do cases.append("when '" ~ name ~ "' then " ~ dbt_forensics.forensics_literal(owner)) -%}{%- endfor -%}
    {{ return('case ' ~ stream ~ ' ' ~ cases | join(' ') ~ ' end' if cases else 'null') }}
{% endmacro %}


{% macro stream_owners(streams) %}
    {#- {stream: owner}: the stream's key owner; else the owner of its source or model, in config.meta.owner; none where nobody is named. -#}
    {%- set owners = {} -%}
    {%- for stream in streams.values() -%}
        {%- do owners.update({stream.name: stream.owner or dbt_forensics.node_owner(dbt_forensics.stream_node(stream))}) -%}
    {%- endfor -%}
    {{ return(owners) }}
{% endmacro %}


{% macro stream_node(stream) %}
    {#- The node of dbt's graph that a stream reads: a source, model, seed or snapshot; none if there is none, and while dbt parses. -#}
    {%- set relation = dbt_forensics.stream_relation(stream) | string -%}
    {%- for node in (graph.sources.values() | list + graph.nodes.values() | list if execute else []) if node.get('relation_name') == relation -%}
        {{ return(node) }}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}


{% macro node_owner(node) %}
    {#- Text or none: who owns a node of dbt's graph: config.meta.owner, or an exposure's owner. -#}
    {%- if not node -%}{{ return(none) }}{%- endif -%}
    {%- set meta = dict(node.get('meta') or {}, **((node.get('config') or {}).get('meta') or {})) -%}
    {%- set owner = meta.get('owner') or node.get('owner') -%}
    {%- if owner and owner is not string -%}
        {%- set owner = owner.get('name') or owner.get('email') -%}
    {%- endif -%}
    {%- if owner is not none and owner is not string -%}{{ return(none) }}{%- endif -%}
    {{ return(owner) }}
{% endmacro %}


{% macro nodes_downstream(stream) %}
    {#- The models, snapshots and exposures that read a stream's relation, directly or not, the package's own aside: a list of {kind, name, owner}. -#}
    {%- set start = dbt_forensics.stream_node(stream) -%}
    {%- if not start -%}{{ return([]) }}{%- endif -%}
    {%- set candidates = [] -%}
    {%- for node in graph.nodes.values() | list + graph.exposures.values() | list
        if node.resource_type in ['model', 'snapshot', 'exposure'] and node.package_name != 'dbt_forensics' -%}
        {%- do candidates.append(node) -%}
    {%- endfor -%}
    {%- set reached, found = {start.unique_id: true}, [] -%}
    {%- for _ in candidates -%}
        {%- set before = found | length -%}
        {%- for node in candidates if node.unique_id not in reached -%}
            {%- if (node.get('depends_on') or {}).get('nodes', []) | select('in', reached) | list -%}
                {%- do reached.update({node.unique_id: true}) -%}
                {%- do found.append({'kind': node.resource_type, 'name': node.name, 'owner': dbt_forensics.node_owner(node)}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if found | length == before -%}{{ return(found | sort(attribute='name') | sort(attribute='kind')) }}{%- endif -%}
    {%- endfor -%}
    {{ return(found | sort(attribute='name') | sort(attribute='kind')) }}
{% endmacro %}
