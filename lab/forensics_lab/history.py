"""The history of a raw table as a sequence of steps, with a list of everything that is wrong in it.

A step is what one hour does to the table: mostly one load, sometimes also what no raw table should suffer.
Nothing here writes: `forensics_lab.files` does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forensics_lab import shop
from forensics_lab.shop import Events, Settings

# Column names with their types, in words that DuckDB and PostgreSQL share. `channel` is added later.
COLUMNS = {
    "event_id": "varchar",
    "customer_id": "bigint",
    "event_type": "varchar",
    "occurred_at": "timestamp",
    "_loaded_at": "timestamp",
    "_load_id": "varchar",
    "seq": "bigint",
    "schema_version": "integer",
    "business_unit": "varchar",
    "amount": "numeric(18, 2)",
    "currency": "varchar",
    "status": "varchar",
}
ADDED_COLUMN = ("channel", "varchar")
CLOCK_SKEW_ALLOWED = 5 * shop.MINUTE  # rows further in the future are counted as such in the manifest

EXPECTED = {
    "retry": "the same event again in a later load: one of its rows counts, the other is a duplicate",
    "correction": "the event again, later, other amount: last_wins counts this row, first_wins the first",
    "conflict": "the event again, later, other currency: last_wins counts this row, first_wins the first",
    "negative_amount": "breaks the rule that an amount is not negative: quarantined",
    "clock_skew": "a producer's clock is ahead: future where the event is over five minutes after its load",
    "late_commit": "a load with an early time, visible only from this step on: each of its rows is captured",
    "batch_rewritten": "amounts changed in place, count as before: the old rows vanish, new ones count",
    "batch_rewritten_same_sum": "amounts swapped in place, count and sum as before: the old rows vanish",
    "batch_deleted": "all rows of the load are gone: each is withdrawn with cause source_deleted",
    "column_added": "a column is added: recorded as a change of shape; rows captured before stay as they are",
}
# The kinds that a history has once, in its last week; of the others it has a share of the rows.
SINGLE_FAILURES = (
    "late_commit",
    "batch_rewritten",
    "batch_rewritten_same_sum",
    "column_added",
    "batch_deleted",
)


@dataclass(frozen=True)
class Insert:
    """A load is added to the table."""

    batch_id: str
    rows: pa.Table


@dataclass(frozen=True)
class Update:
    """Amounts of some rows of a load are replaced, in place."""

    batch_id: str
    amounts: dict[str, Decimal]  # by event id


@dataclass(frozen=True)
class Delete:
    """A load is removed from the table."""

    batch_id: str


@dataclass(frozen=True)
class AddColumn:
    """The table gets one more column."""

    column: str
    data_type: str


Operation = Insert | Update | Delete | AddColumn


@dataclass(frozen=True)
class Injection:
    """One thing that was put in: a line of the manifest.

    Attributes:
        kind: A key of `EXPECTED`.
        step: The step that puts it into the table.
        batch_id: The load that it is in; None if it concerns the table.
        rows: How many raw rows it concerns.
        event_ids: Of these rows; empty if it is all rows of the load.
        details: Further facts, by name.
    """

    kind: str
    step: int
    batch_id: str | None
    rows: int
    event_ids: list[str]
    details: dict[str, object]


@dataclass(frozen=True)
class Step:
    """What happens to the table within one hour; `at` is a time after it, before the next (UTC)."""

    number: int
    at: datetime
    operations: list[Operation]
    injections: list[Injection]


@dataclass(frozen=True)
class Plan:
    """In which load each failure of the last week is, and at which step it happens."""

    late_load: int
    late_visible: int
    rewritten_load: int
    rewritten_at: int
    same_sum_load: int
    same_sum_at: int
    column_added_at: int
    deleted_load: int
    deleted_at: int

    @classmethod
    def of(cls, settings: Settings) -> Plan:
        """The plan for a history of this length, such that builds at each 06:10 tell the failures apart."""

        def hour(days_before_end: int, hour_of_day: int) -> int:
            return 24 * (settings.days - days_before_end) + hour_of_day

        return cls(
            late_load=hour(6, 6),
            late_visible=hour(6, 18),
            rewritten_load=hour(7, 13),
            rewritten_at=hour(5, 15),
            same_sum_load=hour(5, 15),
            same_sum_at=hour(4, 10),
            column_added_at=hour(3, 8),
            deleted_load=hour(6, 13),
            deleted_at=hour(2, 16),
        )


def steps(settings: Settings) -> Iterator[Step]:
    """All steps, from the first load on. The first makes the table that it inserts into."""
    plan = Plan.of(settings)
    builder = _Tables(settings)
    undisturbed = frozenset({plan.rewritten_load, plan.same_sum_load, plan.deleted_load})
    todo: dict[int, list[tuple[Operation, Injection]]] = defaultdict(list)
    loads = shop.loads_of_rows(settings, undisturbed, plan.column_added_at)
    for number, rows in enumerate(loads, start=1):
        batch_id = builder.batch_id(number)
        operations: list[Operation] = []
        injections: list[Injection] = []
        if number == plan.column_added_at:
            operations.append(AddColumn(*ADDED_COLUMN))
            injections.append(Injection("column_added", number, None, 0, [], {"column": ADDED_COLUMN[0]}))
        for operation, injection in todo.pop(number, []):
            operations.append(operation)
            injections.append(injection)

        insert = Insert(batch_id, builder.table(rows, with_channel=number >= plan.column_added_at))
        if number == plan.late_load:
            # The marks of this load are in the manifest at the step that makes them visible.
            late = Injection(
                "late_commit", plan.late_visible, batch_id, len(rows), [], {"written_at_step": number}
            )
            todo[plan.late_visible].append((insert, late))
            marks_step = plan.late_visible
        else:
            operations.append(insert)
            marks_step = number
        injections.extend(builder.marks(number, marks_step, rows))

        if number == plan.rewritten_load:
            todo[plan.rewritten_at].append(_rewritten(builder, plan.rewritten_at, number, rows))
        elif number == plan.same_sum_load:
            todo[plan.same_sum_at].append(_rewritten_same_sum(builder, plan.same_sum_at, number, rows))
        elif number == plan.deleted_load:
            todo[plan.deleted_at].append(_deleted(builder, plan.deleted_at, number, rows))
        yield Step(number, settings.start + timedelta(hours=number, minutes=10), operations, injections)


class _Tables:
    """Makes tables, ids and lines of the manifest from arrays of events."""

    def __init__(self, settings: Settings) -> None:
        self.start = np.datetime64(settings.start, "ms")
        self.load_times = shop.load_times(settings)
        self.batch_hours = [settings.start + timedelta(hours=number) for number in range(settings.loads + 1)]

    def batch_id(self, load: int) -> str:
        return self.batch_hours[load].strftime("load_%Y%m%d_%H")

    def event_ids(self, rows: Events) -> list[str]:
        return [f"evt_{number:09d}" for number in rows["number"].tolist()]

    def table(self, rows: Events, *, with_channel: bool) -> pa.Table:
        count = len(rows)
        loads = rows["load"]
        columns = {
            "event_id": pa.array(self.event_ids(rows), pa.string()),
            "customer_id": pa.array(rows["customer"]),
            "event_type": _words(shop.EVENT_TYPES, rows["type"]),
            "occurred_at": self._times(rows["occurred"]),
            "_loaded_at": self._times(self.load_times[loads]),
            "_load_id": pa.array([self.batch_id(load) for load in loads.tolist()], pa.string()),
            "seq": pa.array(rows["seq"]),
            "schema_version": pa.array(rows["version"].astype(np.int32)),
            "business_unit": _words(shop.BUSINESS_UNITS, rows["unit"]),
            "amount": _amounts(rows["cents"]),
            "currency": _words(shop.CURRENCIES, rows["currency"]),
            "status": _words(shop.STATUSES, rows["type"]),
        }
        if with_channel:
            known = rows["version"] >= 2
            channel = np.where(known, np.array(shop.CHANNELS)[rows["channel"]], "")
            columns["channel"] = (
                pa.array(channel, pa.string(), mask=~known) if count else pa.array([], pa.string())
            )
        return pa.table(columns)

    def marks(self, load: int, step: int, rows: Events) -> Iterator[Injection]:
        for code, kind in enumerate(shop.MARKS):
            marked = rows[rows["mark"] == code]
            if code == shop.PLAIN or len(marked) == 0:
                continue
            details: dict[str, object] = {}
            if code == shop.CLOCK_SKEW:
                ahead = marked["occurred"] - self.load_times[load]
                details["future_rows"] = int((ahead > CLOCK_SKEW_ALLOWED).sum())
            yield Injection(kind, step, self.batch_id(load), len(marked), self.event_ids(marked), details)

    def paid_amount_changes(self, rows: Events, cents: npt.NDArray[np.int64]) -> list[dict[str, str]]:
        """What adding `cents` to the rows does to the paid amount, per day and currency."""
        totals: dict[tuple[str, str], int] = defaultdict(int)
        for row, change in zip(rows, cents.tolist(), strict=True):
            if row["type"] == shop.PAID:
                day = str((self.start + row["occurred"]).astype("datetime64[D]"))
                totals[day, shop.CURRENCIES[row["currency"]]] += change
        return [
            {"occurred_on": day, "currency": currency, "change": str(_decimal(change))}
            for (day, currency), change in sorted(totals.items())
        ]

    def _times(self, milliseconds: npt.NDArray[np.int64]) -> pa.Array:
        return pa.array((self.start + milliseconds.astype("timedelta64[ms]")).astype("datetime64[us]"))


def _rewritten(tables: _Tables, step: int, load: int, rows: Events) -> tuple[Operation, Injection]:
    """All payments of the load are raised by 12 per cent, as if somebody had added a tax."""
    paid = rows[rows["type"] == shop.PAID]
    return _amounts_replaced("batch_rewritten", tables, step, load, paid, paid["cents"] * 112 // 100)


def _rewritten_same_sum(tables: _Tables, step: int, load: int, rows: Events) -> tuple[Operation, Injection]:
    """The lowest payments in euro of the load's own day swap their amounts with the highest, five pairs at most."""
    own_day = (load * shop.HOUR - 1) // shop.DAY
    in_euro = rows["currency"] == shop.CURRENCIES.index("EUR")
    paid = rows[(rows["type"] == shop.PAID) & in_euro & (rows["occurred"] // shop.DAY == own_day)]
    paid = paid[np.argsort(paid["cents"], kind="stable")]
    pairs = min(5, len(paid) // 2)
    chosen = np.concatenate([paid[:pairs], paid[len(paid) - pairs :]])
    return _amounts_replaced("batch_rewritten_same_sum", tables, step, load, chosen, chosen["cents"][::-1])


def _amounts_replaced(
    kind: str, tables: _Tables, step: int, load: int, rows: Events, cents: npt.NDArray[np.int64]
) -> tuple[Operation, Injection]:
    event_ids = tables.event_ids(rows)
    amounts = dict(zip(event_ids, map(_decimal, cents.tolist()), strict=True))
    changes = tables.paid_amount_changes(rows, cents - rows["cents"])
    batch_id = tables.batch_id(load)
    return (
        Update(batch_id, amounts),
        Injection(kind, step, batch_id, len(rows), event_ids, {"paid_amount_changes": changes}),
    )


def _deleted(tables: _Tables, step: int, load: int, rows: Events) -> tuple[Operation, Injection]:
    batch_id = tables.batch_id(load)
    details: dict[str, object] = {"paid_amount_changes": tables.paid_amount_changes(rows, -rows["cents"])}
    return Delete(batch_id), Injection("batch_deleted", step, batch_id, len(rows), [], details)


def _words(words: tuple[str, ...], positions: Events) -> pa.Array:
    return pa.array(np.array(words)[positions], pa.string())


def _decimal(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _amounts(cents: npt.NDArray[np.int64]) -> pa.Array:
    """Cents as numeric(18, 2), built from bytes: going through Decimal objects takes most of the run time."""
    low_and_high = np.column_stack([cents, cents >> 63])
    return pa.Array.from_buffers(
        pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(low_and_high.tobytes())]
    )
