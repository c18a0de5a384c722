"""A consumer of the package: a real dbt project that installs it as a stranger would, and runs dbt."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from harness.engines import RAW_SCHEMA, Engine, Postgres, Row
from harness.killed import Killer, save_manifest
from harness.quick_dbt import make_quick

os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"

#: dbt's commands that run what was parsed.
RUNNING = ("compile", "run", "run-operation", "seed", "show", "snapshot", "test")

PACKAGE = Path(__file__).resolve().parents[2]

#: Waits for builds in other processes.
_beside = ThreadPoolExecutor(4)

#: How many dbt commands this process has run, by kind: what harness/cost.py tells.
COMMANDS: Counter[str] = Counter()


@dataclass
class Run:
    """The outcome of one dbt command."""

    success: bool
    results: dict[str, str]  # node name -> status
    log: str  # every message that a user sees, and what dbt raised
    debug: str  # every message, with the SQL
    result: Any = None  # what dbtRunner returned: a manifest, run results, ...
    messages: dict[str, str] = field(default_factory=dict)  # node name -> its message
    statements: int = 0  # how many SQL statements its nodes sent


class Consumer:
    """A dbt project in `folder`, on `engine`, that installs the package through packages.yml.

    `streams`, `vars` and `project` (further keys of dbt_project.yml) may be changed between two builds;
    dbt_project.yml is written anew before each. With `streams=None` the var is not set at all.
    `models` are files under models/, `files` any files of the project.

    Parsing is most of what a small build costs, so a build that differs from the one before only in `as_of`
    does not parse again. `reuse_parse=False` is for tests that are about parsing.
    """

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        streams: Mapping[str, Any] | None = None,
        sources: Mapping[str, Sequence[str]] | None = None,
        models: Mapping[str, str] | None = None,
        vars: Mapping[str, Any] | None = None,
        *,
        files: Mapping[str, str] | None = None,
        project: Mapping[str, Any] | None = None,
        package: Path = PACKAGE,
        reuse_parse: bool = True,
    ) -> None:
        self.engine = engine
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.streams = None if streams is None else dict(streams)
        self.vars = dict(vars or {})
        self.project = dict(project or {})
        self.reuse_parse = reuse_parse
        self._parsed: tuple[str, Any] = ("", None)  # what was parsed, and dbt's manifest of it
        self._saved = self.folder / "parsed.pickle"
        self.write("profiles.yml", profiles_yml("consumer", engine))
        self.write("packages.yml", packages_yml(package))
        if sources:
            listed = [
                {"name": name, "schema": RAW_SCHEMA, "tables": [{"name": table} for table in tables]}
                for name, tables in sources.items()
            ]
            self.write("models/sources.yml", yaml.safe_dump({"sources": listed}))
        for path, text in (models or {}).items():
            self.write(f"models/{path}", text)
        # Projects have macros. Without any, dbt builds an error with a copy of the environment at every dispatch.
        self.write("macros/own.sql", "{% macro own() %}{% endmacro %}\n")
        for path, text in (files or {}).items():
            self.write(path, text)
        shutil.copytree(installed(package), self.folder, symlinks=True, dirs_exist_ok=True)

    # The warehouse, beside dbt

    def create_table(self, table: str, columns: Mapping[str, str]) -> None:
        self.engine.create_table(table, columns)

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self.engine.insert(table, rows)

    def execute(self, sql: str) -> None:
        self.engine.execute(sql)

    def query(self, sql: str) -> list[Row]:
        return self.engine.query(sql)

    # The project

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        self._parsed = ("", None)

    def write_project(self) -> None:
        streams = {} if self.streams is None else {"forensics_streams": self.streams}
        project = {
            "name": "consumer",
            "version": "1.0.0",
            "config-version": 2,
            "profile": "consumer",
            "flags": {"send_anonymous_usage_stats": False},
            **self.engine.project(),
            **self.project,
            "vars": {**streams, **self.vars},
        }
        text = yaml.safe_dump(project, sort_keys=False, allow_unicode=True)
        path = self.folder / "dbt_project.yml"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            self.write("dbt_project.yml", text)

    # dbt

    def build(
        self,
        as_of: str | None = None,
        select: str | None = None,
        args: Sequence[str] = (),
        vars: Mapping[str, Any] | None = None,
        expect: str = "success",
    ) -> Run:
        """`dbt build`, at the time `as_of` if given; AssertionError unless it ends as expected."""
        manifest = self._manifest(as_of, vars) if self.reuse_parse else None
        return self.dbt(_build_arguments(as_of, select, args, vars), expect=expect, manifest=manifest)

    def _manifest(self, as_of: str | None, vars: Mapping[str, Any] | None) -> Any:
        """A copy of the manifest of the last parse, if nothing but `as_of` has changed since; else a new one."""
        # Where it is none, the build parses for itself, and says what is wrong.
        return self._parsed[1].deepcopy() if self._parse(as_of, vars) else None

    def _parse(self, as_of: str | None, vars: Mapping[str, Any] | None) -> bool:
        self.write_project()
        self.engine.release()
        key = json.dumps(vars or {}, sort_keys=True)
        if self._parsed[0] != key:
            run = run_dbt(self._arguments(["parse", *_build_arguments(as_of, None, (), vars)[1:]]))
            if not run.success:
                return False
            self._parsed = (key, run.result)
            self._saved.unlink(missing_ok=True)
        return True

    def _manifest_file(self, as_of: str | None, vars: Mapping[str, Any] | None) -> Path:
        """The same manifest, for another process."""
        self._parse(as_of, vars)
        return self._saved if self._saved.exists() else save_manifest(self._parsed[1].deepcopy(), self._saved)

    def dbt(self, args: Sequence[str], expect: str = "success", manifest: Any = None) -> Run:
        """Any dbt command, in this process; AssertionError unless it ends as expected."""
        if expect not in ("success", "failure"):
            raise ValueError(f"expect is 'success' or 'failure', not {expect!r}")
        if manifest is None and self.reuse_parse and args[0] in RUNNING and "--vars" not in args:
            manifest = self._manifest(None, None)
        self.write_project()
        self.engine.release()
        run = run_dbt(self._arguments(args), manifest)
        if run.success != (expect == "success"):
            raise AssertionError(f"dbt {' '.join(args)}: expected {expect}.\n{run.log}")
        return run

    def build_killed(
        self,
        at: str,
        as_of: str | None = None,
        select: str | None = None,
        args: Sequence[str] = (),
        vars: Mapping[str, Any] | None = None,
        *,
        may_end: bool = False,
    ) -> bool:
        """`dbt build` in a process of its own that kills itself (SIGKILL) at a point named by `at`.

        `after:<node>`: when the node has finished. `inside:<node>:<n>:<words>`: when its n-th SQL statement with
        these words is about to be sent (the first one, and any, if left out). `statement:<n>`: when the n-th statement
        of any node is. Returns whether it was killed; AssertionError if the build ended without having come there,
        unless it `may_end`.
        """
        self.write_project()
        self.engine.release()
        output = self.folder / "killed.log"
        arguments = self._arguments(_build_arguments(as_of, select, args, vars))
        code = killer().run(at, arguments, output, self._manifest_file(as_of, vars))
        if code != -signal.SIGKILL and not (may_end and code == 0):
            raise AssertionError(f"The build was not killed at {at}.\n{output.read_text()}")
        if isinstance(self.engine, Postgres):
            self.engine.wait_until_alone()
        return code == -signal.SIGKILL

    def start_build(self, runner: Killer, args: Sequence[str] = ()) -> Future[tuple[bool, str]]:
        """`dbt build` in a process of `runner`, while this one goes on: whether it succeeded, and its complaints."""
        self.write_project()
        parsed = self._manifest_file(None, None)
        output = self.folder / f"{id(runner)}.log"
        arguments = self._arguments(
            [*_build_arguments(None, None, args, None), "--target-path", str(output) + ".target"]
        )

        def run() -> tuple[bool, str]:
            code = runner.run("", arguments, output, parsed)
            return code == 0, output.read_text()

        return _beside.submit(run)

    def _arguments(self, args: Sequence[str]) -> list[str]:
        return dbt_arguments(args, self.folder)


def dbt_arguments(args: Sequence[str], folder: Path) -> list[str]:
    """The arguments of a quiet dbt on the project and profile in `folder`, which parses all of it."""
    quiet = ["--log-level", "none", "--log-level-file", "none", "--no-partial-parse"]
    unwritten = [] if "--write-json" in args else ["--no-write-json"]
    return [*quiet, *unwritten, *args, "--project-dir", str(folder), "--profiles-dir", str(folder)]


def profiles_yml(profile: str, engine: Engine) -> str:
    return yaml.safe_dump({profile: {"target": engine.name, "outputs": {engine.name: engine.output()}}})


def packages_yml(package: Path) -> str:
    return yaml.safe_dump({"packages": [{"local": str(package)}]})


@cache
def killer() -> Killer:
    return Killer()


@cache
def installed(package: Path) -> Path:
    """A folder with what `dbt deps` makes of packages.yml: run once per session, then copied."""
    folder = Path(tempfile.mkdtemp(prefix="forensics-deps-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "dbt_project.yml").write_text("name: consumer\nprofile: consumer\n")
    (folder / "packages.yml").write_text(packages_yml(package))
    run = run_dbt(dbt_arguments(["deps"], folder))
    if not run.success:
        raise AssertionError(f"dbt deps failed.\n{run.log}")
    (folder / "dbt_project.yml").unlink()
    shutil.rmtree(folder / "logs", ignore_errors=True)
    return folder


def _build_arguments(
    as_of: str | None, select: str | None, args: Sequence[str], vars: Mapping[str, Any] | None
) -> list[str]:
    given = {**({"forensics_as_of": as_of} if as_of else {}), **(vars or {})}
    selection = ["--select", *select.split()] if select else []
    return ["build", *selection, *args, *(["--vars", json.dumps(given)] if given else [])]


def run_dbt(args: Sequence[str], manifest: Any = None) -> Run:
    """One dbt command in this process; afterwards dbt holds no connection."""
    # Imported late: dbt takes seconds to import, and tests without a database do not need it.
    from dbt.cli.main import dbtRunner

    make_quick()
    COMMANDS[_kind(args)] += 1
    events: list[tuple[str, str]] = []
    sent: list[str] = []

    def note(event: Any) -> None:
        events.append((event.info.level, event.info.msg))
        if event.info.name == "SQLQuery" and event.data.node_info.node_name:
            sent.append(event.data.node_info.node_name)

    runner = dbtRunner(manifest, callbacks=[note])
    with _same_folder():
        outcome = runner.invoke(list(args))
    _close_dbt()
    seen = [message for level, message in events if level != "debug"]
    if outcome.exception is not None:
        seen.append(str(outcome.exception))
    results = getattr(outcome.result, "results", None) or []
    # The results of a run-operation carry no node, only its id.
    nodes = [(r.node.name if hasattr(r, "node") else r.unique_id.split(".")[-1], r) for r in results]
    return Run(
        success=outcome.success,
        results={name: str(r.status) for name, r in nodes},
        log="\n".join(seen),
        debug="\n".join(message for _, message in events),
        result=outcome.result,
        messages={name: r.message or "" for name, r in nodes},
        statements=len(sent),
    )


def _kind(args: Sequence[str]) -> str:
    """The dbt command among its arguments; `build --select` for a build of a part."""
    command = next((word for word in args if not word.startswith("-") and word != "none"), "?")
    return "build --select" if command == "build" and "--select" in args else command


@contextmanager
def _same_folder() -> Iterator[None]:
    """dbt changes the working directory and, when it fails, does not always change back."""
    before = Path.cwd()
    try:
        yield
    finally:
        os.chdir(before)


def _close_dbt() -> None:
    """Closes dbt's connections: dbt-duckdb keeps its file open until its environment is collected."""
    from dbt.adapters.factory import reset_adapters

    reset_adapters()
    connections = sys.modules.get("dbt.adapters.duckdb.connections")
    if connections is not None:
        connections.DuckDBConnectionManager.close_all_connections()
