"""What is documented is what is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines import TARGET_SCHEMA, Engine
from harness.project import PACKAGE, Consumer
from structure.checks import descriptions

STREAM = {
    "relation": "source.shop.order_events",
    "event_id": "event_id",
    "entity_id": "customer_id",
    "event_time": "occurred_at",
    "ingested_at": "loaded_at",
    "metrics": {"orders": {"agg": "count"}},
}
COLUMNS = {
    "event_id": "varchar",
    "customer_id": "varchar",
    "occurred_at": "timestamp",
    "loaded_at": "timestamp",
    "amount": "numeric(18, 2)",
}


@pytest.mark.parametrize("streams", [{}, {"orders": STREAM}], ids=["no stream", "one stream"])
def test_the_columns_described_are_the_columns_built(streams: dict, engine: Engine, tmp_path: Path) -> None:
    consumer = Consumer(engine, tmp_path, streams=streams, sources={"shop": ["order_events"]})
    consumer.create_table("order_events", COLUMNS)
    consumer.build(as_of="2026-01-05 12:00:00")
    built: dict[str, set[str]] = {}
    for row in consumer.query(
        "select table_name as model, column_name as name from information_schema.columns "
        f"where table_schema = '{TARGET_SCHEMA}'"
    ):
        built.setdefault(row["model"], set()).add(row["name"])
    described = {
        model: {column["name"] for column in entry.get("columns", [])}
        for kind in ("models", "snapshots")
        for model, entry in descriptions(PACKAGE, kind).items()
        if entry.get("columns")
    }
    assert described
    assert {model: built.get(model, set()) for model in described} == described
