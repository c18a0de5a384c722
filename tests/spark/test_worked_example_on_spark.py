"""The worked example on Spark: every table of the package is DuckDB's, after each build and after the
same build again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from functional.test_engines_agree import ITS_OWN, without
from functional.test_worked_example import TABLE_OF, as_columns, config
from harness.engines import DuckDB, Engine
from harness.project import Consumer
from property import worked_example as example
from spark.engine import SparkServer

COLUMNS = {
    "event_id": "varchar(10)",
    "entity": "varchar(10)",
    "event_time": "timestamp",
    "ingested_at": "timestamp",
    "batch": "varchar(10)",
    "amount": "numeric(18, 2)",
}


def contents(consumer: Consumer) -> dict[str, Counter[str]]:
    """Every public table's rows, without what is the engine's own."""
    return {
        relation: Counter(
            without(row, columns) for row in consumer.query(f"select * from analytics.forensics__{relation}")
        )
        for relation, columns in ITS_OWN.items()
    }


def play(engine: Engine, folder: Path) -> list[dict[str, Counter[str]]]:
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
        found.append(contents(consumer))
    for again in (str(example.BUILT_AT[-1]), "2026-01-09 10:00:00"):
        consumer.build(as_of=again)
        found.append(contents(consumer))
    consumer.build(as_of="2026-01-10 10:00:00", vars={"forensics_verify": "full"})
    found.append(contents(consumer))
    return found


@pytest.fixture(scope="module")
def played(
    spark_server: SparkServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[dict[str, Counter[str]]]]]:
    folder = tmp_path_factory.mktemp("worked_example")
    duckdb = DuckDB(folder / "warehouse.duckdb")
    yield {
        "duckdb": play(duckdb, folder / "duckdb"),
        "spark": play(spark_server.new_engine(), folder / "spark"),
    }
    duckdb.drop()


@pytest.mark.parametrize("relation", ITS_OWN)
@pytest.mark.parametrize("build", range(6))
def test_every_table_is_duckdbs(
    played: dict[str, list[dict[str, Counter[str]]]], relation: str, build: int
) -> None:
    duckdb, spark = (played[name][build][relation] for name in ("duckdb", "spark"))
    assert sum(duckdb.values()) > 0 or (build, relation) in [(0, "vanished_rows"), (1, "vanished_rows")]
    assert sorted((duckdb - spark).elements())[:3] == []
    assert sorted((spark - duckdb).elements())[:3] == []


def test_the_build_again_changes_nothing(played: dict[str, list[dict[str, Counter[str]]]]) -> None:
    third, *later = played["spark"][2:]
    assert all(found == third for found in later)
