"""Generated histories: what loaders, sources and people do to a raw table, step by step.

A *mini-history* is the life of up to three event ids over a few loads, generated from one seed. A *world* puts many of
them into the same raw tables, with event ids of their own, so that one dbt build checks hundreds; its tables are
rewritten as a whole at each step, which is also what a full-refresh loader does. Columns are added, dropped and retyped
between steps.

The seeds are what hypothesis draws: a failing world shrinks by losing mini-histories, and one that fails alone can
be looked at with `mini_history(Random(seed), ...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

from property.oracle import Build, Metric, Raw, Stream

STEPS = 6
FIRST_LOAD = datetime(2026, 1, 5, 10)
#: Loads are 31 hours apart, so that they fall on different hours, and on both sides of midnight.
LOADED_AT = tuple(FIRST_LOAD + timedelta(hours=31 * step) for step in range(STEPS))
#: The build that follows a load.
BUILT_AT = tuple(load + timedelta(hours=1) for load in LOADED_AT)

ROLES = (
    "event_id",
    "entity_id",
    "event_type",
    "event_time",
    "ingested_at",
    "batch_id",
    "sequence_number",
    "schema_version",
    "tenant",
)


@dataclass(frozen=True)
class Table:
    """A raw table: which column holds which role, the payload columns with their types, step by step."""

    name: str
    roles: Mapping[str, str]
    payload: tuple[Mapping[str, str], ...]  # per step: column -> SQL type
    values: Mapping[str, Sequence[Any]]

    def columns(self, step: int) -> dict[str, str]:
        types = {"event_time": "timestamp", "ingested_at": "timestamp", "sequence_number": "numeric(18, 0)"}
        roles = {column: types.get(role, "varchar(200)") for role, column in self.roles.items()}
        return {**roles, **self.payload[step]}

    def as_columns(self, row: Raw) -> dict[str, Any]:
        roles = {column: getattr(row, role) for role, column in self.roles.items()}
        return {**roles, **dict(row.payload)}

    def unchanging(self) -> Table:
        """The same table with its last columns from the first step on."""
        return replace(self, payload=(self.payload[-1],) * STEPS)

    def in_shape(self, row: Raw, step: int) -> Raw:
        """The row as the table shows it after its columns of this step were added and dropped."""
        payload = dict(row.payload)
        return replace(row, payload=tuple((name, payload.get(name)) for name in self.payload[step]))


def _evolving(
    first: dict[str, str], *changes: tuple[int, dict[str, str | None]]
) -> tuple[dict[str, str], ...]:
    steps = []
    columns = dict(first)
    for step in range(STEPS):
        for _, changed in (c for c in changes if c[0] == step):
            columns.update({name: type_ for name, type_ in changed.items() if type_})
            columns = {name: type_ for name, type_ in columns.items() if changed.get(name, "kept")}
        steps.append(dict(columns))
    return tuple(steps)


def _decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)


ORDERS = Table(
    name="order_events",
    roles={role: role for role in ROLES},
    payload=_evolving(
        {"amount": "numeric(18, 2)", "currency": "varchar(10)", "status": "varchar(10)"},
        (2, {"note": "varchar(50)"}),
        (3, {"amount": "numeric(22, 4)"}),
        (4, {"size": "integer"}),
        (5, {"size": "bigint"}),
    ),
    values={
        "amount": (*_decimals("10", "20", "30", "10.50", "0", "-5", "99999999999.99"), None),
        "currency": ("EUR", "EUR", "USD", "", "eur", None),
        "status": ("paid", "paid", "paid", "open", None),
        "note": ("", "gift", 'a "b" \\ \u00fc', None, None),
        "size": (1, 2, None),
    },
)
#: Other columns under other names, fewer roles, and one column that goes away in place.
PAYMENTS = Table(
    name="payments",
    roles={"event_id": "Payment Id", "event_time": "paid_at", "ingested_at": "_loaded_at"},
    payload=_evolving(
        {
            "paid": "numeric(18, 3)",
            "method": "varchar(20)",
            "is_test": "boolean",
            "settled_at": "timestamp with time zone",
        },
        (3, {"method": None}),
    ),
    values={
        "paid": (*_decimals("1", "2", "0.125", "1000000"), None),
        "method": ("card", "cash", "'; drop table x; --", "{{ 1/0 }}", None),
        "is_test": (False, False, True, None),
        "settled_at": (
            datetime(2026, 1, 5, 20, tzinfo=timezone.utc),
            datetime(2026, 1, 6, 3, 30, tzinfo=timezone.utc),
            None,
        ),
    },
)
TABLES = (ORDERS, PAYMENTS)


def _paid(row: Raw) -> bool | None:
    status = row.get("status")
    return None if status is None else bool(status == "paid")


def _real(row: Raw) -> bool | None:
    is_test = row.get("is_test")
    return None if is_test is None else not is_test


def _on_the_fifth(row: Raw) -> bool | None:
    settled_at = row.get("settled_at")
    return None if settled_at is None else bool(settled_at.day == 5)


def _not_negative(row: Raw) -> bool | None:
    amount = row.get("amount")
    return None if amount is None else bool(amount >= 0)


def _amount(row: Raw) -> Decimal | None:
    return row.get("amount")


_ORDERS = Metric("count")
_BUYERS = Metric("count_distinct", ("entity_id", lambda r: r.entity_id), ("status = 'paid'", _paid))
_REVENUE = Metric("sum", ("amount", _amount), ("status = 'paid'", _paid), ("currency",))
_PRICES = Metric("count_distinct", ("amount", _amount), dimensions=("currency",))
_ORDER_METRICS = {
    "revenue": _REVENUE,
    "orders": _ORDERS,
    "basket": Metric("avg", ("amount", _amount), dimensions=("tenant",)),
    "buyers": _BUYERS,
    "smallest": Metric("min", ("amount", _amount), dimensions=("tenant", "status")),
    "largest": Metric("max", ("amount * 2", lambda r: None if _amount(r) is None else _amount(r) * 2)),
    "prices": _PRICES,
    "buyers_per_order": Metric("ratio", parts=(("buyers", _BUYERS), ("orders", _ORDERS)), dimensions=()),
    "revenue_per_price": Metric(
        "ratio", parts=(("revenue", _REVENUE), ("prices", _PRICES)), dimensions=("currency",)
    ),
}
#: Three streams over two tables: every choice of on_conflict and too_late, both windows.
STREAMS: dict[str, tuple[Table, Stream]] = {
    "orders": (
        ORDERS,
        Stream(
            name="orders",
            allowed_lateness=timedelta(days=1),
            rules={"amount_is_not_negative": ("amount >= 0", _not_negative)},
            metrics=_ORDER_METRICS,
        ),
    ),
    "latest_orders": (
        ORDERS,
        Stream(
            name="latest_orders",
            window="hour",
            expected_delay=timedelta(hours=2),
            clock_skew=timedelta(minutes=0),
            allowed_lateness=timedelta(hours=30),
            on_conflict="last_wins",
            too_late="exclude",
            metrics={name: _ORDER_METRICS[name] for name in ("orders", "basket", "largest")},
        ),
    ),
    "payments": (
        PAYMENTS,
        Stream(
            name="payments",
            allowed_lateness=timedelta(days=1),
            on_conflict="last_wins",
            metrics={
                "paid": Metric("sum", ("paid", lambda r: r.get("paid")), ("not is_test", _real)),
                "payments": Metric("count", dimensions=("is_test",)),
                # The text of a time is another one in each session.
                "settled": Metric(
                    "count",
                    where=("substr(cast(settled_at as varchar(40)), 1, 10) = '2026-01-05'", _on_the_fifth),
                ),
                "least": Metric("min", ("paid", lambda r: r.get("paid")), dimensions=("is_test",)),
            },
        ),
    ),
}


def stream_config(table: Table, stream: Stream) -> dict[str, Any]:
    """The stream as the user declares it."""

    def period(length: timedelta) -> dict[str, Any]:
        return {"count": int(length.total_seconds() // 60), "period": "minute"}

    return {
        "relation": f"source.shop.{table.name}",
        **table.roles,
        "window": stream.window,
        "expected_delay": period(stream.expected_delay),
        "clock_skew": period(stream.clock_skew),
        "allowed_lateness": period(stream.allowed_lateness),
        "on_conflict": stream.on_conflict,
        "too_late": stream.too_late,
        "backcast": {"every": stream.backcast},
        "rules": {name: sql for name, (sql, _) in stream.rules.items()},
        "metrics": {name: metric.config() for name, metric in stream.metrics.items()},
    }


# A mini-history


def mini_history(rng: Random, table: Table, prefix: str) -> list[list[Raw]]:
    """The rows that the table has after each step; `prefix` begins each of its event ids."""
    return _Mini(rng, table, prefix).play()


class _Mini:
    """Draws what happens at each step. Every method is one thing that happens to real tables."""

    def __init__(self, rng: Random, table: Table, prefix: str) -> None:
        self.rng = rng
        self.table = table
        self.ids = [f"{prefix}-e{number}" for number in range(rng.randint(1, 3))]
        self.prefix = prefix
        self.rows: list[Raw] = []
        self.deleted: list[Raw] = []
        self.step = 0

    def play(self) -> list[list[Raw]]:
        deeds: list[tuple[int, Callable[[], None]]] = [
            (6, self.new_event),
            (5, self.sent_again),
            (5, self.conflicting),
            (2, self.identical),
            (4, self.late_commit),
            (3, self.rewritten),
            (2, self.swapped),
            (3, self.row_deleted),
            (1, self.batch_deleted),
            (3, self.returned),
            (3, self.nothing_known),
            (2, self.from_the_future),
            (2, self.too_late),
        ]
        states = []
        for self.step in range(STEPS):
            if self.step == 0 or not self.rows:
                self.new_event()
            for _ in range(self.rng.choice([0, 1, 1, 2, 3])):
                self.rng.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()
            states.append([self.table.in_shape(row, self.step) for row in self.rows])
        return states

    # What arrives

    def row(self, step: int | None = None, **given: Any) -> Raw:
        step = self.step if step is None else step
        arrived = LOADED_AT[step] + timedelta(minutes=self.rng.choice([0, 0, 1, 7]))
        ago = self.rng.choice([0.05, 0.5, 3, 11, 24, 31, 47, 48, 60, 120])
        values: dict[str, Any] = {
            "event_id": self.rng.choice(self.ids),
            "entity_id": self.rng.choice([f"{self.prefix}-c", "shared", None]),
            "event_type": self.rng.choice(["placed", "placed", "paid"]),
            "event_time": arrived - timedelta(hours=ago),
            "ingested_at": arrived,
            "batch_id": self.rng.choice([f"b{step}", f"b{step}", f"b{step}", None]),
            "sequence_number": self.rng.choice([Decimal(1), Decimal(3), None]),
            "schema_version": self.rng.choice(["v1", "v2", None]),
            "tenant": self.rng.choice(["de", "us", None]),
            "payload": tuple((name, self.value(name)) for name in self.table.payload[self.step]),
        }
        kept = {role: value for role, value in {**values, **given}.items() if self.has(role)}
        return Raw(**{"event_id": None, **kept})

    def has(self, role: str) -> bool:
        return role == "payload" or role in self.table.roles

    def value(self, column: str) -> Any:
        return self.rng.choice(self.table.values[column])

    def add(self, row: Raw) -> None:
        self.rows.append(row)

    def some_row(self) -> Raw:
        return self.rng.choice(self.rows) if self.rows else self.row()

    def delivered_now(self, row: Raw, step: int | None = None) -> Raw:
        """The same event in another delivery."""
        new = self.row(step)
        delivery = ("ingested_at", "batch_id", "sequence_number", "schema_version")
        return replace(row, **{role: getattr(new, role) for role in delivery if self.has(role)})

    def changed(self, row: Raw) -> Raw:
        """The row with another value in one column of its content."""
        columns = [*self.table.payload[self.step]]
        columns += [role for role in ("event_time", "entity_id", "event_type", "tenant") if self.has(role)]
        column = self.rng.choice(columns)
        if column not in self.table.payload[self.step]:
            return replace(row, **{column: getattr(self.row(), column)})
        payload = {**dict(row.payload), column: self.value(column)}
        return replace(row, payload=tuple(payload.items()))

    def new_event(self) -> None:
        self.add(self.row())

    def sent_again(self) -> None:
        self.add(self.delivered_now(self.some_row()))

    def conflicting(self) -> None:
        self.add(self.changed(self.delivered_now(self.some_row())))

    def identical(self) -> None:
        """The very same row once more, in its batch."""
        self.rows.extend([self.some_row()] * self.rng.choice([1, 1, 2]))

    def late_commit(self) -> None:
        """Turns up now, with the load time and the batch of an earlier step."""
        row, earlier = self.some_row(), self.rng.randint(0, self.step)
        kind = self.rng.choice(["new", "again", "conflicting"])
        if kind == "new":
            self.add(self.row(earlier))
        else:
            again = self.delivered_now(row, earlier)
            self.add(self.changed(again) if kind == "conflicting" else again)

    def nothing_known(self) -> None:
        """NULL where there should be something."""
        row = self.row()
        columns = [*dict(row.payload), *(role for role in ROLES if self.has(role))]
        for column in self.rng.sample(columns, self.rng.choice([1, 1, 2])):
            if column in dict(row.payload):
                row = replace(row, payload=tuple((n, None if n == column else v) for n, v in row.payload))
            else:
                row = replace(row, **{column: None})
        self.add(row)

    def from_the_future(self) -> None:
        row = self.row()
        assert row.ingested_at is not None
        ahead = self.rng.choice([timedelta(minutes=5), timedelta(minutes=6), timedelta(days=40)])
        self.add(replace(row, event_time=row.ingested_at + ahead))

    def too_late(self) -> None:
        row = self.row()
        assert row.ingested_at is not None
        self.add(replace(row, event_time=row.ingested_at - timedelta(days=self.rng.choice([3, 9, 40]))))

    # What is done to rows that are there

    def rewritten(self) -> None:
        """One row in place; its neighbours in the batch stay."""
        if self.rows:
            place = self.rng.randrange(len(self.rows))
            self.rows[place] = self.changed(self.rows[place])

    def swapped(self) -> None:
        """Two rows exchange a value: counts and sums stay as they were."""
        if len(self.rows) >= 2:
            one, other = self.rng.sample(range(len(self.rows)), 2)
            column = self.rng.choice([*self.table.payload[self.step]])
            left, right = dict(self.rows[one].payload), dict(self.rows[other].payload)
            left[column], right[column] = right.get(column), left.get(column)
            self.rows[one] = replace(self.rows[one], payload=tuple(left.items()))
            self.rows[other] = replace(self.rows[other], payload=tuple(right.items()))

    def row_deleted(self) -> None:
        if self.rows:
            self.deleted.append(self.rows.pop(self.rng.randrange(len(self.rows))))

    def batch_deleted(self) -> None:
        if self.rows:
            batch = self.some_row().batch_id
            self.deleted += [row for row in self.rows if row.batch_id == batch]
            self.rows = [row for row in self.rows if row.batch_id != batch]

    def returned(self) -> None:
        if self.deleted:
            self.rows.append(self.deleted.pop(self.rng.randrange(len(self.deleted))))


# What a build is run in


@dataclass(frozen=True)
class Circumstances:
    """What is otherwise at one build, and leaves the record as it is."""

    session: bool = False  # dbt's sessions have another time zone and other formats
    settings: bool = False  # the project sets for every node what is harmless
    attempts: tuple[
        str, ...
    ] = ()  # ways to build that record nothing, tried before: keys of playing.ATTEMPTS
    in_capitals: bool = False  # the raw tables come back with their columns in capitals
    retyped: bool = False  # and with wider types

    def type_of(self, data_type: str) -> str:
        wider = {"timestamp": "timestamp with time zone", "numeric(18, 3)": "numeric(30, 6)"}
        return wider.get(data_type, data_type) if self.retyped else data_type

    def spelt(self, column: str) -> str:
        return column.upper() if self.in_capitals else column


ORDINARY = Circumstances()
ATTEMPTS = ("empty", "sample", "half", "refused setting")


def circumstances() -> st.SearchStrategy[Circumstances]:
    return st.builds(
        Circumstances,
        session=st.booleans(),
        settings=st.booleans(),
        attempts=st.lists(st.sampled_from(ATTEMPTS), max_size=2, unique=True).map(tuple),
        in_capitals=st.booleans(),
        retyped=st.booleans(),
    )


# A world of many


@dataclass(frozen=True)
class World:
    """Many mini-histories in the same tables. `states[table][step]` are the rows that the table has then.

    Where columns come and go (`evolves`), the outcome may depend on the cadence: what a column said before it went is
    known only if a build saw it, and a row that was captured before a column came is not compared over it.
    """

    seeds: Mapping[str, tuple[int, ...]]
    evolves: bool = True
    cadence: tuple[int, ...] = tuple(range(STEPS))  # the steps that are followed by a build
    sparse_cadence: tuple[int, ...] = (STEPS - 1,)
    circumstances: tuple[Circumstances, ...] = (ORDINARY,) * STEPS  # of the build after each step
    states: dict[str, list[list[Raw]]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        states: dict[str, list[list[Raw]]] = {}
        for table in map(self.table, TABLES):
            lives = [mini_history(Random(seed), table, f"h{seed}") for seed in self.seeds[table.name]]
            states[table.name] = [[row for life in lives for row in life[step]] for step in range(STEPS)]
        object.__setattr__(self, "states", states)

    def table(self, table: Table) -> Table:
        return table if self.evolves else table.unchanging()

    def builds(self, table: Table, cadence: Sequence[int]) -> list[Build]:
        return [Build(BUILT_AT[step], self.states[table.name][step]) for step in cadence]

    def row_count(self) -> int:
        return sum(len(rows) for states in self.states.values() for rows in states)


def cadences() -> st.SearchStrategy[tuple[int, ...]]:
    """Some steps, in order, the last one always among them."""
    earlier = st.sets(st.integers(0, STEPS - 2))
    return earlier.map(lambda steps: (*sorted(steps), STEPS - 1))


def worlds(minis: int, evolves: bool = True) -> st.SearchStrategy[World]:
    """Worlds of up to this many mini-histories in each table, half as many at least, in drawn circumstances."""
    seeds = st.lists(st.integers(0, 2**32 - 1), min_size=minis // 2, max_size=minis, unique=True).map(tuple)
    return st.builds(
        World,
        seeds=st.fixed_dictionaries({table.name: seeds for table in TABLES}),
        evolves=st.just(evolves),
        sparse_cadence=cadences(),
        circumstances=st.tuples(*[circumstances()] * STEPS),
    )
