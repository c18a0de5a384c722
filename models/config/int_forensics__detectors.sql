-- One row per stream and detector: whether it is on, from which threshold and with which severity it detects, the stream's windows, and the time of what this build concludes.
{%- do dbt_forensics.assert_settings('ephemeral') %}
with streams as (

    select * from {{ dbt_forensics._input('int_forensics__judged_streams') }}

),

detectors as (

    {{ dbt_forensics._given_rows({'detector': 'text', 'threshold': 'number', 'severity': 'text'}, dbt_forensics._detector_defaults()) }}

),

settings as (

    {{ dbt_forensics._given_rows(
        {'stream': 'text', 'detector': 'text', 'threshold': 'number', 'severity': 'text', 'is_enabled': 'boolean'},
        dbt_forensics._given_detector_settings(dbt_forensics.streams())
    ) }}

),

of_streams as (

    select
        streams.stream,
        detectors.detector,
        streams.window_period,
        streams.window_minutes,
        streams.expected_delay_minutes,
        streams.allowed_lateness_minutes,
        streams.concluded_at,
        coalesce(settings.threshold, detectors.threshold) as threshold,
        coalesce(settings.severity, detectors.severity) as severity,
        coalesce(settings.is_enabled, true) as is_enabled
    from streams
    cross join detectors
    left join settings
        on streams.stream = settings.stream and detectors.detector = settings.detector

),

of_watches as (

    {#- What concerns watched values belongs to no stream, and has the defaults. #}
    select
        cast('{{ dbt_forensics.watched_stream() }}' as {{ dbt.type_string() }}) as stream,
        detector,
        'day' as window_period,
        cast(1440 as {{ dbt.type_bigint() }}) as window_minutes,
        cast(0 as {{ dbt.type_bigint() }}) as expected_delay_minutes,
        cast(0 as {{ dbt.type_bigint() }}) as allowed_lateness_minutes,
        cast(null as {{ dbt.type_timestamp() }}) as concluded_at,
        threshold,
        severity,
        true as is_enabled
    from detectors
    where detector in ('metric_mismatch', 'unexplained_change')

)

select * from of_streams
union all
select * from of_watches
