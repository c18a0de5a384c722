"""What speaks against an act. Pure: each refusal says what was found, and names the override that lets it pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dbt_forensics.actions.plan import Chosen
from dbt_forensics.text import count


@dataclass(frozen=True)
class Refusal:
    """What speaks against an act.

    Attributes:
        override: What ``--override`` takes to do it nevertheless; None where nothing may.
        sentence: What was found, and what to do.
    """

    override: str | None
    sentence: str


#: Every override, and what it lets pass.
OVERRIDES = {
    "changed": "the selection takes other rows than when it was planned",
    "overlap": "another action on the same entities and windows is not finished",
    "unsettled": "windows are not settled yet: rows may still come by themselves",
    "breaks_rule": "released rows still break their rule",
    "gone": "rows that the source does not have any more begin to count",
    "target": "the plan was made for another target",
}


def refusals(
    chosen: Chosen, kind: str, planned_digest: str | None, unsettled: int, overlaps: Sequence[str]
) -> Iterator[Refusal]:
    """Yields what speaks against applying an action.

    Args:
        chosen: The rows that its selection takes now.
        kind: Its kind.
        planned_digest: The digest that it was planned with; None while it is planned.
        unsettled: How many of its windows are not settled.
        overlaps: Ids of unfinished actions that have rows of the same entities and windows.
    """
    if not chosen.rows:
        yield Refusal(None, "The selection takes no row: look at what was skipped, and select otherwise.")
        return
    if planned_digest is not None and planned_digest != chosen.digest:
        yield Refusal("changed", "The selection takes other rows than when it was planned: plan it again.")
    if overlaps:
        yield Refusal(
            "overlap",
            f"{'Actions' if len(overlaps) > 1 else 'Action'} {', '.join(overlaps)} on the same entities and windows "
            "is not finished: verify, revert or cancel it first.",
        )
    if unsettled:
        yield Refusal(
            "unsettled",
            f"{count(unsettled, 'window')} of the selection not settled: rows may still come by themselves.",
        )
    broken = sum(row["broken_rule"] is not None for row in chosen.rows)
    if kind in ("replay", "release") and broken:
        yield Refusal(
            "breaks_rule",
            f"{count(broken, 'row')} of the selection broke a rule: it still stands as recorded.",
        )
    gone = sum(not row["is_in_source"] for row in chosen.rows)
    if kind in ("replay", "release") and gone:
        yield Refusal("gone", f"{count(gone, 'row')} of the selection are not in the source any more.")


def left_of(found: Sequence[Refusal], overrides: Sequence[str]) -> list[Refusal]:
    """Returns the refusals that no override lets pass."""
    return [refusal for refusal in found if refusal.override is None or refusal.override not in overrides]
