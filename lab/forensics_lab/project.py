"""A dbt project of the lab on DuckDB, with the package in it: made, built at given times, and asked what it said."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import duckdb

from dbt_forensics.errors import ForensicsError
from dbt_forensics.warehouse import DbtOptions, sentence
from forensics_lab.document import Line
from forensics_lab.package import PACKAGE

_PROFILE = {
    "type": "duckdb",
    "path": "lab.duckdb",
    "schema": "analytics",
    "threads": 1,
    "settings": {"TimeZone": "UTC"},
}
# What was said of a detection at each build: what counts is where it was then, not how far it has grown.
_DETECTIONS = """
    select log.detection_id,
        case when log.stream = 'forensics_watches' then log.subject else log.stream end as stream,
        log.detector, log.subject, log.recorded_at, log.change, log.severity,
        log.window_start, log.window_end,
        log.first_arrived_at, log.last_arrived_at, log.evidence, members.incident_id
    from analytics.int_forensics__detection_log as log
    inner join analytics.forensics__detections as detections using (detection_id)
    left join analytics.int_forensics__incident_members as members using (detection_id)
    where not detections.is_silenced
    order by log.stream, log.detection_id, log.recorded_at, log.change desc
"""
_INCIDENTS = """
    select stream, kind, severity, status, window_start, window_end, opened_at, resolved_at, detection_count,
        incident_id
    from analytics.forensics__incidents
    order by stream, opened_at, kind, window_start
"""
_SILENT = """
    select stream, window_start
    from analytics.forensics__windows
    where health = 'healthy' and event_count = 0
    order by stream, window_start
"""


class Project:
    """A project in a folder, whose streams read tables of the schema `raw`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._manifest: Any = None

    @property
    def options(self) -> DbtOptions:
        """The project as the toolkit opens it."""
        return DbtOptions(str(self.folder), str(self.folder))

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Its database, to read or to load."""
        return duckdb.connect(str(self.folder / "lab.duckdb"))

    def make(
        self,
        streams: Mapping[str, Mapping[str, Any]],
        watches: Mapping[str, Any] | None = None,
        models: Mapping[str, str] | None = None,
    ) -> None:
        """Writes the project; an earlier one of the lab is replaced.

        Args:
            streams: Declarations without relations: each stream reads the table of its name.
            watches: Declarations.
            models: SQL by name.

        Raises:
            ForensicsError: The folder holds something else, or the package's source is not here.
        """
        if not (PACKAGE / "dbt_project.yml").exists():
            raise ForensicsError("The lab needs the package's source: run it in a clone.")
        project = self.folder / "dbt_project.yml"
        if self.folder.exists() and any(self.folder.iterdir()):
            if not project.exists() or not project.read_text(encoding="utf-8").startswith('{"name": "lab"'):
                raise ForensicsError(f"The folder {self.folder} is not of an earlier run: name another one.")
            shutil.rmtree(self.folder)
        declared = {name: {"relation": f"source.raw.{name}", **stream} for name, stream in streams.items()}
        documents: dict[str, object] = {
            "dbt_project.yml": {
                "name": "lab",
                "profile": "lab",
                "vars": {"forensics_streams": declared, "forensics_watches": dict(watches or {})},
            },
            "packages.yml": {"packages": [{"local": str(PACKAGE)}]},
            "profiles.yml": {"lab": {"target": "lab", "outputs": {"lab": _PROFILE}}},
            "models/sources.yml": {
                "sources": [{"name": "raw", "schema": "raw", "tables": [{"name": name} for name in streams]}]
            },
        }
        texts = {name: json.dumps(document) for name, document in documents.items()}
        # Where a project has no macro at all, dbt looks through the environment at each dispatch.
        texts["macros/own.sql"] = "{% macro own() %}{% endmacro %}\n"
        texts |= {f"models/{name}.sql": sql for name, sql in (models or {}).items()}
        for name, text in texts.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        with self.connection() as connection:
            connection.execute("create schema raw")
            connection.execute("create schema feeds")
        run_dbt(self.folder, "deps")

    def build(self, as_of: str) -> float:
        """One build; the seconds that it took. Only the first parses."""
        started = time.monotonic()
        given = ["--vars", json.dumps({"forensics_as_of": as_of})]
        if self._manifest is None:
            self._manifest = run_dbt(self.folder, "parse", *given)
        kinds = [word for kind in ("model", "seed", "snapshot") for word in ("--resource-type", kind)]
        # The outbox is what actions need besides.
        selected = ["--select", "+forensics__incidents", "forensics__outbox"]
        run_dbt(self.folder, "build", *kinds, *selected, *given, manifest=self._manifest.deepcopy())
        return time.monotonic() - started

    def sightings(self) -> list[Line]:
        """What was said of each detection at each build."""
        return self._lines(_DETECTIONS)

    def incidents(self) -> list[Line]:
        """All incidents as they are."""
        return self._lines(_INCIDENTS)

    def silent_windows(self) -> list[Line]:
        """Windows without any event that are called healthy."""
        return self._lines(_SILENT)

    def _lines(self, sql: str) -> list[Line]:
        with self.connection() as connection:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description or ()]
            return [
                {
                    name: value if isinstance(value, bool | int | None) else str(value)
                    for name, value in zip(names, row, strict=True)
                }
                for row in cursor.fetchall()
            ]


def run_dbt(folder: Path, command: str, *arguments: str, manifest: Any = None) -> Any:
    """Runs dbt on a project in this process, silently unless it fails; returns its result."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    errors: list[str] = []

    def keep_error(event: Any) -> None:
        if event.info.level == "error":
            errors.append(event.info.msg)

    quiet = ["--log-level", "none", "--log-level-file", "none", "--no-send-anonymous-usage-stats"]
    folders = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    with chdir(folder):
        outcome = dbtRunner(manifest, callbacks=[keep_error]).invoke([*quiet, command, *folders, *arguments])
    manager: Any = DuckDBConnectionManager
    manager.close_all_connections()
    if not outcome.success:
        reason = sentence(outcome.exception) if outcome.exception else " ".join(errors)
        raise ForensicsError(f"dbt {command} failed: {reason}", exit_code=1)
    return outcome.result
