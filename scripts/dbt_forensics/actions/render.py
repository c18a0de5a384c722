"""Actions as they read in a terminal. Pure: data in, text out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from dbt_forensics.actions.document import Action, ActionList, Effect, Quarantine, Verification
from dbt_forensics.terminal import new_console, say, show_table, text_of
from dbt_forensics.text import count, moment, number, signed, visible

if TYPE_CHECKING:
    from rich.console import Console

_MOST_EFFECTS = 40


def render_action(document: Action, width: int) -> str:
    """Returns a planned, applied, refused or reverted action as text.

    Args:
        document: What planning, applying or reverting returned.
        width: How many columns the text may have.
    """
    console = new_console(width)
    name = f"{document['kind'].capitalize()} {document['action_id']}"
    say(console, f"{name}: {document['status']}. {_selected(document)}")
    if document["scanned"]:
        scanned = ", ".join(f"{rows:,} {verdict}" for verdict, rows in document["scanned"].items())
        say(console, f"Rows in the selection: {scanned}.")
    for reason, rows in document["skipped"].items():
        say(console, f"Not taken: {count(rows, 'row')} {visible(reason)}.")
    if document["kind"] == "emission":
        _emission(console, document)
    else:
        _effects(console, document["effects"], document["status"] in ("applied", "reverted"))
    for one in document.get("incidents", []):
        say(
            console,
            f"Part of incident {one['incident_id'][:12]}: {one['name']}, {one['severity']}, {one['status']}.",
        )
    for refusal in document["refusals"]:
        way = f" To do it nevertheless: --override {refusal['override']}." if refusal["override"] else ""
        say(console, f"Speaks against it: {visible(refusal['sentence'])}{way}")
    for line in _next(document):
        say(console, line)
    return text_of(console)


def _selected(document: Action) -> str:
    asked = ", ".join(
        f"{name} {', '.join(value) if isinstance(value, list) else value}"
        for name, value in document["selection"].items()
    )
    return f"{count(document['rows'], 'row')} of {count(document['events'], 'event')} ({visible(asked)})."


def _next(document: Action) -> Sequence[str]:
    if document.get("is_built") is False:
        return [
            "It is recorded, but the ledger could not be built: dbt build does it, and says what is wrong."
        ]
    if document["status"] == "planned" and not document["refusals"]:
        return [
            f"To do it: dbt-forensics replay apply {document['action_id']} --execute, with --owner and --reason"
        ]
    if document["status"] == "not recorded" and document["rows"]:
        return ["Nothing was done: give --execute."]
    if document["status"] == "applied" and document["kind"] != "discard":
        return [f"Next: dbt-forensics replay verify {document['action_id']}"]
    return []


def _emission(console: Console, document: Action) -> None:
    """What goes into the outbox, in order; of a plan, whose rows are looked at before they are sent."""
    rows = document.get("emits", [])
    if rows:
        show_table(
            console,
            ("Position", "Event", "Entity", "Happened", "Arrived", "Verdict"),
            (
                (
                    number(one["position"]),
                    str(one["event_id"]),
                    "–" if one["entity_id"] is None else one["entity_id"],
                    moment(one["event_time"]),
                    moment(one["ingested_at"]),
                    one["verdict"],
                )
                for one in rows[:_MOST_EFFECTS]
            ),
            right=("Position",),
        )
    if len(rows) > _MOST_EFFECTS:
        say(console, f"and {count(len(rows) - _MOST_EFFECTS, 'more row')}: --json has all of them.")
    where = f" and {document['jsonl_folder']}" if document.get("jsonl_folder") else ""
    done = "went" if document["status"] in ("applied", "verified") else "would go"
    if not document["refusals"]:
        say(console, f"{count(document['rows'], 'row')} {done} into forensics__outbox{visible(where)}.")


def _effects(console: Console, effects: Sequence[Effect], is_done: bool) -> None:
    if not effects:
        say(console, "No metric changes.")
        return
    show_table(
        console,
        ("Metric", "Window", "Dimensions", "Before", "After", "Change", "Causes"),
        (_effect(one) for one in effects[:_MOST_EFFECTS]),
        right=("Before", "After", "Change"),
    )
    if len(effects) > _MOST_EFFECTS:
        say(console, f"and {count(len(effects) - _MOST_EFFECTS, 'more value')}: --json has all of them.")
    say(console, f"{count(len(effects), 'value')} {'changed' if is_done else 'would change'}.")


def _effect(one: Effect) -> tuple[str, ...]:
    dimensions = ", ".join(f"{name} {value}" for name, value in json.loads(one["dimensions"]).items())
    return (
        one["metric"],
        moment(one["window_start"]),
        dimensions,
        number(one["before"]),
        number(one["after"]),
        signed(Decimal(one["after"] or 0) - Decimal(one["before"] or 0)),
        ", ".join(f"{cause} {signed(part)}" for cause, part in one["causes"].items()),
    )


def render_verified(document: Verification, width: int) -> str:
    """Returns how what an action did compares with its plan, as text."""
    console = new_console(width)
    sentences = [one["sentence"] for one in document["wrong"] if "sentence" in one]
    for sentence in sentences:
        say(console, f"Action {document['action_id']}: {visible(sentence)}")
    if sentences:
        return text_of(console)
    if not document["wrong"]:
        became = f"{count(document['values'], 'value')} became what its plan said"
        if "emitted" in document:
            became = f"{count(document['emitted'], 'row')} in the outbox as captured"
        say(console, f"Action {document['action_id']} is verified: {became}.")
        return text_of(console)
    wrong = count(len(document["wrong"]), "value")
    say(console, f"Action {document['action_id']}: {wrong} of {document['values']:,} became another.")
    for value in [one for one in document["wrong"] if "sentence" not in one]:
        say(
            console,
            f"{visible(value['metric'])} of {moment(value['window_start'])} {visible(value['dimensions'])}: "
            f"planned {number(value['after'])}, became {number(value['became'])}",
        )
    return text_of(console)


def render_list(document: ActionList, width: int) -> str:
    """Returns all actions as a table."""
    console = new_console(width)
    if not document["actions"]:
        say(console, "No action is on record.")
        return text_of(console)
    show_table(
        console,
        ("Action", "Kind", "Stream", "Status", "Rows", "Planned", "Applied", "Reverted", "Owner", "Reason"),
        (
            (
                *(one["action_id"], one["kind"], one["stream"], one["status"]),
                number(one["rows"]),
                *map(moment, (one["planned_at"], one["applied_at"], one["reverted_at"])),
                *(one["owner"], one["reason"]),
            )
            for one in document["actions"]
        ),
        right=("Rows",),
    )
    return text_of(console)


def render_quarantine(document: Quarantine, width: int) -> str:
    """Returns what is held back as text."""
    console = new_console(width)
    if not document["held"]:
        say(console, "Nothing is in quarantine.")
    for one in document["held"]:
        rule, since = visible(one["rule"]), moment(one["held_since"])
        given_up = f" ({one['discarded']:,} discarded)" if one["discarded"] else ""
        say(
            console,
            f"{visible(one['stream'])}: {count(one['rows'], 'row')} broke {rule}, since {since}{given_up}",
        )
        for row in one["samples"]:
            payload = ", ".join(f"{name} {visible(value)}" for name, value in row["payload"].items())
            say(console, f"    {visible(row['event_id'])}, arrived {moment(row['ingested_at'])}: {payload}")
    return text_of(console)
