"""Which captured rows an action is about. Pure: what was asked for, as a condition and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import in_list, literal
from dbt_forensics.text import iso

#: Of which verdicts a kind of action takes rows, and what it does to them.
KINDS = {
    "replay": ("withdrawn", "pending"),
    "release": ("quarantined",),
    "withdrawal": ("accepted", "superseded", "duplicate", "conflict"),
    "discard": ("quarantined",),
    "emission": ("accepted", "superseded", "duplicate", "conflict", "withdrawn", "pending", "quarantined"),
}
#: Of which a kind takes rows where nobody names verdicts; all that it can take, if it is not here.
_UNASKED = {"emission": ("accepted",)}
#: Kinds that let rows count or not: the ledger is built after them.
COUNTING = ("replay", "release", "withdrawal")
#: What a row needs to count at all: without these it belongs to no event or to no window.
NEEDED = ("event_id", "event_time", "ingested_at")


@dataclass(frozen=True)
class Selection:
    """What was asked for; what is empty does not narrow it. Windows of time are half-open.

    Attributes:
        stream: The stream's name.
        entities: Entity ids.
        event_ids: Event ids.
        batches: Batch ids.
        rules: Names of rules that rows broke.
        verdicts: Verdicts that rows have now.
        event_from: First event time.
        event_to: First event time that is not in it any more.
        arrived_from: First time of arrival.
        arrived_to: First time of arrival that is not in it any more.
    """

    stream: str
    entities: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    rules: tuple[str, ...] = field(default=())
    verdicts: tuple[str, ...] = ()
    event_from: datetime | None = None
    event_to: datetime | None = None
    arrived_from: datetime | None = None
    arrived_to: datetime | None = None

    def is_narrowed(self) -> bool:
        """Returns whether it asks for less than the whole stream."""
        return len(list(self._conditions())) > 1

    def takes(self, kind: str) -> tuple[str, ...]:
        """Returns of which verdicts it takes rows for a kind of action.

        Raises:
            ForensicsError: It asks for one that the kind does not take.
        """
        if wrong := sorted(set(self.verdicts) - set(KINDS[kind])):
            raise ForensicsError(
                f"No {kind} takes {wrong[0]} rows: give --verdict one of {', '.join(KINDS[kind])}."
            )
        return self.verdicts or _UNASKED.get(kind, KINDS[kind])

    def condition(self) -> str:
        """Returns it as an SQL condition over ``forensics__verdicts as events``, but for the verdicts."""
        return " and ".join(self._conditions())

    def as_json(self) -> str:
        """Returns it as JSON text, the same for the same selection."""
        given: dict[str, str | list[str] | None] = {
            "stream": self.stream,
            "entities": sorted(self.entities),
            "event_ids": sorted(self.event_ids),
            "batches": sorted(self.batches),
            "rules": sorted(self.rules),
            "verdicts": sorted(self.verdicts),
            "event_from": iso(self.event_from),
            "event_to": iso(self.event_to),
            "arrived_from": iso(self.arrived_from),
            "arrived_to": iso(self.arrived_to),
        }
        return json.dumps({name: value for name, value in given.items() if value}, ensure_ascii=False)

    @classmethod
    def of_json(cls, text: str) -> Selection:
        """Returns the selection that :meth:`as_json` wrote."""
        given = json.loads(text)
        for name, value in given.items():
            if isinstance(value, list):
                given[name] = tuple(value)
            elif name != "stream":
                given[name] = datetime.fromisoformat(value.removesuffix("Z"))
        return cls(**given)

    def _conditions(self) -> Iterator[str]:
        yield f"events.stream = {literal(self.stream)}"
        for column, values in (
            ("entity_id", self.entities),
            ("event_id", self.event_ids),
            ("batch_id", self.batches),
            ("broken_rule", self.rules),
        ):
            if values:
                yield f"events.{column} in {in_list(values)}"
        for column, sign, time in (
            ("event_time", ">=", self.event_from),
            ("event_time", "<", self.event_to),
            ("ingested_at", ">=", self.arrived_from),
            ("ingested_at", "<", self.arrived_to),
        ):
            if time is not None:
                yield f"events.{column} {sign} {literal(time)}"
