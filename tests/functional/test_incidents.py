"""A row deleted from a small table: one incident, its owner, what it concerns, its story, and the contract."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dbt_forensics.cli import cli
from dbt_forensics.errors import ForensicsError
from harness.engines import Engine
from harness.project import PACKAGE, Consumer

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


def command(consumer: Consumer, *arguments: str, exit_code: int = 0) -> str:
    """What the command prints, in the consumer's project."""
    consumer.engine.release()
    places = ["--project-dir", str(consumer.folder), "--profiles-dir", str(consumer.folder)]
    outcome = CliRunner().invoke(cli, [*arguments, *places])
    if isinstance(outcome.exception, ForensicsError):
        raise outcome.exception
    assert outcome.exit_code == exit_code, outcome.output
    return outcome.output


def open_incident(consumer: Consumer) -> dict[str, Any]:
    (found,) = json.loads(command(consumer, "incident", "list", "--json", exit_code=1))["incidents"]
    return found


@pytest.mark.gate
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
    page = (PACKAGE / "docs/detect.md").read_text(encoding="utf-8")
    for query in re.findall(r"```sql\n(.*?)```", page, re.DOTALL):
        query = query.replace("from forensics__", "from analytics.forensics__")
        assert consumer.query(query.replace("<the incident>", incident["incident_id"]))
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

    assert open_incident(consumer)["incident_id"] == incident["incident_id"]
    who = ["--owner", "ann", "--reason", "asked the shop; <b>it</b> was a script"]
    clock = ["--vars", json.dumps({"forensics_as_of": str(SECOND + timedelta(hours=1))})]
    command(consumer, "incident", "acknowledge", incident["incident_id"][:12], *who, *clock)
    assert open_incident(consumer)["status"] == "acknowledged"
    clock = ["--vars", json.dumps({"forensics_as_of": str(SECOND + timedelta(hours=2))})]
    said = command(consumer, "incident", "mitigate", incident["incident_id"], *who, *clock)
    assert said == f"Incident {incident['incident_id']} of orders is mitigated.\n"
    with pytest.raises(ForensicsError, match="There is no incident whose id begins with 'nowhere'"):
        command(consumer, "incident", "mitigate", "nowhere", *who)

    plan = ["replay", "plan", "--kind", "withdrawal", "--stream", "orders", "--event", "e1", *who, *clock]
    planned = json.loads(command(consumer, *plan, "--json", exit_code=1))
    assert planned["incidents"] == [
        {
            **{name: incident[name] for name in ("incident_id", "name", "severity")},
            "status": "mitigated",
        }
    ]
    said = command(consumer, *plan, exit_code=1)
    assert f"Part of incident {incident['incident_id'][:12]}: history deleted, high, mitigated." in said

    out = tmp_path / "report"
    command(consumer, "report", "--incident", incident["incident_id"], "--out", str(out), exit_code=1)
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    (told,) = report["incidents"]["items"]
    assert (told["kind"], told["status"], told["owner"]) == ("history_deleted", "mitigated", "data team")
    assert told["impact"]["values"][0]["change"] == "-50"
    assert [reader["name"] for reader in told["impact"]["readers"]] == ["weekly", "orders_model"]
    assert [shown["event_id"] for shown in told["rows"]] == ["e2"]
    assert [step["step"] for step in told["runbook"]] == [
        *("Contain", "Recover", "Verify", "Prevent"),
    ]
    assert told["meaning"] == "Captured rows are gone from the raw table."
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "ann: asked the shop; &lt;b&gt;it&lt;/b&gt; was a script" in page
    assert incident["incident_id"] in (out / "postmortem.md").read_text(encoding="utf-8")
    (line,) = json.loads((out / "scorecard.json").read_text(encoding="utf-8"))
    assert (line["stream"], line["open_incidents"], line["worst_severity"]) == ("orders", 1, "high")
    with pytest.raises(ForensicsError, match="There is no incident 'x'"):
        command(consumer, "report", "--incident", "x", "--out", str(out))

    consumer.insert("orders", [row("e2", 5, 10, 50)])
    consumer.build(as_of=str(THIRD))
    story = consumer.query(
        "select occurred_at, event_kind, detector from analytics.forensics__incident_timeline"
        " order by occurred_at, event_kind"
    )
    assert [tuple(moment.values()) for moment in story] == [
        (datetime(2026, 1, 5, 10), "first_bad_event", None),
        (SECOND, "arrival", None),
        (SECOND, "detection", "history_deleted"),
        (SECOND, "impact", None),
        (SECOND + timedelta(hours=1), "acknowledgement", None),
        (SECOND + timedelta(hours=2), "containment", None),
        (THIRD, "impact", None),
        (THIRD, "recovery", "history_deleted"),
        (THIRD, "resolution", None),
    ]
    (after,) = consumer.query("select incident_id, status, resolved_at from analytics.forensics__incidents")
    assert after == {"incident_id": incident["incident_id"], "status": "resolved", "resolved_at": THIRD}
    assert "No incident is open." in command(consumer, "incident", "list")
    with pytest.raises(ForensicsError, match="is resolved already"):
        command(consumer, "incident", "acknowledge", incident["incident_id"], *who)

    consumer.execute("delete from raw.orders where event_id = 'e2'")
    consumer.build(as_of=str(THIRD + timedelta(days=1)))
    again = open_incident(consumer)
    # It was over: what happens after that is another incident.
    assert again["incident_id"] != incident["incident_id"]
    assert (again["status"], again["opened_at"]) == ("open", "2026-01-08T12:00:00Z")


@pytest.mark.slow
def test_a_backfill_while_somebody_acts(engine: Engine, tmp_path: Path) -> None:
    consumer = Consumer(engine, tmp_path, streams={"orders": STREAM}, sources={"shop": ["orders"]})
    consumer.create_table("orders", COLUMNS)
    consumer.insert("orders", [row(f"e{n}", 5, 9, n) for n in range(1, 6)])
    consumer.build(as_of=str(FIRST))
    who = ["--owner", "ann", "--reason", "wrong amounts"]
    clock = ["--vars", json.dumps({"forensics_as_of": str(FIRST + timedelta(hours=1))})]
    selection = ["--stream", "orders", "--event", "e1", "--override", "unsettled"]
    command(consumer, "withdraw", *selection, *who, "--execute", *clock)

    def backfill(day: int, rows: int) -> list[dict[str, Any]]:
        consumer.insert(
            "orders", [{**row(f"e{day}-{n}", 5, 8, 1), "load_id": f"f{day}"} for n in range(rows)]
        )
        consumer.build(as_of=str(FIRST + timedelta(days=day - 5)))
        return consumer.query(
            "select subject, observed, severity, is_open, evidence from analytics.forensics__detections"
            " where detector = 'unsafe_backfill'"
        )

    assert backfill(6, 9) == []
    (found,) = backfill(7, 1)
    (action,) = consumer.query("select action_id from analytics.forensics__actions")
    assert (found["subject"], found["observed"], found["severity"]) == (action["action_id"], 10, "high")
    assert json.loads(found["evidence"]) == {
        "rows": 10,
        "action": action["action_id"],
        "kind": "withdrawal",
        "first_batch": "f6",
    }
    clock = ["--vars", json.dumps({"forensics_as_of": str(FIRST + timedelta(days=2, hours=1))})]
    consumer.engine.release()
    command(consumer, "replay", "revert", action["action_id"], *who, "--execute", *clock)
    (over,) = backfill(8, 1)
    assert not over["is_open"]


def test_a_failure_of_streams_that_read_each_other_is_one_incident(engine: Engine, tmp_path: Path) -> None:
    streams = {
        "orders": STREAM,
        "staged": {**STREAM, "relation": "ref.staged_orders"},
        "others": {**STREAM, "relation": "source.shop.others"},
    }
    staged = "{{ config(materialized='view') }} select * from {{ source('shop', 'orders') }}"
    consumer = Consumer(
        engine,
        tmp_path,
        streams=streams,
        sources={"shop": ["orders", "others"]},
        files={"models/staged_orders.sql": staged},
    )
    for table in ("orders", "others"):
        consumer.create_table(table, COLUMNS)
        consumer.insert(table, [row(f"e{n}", 5, 9 + n, 10 * n) for n in range(1, 6)])
    consumer.build(as_of=str(FIRST))
    for table in ("orders", "others"):
        consumer.execute(f"delete from raw.{table} where event_id = 'e2'")
    consumer.build(as_of=str(SECOND))
    incidents = consumer.query(
        "select stream, name, detection_count from analytics.forensics__incidents order by stream"
    )
    assert [tuple(found.values()) for found in incidents] == [
        ("orders", "history deleted", 2),
        ("others", "history deleted", 1),
    ]
    impact = consumer.query(
        "select distinct incidents.stream as of_incident, impact.stream, impact.change"
        " from analytics.forensics__incident_impact as impact"
        " inner join analytics.forensics__incidents as incidents on impact.incident_id = incidents.incident_id"
        " where impact.kind = 'metric' order by 1, 2"
    )
    assert [(found["of_incident"], found["stream"]) for found in impact] == [
        ("orders", "orders"),
        ("orders", "staged"),
        ("others", "others"),
    ]
