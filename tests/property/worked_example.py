"""The worked example of the design as data: its rows, its builds, and every number that it gives.

Each variant says what it does otherwise than the main one. The oracle (tests/unit/test_oracle.py) and the
package on each engine (tests/functional/test_worked_example.py) are held to the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from property.oracle import Build, Metric, Raw, Stream

NUMBERS = dict[str, Decimal]


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}")


def _row(event_id: str, entity_id: str, event_time: str, ingested_at: str, batch_id: str, amount: int) -> Raw:
    return Raw(
        event_id=event_id,
        entity_id=entity_id,
        event_time=at(event_time),
        ingested_at=at(ingested_at),
        batch_id=batch_id,
        payload=(("amount", Decimal(amount)),),
    )


ROWS = {
    "r1": _row("e1", "a", "01-05 09:10", "01-05 10:00", "b1", 100),
    "r2": _row("e2", "b", "01-05 09:40", "01-05 10:00", "b1", 50),
    "r3": _row("e3", "a", "01-05 23:50", "01-06 00:30", "b2", 30),
    "r4": _row("e1", "a", "01-05 09:10", "01-06 00:30", "b2", 100),
    "r5": _row("e4", "c", "01-05 20:00", "01-06 05:00", "b3", 20),
    "r6": _row("e2", "b", "01-05 09:40", "01-06 05:00", "b3", 55),
    "r7": _row("e5", "a", "01-05 12:00", "01-08 09:00", "b4", 7),
    "r8": _row("e6", "d", "01-08 08:00", "01-08 09:00", "b4", -1),
}
NAME_OF = {row: name for name, row in ROWS.items()}
BUILT_AT = (at("01-05 12:00"), at("01-06 06:00"), at("01-08 10:00"))
WINDOW = at("01-05 00:00")

#: What the raw relation holds at each of the three builds.
SEEN = (("r1", "r2"), ("r1", "r2", "r3", "r4", "r5", "r6"), ("r1", "r2", "r4", "r5", "r6", "r7", "r8"))
EVERY_ROW = tuple(ROWS)


def three_builds() -> list[Build]:
    return [Build(when, [ROWS[r] for r in seen]) for when, seen in zip(BUILT_AT, SEEN, strict=True)]


def one_build(rows: Sequence[str]) -> list[Build]:
    return [Build(BUILT_AT[-1], [ROWS[r] for r in rows])]


def stream(name: str, **changed: object) -> Stream:
    """The stream of the example; `changed` are the fields in which a variant differs."""
    given: dict[str, object] = {
        "name": name,
        "allowed_lateness": timedelta(days=1),
        "on_conflict": "last_wins",
        "rules": {"amount_is_not_negative": ("amount >= 0", lambda row: row["amount"] >= 0)},
        "metrics": {
            "revenue": Metric("sum", ("amount", lambda row: row["amount"])),
            "orders": Metric("count"),
        },
        **changed,
    }
    return Stream(**given)  # type: ignore[arg-type]


# (build, row, effect, cause, timeliness, the other row)
LEDGER = [
    (1, "r1", 1, "on_time", "on_time", None),
    (1, "r2", 1, "on_time", "on_time", None),
    (2, "r3", 1, "on_time", "on_time", None),
    (2, "r4", 0, "duplicate", "on_time", "r1"),
    (2, "r5", 1, "late", "late", None),
    (2, "r2", -1, "correction", None, "r6"),
    (2, "r6", 1, "correction", "late", None),
    (3, "r7", 1, "too_late", "too_late", None),
    (3, "r8", 0, "rule:amount_is_not_negative", "on_time", None),
    (3, "r3", -1, "source_deleted", None, None),
]
VERDICTS = {
    "r1": "accepted",
    "r2": "superseded",
    "r3": "withdrawn",
    "r4": "duplicate",
    "r5": "accepted",
    "r6": "accepted",
    "r7": "accepted",
    "r8": "quarantined",
}
BATCH_SIZES = {"b1": [2], "b2": [2, 1], "b3": [2], "b4": [2]}


@dataclass(frozen=True)
class Expected:
    """One version: when, value, value before, inputs, and per cause the change and its events."""

    recorded_from: datetime
    value: int
    previous_value: int | None
    input_count: int
    changes: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Variant:
    name: str
    stream: Stream
    builds: list[Build]
    ledger: list[tuple[int, str, int, str, str | None, str | None]] | None
    verdicts: dict[str, str]
    revenue: list[Expected]
    orders: list[Expected] | None = None
    vanished: tuple[str, ...] = ()
    origin: str = "published"
    batch_sizes: dict[str, list[int]] = field(default_factory=dict)


_ORDERS = [
    Expected(BUILT_AT[0], 2, None, 2, {"on_time": (2, 2)}),
    Expected(BUILT_AT[1], 4, 2, 4, {"on_time": (1, 1), "late": (1, 1), "correction": (0, 1)}),
    Expected(BUILT_AT[2], 4, 4, 4, {"too_late": (1, 1), "source_deleted": (-1, 1)}),
]
_SEES_EVERYTHING = [(1, row, *rest) for _, row, *rest in LEDGER if rest[1] != "source_deleted"]

VARIANTS = [
    Variant(
        name="last_wins",
        stream=stream("last_wins"),
        builds=three_builds(),
        ledger=LEDGER,
        verdicts=VERDICTS,
        revenue=[
            Expected(BUILT_AT[0], 150, None, 2, {"on_time": (150, 2)}),
            Expected(BUILT_AT[1], 205, 150, 4, {"on_time": (30, 1), "late": (20, 1), "correction": (5, 1)}),
            Expected(BUILT_AT[2], 182, 205, 4, {"too_late": (7, 1), "source_deleted": (-30, 1)}),
        ],
        orders=_ORDERS,
        vanished=("r3",),
        batch_sizes=BATCH_SIZES,
    ),
    Variant(
        name="first_wins",
        stream=stream("first_wins", on_conflict="first_wins"),
        builds=three_builds(),
        ledger=[e for e in LEDGER if e[1:4] not in [("r2", -1, "correction"), ("r6", 1, "correction")]]
        + [(2, "r6", 0, "conflict", "late", "r2")],
        verdicts={**VERDICTS, "r2": "accepted", "r6": "conflict"},
        revenue=[
            Expected(BUILT_AT[0], 150, None, 2, {"on_time": (150, 2)}),
            Expected(BUILT_AT[1], 200, 150, 4, {"on_time": (30, 1), "late": (20, 1)}),
            Expected(BUILT_AT[2], 177, 200, 4, {"too_late": (7, 1), "source_deleted": (-30, 1)}),
        ],
        vanished=("r3",),
        batch_sizes=BATCH_SIZES,
    ),
    Variant(
        name="too_late_excluded",
        stream=stream("too_late_excluded", too_late="exclude"),
        builds=three_builds(),
        ledger=[(b, r, 0 if r == "r7" else e, *rest) for b, r, e, *rest in LEDGER],  # type: ignore[misc]
        verdicts={**VERDICTS, "r7": "pending"},
        revenue=[
            Expected(BUILT_AT[0], 150, None, 2, {"on_time": (150, 2)}),
            Expected(BUILT_AT[1], 205, 150, 4, {"on_time": (30, 1), "late": (20, 1), "correction": (5, 1)}),
            Expected(BUILT_AT[2], 175, 205, 3, {"source_deleted": (-30, 1)}),
        ],
        vanished=("r3",),
        batch_sizes=BATCH_SIZES,
    ),
    Variant(
        name="one_build_only",
        stream=stream("one_build_only"),
        builds=one_build(SEEN[-1]),
        ledger=[e for e in _SEES_EVERYTHING if e[1] != "r3"],  # type: ignore[misc]
        verdicts={row: verdict for row, verdict in VERDICTS.items() if row != "r3"},
        revenue=[
            Expected(
                BUILT_AT[2],
                182,
                None,
                4,
                {"on_time": (150, 2), "late": (20, 1), "too_late": (7, 1), "correction": (5, 1)},
            ),
        ],
        batch_sizes={"b1": [2], "b2": [1], "b3": [2], "b4": [2]},
    ),
    Variant(
        name="backcast",
        stream=stream("backcast", backcast="batch"),
        builds=one_build(EVERY_ROW),
        ledger=_SEES_EVERYTHING,  # type: ignore[arg-type]
        verdicts={**VERDICTS, "r3": "accepted"},
        revenue=[
            Expected(at("01-05 10:00"), 150, None, 2, {"on_time": (150, 2)}),
            Expected(at("01-06 00:30"), 180, 150, 3, {"on_time": (30, 1)}),
            Expected(at("01-06 05:00"), 205, 180, 4, {"late": (20, 1), "correction": (5, 1)}),
            Expected(at("01-08 09:00"), 212, 205, 5, {"too_late": (7, 1)}),
        ],
        origin="reconstructed",
        batch_sizes={"b1": [2], "b2": [2], "b3": [2], "b4": [2]},
    ),
]
