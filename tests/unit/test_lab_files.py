"""The lab's files: same bytes for the same seed, the same rows in every format, steps applied in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner

from dbt_forensics.errors import ForensicsError
from forensics_lab import cli
from forensics_lab.apply import apply_steps
from forensics_lab.files import FORMATS, read_rows, write_history, write_rows
from forensics_lab.history import Insert, Plan, Step, steps
from forensics_lab.shop import Settings

SETTINGS = Settings(rows=8_000, seed=3, days=8)
STEPS = 24 * 8


class Recorder:
    """DuckDB in memory, with the statements that it was given."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.statements: list[str] = []

    def execute(self, sql: str) -> None:
        self.statements.append(sql)
        self.connection.execute(sql)

    def insert(self, relation: str, rows: pa.Table) -> None:
        self.statements.append(f"insert {rows.num_rows}")
        self.connection.register("incoming", rows)
        self.connection.execute(f"insert into {relation} by name select * from incoming")
        self.connection.unregister("incoming")

    def count(self, condition: str) -> int:
        counted = self.connection.execute(f"select count(*) from order_events where {condition}").fetchall()
        return int(counted[0][0])

    def table(self) -> list[Any]:
        return self.connection.execute("select * from order_events order by event_id, _load_id").fetchall()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("lab") / "history"
    write_history(target, SETTINGS)
    return target


def steps_of(folder: Path) -> list[dict[str, Any]]:
    steps = json.loads((folder / "steps.json").read_text())["steps"]
    return [operation for step in steps for operation in step["operations"]]


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_history(tmp_path / "again", SETTINGS)
    assert digests(tmp_path / "again") == digests(folder)
    write_history(tmp_path / "again", Settings(rows=8_000, seed=4, days=8))
    assert digests(tmp_path / "again") != digests(folder)


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_gives_back_the_rows(tmp_path: Path, file_format: str) -> None:
    write_history(tmp_path, SETTINGS, file_format)
    inserts = [
        operation
        for step in steps(SETTINGS)
        for operation in step.operations
        if isinstance(operation, Insert)
    ]
    assert len(inserts) == STEPS
    for insert in inserts:
        assert read_rows(tmp_path / "loads" / f"{insert.batch_id}.{file_format}").equals(insert.rows)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_load_without_rows_is_a_file_too(tmp_path: Path, file_format: str) -> None:
    rows = next(iter(steps(SETTINGS))).operations[0].rows.slice(0, 0)  # type: ignore[union-attr]
    write_rows(tmp_path / f"empty.{file_format}", rows)
    assert read_rows(tmp_path / f"empty.{file_format}").equals(rows)


def test_manifest_totals_are_those_of_the_files(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    rows = pa.concat_tables(
        [read_rows(path) for path in (folder / "loads").iterdir()], promote_options="default"
    )
    assert manifest["rows_inserted"] == rows.num_rows
    repeated = rows.num_rows - len(set(rows["event_id"].to_pylist()))
    assert repeated == sum(
        manifest["rows_by_kind"].get(kind, 0) for kind in ("retry", "correction", "conflict")
    )
    assert manifest["rows_by_kind"]["negative_amount"] == sum(
        amount < 0 for amount in rows["amount"].to_pylist()
    )
    assert set(manifest["rows_by_kind"]) <= set(manifest["expected"])


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ForensicsError, match="holds something else than a lab history: name another one"):
        write_history(tmp_path, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_interrupted_history_is_written_anew(folder: Path, tmp_path: Path) -> None:
    def interrupted(all_steps: Iterable[Step]) -> Iterator[Step]:
        yield from islice(all_steps, 5)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_history(tmp_path, SETTINGS, "csv", interrupted)
    write_history(tmp_path, SETTINGS)
    assert digests(tmp_path) == digests(folder)


def test_cadence_of_application_does_not_matter(folder: Path) -> None:
    once, often = Recorder(), Recorder()
    apply_steps(folder, once, "order_events", after=0, through=STEPS)
    for step in range(0, STEPS, 8):
        apply_steps(folder, often, "order_events", after=step, through=step + 8)
    assert once.table() == often.table()
    assert len(once.statements) < 40


def test_the_table_is_what_the_manifest_says_of_it(folder: Path) -> None:
    plan = Plan.of(SETTINGS)
    manifest = json.loads((folder / "manifest.json").read_text())
    deleted = next(injection for injection in manifest["injections"] if injection["kind"] == "batch_deleted")
    warehouse = Recorder()
    before = apply_steps(folder, warehouse, "order_events", after=0, through=plan.deleted_at - 1)
    assert before.at == SETTINGS.start + timedelta(hours=plan.deleted_at - 1, minutes=10)
    assert warehouse.count("true") == before.rows
    assert warehouse.count(f"_load_id = '{deleted['batch_id']}'") == deleted["rows"]
    assert warehouse.count("channel is not null") > 0
    rewrites = [line for line in steps_of(folder) if line["operation"] == "update"]
    assert len(rewrites) == 2
    for rewrite in rewrites:
        for event_id, amount in rewrite["amounts"].items():
            assert warehouse.count(f"event_id = '{event_id}' and amount = {amount}") == 1
    apply_steps(folder, warehouse, "order_events", after=plan.deleted_at - 1, through=plan.deleted_at)
    assert warehouse.count(f"_load_id = '{deleted['batch_id']}'") == 0


@pytest.mark.parametrize(("after", "through"), [(0, STEPS + 1), (5, 5), (-1, 3)])
def test_steps_that_are_not_there_are_refused(folder: Path, after: int, through: int) -> None:
    with pytest.raises(ForensicsError, match=f"the history has steps 1 to {STEPS}"):
        apply_steps(folder, Recorder(), "order_events", after=after, through=through)


def test_command_says_what_it_wrote(tmp_path: Path) -> None:
    arguments = [
        "generate",
        "--out",
        str(tmp_path / "lab"),
        "--rows",
        "8000",
        "--days",
        "8",
        "--format",
        "csv",
    ]
    outcome = CliRunner().invoke(cli.lab, arguments)
    assert outcome.exit_code == 0, outcome.output
    assert f"rows in {STEPS} hourly loads" in outcome.output
    assert outcome.stderr == ""
    assert len(list((tmp_path / "lab" / "loads").glob("*.csv"))) == STEPS
