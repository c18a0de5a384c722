"""The command `dbt-forensics load`: what docs/load.md shows is what happens, and what dbt builds from it."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from test_command_on_the_worked_example import STREAMS, Outcome, new_consumer, run

from dbt_forensics.load.model import REASONS
from dbt_forensics.load.windows import OVERRIDES
from harness.engines import Engine
from harness.project import PACKAGE, Consumer

PAGE = (PACKAGE / "docs" / "load.md").read_text(encoding="utf-8")


def load(consumer: Consumer, *arguments: str) -> Outcome:
    return run(consumer, "load", *arguments)


def as_of(time: str) -> tuple[str, str]:
    return "--vars", json.dumps({"forensics_as_of": time})


def test_the_page_is_true(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = new_consumer(engine, tmp_path / "project")
    (lines,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "orders.jsonl").write_text(lines)
    monkeypatch.chdir(tmp_path)
    shown = re.findall(r"```console\n\$ dbt-forensics load (.*?)\n(.*?)```", PAGE, re.DOTALL)
    assert len(shown) == 2
    for arguments, expected in shown:
        outcome = load(consumer, *arguments.split())
        assert (outcome.code, outcome.err) == (1, "")
        assert outcome.out == expected
    (query,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    rejected = [row["content"] for row in consumer.query(query)]
    assert rejected == lines.splitlines()[2:4]
    repaired = [rejected[0].replace('"thirty"', "30"), rejected[1] + ':00Z", "amount": 20}']
    (tmp_path / "repaired.jsonl").write_text("\n".join(repaired) + "\n")
    assert load(consumer, "repaired.jsonl", "--stream", "orders").code == 0
    assert [row["event_id"] for row in consumer.query("select event_id from raw.order_events order by 1")] == [
        "e1", "e2", "e3", "e4", "e5",
    ]  # fmt: skip
    for table in ("forensics_load_log", "forensics_dead_letters"):
        (listed,) = re.findall(rf"^\* `{table}`: a row per (.*?)(?=^\* |^$)", PAGE, re.DOTALL | re.MULTILINE)
        built = consumer.query(
            f"select column_name from information_schema.columns where table_name = '{table}' order by ordinal_position"
        )
        assert re.findall(r"`(\w+)`", listed) == [row["column_name"] for row in built]


def test_the_page_has_every_reason() -> None:
    (section,) = re.findall(r"## What becomes of a record\n(.*?)\n## ", PAGE, re.DOTALL)
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)) == REASONS


def test_each_file_is_a_batch_of_the_build(engine: Engine, tmp_path: Path) -> None:
    consumer = new_consumer(engine, tmp_path / "project")
    folder = tmp_path / "files"
    folder.mkdir()
    events = {
        "b1.jsonl": [("e1", "a", "2026-01-05T09:10:00Z", 100), ("e2", "b", "2026-01-05T09:40:00Z", 50)],
        "b2.csv": [("e3", "a", "2026-01-05 23:50:00", 30), ("e1", "a", "2026-01-05 09:10:00", 100)],
    }
    names = ("event_id", "customer_id", "occurred_at", "amount")
    (folder / "b1.jsonl").write_text(
        "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in events["b1.jsonl"])
    )
    (folder / "b2.csv").write_text(
        ",".join(names) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in events["b2.csv"])
    )
    outcome = load(consumer, str(folder), "--stream", "orders", "--json", *as_of("2026-01-06 00:30:00"))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["total"] == {
        "files": 2, "refused_files": 0, "read": 4, "accepted": 4, "duplicate": 0, "rejected": 0,
        "rejected_by_reason": {},
    }  # fmt: skip
    by_file = {os.path.basename(one["file"]): one["load_id"] for one in outcome.json["files"]}  # noqa: PTH119
    consumer.build(as_of="2026-01-06 01:00:00")
    (folder / "b1.jsonl").open("a").write(
        json.dumps({"event_id": "e4", "occurred_at": "2026-01-05", "amount": 20}) + "\n"
    )
    outcome = load(consumer, str(folder), "--stream", "orders", "--json", *as_of("2026-01-06 05:00:00"))
    assert [one["status"] for one in outcome.json["files"]] == ["grown", "known"]
    grown = outcome.json["files"][0]["load_id"]
    consumer.build(as_of="2026-01-06 06:00:00")
    batches = consumer.query(
        "select batch_id, row_count, accepted_count, duplicate_count from analytics.forensics__batches"
    )
    assert {row["batch_id"]: tuple(row.values())[1:] for row in batches} == {
        by_file["b1.jsonl"]: (2, 2, 0),
        by_file["b2.csv"]: (2, 1, 1),
        grown: (1, 1, 0),
    }
    arrived = consumer.query("select distinct ingested_at from analytics.forensics__event_history order by 1")
    # The files of one load have the order in which they were loaded.
    assert [row["ingested_at"] for row in arrived] == [
        datetime(2026, 1, 6, 0, 30),
        datetime(2026, 1, 6, 0, 30, 0, 1),
        datetime(2026, 1, 6, 5),
    ]
    (value,) = consumer.query(
        "select value from analytics.forensics__metric_versions where metric = 'revenue' and is_current"
    )
    assert value["value"] == 200


@pytest.mark.gate
def test_rows_that_are_restored_are_the_rows_on_record(engine: Engine, tmp_path: Path) -> None:
    consumer = new_consumer(engine, tmp_path / "project")
    path = tmp_path / "orders.csv"
    path.write_text("event_id,occurred_at,amount\ne1,2026-01-05,10\ne2,2026-01-05,20\n")
    given = (str(path), "--stream", "orders", "--json")
    assert load(consumer, *given, *as_of("2026-01-05 01:00:00")).code == 0
    consumer.build(as_of="2026-01-05 02:00:00")
    consumer.execute("delete from raw.order_events")
    consumer.build(as_of="2026-01-05 03:00:00")
    outcome = load(consumer, *given, "--again", *as_of("2026-01-05 04:00:00"))
    assert outcome.json["files"][0]["status"] == "restored"
    consumer.build(as_of="2026-01-05 05:00:00")
    history = consumer.query("select count(*) as n from analytics.forensics__event_history")
    assert history == [{"n": 2}]
    values = consumer.query(
        "select value from analytics.forensics__metric_versions where metric = 'revenue' order by version"
    )
    assert [row["value"] for row in values] == [30, 0, 30]


@pytest.mark.gate
def test_windows_that_are_closed(engine: Engine, tmp_path: Path) -> None:
    """Recovered rows in settled windows, or where somebody acts, are refused by name; the override is on record."""
    consumer = new_consumer(engine, tmp_path / "project")

    def write(name: str, *rows: tuple[str, str]) -> tuple[str, ...]:
        lines = "".join(f"{event},{time},a,1\n" for event, time in rows)
        (tmp_path / name).write_text("event_id,occurred_at,customer_id,amount\n" + lines)
        return (str(tmp_path / name), "--stream", "orders", "--json")

    def refused(*arguments: str) -> str:
        outcome = load(consumer, *arguments)
        assert (outcome.code, outcome.err) == (1, "")
        (one,) = outcome.json["files"]
        assert one["status"] == "refused"
        return str(one["refused"])

    first = write("first.csv", ("e1", "2026-01-05"), ("e2", "2026-01-07"), ("e3", "2026-01-08 12:00"))
    assert load(consumer, *first, *as_of("2026-01-08 13:00:00")).code == 0
    consumer.build(as_of="2026-01-08 14:00:00")
    who = ("--owner", "ann", "--reason", "test")
    acted = (
        "withdraw",
        "--stream",
        "orders",
        "--event",
        "e2",
        *who,
        "--override",
        "unsettled",
        "--execute",
        "--json",
    )
    action = run(consumer, *acted, *as_of("2026-01-08 15:00:00")).json["action_id"]
    # A day and an hour after its end the fifth is settled; the sixth is until one o'clock.
    late = write("late.csv", ("e4", "2026-01-05T10:00:00Z"), ("e5", "2026-01-07"), ("e6", "2026-01-08"))
    words = (
        "Its rows fall into windows that are closed to it: "
        f"action {action} is applied and not verified in window 2026-01-07 of stream orders; "
        "window 2026-01-05 of stream orders is settled. To load it all the same: --allow-open --allow-settled."
    )
    assert refused(*late, "--dry-run") == words
    assert refused(*late) == words
    assert "--allow-settled." in refused(*late, "--allow-open")
    assert "--allow-open." in refused(*late, "--allow-settled")
    count = "select count(*) as n from raw.order_events"
    assert consumer.query(count) == [{"n": 3}]
    assert load(consumer, *late, "--allow-open", "--allow-settled").code == 0
    assert load(consumer, *write("now.csv", ("e7", "2026-01-08"), ("e8", "never")), "--allow-open").code == 1
    assert consumer.query(count) == [{"n": 7}]
    # What landed before is not asked about; rows that are gone are, when they land again.
    assert load(consumer, *first).code == 0
    consumer.execute("delete from raw.order_events where event_id in ('e1', 'e2', 'e3')")
    assert "2026-01-05 of stream orders is settled" in refused(*first, "--again", "--allow-open")
    assert load(consumer, *first, "--again", "--allow-open", "--allow-settled").code == 0
    log = consumer.query(
        "select file_name, overrides, refused_because = '"
        + words
        + "' as says_so from raw.forensics_load_log"
        " order by load_number"
    )
    # Each of the three refusals says something else; the fourth is of a file that landed before.
    assert [tuple(row.values()) for row in log] == [
        ("first.csv", "open, settled", None), ("late.csv", None, True), ("late.csv", None, False),
        ("late.csv", None, False), ("late.csv", "open, settled", None), ("now.csv", None, None),
        ("first.csv", None, False),
    ]  # fmt: skip


def test_the_page_has_every_override() -> None:
    (section,) = re.findall(r"### Windows that are closed\n(.*?)\n## ", PAGE, re.DOTALL)
    found = dict(re.findall(r"^\| `--allow-(\w+)` \| (.*) \|$", section, re.MULTILINE))
    assert found == OVERRIDES


def test_a_created_table_of_text_is_a_stream(engine: Engine, tmp_path: Path) -> None:
    streams = {
        "orders": {**STREAMS["orders"], "rules": {}, "metrics": {"revenue": {"agg": "sum", "expr": "amount"}}}
    }
    streams["orders"].pop("personal_data")
    streams["orders"].pop("entity_id")
    consumer = Consumer(engine, tmp_path / "project", streams=streams, sources={"shop": ["order_events"]})
    consumer.write_project()
    path = tmp_path / "orders.csv"
    path.write_text(
        "event_id,occurred_at,amount\ne1,2026-01-05T10:00:00Z,10.50\ne2,2026-01-05,\ne3,2026-01-05,ten\n"
    )
    refused = load(consumer, str(path), "--stream", "orders")
    assert (refused.code, refused.out) == (2, "")
    assert (
        refused.err
        == "Error: raw.order_events does not exist: create it, or let --create make it from the first file.\n"
    )
    assert load(consumer, str(path), "--stream", "orders", "--create").code == 0
    consumer.build()
    found = consumer.query(
        "select event_id, verdict, cause from analytics.forensics__verdicts order by event_id"
    )
    assert [(row["event_id"], row["verdict"]) for row in found] == [
        ("e1", "accepted"),
        ("e2", "accepted"),
        ("e3", "quarantined"),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a.jsonl",), "Say where to load: --stream NAME, or --relation SCHEMA.TABLE."),
        (("a.jsonl", "--stream", "x", "--relation", "raw.t"), "Say where to load"),
        (("a.jsonl", "--stream", "nope"), "There is no stream 'nope': give one of orders, built."),
        (("a.jsonl", "--stream", "built"), "reads ref.built, which dbt builds: load into the source"),
        (("a.jsonl", "--relation", "t"), "'t' is not a table to load into"),
        (("a.jsonl", "--relation", "raw.t"), "raw.t does not exist: create it, or let --create"),
        (("nope.jsonl", "--stream", "orders"), "nope.jsonl does not exist"),
        (("a.txt", "--stream", "orders"), "its name must end with one of .jsonl"),
        (
            ("a.jsonl", "--stream", "orders", "--vars", "{forensics_streams: {orders: 1}}"),
            "dbt_forensics: stream 'orders'",
        ),
    ],
)
def test_wrong_usage(project: Consumer, arguments: tuple[str, ...], words: str) -> None:
    outcome = load(project, str(project.folder / arguments[0]), *arguments[1:])
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.fixture(scope="module")
def project(new_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with new_engine() as engine:
        streams = {
            **STREAMS,
            "built": {**STREAMS["orders"], "relation": "ref.built", "personal_data": [], "rules": {}},
        }
        models = {"built.sql": "select * from {{ source('shop', 'order_events') }}"}
        consumer = new_consumer(engine, tmp_path_factory.mktemp("usage"), streams=streams, models=models)
        for name in ("a.jsonl", "a.txt"):
            (consumer.folder / name).write_text('{"event_id": "e1", "occurred_at": "2026-01-05"}\n')
        yield consumer


def test_roles_that_are_not_filled_are_named(engine: Engine, tmp_path: Path) -> None:
    stream = {**STREAMS["orders"], "ingested_at": "cast(_loaded_at as timestamp)", "metrics": {}}
    stream.pop("batch_id")
    consumer = new_consumer(engine, tmp_path / "project", streams={"orders": stream})
    path = tmp_path / "a.jsonl"
    path.write_text('{"event_id": "e1", "occurred_at": "2026-01-05", "_loaded_at": "2026-01-05"}\n')
    outcome = load(consumer, str(path), "--stream", "orders")
    assert outcome.code == 0
    words = " ".join(outcome.out.split())
    assert "the loader fills no column." in words
    assert "ingested_at is not filled: cast(_loaded_at as timestamp) is no column of the table" in words
    assert "the stream names no batch_id: a batch is what arrives in an hour" in words
    (row,) = consumer.query('select _load_id, "Customer Email" as email from raw.order_events')
    assert tuple(row.values()) == (None, None)
