"""The kinds of failure: what each does to a feed, which detector must see it, what else it may set off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forensics_lab import lasting, repairs
from forensics_lab.breaking import (
    LOAD_ROWS,
    NOON,
    Case,
    ColumnChange,
    NothingToBreakError,
    Publication,
    Withdrawal,
)
from forensics_lab.feeds import DAY, HOUR, MINUTE, MISSING, NEVER, NO_TIME, Feed, Rows
from forensics_lab.package import DETECTORS

MOVED_METRICS = frozenset({"metric_anomaly", "level_shift"})


@dataclass(frozen=True)
class Kind:
    """A kind of failure.

    Attributes:
        detector: Which must see it.
        severity: Of the detection, as the detector has it by default.
        put: Puts it in.
        consequences: Detectors that may see it too, with the reason in docs/lab.md.
        suits: Whether a feed can have it on a day, by how it is.
        ends: After it the feed is not what it was: it comes last.
    """

    detector: str
    severity: str
    put: Callable[[Case], None]
    consequences: frozenset[str] = frozenset()
    suits: Callable[[Feed, int], bool] = lambda feed, day: True
    ends: bool = False

    @property
    def accounts_for(self) -> frozenset[str]:
        """The detectors that may see it: with the number of rows, or with what was settled, the metric moves."""
        seen = self.consequences | {self.detector}
        return seen | MOVED_METRICS if seen & {"volume_anomaly", "settled_window_restated"} else seen

    @property
    def is_looked_for(self) -> bool:
        """Whether the package has the detector."""
        return self.detector in DETECTORS


def _loads_are_large(feed: Feed, day: int) -> bool:
    """Those of the busy hours at least."""
    return feed.rows_a_load(day) >= LOAD_ROWS


def _numbers(rows: Rows) -> Rows:
    found = rows.copy()
    found["gone"] = NEVER
    return found


# Rows that come again


def _duplicates(case: Case) -> None:
    batch = case.load()
    again = _numbers(case.rows[case.is_first() & case.of_load(batch - 1)])
    target = case.rows[case.of_load(batch)]
    count = round(case.by_strength(0.4, 0.8, 3) * len(target))
    again = again[case.generator.integers(0, len(again), count)]
    for column in ("batch", "arrived", "visible"):
        again[column] = target[column][0]
    case.add(again)
    case.concerns(again)
    case.effect.is_worse = case.strength == 2


def _conflicts(case: Case) -> None:
    batch = case.load()
    again = _numbers(
        case.rows[case.some(case.is_first() & case.of_load(batch), case.by_strength(0.2, 0.4, 1))]
    )
    again["cents"] += 500
    case.add(again)
    case.concerns(again)


def _repeated(case: Case, days_before: int) -> None:
    today = case.load()
    batch = case.load(case.day - days_before * DAY) if days_before else today
    copies = round(case.by_strength(1, 1, 3))
    at = int(case.rows["arrived"][case.of_load(today)][0]) + 20 * MINUTE
    added = []
    for copy in range(copies):
        again = _numbers(case.rows[case.of_load(batch - copy) & (case.rows["gone"] == NEVER)])
        again["batch"] = case.new_batch() + copy
        again["arrived"] = again["visible"] = at + copy * MINUTE
        added.append(again)
    case.add(np.concatenate(added))
    case.concerns(np.concatenate(added))


# Rows that come at another time


def _late(case: Case) -> None:
    first, end = case.day, case.day + DAY
    if case.feed.window == "hour":
        first = case.day + int(case.generator.integers(6, 14)) * HOUR
        end = first + 6 * HOUR
    is_held = case.some(case.is_first() & case.of_hours(first, end), case.by_strength(0.3, 0.55, 0.9))
    held = case.rows[is_held]
    at = end + case.feed.deadline_seconds + 10 * MINUTE + (DAY if case.strength == 2 else 0)
    again = held.copy()
    again["arrived"] = again["visible"] = np.maximum(again["arrived"], at)
    again["batch"] = case.new_batch()
    case.rows[is_held] = again
    case.concerns(held, again, first_bad=at)
    case.effect.is_worse = case.strength >= 1


def _out_of_order(case: Case) -> None:
    delay = max(4 * HOUR, case.feed.load_hours * HOUR)
    span = case.of_hours(case.day, case.day + (DAY if case.feed.window == "day" else 12 * HOUR))
    is_held = case.some(case.is_first() & span, case.by_strength(0.3, 0.5, 0.5))
    held = case.rows[is_held]
    again = held.copy()
    case.deliver(again, held["arrived"] + delay)
    case.rows[is_held] = again
    case.concerns(held, again)


def _held_up(case: Case) -> None:
    load = case.feed.load_hours
    hours = round(case.by_strength(max(5, 3 * load), max(12, 5 * load), 30))
    first = case.day + 6 * HOUR
    arrived = case.rows["arrived"]
    is_held = (arrived >= first) & (arrived < first + hours * HOUR)
    held = case.rows[is_held]
    again = held.copy()
    case.deliver(again, np.full(len(held), first + hours * HOUR))
    case.rows[is_held] = again
    case.concerns(held, again)


# Times that are wrong


def _skew(case: Case) -> None:
    batch = case.load()
    is_ahead = case.some(case.is_first() & case.of_load(batch), case.by_strength(0.12, 0.3, 0.7))
    before = case.rows[is_ahead]
    ahead = before.copy()
    ahead["occurred"] = ahead["arrived"] + case.generator.integers(HOUR, 5 * HOUR, len(ahead))
    case.rows[is_ahead] = ahead
    case.concerns(ahead)
    case.effect.is_worse = case.strength == 2


def _offset(case: Case) -> None:
    hours = int(case.generator.choice([2, 3, -5, -7])) if case.strength else 1
    if case.strength == 2:
        hours = int(case.generator.choice([8, -8]))
    first = case.day + int(case.generator.integers(6, 10)) * HOUR
    lasts = round(case.by_strength(4, 10, 24)) * HOUR
    is_moved = (case.rows["arrived"] >= first) & (case.rows["arrived"] < first + lasts)
    before = case.rows[is_moved]
    moved = before.copy()
    moved["occurred"] += hours * HOUR
    case.rows[is_moved] = moved
    case.concerns(before, moved, hours=hours)


# Rows that never come


def _no_window(case: Case) -> None:
    count = (
        round(case.by_strength(1, 1, 3)) if case.feed.window == "hour" else round(case.by_strength(1, 1, 2))
    )
    first = case.day + (int(case.generator.integers(8, 18)) * HOUR if case.feed.window == "hour" else 0)
    if case.feed.window == "day" and case.strength == 2:
        first -= DAY
    gone = case.remove_events(case.of_hours(first, first + count * case.feed.window_seconds))
    case.concerns(gone)
    case.effect.is_worse = count >= 3


def _partial(case: Case) -> None:
    batch = case.load()
    gone = case.remove_events(
        case.some(case.is_first() & case.of_load(batch), case.by_strength(0.6, 0.85, 0.97))
    )
    case.concerns(gone)


def _lost(case: Case) -> None:
    gone = case.remove_events(case.some(case.is_first() & case.of_day(), case.by_strength(0.05, 0.15, 0.35)))
    case.concerns(gone)


def _few(case: Case) -> None:
    hours = 24 if case.feed.window == "day" else 4
    first = case.day + (0 if hours == 24 else case.feed.peak_hour * HOUR - 2 * HOUR)
    span = case.is_first() & case.of_hours(first, first + hours * HOUR)
    case.concerns(case.remove_events(case.some(span, case.by_strength(0.5, 0.75, 0.92))))


def _many(case: Case) -> None:
    hours = 24 if case.feed.window == "day" else 4
    first = case.day + (0 if hours == 24 else case.feed.peak_hour * HOUR - 2 * HOUR)
    usual = _numbers(case.rows[case.is_first() & case.of_hours(first, first + hours * HOUR)])
    more = np.concatenate([usual] * 5)[: round(case.by_strength(1.1, 2, 5) * len(usual))]
    more["event"] = case.new_events(len(more))
    more["seq"] = MISSING
    case.add(more)
    case.concerns(more)


# Values that are wrong


def _nulls(case: Case) -> None:
    # Of a column that is gone nothing can be missing, and one with a new name is too new to tell.
    moved = {change.role for change in case.changes_before if change.change in ("dropped", "renamed")}
    role = str(case.generator.choice([role for role in ("note", "channel", "code") if role not in moved]))
    following = case.strength
    batch = case.load()
    is_empty = case.some(case.of_load(batch, following) & case.is_first(), case.by_strength(0.4, 0.45, 1))
    rows = case.rows[is_empty]
    case.rows[role][is_empty] = MISSING
    case.concerns(rows, column=case.feed.columns[role])
    case.effect.is_worse = case.strength == 2


def _negative(case: Case) -> None:
    is_wrong = case.some(case.is_first() & case.of_load(case.load()), case.by_strength(0.15, 0.3, 0.8))
    rows = case.rows[is_wrong]
    case.rows["cents"][is_wrong] = -100
    case.concerns(rows)
    case.effect.is_worse = case.strength == 2


def _cents(case: Case) -> None:
    """Amounts of a day's loads are a hundred times what they were."""
    day = case.is_first() & (case.rows["arrived"] >= case.day) & (case.rows["arrived"] < case.day + DAY)
    is_other = case.some(day, case.by_strength(0.3, 1, 1))
    rows = case.rows[is_other]
    case.rows["cents"][is_other] *= 100
    case.concerns(rows)


def _unreadable(case: Case) -> None:
    is_wrong = case.some(case.is_first() & case.of_load(case.load()), case.by_strength(0.15, 0.3, 0.7))
    rows = case.rows[is_wrong]
    case.rows["occurred"][is_wrong] = NO_TIME
    case.concerns(rows)
    case.effect.is_worse = case.strength == 2


def _hot(case: Case) -> None:
    batch = case.load()
    target = _numbers(case.rows[case.is_first() & case.of_load(batch)])
    share = case.by_strength(0.35, 0.43, 0.85)
    count = round(len(target) * share / (1 - share))
    flood = target[case.generator.integers(0, len(target), count)]
    flood["event"] = case.new_events(count)
    flood["entity"] = case.feed.entities + 77
    flood["seq"] = MISSING
    case.add(flood)
    case.concerns(flood)
    case.effect.is_worse = case.strength == 2


def _error_page(case: Case) -> None:
    """What came instead of a load: lines of something else."""
    batch = case.load()
    gone = case.remove(case.of_load(batch))
    page = _numbers(gone[: min(len(gone), round(case.by_strength(3, 20, 60)))])
    for role in ("event", "entity", "seq", "cents", "note", "channel", "code"):
        page[role] = MISSING
    page["version"] = 0
    page["occurred"] = NO_TIME
    page["batch"], page["arrived"], page["visible"] = batch, gone["arrived"][0], gone["arrived"][0]
    case.add(page)
    case.concerns(gone, page)


# Columns


def _at_night(case: Case) -> int:
    return case.day + 2 * HOUR + 30 * MINUTE


def _change_of_columns(change: str, roles: tuple[str, ...], to: str = "") -> Callable[[Case], None]:
    def put(case: Case) -> None:
        role = str(case.generator.choice(np.array(roles)))
        at = _at_night(case)
        case.changes.append(ColumnChange(at, change, role, to))
        # What arrived since the build before it is recorded with the new columns.
        case.concerns(case.rows[case.of_hours(at - DAY, at)], column=case.feed.columns.get(role, to))
        case.happens_at(at)
        case.effect.arrived_from = at - DAY
        case.effect.severity = {"added": "low", "renamed": "medium"}.get(change, "high")

    return put


def _version(case: Case) -> None:
    first = int(case.rows["arrived"][case.of_load(case.load())][0])
    lasts = case.by_strength(2 * HOUR, 400 * DAY, 400 * DAY)
    is_new = (case.rows["arrived"] >= first) & (case.rows["arrived"] < first + lasts)
    case.rows["version"][is_new] = case.rows["version"].max() + 1
    case.concerns(case.rows[is_new & (case.rows["arrived"] < first + DAY)], rows=int(is_new.sum()))


# History


def _old_load(case: Case, days_before: int) -> Rows:
    is_first = case.is_first()
    whole = is_first & case.of_load(case.load(case.day - days_before * DAY))
    return case.some(whole, case.by_strength(0.1, 0.6, 1))


def _rewritten(case: Case) -> None:
    at = case.day + NOON
    is_old = _old_load(case, 1)
    new = case.rows[is_old]
    case.rows["gone"][is_old] = at
    new["visible"] = at
    new["cents"] += 700
    case.add(new)
    case.concerns(new)
    case.happens_at(at)


def _deleted(case: Case) -> None:
    at = case.day + NOON
    is_gone = _old_load(case, int(case.generator.integers(1, 9)))
    case.rows["gone"][is_gone] = at
    case.concerns(case.rows[is_gone])
    case.happens_at(at)


def _inserted(case: Case) -> None:
    at = case.day + NOON
    new = _numbers(case.rows[_old_load(case, int(case.generator.integers(2, 9)))])
    new["event"] = case.new_events(len(new))
    new["seq"] = MISSING
    new["visible"] = at
    case.add(new)
    case.concerns(new)
    case.happens_at(at)


def _truncated(case: Case) -> None:
    at = case.day + NOON
    there = (case.rows["visible"] < at) & case.is_there()
    last = np.quantile(case.rows["arrived"][there], case.by_strength(0.55, 0.7, 1))
    is_gone = there & (case.rows["arrived"] <= last)
    case.rows["gone"][is_gone] = at
    case.concerns(case.rows[is_gone])
    case.happens_at(at)


def _restated(case: Case) -> None:
    """Rows of a settled day come, far too late."""
    day = case.day - (case.feed.allowed_lateness_days + int(case.generator.integers(3, 7))) * DAY
    span = case.is_first() & case.of_hours(
        day, day + case.feed.window_seconds if case.feed.window == "day" else day + DAY
    )
    new = _numbers(case.rows[case.some(span, case.by_strength(0.12, 0.3, 0.8))])
    new["event"] = case.new_events(len(new))
    new["seq"] = MISSING
    new["batch"] = case.new_batch()
    new["arrived"] = new["visible"] = case.day + 10 * HOUR + 20 * MINUTE
    case.add(new)
    case.concerns(new)


# What people do


def _into_action(case: Case) -> None:
    """A load of the day before is withdrawn, and before anybody has verified that, more rows come into its windows."""
    batch = case.load(case.day - DAY)
    is_old = case.of_load(batch)
    case.withdrawals.append(Withdrawal(case.day + 10 * HOUR, batch, int(case.rows["arrived"][is_old][0])))
    new = _numbers(case.rows[case.some(case.is_first() & is_old, case.by_strength(0.3, 0.6, 1))])
    new["event"] = case.new_events(len(new))
    new["seq"] = MISSING
    new["batch"] = case.new_batch()
    new["arrived"] = new["visible"] = case.day + 14 * HOUR + 20 * MINUTE
    case.add(new)
    case.concerns(new)


# What a model of the feed shows


def _publishes(case: Case, first: int, end: int, wrong: Publication) -> None:
    case.concerns(case.rows[case.of_hours(first, end)])
    case.publications.append(wrong)
    case.happens_at(wrong.at)


def _edited(case: Case) -> None:
    """Values that had been shown rightly are overwritten by hand."""
    first = case.day - 2 * DAY + (0 if case.feed.window == "day" else 9 * HOUR)
    end = first + (DAY if case.feed.window == "day" else 6 * HOUR)
    percent = round(case.by_strength(105, 130, 300))
    _publishes(case, first, end, Publication(case.day + NOON, NEVER, first, end, percent))


def _stale(case: Case) -> None:
    """The model is not run for two days: it shows what had arrived when it was run last."""
    at = case.day + round(case.by_strength(20, 6, 1)) * HOUR
    end = case.day + 2 * DAY
    arrived = case.rows["arrived"]
    if not (case.of_hours(case.day, end) & (arrived > at) & (arrived <= at + DAY)).any():
        raise NothingToBreakError  # nothing came that it could have shown
    _publishes(case, case.day, end, Publication(at, at + 2 * DAY, case.day, end, seen_to=at))


_LOSS = frozenset({"sequence_gap", "partial_batch", "volume_anomaly", "missing_window"})
_MOVED = frozenset(
    {"out_of_order_surge", "clock_skew", "late_surge", "volume_anomaly", "sequence_gap", "missing_window"}
)
KINDS = {
    "retry_storm": Kind("duplicate_storm", "medium", _duplicates, frozenset(), _loads_are_large),
    "conflicting_rows": Kind(
        "conflicting_duplicates",
        "high",
        _conflicts,
        frozenset(),
        lambda feed, day: feed.on_conflict == "first_wins" and _loads_are_large(feed, day),
    ),
    "load_repeated": Kind(
        "repeated_batch",
        "medium",
        lambda case: _repeated(case, 0),
        frozenset({"duplicate_storm", "conflicting_duplicates"}),
        _loads_are_large,
    ),
    "stale_file": Kind(
        "repeated_batch",
        "medium",
        lambda case: _repeated(case, 3),
        frozenset({"duplicate_storm", "out_of_order_surge", "late_surge", "conflicting_duplicates"}),
        _loads_are_large,
    ),
    "held_back": Kind(
        "late_surge",
        "medium",
        _late,
        frozenset({"out_of_order_surge", "freshness"}) | _LOSS,
    ),
    "out_of_order": Kind(
        "out_of_order_surge",
        "low",
        _out_of_order,
        frozenset({"late_surge", "partial_batch", "sequence_gap", "volume_anomaly"}),
        lambda feed, day: feed.rows_a_day >= 20 * feed.entities,
    ),
    "clocks_ahead": Kind("clock_skew", "medium", _skew, frozenset({"out_of_order_surge"}), _loads_are_large),
    "local_time": Kind(
        "constant_offset",
        "high",
        _offset,
        _MOVED,
        lambda feed, day: feed.load_hours <= 2 and feed.late_share <= 0.02 and feed.rows_a_load(day) >= 40,
    ),
    "window_lost": Kind("missing_window", "high", _no_window, frozenset({"freshness"}) | _LOSS),
    "load_cut_off": Kind("partial_batch", "medium", _partial, _LOSS, _loads_are_large),
    # A gap shows when the entity's next event comes: where that takes days, nothing can see it at the next build.
    "rows_lost": Kind(
        "sequence_gap", "high", _lost, _LOSS, lambda feed, day: feed.rows_a_day >= 2 * feed.entities
    ),
    "few_rows": Kind("volume_anomaly", "medium", _few, frozenset({"freshness"}) | _LOSS),
    "many_rows": Kind("volume_anomaly", "medium", _many, frozenset({"out_of_order_surge"})),
    "no_values": Kind("null_spike", "high", _nulls, frozenset(), _loads_are_large),
    "out_of_range": Kind(
        "value_out_of_range", "high", _negative, frozenset({"metric_anomaly"}), _loads_are_large
    ),
    "other_unit": Kind(
        "distribution_shift", "high", _cents, frozenset({"metric_anomaly", "level_shift"}), _loads_are_large
    ),
    "no_times": Kind(
        "unparseable_payload",
        "high",
        _unreadable,
        frozenset({"sequence_gap", "wrong_shape_load", "volume_anomaly"}),
        _loads_are_large,
    ),
    "one_entity": Kind(
        "hot_entity",
        "low",
        _hot,
        frozenset({"volume_anomaly"}),
        lambda feed, day: feed.entities >= 30 and _loads_are_large(feed, day),
    ),
    "feed_stopped": Kind(
        "freshness",
        "high",
        _held_up,
        frozenset({"late_surge", "out_of_order_surge", "hot_entity"}) | _LOSS,
    ),
    "column_added": Kind("schema_drift", "low", _change_of_columns("added", ("extra",), "extra")),
    "column_dropped": Kind("schema_drift", "high", _change_of_columns("dropped", ("note",))),
    "column_renamed": Kind(
        "schema_drift", "medium", _change_of_columns("renamed", ("channel",), "channel_v2")
    ),
    "column_retyped": Kind("schema_drift", "high", _change_of_columns("retyped", ("code",), "varchar")),
    "new_version": Kind("schema_drift", "medium", _version, frozenset(), _loads_are_large),
    "error_page": Kind(
        "wrong_shape_load",
        "high",
        _error_page,
        frozenset({"unparseable_payload", "null_spike", "freshness"}) | _LOSS,
        _loads_are_large,
    ),
    "load_rewritten": Kind(
        "history_rewritten",
        "high",
        _rewritten,
        frozenset(),
        _loads_are_large,
    ),
    "load_deleted": Kind(
        "history_deleted", "high", _deleted, frozenset({"settled_window_restated"}), _loads_are_large
    ),
    "rows_slipped_in": Kind(
        "history_inserted",
        "medium",
        _inserted,
        frozenset({"settled_window_restated", "volume_anomaly"}),
        _loads_are_large,
    ),
    "settled_day_restated": Kind(
        "settled_window_restated",
        "high",
        _restated,
        frozenset({"late_surge", "out_of_order_surge", "volume_anomaly"}),
    ),
    "load_into_action": Kind(
        "unsafe_backfill",
        "high",
        _into_action,
        frozenset({"late_surge", "out_of_order_surge", "volume_anomaly"}),
        lambda feed, day: _loads_are_large(feed, day - 1),
    ),
    "table_truncated": Kind(
        "truncated_source",
        "critical",
        _truncated,
        frozenset({"settled_window_restated", "history_deleted"}),
        ends=True,
    ),
    "value_edited": Kind("unexplained_change", "critical", _edited, frozenset({"metric_mismatch"})),
    "model_not_run": Kind("metric_mismatch", "high", _stale, frozenset({"unexplained_change"})),
    # What follows is only in stories (forensics_lab.natures): it lasts, or concerns the whole table.
    "bad_push": Kind(
        "truncated_source",
        "critical",
        lasting.bad_push,
        frozenset(
            {
                "settled_window_restated",
                "history_deleted",
                "history_inserted",
                "history_rewritten",
                "volume_anomaly",
                "sequence_gap",
            }
        ),
    ),
    "writes_undeclared": Kind(
        "undeclared_writes",
        "low",
        lasting.writes_undeclared,
        frozenset(),
        lambda feed, day: feed.declares not in ("", feed.writes),
    ),
    "feed_dies": Kind("freshness", "high", lasting.feed_dies, _LOSS),
    "tenant_gone": Kind(
        "dimension_vanished",
        "high",
        lasting.tenant_gone,
        frozenset({"metric_anomaly"}) | _LOSS,
        lambda feed, day: feed.tenants > 0,
    ),
    "deltas_reset": Kind(
        "settled_window_restated",
        "high",
        lasting.deltas_reset,
        frozenset({"late_surge", "out_of_order_surge", "metric_anomaly"}),
        lambda feed, day: feed.deltas,
    ),
    "clock_stepped": Kind(
        "constant_offset",
        "high",
        lasting.clock_stepped,
        _MOVED,
        lambda feed, day: feed.load_hours <= 2 and feed.late_share <= 0.02,
    ),
    "clock_always_wrong": Kind("constant_offset", "high", lasting.clock_always_wrong),
    "delays_spread": Kind(
        "late_surge", "medium", lasting.delays_spread, frozenset({"out_of_order_surge", "freshness"}) | _LOSS
    ),
    "unit_changed": Kind(
        "distribution_shift", "high", lasting.unit_changed, frozenset({"metric_anomaly", "level_shift"})
    ),
    "values_higher": Kind(
        "level_shift", "medium", lasting.values_higher, frozenset({"metric_anomaly", "distribution_shift"})
    ),
    "values_spike": Kind(
        "metric_anomaly", "medium", lasting.values_spike, frozenset({"distribution_shift", "level_shift"})
    ),
    "values_flat": Kind("metric_flat", "medium", lasting.values_flat, frozenset({"distribution_shift"})),
}
#: Only stories have these.
STORY_KINDS = frozenset(
    {
        "bad_push",
        "writes_undeclared",
        "feed_dies",
        "tenant_gone",
        "deltas_reset",
        "clock_stepped",
        "clock_always_wrong",
        "delays_spread",
        "unit_changed",
        "values_higher",
        "values_spike",
        "values_flat",
    }
)
#: How failures can be repaired. Of the others some pass, and some never end.
REPAIRS: dict[str, Callable[[Case, Rows, int], None]] = {
    **dict.fromkeys(("window_lost", "load_cut_off", "rows_lost", "few_rows"), repairs.come),
    **dict.fromkeys(("load_rewritten", "load_deleted", "rows_slipped_in"), repairs.restored),
    **dict.fromkeys(("table_truncated", "bad_push"), repairs.restored),
    **dict.fromkeys(("no_values", "out_of_range"), repairs.corrected),
    **dict.fromkeys(("clock_stepped", "unit_changed"), repairs.undone),
    **dict.fromkeys(("feed_dies", "tenant_gone"), repairs.returns),
    "deltas_reset": repairs.taken_back,
}
#: These are over when the last of what is concerned has arrived.
PASSING = frozenset(
    {
        "retry_storm",
        "conflicting_rows",
        "load_repeated",
        "stale_file",
        "held_back",
        "out_of_order",
        "clocks_ahead",
        "local_time",
        "many_rows",
        "no_values",
        "out_of_range",
        "no_times",
        "one_entity",
        "other_unit",
        "feed_stopped",
        "delays_spread",
        "values_spike",
        "values_flat",
    }
)
#: These leave the feed as it is: what a model shows of it is wrong.
PUBLISHED_KINDS = frozenset({"value_edited", "model_not_run"})
#: A table can have each of these once, and they are not mild or severe.
COLUMN_KINDS = frozenset(name for name in KINDS if name.startswith("column_"))
#: These repeat what came, with what is wrong with it: they come after what else happens on the day.
REPEATING = frozenset({"retry_storm", "conflicting_rows", "load_repeated", "stale_file"})
#: These take away what another failure of the day needs: they are not put together with one.
REMOVING = frozenset({"window_lost", "few_rows", "load_cut_off", "error_page", "feed_stopped"})
