"""The JSON documents of `dbt-forensics replay`, `withdraw` and `quarantine`."""

from typing import TypedDict, final

from dbt_forensics.document.masking import ShownRow

#: What was selected, by name: the stream, lists of ids, times.
Selected = dict[str, str | list[str]]


class Effect(TypedDict):
    """A value that an act changes; ``dimensions`` is JSON text, as on record."""

    metric: str
    window_start: str
    dimensions: str
    before: str | None
    after: str | None
    causes: dict[str, str | None]


class RefusalLine(TypedDict):
    """What speaks against an act, and the override that lets it pass."""

    override: str | None
    sentence: str


class OpenIncident(TypedDict):
    """An incident that the rows' windows are part of."""

    incident_id: str
    name: str
    severity: str
    status: str


class Emitted(TypedDict):
    """A row that would be emitted."""

    position: int
    row_key: str
    event_id: str | None
    entity_id: str | None
    event_time: str | None
    ingested_at: str | None
    verdict: str


class _Act(TypedDict):
    action_id: str
    kind: str
    status: str
    selection: Selected
    rows: int
    events: int
    scanned: dict[str, int]
    skipped: dict[str, int]
    effects: list[Effect]
    refusals: list[RefusalLine]


class Action(_Act, total=False):
    """A planned, applied, refused or reverted action.

    A plan has ``incidents``; an emission ``emits`` and ``jsonl_folder``; what was done with the command, ``is_built``.
    """

    incidents: list[OpenIncident]
    emits: list[Emitted]
    jsonl_folder: str | None
    is_built: bool | None


@final
class WrongValue(Effect):
    """A value that became another than its plan said."""

    became: str | None


@final
class WrongOutbox(TypedDict):
    """What is wrong with what was emitted."""

    sentence: str


class EmittedCount(TypedDict, total=False):
    """How many rows an emission put into the outbox."""

    emitted: int


class Verification(EmittedCount):
    """How what an action did compares with its plan."""

    action_id: str
    status: str
    values: int
    wrong: list[WrongValue | WrongOutbox]


class ListedAction(TypedDict):
    """An action, in one line."""

    action_id: str
    kind: str
    stream: str
    status: str
    owner: str
    reason: str
    rows: int | None
    planned_at: str | None
    applied_at: str | None
    reverted_at: str | None


class ActionList(TypedDict):
    """All actions, the latest first."""

    actions: list[ListedAction]


class HeldRows(TypedDict):
    """The rows that a rule holds back, with samples."""

    stream: str
    rule: str
    rows: int
    discarded: int
    held_since: str
    samples: list[ShownRow]


class Quarantine(TypedDict):
    """What is held back, by rule."""

    held: list[HeldRows]
