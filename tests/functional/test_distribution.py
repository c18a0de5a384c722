"""Values that lie elsewhere than usual: units, empty columns, categories, and columns that only move on."""

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
DAY = timedelta(days=1)
ROWS = 480
QUIET_DAYS = 10
EMPTY = [f"field_{number}" for number in range(30)]
COLUMNS = {
    "event_id": "varchar",
    "happened_at": "timestamp",
    "loaded_at": "timestamp",
    "load_id": "varchar",
    "distance": "numeric(18, 3)",
    "price": "numeric(18, 2)",
    "channel": "varchar",
    "email": "varchar",
    "counter": "integer",
    "due_on": "date",
}
FIELDS = dict.fromkeys([*EMPTY, *(f"kept_{number}" for number in range(10))], "varchar")
STREAM: dict[str, Any] = {
    "event_id": "event_id",
    "event_time": "happened_at",
    "ingested_at": "loaded_at",
    "batch_id": "load_id",
    "expected_delay": {"count": 3, "period": "hour"},
    "personal_data": ["email"],
}


def rows(day: int) -> Iterator[dict[str, Any]]:
    """What happened on a day, loaded two hours after it."""
    for place in range(ROWS + day * 7 % 13):
        share = ((place * 7919 + day * 104729) % 9973 + 0.5) / 9973
        yield {
            "event_id": f"e{day}-{place}",
            "happened_at": START + day * DAY + timedelta(seconds=place * 150),
            "loaded_at": START + (day + 1) * DAY + timedelta(hours=2),
            "load_id": f"d{day}",
            # Spread over two powers of ten, as distances and prices are.
            "distance": round(8 * math.exp(0.9 * math.log(share / (1 - share))), 3),
            "price": round(20 * math.exp(0.5 * math.log(share / (1 - share))), 2),
            "channel": ("web", "shop", "phone")[place % 7 % 3],
            "email": f"{place % 90}@{'old' if day <= QUIET_DAYS else 'new'}.example",
            "counter": 15000 + day * ROWS * 3 + place * 3,
            "due_on": f"{START + (day + 30) * DAY:%Y-%m-%d}",
        }


def fields(day: int) -> Iterator[dict[str, Any]]:
    for place, row in enumerate(rows(day)):
        kept = {name: row[name] for name in ("event_id", "happened_at", "loaded_at", "load_id")}
        yield {**kept, **{name: f"{name} {place % 50}" for name in FIELDS}}


Change = Callable[[dict[str, Any]], dict[str, Any]]
FEEDS: dict[str, tuple[dict[str, str], Callable[[int], Iterator[dict[str, Any]]], Change]] = {
    "usual": (COLUMNS, rows, lambda row: {}),
    "kilometres": (COLUMNS, rows, lambda row: {"distance": round(row["distance"] * 1.609344, 3)}),
    "cents": (COLUMNS, rows, lambda row: {"price": row["price"] * 100}),
    "channels": (
        COLUMNS,
        rows,
        lambda row: {"channel": "kiosk" if row["channel"] == "web" else row["channel"]},
    ),
    "emptied": ({**dict(list(COLUMNS.items())[:4]), **FIELDS}, fields, lambda row: dict.fromkeys(EMPTY)),
}


@pytest.fixture(scope="module")
def builds(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Consumer, list[dict[str, list[dict[str, Any]]]]]]:
    """Ten quiet days, one on which each feed but the first changed, and a quiet one: what each build found."""
    with new_engine() as engine:
        consumer = Consumer(
            engine,
            tmp_path_factory.mktemp("distribution"),
            streams={name: {"relation": f"source.raw.{name}", **STREAM} for name in FEEDS},
            sources={"raw": list(FEEDS)},
        )
        for name, (columns, make, _) in FEEDS.items():
            consumer.create_table(name, columns)
            consumer.insert(name, [row for day in range(QUIET_DAYS) for row in make(day)])
        seen = []
        for day in (QUIET_DAYS - 1, QUIET_DAYS, QUIET_DAYS + 1):
            for name, (_, make, change) in FEEDS.items() if day >= QUIET_DAYS else ():
                consumer.insert(
                    name, [{**row, **(change(row) if day == QUIET_DAYS else {})} for row in make(day)]
                )
            consumer.build(as_of=str(START + (day + 1) * DAY + timedelta(hours=4)))
            seen.append(
                {
                    table: consumer.query(f"select * from analytics.forensics__{table}")
                    for table in ("detections", "incidents")
                }
            )
        yield consumer, seen


def found(build: dict[str, list[dict[str, Any]]], stream: str) -> list[tuple[Any, ...]]:
    return [
        (
            row["detector"],
            row["subject"],
            f"{row['window_start']:%d}",
            f"{row['window_end']:%d}",
            row["is_open"],
        )
        for row in build["detections"]
        if row["stream"] == stream
    ]


def test_nothing_is_found_on_quiet_days_or_of_columns_that_move_on(
    builds: tuple[Consumer, list[dict[str, list[dict[str, Any]]]]],
) -> None:
    _, (quiet, changed, after) = builds
    assert quiet["detections"] == []
    assert found(changed, "usual") == found(after, "usual") == []


@pytest.mark.parametrize(
    ("stream", "column"), [("kilometres", "distance"), ("cents", "price"), ("channels", "channel")]
)
def test_values_that_lie_elsewhere_are_found_at_the_load(
    builds: tuple[Consumer, list[dict[str, list[dict[str, Any]]]]], stream: str, column: str
) -> None:
    _, (_, changed, after) = builds
    assert found(changed, stream) == [("distribution_shift", column, "15", "16", True)]
    assert found(after, stream) == [("distribution_shift", column, "15", "16", False)]
    assert [row["kind"] for row in changed["incidents"] if row["stream"] == stream] == ["distribution_shift"]


def test_thirty_columns_that_lose_their_values_are_one_incident_at_the_next_build(
    builds: tuple[Consumer, list[dict[str, list[dict[str, Any]]]]],
) -> None:
    _, (_, changed, _) = builds
    assert sorted(found(changed, "emptied")) == sorted(
        ("null_spike", column, "15", "16", True) for column in EMPTY
    )
    assert [row["kind"] for row in changed["incidents"] if row["stream"] == "emptied"] == ["null_spike"]


def test_no_value_is_in_the_profile(builds: tuple[Consumer, list[dict[str, list[dict[str, Any]]]]]) -> None:
    consumer, _ = builds
    counted = consumer.query(
        "select distinct subject from analytics.int_forensics__row_profile where measure = 'bin' and stream = 'usual'"
    )
    subjects = [json.loads(row["subject"]) for row in counted]
    assert {subject["column"] for subject in subjects} == {
        "distance",
        "price",
        "channel",
        "counter",
        "due_on",
    }
    assert {subject["bin"][0] for subject in subjects} <= set("#123456789")
    assert all(len(subject["bin"]) <= 4 for subject in subjects)
