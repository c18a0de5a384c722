"""Builds that are cut off, run again, or run in parts: the record is that of whole builds, or a sentence refuses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines import Engine
from harness.project import Consumer

COLUMNS = {
    "id": "varchar",
    "happened": "timestamp",
    "loaded": "timestamp",
    "b": "varchar",
    "amount": "integer",
}
STREAM: dict[str, Any] = {
    "relation": "source.raw.t",
    "event_id": "id",
    "event_time": "happened",
    "ingested_at": "loaded",
    "batch_id": "b",
    "metrics": {"m": {"agg": "sum", "expr": "amount"}},
}
NINE = "2026-01-05 09:00:00"
TEN = "2026-01-05 10:00:00"
#: The nodes that write what was captured, up to each of them.
CAPTURE = (
    "int_forensics__build int_forensics__dirty_batches forensics__event_history forensics__schema_history "
    "forensics__held_withdrawals int_forensics__presence_changes"
)
SEALED = f"{CAPTURE} forensics__batch_history"


def row(event: str, amount: int, batch: str) -> dict[str, Any]:
    return {"id": event, "happened": NINE, "loaded": TEN, "b": batch, "amount": amount}


def consumer_of(engine: Engine, folder: Path) -> Consumer:
    consumer = Consumer(engine, folder, streams={"o": STREAM}, sources={"raw": ["t"]})
    consumer.create_table("t", COLUMNS)
    consumer.insert("t", [row("e1", 100, "b1")])
    return consumer


def value(consumer: Consumer) -> int:
    rows = consumer.query("select value from analytics.forensics__metric_versions where is_current")
    (found,) = [int(row["value"]) for row in rows]
    return found


def entries(consumer: Consumer, event: str) -> list[tuple[Any, ...]]:
    rows = consumer.query(
        "select effect, verdict, cause from analytics.forensics__ledger "
        f"where event_id = '{event}' order by row_key, entry_number"
    )
    return [tuple(row.values()) for row in rows]


def cut_off(consumer: Consumer, as_of: str, select: str) -> None:
    """A build that ended after these nodes. Their tests would be those of a part, and a killed build runs none."""
    consumer.build(as_of=as_of, select=select, args=("--indirect-selection", "empty"))


@pytest.mark.engines_differ
@pytest.mark.gate
def test_what_was_captured_and_not_sealed_is_looked_at_again(engine: Engine, tmp_path: Path) -> None:
    consumer = consumer_of(engine, tmp_path)
    consumer.build(as_of="2026-01-05 12:00:00")

    # R4: a batch, a row of a batch, and a row added to a sealed batch are taken back before they were ever sealed.
    consumer.insert("t", [row("e2", 50, "b2"), row("e3", 7, "b3"), row("e4", 8, "b3"), row("e5", 9, "b1")])
    cut_off(consumer, "2026-01-06 12:00:00", "int_forensics__dirty_batches forensics__event_history")
    refused = consumer.dbt(["run", "--select", "forensics__ledger"], expect="failure").messages
    assert "would conclude from 4 rows that a build captured and did not seal" in refused["forensics__ledger"]
    consumer.execute("delete from raw.t where id in ('e2', 'e4', 'e5')")
    consumer.build(as_of="2026-01-06 13:00:00")
    assert value(consumer) == 107
    for event in ("e2", "e4", "e5"):
        assert entries(consumer, event) == [(0, "withdrawn", "source_deleted")]

    # R20: rows that the ledger meets when they are gone, or another one; and one that was told as gone and is back.
    consumer.insert("t", [row("e6", 1, "b4"), row("e7", 2, "b4")])
    cut_off(consumer, "2026-01-07 12:00:00", SEALED)
    consumer.execute("delete from raw.t where id in ('e1', 'e6')")
    consumer.execute("update raw.t set amount = 3 where id = 'e7'")
    cut_off(consumer, "2026-01-07 13:00:00", CAPTURE)
    consumer.insert("t", [row("e1", 100, "b1")])
    # R6: the same clock, after more has come.
    consumer.insert("t", [row("e8", 1000, "b5")])
    consumer.build(as_of="2026-01-07 13:00:00")
    assert value(consumer) == 1110
    assert entries(consumer, "e1") == [(1, "accepted", "on_time")]
    assert entries(consumer, "e6") == [(0, "withdrawn", "source_deleted")]
    assert sorted(entries(consumer, "e7")) == [(0, "withdrawn", "source_deleted"), (1, "accepted", "on_time")]
    assert consumer.dbt(["test"]).success
    tables = ("event_history", "batch_history", "ledger", "metric_versions", "detections")
    recorded = [consumer.query(f"select count(*) as n from analytics.forensics__{t}") for t in tables]
    consumer.build(as_of="2026-01-07 13:00:00", vars={"forensics_verify": "full"})
    assert [consumer.query(f"select count(*) as n from analytics.forensics__{t}") for t in tables] == recorded
    consumer.dbt(["build", "--vars", "{forensics_as_of: '2026-01-07 12:59:59'}"], expect="failure")

    # A row with its true key in a batch that was never sealed.
    consumer.execute(
        "create table raw.forged as select * from analytics.forensics__event_history where event_id = 'e8'"
    )
    consumer.execute("update raw.forged set batch_id = 'b9'")
    consumer.execute("insert into analytics.forensics__event_history select * from raw.forged")
    found = consumer.dbt(["test", "--select", "forensics__history_matches_its_seals"], expect="failure")
    assert found.results == {"forensics__history_matches_its_seals": "fail"}


def test_a_part_alone_is_built_or_refused_in_a_sentence(engine: Engine, tmp_path: Path) -> None:
    consumer = consumer_of(engine, tmp_path)
    tests = ("accounts_for_every_row", "is_append_only", "has_no_open_incidents")
    named = [{f"dbt_forensics.{test}": {"config": {"severity": "warn"}}} for test in tests]
    source = {"name": "raw", "schema": "raw", "tables": [{"name": "t", "data_tests": named}]}
    consumer.write("models/sources.yml", yaml.safe_dump({"sources": [source]}))

    # R21: the very first command, in the words of the package and of nobody else.
    for command, node, left_out in (
        ("run", "forensics__held_withdrawals", "forensics__event_history, forensics__schema_history"),
        ("snapshot", "forensics__event_history", "int_forensics__dirty_batches"),
    ):
        run = consumer.dbt([command, "--write-json"], expect="failure")
        assert [name for name, status in run.results.items() if status == "error"] == [node]
        assert f"{node} concludes from what {left_out} found in the same build" in run.messages[node]
    retried = consumer.dbt(["retry"], expect="failure")
    assert [name for name, status in retried.results.items() if status == "error"] == [
        "forensics__event_history"
    ]
    refused = consumer.build(select="forensics__ledger", expect="failure").messages["forensics__ledger"]
    assert "dbt build --select +forensics__ledger" in refused

    # R18: the first build of all, of a part. Tests that read what is not there pass.
    consumer.build(as_of="2026-01-05 12:00:00", select="+int_forensics__metric_log")
    assert consumer.query("select sum(change) as v from analytics.int_forensics__metric_log") == [{"v": 100}]
    consumer.build(as_of="2026-01-05 12:00:00")
    assert value(consumer) == 100

    # R21: a row is rewritten; half a build records nothing, and a whole one what it always does.
    consumer.execute("update raw.t set amount = 101")
    for command in ("run", "snapshot"):
        consumer.dbt([command], expect="failure")
    consumer.build(as_of="2026-01-06 12:00:00")
    assert value(consumer) == 101
    assert entries(consumer, "e1") == [
        (1, "accepted", "on_time"),
        (-1, "withdrawn", "rewritten"),
        (1, "accepted", "rewritten"),
    ]
    turns = "select max(turn) as last from analytics.int_forensics__build"
    before = consumer.query(turns)[0]["last"]
    consumer.dbt(
        ["run", "--select", "forensics__ledger", "int_forensics__metric_log", "int_forensics__watch_log"]
    )
    assert consumer.query(turns) == [{"last": before + 1}]
    assert consumer.dbt(["test"]).success
