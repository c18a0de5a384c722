"""The JSON that the lab writes, and reads again."""

from collections.abc import Mapping
from typing import Any, TypedDict

#: A line of a file: a failure, what was seen of it, an operation. What it has is what its kind has.
Line = Mapping[str, Any]


class Manifest(TypedDict):
    """manifest.json: what was put into a history."""

    format_version: int
    settings: Line
    rows_inserted: int
    rows_by_kind: dict[str, int]
    expected: dict[str, str]
    lateness: dict[str, float]
    injections: list[Line]


class RunStream(TypedDict):
    """A stream of a run: a feed of the world of a seed."""

    stream: str
    seed: int
    feed: Line


class Run(TypedDict):
    """run.json: what was put in, and what was seen at each build."""

    format_version: int
    builds: list[str]
    start: str
    days: int
    streams: list[RunStream]
    injections: list[Line]
    sightings: list[Line]
    incidents: list[Line]
    silent: list[Line]
    seconds: float


class PublicRun(TypedDict):
    """public.json: what was said of a public feed, build by build, and its incidents as they are at the end."""

    format_version: int
    recipe: str
    loads: int
    builds: list[Line]
    incidents: list[Line]
