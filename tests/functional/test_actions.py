"""Withdrawing, releasing and replaying on the worked example: what the plan says is what happens, and reverting undoes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functional.test_analyses import COLUMNS, STREAM, _insert
from functional.test_command_on_the_worked_example import Outcome, run
from harness.engines import Engine
from harness.project import Consumer
from property.worked_example import BUILT_AT, ROWS, SEEN

WHO = ("--owner", "ann", "--reason", "bad batch")


@pytest.fixture
def consumer(engine: Engine, tmp_path: Path) -> Iterator[Consumer]:
    """The worked example after its three builds."""
    made = Consumer(
        engine, tmp_path / "consumer", streams={"orders": STREAM}, sources={"shop": ["order_events"]}
    )
    made.create_table("order_events", COLUMNS)
    before: set[str] = set()
    for when, seen in zip(BUILT_AT, SEEN, strict=True):
        _insert(made, set(seen) - before)
        for gone in before - set(seen):
            made.execute(f"delete from raw.order_events where event_id = '{ROWS[gone].event_id}'")
        made.build(as_of=when.isoformat(sep=" "))
        before = set(seen)
    yield made


def act(consumer: Consumer, *arguments: str) -> Outcome:
    outcome = run(consumer, *arguments, "--json")
    assert outcome.err == ""
    return outcome


def state(consumer: Consumer) -> dict[str, Any]:
    """Every current value with its inputs, and every row's verdict."""
    return {
        "values": consumer.query(
            "select stream, metric, window_start, dimensions, value, input_count, inputs_digest"
            " from analytics.forensics__metric_versions where is_current order by 1, 2, 3, 4"
        ),
        "rows": consumer.query(
            "select row_key, verdict, is_counted, lost_to_row_key from analytics.forensics__events order by row_key"
        ),
    }


def value(consumer: Consumer, metric: str) -> Any:
    (row,) = consumer.query(
        "select value from analytics.forensics__metric_versions"
        f" where is_current and metric = '{metric}' and window_start = timestamp '2026-01-05 00:00:00'"
    )
    return row["value"]


def test_a_batch_is_withdrawn_and_comes_back(consumer: Consumer) -> None:
    before = state(consumer)
    planned = act(
        consumer, "withdraw", "--stream", "orders", "--batch", "b1", *WHO, "--override", "unsettled"
    )
    assert (planned.code, planned.json["status"]) == (0, "not recorded")
    assert state(consumer) == before
    print(planned.json)
    done = act(
        consumer,
        "withdraw",
        "--stream",
        "orders",
        "--batch",
        "b1",
        *WHO,
        "--execute",
        "--override",
        "unsettled",
    )
    print(done.json)
    assert (done.code, done.json["status"], done.json["is_built"]) == (0, "applied", True)
    assert done.json["effects"] == planned.json["effects"]
    assert state(consumer) != before
    action = done.json["action_id"]
    assert act(consumer, "replay", "verify", action).json == {
        "action_id": action,
        "status": "verified",
        "values": len(done.json["effects"]),
        "wrong": [],
    }
    consumer.build()
    undone = act(consumer, "replay", "revert", action, *WHO, "--execute")
    assert (undone.code, undone.json["status"], undone.json["is_built"]) == (0, "reverted", True)
    assert state(consumer) == before
    consumer.build()
    assert state(consumer) == before
