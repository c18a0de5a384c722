"""Feeds as the world has them: how they are written, their calendars, what goes wrong with them and what repairs it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from dbt_forensics.errors import ForensicsError
from forensics_lab.feeds import DAY, HOUR, NEVER, Feed, Rows, healthy_rows, make_feeds, written
from forensics_lab.inject import Broken, Order, inject
from forensics_lab.kinds import KINDS, REPAIRS, STORY_KINDS
from forensics_lab.natures import NATURES, STORIES, WARM_DAYS, make_nasty_feeds, story
from forensics_lab.package import KEYS
from forensics_lab.worlds import break_world, make_nasty_world

FEED = replace(
    make_feeds(3, 1, 60_000, 60)[0],
    start=datetime(2026, 1, 5),
    rows_a_day=1200,
    entities=60,
    load_hours=2,
    window="day",
    weekend=1.0,
    growth=0.0,
    late_share=0.005,
    retry_share=0.005,
    correction_share=0.01,
    tenants=4,
    on_conflict="last_wins",
)
ROWS = healthy_rows(FEED)
END = 60 * DAY
CONTENT = ["event", "entity", "occurred", "cents", "note", "channel", "code"]


def feed_of(nature: str) -> tuple[Feed, Rows]:
    feed = NATURES[nature](replace(FEED, tenants=0))
    return feed, healthy_rows(feed)


def put(
    kind: str, repaired: int = 0, feed: Feed = FEED, rows: Rows = ROWS, severity: str = "medium"
) -> Broken:
    return inject(Broken(feed, rows), [Order(kind, severity, feed.name, 48, repaired)], seed=5)


def table_at(feed: Feed, rows: Rows, time: int, *more: str) -> list[tuple[int, ...]]:
    """What the table holds at a time."""
    there = written(feed, rows)
    there = there[(there["visible"] <= time) & (there["gone"] > time)]
    return sorted(map(tuple, there[[*CONTENT, *more]].tolist()))


def rows_by_day(rows: Rows) -> np.ndarray:
    return np.bincount(rows["occurred"][rows["occurred"] >= 0] // DAY, minlength=60)


def test_a_merged_table_has_one_row_per_event_and_that_is_the_last() -> None:
    feed, rows = feed_of("merge")
    assert len(np.unique(rows["event"])) < len(rows)
    there = written(feed, rows)
    there = there[there["gone"] == NEVER]
    assert len(np.unique(there["event"])) == len(there)
    last = {row["event"]: row["arrived"] for row in rows[np.argsort(rows["arrived"], kind="stable")]}
    assert all(last[row["event"]] == row["arrived"] for row in there)
    assert np.array_equal(written(FEED, ROWS), ROWS)
    dead = put("feed_dies", 3, feed, rows)
    silent = [table_at(feed, dead.rows, time, "arrived") for time in (49 * DAY, 50 * DAY)]
    assert silent[0] == silent[1]


def test_calendars() -> None:
    feed, rows = feed_of("month_ends")
    counts = rows_by_day(rows)
    first = (datetime(2026, 2, 1) - feed.start).days
    assert 3.5 < counts[first] / counts[first - 3] < 4.5
    feed, rows = feed_of("holidays")
    counts = rows_by_day(rows)
    assert len(feed.holidays) >= 2
    assert all(0.25 < counts[day] / counts[day + 1] < 0.45 for day in feed.holidays)
    feed, rows = feed_of("growing")
    counts = rows_by_day(rows)
    assert counts[50:57].sum() > 2 * counts[:7].sum()


def test_a_shop_is_closed_at_night_and_on_sundays_and_its_clock_goes_forward() -> None:
    feed, _ = feed_of("shop_hours")
    feed = replace(feed, start=datetime(2026, 2, 27))  # 30 days before summer time
    rows = healthy_rows(feed)
    usual = rows[np.isin(rows["occurred"] % HOUR, np.arange(HOUR)) & (rows["occurred"] >= 0)]
    weekdays = np.array(
        [(feed.start + timedelta(days=int(day))).weekday() for day in usual["occurred"] // DAY]
    )
    assert (weekdays == 6).mean() < 0.005
    hours, days = usual["occurred"] % DAY // HOUR, usual["occurred"] // DAY
    assert set(np.unique(hours[days < 30])) <= {*range(8, 21)}
    assert np.mean(hours[days > 30] == 7) > 0.02


def test_dirty_clocks_are_dirty_from_the_first_day_and_deltas_add_up_to_corrections() -> None:
    _, rows = feed_of("dirty_clocks")
    delays = rows["arrived"] - rows["occurred"]
    for start in (0, 30 * DAY):
        part = delays[(rows["arrived"] >= start) & (rows["arrived"] < start + 5 * DAY)]
        assert 0.02 < (part < 0).mean() < 0.1
    feed, rows = feed_of("deltas")
    assert (rows["cents"] < 0).any()
    assert len(np.unique(rows["event"])) == len(rows)
    assert "rules" not in feed.stream()


def test_what_a_stream_says_of_itself_is_what_the_package_knows() -> None:
    assert "event_time" in KEYS
    merged, _ = feed_of("merge")
    assert merged.stream().get("writes") == ("merge" if "writes" in KEYS else None)
    assert replace(merged, declares="append").stream().get("writes") is None
    assert replace(FEED, tenants=0).stream().keys() & {"writes", "zone"} == set()
    undeclared = replace(merged, declares="append")
    (injection,) = put("writes_undeclared", feed=undeclared).injections
    assert injection.detector == "undeclared_writes"
    assert put("writes_undeclared", feed=merged).injections == []


def test_tenants_are_declared_and_split_the_metric() -> None:
    feed, _ = feed_of("tenants")
    assert feed.stream()["tenant"] == "tenant_id"
    assert feed.stream()["metrics"]["total"]["dimensions"] == ["tenant_id"]


def test_each_nature_and_each_story_has_its_turn() -> None:
    feeds = [feed for seed in range(20) for feed in make_nasty_feeds(seed, 3, 3)]
    assert {feed.nature for feed in feeds if story(feed) is None} == set(NATURES)
    assert {feed.name.rpartition("_")[0] for feed in feeds if story(feed)} == set(STORIES)
    assert {kind for told in STORIES.values() for kind, *_ in told.failures} <= set(KINDS)
    assert {kind for told in STORIES.values() for kind, *_ in told.failures} >= STORY_KINDS
    with pytest.raises(ForensicsError, match="ask for at most so many, not 99"):
        make_nasty_feeds(1, 99, 1)


def test_feeds_of_one_ten_of_seeds_start_together_and_the_first_of_a_month_is_in_the_builds() -> None:
    for ten in range(8):
        starts = {make_nasty_feeds(seed, 2, 2)[0].start for seed in (10 * ten, 10 * ten + 9)}
        assert len(starts) == 1
        assert (starts.pop() + timedelta(days=WARM_DAYS + 6)).day == 1


def test_stories_are_put_in_with_their_repairs() -> None:
    told = {}
    for seed in range(10):
        for one in break_world(make_nasty_world(seed, 1, 4), seed).feeds:
            if known := story(one.feed):
                wanted = [kind for kind, *_ in known.failures if KINDS[kind].is_looked_for]
                told[one.feed.name.rpartition("_")[0]] = (wanted, one.injections)
            else:
                assert one.injections == []
    for name, (wanted, injections) in told.items():
        got = [injection.kind for injection in injections]
        assert [kind for kind in wanted if kind in got] == got or sorted(got) == got, name
        assert len(got) >= len(wanted) - 1, name
    repairs = {injection.repair for _, injections in told.values() for injection in injections}
    assert {"restored", "the rows come", "corrected", "comes again", "taken back", "passes", ""} <= repairs


@pytest.mark.parametrize("writes", ["append", "merge", "replace"])
@pytest.mark.parametrize(
    "kind", ["load_rewritten", "load_deleted", "rows_slipped_in", "table_truncated", "bad_push"]
)
def test_a_table_that_is_restored_is_as_it_would_be(kind: str, writes: str) -> None:
    feed = replace(FEED, writes=writes)
    broken = put(kind, 2, feed)
    (injection,) = broken.injections
    assert injection.repair == "restored"
    repaired_at = int((datetime.fromisoformat(str(injection.repaired_at)) - feed.start).total_seconds())
    assert table_at(feed, broken.rows, repaired_at - 1) != table_at(feed, ROWS, repaired_at - 1)
    for time in (repaired_at, END):
        assert table_at(feed, broken.rows, time, "arrived", "batch") == table_at(
            feed, ROWS, time, "arrived", "batch"
        )


@pytest.mark.parametrize("kind", ["window_lost", "load_cut_off", "rows_lost", "few_rows"])
def test_what_never_came_comes_with_the_repair(kind: str) -> None:
    broken = put(kind, 2)
    (injection,) = broken.injections
    assert injection.repair == "the rows come"
    assert "late_surge" in injection.consequences
    assert injection.arrived_to == injection.repaired_at
    assert table_at(FEED, broken.rows, END) == table_at(FEED, ROWS, END)
    assert "late_surge" not in put("load_cut_off").injections[0].consequences


def test_wrong_values_are_corrected_where_a_correction_counts() -> None:
    broken = put("out_of_range", 1)
    (injection,) = broken.injections
    assert injection.repair == "corrected"
    wrong = broken.rows["event"][broken.rows["cents"] == -100]
    last = {row["event"]: row["cents"] for row in broken.rows}
    assert len(wrong)
    assert all(last[event] > 0 for event in wrong)
    assert put("out_of_range", 1, replace(FEED, on_conflict="first_wins")).injections == []


def test_a_feed_dies_and_comes_again_or_not() -> None:
    dead = put("feed_dies")
    assert dead.rows["arrived"].max() < 48 * DAY + 6 * HOUR
    assert dead.injections[0].repaired_at is None
    back = put("feed_dies", 3)
    silent = (back.rows["arrived"] >= 48 * DAY + 6 * HOUR) & (back.rows["arrived"] < 51 * DAY)
    assert not silent.any()
    assert (back.rows["arrived"] >= 52 * DAY).any()
    (injection,) = back.injections
    assert injection.window_to <= str(FEED.time(52 * DAY))
    assert injection.repair == "comes again"


def test_clocks_units_and_tenants_are_wrong_until_they_are_right() -> None:
    before = np.sort(ROWS, order=["event", "arrived"])
    for kind, column in (("clock_stepped", "occurred"), ("unit_changed", "cents")):
        broken = put(kind, 3)
        after = np.sort(broken.rows, order=["event", "arrived"])
        arrived = before["arrived"][after[column] != before[column]]
        assert arrived.min() >= 48 * DAY
        assert str(FEED.time(int(arrived.max()))) < str(broken.injections[0].repaired_at)
    moved = put("clock_always_wrong")
    assert (np.sort(moved.rows["occurred"]) == np.sort(ROWS["occurred"]) - 7 * HOUR).all()
    assert moved.injections[0].repaired_at is None
    rows = put("tenant_gone", 2).rows
    assert (rows["entity"] % 4 != 0)[(rows["arrived"] >= 49 * DAY) & (rows["arrived"] < 50 * DAY)].all()
    assert (rows["entity"] % 4 == 0)[rows["arrived"] >= 52 * DAY].any()


def test_settled_days_are_set_to_nothing_and_back() -> None:
    broken = put("deltas_reset", 3)
    (injection,) = broken.injections
    assert injection.rows == 25
    new = broken.rows[~np.isin(broken.rows["event"], ROWS["event"])]
    assert new["cents"].sum() == 0
    assert len(new) == 50
    day = int(new["occurred"][0]) // DAY
    there = broken.rows[(broken.rows["occurred"] // DAY == day) & (broken.rows["arrived"] < 49 * DAY)]
    assert there["cents"].sum() == 0


def test_a_flat_metric_a_spike_and_a_new_level() -> None:
    def total(rows: Rows, day: int) -> int:
        return int(rows["cents"][rows["occurred"] // DAY == day].sum())

    flat = put("values_flat").rows
    assert len({total(flat, day) for day in range(48, 52)}) == 1
    assert total(put("values_spike").rows, 48) == 5 * total(ROWS, 48)
    assert 1.6 < total(put("values_higher").rows, 55) / total(ROWS, 55) < 1.8


def test_delays_that_spread_move_no_event() -> None:
    broken = put("delays_spread")
    assert broken.injections[0].detector == "late_surge"
    assert "constant_offset" not in broken.injections[0].consequences
    assert set(broken.rows["event"]) <= set(ROWS["event"])
    assert (broken.rows["arrived"] - broken.rows["occurred"]).mean() > (
        ROWS["arrived"] - ROWS["occurred"]
    ).mean()


def test_what_can_be_repaired_is_a_kind_and_never_repaired_it_has_no_end() -> None:
    assert set(REPAIRS) <= set(KINDS)
    for kind in ("window_lost", "load_deleted", "bad_push"):
        assert put(kind).injections[0].repaired_at is None
    assert (put("bad_push").rows["gone"] != NEVER).any()
