"""Builds that are killed at any statement, with raw data that changes before they run again: the last raw data decides.

Each chain starts from one small history. Its builds are killed one after the other, at statements that no other chain
is killed at, until the last one is left alone. `-m slow` runs 200 kills per engine; a few are in every run.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from functional.test_crash import whole_seconds
from functional.test_turns import COLUMNS, STREAM
from harness import public_tables
from harness.engines import Engine
from harness.project import Consumer

BUILT, AGAIN, LATER = "2026-01-06 12:00:00", "2026-01-07 12:00:00", "2026-01-07 13:00:00"
#: Event, amount, batch; what arrives in b2 or later comes a day after.
AT_FIRST = (("e1", 100, "b1"), ("e2", 50, "b1"), ("e3", 7, "b1"))
#: What the raw table holds when a build runs. landed: a correction, a repetition, two new rows, and one that is gone.
LANDED = (*AT_FIRST[:2], ("e2", 60, "b2"), ("e1", 100, "b2"), ("e4", 10, "b2"), ("e5", 20, "b2"))
RAW = {
    "landed": LANDED,
    "rows taken back": (*LANDED[:2], ("e1", 100, "b2"), ("e4", 11, "b2")),
    "rows added late": (*LANDED, ("e3", 7, "b1"), ("e7", 3, "b1"), ("e6", 5, "b3"), ("e5", 20, "b3")),
    "batch taken back": AT_FIRST,
}


@dataclass(frozen=True)
class Chain:
    """Builds that are killed at these statements, and one that is not: the raw table before each, and its clock."""

    statements: tuple[int, ...]
    raw: tuple[str, ...]
    clocks: tuple[str, ...]

    @property
    def changes(self) -> int:
        """After how many kills the raw data changed."""
        return sum(before != after for before, after in zip(self.raw, self.raw[1:], strict=False))


def chains(statements: int, kills: int, each: int, seed: int) -> list[Chain]:
    """Chains of `each` kills, at `kills` statements of the `statements` that a build sends, each of them once."""
    draw = random.Random(seed)
    points = draw.sample(range(1, statements + 1), kills)
    found = []
    for start in range(0, kills, each):
        raw = ["landed"]
        for number in range(start, start + each):
            others = [name for name in RAW if name != raw[-1]]
            raw.append(draw.choice(others) if number % 3 == 0 or draw.random() < 0.1 else raw[-1])
        at_once = draw.choice([each + 1, each + 1, draw.randint(1, each)])
        clocks = [AGAIN] * at_once + [LATER] * (each + 1 - at_once)
        found.append(Chain(tuple(points[start : start + each]), tuple(raw), tuple(clocks)))
    return found


class World:
    """One consumer whose warehouse goes back to its first build before each chain."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        stream = {
            **STREAM,
            "on_conflict": "last_wins",
            "metrics": {**STREAM["metrics"], "n": {"agg": "count"}},
        }
        self.consumer = Consumer(engine, folder, streams={"o": stream}, sources={"raw": ["t"]})
        self.consumer.create_table("t", COLUMNS)
        self.load(AT_FIRST)
        self.consumer.build(as_of=BUILT)
        self.saved = engine.save()
        self.expected: dict[str, tuple[Any, Any]] = {}
        self.statements = 0

    def load(self, rows: Sequence[tuple[str, int, str]]) -> None:
        self.consumer.execute("delete from raw.t")
        self.consumer.insert(
            "t",
            [
                {
                    "id": event,
                    "happened": "2026-01-05 09:00:00",
                    "loaded": "2026-01-05 10:00:00" if batch == "b1" else "2026-01-06 10:00:00",
                    "b": batch,
                    "amount": amount,
                }
                for event, amount, batch in rows
            ],
        )

    def start(self, raw: str) -> None:
        self.consumer.engine.restore(self.saved)
        self.load(RAW[raw])

    def undisturbed(self, raw: str) -> tuple[Any, Any]:
        """What a build shows that nobody disturbed: in short, and in full."""
        if raw not in self.expected:
            self.start(raw)
            run = self.consumer.build(as_of=AGAIN, args=("--threads", "1"))
            self.statements = self.statements or run.statements
            self.expected[raw] = (self.in_short(), self.in_full())
        return self.expected[raw]

    def in_short(self) -> list[Any]:
        """Values and verdicts, without how they came about: with other raw data before, that differs."""
        rows = (
            "select event_id, batch_id, payload, verdict, is_counted from analytics.forensics__verdicts "
            "where is_in_source"
        )
        values = (
            "select metric, window_start, value from analytics.forensics__metric_versions where is_current"
        )
        gone = "select count(*) as n from analytics.forensics__verdicts where is_counted and not is_in_source"
        return [Counter(str(row) for row in self.consumer.query(sql)) for sql in (rows, values, gone)]

    def in_full(self) -> dict[str, Counter[str]]:
        found = public_tables.contents(self.consumer.query)
        return {name: Counter(whole_seconds(row) for row in rows.elements()) for name, rows in found.items()}

    def play(self, chain: Chain) -> int:
        """Plays a chain and compares its end. Returns how many builds were killed; a build may be over before."""
        self.start(chain.raw[0])
        killed = 0
        for statement, raw, clock in zip(chain.statements, chain.raw, chain.clocks, strict=False):
            self.load(RAW[raw])
            killed += self.consumer.build_killed(
                f"statement:{statement}", as_of=clock, args=("--threads", "1"), may_end=True
            )
        self.load(RAW[chain.raw[-1]])
        self.consumer.build(as_of=chain.clocks[-1], args=("--threads", "1"))
        assert self.consumer.dbt(["test"]).success, chain
        in_short, in_full = self.in_short(), self.in_full()
        if not chain.changes and chain.clocks[-1] == AGAIN:
            for name, rows in self.undisturbed(chain.raw[-1])[1].items():
                assert (chain, name, in_full[name] - rows, rows - in_full[name]) == (
                    chain,
                    name,
                    Counter(),
                    Counter(),
                )
        assert (chain, in_short) == (chain, self.undisturbed(chain.raw[-1])[0])
        return killed


@pytest.fixture(scope="module")
def world(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with new_engine() as engine:
        yield World(engine, tmp_path_factory.mktemp("killed") / "consumer")


def play_all(world: World, kills: int, each: int, seed: int) -> None:
    world.undisturbed("landed")
    drawn = chains(world.statements, kills, each, seed)
    assert sum(chain.changes for chain in drawn) * 3 >= kills
    assert sum(map(world.play, drawn)) >= kills * 0.9


@pytest.mark.gate
def test_some_kills(world: World) -> None:
    play_all(world, kills=8, each=4, seed=1)


@pytest.mark.slow
def test_many_kills(world: World) -> None:
    play_all(world, kills=230, each=2, seed=2)
