"""Puts failures into healthy feeds, and keeps an exact list of what was put in.

The list says of each failure which detector must see it, what else it may set off, and where:
`forensics_lab.score` compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from dbt_forensics.errors import ForensicsError
from forensics_lab.breaking import (
    EVERY_BATCH,
    Case,
    ColumnChange,
    NothingToBreakError,
    Publication,
    Withdrawal,
)
from forensics_lab.document import Line
from forensics_lab.feeds import DAY, MINUTE, NEVER, Feed, Rows, in_order
from forensics_lab.kinds import (
    COLUMN_KINDS,
    KINDS,
    PASSING,
    PUBLISHED_KINDS,
    REMOVING,
    REPAIRS,
    REPEATING,
    STORY_KINDS,
    Kind,
)
from forensics_lab.lasting import moment
from forensics_lab.repairs import COMING

SEVERITIES = ("mild", "medium", "severe")
_SEVERITY_NAMES = ("low", "medium", "high", "critical")


@dataclass(frozen=True)
class Order:
    """What to put where.

    Attributes:
        kind: A key of `forensics_lab.kinds.KINDS`.
        severity: One of `SEVERITIES`.
        feed: The name of the feed.
        day: On which day of the feed, from 0.
        repaired: So many days later it is repaired; 0 if never, or by itself.
    """

    kind: str
    severity: str
    feed: str
    day: int
    repaired: int = 0


@dataclass(frozen=True)
class Injection:
    """A failure that was put in: a line of the manifest. Times are UTC, as text.

    Attributes:
        kind: What was put in.
        severity: mild, medium or severe.
        feed: Into which feed.
        detector: Which detector must see it.
        consequences: Detectors that may see it too.
        expected_severity: Of the detection.
        window_from: The first window with rows concerned.
        window_to: The end of the last one.
        arrived_from: The first time at which something concerned arrived, or should have.
        arrived_to: The last one.
        first_bad_at: From when on the table shows it.
        rows: How many rows are concerned.
        details: What else is known of it.
        repair: How it ended: `passes`, or what a repair did; empty if it never did.
        repaired_at: When; None if never.
    """

    kind: str
    severity: str
    feed: str
    detector: str
    consequences: tuple[str, ...]
    expected_severity: str
    window_from: str
    window_to: str
    arrived_from: str
    arrived_to: str
    first_bad_at: str
    rows: int
    details: dict[str, object]
    repair: str = ""
    repaired_at: str | None = None

    def as_json(self) -> Line:
        """The line for a file."""
        return asdict(self)


@dataclass(frozen=True)
class Broken:
    """A feed with failures in it.

    Attributes:
        feed: The feed.
        rows: Its rows.
        changes: Of its columns, in the order of time.
        injections: What was put in.
        publications: What a model shows of it that is not so.
        withdrawals: What somebody does with its loads.
    """

    feed: Feed
    rows: Rows
    changes: list[ColumnChange] = field(default_factory=list)
    injections: list[Injection] = field(default_factory=list)
    publications: list[Publication] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)


def inject(healthy: Broken, orders: Iterable[Order], seed: int) -> Broken:
    """Puts failures into a feed, one after the other.

    Args:
        healthy: The feed, which stays as it is, with what was put in before.
        orders: What to put in. Those of other feeds are left out, and what a feed cannot have, such as a load that is
            cut off where all loads are small.
        seed: The same seed puts in the same.

    Raises:
        ForensicsError: There is no such kind or severity, or the day is not in the feed.
    """
    feed, found = healthy.feed, healthy
    mine = [order for order in orders if order.feed == feed.name]
    for order in sorted(mine, key=_turn):
        kind = _checked(order, feed)
        case = Case(
            feed,
            found.rows.copy(),
            order.day * DAY,
            SEVERITIES.index(order.severity),
            _generator(seed, order),
            found.changes,
            {one.batch for one in found.withdrawals},
        )
        try:
            kind.put(case)
            _repair(case, order, found.rows)
        except NothingToBreakError:
            continue
        found = replace(
            found,
            rows=in_order(case.rows),
            changes=sorted([*found.changes, *case.changes], key=lambda change: change.at),
            injections=[*found.injections, _line(kind, order, case)],
            publications=[*found.publications, *case.publications],
            withdrawals=[*found.withdrawals, *case.withdrawals],
        )
    return found


def plan(feeds: Sequence[Feed], seed: int, first_day: int, clean: int = 1, gap: int = 2) -> list[Order]:
    """What to put into feeds so that every kind is there at medium severity, and some mild, severe and overlapping.

    Args:
        feeds: The feeds; the last `clean` stay as they are.
        seed: The same seed plans the same.
        first_day: On which something may happen; what is usual is known by then.
        clean: How many feeds have nothing wrong.
        gap: Days from one failure of a feed to the next.
    """
    generator = np.random.default_rng([seed, 11])
    broken = list(feeds[: len(feeds) - clean])
    if not broken:
        return []
    days = list(range(first_day, min(feed.days for feed in broken) - 2, gap))
    free = [(feed, day) for feed in broken for day in days[:-1]]
    free = [free[place] for place in generator.permutation(len(free))]
    orders: list[Order] = []

    def put(name: str, severity: str, places: Sequence[tuple[Feed, int]]) -> bool:
        for feed, day in places:
            is_there = any(order.kind == name and order.feed == feed.name for order in orders)
            if KINDS[name].suits(feed, day) and not (is_there and name in COLUMN_KINDS):
                orders.append(Order(name, severity, feed.name, day))
                if (feed, day) in free:
                    free.remove((feed, day))
                return True
        return False

    told = PUBLISHED_KINDS | STORY_KINDS
    of_feeds = [name for name, kind in KINDS.items() if not kind.ends and name not in told]
    lasting = [str(name) for name in generator.permutation(of_feeds)]
    # A fifth of the places is for what is mild or severe, another kind with each seed.
    for name in [name for name in lasting if name not in COLUMN_KINDS][: max(2, len(free) // 5)]:
        put(name, SEVERITIES[int(generator.choice([0, 2]))], free)
    # What needs large loads chooses first: not every feed has them.
    for name in sorted(lasting, key=lambda name: sum(KINDS[name].suits(feed, day) for feed, day in free)):
        put(name, "medium", free)
    staying = [order for order in orders if order.kind not in REMOVING]
    for order in staying[:: max(4, len(staying) // 4)]:
        feed = next(feed for feed in broken if feed.name == order.feed)
        known = {KINDS[order.kind].detector, *KINDS[order.kind].consequences}
        others = [name for name in lasting if name not in REMOVING and KINDS[name].detector not in known]
        for name in generator.permutation(others):
            if put(str(name), "medium", [(feed, order.day)]):
                break
    for place, (name, kind) in enumerate(KINDS.items()):
        if kind.ends:
            orders.append(Order(name, "medium", broken[(seed + place) % len(broken)].name, days[-1]))
    # What a model shows is wrong beside whatever happens to its feed.
    for name, day in zip(sorted(PUBLISHED_KINDS), generator.permutation(days[:-1]), strict=False):
        severity = SEVERITIES[int(generator.choice(3, p=[0.1, 0.8, 0.1]))]
        orders.append(Order(name, severity, broken[seed % len(broken)].name, int(day)))
    # Half of what can be repaired is, after a day or some.
    waits = np.random.default_rng([seed, 13]).integers(0, 6, len(orders))
    return [
        replace(order, repaired=int(wait) - 2 if wait > 2 else 0) if order.kind in REPAIRS else order
        for order, wait in zip(orders, waits, strict=True)
    ]


def _turn(order: Order) -> tuple[bool, int, bool, bool]:
    """Day by day, columns before the loads and what repeats these last; and at the end what is shown of all that."""
    return (
        order.kind in PUBLISHED_KINDS,
        order.day,
        order.kind in REPEATING,
        order.kind not in COLUMN_KINDS,
    )


def _checked(order: Order, feed: Feed) -> Kind:
    if order.kind not in KINDS:
        raise ForensicsError(f"There is no kind {order.kind}: give one of {', '.join(KINDS)}.")
    if order.severity not in SEVERITIES:
        raise ForensicsError(f"There is no severity {order.severity}: give one of {', '.join(SEVERITIES)}.")
    if not 0 < order.day < feed.days - 1:
        raise ForensicsError(f"Day {order.day} is not within {feed.name}: give 1 to {feed.days - 2}.")
    return KINDS[order.kind]


def _repair(case: Case, order: Order, before: Rows) -> None:
    """Ends a failure: by a repair, or when the last of it has come. What is shown of a feed knows its end."""
    effect = case.effect
    if order.kind in PUBLISHED_KINDS:
        ends = [wrong.until for wrong in case.publications if wrong.until != NEVER]
        effect.repaired, effect.repair = (max(ends), "shown rightly") if ends else (None, "")
    elif 0 < order.repaired < case.feed.days - 1 - order.day and order.kind in REPAIRS:
        # A minute later than what happens to tables: neither can be taken for the other, or for a load.
        REPAIRS[order.kind](case, before, moment(case, case.day + order.repaired * DAY) + MINUTE)
    elif order.kind in PASSING:
        effect.repaired, effect.repair = effect.arrived_to, "passes"


def _generator(seed: int, order: Order) -> np.random.Generator:
    words = f"{order.kind}/{order.severity}/{order.feed}/{order.day}".encode()
    return np.random.default_rng([seed, 12, *words])


def _line(kind: Kind, order: Order, case: Case) -> Injection:
    feed, effect = case.feed, case.effect
    steps = 1 if effect.is_worse else 0
    at = _SEVERITY_NAMES.index(effect.severity or kind.severity) + steps
    first_window = effect.occurred_from // feed.window_seconds
    end = effect.occurred_to // feed.window_seconds + 1
    coming = COMING if effect.repair in ("the rows come", "corrected") else frozenset()
    return Injection(
        kind=order.kind,
        severity=order.severity,
        feed=feed.name,
        detector=kind.detector,
        consequences=tuple(sorted((kind.accounts_for | coming) - {kind.detector})),
        expected_severity=_SEVERITY_NAMES[min(at, 3)],
        window_from=str(feed.time(first_window * feed.window_seconds)),
        window_to=str(feed.time(end * feed.window_seconds)),
        arrived_from=str(feed.time(effect.arrived_from)),
        arrived_to=str(feed.time(effect.arrived_to)),
        first_bad_at=str(feed.time(effect.first_bad)),
        rows=effect.rows,
        details=effect.details,
        repair=effect.repair,
        repaired_at=None if effect.repaired is None else str(feed.time(effect.repaired)),
    )


__all__ = ["EVERY_BATCH", "SEVERITIES", "Broken", "Injection", "Order", "inject", "plan"]
