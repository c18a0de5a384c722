"""A record with something in every append-only table, and the SQL of the tests that ship, to be run on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.engines import Engine
from harness.project import Consumer

Row = dict[str, Any]

STREAM = {
    "event_id": "id",
    "entity_id": "customer",
    "event_time": "happened",
    "ingested_at": "loaded",
    "batch_id": "batch",
    "backcast": {"every": "day"},
    "rules": {"amount_is_given": "amount is not null"},
    "metrics": {"revenue": {"agg": "sum", "expr": "amount", "dimensions": ["customer"]}},
}
STREAMS = {
    "orders": {"relation": "source.raw.orders", **STREAM, "on_conflict": "last_wins"},
    "payments": {"relation": "source.raw.payments", **STREAM},
}
WATCHES = {"daily": {"relation": "ref.daily", "window_start": "day", "value": "revenue"}}
DAILY = "select cast('2026-01-05' as date) as day, sum(amount) as revenue from {{ source('raw', 'orders') }}"
COLUMNS = {
    "id": "varchar",
    "customer": "varchar",
    "happened": "timestamp",
    "loaded": "timestamp",
    "batch": "varchar",
    "amount": "integer",
}
#: The times of the three builds; acts are between the second and the third.
BUILT_AT = ("2026-01-06 12:00:00", "2026-01-07 12:00:00", "2026-01-08 12:00:00")
ACTED_AT = "2026-01-07 18:00:00"


def row(event: str, customer: str, happened: str, loaded: str, batch: str, amount: int | None) -> Row:
    times = {"happened": f"2026-01-{happened}:00", "loaded": f"2026-01-{loaded}:00"}
    return {"id": event, "customer": customer, **times, "batch": batch, "amount": amount}


FIRST = [
    row("e1", "a", "05 09:00", "05 10:00", "b1", 100),
    row("e2", "b", "05 09:30", "05 10:00", "b1", 50),
    row("e3", "a", "05 11:00", "06 10:00", "b2", 30),
    row("e4", "b", "06 08:00", "06 10:00", "b2", 5),
    row("e5", "b", "06 08:30", "06 10:00", "b2", None),
]
SECOND = [
    row("e1", "a", "05 09:00", "07 10:00", "b3", 100),
    row("e2", "b", "05 09:30", "07 10:00", "b3", 55),
    row("e6", "a", "05 12:00", "07 10:00", "b3", 7),
]
THIRD = [row("e7", "a", "07 09:00", "08 10:00", "b4", 9), row("e8", "a", "05 13:00", "08 10:00", "b4", 3)]


class Record:
    """A consumer after three builds: two streams, corrections, a deletion, a new column, an action, a watched model."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.consumer = Consumer(
            engine,
            folder,
            streams=STREAMS,
            sources={"raw": ["orders", "payments"]},
            models={"daily.sql": DAILY},
            vars={"forensics_watches": WATCHES},
        )
        for table in ("orders", "payments"):
            self.consumer.create_table(table, COLUMNS)
        self._build(0, FIRST)
        self._build(1, SECOND)
        self._act()
        self.consumer.execute("delete from raw.orders where id = 'e3'")
        self.consumer.execute("alter table raw.orders add column note varchar")
        self._build(2, THIRD)
        run = self.consumer.dbt(["test", "--select", "package:dbt_forensics"])
        self.tests = {result.node.name: result.node.compiled_code for result in run.result.results}
        self._cursor: Any = None
        self._cursor_of: Any = None

    def _build(self, number: int, rows: list[Row]) -> None:
        self.consumer.insert("orders", rows)
        self.consumer.insert("payments", rows[:2])
        self.consumer.build(as_of=BUILT_AT[number])

    def _act(self) -> None:
        """Records what the command would: a row is withdrawn, another one is emitted."""
        for action_id, kind in (("a1", "withdrawal"), ("a2", "emission")):
            for act in ("planned", "applied"):
                self.consumer.execute(
                    "insert into analytics.forensics__action_log (action_id, act, kind, stream, row_count, owner,"
                    " reason, target, tool_version, recorded_at)"
                    f" values ('{action_id}', '{act}', '{kind}', 'orders', 1, 'ann',"
                    f" 'bad', 'dev', '0.1.0', timestamp '{ACTED_AT}')"
                )
        for table, action_id, place, columns in (
            ("int_forensics__action_rows", "a1", "", "window_start"),
            (
                "forensics__outbox",
                "a2",
                ", 1 as position",
                "event_type, event_time, batch_id, tenant, verdict, payload",
            ),
        ):
            self.consumer.execute(
                f"insert into analytics.{table} (action_id, stream, row_key, event_id, entity_id, ingested_at,"
                f" {columns}, recorded_at{', position' if place else ''})"
                f" select '{action_id}', stream, row_key, event_id, entity_id, ingested_at, {columns},"
                f" timestamp '{ACTED_AT}'{place} from analytics.forensics__verdicts"
                " where stream = 'orders' and event_id = 'e4'"
            )

    @property
    def cursor(self) -> Any:
        """One cursor for all that follows a build; the tests' SQL is planned once on it."""
        connection = self.engine.connection
        if self._cursor_of is not connection:
            self._cursor_of, self._cursor = connection, connection.cursor()
            for name, sql in self.tests.items():
                self._cursor.execute(f"prepare {name} as {sql}")
        return self._cursor

    @contextmanager
    def changed_by(self, *statements: str) -> Iterator[None]:
        """The record as these statements leave it, until the end of the block."""
        self.execute("begin")
        try:
            for statement in statements:
                self.execute(statement)
            yield
        finally:
            self.execute("rollback")

    def execute(self, sql: str) -> None:
        self.cursor.execute(sql)

    def query(self, sql: str) -> list[Row]:
        """The rows of a query, on the record as it was changed."""
        self.cursor.execute(sql)
        names = [column[0] for column in self.cursor.description]
        return [dict(zip(names, values, strict=True)) for values in self.cursor.fetchall()]

    def count(self, table: str) -> int:
        return int(self.query(f"select count(*) as n from {table}")[0]["n"])

    def failures(self, *tests: str) -> Mapping[str, list[Row]]:
        """What the shipped tests return, by test; tests that pass are left out."""
        found = {name: self.query(f"execute {name}") for name in tests or self.tests}
        return {name: rows for name, rows in found.items() if rows}
