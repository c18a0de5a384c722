"""One history on every engine that is executed: after each build of the worked example, and after the same build again,
every public table says the same on DuckDB, PostgreSQL and Spark.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from functional.test_worked_example import TABLE_OF, as_columns, config
from harness.engines import Engine
from harness.project import Consumer
from harness.public_tables import ITS_OWN, Contents, assert_same, contents
from property import worked_example as example

COLUMNS = {
    "event_id": "varchar(10)",
    "entity": "varchar(10)",
    "event_time": "timestamp",
    "ingested_at": "timestamp",
    "batch": "varchar(10)",
    "amount": "numeric(18, 2)",
}


def play(engine: Engine, folder: Path) -> list[Contents]:
    """What the tables hold after each of the three builds, the last one again, and one a day later."""
    tables = ["order_events", *TABLE_OF.values()]
    consumer = Consumer(
        engine,
        folder,
        streams={},
        sources={"shop": tables},
    )
    for table in tables:
        consumer.create_table(table, COLUMNS)
    for variant in example.VARIANTS:
        if len(variant.builds) == 1:
            consumer.insert(TABLE_OF[variant.name], [as_columns(row) for row in variant.builds[0].rows])
    found = []
    for number, (when, seen) in enumerate(zip(example.BUILT_AT, example.SEEN, strict=True), 1):
        consumer.execute("delete from raw.order_events")
        consumer.insert("order_events", [as_columns(example.ROWS[name]) for name in seen])
        declared = [v.stream for v in example.VARIANTS if len(v.builds) == 3 or number == 3]
        consumer.streams = {stream.name: config(stream) for stream in declared}
        consumer.build(as_of=str(when))
        found.append(contents(consumer.query))
    for again in (str(example.BUILT_AT[-1]), "2026-01-09 10:00:00"):
        consumer.build(as_of=again)
        found.append(contents(consumer.query))
    consumer.build(as_of="2026-01-10 10:00:00", vars={"forensics_verify": "full"})
    found.append(contents(consumer.query))
    return found


#: What eight rows and three builds do not have, or not yet: a detection and an estimate need a history to compare with.
EMPTY = {
    "held_withdrawals",
    "unread_streams",
    "action_log",
    "outbox",
    "actions",
    "estimates",
    "detections",
    "incidents",
    "incident_impact",
    "incident_timeline",
}
EMPTY_AT_FIRST = {"vanished_rows": 2, "settling": 2}
#: What only arrivals change, and not the clock.
RECORDS = [
    *("event_history", "batch_history", "schema_history", "vanished_rows"),
    *("ledger", "verdicts", "events", "batches", "metric_versions", "metric_changes"),
]


@pytest.fixture(scope="module")
def played(
    engine_named: Callable[[str], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Contents]]:
    found = {}
    for name in ("duckdb", "postgres", "spark"):
        with engine_named(name) as engine:
            found[name] = play(engine, tmp_path_factory.mktemp(f"worked_example_{name}") / "consumer")
    return found


@pytest.mark.parametrize("relation", ITS_OWN)
@pytest.mark.parametrize("build", range(6))
@pytest.mark.parametrize("name", ["postgres", "spark"])
def test_every_table_is_duckdbs(
    played: dict[str, list[Contents]], name: str, relation: str, build: int
) -> None:
    expected = played["duckdb"][build][relation]
    assert expected or relation in EMPTY or build < EMPTY_AT_FIRST.get(relation, 0)
    assert_same(played[name][build][relation], expected)


def test_the_build_again_changes_nothing(played: dict[str, list[Contents]]) -> None:
    third, again, *_ = played["spark"][2:]
    assert again == third


@pytest.mark.parametrize("relation", RECORDS)
def test_a_later_build_with_nothing_new_records_nothing(
    played: dict[str, list[Contents]], relation: str
) -> None:
    third, *later = (found[relation] for found in played["spark"][2:])
    assert all(found == third for found in later)
