"""Planning, applying, verifying, reverting and cancelling actions: one transaction each, then a build of the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from dbt_forensics.actions import log, outbox
from dbt_forensics.actions.document import (
    Action,
    Effect,
    EmittedCount,
    ListedAction,
    OpenIncident,
    Verification,
    WrongOutbox,
    WrongValue,
)
from dbt_forensics.actions.guards import Refusal, refusals, unresolved
from dbt_forensics.actions.plan import Chosen, choose, effects, effects_json, row_select, taken_condition
from dbt_forensics.actions.selection import Selection
from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import literal
from dbt_forensics.text import iso, plain
from dbt_forensics.warehouse import DbtOptions, Row, Warehouse
from dbt_forensics.writing import WritingWarehouse

#: What a build after an act has to run: what reads the log of actions, and what reads the ledger.
_REBUILT = ("forensics__ledger", "int_forensics__metric_log", "int_forensics__watch_log")


@dataclass(frozen=True)
class Actor:
    """Who acts, and why."""

    owner: str
    reason: str


def plan(
    warehouse: WritingWarehouse,
    kind: str,
    selection: Selection,
    actor: Actor,
    limit: int,
    *,
    dry_run: bool = False,
    jsonl_folder: str | None = None,
) -> Action:
    """Runs a selection, says what would come of it, and records the plan.

    Args:
        warehouse: Where to act.
        kind: Of the action.
        selection: Its rows.
        actor: Who plans it.
        limit: How many rows it may take.
        dry_run: Record nothing.
        jsonl_folder: Where an emission writes its file besides, as an absolute path.

    Raises:
        ForensicsError: The stream is not declared, the ledger is behind, the selection takes no row or too many (1).
    """
    streams = warehouse.streams()
    if selection.stream not in streams:
        raise ForensicsError(
            f"There is no stream '{selection.stream}': give one of {', '.join(streams) or 'none, as none is declared'}."
        )
    book = log.open_book(warehouse)
    _expect_up_to_date(book)
    chosen = choose(book, selection, kind, limit)
    action_id = log.new_action_id(
        kind,
        selection.as_json(),
        actor.owner,
        actor.reason,
        book.now,
        *([jsonl_folder] if jsonl_folder else []),
    )
    found = _against(book, action_id, kind, selection, chosen, None, _unsettled(book, selection, chosen))
    if not chosen.rows:
        return _document(action_id, kind, "refused", selection, chosen, [], found)
    would_change = effects(
        warehouse,
        action_id,
        kind,
        "applied",
        row_select(book, action_id, taken_condition(book, selection, kind)),
    )
    emission = None
    if kind == "emission":
        emission = outbox.would_emit(book, streams[selection.stream], taken_condition(book, selection, kind))
    if not dry_run:
        with warehouse.transaction():
            log.record(
                book,
                log.Act(
                    action_id,
                    "planned",
                    kind,
                    selection.stream,
                    actor.owner,
                    actor.reason,
                    warehouse.target,
                    selection.as_json(),
                    chosen.digest,
                    len(chosen.rows),
                    chosen.events,
                    effects_json(would_change),
                    jsonl_folder,
                ),
            )
    status = "not recorded" if dry_run else "planned"
    document = _document(action_id, kind, status, selection, chosen, would_change, found)
    document["incidents"] = _open_incidents(warehouse, selection.stream, chosen)
    return document if emission is None else {**document, "emits": emission, "jsonl_folder": jsonl_folder}


def apply(
    warehouse: WritingWarehouse, action_id: str, actor: Actor, overrides: Sequence[str], *, execute: bool
) -> Action:
    """Applies a plan: its rows and the act are recorded in one transaction, if nothing speaks against it.

    An emission whose file was not delivered, since the command was killed, is finished.

    Args:
        warehouse: Where to act.
        action_id: The plan's id.
        actor: Who applies it.
        overrides: Names of guards to pass.
        execute: Do it; without it only what would be done is told.

    Raises:
        ForensicsError: There is no such plan, or it is not planned any more (1).
    """
    book = log.open_book(warehouse)
    one = log.action(book, action_id)
    selection, kind, limit = (
        Selection.of_json(one["selection"]),
        one["kind"],
        10 * max(int(one["row_count"]), 1),
    )
    folder = one["jsonl_folder"]
    if execute and folder and one["status"] in ("applied", "verified") and outbox.deliver(folder, action_id):
        return {**_of(one), "jsonl_folder": folder}
    unsettled = _unsettled(book, selection, choose(book, selection, kind, limit))
    with warehouse.transaction():
        warehouse.lock("forensics__action_log")
        log.expect_status(log.action(book, action_id), ["planned"], "applied")
        _expect_up_to_date(book)
        chosen = choose(book, selection, kind, limit)
        found = _against(book, action_id, kind, selection, chosen, one, unsettled)
        left = unresolved(found, overrides)
        if execute and not left:
            passed = [one.override for one in found if one.override]
            act = log.Act(
                *(action_id, "applied", kind, selection.stream, actor.owner, actor.reason, warehouse.target),
                overrides=[str(name) for name in passed],
            )
            taken = taken_condition(book, selection, kind)
            if kind == "emission":
                emitted, of_rows = outbox.emit(book, action_id, taken, folder)
                act = replace(act, row_count=emitted, selection_digest=of_rows)
            else:
                rows = row_select(book, action_id, taken)
                names = (
                    "action_id, stream, row_key, event_id, entity_id, window_start, ingested_at, recorded_at"
                )
                warehouse.execute(f"insert into {book.rows} ({names}) select {names} from ({rows}) as chosen")
            log.record(book, act)
            if kind == "discard":  # a mark: nothing follows from it that could be compared with the plan
                log.record(book, replace(act, act="verified", overrides=()))
    status = "refused" if left else "planned"
    if execute and not left:
        status = "verified" if kind == "discard" else "applied"
        if folder:
            outbox.deliver(folder, action_id)
    document = _document(action_id, kind, status, selection, chosen, json.loads(one["effects"]), left)
    return {**document, "jsonl_folder": folder} if kind == "emission" else document


def revert(warehouse: WritingWarehouse, action_id: str, actor: Actor, *, execute: bool) -> Action:
    """Reverts an action: from the next build of the ledger on it is as if it had not been applied.

    Raises:
        ForensicsError: There is no such action, or it is not in force (1).
    """
    book = log.open_book(warehouse)
    one = log.action(book, action_id)
    log.expect_status(one, ["applied", "verified"], "reverted")
    if one["kind"] == "emission":
        raise ForensicsError(
            f"Action {action_id} was emitted: what was delivered cannot be called back. Emit what corrects it.",
            exit_code=1,
        )
    _expect_up_to_date(book)
    would_change = effects(warehouse, action_id, one["kind"], "reverted", None)
    if execute:
        _act(book, one, "reverted", actor, ["applied", "verified"])
    return {**_of(one), "status": "reverted" if execute else one["status"], "effects": would_change}


def cancel(warehouse: WritingWarehouse, action_id: str, actor: Actor) -> None:
    """Cancels a plan that has not been applied."""
    book = log.open_book(warehouse)
    one = log.action(book, action_id)
    log.expect_status(one, ["planned"], "cancelled")
    _act(book, one, "cancelled", actor, ["planned"])


def verify(warehouse: WritingWarehouse, action_id: str) -> Verification:
    """Compares what an action did with what its plan said, value by value, and records that it is so if it is.

    Raises:
        ForensicsError: It has not been applied (1), or no build has followed (1).
    """
    book = log.open_book(warehouse)
    one = log.action(book, action_id)
    log.expect_status(one, ["applied", "verified"], "verified")
    wrong: list[WrongValue | WrongOutbox] = []
    if one["kind"] == "emission":
        wrong += outbox.wrong_with(book, one)
    else:
        _expect_built_since(warehouse, one)
    planned: list[Effect] = json.loads(one["effects"])
    for item in planned:
        became = _value_after(warehouse, one, item)
        if became != item["after"]:
            wrong.append({**item, "became": became})
    if not wrong and one["status"] == "applied":
        _act(book, one, "verified", Actor(one["applied_by"], one["reason"]), ["applied"])
    emitted: EmittedCount = (
        {"emitted": len(outbox.emitted(book, action_id))} if one["kind"] == "emission" else {}
    )
    return {
        **emitted,
        "action_id": action_id,
        "status": "verified" if not wrong else one["status"],
        "values": len(planned),
        "wrong": wrong,
    }


def _of(one: Row) -> Action:
    """An action that was planned earlier, as a document."""
    return {
        "action_id": one["action_id"],
        "kind": one["kind"],
        "status": one["status"],
        "selection": json.loads(one["selection"]),
        "rows": int(one["row_count"]),
        "events": int(one["event_count"]),
        "scanned": {},
        "skipped": {},
        "effects": [],
        "refusals": [],
    }


def rebuild(options: DbtOptions) -> bool:
    """Runs the part of a build that an act concerns. Returns whether it passed; if not, the next build does it."""
    from dbt.cli.main import dbtRunner

    quiet = ["--quiet", "--log-level", "none", "--log-level-file", "none", "--no-send-anonymous-usage-stats"]
    return bool(dbtRunner().invoke(["run", *quiet, "--select", *_REBUILT, *options.arguments()]).success)


def _act(book: log.Book, one: Row, act: str, actor: Actor, allowed: Sequence[str]) -> None:
    with book.warehouse.transaction():
        book.warehouse.lock("forensics__action_log")
        log.expect_status(log.action(book, one["action_id"]), allowed, act)
        target = book.warehouse.target
        log.record(
            book,
            log.Act(one["action_id"], act, one["kind"], one["stream"], actor.owner, actor.reason, target),
        )


def _open_incidents(warehouse: Warehouse, stream: str, chosen: Chosen) -> list[OpenIncident]:
    """The open incidents that some of the rows' windows are part of."""
    try:
        incidents = warehouse.relation("forensics__incidents")
    except ForensicsError:  # a project may leave detection out
        return []
    windows = {row["window_start"] for row in chosen.rows} - {None}
    return [
        {
            "incident_id": row["incident_id"],
            "name": row["name"],
            "severity": row["severity"],
            "status": row["status"],
        }
        for row in warehouse.query(
            f"select * from {incidents} where stream = {literal(stream)} and resolved_at is null"
            " order by opened_at, incident_id"
        )
        if any(row["window_start"] <= window < row["window_end"] for window in windows)
    ]


def _unsettled(book: log.Book, selection: Selection, chosen: Chosen) -> int:
    windows = sorted({literal(row["window_start"]) for row in chosen.rows if row["window_start"] is not None})
    return log.unsettled_windows(book.warehouse, selection.stream, windows)


def _against(
    book: log.Book,
    action_id: str,
    kind: str,
    selection: Selection,
    chosen: Chosen,
    one: Row | None,
    unsettled: int,
) -> list[Refusal]:
    taken = taken_condition(book, selection, kind)
    rows = row_select(book, action_id, taken)
    overlaps = log.unfinished_beside(book, action_id, rows) if chosen.rows else []
    found = list(
        refusals(
            *(chosen, kind, one["selection_digest"] if one else None, unsettled, overlaps),
            discarded=_given_up(book, taken) if kind == "release" else 0,
            emitted_by=outbox.emitted_before(book, action_id, taken) if kind == "emission" else [],
        )
    )
    target = book.warehouse.target
    if one and one["target"] != target:
        found.append(
            Refusal("target", f"The plan was made for target '{one['target']}', and this is '{target}'.")
        )
    return found


def _given_up(book: log.Book, taken: str) -> int:
    given_up = log.given_up(book.rows, book.states)
    (row,) = book.warehouse.query(
        f"select count(*) as n from {book.events} as events where {taken} and events.row_key in ({given_up})"
    )
    return int(row["n"])


def _expect_up_to_date(book: log.Book) -> None:
    """Refuses to plan while captured rows have no verdict: what they do would be taken for the action's effect."""
    behind = book.warehouse.query(f"select count(*) as n from {book.events} where verdict is null")
    if behind[0]["n"]:
        raise ForensicsError(
            f"{behind[0]['n']:,} captured rows have no verdict yet, since a build was cut off: run dbt build first.",
            exit_code=1,
        )


def _expect_built_since(warehouse: WritingWarehouse, one: Row) -> None:
    (last,) = warehouse.query(f"select max(recorded_at) as at from {warehouse.relation('forensics__ledger')}")
    if last["at"] < one["applied_at"] and json.loads(one["effects"]):
        raise ForensicsError(
            f"No build has followed since action {one['action_id']} was applied: run dbt build.", exit_code=1
        )


def _value_after(warehouse: WritingWarehouse, one: Row, item: Effect) -> str | None:
    """What a value showed first after the action was applied; what it showed then if it did not change."""
    found = warehouse.query(
        f"select value, recorded_from from {warehouse.relation('forensics__metric_versions')}"
        f" where stream = {literal(one['stream'])} and metric = {literal(item['metric'])}"
        f" and window_start = {literal(datetime.fromisoformat(item['window_start'].removesuffix('Z')))}"
        f" and dimensions = {literal(item['dimensions'])} order by version"
    )
    since = [row for row in found if row["recorded_from"] >= one["applied_at"]]
    row = since[0] if since else found[-1] if found else None
    return None if row is None or row["value"] is None else plain(Decimal(str(row["value"])))


def _document(
    action_id: str,
    kind: str,
    status: str,
    selection: Selection,
    chosen: Chosen,
    would_change: Sequence[Effect],
    found: Sequence[Refusal],
) -> Action:
    return {
        "action_id": action_id,
        "kind": kind,
        "status": status,
        "selection": json.loads(selection.as_json()),
        "rows": len(chosen.rows),
        "events": chosen.events,
        "scanned": chosen.scanned,
        "skipped": chosen.skipped,
        "effects": list(would_change),
        "refusals": [{"override": one.override, "sentence": one.sentence} for one in found],
    }


def listed(warehouse: Warehouse) -> list[ListedAction]:
    """Returns all actions, the latest first."""
    return [
        {
            "action_id": row["action_id"],
            "kind": row["kind"],
            "stream": row["stream"],
            "status": row["status"],
            "owner": row["owner"],
            "reason": row["reason"],
            "rows": row["row_count"],
            "planned_at": iso(row["planned_at"]),
            "applied_at": iso(row["applied_at"]),
            "reverted_at": iso(row["reverted_at"]),
        }
        for row in warehouse.query(
            f"select * from {warehouse.relation('forensics__actions')} order by planned_at desc, action_id"
        )
    ]
