"""A build that is killed, wherever, and run again ends as if it had never been killed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from property.fixtures import WORLD
from property.histories import BUILT_AT, STEPS, World
from property.playing import Player, report
from property.promises import RELATIONS

#: What a snapshot writes by the engine's clock and not by the build's.
BY_THE_CLOCK = ("dbt_updated_at", "dbt_valid_to", "dbt_scd_id")
#: The nodes that write, in the order of the build.
NODES = (
    "int_forensics__dirty_batches",
    "forensics__event_history",
    "forensics__schema_history",
    "int_forensics__presence_changes",
    "forensics__batch_history",
    "forensics__ledger",
    "int_forensics__metric_log",
    "forensics__metric_versions",
    "int_forensics__row_profile",
    "int_forensics__detection_log",
)
#: What must be the same after a kill.
COMPARED = (*RELATIONS, "windows", "detections")


def whole_seconds(text: str) -> str:
    """A row as text without the microseconds by which a build that is run again at the same clock records later."""
    return re.sub(r"(\d\d:\d\d:\d\d)\.000\d{3}", r"\1", text)


def contents(player: Player) -> dict[str, Counter[str]]:
    found = {}
    for relation in COMPARED:
        # An id of a detection is made of the time at which its rows were sealed.
        skipped = BY_THE_CLOCK if relation == "event_history" else ("dbt_scd_id", "detection_id")
        found[relation] = Counter(
            whole_seconds(
                json.dumps({k: v for k, v in row.items() if k not in skipped}, sort_keys=True, default=str)
            )
            for row in player.consumer.query(f"select * from analytics.forensics__{relation}")
        )
    return found


def assert_same(killed: Player, never_killed: Player) -> None:
    assert report(killed.violations()) == ""
    found, expected = contents(killed), contents(never_killed)
    for relation in COMPARED:
        only_killed, only_never = found[relation] - expected[relation], expected[relation] - found[relation]
        assert (sorted(only_killed.elements())[:2], sorted(only_never.elements())[:2]) == ([], []), relation


def build_with_kills(player: Player, step: int, kills: Sequence[str]) -> None:
    """Loads the step and builds: killed at each of these points in turn, then left alone."""
    player.load(step)
    player.was_killed = True
    for at in kills:
        player.consumer.build_killed(at, as_of=str(BUILT_AT[step]))
    player.build(step)


@pytest.fixture(scope="session")
def left_alone(new_player: Callable[[World], Player]) -> Player:
    """The world after a few builds that nobody killed."""
    return new_player(WORLD).play(WORLD.sparse_cadence)


@pytest.mark.slow
@pytest.mark.engines_differ
def test_killed_builds(new_player: Callable[[World], Player], left_alone: Player) -> None:
    """The first build of all and a later one, each killed after and inside its nodes until it is left alone."""
    player = new_player(WORLD)
    first, second = WORLD.sparse_cadence
    build_with_kills(player, first, ["after:forensics__event_history", "inside:forensics__ledger"])
    build_with_kills(player, second, ["inside:forensics__batch_history:2", "after:forensics__ledger"])
    assert_same(player, left_alone)


@pytest.mark.engines_differ
@pytest.mark.slow
@pytest.mark.parametrize("moment", ["after", "inside"])
def test_killed_at_every_node(new_player: Callable[[World], Player], played: Player, moment: str) -> None:
    """A history's builds, each killed at one node, and in the next try at another, until every node had its turn."""
    player = new_player(WORLD)
    for step in range(STEPS):
        build_with_kills(player, step, [f"{moment}:{node}" for node in NODES[step::STEPS]])
    assert_same(player, played)


@pytest.mark.slow
@pytest.mark.parametrize("node", NODES)
def test_killed_inside_a_first_build(
    new_player: Callable[[World], Player], left_alone: Player, node: str
) -> None:
    player = new_player(WORLD)
    first, second = WORLD.sparse_cadence
    build_with_kills(player, first, [f"inside:{node}", f"after:{node}"])
    player.build(second)
    assert_same(player, left_alone)
