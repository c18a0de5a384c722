"""Rows that are changed in place, deleted, or sent again: the causes that a person would name, and that they add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from harness.engines import Engine
from harness.project import Consumer
from property import in_place, promises
from property.oracle import Raw

ON_CONFLICT = pytest.mark.parametrize("on_conflict", ["first_wins", "last_wins"])
TYPES = {
    "id": "varchar(80)",
    "happened": "timestamp",
    "loaded": "timestamp",
    "batch": "varchar(10)",
    "amount": "numeric(18, 2)",
}


@pytest.fixture(scope="module")
def built(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consumer]:
    """All cases in one table, a stream for each way to resolve conflicts, three builds."""
    with new_engine() as engine:
        consumer = Consumer(
            engine,
            tmp_path_factory.mktemp("rewritten"),
            {on_conflict: config(on_conflict) for on_conflict in ("first_wins", "last_wins")},
            {"shop": ["orders"]},
        )
        consumer.create_table("orders", TYPES)
        for build in in_place.builds():
            consumer.execute("delete from raw.orders")
            consumer.insert("orders", [columns(row) for row in build.rows])
            consumer.build(as_of=str(build.as_of))
        yield consumer


def config(on_conflict: str) -> dict[str, object]:
    return {
        "relation": "source.shop.orders",
        "event_id": "id",
        "event_time": "happened",
        "ingested_at": "loaded",
        "batch_id": "batch",
        "on_conflict": on_conflict,
        "rules": {"amount_is_not_negative": "amount >= 0"},
        "metrics": {"revenue": {"agg": "sum", "expr": "amount"}},
    }


def columns(row: Raw) -> dict[str, object]:
    return {
        "id": row.event_id,
        "happened": row.event_time,
        "loaded": row.ingested_at,
        "batch": row.batch_id,
        "amount": row["amount"],
    }


@ON_CONFLICT
def test_each_change_has_the_cause_that_a_person_would_name(built: Consumer, on_conflict: str) -> None:
    rows = built.query(
        "select window_start, recorded_from, cause, change, event_count"
        f" from analytics.forensics__metric_changes where stream = '{on_conflict}'"
    )
    found = in_place.by_case([tuple(row.values()) for row in rows])  # type: ignore[misc]
    assert found == in_place.expected(on_conflict)


@ON_CONFLICT
def test_the_causes_add_up(built: Consumer, on_conflict: str) -> None:
    recorded = promises.read(built, in_place.stream(on_conflict))
    assert promises.every_change_is_explained(recorded) == []
    assert promises.ledger_balances(recorded) == []


def test_what_came_back_is_told_so(built: Consumer) -> None:
    reasons = built.query(
        "select reason from analytics.forensics__verdicts"
        " where event_id = 'deleted, and back 1' and stream = 'last_wins'"
    )
    assert [row["reason"] for row in reasons] == [
        "is back in its source, and counts again since 2026-03-03T00:00:00"
    ]
