{% macro moments_of_seals(presence, profile, seals) %}
    {#-
        CTEs, the last of them named moments_of_seals: for each time at which a stream's rows were missed or profiled, the time at which their capture was
        sealed. They differ where a build was cut off and another one went on with its capture. seals: forensics__batch_history.
    -#}
    moments as (

        {%- for what, relation in {'seal': seals, 'presence': presence, 'profile': profile}.items() %}
        select
            stream,
            recorded_at,
            '{{ what }}' as what
        from {{ relation }}
        group by stream, recorded_at
        {{- '\n        union all' if not loop.last }}
        {%- endfor %}

    ),

    moments_of_seals as (

        {#- At one time, what was missed stands before the seal, and what was profiled behind it. #}
        {%- set sealed_at = "(case when what = 'seal' then recorded_at end) over (partition by stream order by recorded_at, what" %}
        select
            stream,
            recorded_at,
            what,
            case what
                when 'presence' then min{{ sealed_at }} rows between current row and unbounded following)
                when 'profile' then max{{ sealed_at }} desc rows between unbounded preceding and current row)
            end as sealed_at
        from moments

    )
{% endmacro %}
