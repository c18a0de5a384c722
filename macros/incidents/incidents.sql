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


{% macro _readers_of(streams) %}
    {#- What reads the streams' relations, as a list of {stream, kind, name, owner}; empty while dbt parses. -#}
    {%- set rows = [] -%}
    {%- for stream in streams.values() if execute -%}
        {%- for node in dbt_forensics.nodes_downstream(stream) -%}{%- do rows.append(dict(node, stream=stream.name)) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(rows) }}
{% endmacro %}


{% macro _stream_families(streams) %}
    {#-
        Which streams' failures may be one: of those that read each other's relations, directly or through models. A list of {stream, stream_family, stream_depth}: the family is the name of
        the first stream of the line, the depth how many streams stand before this one. Empty while dbt parses.
    -#}
    {%- set rows, reads = [], {} -%}
    {%- for stream in streams.values() if execute -%}
        {%- set places = [] -%}
        {%- for node in dbt_forensics.nodes_downstream(stream) -%}{%- do places.append((node.kind, node.name)) -%}{%- endfor -%}
        {%- for other in streams.values() if other.name != stream.name -%}
            {%- set node = dbt_forensics.stream_node(other) -%}
            {%- if node and (node.resource_type, node.name) in places -%}{%- do reads.update({other.name: reads.get(other.name, []) + [stream.name]}) -%}{%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {#- A stream that reads another one reads all that that one reads: the one that reads nothing is the first of the line. #}
    {%- for stream in streams.values() if execute -%}
        {%- set firsts = reads.get(stream.name, []) | reject('in', reads) | sort -%}
        {%- do rows.append({'stream': stream.name, 'stream_family': firsts[0] if firsts else stream.name, 'stream_depth': reads.get(stream.name, []) | length}) -%}
    {%- endfor -%}
    {{ return(rows) }}
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
