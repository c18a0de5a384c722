"""Plays a public feed load by load, with builds in between, and says which detections and incidents came when.

A recipe says how to read a folder of the feed's files; the data are not part of the project.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import literal
from forensics_lab.document import Line, PublicRun
from forensics_lab.feeds import WRITES
from forensics_lab.package import KEYS
from forensics_lab.project import Project

FORMAT_VERSION = 1
_KEYS = ("file", "columns", "loaded", "stream", "writes")


@dataclass(frozen=True)
class Recipe:
    """How to read a public feed.

    Attributes:
        name: Of the stream.
        file: In the folder; a pattern such as `*.csv` reads all of them. Parquet, CSV or JSON.
        columns: The columns of the raw table: name to DuckDB SQL over the file's columns.
        loaded: The one of them that says when a row's load arrived.
        stream: The stream's declaration, without its relation.
        writes: How the loader writes: append; merge (a row goes when its event id comes again); replace (only the
            rows of the last load are there).
    """

    name: str
    file: str
    columns: Mapping[str, str]
    loaded: str
    stream: Mapping[str, Any] = field(default_factory=dict)
    writes: str = "append"


RECIPES = {
    "germany_hospitalisations": Recipe(
        name="germany_hospitalisations",
        file="events.parquet",
        columns={
            "event_id": "event_id",
            "age_group": "entity_id",
            "event_time": "event_time",
            "reported_at": "ingested_at",
            "report": "strftime(ingested_at, '%Y-%m-%d')",
            "cases": "cast(amount as integer)",
        },
        loaded="reported_at",
        stream={
            "event_id": "event_id",
            "entity_id": "age_group",
            "event_time": "event_time",
            "ingested_at": "reported_at",
            "batch_id": "report",
            "payload": ["cases"],
            "allowed_lateness": {"count": 14, "period": "day"},
            "metrics": {"hospitalisations": {"agg": "sum", "expr": "cases", "dimensions": ["age_group"]}},
        },
    ),
    "usgs_earthquakes": Recipe(
        name="usgs_earthquakes",
        file="events.parquet",
        columns={
            "quake_id": "event_id",
            "happened_at": "event_time",
            "scraped_at": "ingested_at",
            "scrape": "event_type || '@' || strftime(ingested_at, '%Y-%m-%dT%H:%M:%S')",
            "shape": "cast(len(json_keys(payload, '$.properties')) as varchar) || ' properties'",
            "magnitude": "cast(amount as double)",
            "place": "payload ->> '$.properties.place'",
            "status": "payload ->> '$.properties.status'",
            "updated": "cast(payload ->> '$.properties.updated' as bigint)",
            "depth": "cast(payload ->> '$.geometry.coordinates[2]' as double)",
        },
        loaded="scraped_at",
        stream={
            "event_id": "quake_id",
            "event_time": "happened_at",
            "ingested_at": "scraped_at",
            "batch_id": "scrape",
            "schema_version": "shape",
            "on_conflict": "last_wins",
            "metrics": {
                "quakes": {"agg": "count"},
                "strongest": {"agg": "max", "expr": "magnitude"},
            },
        },
    ),
}


def recipe(name: str) -> Recipe:
    """A recipe of the lab, or one of a JSON file.

    Args:
        name: A key of `RECIPES`, or a path that ends in `.json`: the file has the attributes of a `Recipe` but the
            name, which is that of the file.

    Raises:
        ForensicsError: There is none, or it has other keys.
    """
    path = Path(name)
    if path.suffix != ".json":
        if name not in RECIPES:
            raise ForensicsError(
                f"There is no recipe {name}: give one of {', '.join(RECIPES)}, or a JSON file with one."
            )
        return RECIPES[name]
    if not path.is_file():
        raise ForensicsError(f"There is no file {path}.")
    document = json.loads(path.read_text(encoding="utf-8"))
    others = sorted(document.keys() - set(_KEYS))
    missing = sorted(set(_KEYS) - {"writes"} - document.keys())
    if others or missing or document.get("writes", "append") not in WRITES:
        raise ForensicsError(
            f"{path} is no recipe: it needs {', '.join(_KEYS[:-1])}, and may have writes ({', '.join(WRITES)})."
        )
    return Recipe(name=path.stem, **document)


def play(
    feed: Recipe,
    data: Path,
    folder: Path,
    *,
    first: datetime | None = None,
    last: datetime | None = None,
    warm: int = 60,
    every: int = 7,
    say: Callable[[str], None] = lambda line: None,
) -> PublicRun:
    """Plays a feed in builds; returns what public.json has.

    Args:
        feed: How to read it.
        data: The folder of its files.
        folder: For the project and its database; an earlier run in it is replaced.
        first: Loads before this are left out.
        last: So are loads from this on.
        warm: How many loads the first build records.
        every: How many each of the others does; the last has what is left.
        say: Is told of each build, and of what it found.

    Raises:
        ForensicsError: There are no such files, the recipe does not fit them, or a build failed.
    """
    if not list(data.glob(feed.file)):
        raise ForensicsError(f"There is no {feed.file} in {data}: give the folder of the feed's files.")
    project = Project(folder)
    writes = {"writes": feed.writes} if feed.writes != "append" and "writes" in KEYS else {}
    project.make({feed.name: {**feed.stream, **writes}})
    try:
        loads = _load(project, feed, data / feed.file, first, last)
    except duckdb.Error as error:
        raise ForensicsError(f"{feed.name} does not fit {data / feed.file}: {error}") from error
    if not loads:
        raise ForensicsError(f"{feed.name} has no load in this time.")
    ends = [*range(min(warm, len(loads)), len(loads), every), len(loads)]
    builds: list[Line] = []
    said: set[tuple[str, str, int]] = set()
    for number, end in enumerate(ends, start=1):
        # A build comes a minute after a load.
        at = loads[end - 1] + timedelta(minutes=1)
        with project.connection() as connection:
            connection.execute("update feeds.clock set now_at = ?", [at])
        seconds = project.build(str(at))
        new = [line for line in project.sightings() if _name(line) not in said and line["change"]]
        said |= {_name(line) for line in new}
        builds.append({"at": str(at), "loads": end, "seconds": round(seconds, 1), "changes": new})
        say(f"build {number} of {len(ends)}, {at:%Y-%m-%d %H:%M}, {end} loads: {seconds:.1f} s")
        for line in described(new):
            say(line)
    document: PublicRun = {
        "format_version": FORMAT_VERSION,
        "recipe": feed.name,
        "loads": len(loads),
        "builds": builds,
        "incidents": project.incidents(),
    }
    (folder / "public.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return document


def described(changes: Iterable[Line]) -> list[str]:
    """A line for each detection that opened or closed."""
    lines = []
    for line in changes:
        what = [line["severity"], line["detector"], line["subject"], _span(line)]
        done = "opened" if line["change"] > 0 else "closed"
        incident = f"incident {line['incident_id'][:8]}" if line["incident_id"] else "in no incident"
        lines.append(f"  {done} {' '.join(filter(None, what))}, {incident}")
    return lines


def summary(document: PublicRun) -> list[str]:
    """A line for each incident."""
    lines = [f"{len(document['incidents'])} incidents in {document['loads']} loads:"]
    for one in document["incidents"]:
        ended = " ".join(filter(None, [one["status"], one["resolved_at"]]))
        what = f"{one['incident_id'][:8]} {one['severity']} {one['kind']} {_span(one)}"
        lines.append(f"  {what}: {one['detection_count']} detections, opened {one['opened_at']}, {ended}")
    return lines


def _name(line: Line) -> tuple[str, str, int]:
    return line["detection_id"], line["recorded_at"], line["change"]


def _span(line: Line) -> str:
    return f"{line['window_start']} to {line['window_end']}" if line["window_start"] else "without windows"


def _load(
    project: Project, feed: Recipe, file: Path, first: datetime | None, last: datetime | None
) -> Sequence[datetime]:
    """Makes the raw table a view of all rows as far as a clock has come; returns when loads arrive."""
    listed = ", ".join(f'{sql} as "{name}"' for name, sql in feed.columns.items())
    event = feed.stream.get("event_id", "null")
    gone = {
        "append": "null",
        "merge": f"lead(visible) over (partition by {event} order by visible)",
        "replace": "(select min(loads.visible) from loads where loads.visible > loaded.visible)",
    }[feed.writes]
    since = f" and visible >= {literal(str(first))}" if first else ""
    until = f" and visible < {literal(str(last))}" if last else ""
    with project.connection() as connection:
        connection.execute(
            f"""
            create table feeds.rows as
            with loaded as (
                select *, cast("{feed.loaded}" as timestamp) as visible
                from (select {listed} from {literal(str(file))})
                where visible is not null{since}{until}
            ),
            loads as (select distinct visible from loaded)
            select *, coalesce({gone}, timestamp '9999-01-01') as gone
            from loaded
            order by visible
            """
        )
        connection.execute("create table feeds.clock as select timestamp '1970-01-01' as now_at")
        names = ", ".join(f'"{name}"' for name in feed.columns)
        connection.execute(
            f'create view raw."{feed.name}" as select {names} from feeds.rows, feeds.clock '
            "where visible <= clock.now_at and gone > clock.now_at"
        )
        found = connection.execute("select distinct visible from feeds.rows order by visible").fetchall()
    return [row[0] for row in found]


__all__ = ["RECIPES", "Recipe", "described", "play", "recipe", "summary"]
