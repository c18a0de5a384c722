"""Promise 6 on generated histories: what is applied and reverted leaves every value, verdict and digest as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from dbt_forensics.actions.guards import OVERRIDES
from functional.test_command_on_the_worked_example import Outcome, run
from property import promises
from property.histories import BUILT_AT, STREAMS, World
from property.playing import Player, report

WHO = ("--owner", "ann", "--reason", "property")
ALL = tuple(part for name in OVERRIDES for part in ("--override", name))
#: Which rows a kind of action takes, and the command that does it.
COMMANDS = {
    "withdrawal": (("accepted", "superseded", "duplicate", "conflict"), ("withdraw",)),
    "release": (("quarantined",), ("quarantine", "release")),
    "replay": (("withdrawn", "pending"), ("replay", "plan")),
    "discard": (("quarantined",), ("quarantine", "discard")),
    "emission": (("accepted",), ("replay", "plan", "--kind", "emission")),
}


class Actor:
    """Acts upon a player's history, at random, and keeps what is in force."""

    def __init__(self, player: Player, seed: int) -> None:
        self.player = player
        self.rng = Random(seed)
        self.clock = datetime.min
        self.in_force: list[str] = []
        self.kinds: set[str] = set()

    def at(self, step: int) -> None:
        """Acts happen between this build and the next."""
        self.clock = BUILT_AT[step] + timedelta(hours=1)

    def command(self, *arguments: str) -> Outcome:
        self.clock += timedelta(minutes=1)
        outcome = run(self.player.consumer, *arguments, "--vars", f"{{forensics_as_of: '{self.clock}'}}")
        assert outcome.err == "", outcome.err
        return outcome

    def do(self, kind: str) -> bool:
        """One action of a kind on a selection that takes something, if there is one."""
        verdicts, command = COMMANDS[kind]
        rows = self.player.consumer.query(
            "select stream, entity_id, event_id, batch_id, window_start from analytics.forensics__verdicts"
            f" where verdict in ({', '.join(repr(v) for v in verdicts)}) and event_id is not null"
            " and event_time is not null and ingested_at is not null order by row_key"
        )
        if not rows:
            return False
        row = self.rng.choice(rows)
        by = self.rng.choice(["--event", "--entity", "--batch", "--from"])
        chosen = ["--stream", row["stream"], *self.selection(row, by)]
        before = self.values()
        if command[0] == "replay":
            planned = self.command(*command, *chosen, *WHO, "--json").json
            done = self.command("replay", "apply", planned["action_id"], *WHO, "--execute", *ALL, "--json")
        else:
            done = self.command(*command, *chosen, *WHO, "--execute", *ALL, "--json")
        assert (done.code, done.json["status"]) == (0, "verified" if kind == "discard" else "applied"), (
            done.out
        )
        self.expect(row["stream"], before, done.json["effects"])
        self.kinds.add(kind)
        if kind == "emission":
            self.expect_emitted(done.json)
        else:
            self.in_force.append(done.json["action_id"])
        return True

    def expect_emitted(self, done: dict[str, Any]) -> None:
        """All its rows are in the outbox, in the one order of rows."""
        emitted = self.player.consumer.query(
            "select events.ingested_at, events.batch_id, events.ordinal, events.row_key"
            " from analytics.forensics__outbox as outbox inner join analytics.forensics__verdicts as events"
            f" on outbox.row_key = events.row_key where outbox.action_id = '{done['action_id']}' order by position"
        )
        assert len(emitted) == done["rows"] > 0
        assert emitted == sorted(emitted, key=lambda row: tuple(row.values()))

    def selection(self, row: dict[str, Any], by: str) -> list[str]:
        value = {"--event": row["event_id"], "--entity": row["entity_id"], "--batch": row["batch_id"]}.get(by)
        if value is not None:
            return [by, value]
        day = row["window_start"].replace(hour=0)
        return ["--from", f"{day:%Y-%m-%d}", "--to", f"{day + timedelta(days=1):%Y-%m-%d}"]

    def revert_one(self) -> None:
        action = self.in_force.pop(self.rng.randrange(len(self.in_force)))
        before = self.values()
        done = self.command("replay", "revert", action, *WHO, "--execute", "--json")
        assert (done.code, done.json["status"]) == (0, "reverted")
        (stream,) = {done.json["selection"]["stream"]}
        self.expect(stream, before, done.json["effects"])

    def values(self) -> dict[tuple[Any, ...], Any]:
        return {
            (row["stream"], row["metric"], row["window_start"], row["dimensions"]): row["value"]
            for row in self.player.consumer.query(
                "select * from analytics.forensics__metric_versions where is_current"
            )
        }

    def expect(self, stream: str, before: dict[tuple[Any, ...], Any], effects: list[dict[str, Any]]) -> None:
        """The plan's effects are what became of the values, to the digit; no other value moved."""
        predicted = dict(before)
        for one in effects:
            window = datetime.fromisoformat(one["window_start"].removesuffix("Z"))
            key = (stream, one["metric"], window, one["dimensions"])
            assert _number(before.get(key)) == _number(one["before"])
            predicted[key] = one["after"]
        found = self.values()
        assert {key: _number(value) for key, value in found.items()} == {
            key: _number(value) for key, value in predicted.items()
        }


def _number(value: Any) -> Any:
    return None if value is None else Decimal(str(value))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_apply_and_revert_is_identity(new_player: Callable[[World], Player], seed: int) -> None:
    """Actions between the builds of a growing history, reverted in any order: the end is as if there had been none."""
    world = World(
        seeds={"order_events": tuple(range(40)), "payments": tuple(range(1000, 1020))},
        sparse_cadence=(2, 5),
    )
    untouched, acted_upon = new_player(world), new_player(world)
    actor = Actor(acted_upon, seed)
    for place, step in enumerate(world.cadence):
        untouched.build(step)
        acted_upon.build(step)
        actor.at(step)
        if place == 2:
            actor.do("withdrawal")
            actor.do("discard")
            actor.do("release")
            actor.do("emission")
        if place == 3:
            actor.do("replay")
            actor.revert_one()
            actor.do("withdrawal")
    assert actor.kinds == set(COMMANDS)
    for name in STREAMS:
        recorded = acted_upon.recorded(name)
        violations = {
            "nothing is lost": promises.nothing_is_lost(recorded, acted_upon.builds(name)),
            "every change is explained": promises.every_change_is_explained(recorded),
            "as-of is true": promises.as_of_is_true(recorded),
            "the ledger balances": promises.ledger_balances(recorded),
        }
        assert report({promise: found for promise, found in violations.items() if found}) == ""
    while actor.in_force:
        actor.revert_one()
    for name in STREAMS:
        one, other = untouched.recorded(name), acted_upon.recorded(name)
        assert promises.final_verdicts(one) == promises.final_verdicts(other)
        assert promises.current_values(one) == promises.current_values(other)
    before = promises.contents(acted_upon.consumer)
    acted_upon.consumer.build(as_of=str(actor.clock + timedelta(minutes=1)))
    assert promises.differences(before, promises.contents(acted_upon.consumer)) == []
