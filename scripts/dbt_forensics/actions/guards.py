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
    "breaks_rule": "rows that broke a rule begin to count, or are emitted",
    "gone": "rows that the source does not have any more begin to count, or are emitted",
    "discarded": "rows that somebody discarded are released",
    "emitted": "rows were emitted before, by another action",
    "target": "the plan was made for another target",
}


def refusals(
    chosen: Chosen,
    kind: str,
    planned_digest: str | None,
    unsettled: int,
    overlaps: Sequence[str],
    *,
    discarded: int = 0,
    emitted_by: Sequence[str] = (),
) -> Iterator[Refusal]:
    """Yields what speaks against applying an action.

    Args:
        chosen: The rows that its selection takes now.
        kind: Its kind.
        planned_digest: The digest that it was planned with; None while it is planned.
        unsettled: How many of its windows are not settled.
        overlaps: Ids of unfinished actions that have rows of the same entities and windows.
        discarded: How many of the rows somebody gave up.
        emitted_by: Ids of actions that emitted some of the rows.
    """
    if not chosen.rows:
        yield Refusal(None, "The selection takes no row: look at what was skipped, and select otherwise.")
        return
    if planned_digest is not None and planned_digest != chosen.digest:
        yield Refusal("changed", "The selection takes other rows than when it was planned: plan it again.")
    if kind == "discard":  # a mark: no value depends on it
        return
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
    if kind != "withdrawal" and broken:
        yield Refusal(
            "breaks_rule",
            f"{count(broken, 'row')} of the selection broke a rule: it still stands as recorded.",
        )
    gone = sum(not row["is_in_source"] for row in chosen.rows)
    if kind != "withdrawal" and gone:
        yield Refusal("gone", f"{count(gone, 'row')} of the selection are not in the source any more.")
    if kind == "release" and discarded:
        yield Refusal(
            "discarded", f"{count(discarded, 'row')} of the selection were discarded: revert that first."
        )
    if emitted_by:
        yield Refusal("emitted", f"Rows of the selection were emitted before, by {', '.join(emitted_by)}.")


def unresolved(found: Sequence[Refusal], overrides: Sequence[str]) -> list[Refusal]:
    """Returns the refusals that no override lets pass."""
    return [refusal for refusal in found if refusal.override is None or refusal.override not in overrides]
