"""The command explains what the user's own models showed, as it explains the package's metrics."""

from __future__ import annotations

from pathlib import Path

from functional.test_command_on_the_worked_example import run, versions_of
from functional.test_watches import Shop
from harness.engines import Engine


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


def test_a_part_that_nothing_explains_is_a_finding(engine: Engine, tmp_path: Path) -> None:
    shop = Shop(engine, tmp_path / "consumer")
    shop.build(("e1", 10))
    shop.consumer.execute("update analytics.int_forensics__watch_log set cause = 'unexplained'")
    outcome = run(shop.consumer, "explain", "daily", "2026-01-05")
    assert outcome.code == 1
    assert "a part of it is UNEXPLAINED" in " ".join(outcome.out.split())
