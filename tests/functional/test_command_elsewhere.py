"""The command where the package is not built yet, or not where one would look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functional.test_command_on_the_worked_example import STREAMS, new_consumer, row, run


def test_before_the_first_build(engine: Any, tmp_path: Path) -> None:
    consumer = new_consumer(engine, tmp_path)
    outcome = run(consumer, "check")
    assert outcome.code == 0
    assert "Nothing is on record yet: run dbt build." in outcome.out
    for command in (["trace", "e1"], ["report", "--out", str(tmp_path / "out")]):
        outcome = run(consumer, *command)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.endswith("run dbt build first.\n")
    assert run(consumer, "init", "source.shop.order_events").err.endswith(
        "has no rows to look at: load some first.\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.gate
def test_without_streams(engine: Any, tmp_path: Path) -> None:
    consumer = new_consumer(engine, tmp_path, streams=None)
    assert "No stream is declared" in run(consumer, "check").out
    consumer.build(as_of="2026-01-05 12:00:00")
    outcome = run(consumer, "report", "--out", str(tmp_path / "out"))
    assert outcome.code == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["streams"] == []


@pytest.mark.gate
def test_schemas_and_names_of_the_projects_own(engine: Any, tmp_path: Path) -> None:
    project = {
        "models": {"dbt_forensics": {"+schema": "evidence"}},
        "snapshots": {"dbt_forensics": {"+schema": "kept"}},
    }
    streams = {"orders": {**STREAMS["orders"], "rules": {}}}
    consumer = new_consumer(engine, tmp_path, project=project, streams=streams)
    consumer.insert("order_events", [row("e1", "a", "05 09:10", "05 10:00", "b1", 100)])
    consumer.build(as_of="2026-01-05 12:00:00")
    assert run(consumer, "trace", "e1", "--json").json["streams"][0]["counted_arrival"] == 1
    assert run(consumer, "report", "--out", str(tmp_path / "out")).code == 0
    assert run(consumer, "check", "--json").json["streams"][0]["record"]["rows"] == 1
