"""Withdrawing, releasing and replaying on the worked example: what a plan says happens, and reverting undoes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from functional.test_analyses import COLUMNS, STREAM, _insert
from functional.test_command_on_the_worked_example import Outcome, run
from harness.engines import Engine
from harness.project import PACKAGE, Consumer
from property.worked_example import BUILT_AT, ROWS, SEEN

WHO = ("--owner", "ann", "--reason", "bad batch")


@pytest.fixture
def consumer(engine: Engine, tmp_path: Path) -> Consumer:
    return worked_example(engine, tmp_path / "consumer")


_SAVED: dict[str, Any] = {}


def worked_example(engine: Engine, folder: Path) -> Consumer:
    """The worked example after its three builds, which are made once per engine."""
    made = Consumer(engine, folder, streams={"orders": STREAM}, sources={"shop": ["order_events"]})
    if engine.name in _SAVED:
        engine.restore(_SAVED[engine.name])
        made.write_project()
        return made
    made.create_table("order_events", COLUMNS)
    before: set[str] = set()
    for when, seen in zip(BUILT_AT, SEEN, strict=True):
        _insert(made, set(seen) - before)
        for gone in before - set(seen):
            made.execute(f"delete from raw.order_events where event_id = '{ROWS[gone].event_id}'")
        made.build(as_of=when.isoformat(sep=" "))
        before = set(seen)
    _SAVED[engine.name] = engine.save()
    return made


def act(consumer: Consumer, *arguments: str) -> Outcome:
    outcome = run(consumer, *arguments, "--json")
    assert outcome.err == ""
    return outcome


def state(consumer: Consumer) -> dict[str, Any]:
    """Every current value that has inputs, and every row's verdict."""
    return {
        "values": consumer.query(
            "select stream, metric, window_start, dimensions, value, input_count, inputs_digest"
            " from analytics.forensics__metric_versions where is_current and input_count > 0 order by 1, 2, 3, 4"
        ),
        "rows": consumer.query(
            "select row_key, verdict, is_counted, lost_to_row_key from analytics.forensics__verdicts order by row_key"
        ),
    }


def total(consumer: Consumer, metric: str) -> Any:
    """The current values of all windows, added up."""
    (row,) = consumer.query(
        f"select sum(value) as n from analytics.forensics__metric_versions where is_current and metric = '{metric}'"
    )
    return row["n"]


def test_a_batch_is_withdrawn_and_comes_back(consumer: Consumer) -> None:
    before = state(consumer)
    asked = ("withdraw", "--stream", "orders", "--batch", "b1", *WHO)
    tried = act(consumer, *asked)
    assert (tried.code, tried.json["status"], tried.json["rows"]) == (0, "not recorded", 2)
    assert state(consumer) == before
    done = act(consumer, *asked, "--execute")
    assert (done.code, done.json["status"], done.json["is_built"]) == (0, "applied", True)
    assert done.json["effects"] == tried.json["effects"]
    revenue = {one["metric"]: one for one in done.json["effects"]}["revenue"]
    # The row that was sent again in another batch counts in its place.
    assert revenue["causes"] == {"withdrawal": "-100", "correction": "100"}
    assert state(consumer) != before
    action = done.json["action_id"]
    verified = act(consumer, "replay", "verify", action)
    values = len(done.json["effects"])
    assert verified.json == {"action_id": action, "status": "verified", "values": values, "wrong": []}
    consumer.build()
    undone = act(consumer, "replay", "revert", action, *WHO, "--execute")
    assert (undone.code, undone.json["status"], undone.json["is_built"]) == (0, "reverted", True)
    assert state(consumer) == before
    consumer.build()
    assert state(consumer) == before
    (kept,) = act(consumer, "replay", "list").json["actions"]
    assert (kept["action_id"], kept["status"], kept["owner"], kept["rows"]) == (action, "reverted", "ann", 2)
    acts = consumer.query("select act from analytics.forensics__action_log order by recorded_at")
    assert [row["act"] for row in acts] == ["planned", "applied", "verified", "reverted"]


def test_a_metric_that_cannot_be_computed_stops_no_plan(consumer: Consumer) -> None:
    """The plan leaves it out and says so, with stream and metric, as the build does; the other values are exact."""
    number = {"agg": "sum", "expr": "cast(customer as integer)"}
    consumer.streams = {"orders": {**STREAM, "metrics": {**STREAM["metrics"], "number": number}}}
    consumer.write_project()
    before = state(consumer)
    outcome = run(consumer, "withdraw", "--stream", "orders", "--batch", "b1", *WHO, "--execute", "--json")
    assert (outcome.code, outcome.json["status"], outcome.json["is_built"]) == (0, "applied", True)
    said = (
        "Stream 'orders', metric 'number': its expression fails on rows on record. The plan leaves it out, as the build"
        " does; forensics__unread_streams says why."
    )
    assert set(outcome.err.splitlines()) == {said}
    assert {one["metric"] for one in outcome.json["effects"]} == set(STREAM["metrics"])
    verified = run(consumer, "replay", "verify", outcome.json["action_id"], "--json")
    assert verified.json["wrong"] == []
    undone = run(consumer, "replay", "revert", outcome.json["action_id"], *WHO, "--execute", "--json")
    assert (undone.code, undone.json["is_built"]) == (0, True)
    assert state(consumer) == before


def test_a_row_is_released_from_quarantine(consumer: Consumer) -> None:
    held = act(consumer, "quarantine", "list")
    assert [(one["rule"], one["rows"]) for one in held.json["held"]] == [("amount_is_not_negative", 1)]
    (event,) = {row["event_id"] for row in held.json["held"][0]["samples"]}
    before, revenue = state(consumer), total(consumer, "revenue")
    asked = (
        "quarantine",
        "release",
        "--stream",
        "orders",
        "--rule",
        "amount_is_not_negative",
        *WHO,
        "--execute",
    )
    refused = act(consumer, *asked)
    assert (refused.code, refused.json["status"]) == (1, "refused")
    assert [one["override"] for one in refused.json["refusals"]] == ["unsettled", "breaks_rule"]
    assert state(consumer) == before
    done = act(consumer, *asked, "--override", "breaks_rule", "--override", "unsettled")
    assert (done.code, done.json["status"]) == (0, "applied")
    (row,) = consumer.query(
        f"select verdict, cause, reason from analytics.forensics__verdicts where event_id = '{event}'"
    )
    assert (row["verdict"], row["cause"]) == ("accepted", "release")
    change = {one["metric"]: one for one in done.json["effects"]}["revenue"]["causes"]["release"]
    assert total(consumer, "revenue") == revenue + int(change) < revenue
    acts = consumer.query("select overrides from analytics.forensics__action_log where act = 'applied'")
    assert [one["overrides"] for one in acts] == ["unsettled, breaks_rule"]
    undone = act(consumer, "replay", "revert", done.json["action_id"], *WHO, "--execute")
    assert undone.code == 0
    assert state(consumer) == before


def test_what_speaks_against_an_act(consumer: Consumer) -> None:
    """Each refusal says what was found, and nothing is done."""

    def refused(*arguments: str) -> str:
        outcome = run(consumer, *arguments)
        assert outcome.code in (1, 2)
        return " ".join((outcome.out + outcome.err).split())

    before = state(consumer)
    window = ("--from", "2026-01-05", "--to", "2026-01-06")
    gone = act(consumer, "replay", "plan", "--stream", "orders", "--event", "e3", *WHO)
    assert (gone.code, [one["override"] for one in gone.json["refusals"]]) == (1, ["gone"])
    assert "takes 6 rows, and the limit is 1" in refused(
        "withdraw", "--stream", "orders", *window, *WHO, "--limit", "1"
    )
    assert "would be the whole stream" in refused("withdraw", "--stream", "orders", *WHO)
    assert "There is no stream 'order'" in refused("withdraw", "--stream", "order", "--event", "e1", *WHO)
    assert "--reason is empty" in refused(
        "withdraw", "--stream", "orders", "--event", "e1", "--owner", "ann", "--reason", " "
    )
    assert "takes no row" in refused("withdraw", "--stream", "orders", "--event", "e99", *WHO)
    assert "There is no action 'x'" in refused("replay", "apply", "x", *WHO, "--execute")
    first = act(consumer, "withdraw", "--stream", "orders", "--event", "e1", *WHO, "--execute")
    assert first.code == 0
    other = refused("withdraw", "--stream", "orders", "--entity", "a", *WHO, "--execute")
    assert f"Action {first.json['action_id']} on the same entities and windows is not finished" in " ".join(
        other.split()
    )
    assert "--override overlap" in other
    assert "is applied, and only planned ones can be cancelled" in refused(
        "replay", "cancel", first.json["action_id"], *WHO
    )
    assert run(consumer, "replay", "revert", first.json["action_id"], *WHO, "--execute").code == 0
    assert state(consumer) == before
    assert "is reverted, and only" in refused("replay", "verify", first.json["action_id"])


@pytest.mark.gate
def test_a_plan_that_has_grown_old_is_refused(consumer: Consumer) -> None:
    """A row that comes between plan and apply is another selection: nobody has seen what it would do."""
    window = ("--stream", "orders", "--from", "2026-01-05", "--to", "2026-01-06")
    planned = act(consumer, "replay", "plan", "--kind", "withdrawal", *window, *WHO).json
    assert planned["status"] == "planned"
    told = act(consumer, "replay", "apply", planned["action_id"], *WHO)
    assert (told.code, told.json["status"], told.json["is_built"]) == (0, "planned", None)
    consumer.execute(
        "insert into raw.order_events select 'e7', customer, occurred_at, timestamp '2026-01-09 09:00:00', 'b5', amount"
        " from raw.order_events where event_id = 'e5'"
    )
    consumer.build()
    before = state(consumer)
    again = act(consumer, "replay", "apply", planned["action_id"], *WHO, "--execute")
    assert (again.code, [one["override"] for one in again.json["refusals"]]) == (1, ["changed"])
    assert state(consumer) == before
    cancelled = run(consumer, "replay", "cancel", planned["action_id"], *WHO)
    assert cancelled.out == f"Action {planned['action_id']} is cancelled.\n"
    assert (
        "is cancelled, and only planned ones can be applied"
        in run(consumer, "replay", "apply", planned["action_id"], *WHO, "--execute").err
    )


GUARDED = """
{{ config(materialized='incremental', incremental_strategy='append') }}
{{ dbt_forensics.assert_no_open_actions('orders') }}
select event_id, occurred_at from {{ source('shop', 'order_events') }}
{% if is_incremental() %}where 1 = 0{% endif %}
"""
BATCHED = """
{{ config(
    materialized='incremental', incremental_strategy='microbatch', event_time='occurred_at', batch_size='day',
    begin='2026-01-04', lookback=0UNIQUE
) }}
{{ dbt_forensics.assert_no_open_actions('orders') }}
select 'e1' as event_id, timestamp '2026-01-05 12:00:00' as occurred_at
"""
CONTRACT = """
models:
  - name: guarded
    data_tests:
      - dbt_forensics.has_no_open_actions: {name: nothing_open, arguments: {stream: orders}}
      - dbt_forensics.has_no_open_actions:
          {name: nothing_open_later, arguments: {stream: orders, from_time: "2026-01-06", to_time: "2026-01-09"}}
"""


@pytest.mark.gate
def test_a_backfill_over_an_open_action_is_stopped(consumer: Consumer) -> None:
    # PostgreSQL merges batches and needs a key; DuckDB replaces them and refuses one.
    unique = ", unique_key='event_id'" if consumer.engine.name == "postgres" else ""
    batched = BATCHED.replace("UNIQUE", unique)
    for path, text in (("guarded.sql", GUARDED), ("guarded.yml", CONTRACT), ("batched.sql", batched)):
        consumer.write(f"models/{path}", text)
    consumer.dbt(["run", "--select", "guarded"])
    day = ["--event-time-start", "2026-01-05", "--event-time-end", "2026-01-06"]
    later = ["--event-time-start", "2026-01-07", "--event-time-end", "2026-01-08"]
    consumer.dbt(["run", "--select", "guarded", "--full-refresh"])
    consumer.dbt(["run", "--select", "batched", *day])
    action = act(consumer, "withdraw", "--stream", "orders", "--event", "e1", *WHO, "--execute").json[
        "action_id"
    ]
    stopped = consumer.dbt(["run", "--select", "guarded", "--full-refresh"], expect="failure")
    assert f"with open actions: {action} (windows 2026-01-05" in " ".join(stopped.log.split())
    consumer.dbt(["run", "--select", "guarded"])
    consumer.dbt(["run", "--select", "batched", *later])
    consumer.dbt(["run", "--select", "batched", *day], expect="failure")
    tested = consumer.dbt(["test", "--select", "guarded"], expect="failure")
    assert tested.results["nothing_open"] == "fail"
    assert tested.results["nothing_open_later"] == "pass"
    assert act(consumer, "replay", "verify", action).code == 0
    consumer.dbt(["run", "--select", "guarded", "--full-refresh"])
    consumer.dbt(["run", "--select", "batched", *day])
    consumer.dbt(["test", "--select", "guarded"])


def command(consumer: Consumer, *arguments: str) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    folder = str(consumer.folder)
    consumer.engine.release()
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "dbt_forensics",
            *arguments,
            "--project-dir",
            folder,
            "--profiles-dir",
            folder,
        ],
        env={**os.environ, "PYTHONPATH": str(PACKAGE / "scripts")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.gate
def test_of_two_who_apply_at_once_one_wins(consumer: Consumer) -> None:
    """DuckDB lets one process have the file, and tells the other; PostgreSQL takes both, one after the other."""
    plans = [
        act(
            consumer, "replay", "plan", "--kind", "withdrawal", "--stream", "orders", "--event", event, *WHO
        ).json
        for event in ("e1", "e5")  # of one entity, in one window
    ]
    applying = [
        command(consumer, "replay", "apply", one["action_id"], *WHO, "--execute", "--json") for one in plans
    ]
    ended = [(process.communicate(timeout=300), process.returncode) for process in applying]
    codes = sorted(code for _, code in ended)
    assert codes in ([0, 1], [0, 2]), ended
    (loser,) = [out + err for (out, err), code in ended if code]
    assert "is not finished" in loser or "no other process holds the database" in loser
    acts = consumer.query("select action_id from analytics.forensics__action_log where act = 'applied'")
    assert len(acts) == 1
    rows = consumer.query("select distinct action_id from analytics.int_forensics__action_rows")
    assert rows == acts


@pytest.mark.gate
@pytest.mark.parametrize("after", [0.0, 0.15, 0.6])
def test_killed_while_it_applies(consumer: Consumer, after: float) -> None:
    """All of it is on record or nothing is; the next build, and applying again, end as if it had not been killed."""
    planned = act(
        consumer, "replay", "plan", "--kind", "withdrawal", "--stream", "orders", "--event", "e1", *WHO
    ).json
    process = command(consumer, "replay", "apply", planned["action_id"], *WHO, "--execute", "--json")
    time.sleep(3 + after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    consumer.build()
    rows = consumer.query("select row_key from analytics.int_forensics__action_rows")
    acts = [
        row["act"]
        for row in consumer.query("select act from analytics.forensics__action_log order by recorded_at")
    ]
    assert (len(rows), acts) in ((0, ["planned"]), (planned["rows"], ["planned", "applied"]))
    if not rows:
        done = act(consumer, "replay", "apply", planned["action_id"], *WHO, "--execute")
        assert done.code == 0
    assert act(consumer, "replay", "verify", planned["action_id"]).json["wrong"] == []
    assert not consumer.query(
        "select 1 from analytics.forensics__verdicts where event_id = 'e1' and is_counted"
    )
