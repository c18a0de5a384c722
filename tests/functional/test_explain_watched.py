"""The command explains what the user's own models showed, as it explains the package's metrics."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from functional.test_command_on_the_worked_example import run, versions_of
from functional.test_watches import Shop
from harness.engines import Engine


@pytest.mark.gate
def test_a_watched_value_is_explained(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer")
    shop.build(("e1", 10), ("e2", 20))
    shop.build(("e3", 5))
    outcome = run(shop.consumer, "explain", "daily", "2026-01-05", "--json")
    assert outcome.code == 0
    assert versions_of(outcome) == [(None, "30", {"on_time": "30"}, True), ("30", "35", {"late": "5"}, True)]
    assert outcome.json["values"][0]["dimensions"] == {"currency": "EUR"}
    assert run(shop.consumer, "explain", "daily", "2026-01-05", "--dimension", "currency=USD").code == 1
    assert run(shop.consumer, "explain", "daily", "2026-01-05", "--dimension", "shop=a").code == 2
    unknown = run(shop.consumer, "explain", "dayly", "2026-01-05")
    assert unknown.err == "Error: There is no metric 'dayly': give one of daily, revenue.\n"


@pytest.mark.gate
def test_a_part_that_nothing_explains_is_a_finding(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer")
    shop.build(("e1", 10))
    shop.consumer.execute("update analytics.int_forensics__watch_log set cause = 'unexplained'")
    outcome = run(shop.consumer, "explain", "daily", "2026-01-05")
    assert outcome.code == 1
    assert "a part of it is UNEXPLAINED" in " ".join(outcome.out.split())


@pytest.mark.gate
def test_a_watched_value_is_in_the_report(engine: Engine, tmp_path: Path) -> None:
    """What the model showed is reported beside the metric that is its truth, and what nothing explains comes first."""
    shop = Shop(engine, tmp_path / "consumer")
    shop.build(("e1", 10))
    shop.build(("e2", 5))
    shop.build(("e3", 7))
    shop.consumer.execute(
        "update analytics.int_forensics__watch_log set cause = 'unexplained' where version = 3"
    )
    outcome = run(shop.consumer, "report", "--out", str(tmp_path / "report"))
    assert outcome.code == 1
    document = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert [(one["metric"], one["window"]) for one in document["watches"]] == [("daily", "day")]
    (change,) = [one for one in document["changes"]["items"] if one["metric"] == "daily"]
    assert [cause["cause"] for cause in change["causes"]] == ["unexplained"]
    assert document["findings"][0]["kind"] == "unexplained_changes"
    assert document["findings"][0]["stream"] == "forensics_watches"
    assert "daily" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
