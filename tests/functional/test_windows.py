"""Feeds as they are: what their windows say, what is found, and when that is over. One history, built twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from dbt_forensics.cli import cli
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
    "back": Feed(lambda day, _: 40 if day < 20 or day >= 60 else 0),
    "shop_dead": Feed(lambda day, _: 0 if day % 7 == 6 or day >= 60 else 40),
    # A new level: of a young stream, of one that people accept.
    "fallen": Feed(lambda day, _: 100 if day < 20 else 2),
    "fallen_old": Feed(lambda day, _: 100 if day < 50 else 2),
    "dismissed": Feed(lambda day, _: 100 if day < 80 else 30 if day < 115 else 10),
    "closed": Feed(lambda day, _: 40 if day < 90 else 0),
    # Three days that never come.
    "lost": Feed(lambda day, _: 0 if 60 <= day < 63 else 10 if day == 70 else 100),
    "planned": Feed(lambda day, _: 0 if 96 <= day < 98 else 100),
    "planned_later": Feed(lambda day, _: 0 if 96 <= day < 98 else 100),
    "lost_lately": Feed(lambda day, _: 0 if 96 <= day < 98 else 100),
    # Rests, and days of a kind.
    "shop": Feed(lambda day, _: 0 if day % 7 == 6 else 12, SHOP_HOURS, HOURLY, first_day=79),
    "weekends_off": Feed(lambda day, _: 0 if day % 7 >= 5 else 40),
    "firsts": Feed(lambda day, _: 160 if is_first(day) else 40),
    "holidays": Feed(lambda day, _: 0 if day == 88 else 10 if day in (40, 91) else 40),
}
CALENDAR = """date,name,stream
2026-02-14,Carnival,holidays
2026-04-03,Good Friday,holidays
2026-04-06,Easter Monday,holidays
"""
EXCEPTIONS = """stream,detector,subject,valid_from,valid_until,repeats,reason
planned,,,2024-04-10,2024-05-20,yearly,the move of spring
planned_later,missing_window,,2024-05-10,2024-06-01,yearly,the move of May
planned_later,freshness,,2026-02-10,2026-02-20,monthly,the 10th to the 20th
"""


@dataclass
class Played:
    consumer: Consumer
    windows: list[dict[str, list[dict[str, Any]]]] = field(default_factory=list)
    detections: list[dict[str, list[dict[str, Any]]]] = field(default_factory=list)
    #: As they are after the last build.
    incidents: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def look(self) -> None:
        for table, kept in (("windows", self.windows), ("detections", self.detections)):
            by_stream: dict[str, list[dict[str, Any]]] = {name: [] for name in FEEDS}
            for row in self.consumer.query(
                f"select * from analytics.forensics__{table} order by window_start"
            ):
                by_stream[row["stream"]].append(row)
            kept.append(by_stream)
        self.incidents = {name: [] for name in FEEDS}
        for row in self.consumer.query("select * from analytics.forensics__incidents order by opened_at"):
            self.incidents[row["stream"]].append(row)

    def dismiss(self, feed: str) -> str:
        (incident,) = (row for row in self.incidents[feed] if row["resolved_at"] is None)
        self.consumer.engine.release()
        told = CliRunner().invoke(
            cli,
            [
                *("incident", "dismiss", incident["incident_id"], "--owner", "ann", "--reason", "as planned"),
                *("--project-dir", str(self.consumer.folder), "--profiles-dir", str(self.consumer.folder)),
            ],
            catch_exceptions=False,
        )
        return told.output

    def health(self, build: int, feed: str, days: range) -> Counter[str]:
        span = (START + days.start * DAY, START + days.stop * DAY)
        return Counter(
            row["health"] for row in self.windows[build][feed] if span[0] <= row["window_start"] < span[1]
        )

    def found(self, build: int, feed: str) -> list[tuple[str, int, int, bool]]:
        """Detector, from which day to which, and whether it is open; what metrics say of a new level aside."""
        return sorted(
            (
                row["detector"],
                (row["window_start"] - START).days,
                (row["window_end"] - START).days,
                row["is_open"],
            )
            for row in self.detections[build][feed]
            if row["detector"] != "level_shift"
        )


@pytest.fixture(scope="module")
def played(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    with new_engine() as engine:
        consumer = Consumer(
            engine,
            tmp_path_factory.mktemp("windows") / "consumer",
            streams={
                name: {"relation": f"source.raw.{name}", **STREAM, **feed.stream}
                for name, feed in FEEDS.items()
            },
            sources={"raw": list(FEEDS)},
            files={"seeds/forensics_calendar.csv": CALENDAR, "seeds/forensics_exceptions.csv": EXCEPTIONS},
        )
        played = Played(consumer)
        columns = {
            "event_id": "varchar(20)",
            "happened_at": "timestamp",
            "loaded_at": "timestamp",
            "load_id": "varchar(20)",
        }
        for name in FEEDS:
            consumer.create_table(name, columns)
        for days, built_at in ((range(100), FIRST), (range(100, 120), SECOND)):
            for name, feed in FEEDS.items():
                consumer.insert(name, feed.rows(days))
            consumer.build(as_of=str(built_at))
            played.look()
            if built_at == FIRST:
                for name in ("dismissed", "closed"):
                    assert played.dismiss(name).endswith(f" of {name} is dismissed.\n")
        yield played


def test_a_silent_window_is_never_healthy(played: Played) -> None:
    silent = [
        row
        for windows in played.windows
        for rows in windows.values()
        for row in rows
        if row["row_count"] == 0
    ]
    assert {row["health"] for row in silent} == {"missing", "resting", "unknown", "open"}


@pytest.mark.parametrize(("feed", "dead_from"), [("dead", 60), ("dead_young", 10)])
def test_a_feed_that_died_is_missing_as_long_as_it_is_silent(
    played: Played, feed: str, dead_from: int
) -> None:
    """H1: the detection grows with the silence, and stays."""
    for build, until in ((0, 100), (1, 120)):
        assert played.health(build, feed, range(dead_from, until)) == {"missing": until - dead_from}
        assert ("missing_window", dead_from, until, True) in played.found(build, feed)


def test_a_feed_that_died_rests_no_longer(played: Played) -> None:
    """Whether a Sunday is a rest cannot be told while nothing comes at all; the other days are one stretch."""
    assert played.health(1, "shop_dead", range(60)) == {"unknown": 7, "healthy": 46, "resting": 7}
    sundays = sum(day % 7 == 6 for day in range(60, 120))
    assert played.health(1, "shop_dead", range(60, 120)) == {"missing": 60 - sundays, "unknown": sundays}
    assert ("missing_window", 60, 120, True) in played.found(1, "shop_dead")


def test_what_came_before_a_silence_is_usual_after_it(played: Played) -> None:
    assert played.health(1, "back", range(20, 60)) == {"missing": 40}
    assert set(played.health(1, "back", range(60, 63))) == {"healthy"}
    # Four weeks of it are up, and of some weekdays there are three.
    assert played.health(1, "back", range(63, 70)) == {"unknown": 5, "healthy": 2}
    assert set(played.health(1, "back", range(70, 120))) == {"healthy"}
    assert played.found(0, "back") == [("freshness", 19, 61, False), ("missing_window", 20, 60, False)]


@pytest.mark.parametrize(("feed", "fallen_from"), [("fallen", 20), ("fallen_old", 50)])
def test_a_level_that_fell_is_low_until_it_is_accepted(played: Played, feed: str, fallen_from: int) -> None:
    """H7: for 56 days with rows, also where the stream is younger than four weeks."""
    assert played.health(1, feed, range(fallen_from, fallen_from + 56)) == {"low": 56}
    assert set(played.health(1, feed, range(fallen_from + 56, 120))) == {"healthy"}
    assert played.found(1, feed) == [("volume_anomaly", fallen_from, fallen_from + 56, False)]
    assert played.found(0, "fallen_old") == [("volume_anomaly", 50, 100, True)]


def test_a_level_that_was_dismissed_is_usual_while_it_lasts(played: Played) -> None:
    assert played.health(0, "dismissed", range(80, 100)) == {"low": 20}
    assert played.found(0, "dismissed") == [("volume_anomaly", 80, 100, True)]
    assert played.health(1, "dismissed", range(80, 120)) == {"healthy": 35, "low": 5}
    assert ("volume_anomaly", 80, 100, False) in played.found(1, "dismissed")
    assert ("volume_anomaly", 115, 120, True) in played.found(1, "dismissed")
    statuses = {row["opened_at"]: row["status"] for row in played.incidents["dismissed"]}
    assert statuses == {FIRST: "dismissed", SECOND: "open"}


def test_a_silence_that_was_dismissed_is_a_rest(played: Played) -> None:
    assert played.health(0, "closed", range(90, 100)) == {"missing": 10}
    assert played.health(1, "closed", range(90, 120)) == {"resting": 30}
    assert [row["status"] for row in played.incidents["closed"]] == ["dismissed"]


def test_rows_that_never_come_are_waited_for_a_week(played: Played) -> None:
    """H10: a week of windows after them has settled."""
    assert ("missing_window", 60, 63, False) in played.found(0, "lost")
    assert ("volume_anomaly", 70, 71, False) in played.found(0, "lost")
    assert ("missing_window", 96, 98, True) in played.found(0, "lost_lately")
    assert ("missing_window", 96, 98, False) in played.found(1, "lost_lately")


@pytest.mark.parametrize("feed", ["shop", "weekends_off", "holidays"])
def test_rests_and_holidays_are_quiet(played: Played, feed: str) -> None:
    """H16: Sundays two and three of a young shop; weekends; days of the calendar, also without a row."""
    assert [played.found(build, feed) for build in (0, 1)] == [[], []]
    if feed == "shop":
        assert set(played.health(1, feed, range(87, 120))) == {"healthy", "resting"}


def test_firsts_of_the_month_are_quiet_after_two(played: Played) -> None:
    """H9: February, March, then April."""
    assert played.found(1, "firsts") == [("volume_anomaly", 27, 28, False), ("volume_anomaly", 55, 56, False)]
    assert played.health(1, "firsts", range(86, 87)) == {"healthy": 1}


def test_an_exception_begins_ends_and_comes_again(played: Played) -> None:
    silenced = {
        (feed, row["detector"]): (row["is_silenced"], row["silenced_until"])
        for feed in ("planned", "planned_later")
        for row in played.detections[0][feed]
    }
    assert silenced == {
        ("planned", "freshness"): (True, datetime(2026, 5, 20)),
        ("planned", "missing_window"): (True, datetime(2026, 5, 20)),
        ("planned_later", "freshness"): (True, datetime(2026, 4, 20)),
        ("planned_later", "missing_window"): (False, None),
    }
    assert played.incidents["planned"] == []
