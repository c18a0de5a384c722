"""Columns that come, go and change their type: no build fails, no row is lost, nothing becomes a conflict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer

Row = dict[str, Any]

STREAM = {
    "relation": "source.shop.orders",
    "event_id": "id",
    "event_time": "at",
    "ingested_at": "loaded_at",
    "batch_id": "load",
    "tenant": "unit",
    "on_conflict": "last_wins",
    "rules": {"amount_is_not_negative": "amount >= 0"},
    "metrics": {
        "revenue": {"agg": "sum", "expr": "amount"},
        "orders": {"agg": "count", "dimensions": ["status"]},
    },
}
BUILT_AT = [datetime(2026, 1, 5 + day, 12) for day in range(5)]


def row(id: str, day: int, **given: Any) -> Row:
    usual = {
        "id": id,
        "at": datetime(2026, 1, 5, 9),
        "loaded_at": datetime(2026, 1, 5 + day, 10),
        "load": f"b{day}",
    }
    return {**usual, **given}


@dataclass
class Seen:
    """What was on record after a build."""

    events: list[Row]
    values: list[Row]
    schema: list[Row]
    vanished: list[Row]
    batches: list[Row]


@dataclass
class Played:
    consumer: Consumer
    seen: list[Seen] = field(default_factory=list)

    def build(self) -> None:
        consumer = self.consumer
        consumer.build(as_of=str(BUILT_AT[len(self.seen)]))
        self.seen.append(
            Seen(
                events=consumer.query("select * from analytics.forensics__verdicts"),
                values=consumer.query("select * from analytics.forensics__metric_versions where is_current"),
                schema=consumer.query("select * from analytics.forensics__schema_history"),
                vanished=consumer.query("select * from analytics.forensics__vanished_rows"),
                batches=consumer.query("select * from analytics.forensics__batch_history"),
            )
        )


@pytest.fixture(scope="module")
def played(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    with new_engine() as engine:
        folder = tmp_path_factory.mktemp("schema_changes") / "consumer"
        consumer = Consumer(engine, folder, streams={"orders": STREAM}, sources={"shop": ["orders"]})
        played = Played(consumer)
        columns = {"id": "text", "at": "timestamp", "loaded_at": "timestamp", "load": "text", "unit": "text"}
        consumer.create_table(
            "orders", {**columns, "amount": "numeric(18, 2)", "status": "text", "size": "integer"}
        )
        consumer.insert(
            "orders",
            [
                row("e1", 0, unit="de", amount=10, status="paid", size=1),
                row("e2", 0, unit="us", amount=20, status="open", size=None),
                row("e3", 0, unit=None, amount=-1, status="paid", size=3),
            ],
        )
        played.build()

        # A column more: what is sent again with it is a duplicate whose shape differs.
        consumer.execute("alter table raw.orders add column note text")
        consumer.insert("orders", [row("e1", 1, unit="de", amount=10, status="paid", size=1, note="gift")])
        consumer.insert("orders", [row("e4", 1, unit="de", amount=40, status="paid", size=1, note="")])
        played.build()

        # Other types, with room for the same values.
        consumer.execute("alter table raw.orders alter column amount type numeric(22, 4)")
        consumer.execute("alter table raw.orders alter column size type text")
        consumer.insert("orders", [row("e2", 2, unit="us", amount="20.0000", status="open", size=None)])
        played.build()

        # Two columns less, one of them a role; and a re-send of a row that had them.
        consumer.execute("alter table raw.orders drop column status")
        consumer.execute("alter table raw.orders drop column unit")
        consumer.insert("orders", [row("e4", 3, amount=40, size="1", note="")])
        consumer.insert("orders", [row("e5", 3, amount=50, size="5", note=None)])
        played.build()

        # The loader writes the table anew, with its columns in another order.
        consumer.execute("alter table raw.orders rename to before")
        types = {"note": "text", "size": "text", "amount": "numeric(22, 4)", "load": "text"}
        consumer.create_table("orders", {**types, "loaded_at": "timestamp", "at": "timestamp", "id": "text"})
        consumer.execute(
            'insert into raw.orders select note, size, amount, "load", loaded_at, "at", id from raw.before'
        )
        played.build()
        yield played


def rows_by_event(seen: Seen) -> dict[tuple[str, str], Row]:
    return {(event["event_id"], event["batch_id"]): event for event in seen.events}


@pytest.mark.parametrize("build", range(5))
def test_no_row_is_lost_or_added(played: Played, build: int) -> None:
    """What arrived is there once, and nothing else is."""
    arrived = [{"e1", "e2", "e3"}, {"e1", "e4"}, {"e2"}, {"e4", "e5"}, set()]
    expected = {(id, f"b{day}") for day in range(build + 1) for id in arrived[day]}
    assert len(played.seen[build].events) == len(expected)
    assert rows_by_event(played.seen[build]).keys() == expected
    assert played.seen[build].vanished == []


@pytest.mark.parametrize("build", range(5))
def test_verdicts(played: Played, build: int) -> None:
    expected = {
        ("e1", "b0"): "accepted",
        ("e2", "b0"): "accepted",
        ("e3", "b0"): "quarantined",
        ("e1", "b1"): "duplicate",
        ("e4", "b1"): "accepted",
        ("e2", "b2"): "duplicate",
        ("e4", "b3"): "duplicate",
        ("e5", "b3"): "accepted",
    }
    found = {key: event["verdict"] for key, event in rows_by_event(played.seen[build]).items()}
    assert found == {key: expected[key] for key in found}


@pytest.mark.parametrize(("build", "revenue"), list(enumerate([30, 70, 70, 120, 120])))
def test_values(played: Played, build: int, revenue: int) -> None:
    values = played.seen[build].values
    assert sum(row["value"] for row in values if row["metric"] == "revenue") == revenue
    orders = {row["dimensions"]: row["value"] for row in values if row["metric"] == "orders"}
    expected = {'{"status":"open"}': Decimal(1), '{"status":"paid"}': Decimal(1 if build == 0 else 2)}
    if build >= 3:
        expected["{}"] = Decimal(1)  # e5 came without a status
    assert orders == expected


def test_the_payload_keeps_what_the_relation_lost(played: Played) -> None:
    events = rows_by_event(played.seen[-1])
    assert events["e1", "b0"]["payload"] == '{"amount":"10","size":"1","status":"paid"}'
    assert events["e1", "b0"]["tenant"] == "de"
    assert events["e4", "b3"]["payload"] == '{"amount":"40","note":"","size":"1"}'
    assert events["e5", "b3"]["payload"] == '{"amount":"50","size":"5"}'


def test_schema_history(played: Played) -> None:
    """Each column: when it came, when its type or position changed, when it went."""
    versions: dict[str, list[tuple[datetime, bool, int | None]]] = {}
    for version in sorted(played.seen[-1].schema, key=lambda version: version["dbt_valid_from"]):
        versions.setdefault(version["column_name"], []).append(
            (version["dbt_valid_from"], version["is_dropped"], version["column_position"])
        )
    first, with_note, retyped, with_less, anew = BUILT_AT
    assert {column: [when for when, _, _ in history] for column, history in versions.items()} == {
        "id": [first, anew],
        "at": [first, anew],
        "loaded_at": [first, anew],
        # It stood fourth before and after.
        "load": [first],
        "unit": [first, with_less],
        "amount": [first, retyped, with_less, anew],
        "status": [first, with_less],
        "size": [first, retyped, with_less, anew],
        "note": [with_note, with_less, anew],
    }
    assert {column for column, history in versions.items() if history[-1][1]} == {"unit", "status"}
    last = {column: history[-1][2] for column, history in versions.items() if not history[-1][1]}
    assert last == {"note": 1, "size": 2, "amount": 3, "load": 4, "loaded_at": 5, "at": 6, "id": 7}
    current = {row["column_name"]: row for row in played.seen[-1].schema if row["dbt_valid_to"] is None}
    assert len(current) == 9
    assert "int" in next(
        row["data_type"].lower() for row in played.seen[0].schema if row["column_name"] == "size"
    )
    assert "int" not in current["size"]["data_type"].lower()


def test_a_value_that_is_rewritten_while_columns_change_is_found(played: Played) -> None:
    """Last in this module. A change of columns hides nothing: no value that was NULL, and none in a new column."""
    consumer = played.consumer
    consumer.execute("alter table raw.orders add column channel text")
    consumer.execute("update raw.orders set note = 'thanks' where id = 'e5'")
    consumer.execute("update raw.orders set channel = 'web' where id = 'e1' and \"load\" = 'b1'")
    consumer.build(as_of="2026-01-10 12:00:00", vars={"forensics_verify": "full"})
    vanished = consumer.query("select event_id, batch_id from analytics.forensics__vanished_rows")
    assert {(row["event_id"], row["batch_id"]) for row in vanished} == {("e5", "b3"), ("e1", "b1")}
    new = consumer.query(
        "select event_id, payload from analytics.forensics__event_history where recorded_at >= '2026-01-10'"
    )
    assert {row["event_id"]: row["payload"] for row in new} == {
        "e5": '{"amount":"50","note":"thanks","size":"5"}',
        "e1": '{"amount":"10","channel":"web","note":"gift","size":"1"}',
    }
