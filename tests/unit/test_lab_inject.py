"""The lab's feeds and failures: as unlike each other as promised, exactly listed, and the same for the same seed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dbt_forensics.errors import ForensicsError
from forensics_lab.feeds import DAY, HOUR, NEVER, NO_TIME, Feed, healthy_rows, make_feeds
from forensics_lab.inject import SEVERITIES, Broken, Order, inject, plan
from forensics_lab.kinds import COLUMN_KINDS, KINDS, PUBLISHED_KINDS
from forensics_lab.worlds import break_world, make_world, read_world, write_world

#: A feed that can have every failure: large loads, few entities that are not few, first_wins.
FEED = replace(
    make_feeds(3, 1, 60_000, 46)[0],
    rows_a_day=1700,
    entities=100,
    load_hours=1,
    window="day",
    weekend=1.0,
    late_share=0.02,
    retry_share=0.005,
    on_conflict="first_wins",
)
ROWS = healthy_rows(FEED)


def put(kind: str, severity: str = "medium", day: int = 36, feed: Feed = FEED) -> Broken:
    return inject(Broken(feed, ROWS), [Order(kind, severity, feed.name, day)], seed=5)


def test_there_are_more_than_twenty_kinds_and_each_detector_has_one() -> None:
    pages = Path(__file__).parents[2] / "docs" / "detectors"
    assert len(KINDS) >= 20
    of_values = {"metric_anomaly", "metric_flat", "level_shift", "dimension_vanished"}  # forensics_lab.series
    assert {kind.detector for kind in KINDS.values()} | of_values == {
        page.stem for page in pages.glob("*.md")
    }


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_is_in_the_feed_where_the_list_says(kind: str, severity: str) -> None:
    broken = put(kind, severity)
    (injection,) = broken.injections
    assert (injection.kind, injection.severity, injection.detector) == (kind, severity, KINDS[kind].detector)
    assert injection.rows > 0
    assert injection.window_from < injection.window_to
    assert injection.arrived_from <= injection.arrived_to
    assert injection.first_bad_at >= str(FEED.time(35 * DAY))
    is_changed = len(broken.rows) != len(ROWS) or not np.array_equal(broken.rows, ROWS)
    assert is_changed == (kind not in COLUMN_KINDS | PUBLISHED_KINDS)
    assert bool(broken.publications) == (kind in PUBLISHED_KINDS)
    assert bool(broken.changes) == (kind in COLUMN_KINDS)
    assert bool(broken.withdrawals) == (kind == "load_into_action")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_puts_in_the_same(kind: str) -> None:
    first, second = put(kind), put(kind)
    assert first.injections == second.injections
    assert np.array_equal(first.rows, second.rows)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - COLUMN_KINDS - {"table_truncated"}))
def test_what_was_long_before_stays_as_it_is(kind: str) -> None:
    def before(rows: np.ndarray) -> np.ndarray:
        return np.sort(
            rows[(rows["visible"] < 25 * DAY) & (rows["gone"] == NEVER)], order=["event", "arrived", "batch"]
        )

    assert np.array_equal(before(put(kind).rows), before(ROWS))


def test_no_values_are_taken_from_a_column_that_is_gone_or_has_a_new_name() -> None:
    orders = [
        Order(kind, "medium", FEED.name, 36) for kind in ("no_values", "column_dropped", "column_renamed")
    ]
    for seed in range(20):
        broken = inject(Broken(FEED, ROWS), orders, seed)
        (taken,) = [line for line in broken.injections if line.kind == "no_values"]
        assert taken.details["column"] == FEED.columns["code"]


def test_more_severe_means_more_rows() -> None:
    for kind in ("retry_storm", "no_times", "rows_lost", "many_rows", "load_deleted", "held_back"):
        sizes = [put(kind, severity).injections[0].rows for severity in SEVERITIES]
        assert sizes[0] < sizes[1] < sizes[2], kind


def test_a_lost_window_has_no_rows_and_a_local_time_is_hours_away() -> None:
    rows = put("window_lost").rows
    assert not ((rows["occurred"] >= 36 * DAY) & (rows["occurred"] < 37 * DAY)).any()
    moved = put("local_time")
    hours = moved.injections[0].details["hours"]
    differs = moved.rows["occurred"] != ROWS["occurred"]
    assert set(moved.rows["occurred"][differs] - ROWS["occurred"][differs]) == {hours * HOUR}


def test_a_feed_without_large_loads_has_none_cut_off() -> None:
    small = replace(FEED, rows_a_day=150)
    assert (
        inject(
            Broken(small, healthy_rows(small)), [Order("load_cut_off", "medium", small.name, 36)], 5
        ).injections
        == []
    )


def test_healthy_feeds_have_retries_corrections_late_rows_and_clocks_that_are_ahead() -> None:
    feed = replace(FEED, correction_share=0.01, retry_share=0.02, late_share=0.06)
    rows = healthy_rows(feed)
    events, counts = np.unique(rows["event"], return_counts=True)
    assert 0.02 < (counts > 1).sum() / len(events) < 0.04
    assert 0.02 < (rows["arrived"] - rows["occurred"] > 3 * HOUR).mean() < 0.1
    assert 0 < (rows["occurred"] > rows["arrived"]).mean() < 0.002
    assert (rows["occurred"] != NO_TIME).all()
    assert (np.diff(rows["arrived"]) >= 0).all()


def test_feeds_are_unlike_each_other() -> None:
    feeds = [feed for seed in range(1, 11) for feed in make_feeds(seed, 6, 200_000, 46)]
    for trait in ("load_hours", "weekend", "late_share", "retry_share", "on_conflict", "peak_hour", "window"):
        assert len({getattr(feed, trait) for feed in feeds}) >= 2, trait
    assert max(feed.rows_a_day for feed in feeds) > 2 * min(feed.rows_a_day for feed in feeds)
    assert all(len({feed.columns[role] for feed in feeds}) >= 4 for role in FEED.columns)
    assert all(len(set(feed.columns.values())) == len(feed.columns) for feed in feeds)


def test_a_plan_has_most_kinds_at_medium_severity_and_leaves_clean_feeds_alone() -> None:
    for seed in range(1, 6):
        feeds = make_feeds(seed, 6, 200_000, 46)
        orders = plan(feeds, seed, 31, clean=2)
        assert len({order.kind for order in orders if order.severity == "medium"}) >= 18
        assert not {order.feed for order in orders} & {feed.name for feed in feeds[-2:]}
        days = [(order.feed, order.day) for order in orders]
        assert len(set(days)) < len(days)


def test_a_world_is_read_as_it_was_written(tmp_path: Path) -> None:
    world = break_world(make_world(2, 2, 40_000, 40), 2)
    write_world(tmp_path / "world", world)
    again = read_world(tmp_path / "world")
    assert again.seed == world.seed
    for one, other in zip(world.feeds, again.feeds, strict=True):
        assert (one.feed, one.changes, one.injections) == (other.feed, other.changes, other.injections)
        assert np.array_equal(one.rows, other.rows)
    assert any(one.injections for one in again.feeds)


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (Order("flood", "medium", FEED.name, 36), "There is no kind flood: give one of "),
        (
            Order("no_times", "bad", FEED.name, 36),
            "There is no severity bad: give one of mild, medium, severe.",
        ),
        (Order("no_times", "mild", FEED.name, 0), f"Day 0 is not within {FEED.name}: give 1 to 44."),
    ],
)
def test_what_cannot_be_put_in_is_refused(order: Order, sentence: str) -> None:
    with pytest.raises(ForensicsError, match=sentence):
        inject(Broken(FEED, ROWS), [order], 1)


def test_settings_that_cannot_work_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ForensicsError, match=r"1000 rows are too few for 2 feeds of 40 days: give at least 12000\."
    ):
        make_world(1, 2, 1000, 40)
    with pytest.raises(ForensicsError, match=r"20 days are too few: give at least 38\."):
        make_world(1, 1, 100_000, 20)
    with pytest.raises(ForensicsError, match="There is no feed x: give one of "):
        break_world(make_world(1, 1, 20_000, 40), 1, [Order("no_times", "mild", "x", 31)])
    with pytest.raises(ForensicsError, match="There are no feeds in "):
        read_world(tmp_path)
    (tmp_path / "other").touch()
    with pytest.raises(ForensicsError, match="holds something else than feeds of the lab"):
        write_world(tmp_path, make_world(1, 1, 20_000, 40))


def test_feeds_of_another_version_are_refused_in_words(tmp_path: Path) -> None:
    write_world(tmp_path, make_world(3, 1, 60_000, 46))
    path = tmp_path / "world.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, "format_version": 1}), encoding="utf-8")
    with pytest.raises(ForensicsError, match="of another version of the lab: generate them again"):
        read_world(tmp_path)
