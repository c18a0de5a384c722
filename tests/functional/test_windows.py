"""Feeds as they are: what their windows say, what is found, and when that is over. One history, built twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
#: A Monday; and when the first build and the second one run.
START = datetime(2026, 1, 5)
FIRST, SECOND = START + 100 * DAY + 2 * HOUR, START + 120 * DAY + 2 * HOUR
STREAM = {
    "event_id": "event_id",
    "event_time": "happened_at",
    "ingested_at": "loaded_at",
    "batch_id": "load_id",
    "allowed_lateness": {"count": 1, "period": "day"},
    "metrics": {"events": {"agg": "count"}},
}
HOURLY = {"window": "hour"}


@dataclass(frozen=True)
class Feed:
    """How many rows its windows have: the days since START, and the hour of the day, to a number."""

    volume: Callable[[int, int], int]
    hours: tuple[int, ...] = (6,)
    stream: dict[str, Any] = field(default_factory=dict)
    first_day: int = 0

    def rows(self, days: range) -> Iterator[dict[str, Any]]:
        for day in days:
            if day < self.first_day:
                continue
            for hour in self.hours:
                at = START + day * DAY + hour * HOUR
                for number in range(self.volume(day, hour)):
                    yield {
                        "event_id": f"{day}-{hour}-{number}",
                        "happened_at": at,
                        "loaded_at": at + HOUR,
                        "load_id": f"{day}-{hour}",
                    }


def is_first(day: int) -> bool:
    return (START + day * DAY).day == 1


SHOP_HOURS = tuple(range(8, 20))
FEEDS = {
    # Silence: for four months, for good after ten days, over again, and with Sundays off.
    "dead": Feed(lambda day, _: 96 if day < 60 else 0),
    "dead_young": Feed(lambda day, _: 40 if day < 10 else 0),
    "back": Feed(lambda day, _: 40 if day < 20 or 60 <= day else 0),
    "shop_dead": Feed(lambda day, _: 0 if day % 7 == 6 or day >= 60 else 40),
    # A new level: of a young stream, of one that people accept.
    "fallen": Feed(lambda day, _: 100 if day < 20 else 2),
    "fallen_old": Feed(lambda day, _: 100 if day < 50 else 2),
    "dismissed": Feed(lambda day, _: 100 if day < 80 else 30),
    # Three days that never come.
    "lost": Feed(lambda day, _: 0 if 60 <= day < 63 else 10 if day == 70 else 100),
    "lost_lately": Feed(lambda day, _: 0 if 96 <= day < 98 else 100),
    # Rests, and days of a kind.
    "shop": Feed(lambda day, _: 0 if day % 7 == 6 else 12, SHOP_HOURS, HOURLY, first_day=79),
    "weekends_off": Feed(lambda day, _: 0 if day % 7 >= 5 else 40),
    "firsts": Feed(lambda day, _: 160 if is_first(day) else 40),
    "holidays": Feed(lambda day, _: 0 if day == 88 else 10 if day in (40, 91) else 40),
}
CALENDAR = """date,name
2026-02-14,Carnival
2026-04-03,Good Friday
2026-04-06,Easter Monday
"""


@dataclass
class Played:
    consumer: Consumer
    windows: list[dict[str, list[dict[str, Any]]]] = field(default_factory=list)
    detections: list[dict[str, list[dict[str, Any]]]] = field(default_factory=list)

    def look(self) -> None:
        for table, kept in (("windows", self.windows), ("detections", self.detections)):
            by_stream: dict[str, list[dict[str, Any]]] = {name: [] for name in FEEDS}
            for row in self.consumer.query(f"select * from analytics.forensics__{table} order by window_start"):
                by_stream[row["stream"]].append(row)
            kept.append(by_stream)

    def health(self, build: int, feed: str, days: range) -> Counter[str]:
        span = (START + days.start * DAY, START + days.stop * DAY)
        return Counter(row["health"] for row in self.windows[build][feed] if span[0] <= row["window_start"] < span[1])

    def found(self, build: int, feed: str) -> list[tuple[str, int, int, bool]]:
        """Detector, from which day to which, and whether it is open."""
        return sorted(
            (
                row["detector"],
                (row["window_start"] - START).days,
                (row["window_end"] - START).days,
                row["is_open"],
            )
            for row in self.detections[build][feed]
        )


@pytest.fixture(scope="module")
def played(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    with new_engine() as engine:
        consumer = Consumer(
            engine,
            tmp_path_factory.mktemp("windows") / "consumer",
            streams={name: {"relation": f"source.raw.{name}", **STREAM, **feed.stream} for name, feed in FEEDS.items()},
            sources={"raw": list(FEEDS)},
            files={"seeds/forensics_calendar.csv": CALENDAR},
        )
        played = Played(consumer)
        columns = {"event_id": "varchar(20)", "happened_at": "timestamp", "loaded_at": "timestamp", "load_id": "varchar(20)"}
        for name in FEEDS:
            consumer.create_table(name, columns)
        for days, built_at in ((range(100), FIRST), (range(100, 120), SECOND)):
            for name, feed in FEEDS.items():
                consumer.insert(name, feed.rows(days))
            consumer.build(as_of=str(built_at))
            played.look()
        yield played


def test_show(played: Played) -> None:
    for build in (0, 1):
        for name in FEEDS:
            print(build, name, dict(played.health(build, name, range(200))), played.found(build, name))
    assert 0
