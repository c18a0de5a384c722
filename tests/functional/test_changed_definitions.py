"""Metrics whose definition changes, or that go and come back: every value follows, every change is explained."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer

STREAM: dict[str, Any] = {
    "relation": "source.shop.orders",
    "event_id": "id",
    "event_time": "at",
    "ingested_at": "loaded_at",
    "batch_id": "load",
    "metrics": {"revenue": {"agg": "sum", "expr": "amount"}, "orders": {"agg": "count"}},
}
#: (load, event, hour of the event, amount)
ROWS = [("b0", "e1", 0, 10), ("b0", "e2", 5, 20), ("b1", "e3", 0, 40), ("b2", "e4", 5, 80)]


class Shop:
    def __init__(self, engine: Engine, folder: Path) -> None:
        self.consumer = Consumer(
            engine, folder, streams={"orders": deepcopy(STREAM)}, sources={"shop": ["orders"]}
        )
        self.consumer.create_table(
            "orders",
            {"id": "text", "at": "timestamp", "loaded_at": "timestamp", "load": "text", "amount": "integer"},
        )
        assert self.consumer.streams is not None
        self.stream = self.consumer.streams["orders"]
        self.day = 4

    def build(self, load: str | None = None) -> None:
        self.day += 1
        self.consumer.insert(
            "orders",
            [
                {
                    "id": event,
                    "at": f"2026-01-05 {hour:02}:30:00",
                    "loaded_at": f"2026-01-{self.day:02} 10:00:00",
                    "load": batch,
                    "amount": amount,
                }
                for batch, event, hour, amount in ROWS
                if batch == load
            ],
        )
        self.consumer.build(as_of=f"2026-01-{self.day:02} 12:00:00")
        # Everything on record, added up anew and compared.
        self.consumer.dbt(["test"])

    def versions(self, metric: str = "revenue") -> list[tuple[Any, ...]]:
        """(window's start, window's end, version, value, day of publication), in order."""
        rows = self.consumer.query(
            f"select * from analytics.forensics__metric_versions where metric = '{metric}'"
        )
        return sorted(
            (
                f"{row['window_start']:%d %H}",
                f"{row['window_end']:%d %H}",
                row["version"],
                int(row["value"]),
                f"{row['recorded_from']:%d}",
            )
            for row in rows
        )

    def changes(self, version: int, metric: str = "revenue") -> dict[str, Decimal]:
        rows = self.consumer.query(
            "select cause, change from analytics.forensics__metric_changes"
            f" where metric = '{metric}' and version = {version}"
        )
        return {row["cause"]: row["change"] for row in rows}


@pytest.fixture
def shop(engine: Engine, tmp_path: Path) -> Shop:
    return Shop(engine, tmp_path / "consumer")


@pytest.mark.gate
def test_a_metric_that_was_left_out_catches_up(shop: Shop) -> None:
    shop.build("b0")
    revenue = shop.stream["metrics"].pop("revenue")
    shop.build("b1")
    assert shop.versions() == [("05 00", "06 00", 1, 30, "05")]
    shop.stream["metrics"]["revenue"] = revenue
    shop.build()
    assert shop.versions() == [("05 00", "06 00", 1, 30, "05"), ("05 00", "06 00", 2, 70, "07")]
    assert shop.changes(2) == {"late": 40}
    shop.build("b2")
    assert shop.versions()[-1] == ("05 00", "06 00", 3, 150, "08")
    assert shop.changes(3) == {"late": 80}
    assert [version[3] for version in shop.versions("orders")] == [2, 3, 4]


@pytest.mark.slow
def test_a_metric_that_comes_back_otherwise(shop: Shop) -> None:
    """What it missed is explained by how it arrived, and the rest by the definition."""
    shop.build("b0")
    del shop.stream["metrics"]["revenue"]
    shop.build("b1")
    shop.stream["metrics"]["revenue"] = {"agg": "sum", "expr": "amount", "where": "amount > 15"}
    shop.build()
    assert shop.versions()[-1] == ("05 00", "06 00", 2, 60, "07")
    assert shop.changes(2) == {"definition_changed": -10, "late": 40}


def test_a_changed_definition_is_a_cause(shop: Shop) -> None:
    shop.build("b0")
    shop.stream["metrics"]["revenue"]["expr"] = "amount * 2"
    shop.build("b1")
    assert shop.versions()[-1] == ("05 00", "06 00", 2, 140, "06")
    assert shop.changes(2) == {"definition_changed": 30, "late": 80}
    shop.build()
    assert len(shop.versions()) == 2


@pytest.mark.gate
def test_a_metric_of_no_rows_yet(shop: Shop) -> None:
    shop.stream["metrics"]["large"] = {"agg": "count", "where": "amount > 50"}
    shop.build("b0")
    shop.build("b1")
    assert shop.versions("large") == []
    shop.build("b2")
    assert shop.versions("large") == [("05 00", "06 00", 1, 1, "07")]


@pytest.mark.slow
def test_another_window(shop: Shop) -> None:
    """A day and its first hour begin at one time: the hour's versions go on from the day's."""
    shop.build("b0")
    shop.stream["window"] = "hour"
    shop.build("b1")
    hours = [
        ("05 00", "05 01", 2, 50, "06"),
        ("05 00", "06 00", 1, 30, "05"),
        ("05 05", "05 06", 1, 20, "06"),
    ]
    assert shop.versions() == hours
    shop.stream["window"] = "day"
    shop.build("b2")
    assert shop.versions() == sorted(
        [*hours, ("05 00", "06 00", 3, 150, "07"), ("05 05", "05 06", 2, 0, "07")]
    )


@pytest.mark.gate
def test_what_does_not_add_up_changes_its_definition(shop: Shop) -> None:
    """The same of metrics that look at all entries of a window: left out and back, another definition, another part."""
    metrics = shop.stream["metrics"]
    metrics |= {
        "largest": {"agg": "max", "expr": "amount"},
        "kinds": {"agg": "count_distinct", "expr": "amount > 15"},
        "mean": {"agg": "ratio", "numerator": "revenue", "denominator": "orders"},
        "per_kind": {"agg": "ratio", "numerator": "revenue", "denominator": "kinds"},
    }
    shop.build("b0")
    assert [shop.versions(name)[-1][3] for name in ("largest", "kinds", "mean", "per_kind")] == [
        20,
        2,
        15,
        15,
    ]
    largest = metrics.pop("largest")
    metrics["kinds"]["expr"] = "amount"
    shop.build("b1")
    assert shop.changes(2, "kinds") == {"definition_changed": 0, "late": 1}
    assert shop.changes(2, "per_kind") == {"definition_changed": 0, "late": Decimal("8.333333333")}
    metrics["largest"] = largest
    metrics["kinds"]["where"] = "amount <> 20"
    shop.build("b2")
    assert shop.versions("largest")[-1][2:] == (2, 80, "07")
    assert shop.changes(2, "largest") == {"late": 60}
    assert shop.versions("kinds")[-1][2:] == (3, 3, "07")
    assert shop.changes(3, "kinds") == {"definition_changed": -1, "late": 1}
    assert shop.versions("per_kind")[-1][2:] == (3, 50, "07")
    metrics["largest"] = {"agg": "min", "expr": "amount"}
    shop.build()
    assert shop.changes(3, "largest") == {"definition_changed": -70}
