"""Plays worlds: a dbt project with a stream per feed, builds at a cadence, and what the detectors said of it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dbt_forensics.actions import run as actions
from dbt_forensics.actions.guards import OVERRIDES
from dbt_forensics.actions.selection import Selection
from dbt_forensics.errors import ForensicsError
from dbt_forensics.warehouse import DbtOptions, sentence
from dbt_forensics.writing import open_writing
from forensics_lab.breaking import ColumnChange, Withdrawal
from forensics_lab.document import Line, Run
from forensics_lab.feeds import MISSING, NEVER, NO_TIME, ROW, Feed
from forensics_lab.worlds import WARM_DAYS, World

PACKAGE = Path(__file__).resolve().parents[2]
FORMAT_VERSION = 1
# What was said of a detection at each build: what counts is where it was then, not how far it has grown.
_DETECTIONS = """
    select log.detection_id,
        case when log.stream = 'forensics_watches' then log.subject else log.stream end as stream,
        log.detector, log.subject, log.recorded_at, log.change, log.severity,
        log.window_start, log.window_end,
        log.first_arrived_at, log.last_arrived_at, log.evidence
    from analytics.int_forensics__detection_log as log
    inner join analytics.forensics__detections as detections using (detection_id)
    where not detections.is_silenced
    order by log.stream, log.detection_id, log.recorded_at, log.change desc
"""
_INCIDENTS = """
    select stream, kind, severity, status, window_start, window_end, opened_at, resolved_at, detection_count,
        incident_id
    from analytics.forensics__incidents
    order by stream, opened_at, kind, window_start
"""


@dataclass(frozen=True)
class Played:
    """A stream of a run: a feed of a world."""

    stream: str
    world: World
    number: int

    @property
    def feed(self) -> Feed:
        """The feed."""
        return self.world.feeds[self.number].feed

    @property
    def is_published(self) -> bool:
        """Whether a model of its own shows it: where that goes wrong, and of the last feed, where nothing is wrong."""
        is_last = self.number == len(self.world.feeds) - 1
        return is_last or bool(self.world.feeds[self.number].publications)


def run_worlds(
    worlds: Sequence[World],
    folder: Path,
    every_hours: int = 24,
    warm_days: int = WARM_DAYS,
    say: Callable[[str], None] = lambda line: None,
) -> Run:
    """Plays worlds together, in one dbt project on DuckDB; returns what run.json has, for the score.

    Args:
        worlds: Of the same length, and of seeds of their own. Their starts must be the same day.
        folder: For the project and its database; an earlier run in it is replaced.
        every_hours: From one build to the next.
        warm_days: What the first build records.
        say: Is told of each build.

    Raises:
        ForensicsError: The folder holds something else, the package's source is not here, or a build failed.
    """
    if len({(world.start, world.days) for world in worlds}) > 1:
        raise ForensicsError("Worlds that are run together must have one start and one length.")
    if len({world.seed for world in worlds}) < len(worlds):
        raise ForensicsError("Worlds that are run together must have seeds of their own.")
    streams = [
        Played(f"s{world.seed}_{broken.feed.name}", world, number)
        for world in worlds
        for number, broken in enumerate(world.feeds)
    ]
    started = time.monotonic()
    project = _Project(folder.resolve(), streams)
    project.make()
    start = worlds[0].start
    builds = worlds[0].builds(every_hours, warm_days)
    for number, since_start in enumerate(builds, start=1):
        project.move_clock(since_start)
        seconds = project.build(str(start + since_start))
        until = builds[number] if number < len(builds) else timedelta(days=worlds[0].days)
        project.withdraw(since_start, until)
        say(f"build {number} of {len(builds)}, {start + since_start:%a %d %b %H:%M}: {seconds:.1f} s")
    with project.connection() as connection:
        sightings, incidents = _lines(connection, _DETECTIONS), _lines(connection, _INCIDENTS)
    document: Run = {
        "format_version": FORMAT_VERSION,
        "builds": [str(start + since_start) for since_start in builds],
        "start": str(start),
        "days": worlds[0].days,
        "streams": [
            {"stream": played.stream, "seed": played.world.seed, "feed": played.feed.as_json()}
            for played in streams
        ],
        "injections": [
            {"stream": played.stream, **injection.as_json()}
            for played in streams
            for injection in played.world.feeds[played.number].injections
        ],
        "sightings": sightings,
        "incidents": incidents,
        "seconds": round(time.monotonic() - started, 1),
    }
    (folder / "run.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return document


class _Project:
    """The dbt project of a run. The raw tables are views of all rows of a feed as far as the clock has come."""

    def __init__(self, folder: Path, streams: Sequence[Played]) -> None:
        self.folder = folder
        self.streams = streams
        self.manifest: Any = None
        self.columns: dict[str, int] = {}
        self.to_withdraw = [
            (played, one) for played in streams for one in played.world.feeds[played.number].withdrawals
        ]

    def connection(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.folder / "lab.duckdb"))

    def make(self) -> None:
        if not (PACKAGE / "dbt_project.yml").exists():
            raise ForensicsError("The lab needs the package's source: run it in a clone.")
        project = self.folder / "dbt_project.yml"
        if self.folder.exists() and any(self.folder.iterdir()):
            if not project.exists() or not project.read_text(encoding="utf-8").startswith('{"name": "lab"'):
                raise ForensicsError(f"The folder {self.folder} is not of an earlier run: name another one.")
            shutil.rmtree(self.folder)
        (self.folder / "models").mkdir(parents=True)
        declared = {
            played.stream: {"relation": f"source.raw.{played.stream}", **played.feed.stream()}
            for played in self.streams
        }
        watches = {}
        for played in self.streams:
            if played.is_published:
                declared[played.stream]["metrics"]["events"] = {"agg": "count"}
                watches[played.stream] = {
                    "relation": f"ref.published_{played.stream}",
                    "window_start": "window_start",
                    "value": "events",
                    "metric": f"{played.stream}.events",
                }
        profile = {
            "type": "duckdb",
            "path": "lab.duckdb",
            "schema": "analytics",
            "threads": 1,
            "settings": {"TimeZone": "UTC"},
        }
        files: dict[str, object] = {
            "dbt_project.yml": {
                "name": "lab",
                "profile": "lab",
                "vars": {"forensics_streams": declared, "forensics_watches": watches},
            },
            "packages.yml": {"packages": [{"local": str(PACKAGE)}]},
            "profiles.yml": {"lab": {"target": "lab", "outputs": {"lab": profile}}},
            "models/sources.yml": {
                "sources": [
                    {
                        "name": "raw",
                        "schema": "raw",
                        "tables": [{"name": played.stream} for played in self.streams],
                    }
                ]
            },
        }
        for name, document in files.items():
            (self.folder / name).write_text(json.dumps(document), encoding="utf-8")
        # Where a project has no macro at all, dbt looks through the environment at each dispatch.
        (self.folder / "macros").mkdir()
        (self.folder / "macros" / "own.sql").write_text("{% macro own() %}{% endmacro %}\n", encoding="utf-8")
        with self.connection() as connection:
            connection.execute("create schema raw")
            connection.execute("create schema feeds")
            connection.execute("create table feeds.clock (seconds bigint)")
            connection.execute(
                "create table feeds.publications (stream varchar, wrong_at bigint, wrong_until bigint, "
                "window_from timestamp, window_to timestamp, percent integer, seen_to timestamp)"
            )
            for played in self.streams:
                rows = played.world.feeds[played.number].rows
                table = pa.table({name: pa.array(rows[name]) for name in ROW.names or ()})
                connection.register("incoming", table)
                values = _values(played.feed)
                connection.execute(
                    f'create table feeds."{played.stream}" as select {values} from incoming order by incoming.visible'
                )
                connection.unregister("incoming")
                for wrong in played.world.feeds[played.number].publications:
                    seen_to = None if wrong.seen_to == NEVER else played.feed.time(wrong.seen_to)
                    connection.execute(
                        "insert into feeds.publications values (?, ?, ?, ?, ?, ?, ?)",
                        [
                            *(played.stream, wrong.at, wrong.until, played.feed.time(wrong.window_from)),
                            *(played.feed.time(wrong.window_to), wrong.percent, seen_to),
                        ],
                    )
                if played.is_published:
                    path = self.folder / "models" / f"published_{played.stream}.sql"
                    path.write_text(_published(played), encoding="utf-8")
        run_dbt(self.folder, "deps")

    def move_clock(self, since_start: timedelta) -> None:
        """Brings the raw tables to a time."""
        seconds = int(since_start.total_seconds())
        with self.connection() as connection:
            connection.execute("delete from feeds.clock")
            connection.execute("insert into feeds.clock values (?)", [seconds])
            for played in self.streams:
                broken = played.world.feeds[played.number]
                changes = [change for change in broken.changes if change.at <= seconds]
                if self.columns.get(played.stream) != len(changes):
                    connection.execute(_view(played.stream, broken.feed, changes))
                    self.columns[played.stream] = len(changes)

    def build(self, as_of: str) -> float:
        """One build; the seconds that it took. Only the first parses."""
        started = time.monotonic()
        given = ["--vars", json.dumps({"forensics_as_of": as_of})]
        if self.manifest is None:
            self.manifest = run_dbt(self.folder, "parse", *given)
        kinds = [word for kind in ("model", "seed", "snapshot") for word in ("--resource-type", kind)]
        # The outbox is what actions need besides.
        selected = ["--select", "+forensics__incidents", "forensics__outbox"]
        run_dbt(self.folder, "build", *kinds, *selected, *given, manifest=self.manifest.deepcopy())
        return time.monotonic() - started

    def withdraw(self, built: timedelta, until: timedelta) -> None:
        """What is withdrawn between two builds, of what the first of them has recorded."""

        def is_due(one: Withdrawal) -> bool:
            return one.arrived <= built.total_seconds() and one.at < until.total_seconds()

        due = [(played, one) for played, one in self.to_withdraw if is_due(one)]
        if not due:
            return
        self.to_withdraw = [pair for pair in self.to_withdraw if pair not in due]
        start = self.streams[0].world.start
        at = start + max(built, *(timedelta(seconds=one.at) for _, one in due))
        options = DbtOptions(
            str(self.folder), str(self.folder), vars=json.dumps({"forensics_as_of": str(at)})
        )
        actor = actions.Actor("lab", "the load was wrong")
        with open_writing(options) as warehouse:
            for played, one in due:
                selection = Selection(played.stream, batches=(f"load {one.batch}",))
                plan = actions.plan(warehouse, "withdrawal", selection, actor, limit=1_000_000)
                done = actions.apply(warehouse, plan["action_id"], actor, list(OVERRIDES), execute=True)
                if done["status"] != "applied":
                    raise ForensicsError(f"Load {one.batch} of {played.stream} could not be withdrawn.")


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


def _values(feed: Feed) -> str:
    """The values of a feed's table as a select list over its rows, by role."""
    start = f"timestamp '{feed.start}'"

    def text(column: str, words: str) -> str:
        return f"case when {column} <> {MISSING} then '{words}' || {column} end"

    values = {
        "event": text("event", "e"),
        "entity": text("entity", "n"),
        "occurred": f"case when occurred <> {NO_TIME} then {start} + to_seconds(occurred) end",
        "arrived": f"{start} + to_seconds(arrived)",
        "batch": "'load ' || batch",
        "seq": f"nullif(seq, {MISSING})",
        "version": "case when version > 0 then 'v' || version end",
        "cents": f"cast(cast(nullif(cents, {MISSING}) as numeric(18, 2)) / 100 as numeric(18, 2))",
        "note": text("note", "note "),
        "channel": text("channel", "channel "),
        "code": f"cast(nullif(code, {MISSING}) as integer)",
        "visible": "visible",
        "gone": "gone",
    }
    return ", ".join(f"{value} as {role}" for role, value in values.items())


def _view(stream: str, feed: Feed, changes: Sequence[ColumnChange]) -> str:
    """The raw table of a feed, with its columns as the changes have left them, as far as the clock has come."""
    columns = {role: role for role in feed.columns}
    names = dict(feed.columns)
    for change in changes:
        if change.change == "added":
            # Rows that were there before have no value, as in any table.
            columns[change.role], names[change.role] = (
                f"case when visible >= {change.at} then 'x' end",
                change.to,
            )
        elif change.change == "dropped":
            columns.pop(change.role, None)
        elif change.change == "renamed" and change.role in columns:
            names[change.role] = change.to
        elif change.role in columns:
            columns[change.role] = f"cast({columns[change.role]} as {change.to})"
    listed = ", ".join(f'{value} as "{names[role]}"' for role, value in columns.items())
    there = "visible <= (select seconds from feeds.clock) and gone > (select seconds from feeds.clock)"
    return f'create or replace view raw."{stream}" as select {listed} from feeds."{stream}" where {there}'


def _published(played: Played) -> str:
    """A team's own model of a feed: how many events each window has; wrong where and when it is said to be."""
    return f"""
with

counted as (

    select date_trunc('{played.feed.window}', event_time) as window_start, ingested_at
    from {{{{ ref('dbt_forensics', 'forensics__verdicts') }}}}
    where stream = '{played.stream}' and is_counted

),

wrong as (

    select
        windows.window_start,
        max(publications.percent) as percent,
        min(publications.seen_to) as seen_to
    from (select distinct window_start from counted) as windows
    inner join feeds.publications as publications
        on windows.window_start >= publications.window_from and windows.window_start < publications.window_to
    inner join feeds.clock as clock
        on publications.wrong_at <= clock.seconds and clock.seconds < publications.wrong_until
    where publications.stream = '{played.stream}'
    group by windows.window_start

)

select
    counted.window_start,
    round(count(*) * coalesce(max(wrong.percent), 100) / 100.0) as events
from counted
left join wrong on counted.window_start = wrong.window_start
where wrong.seen_to is null or counted.ingested_at <= wrong.seen_to
group by counted.window_start
"""


def _lines(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Line]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [
        {
            name: value if isinstance(value, bool | int | None) else str(value)
            for name, value in zip(names, row, strict=True)
        }
        for row in cursor.fetchall()
    ]
