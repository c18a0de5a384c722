"""What happens to rows that were captured, and the causes that a person would name: each case in a day of its own.

Rows are written as `batch:amount@event`, those of a second load of the same batch as `batch+:amount@event`.
The rule of the stream holds back what is negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from property.oracle import Build, Metric, Raw, Record, Stream

FIRST_DAY = datetime(2026, 1, 1)
BUILDS = 3
BUILT_AT = [datetime(2026, 3, 1) + timedelta(days=number) for number in range(BUILDS)]

#: Per build after the first: cause -> change and number of events.
Changes = list[dict[str, tuple[int, int]]]
NOTHING: dict[str, tuple[int, int]] = {}


@dataclass(frozen=True)
class Case:
    """What the relation has at each build (then as at the last one), and what changes, by on_conflict."""

    shown: Sequence[str]
    first_wins: Changes
    last_wins: Changes | None = None  # the same

    def changes(self, on_conflict: str) -> Changes:
        found = self.first_wins if on_conflict == "first_wins" or self.last_wins is None else self.last_wins
        return [*found, *[NOTHING] * (BUILDS - 1 - len(found))]

    def rows(self, build: int, day: datetime, name: str) -> list[Raw]:
        return [_row(text, day, name) for text in self.shown[min(build, len(self.shown) - 1)].split()]


CASES: Mapping[str, Case] = {
    "three updates and two corrections": Case(
        [
            "b0:10000@1 b0:10000@2 b0:10000@3 b0:1000@4 b0:1000@5",
            "b0:20000@1 b0:20000@2 b0:20000@3 b0:1000@4 b0:1000@5 b1:500@4 b1:500@5",
        ],
        [{"rewritten": (30000, 3)}],
        [{"rewritten": (30000, 3), "correction": (-1000, 2)}],
    ),
    "as it was again": Case(
        ["b0:100@1", "b0:130@1", "b0:100@1"], [{"rewritten": (30, 1)}, {"rewritten": (-30, 1)}]
    ),
    "deleted, and back": Case(
        ["b0:100@1", "", "b0:100@1"], [{"source_deleted": (-100, 1)}, {"source_deleted": (100, 1)}]
    ),
    "deleted, then inserted": Case(
        ["b0:100@1", "", "b0:130@1"], [{"source_deleted": (-100, 1)}, {"rewritten": (130, 1)}]
    ),
    "deleted, then sent in another batch": Case(
        ["b0:100@1", "", "b1:100@1"], [{"source_deleted": (-100, 1)}, {"correction": (100, 1)}]
    ),
    "moved to another batch": Case(["b0:100@1", "b1:130@1"], [{"correction": (30, 1)}]),
    "moved to another batch as it is": Case(["b0:100@1", "b1:100@1"], [{"correction": (0, 1)}]),
    "one more of the batch after a rewrite": Case(
        ["b0:100@1", "b0:130@1", "b0:130@1 b0+:90@1"],
        [{"rewritten": (30, 1)}],
        [{"rewritten": (30, 1)}, {"correction": (-40, 1)}],
    ),
    "the later row rewritten": Case(["b0:100@1 b1:130@1", "b0:100@1 b1:90@1"], [], [{"rewritten": (-40, 1)}]),
    "the earlier row rewritten": Case(
        ["b0:100@1 b1:130@1", "b0:90@1 b1:130@1"], [{"rewritten": (-10, 1)}], []
    ),
    "the later row rewritten into the earlier": Case(
        ["b0:100@1 b1:130@1", "b0:100@1 b1:100@1"], [], [{"rewritten": (-30, 1)}]
    ),
    "each delivery rewritten": Case(["b0:100@1 b1:100@1", "b0:130@1 b1:130@1"], [{"rewritten": (30, 1)}]),
    "the repetition rewritten": Case(
        ["b0:100@1 b1:100@1", "b0:100@1 b1:130@1"], [], [{"rewritten": (30, 1)}]
    ),
    "the repetition deleted": Case(["b0:100@1 b1:100@1", "b0:100@1"], []),
    "the first of two deleted": Case(
        ["b0:100@1 b1:130@1", "b1:130@1"], [{"source_deleted": (-100, 1), "correction": (130, 1)}], []
    ),
    "the last of two deleted": Case(
        ["b0:100@1 b1:130@1", "b0:100@1"], [], [{"source_deleted": (-130, 1), "correction": (100, 1)}]
    ),
    "rewritten and corrected at once": Case(
        ["b0:100@1", "b0:130@1 b1:90@1"],
        [{"rewritten": (30, 1)}],
        [{"rewritten": (30, 1), "correction": (-40, 1)}],
    ),
    "held, and rewritten into what is right": Case(["b0:-5@1", "b0:100@1"], [{"rewritten": (100, 1)}]),
    "rewritten into what is held": Case(["b0:100@1", "b0:-5@1"], [{"rewritten": (-100, 1)}]),
    "inserted, then the old one deleted": Case(
        ["b0:100@1", "b0:100@1 b0+:130@1", "b0+:130@1"],
        [{}, {"rewritten": (30, 1)}],
        [{"correction": (30, 1)}],
    ),
    "another event": Case(["b0:100@1", "b0:100@2"], [{"source_deleted": (-100, 1), "on_time": (100, 1)}]),
}
DAYS = {name: FIRST_DAY + timedelta(days=place) for place, name in enumerate(CASES)}


def stream(on_conflict: str) -> Stream:
    return Stream(
        name=on_conflict,
        on_conflict=on_conflict,
        rules={"amount_is_not_negative": ("amount >= 0", lambda row: row["amount"] >= 0)},
        metrics={"revenue": Metric("sum", ("amount", lambda row: row["amount"]))},
    )


def builds() -> list[Build]:
    return [
        Build(at, [row for name, case in CASES.items() for row in case.rows(number, DAYS[name], name)])
        for number, at in enumerate(BUILT_AT)
    ]


def expected(on_conflict: str) -> dict[str, Changes]:
    return {name: case.changes(on_conflict) for name, case in CASES.items()}


def of_versions(found: Record) -> dict[str, Changes]:
    """The changes of each case by build, as the oracle has them."""
    rows = [
        (version.window_start, version.recorded_from, cause, change.change, len(change.event_ids))
        for version in found.versions
        for cause, change in version.changes.items()
    ]
    return by_case(rows)


def by_case(rows: Sequence[tuple[datetime, datetime, str, Decimal, int]]) -> dict[str, Changes]:
    """Window, time of the build, cause, change and number of events, as the cases list them."""
    found: dict[str, Changes] = {name: [{} for _ in range(BUILDS - 1)] for name in CASES}
    names = {day: name for name, day in DAYS.items()}
    for window, at, cause, change, events in rows:
        if at != BUILT_AT[0]:
            found[names[window]][BUILT_AT.index(at) - 1][cause] = (int(change), events)
    return found


def _row(text: str, day: datetime, name: str) -> Raw:
    batch, _, rest = text.partition(":")
    amount, _, event = rest.partition("@")
    arrived = day + timedelta(hours=10 + int(batch[1]), minutes=batch.count("+"))
    return Raw(
        f"{name} {event}",
        event_time=day + timedelta(hours=9),
        ingested_at=arrived,
        batch_id=batch.removesuffix("+"),
        payload=(("amount", Decimal(amount)),),
    )
