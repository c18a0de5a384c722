"""The log of what people did: reading states from it, and adding acts to it. Nothing in it is ever changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from dbt_forensics import __version__
from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import literal
from dbt_forensics.warehouse import Row
from dbt_forensics.writing import WritingWarehouse


@dataclass(frozen=True)
class Book:
    """Where actions are on record, and the time of this invocation: looked up before a transaction, used within it.

    Attributes:
        warehouse: A session that may write.
        actions: ``forensics__action_log`` as SQL.
        rows: ``int_forensics__action_rows`` as SQL.
        states: ``forensics__actions`` as SQL.
        outbox: ``forensics__outbox`` as SQL.
        events: ``forensics__verdicts`` as SQL.
        now: The clock of this invocation, as an SQL literal.
        arrival_order: The one order of rows, of ``forensics__verdicts as events``, as a list of SQL expressions.
    """

    warehouse: WritingWarehouse
    actions: str
    rows: str
    states: str
    outbox: str
    events: str
    now: str
    arrival_order: str


def open_book(warehouse: WritingWarehouse) -> Book:
    """Returns where actions are on record.

    Raises:
        ForensicsError: Nothing has been built.
    """
    return Book(
        warehouse,
        warehouse.relation("forensics__action_log"),
        warehouse.relation("int_forensics__action_rows"),
        warehouse.relation("forensics__actions"),
        warehouse.relation("forensics__outbox"),
        warehouse.relation("forensics__verdicts"),
        warehouse.macro("recorded_at"),
        f"events.ingested_at, {warehouse.macro('byte_order', expression='events.batch_id').strip()}, events.ordinal,"
        " events.row_key",
    )


_TEXT = (
    *(
        "action_id",
        "act",
        "kind",
        "stream",
        "selection",
        "selection_digest",
        "effects",
        "jsonl_folder",
        "owner",
    ),
    *("reason", "overrides", "target", "tool_version"),
)


@dataclass(frozen=True)
class Act:
    """One act, as the log has it; see the columns of ``forensics__action_log``."""

    action_id: str
    act: str
    kind: str
    stream: str
    owner: str
    reason: str
    target: str
    selection: str | None = None
    selection_digest: str | None = None
    row_count: int | None = None
    event_count: int | None = None
    effects: str | None = None
    jsonl_folder: str | None = None
    overrides: Sequence[str] = ()


def new_action_id(*parts: str) -> str:
    """Returns a short id of an action that is told apart by these parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def record(book: Book, act: Act) -> None:
    """Adds an act to the log, at the clock of this invocation."""
    values = {
        **{name: literal(getattr(act, name)) for name in _TEXT[:-3]},
        "overrides": literal(", ".join(act.overrides) or None),
        "target": literal(act.target),
        "tool_version": literal(__version__),
        "row_count": "null" if act.row_count is None else str(act.row_count),
        "event_count": "null" if act.event_count is None else str(act.event_count),
        "recorded_at": book.now,
    }
    book.warehouse.execute(
        f"insert into {book.actions} ({', '.join(values)}) values ({', '.join(values.values())})"
    )


def action(book: Book, action_id: str) -> Row:
    """Returns an action with its state.

    Raises:
        ForensicsError: There is none of this id.
    """
    found = book.warehouse.query(f"select * from {book.states} where action_id = {literal(action_id)}")
    if not found:
        raise ForensicsError(f"There is no action '{action_id}': dbt-forensics replay list shows them all.")
    return found[0]


def expect_status(one: Row, allowed: Sequence[str], what: str) -> None:
    """Refuses an act on an action in another state."""
    if one["status"] not in allowed:
        raise ForensicsError(
            f"Action {one['action_id']} is {one['status']}, and only {' or '.join(allowed)} ones can be {what}.",
            exit_code=1,
        )


def unfinished_beside(book: Book, action_id: str, rows: str) -> list[str]:
    """Returns the ids of other actions that are applied and not verified, on the same entities and windows.

    Args:
        book: Where to look.
        action_id: The action that asks.
        rows: A select of its rows, with stream, entity_id, event_id and window_start.
    """
    found = book.warehouse.query(
        f"""
        select distinct others.action_id
        from {book.rows} as others
        inner join {book.states} as actions on others.action_id = actions.action_id
        inner join ({rows}) as mine
            on others.stream = mine.stream and others.window_start = mine.window_start
            and coalesce(others.entity_id, others.event_id) = coalesce(mine.entity_id, mine.event_id)
        where actions.status = 'applied' and others.action_id <> {literal(action_id)}
        order by 1
        """
    )
    return [row["action_id"] for row in found]


def given_up(rows: str, states: str) -> str:
    """Returns a select of the keys of rows that were discarded, and still are.

    Args:
        rows: ``int_forensics__action_rows`` as SQL.
        states: ``forensics__actions`` as SQL.
    """
    return (
        f"select of_action.row_key from {rows} as of_action inner join {states} as states"
        " on of_action.action_id = states.action_id"
        " where states.kind = 'discard' and states.status in ('applied', 'verified')"
    )


def unsettled_windows(warehouse: WritingWarehouse, stream: str, windows: Sequence[str]) -> int:
    """Returns how many windows, given as SQL literals of their starts, have not settled."""
    if not windows:
        return 0
    settled = warehouse.macro("settled_windows", stream=stream, windows=list(windows))
    (row,) = warehouse.query(f"select count(*) as n from ({settled}) as settled")
    return len(windows) - int(row["n"])
