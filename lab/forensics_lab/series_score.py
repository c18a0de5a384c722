"""Scores detectors of values on generated series: what the models find in one dbt build, beside two simple rules."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from dbt_forensics.errors import ForensicsError
from forensics_lab.package import PACKAGE
from forensics_lab.project import run_dbt
from forensics_lab.series import DAY, HOUR, Series

WEEK = 7 * DAY
GRAINS = {"day": DAY, "hour": HOUR}
DETECTORS = ("metric_anomaly", "metric_flat", "level_shift")
#: First and last window of a stretch, by number from the day of the series' start on.
Stretch = tuple[int, int]
_FOUND = """
    select stream, detector, window_start, window_end, severity
    from analytics.forensics__detections
    where detector in ('metric_anomaly', 'metric_flat', 'level_shift', 'dimension_vanished')
    order by stream, window_start, detector
"""


@dataclass(frozen=True)
class Score:
    """How much of the labels is found, and how often there is an alarm beside them.

    Attributes:
        found: Labelled stretches that an alarm overlaps.
        labels: Labelled stretches.
        false_runs: Alarms that overlap no label.
        weeks: Of all series together.
    """

    found: int
    labels: int
    false_runs: int
    weeks: float

    @property
    def recall(self) -> float:
        """Share of the labels that are found."""
        return self.found / self.labels if self.labels else 1.0

    @property
    def false_runs_per_week(self) -> float:
        """Alarms beside the labels per week of a series."""
        return self.false_runs / self.weeks

    def __add__(self, other: Score) -> Score:
        return Score(
            self.found + other.found,
            self.labels + other.labels,
            self.false_runs + other.false_runs,
            self.weeks + other.weeks,
        )


NOTHING = Score(0, 0, 0, 0.0)


def score(series: Series, length: int, alarms: Iterable[Stretch]) -> Score:
    """Compares alarms with the labels of a series, in windows of so many minutes."""
    labels = series.labelled(length)
    stretches = list(alarms)
    found = sum(any(first <= to and begin <= last for begin, to in stretches) for first, last in labels)
    false = sum(not any(first <= to and begin <= last for first, last in labels) for begin, to in stretches)
    return Score(found, len(labels), false, series.minutes / WEEK)


def runs(numbers: Iterable[int]) -> list[Stretch]:
    """Consecutive numbers as stretches."""
    found: list[Stretch] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def weekday_median(series: Series, length: int) -> list[Stretch]:
    """The first anchor: five median distances from the median of the same time in the eight weeks before."""
    numbers, values = series.windows(length)
    by_number = dict(zip(numbers.tolist(), values.tolist(), strict=True))
    far = []
    for number, value in by_number.items():
        weeks_before = (number - week * WEEK // length for week in range(1, 9))
        before = [by_number[one] for one in weeks_before if one in by_number]
        if len(before) >= 4:
            middle = np.median(before)
            if abs(value - middle) > 5 * np.median(np.abs(np.array(before) - middle)):
                far.append(number)
    return runs(far)


def trailing_deviation(series: Series, length: int) -> list[Stretch]:
    """The second anchor: further from the mean of the 28 days, or 168 hours, before than three standard deviations."""
    numbers, values = series.windows(length)
    count = 28 if length == DAY else 168
    far = []
    for place, number in enumerate(numbers.tolist()):
        before = values[max(0, place - count) : place]
        if len(before) >= 7 and abs(values[place] - before.mean()) > 3 * before.std() > 0:
            far.append(number)
    return runs(far)


ANCHORS: dict[str, Callable[[Series, int], list[Stretch]]] = {
    "same weekday, five median distances": weekday_median,
    "trailing mean, three deviations": trailing_deviation,
}


def score_anchor(all_series: Sequence[Series], grain: str, anchor: str) -> Score:
    """What a simple rule finds in windows of a grain."""
    length = GRAINS[grain]
    return sum((score(one, length, ANCHORS[anchor](one, length)) for one in all_series), NOTHING)


@dataclass(frozen=True)
class Found:
    """A detection: in which series and grain, by which detector, in which windows, and how severe."""

    series: str
    grain: str
    detector: str
    stretch: Stretch
    severity: str


def play(all_series: Sequence[Series], folder: Path, grains: Sequence[str] = tuple(GRAINS)) -> list[Found]:
    """Builds a dbt project once on DuckDB, with a stream for each series and grain, and reads the detections.

    Args:
        all_series: With names of their own.
        folder: Of the project: new, empty, or of an earlier run.
        grains: Of the windows.
    """
    _make_project(all_series, folder, grains)
    end = max(one.start + timedelta(minutes=one.minutes) for one in all_series)
    run_dbt(folder, "deps")
    kinds = [word for kind in ("model", "seed", "snapshot") for word in ("--resource-type", kind)]
    clock = json.dumps({"forensics_as_of": str(end + timedelta(days=2))})
    run_dbt(folder, "build", *kinds, "--select", "+forensics__detections", "--vars", clock)
    by_name = {one.name: one for one in all_series}
    with duckdb.connect(str(folder / "series.duckdb")) as connection:
        rows = connection.execute(_FOUND).fetchall()
    found = []
    for stream, detector, begin, end_at, severity in rows:
        name, grain = stream.rsplit("_", 1)
        one = by_name[name]
        stretch = (_number(one, grain, begin), _number(one, grain, end_at - timedelta(minutes=1)))
        found.append(Found(name, grain, detector, stretch, severity))
    return found


def score_found(
    all_series: Sequence[Series], grain: str, found: Iterable[Found], detectors: Sequence[str] = DETECTORS
) -> Score:
    """What detections find in windows of a grain. What overlaps in one series is one alarm."""
    by_series: dict[str, list[Stretch]] = {}
    for one in sorted(found, key=lambda each: each.stretch):
        if one.grain != grain or one.detector not in detectors:
            continue
        alarms = by_series.setdefault(one.series, [])
        if alarms and one.stretch[0] <= alarms[-1][1] + 1:
            alarms[-1] = (alarms[-1][0], max(alarms[-1][1], one.stretch[1]))
        else:
            alarms.append(one.stretch)
    return sum((score(one, GRAINS[grain], by_series.get(one.name, [])) for one in all_series), NOTHING)


def table_of_values(all_series: Sequence[Series], found: Sequence[Found]) -> str:
    """The score of the simple rules and of the detectors, as a Markdown table."""
    labels = sum(len(one.labels) for one in all_series)
    weeks = sum(one.minutes for one in all_series) / WEEK
    lines = [
        f"{len(all_series)} series, {weeks:.0f} weeks, {labels} labelled stretches.",
        "",
        "| rule | days: found | days: false alarms a week | hours: found | hours: false alarms a week |",
        "|---|---|---|---|---|",
    ]
    severe = [one for one in found if one.severity != "low"]
    rows = {name: [score_anchor(all_series, grain, name) for grain in GRAINS] for name in ANCHORS}
    rows["the package's detectors"] = [score_found(all_series, grain, found) for grain in GRAINS]
    rows["the same, of medium severity"] = [score_found(all_series, grain, severe) for grain in GRAINS]
    for name, scores in rows.items():
        cells = [f"{one.recall:.2f} | {one.false_runs_per_week:.2f}" for one in scores]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(series: Series, grain: str, at: datetime) -> int:
    midnight = series.start - timedelta(minutes=series.offset)
    return int((at - midnight).total_seconds() // 60) // GRAINS[grain]


def _make_project(all_series: Sequence[Series], folder: Path, grains: Sequence[str]) -> None:
    if not (PACKAGE / "dbt_project.yml").exists():
        raise ForensicsError("The lab needs the package's source: run it in a clone.")
    project = folder / "dbt_project.yml"
    if folder.exists() and any(folder.iterdir()):
        if not project.exists() or not project.read_text(encoding="utf-8").startswith('{"name": "series"'):
            raise ForensicsError(f"The folder {folder} is not of an earlier run: name another one.")
        shutil.rmtree(folder)
    (folder / "models").mkdir(parents=True)
    (folder / "macros").mkdir()
    streams = {
        f"{one.name}_{grain}": {
            "relation": f"source.raw.{one.name}",
            "event_id": "point",
            "event_time": "happened_at",
            "ingested_at": "loaded_at",
            "batch_id": "load_id",
            "window": grain,
            "metrics": {"reading": {"agg": one.agg, "expr": "value"}},
        }
        for one in all_series
        for grain in grains
    }
    profile = {
        "type": "duckdb",
        "path": "series.duckdb",
        "schema": "analytics",
        "threads": 1,
        "settings": {"TimeZone": "UTC"},
    }
    files: dict[str, object] = {
        "dbt_project.yml": {"name": "series", "profile": "series", "vars": {"forensics_streams": streams}},
        "packages.yml": {"packages": [{"local": str(PACKAGE)}]},
        "profiles.yml": {"series": {"target": "series", "outputs": {"series": profile}}},
        "models/sources.yml": {
            "sources": [
                {"name": "raw", "schema": "raw", "tables": [{"name": one.name} for one in all_series]}
            ]
        },
    }
    for name, document in files.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    (folder / "macros" / "own.sql").write_text("{% macro own() %}{% endmacro %}\n", encoding="utf-8")
    with duckdb.connect(str(folder / "series.duckdb")) as connection:
        connection.execute("create schema raw")
        for one in all_series:
            at = pd.Timestamp(one.start) + pd.to_timedelta(one.at, unit="min")
            points = pd.DataFrame({"happened_at": at, "value": one.value})
            connection.register("points", points)
            columns = (
                "cast(row_number() over (order by happened_at) as varchar) as point",
                "cast(happened_at as timestamp) as happened_at",
                "cast(happened_at + interval 1 minute as timestamp) as loaded_at",
                "strftime(happened_at, '%Y-%m-%d') as load_id",
                "cast(value as decimal(24, 4)) as value",
            )
            connection.execute(f'create table raw."{one.name}" as select {", ".join(columns)} from points')
            connection.unregister("points")
