"""Fixtures of worlds that several tests look at: played once per engine and session. Tests leave them as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from harness.engines import Engine
from property.histories import ATTEMPTS, ORDINARY, STEPS, Circumstances, World
from property.playing import Player

#: Large enough for every kind of thing to happen, in every stream, several times.
WORLD = World(
    seeds={"order_events": tuple(range(120)), "payments": tuple(range(1000, 1060))},
    sparse_cadence=(2, 5),
)


#: The same, and everything that may be otherwise is so at the last build.
OTHERWISE = replace(
    WORLD,
    circumstances=(
        *(ORDINARY,) * (STEPS - 1),
        Circumstances(session=True, settings=True, attempts=ATTEMPTS, in_capitals=True, retyped=True),
    ),
)


@pytest.fixture(scope="session")
def new_player(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[World], Player]]:
    """`new_player(world)`: a consumer on an empty database of the engine under test."""
    with new_engine():
        pass  # what the engine needs is set up before this fixture, and so outlives its databases
    with ExitStack() as stack:
        numbers = count()

        def make(world: World) -> Player:
            folder = tmp_path_factory.mktemp("player") / f"consumer_{next(numbers)}"
            return Player(stack.enter_context(new_engine()), Path(folder), world)

        yield make


@pytest.fixture(scope="session")
def played(new_player: Callable[[World], Player]) -> Player:
    """The world after a build at each step."""
    return new_player(WORLD).play(WORLD.cadence)


@pytest.fixture(scope="session")
def played_seldom(new_player: Callable[[World], Player]) -> Player:
    """The same world with few builds, the last one in other circumstances."""
    return new_player(OTHERWISE).play(WORLD.sparse_cadence)
