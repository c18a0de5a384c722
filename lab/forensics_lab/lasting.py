"""Failures that last until somebody repairs them, and what happens to whole tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from forensics_lab.breaking import NOON, Case, NothingToBreakError
from forensics_lab.feeds import DAY, HOUR, MINUTE, MISSING, NEVER, Rows, replaced_at


def moment(case: Case, day: int) -> int:
    """When something is done to a table: at noon, or with the day's load where each load makes the table again."""
    if case.feed.writes != "replace":
        return day + NOON
    times = case.feed.load_times()
    return int(times[np.searchsorted(times, day)]) + MINUTE


def bad_push(case: Case) -> None:
    """The table is replaced by another file."""
    at = moment(case, case.day)
    there = (case.rows["visible"] < at) & case.is_there()
    is_other = case.some(there, case.by_strength(0.3, 0.7, 1))
    other = case.rows[is_other]
    case.rows["gone"][is_other] = at
    new = other.copy()
    new["event"] = case.new_events(len(new))
    new["seq"] = MISSING
    new["cents"] += 300
    new["gone"] = NEVER
    new["arrived"] = new["visible"] = at
    new["batch"] = case.new_batch()
    case.add(new)
    case.concerns(other)
    case.happens_at(at)


def writes_undeclared(case: Case) -> None:
    """The stream is said to be written otherwise than it is."""
    if case.feed.declares in ("", case.feed.writes):
        raise NothingToBreakError
    moved_at = replaced_at(case.feed, case.rows)
    moves = (moved_at >= case.day) & (moved_at < NEVER)
    case.concerns(case.rows[moves])
    case.happens_at(int(moved_at[moves].min()))
    case.effect.arrived_to = int(moved_at[moves].max())


def feed_dies(case: Case) -> None:
    """Nothing comes any more."""
    first = case.day + 6 * HOUR
    gone = case.remove(case.rows["arrived"] >= first)
    case.concerns(gone[gone["occurred"] >= first - case.feed.load_hours * HOUR])


def tenant_gone(case: Case) -> None:
    """One of several tenants is not in the feed any more."""
    if not case.feed.tenants:
        raise NothingToBreakError
    first = case.day + 6 * HOUR
    is_theirs = (case.rows["entity"] % case.feed.tenants == 0) & (case.rows["arrived"] >= first)
    case.concerns(case.remove(is_theirs))


def deltas_reset(case: Case) -> None:
    """Changes come that set many settled days to nothing."""
    days = round(case.by_strength(8, 25, 60))
    first = case.day - (case.feed.allowed_lateness_days + 3 + days) * DAY
    arrived = moment(case, case.day)
    number = case.rows["occurred"] // DAY
    changes = []
    for day in range(first // DAY, first // DAY + days):
        rows = case.rows[(number == day) & (case.rows["gone"] == NEVER) & (case.rows["arrived"] < arrived)]
        if len(rows):
            change = rows[:1].copy()
            change["cents"] = -int(rows["cents"].sum())
            changes.append(change)
    new = np.concatenate(changes)
    new["event"] = case.new_events(len(new))
    new["seq"] = MISSING
    new["arrived"] = new["visible"] = arrived
    new["batch"] = case.new_batch()
    case.add(new)
    case.concerns(new)


def clock_stepped(case: Case) -> None:
    """From one hour to the next the source's clock is another one, as when summer time begins."""
    hours = int(case.generator.choice([1, -1] if case.strength == 0 else [2, -2, 3]))
    is_moved = case.rows["arrived"] >= case.day + 8 * HOUR
    _changes(case, is_moved, hours=hours)["occurred"][is_moved] += hours * HOUR


def clock_always_wrong(case: Case) -> None:
    """Local time was labelled UTC from the first row on."""
    hours = round(case.by_strength(-2, -7, -11))
    everything = np.ones(len(case.rows), dtype=bool)
    _changes(case, everything, hours=hours)["occurred"] += hours * HOUR


def delays_spread(case: Case) -> None:
    """Rows take longer, and some much longer: no clock is wrong."""
    span = (case.rows["arrived"] >= case.day) & (case.rows["arrived"] < case.day + 3 * DAY)
    held = case.rows[span]
    again = held.copy()
    longest = round(case.by_strength(6, 20, 40)) * HOUR
    case.deliver(again, held["arrived"] + case.generator.integers(0, longest, len(held)))
    case.rows[span] = again
    case.rows = case.rows[case.rows["batch"] != case.feed.loads]
    case.concerns(held, again)


def unit_changed(case: Case) -> None:
    """Amounts come in cents instead of dollars."""
    is_wrong = case.rows["arrived"] >= case.day + 6 * HOUR
    _changes(case, is_wrong)["cents"][is_wrong] *= 100


def values_higher(case: Case) -> None:
    """Amounts are higher from a day on, and stay so."""
    is_new = case.rows["occurred"] >= case.day
    rows = _changes(case, is_new)
    rows["cents"][is_new] = (rows["cents"][is_new] * case.by_strength(1.2, 1.7, 4)).astype(np.int64)


def values_spike(case: Case) -> None:
    """Amounts of one window are many times what they are."""
    is_new = case.of_hours(case.day, case.day + DAY)
    _changes(case, is_new)["cents"][is_new] *= round(case.by_strength(2, 5, 20))


def values_flat(case: Case) -> None:
    """Each day has the same total."""
    days = round(case.by_strength(2, 4, 7))
    is_first = case.is_first()
    case.remove(~is_first & case.of_day(days=days))
    for day in range(case.day, case.day + days * DAY, DAY):
        places = np.flatnonzero(case.of_day(day))
        if not len(places):
            raise NothingToBreakError
        total = case.feed.rows_a_day * 3000
        case.rows["cents"][places] = total // len(places)
        case.rows["cents"][places[0]] += total % len(places)
    case.concerns(case.rows[case.of_day(days=days)])


def _changes(case: Case, mask: np.ndarray, **details: Any) -> Rows:
    """The rows, to change those of a mask in place: all that come or happen there are concerned."""
    if not mask.any():
        raise NothingToBreakError
    case.concerns(case.rows[mask], **details)
    return case.rows
