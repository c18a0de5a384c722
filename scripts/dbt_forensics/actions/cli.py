"""`dbt-forensics replay`, `withdraw` and `quarantine`: thin commands over actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from dbt_forensics.actions import run
from dbt_forensics.actions.document import Action, ActionList, Quarantine, Verification
from dbt_forensics.actions.guards import OVERRIDES
from dbt_forensics.actions.quarantine import in_quarantine
from dbt_forensics.actions.render import render_action, render_list, render_quarantine, render_verified
from dbt_forensics.actions.selection import COUNTING, KINDS, Selection
from dbt_forensics.console import (
    TIME,
    answers,
    dbt_command,
    json_option,
    print_document,
    progress,
    required_text,
)
from dbt_forensics.errors import ForensicsError
from dbt_forensics.terminal import tell
from dbt_forensics.warehouse import DbtOptions, Warehouse
from dbt_forensics.writing import WritingWarehouse, open_writing

_LIMIT = 10_000


def _selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options that make up a selection, as one argument."""

    @click.option("--stream", required=True, help="The stream.")
    @click.option("--entity", "entities", multiple=True, help="Only rows of this entity. May be repeated.")
    @click.option(
        "--entities",
        "entity_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A file of entities, one a line.",
    )
    @click.option("--event", "event_ids", multiple=True, help="Only rows of this event. May be repeated.")
    @click.option("--batch", "batches", multiple=True, help="Only rows of this batch. May be repeated.")
    @click.option("--rule", "rules", multiple=True, help="Only rows that broke this rule. May be repeated.")
    @click.option(
        "--verdict",
        "verdicts",
        multiple=True,
        type=click.Choice(KINDS["emission"]),
        help="Only rows with this verdict. May be repeated.",
    )
    @click.option("--from", "event_from", type=TIME, help="Only events from this UTC time on.")
    @click.option("--to", "event_to", type=TIME, help="Only events before this UTC time.")
    @click.option("--arrived-from", type=TIME, help="Only rows that arrived from this UTC time on.")
    @click.option("--arrived-to", type=TIME, help="Only rows that arrived before this UTC time.")
    @wraps(command)
    def with_selection(
        stream: str,
        entities: tuple[str, ...],
        entity_file: Path | None,
        event_ids: tuple[str, ...],
        batches: tuple[str, ...],
        rules: tuple[str, ...],
        verdicts: tuple[str, ...],
        event_from: datetime | None,
        event_to: datetime | None,
        arrived_from: datetime | None,
        arrived_to: datetime | None,
        **given: Any,
    ) -> Any:
        if entity_file is not None:
            lines = entity_file.read_text(encoding="utf-8").splitlines()
            entities = (*entities, *(line for line in lines if line))
        selection = Selection(
            *(stream, entities, event_ids, batches, rules, verdicts),
            *(event_from, event_to, arrived_from, arrived_to),
        )
        if not selection.is_narrowed():
            raise ForensicsError(
                "That would be the whole stream: narrow it, by time, entity, event, batch or rule."
            )
        return command(selection=selection, **given)

    return with_selection


def _planning(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--owner", required=True, help="Who answers for it."),
        click.option("--reason", required=True, help="Why, for those who read the log."),
        click.option(
            "--limit",
            type=click.IntRange(1),
            default=_LIMIT,
            show_default=True,
            help="Refuse a selection of more rows.",
        ),
    ):
        command = option(command)
    return command


_override = click.option(
    "--override",
    "overrides",
    multiple=True,
    type=click.Choice(list(OVERRIDES)),
    help="Pass a guard; it is recorded. May be repeated.",
)
_execute = click.option("--execute", is_flag=True, help="Do it; without it, only say what would be done.")


@click.group()
def replay() -> None:
    """Let rows that were left out begin to count, or look after any planned action.

    A plan says exactly what every metric would show, and is recorded. Applying and reverting say what they would do
    unless --execute is given.
    """


@replay.command("plan")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="replay",
    show_default=True,
    help="replay: withdrawn and pending rows begin to count; release: those in quarantine; withdrawal: rows stop; "
    "discard: quarantined rows are given up; emission: rows go into the outbox.",
)
@_selecting
@click.option("--include-duplicates", is_flag=True, help="Of an emission: duplicates too, as they arrived.")
@click.option(
    "--jsonl",
    type=click.Path(file_okay=False, path_type=Path),
    help="Of an emission: a folder for a file of JSON Lines besides.",
)
@_planning
@json_option
@dbt_command
def plan_action(
    kind: str, selection: Selection, include_duplicates: bool, jsonl: Path | None, **given: Any
) -> int:
    """Plan an action, and record the plan for someone to apply."""
    if kind != "emission" and (include_duplicates or jsonl):
        raise ForensicsError("--include-duplicates and --jsonl are for --kind emission.")
    if include_duplicates:
        verdicts = {*selection.takes(kind), "duplicate"}
        selection = replace(selection, verdicts=tuple(sorted(verdicts)))
    return _plan(kind, selection=selection, jsonl_folder=str(jsonl.resolve()) if jsonl else None, **given)


@click.command()
@_selecting
@_planning
@_execute
@_override
@json_option
@dbt_command
def withdraw(**given: Any) -> int:
    """Let rows stop counting now, to contain an incident; `replay revert` brings them back."""
    return _plan("withdrawal", **given)


@click.group()
def quarantine() -> None:
    """See which rows are held back by a rule, and release or discard them."""


@quarantine.command("release")
@_selecting
@_planning
@_execute
@_override
@json_option
@dbt_command
def release(**given: Any) -> int:
    """Let rows of the quarantine count. What still breaks its rule needs --override breaks_rule."""
    return _plan("release", **given)


@quarantine.command("discard")
@_selecting
@_planning
@_execute
@_override
@json_option
@dbt_command
def discard(**given: Any) -> int:
    """Mark rows of the quarantine as looked at and given up. They stay on record; `replay revert` takes it back."""
    return _plan("discard", **given)


@quarantine.command("list")
@click.option("--stream", help="Only this stream.")
@click.option("--all", "with_discarded", is_flag=True, help="What was discarded too.")
@click.option(
    "--samples", type=click.IntRange(0), default=3, show_default=True, help="How many rows of each rule."
)
@answers(render_quarantine, exit_code=lambda document: 1 if document["held"] else 0)
def list_quarantine(
    warehouse: Warehouse, stream: str | None, with_discarded: bool, samples: int
) -> Quarantine:
    """Show what is held back, by rule, with samples."""
    return in_quarantine(warehouse, stream, samples, with_discarded=with_discarded)


def _plan(
    kind: str,
    options: DbtOptions,
    selection: Selection,
    owner: str,
    reason: str,
    limit: int,
    as_json: bool,
    execute: bool | None = None,
    overrides: tuple[str, ...] = (),
    jsonl_folder: str | None = None,
) -> int:
    """Plans an action, and applies it at once where a command has --execute."""
    actor = _actor(owner, reason)
    progress("Parsing the project and running the selection.")
    with open_writing(options) as warehouse:
        document = run.plan(
            *(warehouse, kind, selection, actor, limit),
            dry_run=execute is False,
            jsonl_folder=jsonl_folder,
        )
        if execute and document["status"] == "planned":
            document = run.apply(warehouse, document["action_id"], actor, overrides, execute=True)
    return _done(options, document, as_json)


@replay.command("apply")
@click.argument("action_id")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--reason", required=True, help="Why.")
@_override
@_execute
@json_option
@dbt_command
def apply_action(
    options: DbtOptions,
    action_id: str,
    owner: str,
    reason: str,
    overrides: tuple[str, ...],
    execute: bool,
    as_json: bool,
) -> int:
    """Apply the plan ACTION_ID. Refused if anything has changed since, or another action is in the way."""
    progress("Parsing the project and running the selection.")
    with open_writing(options) as warehouse:
        document = run.apply(warehouse, action_id, _actor(owner, reason), overrides, execute=execute)
    return _done(options, document, as_json)


@replay.command("revert")
@click.argument("action_id")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--reason", required=True, help="Why.")
@_execute
@json_option
@dbt_command
def revert_action(
    options: DbtOptions, action_id: str, owner: str, reason: str, execute: bool, as_json: bool
) -> int:
    """Revert the action ACTION_ID: its rows are again as if it had not been applied."""
    progress("Parsing the project and looking what would change.")
    with open_writing(options) as warehouse:
        document = run.revert(warehouse, action_id, _actor(owner, reason), execute=execute)
    return _done(options, document, as_json)


@replay.command("cancel")
@click.argument("action_id")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--reason", required=True, help="Why.")
@dbt_command
def cancel_action(options: DbtOptions, action_id: str, owner: str, reason: str) -> int:
    """Cancel the plan ACTION_ID."""
    progress("Parsing the project.")
    with open_writing(options) as warehouse:
        run.cancel(warehouse, action_id, _actor(owner, reason))
    tell(f"Action {action_id} is cancelled.")
    return 0


@replay.command("verify")
@click.argument("action_id")
@answers(render_verified, exit_code=lambda document: 1 if document["wrong"] else 0, opens=open_writing)
def verify_action(warehouse: WritingWarehouse, action_id: str) -> Verification:
    """Compare what the action ACTION_ID did with its plan. Exits with 1 where a value became another."""
    return run.verify(warehouse, action_id)


@replay.command("list")
@answers(render_list)
def list_actions(warehouse: Warehouse) -> ActionList:
    """Show all actions and how far they have come."""
    return {"actions": run.listed(warehouse)}


def _actor(owner: str, reason: str) -> run.Actor:
    return run.Actor(required_text(owner, "--owner"), required_text(reason, "--reason"))


def _done(options: DbtOptions, document: Action, as_json: bool) -> int:
    """Builds the ledger after an act, and says what was done."""
    document["is_built"] = None
    if document["status"] in ("applied", "reverted") and document["kind"] in COUNTING:
        progress("Building the ledger and the metrics.")
        document["is_built"] = run.rebuild(options)
    print_document(document, render_action, as_json=as_json)
    return 1 if document["refusals"] or document["is_built"] is False else 0
