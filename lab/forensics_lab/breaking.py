"""What it takes to break a feed: the rows of a day, of a load, and what becomes of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from forensics_lab.feeds import DAY, HOUR, MISSING, NEVER, NO_TIME, Feed, Rows, arrive, replaced_at

Mask = npt.NDArray[np.bool_]
#: A load must have so many rows to be broken at medium severity: what is smaller, detectors leave alone.
LOAD_ROWS = 60


class NothingToBreakError(Exception):
    """The feed has nothing there that could break like that: no load that is large enough, or no rows any more."""


@dataclass(frozen=True)
class ColumnChange:
    """From a time on the table has other columns.

    Attributes:
        at: Seconds after the feed's start.
        change: added, dropped, renamed or retyped.
        role: Of the column, or `extra`.
        to: Its new name, or type.
    """

    at: int
    change: str
    role: str
    to: str = ""


@dataclass(frozen=True)
class Publication:
    """What a team's own model shows of a feed is not so for a time. Times are seconds after the feed's start.

    Attributes:
        at: From then on.
        until: Until then.
        window_from: Of windows from this one on.
        window_to: Up to this time.
        percent: Of what is counted.
        seen_to: Only rows that had arrived by then are counted.
    """

    at: int
    until: int
    window_from: int
    window_to: int
    percent: int = 100
    seen_to: int = NEVER


@dataclass(frozen=True)
class Withdrawal:
    """Somebody withdraws a load and does not verify it. Times are seconds after the feed's start.

    Attributes:
        at: When.
        batch: Which load.
        arrived: When that came; it can only be withdrawn when a build has recorded it.
    """

    at: int
    batch: int
    arrived: int


@dataclass
class Effect:
    """What became of a feed, in seconds after its start."""

    occurred_from: int = 0
    occurred_to: int = 0
    arrived_from: int = 0
    arrived_to: int = 0
    first_bad: int = 0
    rows: int = 0
    #: Whether a detection of it is one step more severe than its detector is by itself.
    is_worse: bool = False
    #: Its severity, where it is not that of the detector.
    severity: str = ""
    #: When it is over, if ever, and how it ended.
    repaired: int | None = None
    repair: str = ""
    details: dict[str, object] = field(default_factory=dict)


@dataclass
class Case:
    """A failure that is being put in.

    Attributes:
        feed: Into this feed.
        rows: Its rows, which are changed and replaced.
        day: The start of the day on which it happens, in seconds after the feed's start.
        strength: 0 mild, 1 medium, 2 severe.
        generator: The only source of chance.
        changes_before: Of the columns, by failures before it.
        withdrawn: Loads that somebody withdraws: what comes again of them counts.
        removals: Rows that this failure keeps from coming.
    """

    feed: Feed
    rows: Rows
    day: int
    strength: int
    generator: np.random.Generator
    changes_before: Sequence[ColumnChange] = ()
    withdrawn: Collection[int] = ()
    changes: list[ColumnChange] = field(default_factory=list)
    publications: list[Publication] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    effect: Effect = field(default_factory=Effect)
    removals: list[Rows] = field(default_factory=list)

    def by_strength(self, mild: float, medium: float, severe: float) -> float:
        """One of three, by the strength."""
        return (mild, medium, severe)[self.strength]

    @property
    def removed(self) -> Rows:
        """All rows that this failure keeps from coming."""
        found: Rows = np.concatenate([self.rows[:0], *self.removals])
        return found

    # Which rows

    def is_there(self) -> Mask:
        """The rows that nobody takes away, and that the loader does not replace."""
        found: Mask = np.minimum(self.rows["gone"], replaced_at(self.feed, self.rows)) == NEVER
        return found

    def is_first(self) -> Mask:
        """The rows that are neither repeated nor corrected ones, and that are still there."""
        first = np.zeros(len(self.rows), dtype=bool)
        order = np.lexsort((self.rows["arrived"], self.rows["event"]))
        events = self.rows["event"][order]
        first[order[np.concatenate([[True], events[1:] != events[:-1]])]] = True
        is_first: Mask = first & self.is_there() & (self.rows["event"] > 0)
        return is_first

    def of_day(self, day: int | None = None, days: int = 1) -> Mask:
        """The rows of events of a day, the case's if none is named."""
        start = self.day if day is None else day
        return (self.rows["occurred"] >= start) & (self.rows["occurred"] < start + days * DAY)

    def of_hours(self, first: int, end: int) -> Mask:
        """The rows of events between two times."""
        return (self.rows["occurred"] >= first) & (self.rows["occurred"] < end)

    def loads(self, day: int | None = None, least: int = LOAD_ROWS) -> list[int]:
        """The batches that arrive in a day with at least so many rows, and not many less than the largest."""
        start = self.day if day is None else day
        mask = (self.rows["arrived"] >= start) & (self.rows["arrived"] < start + DAY)
        batches, counts = np.unique(self.rows["batch"][mask], return_counts=True)
        floor = max(least, 0.6 * int(counts.max())) if len(counts) else least
        return [
            int(batch)
            for batch, count in zip(batches, counts, strict=True)
            if count >= floor and batch < EVERY_BATCH and batch not in self.withdrawn
        ]

    def load(self, day: int | None = None, least: int = LOAD_ROWS) -> int:
        """One of `loads`."""
        found = self.loads(day, least)
        if not found:
            raise NothingToBreakError
        return int(self.generator.choice(found))

    def of_load(self, batch: int, following: int = 0) -> Mask:
        """The rows of a batch, and of some after it."""
        return (self.rows["batch"] >= batch) & (self.rows["batch"] <= batch + following)

    def some(self, mask: Mask, share: float) -> Mask:
        """A share of the rows, exactly, chosen by chance; at least one."""
        places = np.flatnonzero(mask)
        if not len(places):
            raise NothingToBreakError
        count = min(len(places), max(1, round(share * len(places))))
        chosen = np.zeros(len(self.rows), dtype=bool)
        chosen[self.generator.permutation(places)[:count]] = True
        return chosen

    # What becomes of them

    def add(self, rows: Rows) -> None:
        """More rows."""
        self.rows = np.concatenate([self.rows, rows])

    def remove(self, mask: Mask) -> Rows:
        """Rows that never come; returns them."""
        gone = self.rows[mask]
        self.rows = self.rows[~mask]
        self.removals.append(gone)
        return gone

    def remove_events(self, mask: Mask) -> Rows:
        """Rows that never come, with everything that is said of their events; returns them."""
        return self.remove(np.isin(self.rows["event"], np.unique(self.rows["event"][mask])))

    def new_events(self, count: int) -> npt.NDArray[np.int64]:
        """Ids of events that were not there."""
        return int(self.rows["event"].max()) + 1 + np.arange(count, dtype=np.int64)

    def new_batch(self) -> int:
        """The number of a batch that was not there."""
        return max(EVERY_BATCH, int(self.rows["batch"].max())) + 1

    def deliver(self, rows: Rows, ready: npt.NDArray[np.int64]) -> None:
        """Rows come with the loads that can have them."""
        arrive(self.feed, rows, ready)

    # What is said of it

    def concerns(
        self, *groups: Rows, first_bad: int | None = None, rows: int | None = None, **details: Any
    ) -> None:
        """Where it is: the events and the arrivals of rows. They are seen from their first arrival on, or a time."""
        concerned = np.concatenate(groups)
        if not len(concerned):
            raise NothingToBreakError
        occurred = concerned["occurred"][concerned["occurred"] != NO_TIME]
        if not len(occurred):
            occurred = concerned["arrived"]
        self.effect.occurred_from, self.effect.occurred_to = int(occurred.min()), int(occurred.max())
        self.effect.arrived_from = int(concerned["arrived"].min())
        self.effect.arrived_to = int(concerned["arrived"].max())
        self.effect.first_bad = self.effect.arrived_from if first_bad is None else first_bad
        self.effect.rows = len(groups[-1]) if rows is None else rows
        self.effect.details.update(details)

    def happens_at(self, time: int) -> None:
        """What is done to the table itself is seen, and dated, then."""
        self.effect.first_bad = self.effect.arrived_from = self.effect.arrived_to = time


#: Batches from this number on are no loads of the feed's own cadence.
EVERY_BATCH = 1_000_000
NOON = 12 * HOUR
__all__ = [
    "EVERY_BATCH",
    "LOAD_ROWS",
    "MISSING",
    "NOON",
    "Case",
    "ColumnChange",
    "Effect",
    "Mask",
    "Publication",
    "Withdrawal",
]
