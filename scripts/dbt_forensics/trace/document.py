"""The JSON document of `dbt-forensics trace`, schema version 1."""

from typing import TypedDict

from dbt_forensics.document.masking import Dimensions, ShownRow


class Vanished(TypedDict):
    """When a row went from its source, and when it came back."""

    vanished_at: str
    returned_at: str | None


class Arrival(ShownRow):
    """A row of the event, by its place in the order of arrival."""

    arrival: int
    window_start: str | None
    lost_to_arrival: int | None
    recorded_at: str
    vanished: list[Vanished]


class Entry(TypedDict):
    """An entry of the ledger."""

    arrival: int | None
    effect: int
    verdict: str
    cause: str
    other_arrival: int | None
    action_id: str | None
    recorded_at: str
    effective_at: str


class ActionTaken(TypedDict):
    """What somebody did with a row of the event."""

    action_id: str
    kind: str
    status: str
    owner: str
    reason: str


class Value(TypedDict):
    """A version of a metric's value; not certain where the metric has a condition."""

    metric: str
    window_start: str
    window: str
    dimensions: Dimensions
    version: int
    recorded_from: str
    previous_value: str | None
    value: str | None
    is_current: bool
    is_certain: bool


class CausedValue(Value):
    """A version, with its change by cause."""

    causes: dict[str, str | None]


class Life(TypedDict):
    """The life of an event in one stream."""

    stream: str
    counted_arrival: int | None
    arrivals: list[Arrival]
    entries: list[Entry]
    actions: list[ActionTaken]
    counts_in: list[Value]
    shown_in: list[CausedValue]


class Trace(TypedDict):
    """The life of an event in each stream that has it."""

    schema_version: int
    event_id: str
    streams: list[Life]
