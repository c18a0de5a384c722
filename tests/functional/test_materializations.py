"""The package's own materializations keep what dbt's would: readers of a view, what stands in its place, columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from functional.test_turns import consumer_of, row, value
from harness.engines import Engine

OWN = "select event_id, verdict from {{ ref('dbt_forensics', 'forensics__verdicts') }}"


@pytest.mark.engines_differ
def test_a_view_is_replaced_under_its_readers_and_where_a_table_stood(engine: Engine, tmp_path: Path) -> None:
    consumer = consumer_of(engine, tmp_path / "consumer")
    consumer.write("models/own.sql", OWN)
    consumer.write("models/own_of_own.sql", "select * from {{ ref('own') }}")
    consumer.build(as_of="2026-01-06 00:00:00")
    consumer.build(as_of="2026-01-06 12:00:00")
    consumer.project = {
        "models": {"dbt_forensics": {"ledger": {"forensics__verdicts": {"+materialized": "table"}}}}
    }
    consumer.insert("t", [row("e2", 10, "b2")])
    consumer.build(as_of="2026-01-07 00:00:00")
    consumer.project = {}
    consumer.insert("t", [row("e3", 1, "b3")])
    consumer.build(as_of="2026-01-08 00:00:00")
    kinds = consumer.query(
        "select table_name, table_type from information_schema.tables "
        "where table_name in ('forensics__verdicts', 'own') and table_schema = 'analytics' order by table_name"
    )
    assert [(row["table_name"], row["table_type"]) for row in kinds] == [
        ("forensics__verdicts", "VIEW"),
        ("own", "VIEW"),
    ]
    assert [row["event_id"] for row in consumer.query("select * from analytics.own_of_own order by 1")] == [
        "e1",
        "e2",
        "e3",
    ]
    assert value(consumer) == 111


@pytest.mark.gate
@pytest.mark.engines_differ
def test_a_log_without_one_of_its_columns_stops_there_until_it_may_be_added(
    engine: Engine, tmp_path: Path
) -> None:
    """As another version of the package would find it."""
    consumer = consumer_of(engine, tmp_path / "consumer")
    consumer.build(as_of="2026-01-06 00:00:00")
    consumer.execute("alter table analytics.forensics__outbox drop column tenant")
    failed = consumer.build(as_of="2026-01-07 00:00:00", expect="failure")
    assert failed.results["forensics__outbox"] == "error"
    assert "tenant" in failed.messages["forensics__outbox"]
    may_be_added = {"actions": {"forensics__outbox": {"+on_schema_change": "append_new_columns"}}}
    consumer.project = {"models": {"dbt_forensics": may_be_added}}
    consumer.build(as_of="2026-01-08 00:00:00")
    assert consumer.query("select tenant from analytics.forensics__outbox") == []


@pytest.mark.gate
@pytest.mark.engines_differ
def test_a_table_is_analyzed_where_rows_came(engine: Engine, tmp_path: Path) -> None:
    if engine.name != "postgres":
        pytest.skip("only PostgreSQL's planner is told")
    consumer = consumer_of(engine, tmp_path / "consumer")
    recorded = ("forensics__event_history", "forensics__batch_history", "forensics__ledger")
    analyzed = []
    for day in range(6, 9):
        if day == 8:
            consumer.insert("t", [row("e2", 10, "b2")])
        consumer.build(as_of=f"2026-01-0{day} 00:00:00")
        found = consumer.query(
            "select relname, analyze_count from pg_stat_user_tables where schemaname = 'analytics'"
        )
        analyzed.append({row["relname"]: row["analyze_count"] for row in found if row["relname"] in recorded})
    assert analyzed == [dict.fromkeys(recorded, count) for count in (1, 1, 2)]
