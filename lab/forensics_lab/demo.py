"""`python -m forensics_lab.demo`: a shop's history, a project that records it build by build, the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import duckdb
import pyarrow as pa

from dbt_forensics.errors import ForensicsError
from dbt_forensics.report.document import Report
from dbt_forensics.report.evidence import Scope
from dbt_forensics.report.make import make_report, render
from dbt_forensics.text import number, signed
from dbt_forensics.warehouse import DbtOptions, open_warehouse, sentence
from forensics_lab.apply import apply_steps
from forensics_lab.document import Line
from forensics_lab.files import write_history
from forensics_lab.history import SINGLE_FAILURES
from forensics_lab.shop import Settings

PACKAGE = Path(__file__).resolve().parents[2]
RELATION = "raw.order_events"
FINDINGS_SHOWN = 3
# Builds at 06:10, so many days before the end; the last one at its midnight.
BUILDS = ((7, 6), (6, 6), (5, 6), (4, 6), (3, 6), (0, 0))


@dataclass(frozen=True)
class Demo:
    """Where the demo keeps its things: the history, the dbt project with its database, and the report.

    Attributes:
        folder: Everything is in it.
    """

    folder: Path

    @property
    def history(self) -> Path:
        """The lab's files."""
        return self.folder / "history"

    @property
    def project(self) -> Path:
        """The dbt project, a copy of examples/demo."""
        return self.folder / "project"

    @property
    def database(self) -> Path:
        """The DuckDB file that the project's profile names."""
        return self.project / "demo.duckdb"


class RawTable:
    """The `forensics_lab.apply.Warehouse` of a DuckDB connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def execute(self, sql: str) -> None:
        """Runs one statement."""
        self.connection.execute(sql)

    def insert(self, relation: str, rows: pa.Table) -> None:
        """Appends rows to a table, by column name."""
        self.connection.register("incoming", rows)
        self.connection.execute(f"insert into {relation} by name select * from incoming")
        self.connection.unregister("incoming")


def run_demo(folder: Path, settings: Settings) -> Report:
    """Runs the demo, saying on stdout what happens, and returns the report's JSON document.

    Args:
        folder: Made if needed; an earlier demo in it is replaced.
        settings: The history to record.

    Raises:
        ForensicsError: The folder holds something else, the package's source is not here, or a build failed.
    """
    demo = Demo(folder.resolve())
    if not (PACKAGE / "examples" / "demo").is_dir():
        raise ForensicsError("The demo needs the package's source: run it in a clone, with make demo.")
    _clear_project(demo)
    manifest = write_history(demo.history, settings)
    click.echo(
        f"A shop's order events, {settings.days} days: {manifest['rows_inserted']:,} rows in hourly loads."
    )
    _write_project(demo)
    _dbt(demo, "deps")
    applied = 0
    for days_before_end, hour in BUILDS:
        step = 24 * (settings.days - days_before_end) + hour
        with _connection(demo) as connection:
            done = apply_steps(demo.history, RawTable(connection), RELATION, after=applied, through=step)
        _dbt(demo, "build", "--vars", json.dumps({"forensics_as_of": str(done.at)}))
        with _connection(demo) as connection:
            click.echo(_build_line(connection, done.at, done.rows))
        for injection in manifest["injections"]:
            if injection["kind"] in SINGLE_FAILURES and applied < injection["step"] <= step:
                click.echo(f"    put in before: {_injection_in_words(injection)}")
        applied = step

    options = DbtOptions(project_dir=str(demo.project), profiles_dir=str(demo.project))
    with open_warehouse(options) as warehouse:
        document = make_report(warehouse, Scope())
    _release_database()
    for name, text in render(document).items():
        (demo.folder / name).write_text(text, encoding="utf-8")
    return document


def _clear_project(demo: Demo) -> None:
    configuration = demo.project / "dbt_project.yml"
    if demo.project.exists():
        if not configuration.exists() or not configuration.read_text(encoding="utf-8").startswith(
            "name: demo\n"
        ):
            raise ForensicsError(f"The folder {demo.project} is not of an earlier demo: give another --out.")
        shutil.rmtree(demo.project)


def _write_project(demo: Demo) -> None:
    left_out = shutil.ignore_patterns("dbt_packages", "target", "logs", "*.duckdb", "package-lock.yml")
    shutil.copytree(PACKAGE / "examples" / "demo", demo.project, ignore=left_out)
    packages = {"packages": [{"local": str(PACKAGE)}]}
    (demo.project / "packages.yml").write_text(json.dumps(packages), encoding="utf-8")
    with _connection(demo) as connection:
        connection.execute("create schema raw")


def _dbt(demo: Demo, command: str, *arguments: str) -> None:
    """Runs dbt in this process, silently unless it fails."""
    from dbt.cli.main import dbtRunner

    errors: list[str] = []

    def keep_error(event: Any) -> None:
        if event.info.level == "error":
            errors.append(event.info.msg)

    quiet = ["--log-level", "none", "--no-send-anonymous-usage-stats"]
    folders = ["--project-dir", str(demo.project), "--profiles-dir", str(demo.project)]
    with chdir(demo.project):  # the profile names the database relative to it
        outcome = dbtRunner(callbacks=[keep_error]).invoke([*quiet, command, *folders, *arguments])
    _release_database()
    if not outcome.success:
        reason = sentence(outcome.exception) if outcome.exception else " ".join(errors)
        raise ForensicsError(f"dbt {command} failed: {reason}", exit_code=1)


def _release_database() -> None:
    """Makes dbt-duckdb close the file, which it keeps open, and locked, after a command has ended."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    manager: Any = DuckDBConnectionManager
    manager.close_all_connections()


@contextmanager
def _connection(demo: Demo) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(demo.database))
    try:
        yield connection
    finally:
        connection.close()


def _build_line(connection: duckdb.DuckDBPyConnection, at: datetime, loaded: int) -> str:
    """What one build recorded: its ledger entries: rows that count, that no longer do, the rest."""
    entries = connection.execute(
        """
        select effect, case when effect = 1 then cause else verdict end as what, count(*) as entries
        from analytics.forensics__ledger
        where recorded_at >= ?
        group by effect, what
        order by effect = 0, effect desc, entries desc
        """,
        [at],
    ).fetchall()
    parts = [
        f"{signed(effect * count) if effect else number(count)} {what}" for effect, what, count in entries
    ]
    return f"{at:%a %d %b %H:%M} {loaded:>8,} rows: {', '.join(parts)}"


def _injection_in_words(injection: Line) -> str:
    what = str(injection["kind"]).replace("_", " ")
    return f"{what}, {injection['batch_id']}, {injection['rows']} rows" if injection["batch_id"] else what


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("build/demo"), show_default=True
)
@click.option("--rows", default=Settings.rows, show_default=True, help="How many events happen, about.")
@click.option(
    "--seed", default=Settings.seed, show_default=True, help="The same seed gives the same history."
)
def main(out: Path, rows: int, seed: int) -> None:
    """Generate a shop's history, record it in six builds, and report what changed."""
    try:
        document = run_demo(out, Settings(rows=rows, seed=seed))
    except ForensicsError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from error
    click.echo(f"\nThe dashboard: {out / 'dashboard.html'}")
    click.echo(f"The report: {out / 'report.html'} (also report.md, report.json, scorecard.csv)\n")
    for finding in document["findings"][:FINDINGS_SHOWN]:
        click.echo(f"{finding['rank']}. {finding['stream']}: {finding['title']}\n   {finding['detail']}")


if __name__ == "__main__":
    main()
