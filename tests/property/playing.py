"""Plays a world in a warehouse: loads each step into the raw tables and builds after some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from harness.engines import RAW_SCHEMA, Engine, quoted
from harness.project import Consumer
from property import promises
from property.histories import BUILT_AT, STREAMS, TABLES, World, stream_config
from property.oracle import Build

#: How a payload column's canonical text becomes the value that the generator put in.
PAYLOAD_TYPES: dict[str, Callable[[str], Any]] = {
    "amount": Decimal,
    "paid": Decimal,
    "size": int,
    "is_test": lambda text: {"true": True, "false": False}[text],
}


class Player:
    """A consumer project whose raw tables follow a world."""

    def __init__(self, engine: Engine, folder: Path, world: World) -> None:
        self.world = world
        self.cadence: list[int] = []
        self.step: int | None = None
        self.consumer = Consumer(
            engine,
            folder,
            streams={name: stream_config(table, stream) for name, (table, stream) in STREAMS.items()},
            sources={"shop": [table.name for table in TABLES]},
            vars={"forensics_verify_horizon": {"count": 30, "period": "day"}},
        )

    def load(self, step: int) -> None:
        """Brings the raw tables to their state after this step."""
        for table in map(self.world.table, TABLES):
            name = f"{RAW_SCHEMA}.{quoted(table.name)}"
            new = table.columns(step)
            if self.step is None:
                self.consumer.create_table(table.name, new)
            else:
                old = table.columns(self.step)
                for column in old.keys() - new.keys():
                    self.consumer.execute(f"alter table {name} drop column {quoted(column)}")
                for column, type_ in new.items():
                    if column not in old:
                        self.consumer.execute(f"alter table {name} add column {quoted(column)} {type_}")
                    elif old[column] != type_:
                        self.consumer.execute(
                            f"alter table {name} alter column {quoted(column)} type {type_}"
                        )
                self.consumer.execute(f"delete from {name}")
            rows = self.world.states[table.name][step]
            self.consumer.insert(table.name, [table.as_columns(row) for row in rows])
        self.step = step

    def build(self, step: int) -> None:
        self.load(step)
        self.consumer.build(as_of=str(BUILT_AT[step]))
        self.cadence.append(step)

    def play(self, cadence: Sequence[int]) -> Player:
        for step in cadence:
            self.build(step)
        return self

    def recorded(self, name: str) -> promises.Recorded:
        return promises.read(self.consumer, STREAMS[name][1], PAYLOAD_TYPES)

    def builds(self, name: str) -> list[Build]:
        return self.world.builds(STREAMS[name][0], self.cadence)

    def violations(self) -> dict[str, list[str]]:
        """All violations of all streams, by stream and promise."""
        return {
            f"{name}: {promise}": violations
            for name in STREAMS
            for promise, violations in promises.all_violations(self.recorded(name), self.builds(name)).items()
        }


def report(violations: dict[str, list[str]], each: int = 5) -> str:
    """The violations in words that fit on a screen."""
    lines = []
    for promise, found in violations.items():
        lines.append(f"{promise}: {len(found)} violations")
        lines += [f"    {violation}" for violation in found[:each]]
    return "\n".join(lines)
