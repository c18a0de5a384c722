"""Failures of feeds on Spark: what the detectors say, and every other public table, is DuckDB's, to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from functional.failures import FAILURES
from functional.test_detection import BUILDS, play
from harness.engines import Engine
from harness.public_tables import ITS_OWN, Contents, assert_same, contents

#: One of each way of looking: at shares of rows, delays, batches, windows of hours, the shape of rows, the history.
NAMES = ["duplicates", "local_time", "partial_load", "few_of_each_hour", "other_version", "deleted"]
EMPTY = {"action_log", "outbox", "actions", "held_withdrawals", "unread_streams"}


@pytest.fixture(scope="module")
def played(
    engine_named: Callable[[str], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Contents]:
    failures = [failure for failure in FAILURES if failure.name in NAMES]
    found = {}
    for name in ("duckdb", "spark"):
        with engine_named(name) as engine:
            folder = tmp_path_factory.mktemp(f"detection_{name}") / "consumer"
            # The first build has the quiet days and the failures: two are enough for what changed after one.
            found[name] = contents(play(engine, folder, BUILDS[::2], failures).consumer.query)
    return found


@pytest.mark.parametrize("relation", ITS_OWN)
def test_every_table_is_duckdbs(played: dict[str, Contents], relation: str) -> None:
    assert played["duckdb"][relation] or relation in EMPTY
    assert_same(played["spark"][relation], played["duckdb"][relation])


def test_every_failure_is_seen(played: dict[str, Contents]) -> None:
    rows = " ".join(played["spark"]["detections"])
    assert {name for name in NAMES if f'"stream": "{name}"' in rows} == set(NAMES)
