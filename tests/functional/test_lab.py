"""The lab from end to end, on DuckDB: feeds that are made, broken, played in builds, and scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forensics_lab import cli
from forensics_lab.worlds import read_world

#: In the first feed; the second stays as it is. All are over when the last build runs.
FAILURES = {"few_rows": "31", "held_back": "33", "settled_day_restated": "35"}


def lab(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.lab, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    made = lab(
        "generate", "--feeds", 2, "--rows", 30_000, "--days", 38, "--seed", 4, "--out", folder / "world"
    )
    assert made.exit_code == 0, made.output
    feed = read_world(folder / "world").feeds[0].feed.name
    for kind, day in FAILURES.items():
        put_in = lab(
            *("inject", "--history", folder / "world", "--out", folder / "world", "--kind", kind),
            *("--feed", feed, "--day", day),
        )
        assert put_in.exit_code == 0, put_in.output
    played = lab("run", folder / "world", "--every-hours", 80, "--out", folder / "run")
    assert played.exit_code == 0, played.output
    assert played.output.count("build ") == 3
    return folder / "run"


def test_what_was_put_in_is_found_and_nothing_else(run: Path) -> None:
    scored = lab("score", run, "--json")
    score = json.loads(scored.output)
    assert {line["kind"]: line["found"] for line in score["kinds"]} == dict.fromkeys(FAILURES, 1)
    assert score["false_alarms"] == []
    assert score["precision"] == 1
    assert scored.exit_code == 0


def test_a_score_under_its_thresholds_fails(run: Path, tmp_path: Path) -> None:
    document = json.loads((run / "run.json").read_text(encoding="utf-8"))
    document["sightings"] = []
    (tmp_path / "run.json").write_text(json.dumps(document), encoding="utf-8")
    scored = lab("score", tmp_path)
    assert scored.exit_code == 1
    assert "few_rows: recall 0.000 at medium severity, wanted 0.95" in scored.output


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    assert "There is no run in" in str(lab("score", tmp_path).exception)
    assert "There are no feeds in" in str(lab("run", tmp_path, "--out", tmp_path / "run").exception)
