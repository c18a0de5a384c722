"""What the other tests stand on does what it says, shown with a package of two models."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from harness.engines import Engine
from harness.project import Consumer

COLUMNS = {
    "Event id": "varchar",
    "amount": "numeric(18, 2)",
    "at": "timestamp",
    "ratio": "double precision",
    "n": "bigint",
    "is_open": "boolean",
}
PACKAGE = {
    "dbt_project.yml": "name: dbt_forensics\nversion: 0.1.0\nprofile: x\n",
    "models/builds.sql": "{{ config(materialized='incremental') }}\n"
    "select '{{ var('forensics_as_of') }}' as as_of, {{ var('forensics_streams', {}) | length }} as streams",
    "models/after_builds.sql": "select as_of, streams from {{ ref('builds') }}",
    "macros/say.sql": "{% macro say() %}{{ print('the head is 5') }}{% endmacro %}"
    "{% macro refuse() %}{{ exceptions.raise_compiler_error('Stream orders: no such key.') }}{% endmacro %}",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in PACKAGE.items():
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "package"


def builds(consumer: Consumer) -> list[tuple[str, int]]:
    rows = consumer.query("select as_of, streams from analytics.after_builds order by as_of")
    return [(row["as_of"], row["streams"]) for row in rows]


def test_values_arrive_as_they_were_given(engine: Engine) -> None:
    engine.create_table("order_events", COLUMNS)
    hostile = "a\\N\t'\n\r\"; {{ x }} \u202e"
    rows = [
        {"Event id": hostile, "amount": Decimal("1.20"), "at": datetime(2026, 1, 5, 9), "n": 2**40},
        {"Event id": "\\N", "amount": "-0.01", "at": "2026-01-05 10:00:00", "ratio": 1.5, "is_open": True},
        {"Event id": "", "at": datetime(2026, 1, 5, 11, 0, 0, 1)},
    ]
    engine.insert("order_events", rows)
    expected = [dict.fromkeys(COLUMNS) | row for row in rows]
    expected[1] |= {"amount": Decimal("-0.01"), "at": datetime(2026, 1, 5, 10)}
    assert engine.query('select * from raw.order_events order by "at"') == expected


def test_engines_are_empty_and_apart(new_engine: Callable[[], AbstractContextManager[Engine]]) -> None:
    tables = "select count(*) as n from information_schema.tables where table_schema in ('raw', 'analytics')"
    with new_engine() as first, new_engine() as second:
        first.create_table("a", {"b": "integer"})
        assert [first.query(tables), second.query(tables)] == [[{"n": 1}], [{"n": 0}]]
        first.reset()
        assert first.query(tables) == [{"n": 0}]


@pytest.mark.parametrize("reuse_parse", [False, True])
def test_builds_see_what_was_changed_in_between(
    reuse_parse: bool, engine: Engine, package: Path, tmp_path: Path
) -> None:
    folder = Path.cwd()
    consumer = Consumer(engine, tmp_path / "consumer", package=package, reuse_parse=reuse_parse)
    assert consumer.build(as_of="2026-01-01").results == {"builds": "success", "after_builds": "success"}
    consumer.build(as_of="2026-01-02")
    consumer.streams = {"orders": {}}
    consumer.build(as_of="2026-01-03", select="builds")
    assert builds(consumer) == [("2026-01-01", 0), ("2026-01-02", 0), ("2026-01-03", 1)]
    consumer.write("models/broken.sql", "select * from nowhere")
    failed = consumer.build(as_of="2026-01-04", expect="failure")
    assert failed.results["broken"] == "error"
    assert "nowhere" in failed.log
    consumer.write("models/broken.sql", "select {{ no_such_macro() }}")
    assert "no_such_macro" in consumer.build(expect="failure").log
    assert Path.cwd() == folder


def test_outcomes_are_checked_and_messages_kept(engine: Engine, package: Path, tmp_path: Path) -> None:
    consumer = Consumer(engine, tmp_path / "consumer", package=package)
    assert "the head is 5" in consumer.dbt(["run-operation", "say"]).log
    assert "Stream orders: no such key." in consumer.dbt(["run-operation", "refuse"], expect="failure").log
    with pytest.raises(AssertionError, match="expected success"):
        consumer.dbt(["run-operation", "refuse"])
    with pytest.raises(AssertionError, match="expected failure"):
        consumer.dbt(["run-operation", "say"], expect="failure")


def test_killed_builds_stop_where_they_are_told(engine: Engine, package: Path, tmp_path: Path) -> None:
    consumer = Consumer(engine, tmp_path / "consumer", package=package)
    consumer.build(as_of="2026-01-01")
    consumer.build_killed("inside:builds:2", as_of="2026-01-02")
    assert builds(consumer) == [("2026-01-01", 0)]
    consumer.build_killed("after:builds", as_of="2026-01-03")
    assert builds(consumer) == [("2026-01-01", 0), ("2026-01-03", 0)]
    with pytest.raises(AssertionError, match="not killed at inside:builds:99"):
        consumer.build_killed("inside:builds:99", as_of="2026-01-04")
    consumer.build(as_of="2026-01-05")
    assert [as_of for as_of, _ in builds(consumer)] == [
        "2026-01-01",
        "2026-01-03",
        "2026-01-04",
        "2026-01-05",
    ]
