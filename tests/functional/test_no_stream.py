"""With no stream declared the package builds empty, again and again, and says how to declare one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from harness.engines import Engine
from harness.project import Consumer

PUBLIC = (
    "forensics__event_history",
    "forensics__batch_history",
    "forensics__schema_history",
    "forensics__vanished_rows",
    "forensics__held_withdrawals",
    "forensics__unread_streams",
    "forensics__ledger",
    "forensics__verdicts",
    "forensics__events",
    "forensics__batches",
    "forensics__metric_versions",
    "forensics__metric_changes",
    "forensics__settling",
    "forensics__estimates",
    "forensics__lateness",
    "forensics__windows",
    "forensics__detections",
    "forensics__incidents",
    "forensics__incident_timeline",
    "forensics__incident_impact",
    "forensics__action_log",
    "forensics__actions",
    "forensics__outbox",
    "forensics__seals",
    "forensics__streams",
)

COLUMNS = {"id": "varchar", "happened_at": "timestamp", "loaded_at": "timestamp"}
STREAM = {
    "relation": "source.raw.orders",
    "event_id": "id",
    "event_time": "happened_at",
    "ingested_at": "loaded_at",
    "metrics": {"orders": {"agg": "count"}},
}


def types(consumer: Consumer) -> dict[str, dict[str, str]]:
    """The type of every column of every public relation."""
    rows = consumer.query(
        "select table_name, column_name, data_type from information_schema.columns"
        " where table_schema = 'analytics' and table_name like 'forensics\\_\\_%' escape '\\' order by ordinal_position"
    )
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["table_name"], {})[row["column_name"]] = row["data_type"]
    return found


def before_the_build(consumer: Consumer) -> set[str]:
    """The package's models and snapshots that dbt may run before int_forensics__build names the build.

    What is ephemeral is not run: it is part of what selects from it.
    """
    nodes = consumer._manifest("2026-01-05 11:00:00", None).nodes
    early = {
        key: node
        for key, node in nodes.items()
        if node.package_name == "dbt_forensics"
        and node.resource_type in ("model", "snapshot")
        and node.config.materialized != "ephemeral"
    }
    later = {"model.dbt_forensics.int_forensics__build"}
    while later:
        later = {key for key, node in early.items() if later.intersection(node.depends_on.nodes)}
        early = {key: node for key, node in early.items() if key not in later}
    return {node.name for node in early.values()}


def test_nothing_declared_builds_empty_says_how_to_declare_and_takes_a_stream(
    engine: Engine, tmp_path: Path
) -> None:
    consumer = Consumer(engine, tmp_path, sources={"raw": ["orders"]})
    for streams in (None, {}):  # the var is not set; it is empty
        consumer.streams = streams
        run = consumer.build(as_of="2026-01-05 11:00:00")
        assert "no stream is declared" in run.log
        assert "forensics_streams: {orders: {relation: source.shop.order_events" in run.log
        assert "`dbt-forensics init`" in run.log
        assert set(PUBLIC) <= set(run.results)
    assert before_the_build(consumer) == {"int_forensics__build"}
    counted = {name: consumer.query(f"select count(*) as n from analytics.{name}")[0]["n"] for name in PUBLIC}
    assert counted == dict.fromkeys(PUBLIC, 0)
    empty = types(consumer)
    assert set(empty) == set(PUBLIC)

    consumer.streams = {"orders": STREAM}
    consumer.create_table("orders", COLUMNS)
    consumer.insert(
        "orders", [{"id": "e1", "happened_at": "2026-01-05 09:00:00", "loaded_at": "2026-01-05 10:00:00"}]
    )
    assert "no stream is declared" not in consumer.build(as_of="2026-01-05 12:00:00").log
    assert types(consumer) == empty
    found = consumer.query(
        "select verdict, cause, recorded_at, effective_at from analytics.forensics__verdicts"
    )
    noon, ten = datetime(2026, 1, 5, 12), datetime(2026, 1, 5, 10)
    assert found == [{"verdict": "accepted", "cause": "on_time", "recorded_at": noon, "effective_at": ten}]


def test_a_stream_without_its_relation_is_refused_in_words(engine: Engine, tmp_path: Path) -> None:
    consumer = Consumer(engine, tmp_path, streams={"orders": STREAM}, sources={"raw": ["orders"]})
    log = " ".join(consumer.build(as_of="2026-01-05 12:00:00", expect="failure").log.split())
    assert "dbt_forensics: stream 'orders', key 'relation': found source.raw.orders" in log
    assert (
        "which does not exist or has no columns that can be read; "
        "allowed: a relation that exists when the build starts." in log
    )
    # It is there at the next build: nothing is left of the failure.
    consumer.create_table("orders", COLUMNS)
    consumer.insert(
        "orders", [{"id": "e1", "happened_at": "2026-01-05 09:00:00", "loaded_at": "2026-01-05 10:00:00"}]
    )
    consumer.build(as_of="2026-01-05 12:00:00")
    assert [
        row["verdict"] for row in consumer.query("select verdict from analytics.forensics__verdicts")
    ] == ["accepted"]
