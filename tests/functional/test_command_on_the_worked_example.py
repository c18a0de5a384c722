"""The command on a real project: the worked example with hostile values in it, built three times, on each engine."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dbt_forensics.cli import main
from dbt_forensics.errors import ForensicsError
from dbt_forensics.report.document import Report
from dbt_forensics.warehouse import DbtOptions, open_warehouse
from harness.project import PACKAGE, Consumer
from harness.typed import mismatches, type_of

COLUMNS = {
    "event_id": "varchar",
    "customer_id": "varchar",
    "occurred_at": "timestamp",
    "_loaded_at": "timestamp",
    "_load_id": "varchar",
    "amount": "numeric(18, 2)",
    "currency": "varchar",
    "Customer Email": "varchar",
}
HOSTILE_ID = "<script>'); drop table x; -- {{ x }} %s \\ \u202e"
STREAMS: dict[str, Any] = {
    "orders": {
        "relation": "source.shop.order_events",
        "event_id": "event_id",
        "entity_id": "customer_id",
        "event_time": "occurred_at",
        "ingested_at": "_loaded_at",
        "batch_id": "_load_id",
        "allowed_lateness": {"count": 1, "period": "day"},
        "on_conflict": "last_wins",
        "rules": {"amount_is_not_negative": "amount >= 0"},
        "metrics": {
            "revenue": {"agg": "sum", "expr": "amount", "dimensions": ["currency"]},
            "orders": {"agg": "count"},
        },
        "personal_data": ["Customer Email"],
    }
}


def row(event_id: str, entity: str, happened: str, loaded: str, batch: str, amount: int) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "customer_id": entity,
        "occurred_at": f"2026-01-{happened}",
        "_loaded_at": f"2026-01-{loaded}",
        "_load_id": batch,
        "amount": amount,
        "currency": "EUR",
        "Customer Email": f"{entity}@example.org",
    }


def new_consumer(engine: Any, folder: Path, **given: Any) -> Consumer:
    consumer = Consumer(
        engine, folder, **{"streams": STREAMS, "sources": {"shop": ["order_events"]}, **given}
    )
    consumer.create_table("order_events", COLUMNS)
    consumer.write_project()
    return consumer


@pytest.fixture(scope="module")
def shop(new_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    with new_engine() as engine:
        consumer = new_consumer(engine, tmp_path_factory.mktemp("shop"))
        consumer.insert(
            "order_events",
            [
                row("e1", "a", "05 09:10", "05 10:00", "b1", 100),
                row("e2", "b", "05 09:40", "05 10:00", "b1", 50),
            ],
        )
        consumer.build(as_of="2026-01-05 12:00:00")
        consumer.insert(
            "order_events",
            [
                row("e3", "a", "05 23:50", "06 00:30", "b2", 30),
                row("e1", "a", "05 09:10", "06 00:30", "b2", 100),
                row("e4", "c", "05 20:00", "06 05:00", "b3", 20),
                row("e2", "b", "05 09:40", "06 05:00", "b3", 55),
            ],
        )
        consumer.build(as_of="2026-01-06 06:00:00")
        consumer.insert(
            "order_events",
            [
                row("e5", "a", "05 12:00", "08 09:00", "b4", 7),
                row("e6", "d", "08 08:00", "08 09:00", "b4", -1),
                row(HOSTILE_ID, "d", "08 08:10", "08 09:00", "b4", 4),
            ],
        )
        consumer.execute("delete from raw.order_events where event_id = 'e3'")
        consumer.build(as_of="2026-01-08 10:00:00")
        consumer.engine.release()
        yield consumer


@dataclass
class Outcome:
    code: int
    out: str
    err: str
    arguments: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        document = json.loads(self.out)
        assert list(mismatches(document, type_of(self.arguments))) == []
        return document


def run(consumer: Consumer, *arguments: str) -> Outcome:
    """Runs the command in this process, on a consumer's project."""
    consumer.engine.release()
    folder = str(consumer.folder)
    given = ["dbt-forensics", *arguments, "--project-dir", folder, "--profiles-dir", folder]
    with (
        mock.patch("sys.argv", given),
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
        pytest.raises(SystemExit) as stop,
    ):
        main()
    return Outcome(int(stop.value.code or 0), out.getvalue(), err.getvalue(), arguments)


def test_check_says_what_is_recorded(shop: Consumer) -> None:
    outcome = run(shop, "check", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    stream = outcome.json["streams"][0]
    assert stream["payload"] == ["amount", "currency", "Customer Email"]
    assert stream["source"]["rows"] == 8
    assert (stream["record"]["rows"], stream["record"]["batches"]) == (9, 4)
    printed = shop.dbt(["run-operation", "print_chain_head"]).log
    assert stream["record"]["chain_head"] in printed
    assert "The configuration is right." in run(shop, "check").out


def test_report_gives_the_numbers_of_the_worked_example(shop: Consumer, tmp_path: Path) -> None:
    outcome = run(shop, "report", "--out", str(tmp_path))
    assert outcome.code == 1
    assert outcome.out.splitlines()[-3].startswith(
        "1. orders: revenue (currency EUR) of 2026-01-05 was 205, is 182 now"
    )
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert list(mismatches(report, Report)) == []
    assert report["recorded_at"] == "2026-01-08T10:00:00Z"
    revenue = report["changes"]["items"][0]
    assert (revenue["kind"], revenue["published"]["value"], revenue["now"]["value"]) == (
        "restated",
        "205",
        "182",
    )
    assert {cause["cause"]: cause["change"] for cause in revenue["causes"]} == {
        "too_late": "7",
        "source_deleted": "-30",
    }
    assert [row["event_id"] for cause in revenue["causes"] for row in cause["rows"]] in (
        ["e5", "e3"],
        ["e3", "e5"],
    )
    assert all(change["sum_check"]["holds"] for change in report["changes"]["items"])
    assert report["streams"][0]["reconciles"] == {"rows": 9, "rows_with_a_verdict": 9, "holds": True}
    assert [finding["kind"] for finding in report["findings"]] == [
        "restated_values",
        "lost_rows",
        "open_incidents",
        "quarantine",
    ]
    batch = report["batches"]["items"][0]
    assert (batch["batch_id"], batch["kind"], batch["rows_at_first"], batch["rows_now"]) == (
        "b2",
        "reduced",
        2,
        1,
    )


def test_report_is_the_same_each_time_and_keeps_personal_data(shop: Consumer, tmp_path: Path) -> None:
    for place in ("first", "second"):
        run(shop, "report", "--out", str(tmp_path / place))
    for name in ("report.html", "report.md", "report.json"):
        first, second = ((tmp_path / place / name).read_bytes() for place in ("first", "second"))
        assert first == second
        assert b"example.org" not in first
        assert b"(masked)" in first.replace(b"\\", b"")
    html = (tmp_path / "first" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html


def test_report_since_compares_with_what_was_shown_then(shop: Consumer, tmp_path: Path) -> None:
    run(shop, "report", "--out", str(tmp_path), "--format", "json", "--until", "2026-01-06 06:00")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["recorded_at"] == "2026-01-06T06:00:00Z"
    assert report["changes"]["total"] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "scorecard.json"]
    run(shop, "report", "--out", str(tmp_path), "--format", "json", "--since", "2026-01-08 10:00")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (report["changes"]["total"], report["batches"]["total"]) == (0, 0)


def test_trace_tells_a_life(shop: Consumer) -> None:
    life = run(shop, "trace", "e2", "--json").json["streams"][0]
    assert life["counted_arrival"] == 2
    assert [(row["verdict"], row["lost_to_arrival"]) for row in life["arrivals"]] == [
        ("superseded", 2),
        ("accepted", None),
    ]
    first, *others = [(row["arrival"], row["effect"], row["cause"]) for row in life["entries"]]
    assert first == (1, 1, "on_time")
    assert sorted(others) == [(1, -1, "correction"), (2, 1, "correction")]
    revenue = [row for row in life["shown_in"] if row["metric"] == "revenue"]
    assert [(row["version"], row["value"], row["causes"]) for row in revenue] == [
        (1, "150", {"on_time": "150"}),
        (2, "205", {"on_time": "30", "late": "20", "correction": "5"}),
    ]
    assert {(row["metric"], row["value"]) for row in life["counts_in"]} == {
        ("revenue", "182"),
        ("orders", "4"),
    }
    gone = run(shop, "trace", "e3", "--json").json["streams"][0]
    assert gone["counted_arrival"] is None
    assert gone["arrivals"][0]["vanished"] == [{"vanished_at": "2026-01-08T10:00:00Z", "returned_at": None}]


def test_trace_takes_any_id_as_a_value(shop: Consumer) -> None:
    outcome = run(shop, "trace", HOSTILE_ID, "--json")
    assert outcome.json["streams"][0]["arrivals"][0]["event_id"] == HOSTILE_ID
    text = run(shop, "trace", HOSTILE_ID).out
    assert "example.org" not in text
    assert "\u202e" not in text


def test_trace_of_what_is_not_on_record(shop: Consumer) -> None:
    unknown = run(shop, "trace", "nope' or '1' = '1")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err.startswith("Error: No row with event id 'nope' or '1' = '1' is on record")
    assert run(shop, "trace", "e1", "--stream", "nope").code == 2
    assert run(shop, "trace", "e\x001").code == 2


def versions_of(outcome: Outcome) -> list[tuple[Any, ...]]:
    (value,) = outcome.json["values"]
    return [
        (
            v["previous_value"],
            v["value"],
            {c["cause"]: c["change"] for c in v["causes"]},
            v["sum_check"]["holds"],
        )
        for v in value["versions"]
    ]


def test_explain_tells_every_version(shop: Consumer) -> None:
    outcome = run(shop, "explain", "revenue", "2026-01-05", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert versions_of(outcome) == [
        (None, "150", {"on_time": "150"}, True),
        ("150", "205", {"on_time": "30", "late": "20", "correction": "5"}, True),
        ("205", "182", {"too_late": "7", "source_deleted": "-30"}, True),
    ]
    causes = outcome.json["values"][0]["versions"][1]["causes"]
    assert [(c["cause"], c["events"], c["sample_event_ids"], c["last_arrived_at"]) for c in causes] == [
        ("on_time", 1, ["e3"], "2026-01-06T00:30:00Z"),
        ("late", 1, ["e4"], "2026-01-06T05:00:00Z"),
        ("correction", 1, ["e2"], "2026-01-06T05:00:00Z"),
    ]
    in_the_window = run(shop, "explain", "revenue", "2026-01-05 23:59:59", "--json")
    assert in_the_window.json == outcome.json


def test_explain_as_of_a_time_and_of_a_dimension(shop: Consumer) -> None:
    given = ("explain", "revenue", "2026-01-05", "--json", "--dimension", "currency=EUR", "--as-of")
    then = run(shop, *given, "2026-01-06 06:00")
    assert [version[1] for version in versions_of(then)] == ["150", "205"]
    assert then.json["values"][0]["versions"][-1]["recorded_to"] is None
    assert [version[1] for version in versions_of(run(shop, *given, "2026-01-06 05:59:59"))] == ["150"]
    before = run(shop, *given, "2026-01-05 11:59:59")
    assert (before.code, before.out) == (1, "")
    assert before.err.startswith(
        "Error: No value of revenue in the window of 2026-01-05 00:00 is on record in"
    )


def test_explain_in_a_terminal(shop: Consumer) -> None:
    outcome = run(shop, "explain", "revenue", "2026-01-05")
    words = " ".join(outcome.out.split())
    assert "revenue currency EUR of 2026-01-05 in stream orders: 182 now, 3 versions." in words
    assert "Sum check: +30 +20 +5 = +55, which is 205 less 150: it adds up." in words
    assert "Sum check: +7 -30 = -23, which is 182 less 205: it adds up." in words
    hostile = run(shop, "explain", "orders", "2026-01-08")
    assert hostile.code == 0
    assert "\u202e" not in hostile.out
    assert "<U+202E>" in hostile.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("revenu", "2026-01-05"), 2, "There is no metric 'revenu': give one of orders, revenue."),
        (("revenue", "2026-01-05", "--stream", "x"), 2, "There is no stream 'x': give one of orders."),
        (
            ("revenue", "2026-01-05", "--dimension", "shop=a"),
            2,
            "has no dimension 'shop': give one of currency.",
        ),
        (("orders", "2026-01-05", "--dimension", "shop"), 2, "give one of none, as it has none."),
        (("revenue", "2026-01-09"), 1, "check the window, or run dbt build."),
        (("revenue", "2026-01-05", "--dimension", "currency"), 1, "with currency: check the window"),
        (("revenue", "2026-01-05", "--dimension", "currency=' or 1=1"), 1, "with currency=' or 1=1: check"),
    ],
)
def test_explain_of_what_is_not_there(
    shop: Consumer, arguments: tuple[str, ...], code: int, words: str
) -> None:
    outcome = run(shop, "explain", *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


def test_explain_finds_what_does_not_add_up(shop: Consumer) -> None:
    log = "analytics.int_forensics__metric_log"
    shop.execute(f"create table raw.log_as_it_was as select * from {log}")
    shop.execute(f"update {log} set change = change + 1 where metric = 'revenue' and cause = 'late'")
    try:
        outcome = run(shop, "explain", "revenue", "2026-01-05")
        as_json = run(shop, "explain", "revenue", "2026-01-05", "--json")
    finally:
        shop.execute(f"delete from {log}; insert into {log} select * from raw.log_as_it_was")
        shop.execute("drop table raw.log_as_it_was")
    assert (outcome.code, as_json.code) == (1, 1)
    assert "+30 +21 +5 = +56, but 205 less 150 is +55: IT DOES NOT ADD UP." in " ".join(outcome.out.split())
    assert [version[-1] for version in versions_of(as_json)] == [True, False, True]


def test_init_writes_a_stream_that_the_package_takes(shop: Consumer) -> None:
    import yaml

    outcome = run(shop, "init", "raw.order_events", "--stream", "guessed")
    assert (outcome.code, outcome.err) == (0, "")
    guessed = yaml.safe_load(outcome.out)["vars"]
    stream = guessed["forensics_streams"]["guessed"]
    assert stream["relation"] == "source.shop.order_events"
    assert stream["event_id"] == "event_id"
    assert stream["personal_data"] == ["Customer Email"]
    checked = run(shop, "check", "--json", "--vars", json.dumps(guessed))
    assert (checked.code, checked.json["problems"]) == (0, [])


@pytest.mark.parametrize(
    ("relation", "words"),
    [
        ("nonsense", "write source.<source>.<table>"),
        ("source.shop.nope", "declares no source"),
        ("ref.nope", "has no model"),
        ("raw.nope", "does not exist"),
    ],
)
def test_init_of_what_is_not_there(shop: Consumer, relation: str, words: str) -> None:
    outcome = run(shop, "init", relation)
    assert outcome.code == 2
    assert words in outcome.err


def test_check_finds_what_only_the_engine_can_know(shop: Consumer) -> None:
    wrong = {
        "relation": "source.shop.order_events",
        "event_time": "occurd_at",
        "ingested_at": "_loaded_at",
        "payload": ["amount", "nope"],
        "rules": {"a": "amont > 1"},
        "metrics": {"m": {"agg": "sum", "expr": "amount +", "where": "currency = 'EUR'"}},
    }
    outcome = run(shop, "check", "--json", "--vars", json.dumps({"forensics_streams": {"x": wrong}}))
    assert outcome.code == 2
    keys = [problem.split("'")[3] for problem in outcome.json["problems"]]
    assert keys == ["payload", "event_time", "rules.a", "metrics.m.expr"]


def test_check_says_what_does_not_continue_the_record(shop: Consumer) -> None:
    def checked(streams: dict[str, Any]) -> Any:
        return run(shop, "check", "--json", "--vars", json.dumps({"forensics_streams": streams}))

    assert shop.streams is not None
    ((name, stream),) = shop.streams.items()
    outcome = checked({name: {**stream, "event_id": "'x' || event_id"}})
    assert outcome.code == 2
    (problem,) = outcome.json["problems"]
    assert problem.startswith(f"Stream '{name}', key 'event_id': \"'x' || event_id\" gives none of the ids")
    outcome = checked({"sales": stream})
    assert (outcome.code, outcome.json["problems"]) == (0, [])
    (note,) = outcome.json["streams"][0]["notes"]
    assert note.startswith(f"Stream 'sales' has no record yet, and '{name}' is on record and not declared.")


def test_a_configuration_error_is_the_packages_own_sentence(shop: Consumer) -> None:
    wrong = json.dumps({"forensics_streams": {"x": {"relation": "order_events"}}})
    for command in (["check"], ["trace", "e1"], ["report"]):
        outcome = run(shop, *command, "--vars", wrong)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("Error: dbt_forensics: stream 'x', key '")
        assert outcome.err.count("\n") == 1


def test_the_session_only_reads(shop: Consumer) -> None:
    folder = str(shop.folder)
    with open_warehouse(DbtOptions(folder, folder)) as warehouse:
        with pytest.raises(ForensicsError, match="read-only"):
            warehouse.query("create table raw.made_by_test as select 1 as x")
        assert warehouse.query("select 1.50 as x") != []
        with pytest.raises(ForensicsError, match="read-only"):
            warehouse.query("delete from raw.order_events")


def test_the_command_prints_nothing_else_and_lets_the_database_go(shop: Consumer) -> None:
    shop.engine.release()
    folder = str(shop.folder)
    done = subprocess.run(
        [sys.executable, "-m", "dbt_forensics", "trace", "e1", "--json", "--profiles-dir", folder],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PACKAGE / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["event_id"] == "e1"
    run(shop, "check")
    shop.execute("create table raw.written_after as select 1 as x")
    shop.execute("drop table raw.written_after")
    shop.engine.release()
