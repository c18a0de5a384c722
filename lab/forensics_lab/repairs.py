"""What puts a failure right again. A repair is itself something that happens to a table, and must not be an alarm.

Each takes the case, the feed's rows before the failure, and when it happens, in seconds after the feed's start.
"""

from __future__ import annotations

import numpy as np

from forensics_lab.breaking import Case, NothingToBreakError
from forensics_lab.feeds import NEVER, Rows

#: What rows may rightly be that come long after their time.
COMING = frozenset({"late_surge", "out_of_order_surge", "settled_window_restated"})


def come(case: Case, before: Rows, at: int) -> None:
    """What never came comes, in a load of its own."""
    rows = case.removed.copy()
    rows["arrived"] = rows["visible"] = at
    rows["batch"] = case.new_batch()
    case.add(rows)
    _ends(case, "the rows come", at)


def restored(case: Case, before: Rows, at: int) -> None:
    """The table is as if nothing had happened to it: what was taken is there again, what was put in is gone."""
    # What was done to the table is at the places where the rows were, and behind them.
    taken, added = np.zeros((2, len(case.rows)), dtype=bool)
    taken[: len(before)] = case.rows["gone"][: len(before)] != before["gone"]
    added[len(before) :] = True
    back = case.rows[taken]
    case.rows["gone"][added] = at
    if case.feed.writes == "replace":
        # What other loads would have brought meanwhile comes with the right file.
        is_held = (case.rows["visible"] > case.effect.first_bad) & (case.rows["visible"] < at)
        case.rows["visible"][is_held] = at
    back["gone"], back["visible"] = NEVER, at
    case.add(back)
    _ends(case, "restored", at)


def corrected(case: Case, before: Rows, at: int) -> None:
    """Rows with wrong values come again with the right ones."""
    if case.feed.writes == "append" and case.feed.on_conflict == "first_wins":
        raise NothingToBreakError
    rows = before[case.rows != before]
    rows["arrived"] = rows["visible"] = at
    rows["batch"] = case.new_batch()
    case.add(rows)
    _ends(case, "corrected", at)


def undone(case: Case, before: Rows, at: int) -> None:
    """What comes from then on is right; what came stays as it is."""
    is_right = case.rows["arrived"] >= at
    if not is_right.any():
        raise NothingToBreakError
    wrong = case.rows[(case.rows != before) & ~is_right]
    case.rows[is_right] = before[is_right]
    case.concerns(wrong)
    _ends(case, "right from then on", int(case.rows["arrived"][is_right].min()))


def returns(case: Case, before: Rows, at: int) -> None:
    """What comes from then on comes; what did not come meanwhile is lost."""
    is_back = case.removed["arrived"] >= at
    if not is_back.any():
        raise NothingToBreakError
    back = case.removed[is_back]
    case.add(back)
    case.concerns(case.removed[~is_back], first_bad=case.effect.first_bad)
    _ends(case, "comes again", int(back["arrived"].min()))


def taken_back(case: Case, before: Rows, at: int) -> None:
    """Each change comes again the other way round."""
    known = np.isin(case.rows["event"], before["event"])
    rows = case.rows[~known]
    rows["event"] = case.new_events(len(rows))
    rows["cents"] *= -1
    rows["arrived"] = rows["visible"] = at
    rows["batch"] = case.new_batch()
    case.add(rows)
    _ends(case, "taken back", at)


def _ends(case: Case, repair: str, at: int) -> None:
    case.effect.repair, case.effect.repaired = repair, at
    case.effect.arrived_to = max(case.effect.arrived_to, at)
