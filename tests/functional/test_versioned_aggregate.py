"""versioned_aggregate() in a consumer's model: every value that was shown, from when to when, without a stream."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines import Engine
from harness.project import PACKAGE, Consumer

COLUMNS = {"id": "varchar", "shop": "varchar", "at": "timestamp", "amount": "varchar"}
CALL = (
    "{{{{ config(materialized='table') }}}} {{{{ dbt_forensics.versioned_aggregate("
    "{relation}, metric='m', agg='{agg}', event_time='at', {more}) }}}}"
)
SHOPS = "dimensions=['shop']"
AGGS = {"sum": "amount", "avg": "amount", "min": "amount", "max": "amount", "count_distinct": "amount"}


def model(agg: str, more: str = SHOPS, relation: str = "source('raw', 'sales')") -> str:
    return CALL.format(agg=agg, more=more, relation=relation)


def row(name: str, shop: str, day: int, amount: str | None) -> dict[str, Any]:
    return {"id": name, "shop": shop, "at": f"2026-01-0{day} 09:00:00", "amount": amount}


@pytest.fixture
def consumer(engine: Engine, tmp_path: Path) -> Consumer:
    models = {f"{agg}_versions.sql": model(agg, f"expr='{expr}', {SHOPS}") for agg, expr in AGGS.items()}
    models["count_versions.sql"] = model("count", "where='amount is not null'", "'select * from raw.sales'")
    made = Consumer(engine, tmp_path, streams={}, sources={"raw": ["sales"]}, models=models)
    made.create_table("sales", COLUMNS)
    made.insert("sales", [row("a", "x", 5, "10"), row("b", "x", 5, "5.5"), row("c", "y", 5, "7")])
    build(made, 6)
    return made


def build(made: Consumer, day: int, *args: str, **more: Any) -> Any:
    return made.build(as_of=f"2026-01-0{day} 12:00:00", select="package:consumer", args=args, **more)


def versions(made: Consumer, agg: str) -> list[tuple[Any, ...]]:
    """Day and shop, version, value, the one before, its rows, from which day to which, of each version."""
    found = made.query(
        "select window_start, dimensions, version, value, previous_value, input_count, recorded_from, recorded_to,"
        f" is_current from analytics.{agg}_versions order by window_start, dimensions, version"
    )
    assert all(one["is_current"] == (one["recorded_to"] is None) for one in found)
    return [
        (
            one["window_start"].day,
            one["dimensions"][-3:-2],
            one["version"],
            one["value"],
            one["previous_value"],
            one["input_count"],
            one["recorded_from"].day,
            one["recorded_to"] and one["recorded_to"].day,
        )
        for one in found
    ]


def test_columns_are_those_of_the_versions_of_a_stream(consumer: Consumer) -> None:
    models = yaml.safe_load((PACKAGE / "models/metrics/_metrics.yml").read_text("utf-8"))["models"]
    (of_streams,) = (one for one in models if one["name"] == "forensics__metric_versions")
    found = consumer.query("select * from analytics.sum_versions limit 1")
    assert list(found[0]) == [column["name"] for column in of_streams["columns"]]
    assert found[0]["stream"] == "sum_versions"


def test_values_change_vanish_and_come_back(consumer: Consumer) -> None:
    consumer.execute(
        "update raw.sales set amount = '12' where id = 'a'; delete from raw.sales where id = 'c'"
    )
    consumer.insert("sales", [row("d", "x", 6, "oops"), row("e", "x", 6, None)])
    build(consumer, 7)
    consumer.insert("sales", [row("c", "y", 5, "7")])
    for _ in range(2):  # the second one finds nothing new
        build(consumer, 8)
    ten, half = Decimal("15.5"), Decimal("17.5")
    assert versions(consumer, "sum") == [
        (5, "x", 1, ten, None, 2, 6, 7),
        (5, "x", 2, half, ten, 2, 7, None),
        (5, "y", 1, Decimal(7), None, 1, 6, 7),
        (5, "y", 2, Decimal(0), Decimal(7), 0, 7, 8),
        (5, "y", 3, Decimal(7), Decimal(0), 1, 8, None),
        (6, "x", 1, Decimal(0), None, 1, 7, None),
    ]
    assert [one[3] for one in versions(consumer, "avg")] == [ten / 2, half / 2, 7, None, 7, None]
    assert [one[3] for one in versions(consumer, "min")] == [Decimal("5.5")] * 2 + [7, None, 7, None]
    assert [one[3] for one in versions(consumer, "max")] == [10, 12, 7, None, 7, None]
    assert [one[3] for one in versions(consumer, "count_distinct")] == [2, 2, 1, 0, 1, 1]
    # 'oops' counts, and has no number; NULL is no input.
    assert [(one[0], one[3]) for one in versions(consumer, "count")] == [(5, 3), (5, 2), (5, 3), (6, 1)]
    unread = "select unknown_count, unknown_reason from analytics.sum_versions where unknown_count > 0"
    assert consumer.query(unread) == [
        {"unknown_count": 1, "unknown_reason": "1 of its rows have no number there"}
    ]


@pytest.mark.gate
def test_only_a_whole_look_at_a_later_time_adds_versions(consumer: Consumer) -> None:
    before = versions(consumer, "sum")
    consumer.execute("update raw.sales set amount = '11' where id = 'a'")
    build(consumer, 7, "--empty")
    assert versions(consumer, "sum") == before
    run = build(consumer, 5, expect="failure")
    assert (
        "key 'var 'forensics_as_of'': found 2026-01-05 12:00:00.000000; allowed: a time from 2026-01-06"
        in run.log
    )
    build(consumer, 7, "--full-refresh")
    assert versions(consumer, "sum")[: len(before) + 1] == [
        (*before[0][:-1], 7),
        (5, "x", 2, Decimal("16.5"), Decimal("15.5"), 2, 7, None),
        before[1],
    ]


@pytest.mark.gate
def test_another_definition_is_another_version(consumer: Consumer) -> None:
    consumer.write("models/max_versions.sql", model("max", f"expr='amount', where='1 = 1', {SHOPS}"))
    build(consumer, 7)
    assert [one[2:4] for one in versions(consumer, "max")] == [(1, 10), (2, 10), (1, 7), (2, 7)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (model("median", "expr='amount'"), "key 'agg': found median; allowed: one of sum, count, avg"),
        (model("sum", SHOPS), "key 'expr': found nothing; allowed: a column or an expression"),
        (
            model("count", "dimensions=['town']"),
            "key 'dimensions': found town; allowed: columns of the relation",
        ),
        (model("count", "window='year'"), "key 'window': found year; allowed: hour or day"),
        (model("count").replace("'table'", "'view'"), "key 'materialized': found view; allowed: table"),
    ],
)
def test_what_cannot_be_is_told(engine: Engine, tmp_path: Path, sql: str, said: str) -> None:
    made = Consumer(engine, tmp_path, streams={}, sources={"raw": ["sales"]}, models={"m.sql": sql})
    made.create_table("sales", COLUMNS)
    assert said in build(made, 6, expect="failure").log
