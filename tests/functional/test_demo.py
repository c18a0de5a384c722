"""The demo and the lab's history, end to end: what the package finds is what the manifest says was put in."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml
from click.testing import CliRunner

from forensics_lab.apply import apply_steps
from forensics_lab.demo import BUILDS, RELATION, RawTable, main
from forensics_lab.files import write_history
from forensics_lab.shop import ROWS_PER_DAY, Settings
from harness.engines import Engine
from harness.project import PACKAGE, Consumer

Json = dict[str, Any]
DAYS = 8


class Raw:
    """The engine of a test as the lab's warehouse."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def execute(self, sql: str) -> None:
        self.engine.execute(sql)

    def insert(self, relation: str, rows: pa.Table) -> None:
        self.engine.insert(relation.removeprefix("raw."), rows.to_pylist())


def verdicts_of(manifest: Json) -> Counter[str]:
    """The verdicts that the rows of a history must end with, under last_wins."""
    kinds = Counter(manifest["rows_by_kind"])
    rewritten = kinds["batch_rewritten"] + kinds["batch_rewritten_same_sum"]
    verdicts = Counter(
        duplicate=kinds["retry"],
        superseded=kinds["correction"] + kinds["conflict"],
        quarantined=kinds["negative_amount"],
        withdrawn=rewritten + kinds["batch_deleted"],
    )
    verdicts["accepted"] = manifest["rows_inserted"] + rewritten - verdicts.total()
    return verdicts


# What the raw table says at the end: of each event the last row, unless it breaks the rule.
PAID_NOW = """
    select cast(cast(occurred_at as date) as varchar) as day, currency, sum(amount) as value
    from (
        select *, row_number() over (partition by event_id order by _loaded_at desc, _load_id desc) as place
        from raw.order_events
        where amount >= 0
    ) as latest
    where place = 1 and status = 'paid'
    group by 1, 2 order by 1, 2
"""
REVENUE_NOW = """
    select substr(cast(window_start as varchar), 1, 10) as day, dimensions, value
    from analytics.forensics__metric_versions
    where metric = 'revenue' and is_current and input_count > 0
    order by window_start, dimensions
"""
VERDICTS_NOW = "select verdict, count(*) as row_count from analytics.forensics__verdicts group by verdict"


def same_revenue(paid: list[Json], revenue: list[Json]) -> bool:
    expected = {(row["day"], row["currency"]): row["value"] for row in paid}
    recorded = {(row["day"], json.loads(row["dimensions"])["currency"]): row["value"] for row in revenue}
    return bool(expected) and expected == recorded


def check_findings(report: Json, manifest: Json) -> None:
    """AssertionError unless the first three findings are what the manifest says."""
    by_kind = {injection["kind"]: injection for injection in manifest["injections"]}
    kinds = manifest["rows_by_kind"]
    restated, lost, quarantined = report["findings"][:3]

    assert restated["kind"] == "restated_values"
    change = next(item for item in report["changes"]["items"] if item["id"] == restated["section"])
    deleted = next(cause for cause in change["causes"] if cause["cause"] == "source_deleted")
    largest = max(change["causes"], key=lambda cause: abs(Decimal(cause["change"])))
    assert (change["metric"], largest) == ("revenue", deleted)
    put_in = {
        (part["occurred_on"], part["currency"]): Decimal(part["change"])
        for part in by_kind["batch_deleted"]["details"]["paid_amount_changes"]
    }
    window = (change["window_start"][:10], change["dimensions"]["currency"])
    assert Decimal(deleted["change"]) == put_in[window]

    rewritten = kinds["batch_rewritten"] + kinds["batch_rewritten_same_sum"]
    assert lost["kind"] == "lost_rows"
    gone = kinds["batch_deleted"] + rewritten
    batches = report["batches"]
    assert (batches["missing_rows"], batches["deleted"], batches["rewritten"]) == (gone, 1, 2)
    assert f"{gone:,} " in lost["title"]
    assert by_kind["batch_deleted"]["batch_id"] in lost["detail"]

    assert quarantined["kind"] == "quarantine"
    assert f"{kinds['negative_amount']:,} " in quarantined["title"]


class Played:
    """A demo that was run, with all that it left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        outcome = CliRunner().invoke(main, ["--out", str(folder)])
        assert outcome.exit_code == 0, outcome.output
        self.output = outcome.output
        self.manifest: Json = json.loads((folder / "history" / "manifest.json").read_text())
        self.report: Json = json.loads((folder / "report.json").read_text())

    def query(self, sql: str) -> list[Json]:
        with duckdb.connect(str(self.folder / "project" / "demo.duckdb"), read_only=True) as connection:
            rows: list[Json] = connection.execute(sql).to_arrow_table().to_pylist()
        return rows


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played(tmp_path_factory.mktemp("demo") / "demo")


@pytest.mark.slow
def test_demo_finds_what_was_put_in(played: Played) -> None:
    assert played.manifest["rows_inserted"] >= 250_000
    check_findings(played.report, played.manifest)
    verdicts = {row["verdict"]: row["row_count"] for row in played.query(VERDICTS_NOW)}
    assert verdicts == verdicts_of(played.manifest)
    assert same_revenue(played.query(PAID_NOW), played.query(REVENUE_NOW))
    future = sum(injection["details"].get("future_rows", 0) for injection in played.manifest["injections"])
    assert played.report["streams"][0]["timeliness"]["future"] == future


@pytest.mark.slow
def test_each_build_published_what_the_raw_table_then_said(played: Played) -> None:
    as_of = REVENUE_NOW.replace(
        "is_current", "recorded_from <= '{at}' and coalesce(recorded_to > '{at}', true)"
    )
    applied = 0
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        for days_before_end, hour in BUILDS:
            step = 24 * (Settings.days - days_before_end) + hour
            history = played.folder / "history"
            done = apply_steps(history, RawTable(connection), RELATION, after=applied, through=step)
            applied = step
            paid = connection.execute(PAID_NOW).to_arrow_table().to_pylist()
            assert same_revenue(paid, played.query(as_of.format(at=done.at))), done.at


@pytest.mark.slow
def test_demo_ends_with_the_report_and_three_findings(played: Played) -> None:
    end = played.output.split("The report: ")[1]
    assert end.startswith(str(played.folder / "report.html"))
    assert (played.folder / "report.html").stat().st_size > 10_000
    assert [line[:3] for line in end.splitlines() if line[:1].isdigit()] == ["1. ", "2. ", "3. "]
    for finding in played.report["findings"][:3]:
        assert finding["title"] in end
    builds = [line for line in played.output.splitlines() if " rows: " in line]
    assert len(builds) == 6


def _other_change(report: Json) -> None:
    for item in report["changes"]["items"]:
        for cause in item["causes"]:
            cause["change"] = str(Decimal(cause["change"]) + 1)


def _other_order(report: Json) -> None:
    report["findings"].reverse()


def _other_count(report: Json) -> None:
    report["findings"][2]["title"] = "orders: 1 rows in quarantine."


@pytest.mark.slow
@pytest.mark.parametrize("fault", [_other_change, _other_order, _other_count])
def test_a_wrong_report_is_noticed(played: Played, fault: Callable[[Json], None]) -> None:
    wrong = copy.deepcopy(played.report)
    fault(wrong)
    with pytest.raises((AssertionError, StopIteration)):
        check_findings(wrong, played.manifest)


@pytest.mark.parametrize("folder", ["history", "project"])
def test_demo_leaves_a_folder_with_other_things_alone(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "thesis.txt").write_text("years of work")
    outcome = CliRunner().invoke(main, ["--out", str(tmp_path)])
    assert outcome.exit_code == 2
    assert outcome.output.startswith(f"Error: The folder {tmp_path / folder} ")
    assert [path.name for path in (tmp_path / folder).iterdir()] == ["thesis.txt"]


def test_a_history_ends_in_the_verdicts_of_its_manifest(engine: Engine, tmp_path: Path) -> None:
    manifest = write_history(tmp_path / "history", Settings(rows=2 * ROWS_PER_DAY * DAYS, days=DAYS))
    declared = yaml.safe_load((PACKAGE / "examples" / "demo" / "dbt_project.yml").read_text())
    consumer = Consumer(
        engine,
        tmp_path / "project",
        streams=declared["vars"]["forensics_streams"],
        sources={"shop": ["order_events"]},
    )
    applied = 0
    for step in (24 * (DAYS - 6) + 6, 24 * (DAYS - 4) + 6, 24 * DAYS):
        done = apply_steps(tmp_path / "history", Raw(engine), "raw.order_events", after=applied, through=step)
        applied = step
        consumer.build(as_of=str(done.at))
    verdicts = {row["verdict"]: row["row_count"] for row in consumer.query(VERDICTS_NOW)}
    assert verdicts == verdicts_of(manifest)
    assert same_revenue(consumer.query(PAID_NOW), consumer.query(REVENUE_NOW))
    vanished = consumer.query(
        "select batch_id, count(*) as gone from analytics.forensics__vanished_rows group by 1"
    )
    changed = ("batch_rewritten", "batch_rewritten_same_sum", "batch_deleted")
    assert {row["batch_id"]: row["gone"] for row in vanished} == {
        injection["batch_id"]: injection["rows"]
        for injection in manifest["injections"]
        if injection["kind"] in changed
    }
