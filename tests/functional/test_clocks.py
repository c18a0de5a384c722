"""Clocks that are wrong, and delays that only look like it: hourly loads, several streams in one build."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer

START = datetime(2026, 1, 5)
DAYS = 24
HOUR = timedelta(hours=1)
COLUMNS = {"event_id": "varchar", "happened_at": "timestamp", "loaded_at": "timestamp"}
#: Two steps of summer time while the clock is wrong, and its repair.
BACK, FORTH, REPAIR = ((day - 5) * 24 + hour for day, hour in ((13, 9), (20, 10), (24, 15)))
BUILDS = [datetime(2026, 1, day, 6, 30) for day in (14, 22, 28)]


def pacific_time(hour: float) -> float:
    """Hours by which the local time of California is ahead of the clock whose name it has."""
    return 0 if hour >= REPAIR else -8 if BACK <= hour < FORTH else -7


def british_time(hour: float) -> float:
    return 1 if BACK <= hour < FORTH else 0


def right(hour: float) -> float:
    return 0


def usual(share: float, hour: float) -> float:
    """Minutes until a row can be loaded: most are fast, and some are not."""
    return -15 * math.log(1 - share)


def spreading(share: float, hour: float) -> float:
    """For four days half of the rows need three hours more; the fastest are as before."""
    return -(240 if 216 <= hour < 312 else 15) * math.log(1 - share)


def rows(clock: Callable[[float], float], delay: Callable[[float, float], float]) -> Iterator[dict[str, Any]]:
    number = 0
    for hour in range(DAYS * 24):
        for place in range(20 + hour * 7 % 13):
            number += 1
            happened = hour + number * 61 % 127 / 127
            # Each share of the rows comes at each part of the hour.
            ready = happened + delay(number * 7919 % 9973 / 9973, hour) / 60
            yield {
                "event_id": f"e{number}",
                "happened_at": (START + (happened + clock(happened)) * HOUR).replace(microsecond=0),
                "loaded_at": START + (math.floor(ready) + 1) * HOUR + timedelta(seconds=20 + place // 10),
            }


def daily_rows() -> Iterator[dict[str, Any]]:
    """Once a day what happened the day before, seven hours after midnight; each fifth day three hours later."""
    for number, row in enumerate(rows(right, usual)):
        day = (row["happened_at"] - START).days
        loaded = START + timedelta(days=day + 1, hours=10 if day % 5 == 4 else 7, seconds=number % 20)
        yield {**row, "loaded_at": loaded}


FEEDS = {
    "wrong_from_the_first_row": lambda: rows(pacific_time, usual),
    "summer_time": lambda: rows(british_time, usual),
    "spreading_delays": lambda: rows(right, spreading),
    "slow_but_right": daily_rows,
    "usual_feed": lambda: rows(right, usual),
}
STREAM: dict[str, Any] = {"event_id": "event_id", "event_time": "happened_at", "ingested_at": "loaded_at"}


@pytest.fixture(scope="module")
def builds(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[list[dict[str, Any]]]]:
    """The detections after each build."""
    with new_engine() as engine:
        streams = {name: {"relation": f"source.raw.{name}", **STREAM} for name in FEEDS}
        streams["slow_but_right"]["expected_delay"] = {"count": 11, "period": "hour"}
        streams["spreading_delays"]["window"] = "hour"
        consumer = Consumer(
            engine, tmp_path_factory.mktemp("clocks"), streams=streams, sources={"raw": list(FEEDS)}
        )
        for name, feed in FEEDS.items():
            consumer.create_table(name, COLUMNS)
            consumer.insert(name, feed())
            consumer.execute(f"create table raw.all_{name} as select * from raw.{name}")
        seen = []
        for built_at in BUILDS:
            for name in FEEDS:
                consumer.execute(f"delete from raw.{name}")
                consumer.execute(
                    f"insert into raw.{name} select * from raw.all_{name} where loaded_at < '{built_at}'"
                )
            consumer.build(as_of=str(built_at))
            seen.append(
                consumer.query("select * from analytics.forensics__detections order by first_arrived_at")
            )
        yield seen


def found(detections: list[dict[str, Any]], stream: str) -> list[tuple[Any, ...]]:
    """What was detected in a stream: kind, minutes, from the first to the last hour of arrival, whether it goes on."""
    return [
        (
            row["detector"],
            json.loads(row["evidence"]).get("moved_by_minutes"),
            *(f"{row[at]:%d %H}" for at in ("first_arrived_at", "last_arrived_at")),
            row["is_open"],
        )
        for row in detections
        if row["stream"] == stream
    ]


def test_a_wrong_clock_is_named_once_for_each_step_until_its_repair(
    builds: list[list[dict[str, Any]]],
) -> None:
    stream = "wrong_from_the_first_row"
    from_the_first_row = ("constant_offset", 420, "05 02", "13 09", False)
    eight_hours = ("constant_offset", 60, "13 10", "20 10", False)
    assert found(builds[0], stream) == [from_the_first_row, ("constant_offset", 60, "13 10", "14 06", True)]
    assert found(builds[1], stream) == [
        from_the_first_row,
        eight_hours,
        ("constant_offset", -60, "20 11", "22 06", True),
    ]
    assert found(builds[2], stream) == [
        from_the_first_row,
        eight_hours,
        ("constant_offset", -60, "20 11", "24 15", False),
    ]
    first = next(row for row in builds[2] if row["stream"] == stream)
    assert json.loads(first["evidence"])["since"] == "the first row"
    assert json.loads(first["evidence"])["fastest_minutes"] == 420


def test_summer_time_is_named_until_it_ends(builds: list[list[dict[str, Any]]]) -> None:
    assert found(builds[0], "summer_time") == [("constant_offset", -60, "13 10", "14 06", True)]
    assert found(builds[2], "summer_time") == [("constant_offset", -60, "13 10", "20 10", False)]


def test_delays_that_spread_are_late_and_not_moved(builds: list[list[dict[str, Any]]]) -> None:
    assert {row[0] for row in found(builds[2], "spreading_delays")} == {"late_surge"}


def test_a_feed_that_is_slow_or_usual_raises_nothing(builds: list[list[dict[str, Any]]]) -> None:
    assert [
        row for build in builds for stream in ("slow_but_right", "usual_feed") for row in found(build, stream)
    ] == []
