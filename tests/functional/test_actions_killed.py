"""A command that is killed at any point of its transaction leaves nothing or all; run again it finishes or refuses."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from functional.test_actions import WHO, act, command, consumer, state, worked_example
from functional.test_command_on_the_worked_example import run
from harness.engines import Engine, Postgres
from harness.killed_command import server
from harness.project import Consumer

__all__ = ["consumer"]

WITHDRAWAL = ("replay", "plan", "--kind", "withdrawal", "--stream", "orders")
EMISSION = (
    *("replay", "plan", "--kind", "emission", "--stream", "orders"),
    *("--from", "2026-01-05", "--to", "2026-01-06"),
)
#: Where apply is killed, and where revert is: rows and act of the one, the act of the other.
POINTS = [
    ("after:begin", "before:insert"),
    ("after:insert", "after:insert"),
    ("before:commit", "after:commit"),
    ("after:commit", "before:commit"),
]


def killed(consumer: Consumer, at: str, *arguments: str) -> None:
    """The command, killed at a point."""
    consumer.engine.release()
    folder, output = str(consumer.folder), consumer.folder / "killed.log"
    code = server().run(at, [*arguments, "--project-dir", folder, "--profiles-dir", folder], output)
    assert code == -signal.SIGKILL, output.read_text()
    if isinstance(consumer.engine, Postgres):
        consumer.engine.wait_until_alone()


def acts(consumer: Consumer, action: str) -> list[str]:
    found = consumer.query(f"select act from analytics.forensics__action_log where action_id = '{action}'")
    return sorted(row["act"] for row in found)


def rows(consumer: Consumer, action: str) -> int:
    (row,) = consumer.query(
        f"select count(*) as n from analytics.int_forensics__action_rows where action_id = '{action}'"
    )
    return int(row["n"])


@pytest.mark.slow
@pytest.mark.engines_differ
def test_killed_while_it_applies_and_reverts(consumer: Consumer) -> None:
    before = state(consumer)
    for applying, reverting in POINTS:
        plan = act(consumer, *WITHDRAWAL, "--event", "e1", *WHO).json
        action, apply = plan["action_id"], ("replay", "apply", plan["action_id"], *WHO, "--execute")
        killed(consumer, applying, *apply)
        is_done = applying == "after:commit"
        assert acts(consumer, action) == (["applied", "planned"] if is_done else ["planned"]), applying
        assert rows(consumer, action) == (plan["rows"] if is_done else 0), applying
        again = act_again(consumer, *apply)
        assert ("is applied, and only planned" in again) == is_done, applying
        if is_done:
            consumer.build()
        assert (acts(consumer, action), rows(consumer, action)) == (["applied", "planned"], plan["rows"])
        assert act(consumer, "replay", "verify", action).json["wrong"] == []
        assert state(consumer) != before

        revert = ("replay", "revert", action, *WHO, "--execute")
        killed(consumer, reverting, *revert)
        is_done = reverting == "after:commit"
        assert ("reverted" in acts(consumer, action)) == is_done, reverting
        assert ("is reverted, and only" in act_again(consumer, *revert)) == is_done, reverting
        if is_done:
            consumer.build()
        assert acts(consumer, action) == ["applied", "planned", "reverted", "verified"]
        assert state(consumer) == before, (applying, reverting)


def act_again(consumer: Consumer, *arguments: str) -> str:
    """Runs the command once more; returns the sentence with which it refuses, or nothing."""
    outcome = run(consumer, *arguments)
    assert (outcome.code == 0) == (outcome.err == "")
    return outcome.err


@pytest.mark.gate
def test_killed_while_it_emits(consumer: Consumer, tmp_path: Path) -> None:
    """The outbox and the file have all rows or none; in the end both have them once."""
    rows = 0
    for number, at in enumerate(
        ("before:insert", "before:insert:2", "before:commit", "after:commit", "before:rename")
    ):
        folder = tmp_path / f"files{number}"
        given = (*EMISSION, "--include-duplicates", "--jsonl", str(folder))
        plan = act(consumer, *given, *WHO).json
        apply = ("replay", "apply", plan["action_id"], *WHO, "--override", "emitted", "--execute")
        emitted = f"select row_key from analytics.forensics__outbox where action_id = '{plan['action_id']}'"
        killed(consumer, at, *apply)
        is_done = at in ("after:commit", "before:rename")
        assert len(consumer.query(emitted)) == (plan["rows"] if is_done else 0), at
        assert list(folder.glob("*.jsonl")) == [], at
        assert act(consumer, *apply).json["status"] == "applied", at
        (path,) = folder.iterdir()
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) == len(consumer.query(emitted)) == plan["rows"] > 1, at
        assert "is applied, and only planned" in act_again(consumer, *apply), at
        assert act(consumer, "replay", "verify", plan["action_id"]).json["wrong"] == []
        rows += plan["rows"]
    assert consumer.query("select count(*) as n from analytics.forensics__outbox") == [{"n": rows}]


@pytest.mark.gate
def test_four_who_apply_at_once(
    engine_named: Callable[[str], AbstractContextManager[Engine]],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    """Two apply one plan and two another one that overlaps it, all at one moment: one wins, three are told.

    DuckDB lets one process at a time have the file: test_of_two_who_apply_at_once_one_wins.
    """
    if request.config.getoption("engine") == "duckdb":
        pytest.skip("processes meet on PostgreSQL only, and --engine duckdb was asked for")
    with engine_named("postgres") as engine:
        consumer = worked_example(engine, tmp_path / "project")
        plans = [act(consumer, *WITHDRAWAL, "--event", event, *WHO).json for event in ("e1", "e5")]
        applied = _at_once(consumer, [plan["action_id"] for plan in plans for _ in range(2)])
        assert sorted(code for _, code in applied) == [0, 1, 1, 1], applied
        told = " ".join(text for text, code in applied if code)
        assert told.count("is applied, and only planned ones can be applied") == 1, told
        assert told.count("on the same entities and windows is not finished") == 2, told
        (won,) = consumer.query("select action_id from analytics.forensics__action_log where act = 'applied'")
        found = consumer.query("select distinct action_id from analytics.int_forensics__action_rows")
        assert found == [won]
        assert act(consumer, "replay", "verify", won["action_id"]).json["wrong"] == []

        # One emission, by two: delivered once.
        given = (
            "--kind",
            "emission",
            "--stream",
            "orders",
            "--event",
            "e4",
            "--jsonl",
            str(tmp_path / "files"),
        )
        plan = act(consumer, "replay", "plan", *given, *WHO).json
        assert plan["refusals"] == []
        emitted = _at_once(consumer, [plan["action_id"]] * 2)
        assert sorted(code for _, code in emitted) == [0, 1], emitted
        assert len(consumer.query("select 1 as n from analytics.forensics__outbox")) == plan["rows"] == 1
        assert [path.suffix for path in (tmp_path / "files").iterdir()] == [".jsonl"]


def _at_once(consumer: Consumer, actions: list[str]) -> list[tuple[str, int]]:
    """Applies in a process for each, all of which come to the lock before the first gets it."""
    engine = consumer.engine
    holder = engine.connect()
    holder.cursor().execute("select pg_advisory_lock(hashtextextended('forensics__action_log', 0))")
    started = [
        command(consumer, "replay", "apply", action, *WHO, "--execute", "--json") for action in actions
    ]
    waiting = "select count(*) as n from pg_locks where locktype = 'advisory' and not granted"
    while int(engine.query(waiting)[0]["n"]) < len(started):
        assert all(process.poll() is None for process in started), [p.communicate() for p in started]
    holder.close()
    ended = [(process.communicate(timeout=300), process.returncode) for process in started]
    return [(" ".join((out + err).split()), code) for (out, err), code in ended]
