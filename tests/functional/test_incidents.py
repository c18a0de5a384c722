"""A row deleted from a small table: one incident, its owner, what it concerns, its story, and the contract."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from harness.engines import Engine
from harness.project import Consumer

COLUMNS = {
    "event_id": "varchar(10)",
    "happened_at": "timestamp",
    "loaded_at": "timestamp",
    "load_id": "varchar(10)",
    "amount": "numeric(18, 2)",
}
STREAM = {
    "relation": "source.shop.orders",
    "event_id": "event_id",
    "event_time": "happened_at",
    "ingested_at": "loaded_at",
    "batch_id": "load_id",
    "metrics": {"revenue": {"agg": "sum", "expr": "amount"}},
}
MODELS = {
    "orders_model.sql": "select * from {{ source('shop', 'orders') }}",
    "other_model.sql": "select 1 as one",
    "schema.yml": """
sources:
  - name: shop
    schema: raw
    config: {meta: {owner: data team}}
    tables: [{name: orders}]
models:
  - {name: orders_model, config: {meta: {owner: "o'brien"}}}
exposures:
  - {name: weekly, type: dashboard, owner: {name: board, email: board@shop.example}, depends_on: [ref('orders_model')]}
""",
    "gates.yml": """
models:
  - name: other_model
    data_tests:
      - dbt_forensics.has_no_open_incidents: {name: none_is_high, config: {severity: warn}}
      - dbt_forensics.has_no_open_incidents:
          {name: none_is_critical, arguments: {min_severity: critical}, config: {severity: warn}}
""",
}
FIRST, SECOND, THIRD = (datetime(2026, 1, day, 12) for day in (5, 6, 7))


def row(event: str, day: int, hour: int, amount: int) -> dict[str, object]:
    return {
        "event_id": event,
        "happened_at": f"2026-01-0{day} {hour:02}:00:00",
        "loaded_at": f"2026-01-0{day} 11:00:00",
        "load_id": f"b{day}",
        "amount": amount,
    }


def test_a_deleted_row_is_one_incident_until_it_is_back(engine: Engine, tmp_path: Path) -> None:
    consumer = Consumer(engine, tmp_path, streams={"orders": STREAM}, models=MODELS)
    consumer.create_table("orders", COLUMNS)
    consumer.insert("orders", [row("e1", 5, 9, 100), row("e2", 5, 10, 50)])
    consumer.build(as_of=str(FIRST))
    assert consumer.query("select * from analytics.forensics__incidents") == []

    consumer.execute("delete from raw.orders where event_id = 'e2'")
    consumer.insert("orders", [row("e3", 6, 9, 7)])
    consumer.build(as_of=str(SECOND))
    gates = consumer.dbt(["test", "--select", "none_is_high none_is_critical"]).result.results
    assert {gate.node.name: gate.failures for gate in gates} == {"none_is_high": 1, "none_is_critical": 0}
    (incident,) = consumer.query("select * from analytics.forensics__incidents")
    assert {
        name: incident[name] for name in ("stream", "kind", "severity", "status", "owner", "opened_at")
    } == {
        "stream": "orders",
        "kind": "history_deleted",
        "severity": "high",
        "status": "open",
        "owner": "data team",
        "opened_at": SECOND,
    }
    (detection,) = consumer.query("select * from analytics.forensics__detections")
    assert detection["evidence"].startswith('{"rows":1,"still_missing":1,"batches":1')
    assert detection["evidence"].endswith('"sample_event_ids":["e2"]}')
    impact = consumer.query(
        "select kind, name, cause, change, value_before, value_after, owner "
        "from analytics.forensics__incident_impact order by kind, name"
    )
    assert [tuple(thing.values()) for thing in impact] == [
        ("exposure", "weekly", None, None, None, None, "board"),
        ("metric", "revenue", "source_deleted", -50, 150, 100, None),
        ("model", "orders_model", None, None, None, None, "o'brien"),
        ("window", "unknown", None, None, None, 2, None),
    ]

    consumer.insert("orders", [row("e2", 5, 10, 50)])
    consumer.build(as_of=str(THIRD))
    story = consumer.query(
        "select happened_at, moment, detector from analytics.forensics__incident_timeline order by happened_at, moment"
    )
    assert [tuple(moment.values()) for moment in story] == [
        (datetime(2026, 1, 5, 10), "first_bad_event", None),
        (SECOND, "arrival", None),
        (SECOND, "detection", "history_deleted"),
        (SECOND, "impact", None),
        (THIRD, "impact", None),
        (THIRD, "recovery", "history_deleted"),
        (THIRD, "resolution", None),
    ]
    (after,) = consumer.query("select incident_id, status, resolved_at from analytics.forensics__incidents")
    assert after == {"incident_id": incident["incident_id"], "status": "resolved", "resolved_at": THIRD}
