"""A wrong configuration stops the run with one sentence: the stream, the key, what was found, what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer

Stream = dict[str, Any]

RIGHT: Stream = {
    "relation": "source.shop.orders",
    "event_id": "id",
    "event_time": "at",
    "ingested_at": "loaded_at",
    "metrics": {"revenue": {"agg": "sum", "expr": "amount"}},
}
PERIOD = "count: 3, period: day"
#: (what is given otherwise, the key, what was found, what is allowed)
WRONG: list[tuple[Stream, str, str, str]] = [
    ({"windows": "day"}, "windows", "unknown key", "window"),
    ({"relation": None}, "relation", "None", "source.<source>.<table>"),
    ({"relation": "shop.orders"}, "relation", "shop.orders", "source.<source>.<table>"),
    ({"relation": "source.shop"}, "relation", "source.shop", "source.<source>.<table>"),
    ({"relation": "source.shop."}, "relation", "source.shop.", "source.<source>.<table>"),
    (
        {"relation": "source.shop.order.events"},
        "relation",
        "source.shop.order.events",
        "dot in double quotes",
    ),
    ({"relation": 'source.shop."orders'}, "relation", 'source.shop."orders', "dot in double quotes"),
    ({"event_time": ["at"]}, "event_time", "['at']", "column or an SQL expression"),
    ({"event_id": ""}, "event_id", "", "column or an SQL expression"),
    ({"window": "week"}, "window", "week", "hour, day"),
    ({"writes": "upsert"}, "writes", "upsert", "append, merge, replace"),
    ({"complete_batches": "source.shop.loads"}, "complete_batches", "source.shop.loads", "mapping such as"),
    (
        {"complete_batches": {"relation": "loads", "batch_id": "id"}},
        "complete_batches",
        "loads",
        "relation: source",
    ),
    (
        {"complete_batches": {"relation": "source.shop.orders", "batch_id": "id"}},
        "complete_batches",
        "no key batch_id",
        "of which load a row is",
    ),
    ({"on_conflict": "merge"}, "on_conflict", "merge", "first_wins, last_wins"),
    ({"too_late": "drop"}, "too_late", "drop", "include, exclude"),
    ({"expected_delay": "1 hour"}, "expected_delay", "1 hour", PERIOD),
    ({"expected_delay": {"count": 1}}, "expected_delay", "count", PERIOD),
    ({"clock_skew": {"count": -1, "period": "minute"}}, "clock_skew", "-1", "from 0"),
    ({"clock_skew": {"count": 1.5, "period": "minute"}}, "clock_skew", "1.5", "whole number"),
    ({"allowed_lateness": {"count": 3, "period": "month"}}, "allowed_lateness", "month", "minute, hour, day"),
    ({"allowed_lateness": {"count": True, "period": "day"}}, "allowed_lateness", "True", "whole number"),
    ({"backcast": "day"}, "backcast", "day", "batch | hour | day | none"),
    ({"backcast": {"every": "week"}}, "backcast", "week", "batch | hour | day | none"),
    ({"payload": "amount"}, "payload", "amount", "list of column names"),
    ({"payload": ["amount", "amount"]}, "payload", "['amount', 'amount']", "each once"),
    (
        {"detectors": {"duplicate_storm": {"share": 1}}},
        "detectors.duplicate_storm.share",
        "1",
        "from 0 to below 1",
    ),
    ({"detectors": {"missing_window": {"rows": 0}}}, "detectors.missing_window.rows", "0", "from 1"),
    ({"rules": ["amount >= 0"]}, "rules", "['amount >= 0']", "mapping of rule names"),
    ({"rules": {"not negative": "amount >= 0"}}, "rules", "not negative", "letters, digits and underscores"),
    ({"rules": {"positive": ""}}, "rules.positive", "", "SQL condition"),
    ({"rules": {"positive": 1}}, "rules.positive", "1", "SQL condition"),
    ({"metrics": ["revenue"]}, "metrics", "['revenue']", "mapping of metric names"),
    ({"metrics": {"net revenue": {"agg": "count"}}}, "metrics", "net revenue", "letters, digits"),
    ({"metrics": {"revenue": "sum(amount)"}}, "metrics.revenue", "sum(amount)", "mapping with agg"),
    ({"metrics": {"revenue": {"expr": "amount"}}}, "metrics.revenue.agg", "", "sum, count, avg"),
    (
        {"metrics": {"revenue": {"agg": "median", "expr": "a"}}},
        "metrics.revenue.agg",
        "median",
        "sum, count, avg",
    ),
    ({"metrics": {"revenue": {"agg": "sum"}}}, "metrics.revenue.expr", "nothing", "sum needs one"),
    ({"metrics": {"n": {"agg": "count", "expr": "id"}}}, "metrics.n.expr", "id", "no expr"),
    ({"metrics": {"n": {"agg": "min"}}}, "metrics.n.expr", "nothing", "min needs one"),
    (
        {"metrics": {"r": {"agg": "ratio", "expr": "a"}}},
        "metrics.r.expr",
        "unknown",
        "agg, numerator, denominator",
    ),
    ({"metrics": {"r": {"agg": "ratio", "numerator": "n"}}}, "metrics.r.numerator", "n", "of the stream"),
    (
        {
            "metrics": {
                "n": {"agg": "count"},
                "a": {"agg": "avg", "expr": "amount"},
                "r": {"agg": "ratio", "numerator": "n", "denominator": "a"},
            }
        },
        "metrics.r.denominator",
        "a",
        "of the stream: n",
    ),
    (
        {
            "metrics": {
                "n": {"agg": "count"},
                "by_unit": {"agg": "count", "dimensions": ["unit"]},
                "r": {"agg": "ratio", "numerator": "n", "denominator": "by_unit"},
            }
        },
        "metrics.r",
        "n and by_unit",
        "same dimensions",
    ),
    (
        {"metrics": {"n": {"agg": "count", "filter": "x"}}},
        "metrics.n.filter",
        "unknown key",
        "agg, expr, where",
    ),
    ({"metrics": {"n": {"agg": "count", "where": ["x"]}}}, "metrics.n.where", "['x']", "SQL expression"),
    (
        {"metrics": {"n": {"agg": "count", "dimensions": "amount"}}},
        "metrics.n.dimensions",
        "amount",
        "list of column",
    ),
]
#: What only the relation can tell.
MISSING: list[tuple[Stream, str, str]] = [
    ({"event_id": "order_id"}, "event_id", "order_id"),
    ({"tenant": "unit"}, "tenant", "unit"),
    ({"payload": ["amount", "currency"]}, "payload", "currency"),
    ({"metrics": {"n": {"agg": "count", "dimensions": ["country"]}}}, "metrics.n.dimensions", "country"),
]


def name_of(case: tuple[Any, ...]) -> str:
    return str(case[0])


@pytest.fixture(scope="module")
def consumer(
    engine_named: Callable[[str], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consumer]:
    """One engine is enough: the configuration is checked before any SQL is written."""
    with engine_named("duckdb") as engine:
        folder = tmp_path_factory.mktemp("config") / "consumer"
        consumer = Consumer(engine, folder, streams={"orders": RIGHT}, sources={"shop": ["orders"]})
        consumer.create_table(
            "orders", {"id": "text", "at": "timestamp", "loaded_at": "timestamp", "amount": "numeric(18, 2)"}
        )
        yield consumer


@pytest.fixture(scope="module")
def manifest(consumer: Consumer) -> Any:
    """The parsed project, so that a case costs no parse."""
    return consumer.dbt(["parse"]).result


def refused(consumer: Consumer, streams: Any, manifest: Any) -> str:
    """The message with which the configuration is refused."""
    consumer.streams = streams
    run = consumer.dbt(["run-operation", "dbt_forensics.streams"], expect="failure", manifest=manifest)
    sentences = [line.strip() for line in run.log.splitlines() if "dbt_forensics: " in line]
    assert sentences, run.log
    return sentences[0]


@pytest.mark.parametrize("case", WRONG, ids=name_of)
def test_a_wrong_value(consumer: Consumer, manifest: Any, case: tuple[Stream, str, str, str]) -> None:
    given, key, found, allowed = case
    sentence = refused(consumer, {"orders": {**RIGHT, **given}}, manifest)
    assert "stream 'orders'" in sentence
    assert f"key '{key}'" in sentence
    assert f"found {found}" in sentence or found in sentence.split("found", 1)[1].split("; allowed")[0]
    assert allowed in sentence.split("; allowed", 1)[1]


@pytest.mark.parametrize("key", ["relation", "event_time", "ingested_at"])
def test_a_key_that_is_required(consumer: Consumer, manifest: Any, key: str) -> None:
    sentence = refused(consumer, {"orders": {k: v for k, v in RIGHT.items() if k != key}}, manifest)
    assert "stream 'orders'" in sentence
    assert f"key '{key}'" in sentence
    assert "found nothing" in sentence
    assert "required" in sentence


@pytest.mark.parametrize(
    ("streams", "found"),
    [
        (["orders"], "['orders']"),
        ({"my orders": RIGHT}, "my orders"),
        ({"orders": "source.shop.orders"}, "source.shop.orders"),
    ],
    ids=["a list", "a name with a space", "a text"],
)
def test_what_is_no_stream(consumer: Consumer, manifest: Any, streams: Any, found: str) -> None:
    assert found in refused(consumer, streams, manifest)


def test_the_first_wrong_stream_is_named(consumer: Consumer, manifest: Any) -> None:
    sentence = refused(consumer, {"orders": RIGHT, "visits": {**RIGHT, "window": "week"}}, manifest)
    assert "stream 'visits'" in sentence


def test_a_wrong_value_stops_the_build(consumer: Consumer) -> None:
    consumer.streams = {"orders": {**RIGHT, "window": "week"}}
    run = consumer.build(as_of="2026-01-05 12:00:00", expect="failure")
    assert "stream 'orders', key 'window': found week; allowed: one of hour, day." in run.log


@pytest.mark.parametrize("case", MISSING, ids=name_of)
def test_a_column_that_is_not_there(consumer: Consumer, case: tuple[Stream, str, str]) -> None:
    given, key, column = case
    consumer.streams = {"orders": {**RIGHT, **given}}
    consumer.insert(
        "orders", [{"id": "e", "at": "2026-01-05 09:00:00", "loaded_at": "2026-01-05 10:00:00", "amount": 1}]
    )
    run = consumer.build(as_of="2026-01-05 12:00:00", expect="failure")
    sentence = next(line for line in run.log.splitlines() if "dbt_forensics: " in line)
    assert f"stream 'orders', key '{key}': found {column}" in sentence
    assert "allowed" in sentence
    assert "amount" in sentence.split("allowed", 1)[1]
