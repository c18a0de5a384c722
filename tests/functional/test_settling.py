"""How windows settle, and how long rows should be waited for: on the worked example, and where nothing is known yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functional.test_analyses import COLUMNS, STREAM, _insert
from harness.project import Consumer
from property.worked_example import BUILT_AT, ROWS, SEEN

#: A stream of three columns whose rows may be a day late.
NARROW = {"event_id": "varchar(40)", "occurred_at": "timestamp", "loaded_at": "timestamp"}
A_DAY_LATE = {
    "relation": "source.shop.order_events",
    "event_id": "event_id",
    "event_time": "occurred_at",
    "ingested_at": "loaded_at",
    "allowed_lateness": {"count": 1, "period": "day"},
}
NAMES = ("age_hours", "window_count", "value_count", "value_share", "input_share", "final_share")


@pytest.fixture(scope="module")
def consumer(new_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    """The worked example after its three builds, and one that was built only after it."""
    with new_engine() as engine:
        made = Consumer(
            engine,
            tmp_path_factory.mktemp("consumer"),
            streams={"orders": STREAM},
            sources={"shop": ["order_events"]},
        )
        made.create_table("order_events", COLUMNS)
        before: set[str] = set()
        for when, seen in zip(BUILT_AT, SEEN, strict=True):
            _insert(made, set(seen) - before)
            for gone in before - set(seen):
                made.execute(f"delete from raw.order_events where event_id = '{ROWS[gone].event_id}'")
            if when == BUILT_AT[-1]:
                made.streams = {"orders": STREAM, "found_later": STREAM}
            made.build(as_of=when.isoformat(sep=" "))
            before = set(seen)
        yield made


def curve(consumer: Consumer, metric: str, stream: str = "orders") -> dict[int, list[Any]]:
    rows = consumer.query(
        f"select {', '.join(NAMES)} from analytics.forensics__settling"
        f" where stream = '{stream}' and metric = '{metric}' order by age_hours"
    )
    return {row["age_hours"]: [row[name] for name in NAMES[1:]] for row in rows}


def test_how_a_window_settled(consumer: Consumer) -> None:
    """5 January showed 150 at its end, 205 six hours later, and 182 when it was 58 hours old, which it is now."""

    def share(value: int) -> Decimal:
        return (Decimal(value) / 182).quantize(Decimal("1e-9"))

    first, second = [1, 1, share(150), Decimal("0.5"), 0], [1, 1, share(205), 1, 0]
    assert curve(consumer, "revenue") == {
        **dict.fromkeys((0, 1, 2, 3), first),
        **dict.fromkeys((6, 12, 24, 48), second),
    }


def test_a_value_that_moved_and_came_back_was_final_from_then(consumer: Consumer) -> None:
    """The count showed 4 from the second build on; the third showed the same from other rows."""
    shares = {age: values[2:] for age, values in curve(consumer, "orders").items()}
    assert shares[3] == [Decimal("0.5"), Decimal("0.5"), 0]
    assert shares[6] == shares[48] == [1, 1, 1]


def test_each_value_of_a_window_is_one(consumer: Consumer) -> None:
    """Big orders: 100 of customer a at first, 130 then, 100 in the end; 50 of customer b, then 55."""
    shown = curve(consumer, "big_by_customer")
    assert shown[0][:2] == [1, 2]
    assert shown[0][2:] == [Decimal("0.967741935"), 1, 0]
    assert shown[24][2:] == [Decimal("1.193548387"), Decimal("1.5"), Decimal("0.5")]


def test_what_was_not_seen_settling_tells_nothing(consumer: Consumer) -> None:
    assert curve(consumer, "revenue", "found_later") == {}


def test_how_long_rows_should_be_waited_for(consumer: Consumer) -> None:
    """Rows that count or did: five on time, e4 and the corrected e2 four hours late, e5 56 hours."""
    rows = consumer.query(
        "select * from analytics.forensics__lateness where stream = 'orders' order by lateness_seconds"
    )
    by_length = {
        f"{row['lateness_count']} {row['lateness_period']}": (row["covered_count"], row["covered_share"])
        for row in rows
    }
    assert {row["row_count"] for row in rows} == {6}
    assert by_length["0 minute"] == by_length["3 hour"] == (3, Decimal("0.5"))
    assert by_length["6 hour"] == by_length["2 day"] == (5, Decimal("0.833333333"))
    assert by_length["3 day"] == by_length["365 day"] == (6, 1)
    assert [row["lateness_seconds"] for row in rows if row["is_suggested"]] == [3 * 86400]
    assert [row["lateness_seconds"] for row in rows if row["is_configured"]] == [86400]
    assert len(rows) == 19


@pytest.mark.gate
def test_a_row_at_the_very_end_is_outside(new_engine: Any, tmp_path: Path) -> None:
    """As it is in timeliness: one that arrives at the deadline is late. A length that is not usual has its row, too."""
    lateness = {"count": 90, "period": "minute"}
    with new_engine() as engine:
        made = Consumer(
            engine,
            tmp_path,
            streams={"orders": {**STREAM, "allowed_lateness": lateness}},
            sources={"shop": ["order_events"]},
        )
        made.create_table("order_events", COLUMNS)
        for number, arrived in enumerate(["01:00:00", "01:59:59.999999", "02:00:00", "02:30:00"]):
            made.insert(
                "order_events",
                [
                    {
                        "event_id": f"e{number}",
                        "customer": "a",
                        "occurred_at": "2026-01-05 12:00:00",
                        "loaded_at": f"2026-01-06 {arrived}",
                        "load_id": f"b{number}",
                        "amount": 1,
                    }
                ],
            )
        made.build(as_of="2026-01-06 12:00:00")
        rows = made.query(
            "select * from analytics.forensics__lateness where lateness_seconds <= 7200 order by lateness_seconds"
        )
        too_late = made.query(
            "select count(*) as n from analytics.forensics__verdicts where timeliness = 'too_late'"
        )
    covered = [(row["lateness_seconds"], row["covered_count"], row["is_configured"]) for row in rows]
    assert covered == [
        (0, 0, False),
        (300, 1, False),
        (900, 1, False),
        (1800, 1, False),
        (3600, 2, False),
        (5400, 3, True),
        (7200, 4, False),
    ]
    assert too_late == [{"n": 1}]


@pytest.fixture(scope="module")
def growing(new_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    """Forty days of ten rows at their end, and of the day's number an hour later; those of the last are to come."""
    with new_engine() as engine:
        made = Consumer(
            engine,
            tmp_path_factory.mktemp("growing"),
            streams={
                "orders": {
                    **A_DAY_LATE,
                    "backcast": {"every": "batch"},
                    "metrics": {
                        "orders": {"agg": "count"},
                        "losses": {"agg": "sum", "expr": "-1"},
                        "young": {"agg": "count", "where": "occurred_at >= timestamp '2026-02-01 00:00:00'"},
                    },
                }
            },
            sources={"shop": ["order_events"]},
        )
        made.create_table("order_events", NARROW)
        rows = []
        for day in range(1, 41):
            start = datetime(2026, 1, 1) + timedelta(days=day)
            for number in range(10 + day):
                wait = 24 if number < 10 else 25
                if day == 40 and number >= 10:
                    continue
                rows.append(
                    {
                        "event_id": f"{day}-{number}",
                        "occurred_at": start + timedelta(hours=23),
                        "loaded_at": start + timedelta(hours=wait),
                    }
                )
        made.insert("order_events", rows)
        made.build(as_of="2026-02-11 00:00:00")
        yield made


def test_what_an_open_window_will_be(growing: Consumer) -> None:
    """Day 40 is over, and day 39 within its lateness: the days before showed 10 of 10 + their number at its age."""
    rows = growing.query("select * from analytics.forensics__estimates order by metric, window_start")
    shown = {(row["metric"], row["window_start"].day): row for row in rows}
    settled = list(range(1, 39))
    shares = sorted((Decimal(10) / (10 + day)).quantize(Decimal("1e-9")) for day in settled)
    newest = shown["orders", 10]
    assert (newest["basis"], newest["basis_count"]) == ("all", len(settled))
    assert (newest["value"], newest["age_seconds"]) == (10, 0)
    for name, place in [("estimate", 19), ("estimate_high", 1), ("estimate_low", 38)]:
        assert newest[name] == (10 / shares[place - 1]).quantize(Decimal("1e-9")), name
    loss = shown["losses", 10]
    assert [loss[name] for name in ("estimate_low", "estimate", "estimate_high")] == [
        -newest[name] for name in ("estimate_high", "estimate", "estimate_low")
    ]
    older = shown["orders", 9]
    assert older["age_seconds"] == 86400
    assert older["value"] == older["estimate"] == older["estimate_low"] == older["estimate_high"] == 49


def test_few_settled_windows_give_no_interval(growing: Consumer) -> None:
    """The metric that begins with February has eight settled days."""
    (young,) = growing.query(
        "select * from analytics.forensics__estimates where metric = 'young' and age_seconds = 0"
    )
    assert young["basis_count"] == 8
    assert young["estimate_low"] is young["estimate_high"] is None
    assert young["estimate"] == (10 / (Decimal(10) / 45).quantize(Decimal("1e-9"))).quantize(Decimal("1e-9"))


def test_estimates_know_nothing_of_later(growing: Consumer) -> None:
    """At the end of day 20, the 18 days before it were settled: one fewer than an interval needs."""
    growing.write(
        "analyses/then.sql",
        "select * from ({{ dbt_forensics.estimates_as_of('2026-01-22 00:00:00') }}) as estimates",
    )
    growing.dbt(["compile", "--select", "then"])
    compiled = growing.folder / "target/compiled/consumer/analyses/then.sql"
    rows = growing.query(compiled.read_text(encoding="utf-8"))
    shown = {(row["metric"], row["window_start"].day): row for row in rows}
    newest = shown["orders", 21]
    assert newest["basis_count"] == 18
    assert newest["estimate_low"] is None
    assert newest["estimate"] == (10 / (Decimal(10) / 20).quantize(Decimal("1e-9"))).quantize(Decimal("1e-9"))


def test_a_value_that_moves_in_the_moment_of_settling_is_restated(new_engine: Any, tmp_path: Path) -> None:
    """5 January is settled from 7 January 01:00 on: a row that is missed by the build of that moment restates it."""
    with new_engine() as engine:
        made = Consumer(
            engine,
            tmp_path,
            streams={"orders": {**A_DAY_LATE, "metrics": {"orders": {"agg": "count"}}}},
            sources={"shop": ["order_events"]},
            models={
                "watched.sql": "select * from {{ ref('forensics__metric_versions') }}",
                "watched.yml": "models: [{name: watched, data_tests: [{dbt_forensics.does_not_restate_settled_windows:"
                " {name: restates_nothing, arguments: {stream: orders}, config: {severity: warn}}}]}]",
            },
        )
        made.create_table("order_events", NARROW)
        rows = [
            ("a", "2026-01-05 12:00:00", "2026-01-05 12:30:00"),
            ("b", "2026-01-05 13:00:00", "2026-01-05 13:30:00"),
            ("c", "2026-01-07 01:00:00", "2026-01-07 01:00:00"),
        ]
        named = [dict(zip(NARROW, row, strict=True)) for row in rows]
        made.insert("order_events", named[:2])
        assert made.build(as_of="2026-01-06 02:00:00").results["restates_nothing"] == "pass"
        made.execute("delete from raw.order_events where event_id = 'b'")
        made.insert("order_events", named[2:])
        assert made.build(as_of="2026-01-07 01:00:00").results["restates_nothing"] == "warn"
