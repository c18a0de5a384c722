"""Sources that append, upsert and recreate: what is normal for each is quiet, a bad push is one incident."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer

START = datetime(2026, 1, 5)
DAY = timedelta(days=1)
ROWS_A_DAY = 60
FIRST_DAYS = 30
COLUMNS = {
    "id": "varchar",
    "happened": "timestamp",
    "loaded": "timestamp",
    "load_id": "varchar",
    "amount": "integer",
}
STREAM = {
    "event_id": "id",
    "event_time": "happened",
    "ingested_at": "loaded",
    "batch_id": "load_id",
    "on_conflict": "last_wins",
    "expected_delay": {"count": 3, "period": "hour"},
    "metrics": {"revenue": {"agg": "sum", "expr": "amount"}, "events": {"agg": "count"}},
}
#: Stream: how its loader writes, and what is declared.
WAYS = {
    "appended": ("append", "append"),
    "upserted": ("merge", "merge"),
    "recreated": ("replace", "replace"),
    "upserted_undeclared": ("merge", None),
    "recreated_undeclared": ("replace", None),
    "appended_misdeclared": ("append", "replace"),
}
LOADED = START + FIRST_DAYS * DAY + timedelta(hours=1)


@dataclass(frozen=True)
class Row:
    id: str
    happened: datetime
    loaded: datetime
    load_id: str
    amount: int


@dataclass
class Table:
    """A raw table and the loader that writes it."""

    way: str
    rows: dict[str, Row] = field(default_factory=dict)

    def load(self, day: int) -> None:
        """The rows of a day, loaded an hour after it; each load corrects four rows of the days before."""
        loaded, load_id = START + (day + 1) * DAY + timedelta(hours=1), f"load {day}"
        step = DAY / ROWS_A_DAY
        for number in range(ROWS_A_DAY):
            name = f"e{day * ROWS_A_DAY + number}"
            self.rows[name] = Row(name, START + day * DAY + number * step, loaded, load_id, 10 + number)
        for number in range(4) if day and self.way != "append" else ():
            name = f"e{(day - 1) * ROWS_A_DAY + 7 * number + day % 5}"
            row = self.rows[name]
            self.rows[name] = replace(row, amount=row.amount + 1, loaded=loaded, load_id=load_id)
        if self.way == "replace":
            self.move_all(loaded, load_id)

    def push_badly(self, at: datetime) -> None:
        """Another file takes the place of all: a third of its events are not in it, and half say something else."""
        kept = list(self.rows.values())
        self.rows = {}
        for number, row in enumerate(kept):
            if number % 3:
                amount = row.amount * 7 if number % 2 else row.amount
                self.rows[row.id] = replace(row, amount=amount, loaded=at, load_id="bad push")

    def move_all(self, loaded: datetime, load_id: str) -> None:
        self.rows = {name: replace(row, loaded=loaded, load_id=load_id) for name, row in self.rows.items()}


class Shop:
    def __init__(self, engine: Engine, folder: Any, names: Iterable[str]) -> None:
        self.tables = {name: Table(WAYS[name][0]) for name in names}
        streams = {
            name: {
                "relation": f"source.raw.{name}",
                **STREAM,
                **({"writes": WAYS[name][1]} if WAYS[name][1] else {}),
            }
            for name in names
        }
        self.consumer = Consumer(engine, folder, streams=streams, sources={"raw": list(streams)})
        for name in names:
            self.consumer.create_table(name, COLUMNS)

    def build(self, at: datetime) -> None:
        for name, table in self.tables.items():
            self.consumer.execute(f"delete from raw.{name}")
            self.consumer.insert(name, [vars(row) for row in table.rows.values()])
        self.consumer.build(as_of=str(at))

    def load(self, day: int) -> None:
        for table in self.tables.values():
            table.load(day)

    def detections(self, stream: str) -> list[tuple[str, bool]]:
        found = self.consumer.query(
            f"select detector, is_open from analytics.forensics__detections where stream = '{stream}' order by detector"
        )
        return [(row["detector"], row["is_open"]) for row in found]


def test_each_way_to_write_is_quiet_where_it_is_declared(engine: Engine, tmp_path: Any) -> None:
    shop = Shop(engine, tmp_path, WAYS)
    for day in range(FIRST_DAYS):
        shop.load(day)
    for day in range(FIRST_DAYS, FIRST_DAYS + 3):
        shop.load(day)
        shop.build(LOADED + (day - FIRST_DAYS) * DAY + timedelta(hours=2))
    assert {name: shop.detections(name) for name in WAYS} == {
        "appended": [],
        "upserted": [],
        "recreated": [],
        "upserted_undeclared": [],
        "recreated_undeclared": [("undeclared_writes", True)],
        "appended_misdeclared": [("undeclared_writes", True)],
    }
    evidence = shop.consumer.query(
        "select stream, evidence from analytics.forensics__detections order by stream"
    )
    assert [row["evidence"].split('"declare_writes":')[1] for row in evidence] == ['"append"}', '"replace"}']
    # One more load, and ten rows have moved where upserts are not declared.
    shop.load(FIRST_DAYS + 3)
    shop.build(LOADED + 3 * DAY + timedelta(hours=2))
    assert shop.detections("upserted_undeclared") == [("undeclared_writes", True)]
    moved = shop.consumer.query(
        "select stream, is_moved, count(*) as row_count from analytics.forensics__vanished_rows group by 1, 2"
    )
    assert {row["stream"]: (row["is_moved"], row["row_count"]) for row in moved} == {
        "upserted": (True, 12),
        "upserted_undeclared": (True, 12),
        **dict.fromkeys(
            ("recreated", "recreated_undeclared"),
            (True, sum(ROWS_A_DAY * (FIRST_DAYS + n) for n in (1, 2, 3))),
        ),
    }
    causes = shop.consumer.query(
        "select distinct cause from analytics.forensics__metric_changes where cause like '%delet%'"
    )
    assert causes == []


@pytest.mark.engines_differ
def test_a_bad_push_is_one_incident_from_the_push_to_the_repair(engine: Engine, tmp_path: Any) -> None:
    names = ("upserted", "recreated")
    shop = Shop(engine, tmp_path, names)
    for day in range(FIRST_DAYS):
        shop.load(day)
    shop.build(LOADED - DAY + timedelta(hours=2))
    shop.load(FIRST_DAYS)
    shop.build(LOADED + timedelta(hours=2))
    before = {name: dict(table.rows) for name, table in shop.tables.items()}
    pushed = LOADED + timedelta(hours=11)
    for table in shop.tables.values():
        table.push_badly(pushed)
    shop.build(pushed + timedelta(hours=1))
    (upserted, recreated) = (
        shop.consumer.query(f"select * from analytics.forensics__incidents where stream = '{name}'")
        for name in names
    )
    for (incident,) in (upserted, recreated):
        assert (incident["name"], incident["status"]) == ("history deleted, settled window restated", "open")
        assert incident["opened_at"] == pushed + timedelta(hours=1)
        assert (incident["window_start"], incident["window_end"]) == (START, START + (FIRST_DAYS + 1) * DAY)

    # The repair: the rows as they were, where the loader upserts; a load of everything, where it recreates.
    for name, table in shop.tables.items():
        table.rows = before[name]
    shop.load(FIRST_DAYS + 1)
    repaired = LOADED + DAY + timedelta(hours=2)
    shop.build(repaired)
    incidents = shop.consumer.query(
        "select stream, status, resolved_at from analytics.forensics__incidents order by stream"
    )
    assert [tuple(row.values()) for row in incidents] == [
        (name, "resolved", repaired) for name in sorted(names)
    ]


@pytest.mark.engines_differ
def test_a_load_is_captured_when_it_is_complete(engine: Engine, tmp_path: Any) -> None:
    loads = {"relation": "source.raw._dlt_loads", "batch_id": "load_id", "where": "status = 0"}
    stream = {"relation": "source.raw.orders", **STREAM, "complete_batches": loads}
    consumer = Consumer(
        engine, tmp_path, streams={"orders": stream}, sources={"raw": ["orders", "_dlt_loads"]}
    )
    consumer.create_table("orders", COLUMNS)
    consumer.create_table("_dlt_loads", {"load_id": "varchar", "status": "integer"})
    for number in (1, 2):
        row = Row(f"e{number}", START, START + timedelta(hours=number), f"load {number}", 100 * number)
        consumer.insert("orders", [vars(row)])
        consumer.insert("_dlt_loads", [{"load_id": f"load {number}", "status": number - 1}])
    value = "select value from analytics.forensics__metric_versions where metric = 'revenue' and is_current"
    consumer.build(as_of=str(START + timedelta(hours=3)))
    assert [int(row["value"]) for row in consumer.query(value)] == [100]
    consumer.execute("update raw._dlt_loads set status = 0")
    consumer.build(as_of=str(START + timedelta(hours=4)))
    assert [int(row["value"]) for row in consumer.query(value)] == [300]
    assert consumer.query("select * from analytics.forensics__vanished_rows") == []

    consumer.execute("alter table raw._dlt_loads rename column load_id to id")
    consumer.dbt(["build", "--vars", '{forensics_as_of: "2026-01-05 05:00:00"}'], expect="failure")
    (unread,) = consumer.query("select config_key, reason from analytics.forensics__unread_streams")
    assert unread["config_key"] == "complete_batches"
    assert (
        "found load_id, which source.raw._dlt_loads does not have; allowed: its columns: id, status"
        in unread["reason"]
    )
