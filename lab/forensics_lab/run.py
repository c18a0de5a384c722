"""Plays worlds: a dbt project with a stream per feed, builds at a cadence, and what the detectors said of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from dbt_forensics.actions import run as actions
from dbt_forensics.actions.guards import OVERRIDES
from dbt_forensics.actions.selection import Selection
from dbt_forensics.errors import ForensicsError
from dbt_forensics.writing import open_writing
from forensics_lab.breaking import ColumnChange, Withdrawal
from forensics_lab.document import Run
from forensics_lab.feeds import MISSING, NEVER, NO_TIME, ROW, Feed, written
from forensics_lab.inject import Broken
from forensics_lab.project import Project
from forensics_lab.worlds import World

FORMAT_VERSION = 2


@dataclass(frozen=True)
class Played:
    """A stream of a run: a feed of a world."""

    stream: str
    world: World
    number: int

    @property
    def broken(self) -> Broken:
        """The feed with what was put in."""
        return self.world.feeds[self.number]

    @property
    def feed(self) -> Feed:
        """The feed."""
        return self.broken.feed

    @property
    def is_published(self) -> bool:
        """Whether a model of its own shows it: where that goes wrong, and of the last feed, where nothing is wrong."""
        is_last = self.number == len(self.world.feeds) - 1
        return is_last or bool(self.broken.publications)


def run_worlds(
    worlds: Sequence[World],
    folder: Path,
    every_hours: int = 24,
    say: Callable[[str], None] = lambda line: None,
) -> Run:
    """Plays worlds together, in one dbt project on DuckDB; returns what run.json has, for the score.

    Args:
        worlds: Of the same length, and of seeds of their own. Their starts must be the same day.
        folder: For the project and its database; an earlier run in it is replaced.
        every_hours: From one build to the next.
        say: Is told of each build.

    Raises:
        ForensicsError: The folder holds something else, the package's source is not here, or a build failed.
    """
    if len({(world.start, world.days, world.warm_days) for world in worlds}) > 1:
        raise ForensicsError("Worlds that are run together must have one start and one length.")
    if len({world.seed for world in worlds}) < len(worlds):
        raise ForensicsError("Worlds that are run together must have seeds of their own.")
    streams = [
        Played(f"s{world.seed}_{broken.feed.name}", world, number)
        for world in worlds
        for number, broken in enumerate(world.feeds)
    ]
    started = time.monotonic()
    project = _Worlds(folder, streams)
    project.load()
    start = worlds[0].start
    builds = worlds[0].builds(every_hours)
    for number, since_start in enumerate(builds, start=1):
        project.move_clock(since_start)
        seconds = project.build(str(start + since_start))
        until = builds[number] if number < len(builds) else timedelta(days=worlds[0].days)
        project.withdraw(since_start, until)
        say(f"build {number} of {len(builds)}, {start + since_start:%a %d %b %H:%M}: {seconds:.1f} s")
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
            for injection in played.broken.injections
        ],
        "sightings": project.sightings(),
        "incidents": project.incidents(),
        "silent": project.silent_windows(),
        "seconds": round(time.monotonic() - started, 1),
    }
    (folder / "run.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return document


class _Worlds(Project):
    """The project of a run. The raw tables are views of all rows of a feed as far as the clock has come."""

    def __init__(self, folder: Path, streams: Sequence[Played]) -> None:
        super().__init__(folder)
        self.streams = streams
        self.columns: dict[str, int] = {}
        self.to_withdraw = [(played, one) for played in streams for one in played.broken.withdrawals]

    def load(self) -> None:
        """Makes the project, and the tables of all rows."""
        declared = {played.stream: played.feed.stream() for played in self.streams}
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
        published = [played for played in self.streams if played.is_published]
        self.make(
            declared, watches, {f"published_{played.stream}": _published(played) for played in published}
        )
        with self.connection() as connection:
            connection.execute("create table feeds.clock (seconds bigint)")
            connection.execute(
                "create table feeds.publications (stream varchar, wrong_at bigint, wrong_until bigint, "
                "window_from timestamp, window_to timestamp, percent integer, seen_to timestamp)"
            )
            for played in self.streams:
                rows = written(played.feed, played.broken.rows)
                table = pa.table({name: pa.array(rows[name]) for name in ROW.names or ()})
                connection.register("incoming", table)
                connection.execute(
                    f'create table feeds."{played.stream}" as select {_values(played.feed)} from incoming '
                    "order by incoming.visible"
                )
                connection.unregister("incoming")
                for wrong in played.broken.publications:
                    seen_to = None if wrong.seen_to == NEVER else played.feed.time(wrong.seen_to)
                    connection.execute(
                        "insert into feeds.publications values (?, ?, ?, ?, ?, ?, ?)",
                        [
                            *(played.stream, wrong.at, wrong.until, played.feed.time(wrong.window_from)),
                            *(played.feed.time(wrong.window_to), wrong.percent, seen_to),
                        ],
                    )

    def move_clock(self, since_start: timedelta) -> None:
        """Brings the raw tables to a time."""
        seconds = int(since_start.total_seconds())
        with self.connection() as connection:
            connection.execute("delete from feeds.clock")
            connection.execute("insert into feeds.clock values (?)", [seconds])
            for played in self.streams:
                changes = [change for change in played.broken.changes if change.at <= seconds]
                if self.columns.get(played.stream) != len(changes):
                    connection.execute(_view(played.stream, played.feed, changes))
                    self.columns[played.stream] = len(changes)

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
        options = replace(self.options, vars=json.dumps({"forensics_as_of": str(at)}))
        actor = actions.Actor("lab", "the load was wrong")
        with open_writing(options) as warehouse:
            for played, one in due:
                selection = Selection(played.stream, batches=(f"load {one.batch}",))
                plan = actions.plan(warehouse, "withdrawal", selection, actor, limit=1_000_000)
                done = actions.apply(warehouse, plan["action_id"], actor, list(OVERRIDES), execute=True)
                if done["status"] != "applied":
                    raise ForensicsError(f"Load {one.batch} of {played.stream} could not be withdrawn.")


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
        **({"tenant": f"'tenant ' || entity % {feed.tenants}"} if feed.tenants else {}),
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
    clock = "(select seconds from feeds.clock)"
    if feed.writes == "replace":
        # Each load makes the whole table, and gives all of its rows its own time and id.
        clock = f'(select max(visible) from feeds."{stream}" where visible <= {clock})'
        columns["arrived"] = f"timestamp '{feed.start}' + to_seconds({clock})"
        columns["batch"] = f"'load ' || {clock}"
    listed = ", ".join(f'{value} as "{names[role]}"' for role, value in columns.items())
    there = f"visible <= {clock} and gone > {clock}"
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
