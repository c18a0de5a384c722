"""The JSON document of `dbt-forensics check`."""

from typing import TypedDict

from dbt_forensics.streams import MetricDefinition


class SourceFacts(TypedDict):
    """What a stream's relation holds; times are as the engine writes them."""

    rows: int
    first_event_time: str | None
    last_event_time: str | None
    first_ingested_at: str | None
    last_ingested_at: str | None


class RecordFacts(TypedDict):
    """What is on record of a stream."""

    rows: int
    batches: int
    recorded_at: str | None
    sealed_at: str | None
    chain_head: str | None


class StreamCheck(TypedDict):
    """What a stream declares, what is wrong with it, and what is on record."""

    stream: str
    relation: str
    roles: dict[str, str]
    payload: list[str]
    personal_data: list[str]
    window: str
    expected_delay: str
    allowed_lateness: str
    on_conflict: str
    too_late: str
    rules: dict[str, str]
    metrics: dict[str, MetricDefinition]
    source: SourceFacts | None
    record: RecordFacts | None
    problems: list[str]
    notes: list[str]


class Check(TypedDict):
    """What is configured, what is wrong with it, and what is on record."""

    project: str
    versions: dict[str, str]
    is_built: bool
    problems: list[str]
    streams: list[StreamCheck]
