"""Both engines say the same of the same input: rows, keys, verdicts, values, changes, digests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest

from harness.engines import Engine
from property.histories import World
from property.playing import Player

#: What depends on the engine or on its clock, and is no part of the evidence.
ITS_OWN = {
    "event_history": ["dbt_scd_id", "dbt_updated_at", "dbt_valid_to"],
    "batch_history": ["dbt_scd_id", "fingerprint"],
    "schema_history": ["dbt_scd_id", "data_type"],
    "vanished_rows": [],
    "ledger": [],
    "events": [],
    "batches": [],
    "metric_versions": [],
    "metric_changes": [],
}
WORLD = World(seeds={"order_events": tuple(range(500, 560)), "payments": tuple(range(600, 630))})
BUILDS = (1, 3, 5)


def without(row: dict[str, Any], columns: list[str]) -> str:
    return json.dumps({k: v for k, v in row.items() if k not in columns}, sort_keys=True, default=str)


@pytest.fixture(scope="module")
def players(
    request: pytest.FixtureRequest,
    engine_named: Callable[[str], AbstractContextManager[Engine]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Player]]:
    if request.config.getoption("engine") != "all":
        pytest.skip("compares the engines, and one of them was asked for")
    made: dict[str, Player] = {}
    with ExitStack() as stack:
        for name in ("duckdb", "postgres"):
            folder = tmp_path_factory.mktemp(f"agree_{name}") / "consumer"
            made[name] = Player(stack.enter_context(engine_named(name)), folder, WORLD).play(BUILDS)
        yield made


@pytest.mark.parametrize("relation", ITS_OWN)
def test_same_contents(players: dict[str, Player], relation: str) -> None:
    found = {
        name: Counter(
            without(row, ITS_OWN[relation])
            for row in player.consumer.query(f"select * from analytics.forensics__{relation}")
        )
        for name, player in players.items()
    }
    assert sum(found["duckdb"].values()) > 0
    assert sorted((found["duckdb"] - found["postgres"]).elements())[:3] == []
    assert sorted((found["postgres"] - found["duckdb"]).elements())[:3] == []
