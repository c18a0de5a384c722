"""Promise 6 on Spark: rows that are withdrawn stop to count, and count again when that is reverted, as on DuckDB.

The command does not write to Spark; what it would write is inserted here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from functional.test_worked_example import as_columns, config
from harness.engines import Engine, Row
from harness.project import Consumer
from harness.public_tables import ITS_OWN, Contents, assert_same, contents
from property import worked_example as example
from spark.test_worked_example_on_spark import COLUMNS

#: An action has no more than rows and values to do with; nothing is wrong with eight rows.
EMPTY = {
    *("outbox", "vanished_rows", "held_withdrawals", "unread_streams", "estimates", "settling"),
    *("detections", "incidents", "incident_impact", "incident_timeline"),
}


def act(consumer: Consumer, what: str, stream: str, at: datetime) -> None:
    text = "string" if consumer.engine.name == "spark" else "varchar"
    said = {
        "action_id": "'w1'",
        "act": f"'{what}'",
        "kind": "'withdrawal'",
        "stream": f"'{stream}'",
        "row_count": "3",
        "owner": "'ann'",
        "reason": "'wrong'",
        "recorded_at": f"cast('{at}' as timestamp)",
    }
    columns = [
        "action_id",
        "act",
        "kind",
        "stream",
        "selection",
        "selection_digest",
        "row_count",
        "event_count",
    ]
    columns += [
        "effects",
        "jsonl_folder",
        "owner",
        "reason",
        "overrides",
        "target",
        "tool_version",
        "recorded_at",
    ]
    types = {"event_count": "bigint"}
    values = [f"{said.get(name, f'cast(null as {types.get(name, text)})')} as {name}" for name in columns]
    consumer.execute(f"insert into analytics.forensics__action_log select {', '.join(values)}")


def values(consumer: Consumer) -> list[Row]:
    return consumer.query(
        "select metric, window_start, value from analytics.forensics__metric_versions where is_current order by 1, 2"
    )


def play(engine: Engine, folder: Path) -> tuple[list[Contents], list[list[Row]]]:
    """The tables, and the current values, before a withdrawal, with it, and after it was reverted."""
    stream = example.VARIANTS[0].stream
    consumer = Consumer(
        engine, folder, streams={stream.name: config(stream)}, sources={"shop": ["order_events"]}
    )
    consumer.create_table("order_events", COLUMNS)
    consumer.insert("order_events", [as_columns(example.ROWS[name]) for name in example.SEEN[-1]])
    clock = example.BUILT_AT[-1]
    tables, shown = [], []
    for what in (None, "applied", "reverted"):
        if what == "applied":
            consumer.execute(
                f"insert into analytics.int_forensics__action_rows select 'w1', stream, row_key, event_id, entity_id,"
                f" window_start, ingested_at, cast('{clock}' as timestamp) from analytics.forensics__verdicts"
                f" where stream = '{stream.name}' and verdict = 'accepted'"
            )
        if what:
            act(consumer, what, stream.name, clock)
        clock += timedelta(hours=1)
        consumer.build(as_of=str(clock))
        tables.append(contents(consumer.query))
        shown.append(values(consumer))
    return tables, shown


@pytest.fixture(scope="module")
def played(
    engine_named: Callable[[str], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[list[Contents], list[list[Row]]]]:
    found = {}
    for name in ("duckdb", "spark"):
        with engine_named(name) as engine:
            found[name] = play(engine, tmp_path_factory.mktemp(f"actions_{name}") / "consumer")
    return found


def test_a_reverted_withdrawal_leaves_every_value_as_it_was(
    played: dict[str, tuple[list[Contents], list[list[Row]]]],
) -> None:
    before, withdrawn, after = played["spark"][1]
    assert withdrawn != before
    assert after == before


@pytest.mark.parametrize("relation", ITS_OWN)
@pytest.mark.parametrize("build", range(3))
def test_every_table_is_duckdbs(
    played: dict[str, tuple[list[Contents], list[list[Row]]]], relation: str, build: int
) -> None:
    expected = played["duckdb"][0][build][relation]
    assert expected or relation in EMPTY or (build == 0 and relation in {"action_log", "actions"})
    assert_same(played["spark"][0][build][relation], expected)
