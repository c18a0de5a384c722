"""Columns that the configured expressions name go away or become something else: no build stops, no row is lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from functional import test_turns as turns
from harness.engines import Engine
from harness.project import Consumer

Row = dict[str, Any]

STREAM: dict[str, Any] = {
    "relation": "source.shop.orders",
    "event_id": "id",
    "entity_id": "coalesce(customer, 'nobody')",
    "event_time": "at",
    "ingested_at": "loaded_at",
    "batch_id": "load",
    "on_conflict": "last_wins",
    "rules": {"amount_is_not_negative": "amount >= 0", "is_recent": "due > timestamp '2020-01-01 00:00:00'"},
    "metrics": {
        "revenue": {"agg": "sum", "expr": "amount * 2", "where": "is_paid and status <> 'test'"},
        "orders": {"agg": "count", "dimensions": ["amount"]},
    },
}
COLUMNS = {
    "id": "integer",
    "customer": "text",
    "at": "timestamp",
    "loaded_at": "timestamp",
    "load": "integer",
    "amount": "integer",
    "is_paid": "boolean",
    "due": "timestamp",
    "status": "text",
}


def order(id: Any, day: int, **given: Any) -> Row:
    usual = {
        "id": id,
        "customer": "c",
        "at": "2026-01-05 09:00:00",
        "loaded_at": f"2026-01-{day:02} 10:00:00",
        "load": day,
        "amount": 10,
        "is_paid": True,
        "due": "2026-02-01 00:00:00",
        "status": "new",
    }
    return {**usual, **given}


def consumer_of(engine: Engine, folder: Path) -> Consumer:
    consumer = Consumer(engine, folder, streams={"orders": STREAM}, sources={"shop": ["orders"]})
    consumer.create_table("orders", COLUMNS)
    consumer.insert("orders", [order(1, 5), order(2, 5, amount=-1), order(3, 5, status="test")])
    consumer.build(as_of="2026-01-05 12:00:00")
    return consumer


def verdicts(consumer: Consumer) -> dict[str, tuple[str, str]]:
    rows = consumer.query("select event_id, verdict, cause from analytics.forensics__verdicts")
    return {row["event_id"]: (row["verdict"], row["cause"]) for row in rows}


def revenue(consumer: Consumer) -> Any:
    rows = consumer.query(
        "select sum(value) as value from analytics.forensics__metric_versions"
        " where metric = 'revenue' and is_current"
    )
    return rows[0]["value"]


COUNTS = ("accepted", "on_time")
LATE = ("accepted", "late")


@pytest.mark.slow
def test_columns_that_become_text(engine: Engine, tmp_path: Path) -> None:
    """Numbers, times, truths and ids turn into text: what can be read counts, what cannot is held, all is kept."""
    consumer = consumer_of(engine, tmp_path / "consumer")
    for column in ("id", "load", "amount", "is_paid", "due", "at"):
        consumer.execute(f'alter table raw.orders alter column "{column}" type text')
    consumer.insert(
        "orders",
        [
            order("4", 6, load="6", amount="7.5", is_paid="true"),
            order("five", 6, load="6", amount="ten", is_paid="true"),
            order("6", 6, load="6", amount="1", is_paid="perhaps"),
            order("7", 6, load="6", amount="1", is_paid="true", due="soon"),
            order("8", 6, load="6", amount="-3", is_paid="true"),
            order("9", 6, load="6", amount=None, is_paid=None, due=None),
        ],
    )
    for hour in (12, 13):
        consumer.build(
            as_of=f"2026-01-06 {hour}:00:00", vars={"forensics_verify": "full" if hour == 13 else "horizon"}
        )
        assert verdicts(consumer) == {
            "1": COUNTS,
            "2": ("quarantined", "rule:amount_is_not_negative"),
            "3": COUNTS,
            "4": LATE,
            "five": ("quarantined", "rule:amount_keeps_its_type"),
            "6": ("quarantined", "rule:is_paid_keeps_its_type"),
            "7": ("quarantined", "rule:due_keeps_its_type"),
            "8": ("quarantined", "rule:amount_is_not_negative"),
            "9": LATE,
        }
        assert revenue(consumer) == 35
        assert consumer.query("select * from analytics.forensics__vanished_rows") == []
    (held,) = consumer.query("select payload from analytics.forensics__verdicts where event_id = 'five'")
    assert '"amount":"ten"' in held["payload"]
    consumer.dbt(["test"])


def test_the_id_and_the_time_go(engine: Engine, tmp_path: Path) -> None:
    """What is on record stays as it is; what comes without an id or a time is held."""
    consumer = consumer_of(engine, tmp_path / "consumer")
    for day, column in ((6, "id"), (7, "at")):
        consumer.execute(f'alter table raw.orders drop column "{column}"')
        gone = ("id",) if day == 6 else ("id", "at")
        new = {name: value for name, value in order(4, day).items() if name not in gone}
        consumer.insert("orders", [new])
        consumer.build(as_of=f"2026-01-{day:02} 12:00:00", vars={"forensics_verify": "full"})
        held = ("quarantined", "rule:event_id_is_not_null")
        assert verdicts(consumer) == {
            "1": COUNTS,
            "2": ("quarantined", "rule:amount_is_not_negative"),
            "3": COUNTS,
            None: held,
        }
        assert revenue(consumer) == 20
        assert consumer.query("select * from analytics.forensics__vanished_rows") == []
    consumer.dbt(["test"])


@pytest.mark.gate
@pytest.mark.parametrize("column", ["loaded_at", "load"])
def test_what_finds_batches_does_not_go(engine: Engine, tmp_path: Path, column: str) -> None:
    consumer = consumer_of(engine, tmp_path / "consumer")
    consumer.execute(f'alter table raw.orders drop column "{column}"')
    run = consumer.build(as_of="2026-01-06 12:00:00", expect="failure")
    assert f"found {column}, which source.shop.orders does not have" in run.log


@pytest.mark.slow
def test_columns_that_go(engine: Engine, tmp_path: Path) -> None:
    """A rule finds NULL in a column that is gone; what the row would add to a metric that names it is not known."""
    consumer = consumer_of(engine, tmp_path / "consumer")
    for column in ("customer", "amount", "due", "status"):
        consumer.execute(f'alter table raw.orders drop column "{column}"')
    new = order(4, 6)
    consumer.insert("orders", [{name: new[name] for name in ("id", "at", "loaded_at", "load", "is_paid")}])
    for hour in (12, 13):
        consumer.build(
            as_of=f"2026-01-06 {hour}:00:00", vars={"forensics_verify": "full" if hour == 13 else "horizon"}
        )
        assert verdicts(consumer) == {
            "1": COUNTS,
            "2": ("quarantined", "rule:amount_is_not_negative"),
            "3": COUNTS,
            "4": LATE,
        }
        (value,) = consumer.query(
            "select value, previous_value, input_count, unknown_reason from analytics.forensics__metric_versions"
            " where metric = 'revenue' and is_current"
        )
        assert value == {
            "value": None,
            "previous_value": 20,
            "input_count": 2,
            "unknown_reason": "1 of its rows came when the relation had lost a column that the metric names",
        }
        assert consumer.query("select * from analytics.forensics__vanished_rows") == []
    consumer.dbt(["test"])


@pytest.mark.gate
def test_columns_that_are_renamed(engine: Engine, tmp_path: Path) -> None:
    """A new name is no new value: rows stay, values stay, and a value that does change is found."""
    consumer = consumer_of(engine, tmp_path / "consumer")
    assert revenue(consumer) == 20
    before = verdicts(consumer)
    for day, (old, new) in ((6, ("amount", "total")), (7, ("total", "price"))):
        consumer.execute(f"alter table raw.orders rename column {old} to {new}")
        assert consumer.streams is not None
        consumer.streams["orders"] = yaml.safe_load(
            re.sub(rf"\b{old}\b", new, yaml.safe_dump(consumer.streams["orders"]))
        )
        # A row that comes into a batch on record has all of its rows compared; so has a scrub.
        late = {new if name == "amount" else name: value for name, value in order(day, day).items()}
        consumer.insert("orders", [{**late, "load": 5}])
        consumer.build(as_of=f"2026-01-{day:02} 12:00:00")
        consumer.build(as_of=f"2026-01-{day:02} 13:00:00", vars={"forensics_verify": "full"})
        before[str(day)] = LATE
        assert verdicts(consumer) == before
        assert revenue(consumer) == 20 * (day - 4)
        assert consumer.query("select * from analytics.forensics__vanished_rows") == []
    found = consumer.query(
        "select evidence from analytics.forensics__detections where detector = 'schema_drift'"
    )
    assert ["amount to total" in row["evidence"] for row in found].count(True) == 1
    consumer.dbt(["test"])
    consumer.execute("update raw.orders set price = 11 where id = 1")
    consumer.build(as_of="2026-01-08 12:00:00")
    assert [
        row["event_id"] for row in consumer.query("select * from analytics.forensics__vanished_rows")
    ] == ["1"]
    assert revenue(consumer) == 62


@pytest.mark.gate
def test_a_column_in_another_place_is_not_the_one_that_went(engine: Engine, tmp_path: Path) -> None:
    """What the old one said is no value of the new one: the rows say the same as before."""
    columns = {**turns.COLUMNS, "note": "varchar", "size": "integer"}
    consumer = Consumer(engine, tmp_path / "consumer", streams={"o": turns.STREAM}, sources={"raw": ["t"]})
    consumer.create_table("t", columns)
    consumer.insert("t", [{**turns.row("e1", 100, "b1"), "note": "x", "size": 1}])
    consumer.build(as_of="2026-01-06 00:00:00")
    consumer.execute("alter table raw.t drop column note")
    consumer.execute("alter table raw.t add column colour varchar")
    consumer.insert("t", [{**turns.row("e2", 10, "b1"), "size": 1, "colour": "red"}])
    consumer.build(as_of="2026-01-07 00:00:00")
    assert turns.entries(consumer, "e1") == [(1, "accepted", "on_time")]
    assert turns.value(consumer) == 110
