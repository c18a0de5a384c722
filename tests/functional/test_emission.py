"""Rows go into the outbox once, in the order of their arrival; rows of the quarantine are given up, and taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functional.test_actions import WHO, act, consumer, state
from functional.test_command_on_the_worked_example import run
from harness.project import Consumer

__all__ = ["consumer"]

PLAN = ("replay", "plan", "--kind", "emission", "--stream", "orders")
WINDOW = ("--from", "2026-01-05", "--to", "2026-01-06")
ACCEPTED = "stream = 'orders' and window_start = timestamp '2026-01-05 00:00:00' and event_id is not null"


def expected(consumer: Consumer, verdicts: str) -> list[dict[str, Any]]:
    """The rows in the order that the ledger has for them."""
    return consumer.query(
        "select row_key, event_id, entity_id, event_time, ingested_at, verdict, payload"
        f" from analytics.forensics__verdicts where {ACCEPTED} and verdict in ({verdicts})"
        " order by ingested_at, batch_id, ordinal, row_key"
    )


def outbox(consumer: Consumer) -> list[dict[str, Any]]:
    return consumer.query(
        "select * from analytics.forensics__outbox order by recorded_at, action_id, position"
    )


@pytest.mark.gate
def test_rows_are_emitted_once(consumer: Consumer, tmp_path: Path) -> None:
    before, folder = state(consumer), tmp_path / "files"
    given = (*PLAN, *WINDOW, "--include-duplicates", "--jsonl", str(folder), *WHO)
    plan = act(consumer, *given).json
    rows = expected(consumer, "'accepted', 'duplicate'")
    assert "duplicate" in {row["verdict"] for row in rows}
    assert len(rows) == plan["rows"] > 2
    assert (plan["status"], plan["refusals"], plan["effects"]) == ("planned", [], [])
    assert [(one["position"], one["row_key"]) for one in plan["emits"]] == [
        (place, row["row_key"]) for place, row in enumerate(rows, start=1)
    ]
    assert (outbox(consumer), folder.exists()) == ([], False)
    applying = ("replay", "apply", plan["action_id"], *WHO)
    assert act(consumer, *applying).json["status"] == "planned"
    assert outbox(consumer) == []
    done = act(consumer, *applying, "--execute")
    assert (done.code, done.json["status"], done.json["is_built"]) == (0, "applied", None)
    found = outbox(consumer)
    assert [row["position"] for row in found] == list(range(1, len(rows) + 1))
    assert [{name: row[name] for name in rows[0]} for row in found] == rows
    (path,) = folder.iterdir()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert path.name == f"emission_{plan['action_id']}.jsonl"
    assert [(line["position"], line["row_key"], line["payload"]) for line in lines] == [
        (row["position"], row["row_key"], json.loads(row["payload"])) for row in found
    ]
    # Once more, also when the consumer has taken the file away: nothing.
    path.unlink()
    again = run(consumer, *applying, "--execute")
    assert (again.code, "is applied, and only planned ones can be applied" in again.err) == (1, True)
    assert (outbox(consumer), list(folder.iterdir())) == (found, [])
    assert run(consumer, "replay", "verify", plan["action_id"]).out == (
        f"Action {plan['action_id']} is verified: {len(rows)} rows in the outbox as captured.\n"
    )
    assert (
        "cannot be called back" in run(consumer, "replay", "revert", plan["action_id"], *WHO, "--execute").err
    )
    # Nothing counts otherwise, and a build changes nothing.
    consumer.build()
    assert state(consumer) == before
    assert consumer.query("select 1 from analytics.int_forensics__action_rows") == []
    # A plan for rows that were emitted says so.
    other = act(consumer, *PLAN, *WINDOW, *WHO).json
    assert [one["override"] for one in other["refusals"]] == ["emitted"]
    assert {one["verdict"] for one in other["emits"]} == {"accepted"}
    consumer.execute("update analytics.forensics__outbox set payload = '{}' where position = 1")
    wrong = act(consumer, "replay", "verify", plan["action_id"])
    assert (wrong.code, wrong.json["wrong"]) == (
        1,
        [{"sentence": "1 row of the outbox not as captured."}],
    )


@pytest.mark.gate
def test_a_file_that_was_not_delivered_is(consumer: Consumer, tmp_path: Path) -> None:
    """As after a kill between the end of the transaction and the renaming; and before that end."""
    folder = tmp_path / "files"
    plan = act(consumer, *PLAN, "--event", "e1", "--jsonl", str(folder), *WHO).json
    applying = ("replay", "apply", plan["action_id"], *WHO, "--execute")
    folder.mkdir()
    path = folder / f"emission_{plan['action_id']}.jsonl"
    part = path.with_name(path.name + ".part")
    part.write_text("half a li")  # of a process that was killed before its transaction ended
    assert act(consumer, *applying).json["status"] == "applied"
    whole, found = path.read_text(encoding="utf-8"), outbox(consumer)
    assert (len(whole.splitlines()), part.exists()) == (1, False)
    path.rename(part)
    unfinished = act(consumer, "replay", "verify", plan["action_id"])
    assert unfinished.code == 1
    assert unfinished.json["wrong"] == [{"sentence": "Its file was not delivered: apply it once more."}]
    assert act(consumer, *applying).json["status"] == "applied"
    assert path.read_text(encoding="utf-8") == whole
    assert outbox(consumer) == found
    assert run(consumer, *applying).code == 1
    (tmp_path / "in the way").write_text("")
    nowhere = tmp_path / "in the way" / "files"
    plan = act(consumer, *PLAN, "--event", "e5", "--jsonl", str(nowhere), *WHO).json
    refused = run(consumer, "replay", "apply", plan["action_id"], *WHO, "--execute")
    assert (refused.code, "cannot be written to" in refused.err) == (2, True)
    assert outbox(consumer) == found
    actions = act(consumer, "trace", "e1").json["streams"][0]["actions"]
    assert [one["kind"] for one in actions] == ["emission"]
    assert (
        "are for --kind emission"
        in run(
            consumer, "replay", "plan", "--stream", "orders", "--event", "e1", "--include-duplicates", *WHO
        ).err
    )


@pytest.mark.gate
def test_held_rows_are_discarded_and_taken_back(consumer: Consumer) -> None:
    before = state(consumer)
    rule = ("--stream", "orders", "--rule", "amount_is_not_negative")
    assert act(consumer, "quarantine", "list").json["held"][0]["rows"] == 1
    assert act(consumer, "quarantine", "discard", *rule, *WHO).json["status"] == "not recorded"
    done = act(consumer, "quarantine", "discard", *rule, *WHO, "--execute")
    assert (done.code, done.json["status"], done.json["effects"]) == (0, "verified", [])
    listed = act(consumer, "quarantine", "list")
    assert (listed.code, listed.json["held"]) == (0, [])
    (one,) = act(consumer, "quarantine", "list", "--all").json["held"]
    assert (one["rows"], one["discarded"], len(one["samples"])) == (1, 1, 1)
    assert "(1 discarded)" in run(consumer, "quarantine", "list", "--all").out
    again = act(consumer, "quarantine", "discard", *rule, *WHO)
    assert (again.json["rows"], again.json["skipped"]) == (0, {"quarantined: discarded before": 1})
    release = act(consumer, "quarantine", "release", *rule, *WHO).json
    assert "discarded" in [one["override"] for one in release["refusals"]]
    consumer.build()
    assert state(consumer) == before
    undone = act(consumer, "replay", "revert", done.json["action_id"], *WHO, "--execute")
    assert (undone.code, undone.json["status"], undone.json["is_built"]) == (0, "reverted", None)
    assert act(consumer, "quarantine", "list").json["held"][0]["rows"] == 1
    acts = consumer.query("select act from analytics.forensics__action_log where kind = 'discard'")
    assert sorted(row["act"] for row in acts) == ["applied", "planned", "reverted", "verified"]
