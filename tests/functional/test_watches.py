"""Watched models: each value that they show is on record; what no entry explains fails the contract and is named."""

from __future__ import annotations

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
    "metrics": {"revenue": {"agg": "sum", "expr": "amount", "dimensions": ["currency"]}},
}
MODEL = """
{{ config(materialized='table') }}
select cast(date_trunc('day', "at") as date) as day, currency, sum(amount) as revenue
from {{ source('shop', 'orders') }} group by 1, 2
"""
WATCH: dict[str, Any] = {
    "relation": "ref.daily_revenue",
    "window_start": "day",
    "dimensions": ["currency"],
    "value": "revenue",
    "metric": "orders.revenue",
}
CONTRACT = """
models:
  - name: daily_revenue
    data_tests:
      - dbt_forensics.reconciles_with:
          arguments: {metric: revenue, window_start: day, value: revenue, dimensions: [currency], tolerance: 0.01}
"""
WINDOW = "2026-01-05 00:00:00"


class Shop:
    def __init__(self, engine: Engine, folder: Path, **watch: Any) -> None:
        self.consumer = Consumer(
            engine,
            folder,
            streams={"orders": STREAM},
            sources={"shop": ["orders"]},
            vars={"forensics_watches": {"daily": {**WATCH, **watch}}},
            models={"daily_revenue.sql": MODEL},
        )
        columns = {"id": "text", "at": "timestamp", "loaded_at": "timestamp", "load": "text"}
        self.consumer.create_table("orders", {**columns, "amount": "numeric(18, 2)", "currency": "text"})
        self.day = 4

    def build(self, *orders: tuple[str, Any], currency: str | None = "EUR", expect: str = "success") -> Any:
        self.day += 1
        self.consumer.insert(
            "orders",
            [
                {
                    "id": id,
                    "at": "2026-01-05 09:00:00",
                    "loaded_at": f"2026-01-{self.day:02} 10:00:00",
                    "load": f"b{self.day}",
                    "amount": amount,
                    "currency": currency,
                }
                for id, amount in orders
            ],
        )
        return self.consumer.build(as_of=f"2026-01-{self.day:02} 12:00:00", expect=expect)

    def versions(self, dimensions: str = '{"currency":"EUR"}') -> list[Any]:
        """(value, {cause: change}) per version."""
        rows = self.consumer.query(
            "select versions.version, versions.value, changes.cause, changes.change"
            " from analytics.forensics__metric_versions as versions"
            " inner join analytics.forensics__metric_changes as changes"
            " on versions.stream = changes.stream and versions.metric = changes.metric"
            " and versions.window_start = changes.window_start and versions.dimensions = changes.dimensions"
            " and versions.version = changes.version"
            f" where versions.metric = 'daily' and versions.dimensions = '{dimensions}'"
        )
        found: dict[int, tuple[Any, dict[str, Decimal]]] = {}
        for row in rows:
            found.setdefault(row["version"], (row["value"], {}))[1][row["cause"]] = row["change"]
        return [found[version] for version in sorted(found)]


def test_a_value_follows_its_truth(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer")
    shop.consumer.write("models/contract.yml", CONTRACT)
    shop.build(("e1", 10), ("e2", 20))
    shop.build(("e3", 5))
    shop.build()  # nothing new: nothing to say
    shop.build(("e4", 7), currency=None)
    assert shop.versions() == [(30, {"on_time": 30}), (35, {"late": 5})]
    assert shop.versions("{}") == [(7, {"late": 7})]
    versions = shop.consumer.query(
        "select stream, origin, recorded_from, is_settled from analytics.forensics__metric_versions"
        " where metric = 'daily' and version = 1"
    )
    assert {(row["stream"], row["origin"]) for row in versions} == {("forensics_watches", "published")}
    shop.consumer.dbt(["test"])


def test_what_nothing_explains_fails_and_is_named(engine: Engine, tmp_path: Path) -> None:
    """A repair by hand: the published value moves although no entry does."""
    shop = Shop(engine, tmp_path / "consumer")
    shop.build(("e1", 10))
    duplicate = shop.build(("e1", 10), expect="failure")  # the model counts a retry that the ledger does not
    assert duplicate.results["forensics__changes_add_up"] == "fail"
    assert shop.versions() == [(10, {"on_time": 10}), (20, {"unexplained": 10})]
    named = shop.consumer.query(
        "select metric, window_start, dimensions from analytics.forensics__metric_changes where cause = 'unexplained'"
    )
    assert [(row["metric"], str(row["window_start"]), row["dimensions"]) for row in named] == [
        ("daily", WINDOW, '{"currency":"EUR"}')
    ]
    # The test that fails does not keep the build from saying so: one incident, of both.
    seen = shop.consumer.query(
        "select detector, stream, subject, observed, expected, severity, is_open from analytics.forensics__detections"
        " where detector in ('metric_mismatch', 'unexplained_change') order by detector"
    )
    assert [tuple(row.values()) for row in seen] == [
        ("metric_mismatch", "forensics_watches", "daily", 20, 10, "high", True),
        ("unexplained_change", "forensics_watches", "daily", 1, 0, "critical", True),
    ]
    incidents = shop.consumer.query("select kind, severity, status from analytics.forensics__incidents")
    assert {tuple(row.values()) for row in incidents} >= {("metric_mismatch", "critical", "open")}


@pytest.mark.gate
def test_both_at_once(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer")
    shop.build(("e1", 10))
    shop.build(("e1", 10), ("e2", 4), expect="failure")
    assert shop.versions()[1] == (24, {"late": 4, "unexplained": 10})


@pytest.mark.gate
def test_changed_code_is_a_cause(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer")
    shop.build(("e1", 10))
    shop.consumer.write("models/daily_revenue.sql", MODEL.replace("sum(amount)", "sum(amount) * 2"))
    shop.build(("e2", 4))
    assert shop.versions()[1] == (28, {"late": 4, "code_changed": 14})


@pytest.mark.gate
def test_a_tolerance_is_said_to_be_rounding(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer", tolerance=0.5)
    shop.consumer.write("models/daily_revenue.sql", MODEL.replace("sum(amount)", "round(sum(amount))"))
    shop.build(("e1", "10.25"))
    assert shop.versions() == [(10, {"on_time": Decimal("10.25"), "rounding": Decimal("-0.25")})]


@pytest.mark.gate
def test_without_a_truth(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer", metric=None)
    shop.build(("e1", 10))
    shop.build(("e2", 4))
    shop.consumer.execute("delete from raw.orders")
    shop.build()
    assert shop.versions() == [
        (10, {"unattributed": 10}),
        (14, {"unattributed": 4}),
        (None, {"unattributed": -14}),
    ]


@pytest.mark.gate
def test_a_value_that_differs_fails_the_contract(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer", metric=None)
    shop.consumer.write("models/contract.yml", CONTRACT)
    shop.build(("e1", 10))
    run = shop.build(("e1", 10), expect="failure")
    assert [name for name, status in run.results.items() if status == "fail"] == [
        next(name for name in run.results if name.startswith("dbt_forensics_reconciles_with"))
    ]


@pytest.mark.gate
def test_a_value_that_is_not_shown_fails_the_contract_however_small(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer", metric=None)
    shop.consumer.write("models/daily_revenue.sql", MODEL + "having sum(amount) > 1")
    shop.consumer.write("models/contract.yml", CONTRACT)
    run = shop.build(("e1", "0.01"), expect="failure")
    assert [name for name, status in run.results.items() if status == "fail"] == [
        next(name for name in run.results if name.startswith("dbt_forensics_reconciles_with"))
    ]


@pytest.mark.parametrize(
    ("watch", "key", "found", "allowed"),
    [
        ({"key": ["day"]}, "key", "an unknown key", "one of relation, window_start"),
        ({"value": None}, "value", "None", "the name of a column"),
        ({"metric": "orders.revenu"}, "metric", "orders.revenu", "one of orders.revenue"),
        ({"dimensions": []}, "dimensions", "none", "those of orders.revenue: currency"),
        ({"tolerance": -1}, "tolerance", "-1", "a number from 0"),
        ({"window": "hour"}, "window", "hour", "its stream"),
        ({"relation": "daily_revenue"}, "relation", "daily_revenue", "ref.<model>"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_named(
    engine: Engine, tmp_path: Path, watch: dict[str, Any], key: str, found: str, allowed: str
) -> None:
    shop = Shop(engine, tmp_path / "consumer", **watch)
    run = shop.consumer.dbt(["parse"], expect="failure")
    for words in ("watch 'daily'", f"key '{key}'", f"found {found}", allowed):
        assert words in run.log


@pytest.mark.gate
def test_a_key_that_is_there_twice_is_named(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer")
    shop.consumer.write("models/daily_revenue.sql", MODEL.replace("group by 1, 2", "group by 1, 2, id"))
    run = shop.build(("e1", 10), ("e2", 4), expect="failure")
    assert "with 2 rows for 2026-01-05" in run.log
    assert "one row per window_start and dimensions" in run.log
