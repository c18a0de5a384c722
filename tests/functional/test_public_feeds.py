"""The lab's recipes on a short span of the public feeds that they are for, and a game day on a stream of a project."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from real_data import FOLDER, needs

from forensics_lab import cli
from forensics_lab.public import RECIPES, play
from harness.engines import DuckDB, Engine
from harness.project import Consumer


@pytest.mark.gate
@needs("germany_hospitalisations")
def test_germany_is_played_report_by_report(tmp_path: Path) -> None:
    name = "germany_hospitalisations"
    document = play(
        RECIPES[name], FOLDER / name, tmp_path / "run", last=datetime(2021, 6, 20), warm=60, every=8
    )
    assert document["loads"] == 75
    assert [build["loads"] for build in document["builds"]] == [60, 68, 75]
    # A normal spring: nothing that is severe.
    assert {one["severity"] for one in document["incidents"]} <= {"low", "medium"}


@pytest.mark.gate
@needs("usgs_earthquakes")
def test_the_change_of_shape_is_the_incident_of_the_earthquakes(tmp_path: Path) -> None:
    name = "usgs_earthquakes"
    document = play(
        RECIPES[name], FOLDER / name, tmp_path / "run", last=datetime(2025, 5, 6), warm=5, every=20
    )
    opened = [line for build in document["builds"][:2] for line in build["changes"]]
    drift = [line for line in opened if line["detector"] == "schema_drift"]
    assert [(line["first_arrived_at"], line["change"]) for line in drift] == [("2025-05-04 14:53:39", 1)]
    assert [one["kind"] for one in document["incidents"]] == ["schema_drift"]


def test_a_game_day_on_a_copy(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path: Path
) -> None:
    with new_engine() as engine:
        if not isinstance(engine, DuckDB):
            pytest.skip("the copy of another engine is made of a file")
        stream = {
            "relation": "source.shop.orders",
            "event_id": "id",
            "event_time": "happened",
            "ingested_at": "loaded",
            "metrics": {"orders": {"agg": "count"}},
        }
        consumer = Consumer(
            engine, tmp_path / "shop", streams={"orders": stream}, sources={"shop": ["orders"]}
        )
        columns = {"id": "bigint", "happened": "timestamp", "loaded": "timestamp"}
        consumer.create_table("orders", columns)
        consumer.execute(
            "insert into raw.orders select i, timestamp '2026-03-01' + to_seconds(i * 60), "
            "timestamp '2026-03-01' + to_seconds(i * 60 // 3600 * 3600 + 3700) from range(7200) as t (i)"
        )
        consumer.write_project()
        engine.release()
        out = tmp_path / "broken.parquet"
        given = [
            "inject",
            "--stream",
            "orders",
            "--project",
            consumer.folder,
            "--kind",
            "window_lost",
            "--out",
            out,
        ]
        done = CliRunner().invoke(cli.lab, [str(word) for word in given], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert done.output == f"1440 rows of window_lost (missing_window) from 2026-03-05 01:01:40: {out}\n"
        assert json.loads(Path(f"{out}.json").read_text(encoding="utf-8"))["detector"] == "missing_window"
        assert duckdb.sql(f"select count(*) from '{out}'").fetchall() == [(5760,)]
        assert consumer.query("select count(*) as n from raw.orders") == [{"n": 7200}]
        neither = CliRunner().invoke(cli.lab, ["inject", "--out", str(tmp_path / "x")])
        assert "Give either --history or --stream." in str(neither.exception)
        unnamed = CliRunner().invoke(cli.lab, ["inject", "--stream", "orders", "--out", str(tmp_path / "x")])
        assert "Give --kind: one of retry_storm, " in str(unnamed.exception)
