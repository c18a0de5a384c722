"""Public feeds: recipes, and what is in the raw table at each build, by how the feed is written."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dbt_forensics.errors import ForensicsError
from forensics_lab import public
from forensics_lab.public import RECIPES, Recipe, play, recipe, summary

RECIPE: dict[str, Any] = {
    "file": "*.csv",
    "columns": {"id": "key", "happened": "day", "loaded": "loaded_at", "amount": "cast(amount as integer)"},
    "loaded": "loaded",
    "stream": {"event_id": "id", "event_time": "happened", "ingested_at": "loaded"},
}
CSV = """key,day,loaded_at,amount
a,2026-03-01,2026-03-02 06:00:00,1
b,2026-03-01,2026-03-02 06:00:00,2
a,2026-03-01,2026-03-03 06:00:00,5
c,2026-03-02,2026-03-03 06:00:00,3
d,2026-03-03,2026-03-04 06:00:00,4
"""


class Recorded:
    """Stands for the dbt project: keeps what the raw table holds at each build."""

    tables: list[list[tuple[str, int]]]
    streams: dict[str, Any]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, streams: dict[str, Any]) -> None:
        self.folder.mkdir()
        type(self).streams, type(self).tables = streams, []
        with self.connection() as connection:
            connection.execute("create schema raw; create schema feeds")

    def connection(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.folder / "lab.duckdb"))

    def build(self, as_of: str) -> float:
        with self.connection() as connection:
            self.tables.append(connection.execute("select id, amount from raw.own order by all").fetchall())
        return 1.0

    def sightings(self) -> list[dict[str, Any]]:
        line = {
            "detection_id": "x",
            "change": 1,
            "severity": "high",
            "detector": "missing_window",
            "subject": None,
            "window_start": "2026-03-01 00:00:00",
            "window_end": "2026-03-02 00:00:00",
            "incident_id": "i" * 32,
        }
        steps = [{**line, "recorded_at": "1"}, {**line, "recorded_at": "2", "change": -1}]
        return steps[: len(self.tables)]

    def incidents(self) -> list[dict[str, Any]]:
        return [
            {
                "incident_id": "i" * 32,
                "severity": "high",
                "kind": "missing_window",
                "window_start": None,
                "detection_count": 1,
                "opened_at": "1",
                "status": "resolved",
                "resolved_at": "2",
            }
        ]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(public, "Project", Recorded)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "all.csv").write_text(CSV, encoding="utf-8")
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("writes", "tables"),
    [
        ("append", [[("a", 1), ("b", 2)], [("a", 1), ("a", 5), ("b", 2), ("c", 3)]]),
        ("merge", [[("a", 1), ("b", 2)], [("a", 5), ("b", 2), ("c", 3)]]),
        ("replace", [[("a", 1), ("b", 2)], [("a", 5), ("c", 3)]]),
    ],
)
def test_what_the_table_holds_at_each_build(
    writes: str, tables: list[list[tuple[str, int]]], data: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    document = play(
        Recipe(name="own", **RECIPE, writes=writes),
        data,
        tmp_path / "run",
        last=datetime(2026, 3, 4),
        warm=1,
        every=1,
        say=said.append,
    )
    assert Recorded.tables == tables
    assert Recorded.streams["own"].get("writes", "append") == writes
    assert [build["at"] for build in document["builds"]] == ["2026-03-02 06:01:00", "2026-03-03 06:01:00"]
    assert said == [
        "build 1 of 2, 2026-03-02 06:01, 1 loads: 1.0 s",
        "  opened high missing_window 2026-03-01 00:00:00 to 2026-03-02 00:00:00, incident iiiiiiii",
        "build 2 of 2, 2026-03-03 06:01, 2 loads: 1.0 s",
        "  closed high missing_window 2026-03-01 00:00:00 to 2026-03-02 00:00:00, incident iiiiiiii",
    ]
    assert summary(document) == [
        "1 incidents in 2 loads:",
        "  iiiiiiii high missing_window without windows: 1 detections, opened 1, resolved 2",
    ]
    assert json.loads((tmp_path / "run" / "public.json").read_text(encoding="utf-8")) == document


def test_a_recipe_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps({**RECIPE, "writes": "merge"}), encoding="utf-8")
    assert recipe(str(path)) == Recipe(name="own", **RECIPE, writes="merge")
    assert set(RECIPES) == {"germany_hospitalisations", "usgs_earthquakes"}
    assert all(recipe(name) is one for name, one in RECIPES.items())


@pytest.mark.parametrize(
    "document", [{**RECIPE, "rows": 3}, {"file": "a.csv"}, {**RECIPE, "writes": "upsert"}]
)
def test_a_file_that_is_no_recipe(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ForensicsError, match=r"is no recipe: it needs file, columns, loaded, stream"):
        recipe(str(path))


def test_what_is_not_there_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ForensicsError, match="There is no recipe x: give one of germany_hospitalisations, "):
        recipe("x")
    with pytest.raises(ForensicsError, match=r"There is no file x\.json\."):
        recipe("x.json")
    with pytest.raises(ForensicsError, match=r"There is no \*\.csv in "):
        play(Recipe(name="own", **RECIPE), tmp_path, tmp_path / "run")
    other = Recipe(name="own", **{**RECIPE, "columns": {"loaded": "landed"}})
    with pytest.raises(ForensicsError, match="own does not fit "):
        play(other, data, tmp_path / "run")
