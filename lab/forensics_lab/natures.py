"""What feeds of the world are like that generated ones were not: how they are written, their calendar, their clocks.

A nature is how a healthy feed is. A world of them is long, since a season needs some of a kind before anybody can
know it: what is recorded first are three months.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from dbt_forensics.errors import ForensicsError
from forensics_lab.feeds import MIN_ROWS_A_DAY, Feed, make_feeds

WARM_DAYS = 90
DAYS = 106
ROWS_A_DAY = 2 * MIN_ROWS_A_DAY


def _daily(feed: Feed) -> Feed:
    return replace(feed, load_hours=24, expected_delay_hours=26, window="day", late_share=0.005)


def _merged(feed: Feed) -> Feed:
    return replace(feed, writes="merge", correction_share=0.03, retry_share=0.02, on_conflict="last_wins")


def _replaced(feed: Feed) -> Feed:
    # Small: each build records the whole table again.
    small = replace(_daily(feed), rows_a_day=MIN_ROWS_A_DAY)
    return replace(small, writes="replace", correction_share=0.01, on_conflict="last_wins")


def _even(feed: Feed) -> Feed:
    return replace(feed, window="day", weekend=1.0)


def _holidays(feed: Feed) -> Feed:
    days = range(feed.days)
    mondays = [day for day in days if (feed.start + timedelta(days=day)).weekday() == 0]
    return replace(_even(feed), holidays=tuple(mondays[3::3]), surprises=tuple(mondays[3::3][:2]))


def _month_ends(feed: Feed) -> Feed:
    days = range(feed.days)
    firsts = [day for day in days if (feed.start + timedelta(days=day)).day == 1]
    return replace(_even(feed), month_start=4.0, surprises=tuple(firsts[:2]))


def _shop(feed: Feed) -> Feed:
    days = range(feed.days)
    sundays = [day for day in days if (feed.start + timedelta(days=day)).weekday() == 6]
    busy = replace(feed, rows_a_day=max(feed.rows_a_day, 500), weekend=1.0, amplitude=0.3)
    hourly = replace(busy, window="hour", load_hours=1, expected_delay_hours=2)
    return replace(
        hourly,
        open_hours=(8, 20),
        closed_sundays=True,
        zone="Europe/London",
        surprises=tuple(sorted(sundays[:2] + [day + 1 for day in sundays[:2]])),
    )


#: How healthy feeds can be. Nothing is wrong with one of these.
NATURES: dict[str, Callable[[Feed], Feed]] = {
    "merge": _merged,
    "replace": _replaced,
    "merge_daily": lambda feed: _merged(_daily(feed)),
    "month_ends": _month_ends,
    "holidays": _holidays,
    "shop_hours": _shop,
    "daily_into_hours": lambda feed: replace(
        _daily(feed), window="hour", rows_a_day=max(feed.rows_a_day, 500), amplitude=0.3
    ),
    "dirty_clocks": lambda feed: replace(feed, window="day", dirty_share=0.1),
    "deltas": lambda feed: replace(feed, window="day", deltas=True, correction_share=0.05, retry_share=0.0),
    "growing": lambda feed: replace(_even(feed), growth=2.0),
    "tenants": lambda feed: replace(
        feed, window="day", tenants=4, columns={**feed.columns, "tenant": "tenant_id"}
    ),
}


#: Feeds without anything unusual, as stories need them: loads that are large, or that come often.
_PLAIN: dict[str, Callable[[Feed], Feed]] = {
    "undeclared": lambda feed: replace(_merged(feed), declares="append"),
    "plain": lambda feed: replace(_even(feed), entities=20, late_share=0.005),
    "prompt": lambda feed: replace(_even(feed), load_hours=1, rows_a_day=1000, entities=40, late_share=0.005),
}


@dataclass(frozen=True)
class Story:
    """What goes wrong with a feed of a nature: (kind, day after the first build, repaired so many days later or 0)."""

    nature: str
    failures: Sequence[tuple[str, int, int]]


#: Failures of feeds as they are, with what repairs them. Some follow each other in the same windows.
STORIES: dict[str, Story] = {
    "merge_broken": Story(
        "merge", [("bad_push", 1, 1), ("few_rows", 5, 2), ("held_back", 9, 0), ("load_deleted", 12, 1)]
    ),
    "merge_corrected": Story(
        "merge_daily",
        [("out_of_range", 1, 1), ("load_rewritten", 5, 1), ("window_lost", 8, 2), ("no_values", 12, 1)],
    ),
    "merge_undeclared": Story("undeclared", [("writes_undeclared", 1, 0)]),
    "replace_broken": Story("replace", [("bad_push", 2, 1), ("few_rows", 6, 2), ("window_lost", 11, 2)]),
    "replace_again": Story("replace", [("bad_push", 1, 1), ("bad_push", 5, 2), ("column_added", 10, 0)]),
    "one_after_the_other": Story(
        "plain",
        [
            ("retry_storm", 1, 0),
            ("few_rows", 2, 0),
            ("column_dropped", 3, 0),
            ("load_rewritten", 7, 1),
            ("load_deleted", 9, 1),
            ("load_rewritten", 11, 1),
        ],
    ),
    "pushed": Story("plain", [("bad_push", 2, 1), ("rows_slipped_in", 6, 1), ("table_truncated", 10, 1)]),
    "dying": Story("merge_daily", [("feed_dies", 1, 5), ("feed_dies", 10, 0)]),
    "dead": Story("plain", [("feed_dies", 2, 4), ("feed_dies", 9, 0)]),
    "restated": Story("deltas", [("deltas_reset", 1, 3), ("many_rows", 7, 0), ("deltas_reset", 10, 2)]),
    "clocks": Story("prompt", [("clock_stepped", 1, 4), ("delays_spread", 9, 0)]),
    "clock_of_old": Story("prompt", [("clock_always_wrong", 1, 0)]),
    "values": Story("plain", [("unit_changed", 1, 3), ("values_flat", 8, 0), ("values_spike", 14, 0)]),
    "levels": Story("plain", [("values_higher", 2, 0)]),
    "tenants_broken": Story("tenants", [("tenant_gone", 1, 3), ("no_values", 7, 0), ("few_rows", 10, 2)]),
    "hours_broken": Story(
        "daily_into_hours", [("no_values", 2, 0), ("load_repeated", 5, 0), ("load_cut_off", 9, 2)]
    ),
}


def make_nasty_feeds(seed: int, clean: int = 4, broken: int = 4) -> list[Feed]:
    """Feeds of natures, other ones with each seed: first those that stories are told of, then clean ones.

    Args:
        seed: 0 or more.
        clean: How many in which nothing is wrong.
        broken: How many stories.
    """
    wanted = [*_turn(list(STORIES), seed, broken), *_turn(list(NATURES), seed, clean)]
    made = make_feeds(seed, len(wanted), ROWS_A_DAY * len(wanted) * DAYS, DAYS)
    # The first of a month comes with daily builds, after two or three that were recorded at once.
    month = datetime(2026, 4 + seed // 10 % 7, 1)
    feeds = []
    for name, feed in zip(wanted, made, strict=True):
        nature = STORIES[name].nature if name in STORIES else name
        named = replace(
            feed,
            name=f"{name}_{seed % 10}",
            start=month - timedelta(days=WARM_DAYS + 6),
            nature=nature,
            rows_a_day=min(max(feed.rows_a_day, 200), 600),
            growth=min(feed.growth, 0.1),
            retry_share=min(feed.retry_share, 0.01),
        )
        if name in STORIES:
            # Loads that are large enough to be broken.
            named = replace(named, load_hours=6, rows_a_day=max(named.rows_a_day, 400))
        feeds.append((NATURES | _PLAIN)[nature](named))
    return feeds


def story(feed: Feed) -> Story | None:
    """What is to go wrong with a feed of `make_nasty_feeds`."""
    return STORIES.get(feed.name.rpartition("_")[0])


def _turn(names: Sequence[str], seed: int, count: int) -> list[str]:
    """Some of the names, other ones with each seed until all had their turn."""
    if count > len(names):
        raise ForensicsError(f"There are {len(names)} of these: ask for at most so many, not {count}.")
    at = seed * count % len(names)
    return [str(name) for name in np.roll(np.array(names), -at)[:count]]


__all__ = ["DAYS", "NATURES", "STORIES", "WARM_DAYS", "Story", "make_nasty_feeds", "story"]
