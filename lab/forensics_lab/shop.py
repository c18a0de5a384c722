"""The feed of a shop: what its customers did, and in which hourly load each event was delivered.

Everything is arrays: an event is one element of an array of type `EVENT`, times are milliseconds since the
start of the history, amounts are cents, words are positions in the tuples below. `forensics_lab.history` makes
tables of it. The work goes day by day, so that its memory depends on the size of a day and not on the number of days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from dbt_forensics.errors import ForensicsError

Events = npt.NDArray[Any]

EVENT_TYPES = ("placed", "paid", "shipped", "cancelled", "refunded")
PLACED, PAID, SHIPPED, CANCELLED, REFUNDED = range(5)
STATUSES = ("open", "paid", "shipped", "cancelled", "refunded")  # of the order, after the event
BUSINESS_UNITS = ("retail_eu", "retail_uk", "retail_us")
CURRENCIES = ("EUR", "GBP", "USD")
CHANNELS = ("web", "app", "store")

# Why a delivered row is not plain. The words are the kinds in the manifest.
MARKS = ("plain", "retry", "correction", "conflict", "negative_amount", "clock_skew")
PLAIN, RETRY, CORRECTION, CONFLICT, NEGATIVE_AMOUNT, CLOCK_SKEW = range(6)
MARK_SHARES = (0.0, 0.012, 0.004, 0.0004, 0.0006, 0.001)  # of the events; the rest are plain

EVENT = np.dtype(
    [
        ("number", "i8"),
        ("customer", "i8"),
        ("type", "i1"),
        ("occurred", "i8"),
        ("seq", "i8"),
        ("unit", "i1"),
        ("cents", "i8"),
        ("currency", "i1"),
        ("channel", "i1"),
        ("load", "i8"),
        ("version", "i1"),
        ("mark", "i1"),
    ]
)

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ROWS_PER_DAY = 800  # fewer could leave a load of the afternoon without anything to break

_ORDERS_BY_HOUR = np.array(
    [4, 2, 1, 1, 1, 2, 4, 7, 10, 12, 13, 14, 15, 14, 12, 11, 11, 12, 14, 17, 18, 15, 11, 7]
)
_ORDERS_BY_WEEKDAY = np.array([1.0, 0.95, 0.95, 1.0, 1.15, 1.2, 0.75])  # from Monday
_EVENTS_PER_ORDER = 2.875  # follows from the shares in _lives_of_orders
_LONGEST_LIFE_DAYS = 10

# Lateness, from the event until the loader could have it: a mixture. Most events come within minutes. The
# others wait (a phone without network, a shop that is closed): their shape is that of the reporting delays of
# German hospitalisations 2021/22 (file truth_lateness, all age groups, 0 to 40 days), a lognormal with sigma
# 1.5: with a median of 2.94 days, cut at 41, its distribution function is nowhere more than 0.021 from the
# recorded one. A shop is faster than a health office, so the median here is 6 hours.
LATE_SHARE = 0.06
LATE_MEDIAN_SECONDS = 6 * 3600
LATE_SIGMA = 1.5
PROMPT_MEDIAN_SECONDS = 90
PROMPT_SIGMA = 1.0
LONGEST_LATENESS_SECONDS = 14 * 86400


@dataclass(frozen=True)
class Settings:
    """What to generate.

    Attributes:
        rows: How many events happen, about; retries and corrections come on top. At least 800 per day.
        seed: The same seed gives the same history, byte for byte.
        days: Length of the history; at least 8, because the failures are put into its last week.
        start: The first midnight, UTC without zone.

    Raises:
        ForensicsError: A number is too small.
    """

    rows: int = 250_000
    seed: int = 1
    days: int = 28
    start: datetime = datetime(2026, 1, 5)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ForensicsError(f"The seed is {self.seed}: give 0 or more.")
        if self.days < 8:
            raise ForensicsError(f"{self.days} days are too few for the failures of a week: give at least 8.")
        if self.rows < ROWS_PER_DAY * self.days:
            raise ForensicsError(
                f"{self.rows} rows are too few for {self.days} days:"
                f" give at least {ROWS_PER_DAY * self.days}."
            )

    @property
    def loads(self) -> int:
        """Number of hourly loads, which is also the number of steps."""
        return 24 * self.days

    def generator(self, purpose: int, day: int = 0) -> np.random.Generator:
        """A generator for one purpose and day, so that changing one part leaves the others as they were."""
        return np.random.default_rng([self.seed, purpose, day])


def lateness_seconds(generator: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """How long each of `count` events takes until it can be loaded, in seconds."""
    is_late = generator.random(count) < LATE_SHARE
    median = np.where(is_late, LATE_MEDIAN_SECONDS, PROMPT_MEDIAN_SECONDS)
    sigma = np.where(is_late, LATE_SIGMA, PROMPT_SIGMA)
    seconds: npt.NDArray[np.float64] = median * np.exp(sigma * generator.standard_normal(count))
    return np.minimum(seconds, LONGEST_LATENESS_SECONDS)


def load_times(settings: Settings) -> npt.NDArray[np.int64]:
    """When each load was written, in milliseconds since the start; element 0 is no load.

    Load `n` takes what arrived before hour `n` and is written two to eight minutes later.
    """
    pauses = settings.generator(0).integers(2 * 60, 8 * 60, settings.loads + 1) * SECOND
    return np.arange(settings.loads + 1) * HOUR + pauses


def days_of_events(settings: Settings) -> Iterator[Events]:
    """The events of each day, by the time they happened, numbered, with a sequence number per customer."""
    customers = max(50, settings.rows // 25)
    last_seq = np.zeros(customers, dtype=np.int64)
    number = 0
    ahead = np.zeros(0, dtype=EVENT)
    for day in range(
        -_LONGEST_LIFE_DAYS, settings.days
    ):  # the days before the start leave orders that are still open
        ahead = np.concatenate([ahead, _lives_of_orders(settings, customers, day)])
        is_over = ahead["occurred"] < (day + 1) * DAY
        events, ahead = ahead[is_over], ahead[~is_over]
        if day < 0:
            continue
        events = events[events["occurred"] >= day * DAY]
        events = events[np.argsort(events["occurred"], kind="stable")]
        events["number"] = number + 1 + np.arange(len(events))
        events["seq"] = _next_seq(events["customer"], last_seq)
        last_seq += np.bincount(events["customer"], minlength=customers)
        number += len(events)
        yield events


def loads_of_rows(settings: Settings, undisturbed: frozenset[int], upgrade_load: int) -> Iterator[Events]:
    """The rows of each load, from the first to the last.

    Args:
        settings: What to generate.
        undisturbed: Loads with plain rows only, of which none is sent again, so that the effect of what is
            done to such a load is known exactly.
        upgrade_load: From this load on, producers send schema version 2.
    """
    waiting = np.zeros(0, dtype=EVENT)
    untouchable = np.array(sorted(undisturbed))
    for day, events in enumerate(days_of_events(settings)):
        delivered = _deliver(settings.generator(2, day), events, untouchable, upgrade_load)
        waiting = np.concatenate([waiting, delivered])
        is_due = waiting["load"] <= 24 * (day + 1)
        due, waiting = waiting[is_due], waiting[~is_due]
        due = due[np.lexsort((due["mark"], due["number"], due["load"]))]
        bounds = np.searchsorted(due["load"], np.arange(24 * day + 1, 24 * (day + 1) + 2))
        for first, end in pairwise(bounds):
            yield due[first:end]


def _lives_of_orders(settings: Settings, customers: int, day: int) -> Events:
    """All events of the orders that were placed on a day, also those that happen days later."""
    generator = settings.generator(1, day + _LONGEST_LIFE_DAYS)
    weekday = (settings.start.weekday() + day) % 7
    orders_a_day = settings.rows / settings.days / _EVENTS_PER_ORDER
    share = _ORDERS_BY_WEEKDAY[weekday] / _ORDERS_BY_WEEKDAY.mean() * _ORDERS_BY_HOUR / _ORDERS_BY_HOUR.sum()
    hours = np.repeat(np.arange(24), generator.poisson(orders_a_day * share))
    count = len(hours)

    order = np.zeros(count, dtype=EVENT)
    order["customer"] = (customers * generator.random(count) ** 2).astype(
        np.int64
    )  # some customers buy often
    order["unit"] = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2])[order["customer"] % 10]
    order["currency"] = order["unit"]
    order["cents"] = np.clip(np.exp(generator.normal(np.log(4500), 0.8, count)), 100, 500_000)
    order["channel"] = np.searchsorted([0.5, 0.85], generator.random(count))

    fate = generator.random(count)
    placed = day * DAY + hours * HOUR + generator.integers(0, HOUR, count)
    paid = placed + generator.exponential(6 * MINUTE, count)
    shipped = paid + 18 * HOUR * np.exp(generator.normal(0, 0.6, count))
    refunded = shipped + generator.uniform(1 * DAY, 6 * DAY, count)
    cancelled = paid + generator.exponential(8 * HOUR, count)
    lives = [
        (PLACED, placed, fate >= 0),
        (PAID, paid, fate < 0.88),
        (SHIPPED, shipped, fate < 0.84),
        (REFUNDED, refunded, fate < 0.035),
        (CANCELLED, cancelled, (fate >= 0.84) & (fate < 0.96)),
    ]
    return np.concatenate([_happened(order, event_type, at, does) for event_type, at, does in lives])


def _happened(order: Events, event_type: int, at: Events, does: Events) -> Events:
    events = order[does]
    events["type"] = event_type
    events["occurred"] = at[does]
    return events


def _next_seq(customer: Events, last_seq: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The next numbers of each customer, in the order of the events."""
    order = np.argsort(customer, kind="stable")
    grouped = customer[order]
    position = np.arange(len(grouped)) - np.searchsorted(grouped, grouped)
    seq = np.empty(len(grouped), dtype=np.int64)
    seq[order] = last_seq[grouped] + position + 1
    return seq


def _deliver(
    generator: np.random.Generator, events: Events, untouchable: Events, upgrade_load: int
) -> Events:
    """The events with the load that brings them, and the rows that retries and corrections add."""
    events = events.copy()
    arrived = events["occurred"] + (lateness_seconds(generator, len(events)) * SECOND).astype(np.int64)
    events["load"] = arrived // HOUR + 1
    events["version"] = np.where(events["load"] >= upgrade_load, 2, 1)
    mark = np.searchsorted(np.cumsum(MARK_SHARES[1:]), generator.random(len(events)), side="right") + 1
    mark[mark == len(MARKS)] = PLAIN
    mark[np.isin(events["load"], untouchable)] = PLAIN

    events["mark"] = np.where(mark >= NEGATIVE_AMOUNT, mark, PLAIN)
    events["cents"][mark == NEGATIVE_AMOUNT] *= -1
    is_skewed = mark == CLOCK_SKEW
    events["occurred"][is_skewed] += generator.integers(20 * MINUTE, 90 * MINUTE, int(is_skewed.sum()))

    is_sent_again = (mark == RETRY) | (mark == CORRECTION) | (mark == CONFLICT)
    again = events[is_sent_again]
    again["mark"] = mark[is_sent_again]
    is_correction = again["mark"] == CORRECTION
    hours = np.where(
        is_correction, generator.exponential(20, len(again)), generator.integers(0, 3, len(again))
    )
    again["load"] += 1 + np.minimum(hours, 72).astype(np.int64)
    again["load"] += np.isin(again["load"], untouchable)
    change = generator.choice([-1, 1], len(again)) * generator.uniform(0.02, 0.2, len(again))
    again["cents"] = np.where(is_correction, again["cents"] * (1 + change), again["cents"])
    again["currency"] = np.where(again["mark"] == CONFLICT, (again["currency"] + 1) % 3, again["currency"])
    return np.concatenate([events, again])
