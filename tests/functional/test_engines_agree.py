"""Both engines say the same of the same input, in every public table: rows, keys, verdicts, values, digests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from harness.engines import Engine
from harness.public_tables import ITS_OWN, Contents, assert_same, contents
from property.histories import World
from property.playing import Player

WORLD = World(seeds={"order_events": tuple(range(500, 560)), "payments": tuple(range(600, 630))})
BUILDS = (1, 3, 5)
#: Nothing is done to these streams; tests/property/test_actions.py compares what actions do.
EMPTY = {"action_log", "outbox", "actions", "held_withdrawals", "unread_streams"}


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest,
    engine_named: Callable[[str], AbstractContextManager[Engine]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Contents]]:
    if request.config.getoption("engine") not in ("all", "each"):
        pytest.skip("compares the engines, and one of them was asked for")
    found: dict[str, Contents] = {}
    with ExitStack() as stack:
        for name in ("duckdb", "postgres"):
            folder = tmp_path_factory.mktemp(f"agree_{name}") / "consumer"
            player = Player(stack.enter_context(engine_named(name)), folder, WORLD).play(BUILDS)
            found[name] = contents(player.consumer.query)
        yield found


@pytest.mark.parametrize("relation", ITS_OWN)
def test_same_contents(played: dict[str, Contents], relation: str) -> None:
    assert sum(played["duckdb"][relation].values()) > 0 or relation in EMPTY
    assert_same(played["postgres"][relation], played["duckdb"][relation])
