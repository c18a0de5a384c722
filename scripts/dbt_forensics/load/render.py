"""What became of the files, as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dbt_forensics.load.document import Counts, Loaded
from dbt_forensics.load.model import REASONS
from dbt_forensics.load.run import Outcome, totals
from dbt_forensics.load.target import Target
from dbt_forensics.terminal import new_console, say, show_table, text_of
from dbt_forensics.text import count, number, visible

_COUNTS: tuple[Literal["read", "accepted", "duplicate", "rejected"], ...] = (
    "read",
    "accepted",
    "duplicate",
    "rejected",
)


def load_document(target: Target, outcomes: Sequence[Outcome], *, dry_run: bool) -> Loaded:
    """Returns what became of some files as a document for machines.

    Args:
        target: Where they were loaded.
        outcomes: What became of each; at least one.
        dry_run: Whether nothing was written.
    """
    return {
        "relation": target.name,
        "stream": target.stream.name if target.stream else None,
        "filled": dict(target.filled),
        "notes": list(target.notes),
        "dry_run": dry_run,
        "files": [
            {
                "file": one.file.shown,
                "status": one.status,
                "load_id": one.load_id,
                "digest": one.digest,
                **_counts(one),
                "refused": one.refused,
                "missing_columns": one.missing,
                "same_as": one.same_as,
            }
            for one in outcomes
        ],
        "total": {
            "files": len(outcomes),
            "refused_files": sum(one.refused is not None for one in outcomes),
            **_counts(totals(outcomes)),
        },
    }


def _counts(outcome: Outcome) -> Counts:
    return {
        "read": outcome.read,
        "accepted": outcome.accepted,
        "duplicate": outcome.duplicate,
        "rejected": outcome.rejected.total(),
        "rejected_by_reason": dict(sorted(outcome.rejected.items())),
    }


def exit_code(document: Loaded) -> int:
    """Returns 0 if every record is in the table, 1 if one was rejected or a file refused."""
    return 1 if document["total"]["rejected"] or document["total"]["refused_files"] else 0


def render_load(document: Loaded, width: int) -> str:
    """Returns what became of some files as text.

    Args:
        document: Of :func:`load_document`.
        width: How many columns the text may have.
    """
    console = new_console(width)
    stream = f" (stream {document['stream']})" if document["stream"] else ""
    head = "Dry run, nothing was written: " if document["dry_run"] else ""
    filled = ", ".join(f"{column} ({role})" for role, column in document["filled"].items()) or "no column"
    say(console, f"{head}{document['relation']}{stream}; the loader fills {filled}.")
    for note in document["notes"]:
        say(console, f"Note: {visible(note)}.")
    total = document["total"]
    heads = tuple(name.capitalize() for name in _COUNTS)
    show_table(
        console,
        ("File", "Status", *heads),
        ((one["file"], one["status"], *(number(one[name]) for name in _COUNTS)) for one in document["files"]),
        right=heads,
        total=(count(total["files"], "file"), "", *(number(total[name]) for name in _COUNTS))
        if len(document["files"]) > 1
        else None,
    )
    for one in document["files"]:
        if one["refused"]:
            say(console, f"Refused {visible(one['file'])}: {visible(one['refused'])}")
        if one["missing_columns"]:
            names = ", ".join(map(visible, one["missing_columns"]))
            say(console, f"Note: {visible(one['file'])} has no value for {names}.")
        if one["same_as"]:
            what = "is a copy of" if one["status"] == "known" else "begins as"
            say(
                console,
                f"Note: {visible(one['file'])} {what} {visible(one['same_as'])}, which landed before.",
            )
    for reason, quantity in document["total"]["rejected_by_reason"].items():
        words = REASONS[reason.partition(":")[0]]
        say(console, f"Rejected {number(quantity)}, {visible(reason)}: {words}.")
    if document["total"]["rejected"] and not document["dry_run"]:
        say(console, f"Rejected records are in {document['relation'].split('.')[0]}.forensics_dead_letters.")
    return text_of(console)
