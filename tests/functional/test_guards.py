"""What would destroy evidence is refused, or does not touch it, and is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer
from property import promises

STREAM = {
    "relation": "source.shop.orders",
    "event_id": "id",
    "event_time": "at",
    "ingested_at": "loaded_at",
    "batch_id": "load",
    "metrics": {"revenue": {"agg": "sum", "expr": "amount"}},
}
ROWS = [
    {
        "id": f"e{n}",
        "at": "2026-01-05 09:00:00",
        "loaded_at": "2026-01-05 10:00:00",
        "load": f"b{n % 2}",
        "amount": n,
    }
    for n in range(6)
]
COLUMNS = {
    "id": "text",
    "at": "timestamp",
    "loaded_at": "timestamp",
    "load": "text",
    "amount": "numeric(18, 2)",
}
EVIDENCE = ("event_history", "batch_history", "schema_history", "ledger")


@pytest.fixture(scope="module")
def consumer(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consumer]:
    with new_engine() as engine:
        folder = tmp_path_factory.mktemp("guards") / "consumer"
        consumer = Consumer(engine, folder, streams={"orders": STREAM}, sources={"shop": ["orders"]})
        consumer.create_table("orders", COLUMNS)
        consumer.insert("orders", ROWS)
        consumer.build(as_of="2026-01-05 12:00:00")
        yield consumer


@pytest.fixture(scope="module")
def before(consumer: Consumer) -> dict[str, Counter[str]]:
    """What is on record before anybody does anything wrong, and must stay so."""
    return promises.contents(consumer)


def test_full_refresh_keeps_everything(consumer: Consumer, before: dict[str, Counter[str]]) -> None:
    run = consumer.build(as_of="2026-01-05 12:00:00", args=["--full-refresh"])
    assert promises.differences(before, promises.contents(consumer)) == []
    assert "--full-refresh does not apply to evidence" in run.log


def test_empty_records_nothing(consumer: Consumer, before: dict[str, Counter[str]]) -> None:
    """The views show nothing then, as every model does; the evidence behind them is untouched."""
    run = consumer.build(as_of="2026-01-05 13:00:00", args=["--empty"], vars={"forensics_verify": "full"})
    assert "--empty" in run.log
    assert "forensics__values_are_reproducible compares nothing under --empty" in run.log
    assert_evidence_is_kept(consumer, before)


def assert_evidence_is_kept(consumer: Consumer, before: dict[str, Counter[str]]) -> None:
    kept = promises.contents(consumer, EVIDENCE)
    assert promises.differences({name: before[name] for name in EVIDENCE}, kept) == []


@pytest.mark.parametrize(
    ("project", "said"),
    [
        (
            {"models": {"dbt_forensics": {"+materialized": "table"}}},
            "must be materialized: append_only or incremental",
        ),
        ({"models": {"dbt_forensics": {"+full_refresh": True}}}, "must be full_refresh: false"),
        ({"snapshots": {"dbt_forensics": {"+strategy": "check", "+check_cols": "all"}}}, "must be strategy"),
        ({"snapshots": {"dbt_forensics": {"+hard_deletes": "invalidate"}}}, "hard_deletes"),
    ],
    ids=["materialized", "full_refresh", "strategy", "hard_deletes"],
)
def test_an_override_is_refused(
    consumer: Consumer, before: dict[str, Counter[str]], project: dict[str, Any], said: str
) -> None:
    """Also with --full-refresh, with which dbt would drop a table that it believes to be its own."""
    consumer.project = project
    try:
        run = consumer.build(as_of="2026-01-05 13:00:00", args=["--full-refresh"], expect="failure")
    finally:
        consumer.project = {}
    assert said in run.log
    assert_evidence_is_kept(consumer, before)


def test_a_build_in_the_past_is_refused(consumer: Consumer, before: dict[str, Counter[str]]) -> None:
    run = consumer.build(as_of="2026-01-04 12:00:00", expect="failure")
    assert "forensics_as_of" in run.log
    assert "2026-01-05 12:00:00" in run.log
    assert_evidence_is_kept(consumer, before)


def test_a_relation_that_is_gone(consumer: Consumer, before: dict[str, Counter[str]]) -> None:
    consumer.execute("alter table raw.orders rename to hidden")
    try:
        run = consumer.build(as_of="2026-01-05 13:00:00", expect="failure")
        assert "stream 'orders'" in run.log
        assert "source.shop.orders" in run.log
        assert_evidence_is_kept(consumer, before)
    finally:
        consumer.execute("alter table raw.hidden rename to orders")


def test_after_all_that_a_proper_build_finds_nothing_to_do(
    consumer: Consumer, before: dict[str, Counter[str]]
) -> None:
    consumer.build(as_of="2026-01-05 12:00:00")
    assert promises.differences(before, promises.contents(consumer)) == []


def test_an_emptied_relation(engine: Engine, tmp_path: Path) -> None:
    """Every row is on record as vanished, none is lost; what comes back counts again."""
    consumer = Consumer(
        engine, tmp_path / "consumer", streams={"orders": STREAM}, sources={"shop": ["orders"]}
    )
    consumer.create_table("orders", COLUMNS)
    consumer.insert("orders", ROWS)
    consumer.build(as_of="2026-01-05 12:00:00")
    history = promises.contents(consumer, ["event_history"])
    consumer.execute("truncate table raw.orders")
    consumer.build(as_of="2026-01-05 13:00:00")
    assert promises.differences(history, promises.contents(consumer, ["event_history"])) == []
    verdicts = consumer.query("select verdict, is_in_source, cause from analytics.forensics__verdicts")
    assert [tuple(row.values()) for row in verdicts] == [("withdrawn", False, "source_deleted")] * len(ROWS)
    seals = consumer.query(
        "select batch_id, row_count from analytics.forensics__batch_history where dbt_valid_to is null"
    )
    assert {row["batch_id"]: row["row_count"] for row in seals} == {"b0": 0, "b1": 0}

    consumer.insert("orders", ROWS)
    consumer.build(as_of="2026-01-05 14:00:00")
    assert promises.differences(history, promises.contents(consumer, ["event_history"])) == []
    vanished = consumer.query("select returned_at from analytics.forensics__vanished_rows")
    assert [str(row["returned_at"]) for row in vanished] == ["2026-01-05 14:00:00"] * len(ROWS)
    values = consumer.query(
        "select value, input_count from analytics.forensics__metric_versions order by version"
    )
    assert [(row["value"], row["input_count"]) for row in values] == [(15, 6), (0, 0), (15, 6)]


@pytest.mark.gate
def test_without_a_stream_the_package_builds_empty_and_says_so(engine: Engine, tmp_path: Path) -> None:
    consumer = Consumer(engine, tmp_path / "consumer")
    run = consumer.build(as_of="2026-01-05 12:00:00")
    assert "no stream is declared" in run.log
    assert all(not rows for rows in promises.contents(consumer).values())


@pytest.mark.gate
@pytest.mark.parametrize("first", ["forensics__event_history", "+forensics__batch_history"])
def test_a_part_of_the_package_builds_alone(first: str, engine: Engine, tmp_path: Path) -> None:
    """`dbt build --select` runs the tests of what it builds, also where the rest was never built, and loses nothing."""
    consumer = Consumer(engine, tmp_path, streams={"orders": STREAM}, sources={"shop": ["orders"]})
    consumer.create_table("orders", COLUMNS)
    consumer.insert("orders", ROWS[:4])
    consumer.build(as_of="2026-01-05 12:00:00", select=f"int_forensics__dirty_batches {first}")
    consumer.build(as_of="2026-01-05 13:00:00")
    consumer.insert("orders", ROWS[4:])
    consumer.build(as_of="2026-01-05 14:00:00", select=f"int_forensics__dirty_batches {first}")
    consumer.build(as_of="2026-01-05 15:00:00")
    consumer.dbt(["test"])
    counted = consumer.query("select count(*) as n from analytics.forensics__verdicts where is_counted")
    assert counted == [{"n": len(ROWS)}]
