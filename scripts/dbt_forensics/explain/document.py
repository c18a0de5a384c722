"""The JSON document of `dbt-forensics explain`, schema version 1."""

from typing import TypedDict

from dbt_forensics.document.masking import Dimensions


class Cause(TypedDict):
    """A cause of a version's change, with a sample of its events."""

    cause: str
    change: str | None
    events: int
    sample_event_ids: list[str | None]
    first_arrived_at: str | None
    last_arrived_at: str | None


class SumCheck(TypedDict):
    """Whether the causes of a version add up to its difference, and it follows on the one before."""

    causes_add_up_to: str
    difference: str
    follows_on_the_version_before: bool
    holds: bool


class Version(TypedDict):
    """A version of a value."""

    version: int
    recorded_from: str
    recorded_to: str | None
    previous_value: str | None
    value: str | None
    difference: str
    input_count: int
    origin: str
    is_settled: bool
    causes: list[Cause]
    sum_check: SumCheck


class Value(TypedDict):
    """A value of a window, with every version of it."""

    window_start: str
    window_end: str
    dimensions: Dimensions
    value: str | None
    add_up: bool
    versions: list[Version]


class Story(TypedDict):
    """The values of a window: those that are told, of how many."""

    total: int
    add_up: bool
    values: list[Value]


class Explanation(Story):
    """Every value that a metric showed for a window."""

    schema_version: int
    metric: str
    stream: str
    window: str
    as_of: str | None
