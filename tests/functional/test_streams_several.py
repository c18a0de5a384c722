"""Several streams in one installation: declared together, added and removed later, in parts, under other names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.engines import Engine, Postgres, PostgresCluster
from harness.project import Consumer

ORDER_COLUMNS = {
    "event_id": "varchar",
    "customer": "varchar",
    "happened_at": "timestamp",
    "loaded_at": "timestamp",
    "batch": "varchar",
    "amount": "numeric(18, 2)",
}
VISIT_COLUMNS = {
    "visitor": "integer",
    "seen": "timestamp with time zone",
    "landed": "varchar",
    "Page read": "varchar",
}
ORDERS: dict[str, Any] = {
    "relation": "source.raw.orders",
    "event_id": "event_id",
    "entity_id": "customer",
    "event_time": "happened_at",
    "ingested_at": "loaded_at",
    "batch_id": "batch",
    "on_conflict": "last_wins",
    "metrics": {"revenue": {"agg": "sum", "expr": "amount"}},
}
VISITS: dict[str, Any] = {
    "relation": "ref.consumer.visits",
    "entity_id": "visitor",
    "event_time": "seen",
    "ingested_at": "landed",
    "window": "hour",
    "metrics": {"visits": {"agg": "count", "dimensions": ["Page read"]}},
}
MODELS = {"visits.sql": "select * from {{ source('raw', 'visits') }}"}
SOURCES = {"raw": ["orders", "visits"]}


def order(event: str, day: int, amount: int, batch: str, customer: str = "a") -> dict[str, Any]:
    return {
        "event_id": event,
        "customer": customer,
        "happened_at": f"2026-01-{day:02} 09:00:00",
        "loaded_at": f"2026-01-{day:02} 10:00:00",
        "batch": batch,
        "amount": amount,
    }


def visit(visitor: int | None, day: int, page: str | None = "home") -> dict[str, Any]:
    return {
        "visitor": visitor,
        "seen": f"2026-01-{day:02} 09:30:00+00",
        "landed": f"2026-01-{day:02}T09:30:05Z",
        "Page read": page,
    }


def consumer_with(engine: Engine, folder: Path, streams: Mapping[str, Any] | None, **more: Any) -> Consumer:
    """A consumer of both relations, with what had landed by the fifth of January."""
    consumer = Consumer(engine, folder, streams=streams, sources=SOURCES, models=MODELS, **more)
    consumer.create_table("orders", ORDER_COLUMNS)
    consumer.create_table("visits", VISIT_COLUMNS)
    consumer.insert("orders", [order("e1", 5, 100, "b1"), order("e2", 5, 50, "b1")])
    consumer.insert("visits", [visit(1, 5), visit(1, 5), visit(None, 5, None)])
    return consumer


def land_the_sixth(consumer: Consumer) -> None:
    """What lands next: a correction of e2, a new order; the first visit once more, a new one."""
    consumer.insert(
        "orders", [{**order("e2", 5, 55, "b2"), "loaded_at": "2026-01-06 10:00:00"}, order("e3", 6, 7, "b2")]
    )
    consumer.insert("visits", [{**visit(1, 5), "landed": "2026-01-05T10:00:00Z"}, visit(2, 6, "'); --")])


def verdicts(consumer: Consumer, schema: str = "analytics") -> list[tuple[Any, ...]]:
    rows = consumer.query(
        f"select stream, batch_id, verdict, cause, count(*) as n from {schema}.forensics__verdicts"
        " group by stream, batch_id, verdict, cause"
    )
    return sorted(tuple(row.values()) for row in rows)


def values(consumer: Consumer, schema: str = "analytics") -> list[tuple[Any, ...]]:
    """The current values: stream, metric, window, dimensions, value, version."""
    rows = consumer.query(
        "select stream, metric, cast(window_start as varchar) as window_start, dimensions,"
        f" cast(value as integer) as value, version from {schema}.forensics__metric_versions where is_current"
    )
    return sorted(tuple(row.values()) for row in rows)


ORDERS_AT_FIRST = [("orders", "b1", "accepted", "on_time", 2)]
VISITS_AT_FIRST = [
    ("visits", "2026-01-05T09:00:00", "accepted", "on_time", 2),
    ("visits", "2026-01-05T09:00:00", "duplicate", "duplicate", 1),
]
ORDERS_THEN = [
    ("orders", "b1", "accepted", "on_time", 1),
    ("orders", "b1", "superseded", "correction", 1),
    ("orders", "b2", "accepted", "correction", 1),
    ("orders", "b2", "accepted", "on_time", 1),
]
VISITS_THEN = [
    *VISITS_AT_FIRST,
    ("visits", "2026-01-05T10:00:00", "duplicate", "duplicate", 1),
    ("visits", "2026-01-06T09:00:00", "accepted", "on_time", 1),
]
REVENUE_AT_FIRST = [("orders", "revenue", "2026-01-05 00:00:00", "{}", 150, 1)]
REVENUE_THEN = [
    ("orders", "revenue", "2026-01-05 00:00:00", "{}", 155, 2),
    ("orders", "revenue", "2026-01-06 00:00:00", "{}", 7, 1),
]
VISITS_COUNTED_AT_FIRST = [
    ("visits", "visits", "2026-01-05 09:00:00", '{"Page read":"home"}', 1, 1),
    ("visits", "visits", "2026-01-05 09:00:00", "{}", 1, 1),
]
VISITS_COUNTED_THEN = [
    *VISITS_COUNTED_AT_FIRST,
    ("visits", "visits", "2026-01-06 09:00:00", '{"Page read":"\'); --"}', 1, 1),
]


def counts(consumer: Consumer, stream: str) -> dict[str, int]:
    """How many rows of a stream every relation of evidence has."""
    tables = ("event_history", "batch_history", "schema_history", "ledger", "metric_changes")
    return {
        table: consumer.query(
            f"select count(*) as n from analytics.forensics__{table} where stream = '{stream}'"
        )[0]["n"]
        for table in tables
    }


@pytest.mark.gate
def test_streams_of_different_columns_stand_side_by_side(engine: Engine, tmp_path: Path) -> None:
    consumer = consumer_with(engine, tmp_path, {"orders": ORDERS, "visits": VISITS})
    consumer.build(as_of="2026-01-05 12:00:00")
    assert verdicts(consumer) == ORDERS_AT_FIRST + VISITS_AT_FIRST
    assert values(consumer) == REVENUE_AT_FIRST + VISITS_COUNTED_AT_FIRST
    land_the_sixth(consumer)
    consumer.build(as_of="2026-01-06 12:00:00")
    assert verdicts(consumer) == ORDERS_THEN + VISITS_THEN
    assert values(consumer) == REVENUE_THEN + VISITS_COUNTED_THEN
    before = counts(consumer, "orders"), counts(consumer, "visits")
    consumer.build(as_of="2026-01-07 12:00:00")
    assert (counts(consumer, "orders"), counts(consumer, "visits")) == before
    # One stream's rows, and nothing else, decide what is written for it.
    consumer.insert("visits", [visit(3, 7)])
    consumer.build(as_of="2026-01-07 13:00:00")
    assert counts(consumer, "orders") == before[0]
    assert counts(consumer, "visits")["event_history"] == before[1]["event_history"] + 1


@pytest.mark.slow
def test_streams_come_and_go_and_their_records_stay(engine: Engine, tmp_path: Path) -> None:
    consumer = consumer_with(engine, tmp_path, {"orders": ORDERS})
    consumer.build(as_of="2026-01-05 12:00:00")
    assert verdicts(consumer) == ORDERS_AT_FIRST

    # Another stream is added: its history took effect as it arrived, the other's is left alone.
    recorded = counts(consumer, "orders")
    consumer.streams = {"orders": ORDERS, "visits": VISITS}
    consumer.build(as_of="2026-01-05 13:00:00")
    assert verdicts(consumer) == ORDERS_AT_FIRST + VISITS_AT_FIRST
    assert counts(consumer, "orders") == recorded
    effective = consumer.query(
        "select distinct cast(effective_at as varchar) as at from analytics.forensics__ledger where stream = 'visits'"
    )
    assert effective == [{"at": "2026-01-05 09:30:05"}]

    # The first one is removed, and its relation dropped: what was recorded of it stays, and is shown.
    consumer.streams = {"visits": VISITS}
    consumer.execute("create table raw.kept as select * from raw.orders; drop table raw.orders")
    consumer.build(as_of="2026-01-05 14:00:00")
    assert verdicts(consumer) == ORDERS_AT_FIRST + VISITS_AT_FIRST
    assert values(consumer) == REVENUE_AT_FIRST + VISITS_COUNTED_AT_FIRST
    assert counts(consumer, "orders") == recorded
    assert consumer.query("select count(*) as n from analytics.forensics__vanished_rows") == [{"n": 0}]

    # None is declared any more: the build says so, and everything stays.
    consumer.streams = None
    assert "no stream is declared" in consumer.build(as_of="2026-01-05 15:00:00").log
    assert verdicts(consumer) == ORDERS_AT_FIRST + VISITS_AT_FIRST
    assert values(consumer) == REVENUE_AT_FIRST + VISITS_COUNTED_AT_FIRST

    # Both are back, and go on where they were.
    consumer.execute("create table raw.orders as select * from raw.kept")
    land_the_sixth(consumer)
    consumer.streams = {"visits": VISITS, "orders": ORDERS}
    consumer.build(as_of="2026-01-06 12:00:00")
    assert verdicts(consumer) == ORDERS_THEN + VISITS_THEN
    assert values(consumer) == REVENUE_THEN + VISITS_COUNTED_THEN
    assert consumer.dbt(["test"]).success


PACKAGE_NODES = (
    "int_forensics__dirty_batches",
    "forensics__event_history",
    "int_forensics__presence_changes",
    "forensics__schema_history",
    "forensics__batch_history",
    "forensics__ledger",
    "int_forensics__metric_log",
)


#: Those that are refused alone.
CONCLUDES_FROM_OTHERS = (*PACKAGE_NODES[1:5],)


@pytest.mark.gate
def test_parts_built_in_odd_orders_end_in_the_same_record(engine: Engine, tmp_path: Path) -> None:
    consumer = consumer_with(engine, tmp_path, {"orders": ORDERS, "visits": VISITS})
    consumer.build(as_of="2026-01-05 12:00:00")
    land_the_sixth(consumer)
    # Backwards, so that each part finds nothing new yet; then the history, by the batches that were new just now.
    parts = (
        *PACKAGE_NODES[::-1],
        "forensics__event_history",
        "int_forensics__metric_log",
        "forensics__ledger",
    )
    for minute, part in enumerate(parts):
        # Cautious: a test is run when all that it looks at was built, not when one part of it was.
        run = consumer.build(
            as_of=f"2026-01-06 12:{minute:02}:00",
            select=part,
            args=("--indirect-selection", "cautious"),
            expect="failure" if part in CONCLUDES_FROM_OTHERS else "success",
        )
        if part in CONCLUDES_FROM_OTHERS:
            assert "found in the same build" in run.messages[part]
    consumer.build(as_of="2026-01-06 13:00:00")
    assert verdicts(consumer) == ORDERS_THEN + VISITS_THEN
    assert values(consumer) == REVENUE_THEN + VISITS_COUNTED_THEN
    recorded = counts(consumer, "orders"), counts(consumer, "visits")
    consumer.build(as_of="2026-01-06 14:00:00", vars={"forensics_verify": "full"})
    assert (counts(consumer, "orders"), counts(consumer, "visits")) == recorded


@pytest.mark.gate
def test_the_package_lives_under_other_schemas_and_names(engine: Engine, tmp_path: Path) -> None:
    project = {
        "models": {
            "dbt_forensics": {"+schema": "audit", "ledger": {"forensics__ledger": {"+alias": "the ledger"}}},
        },
        "seeds": {"dbt_forensics": {"+schema": "audit"}},
        "snapshots": {
            "dbt_forensics": {
                "+schema": "evidence",
                "forensics__event_history": {"+alias": "events_as_they_came"},
            }
        },
    }
    consumer = consumer_with(engine, tmp_path, {"orders": ORDERS, "visits": VISITS}, project=project)
    consumer.build(as_of="2026-01-05 12:00:00")
    land_the_sixth(consumer)
    for hour in (12, 13):
        consumer.build(as_of=f"2026-01-06 {hour}:00:00")
        assert verdicts(consumer, "analytics_audit") == ORDERS_THEN + VISITS_THEN
        assert values(consumer, "analytics_audit") == REVENUE_THEN + VISITS_COUNTED_THEN
    names = consumer.query(
        "select table_schema, table_name from information_schema.tables where table_schema like 'analytics%'"
    )
    found = {(name["table_schema"], name["table_name"]) for name in names}
    assert found >= {
        ("analytics_audit", "the ledger"),
        ("analytics_audit", "forensics__metric_versions"),
        ("analytics_evidence", "events_as_they_came"),
        ("analytics_evidence", "forensics__batch_history"),
    }
    assert {name for schema, name in found if schema == "analytics"} == {"visits"}
    assert "orders 2026-01-06T12:00:00.000000Z" in consumer.dbt(["run-operation", "print_chain_head"]).log


@pytest.mark.gate
def test_compiling_and_documenting_record_nothing(engine: Engine, tmp_path: Path) -> None:
    consumer = consumer_with(engine, tmp_path, {"orders": ORDERS, "visits": VISITS})
    parsed = consumer.dbt(["parse"]).result

    def record_nothing() -> None:
        for command in (["compile"], ["docs", "generate"], ["build", "--empty"]):
            consumer.dbt(command, manifest=parsed.deepcopy())

    record_nothing()
    nothing = dict.fromkeys(
        ("event_history", "batch_history", "schema_history", "ledger", "metric_changes"), 0
    )
    assert [counts(consumer, "orders"), counts(consumer, "visits")] == [nothing, nothing]
    consumer.build(as_of="2026-01-05 12:00:00")
    recorded = counts(consumer, "orders")
    land_the_sixth(consumer)
    record_nothing()
    assert counts(consumer, "orders") == recorded
    assert verdicts(consumer) == ORDERS_AT_FIRST + VISITS_AT_FIRST
    assert values(consumer) == REVENUE_AT_FIRST + VISITS_COUNTED_AT_FIRST
    assert (
        '"snapshot.dbt_forensics.forensics__event_history"'
        in (tmp_path / "target" / "catalog.json").read_text()
    )
    consumer.build(as_of="2026-01-06 12:00:00")
    assert verdicts(consumer) == ORDERS_THEN + VISITS_THEN


def test_columns_may_have_any_name(engine: Engine, tmp_path: Path) -> None:
    columns = {
        "id of it": "varchar",
        "Order": "varchar",
        "order": "varchar",
        'say "hi"': "varchar",
        "it's": "integer",
        "a.b": "integer",
        "ünï": "varchar",
        "select": "timestamp",
        "loaded at": "timestamp",
        "row_key": "varchar",
        "payload": "varchar",
        "stream": "varchar",
        "%s {{ x }}": "integer",
    }
    if engine.name == "duckdb":
        del columns["Order"]  # names differ by more than letter case there
    stream = {
        "relation": "source.raw.things",
        "event_id": "id of it",
        "event_time": "select",
        "ingested_at": "loaded at",
        "metrics": {
            "sum": {
                "agg": "sum",
                "expr": '"it\'s" + "a.b"',
                "dimensions": ["order", 'say "hi"', "%s {{ x }}"],
            }
        },
    }
    consumer = Consumer(engine, tmp_path, streams={"things": stream}, sources={"raw": ["things"]})
    consumer.create_table("things", columns)
    thing = {
        "id of it": "e1",
        "Order": "A",
        "order": "B",
        'say "hi"': "x",
        "it's": 1,
        "a.b": 2,
        "ünï": "é",
        "select": "2026-01-05 09:00:00",
        "loaded at": "2026-01-05 09:10:00",
        "row_key": "k",
        "payload": "p",
        "stream": "s",
        "%s {{ x }}": 7,
    }
    things = [{name: thing[name] for name in columns}]
    consumer.insert("things", things)
    consumer.build(as_of="2026-01-05 12:00:00")
    consumer.insert("things", [{**things[0], "id of it": "e2", "it's": 10}])
    consumer.build(as_of="2026-01-05 13:00:00")
    dimensions = '{"%s {{ x }}":"7","order":"B","say \\"hi\\"":"x"}'
    assert values(consumer) == [("things", "sum", "2026-01-05 00:00:00", dimensions, 15, 2)]
    (event,) = consumer.query("select payload from analytics.forensics__verdicts where event_id = 'e1'")
    kept = '"%s {{ x }}":"7","Order":"A","a.b":"2","it\'s":"1","order":"B","payload":"p","row_key":"k"'
    kept += ',"say \\"hi\\"":"x","stream":"s","ünï":"é"'
    assert event["payload"] == "{" + (kept if "Order" in columns else kept.replace('"Order":"A",', "")) + "}"


class DatabaseInLanguageOrder(Postgres):
    """A PostgreSQL database that sorts text as a language does: a, B, c."""

    def __init__(self, cluster: PostgresCluster, database: str) -> None:
        self._connection = None
        self.cluster, self.database = cluster, database
        cluster.execute(
            f"create database {database} template template0 encoding utf8 locale_provider icu icu_locale 'und'"
        )
        self.reset()


def test_a_databases_collation_decides_nothing(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if request.config.getoption("engine") == "duckdb":
        pytest.skip("DuckDB sorts by bytes; --engine duckdb was asked for")
    engine = DatabaseInLanguageOrder(request.getfixturevalue("postgres_cluster"), "sorted_as_a_language")
    try:
        consumer = Consumer(
            engine, tmp_path, streams={"orders": {**ORDERS, "on_conflict": "first_wins"}}, sources=SOURCES
        )
        consumer.create_table("orders", ORDER_COLUMNS)
        # One event in batches that arrived at one time: the first by its bytes counts, whatever the language.
        batches = ["b", "B", "a", "_", "ä", "Z"]
        assert [
            row["b"]
            for row in consumer.query("select b from (values ('b'), ('B'), ('a')) as t (b) order by b")
        ] == ["a", "b", "B"]
        consumer.insert("orders", [order("e1", 5, amount, batch) for amount, batch in enumerate(batches)])
        consumer.insert("orders", [order(event, 5, 1, "b") for event in ("x", "X", "ä", "y")])
        consumer.build(as_of="2026-01-05 12:00:00")
        counted = consumer.query(
            "select batch_id from analytics.forensics__verdicts where event_id = 'e1' and is_counted"
        )
        assert counted == [{"batch_id": "B"}]
        changes = consumer.query("select sample_event_ids from analytics.forensics__metric_changes")
        assert changes == [{"sample_event_ids": '["X","e1","x","y","ä"]'}]
    finally:
        engine.drop()
