"""Re-emission: captured rows, in the order of their arrival, into the outbox and, if asked, into a file of JSON Lines.

The rows and the act are one transaction. The file is written before it ends, under a name that nobody reads, and
renamed after it: whoever is killed between the two is finished by applying once more, and nothing is delivered twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from dbt_forensics.actions.document import Emitted, WrongOutbox
from dbt_forensics.actions.log import Book
from dbt_forensics.actions.plan import digest
from dbt_forensics.document.masking import shown_row
from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import literal
from dbt_forensics.streams import Stream
from dbt_forensics.text import count, iso, plain
from dbt_forensics.warehouse import Row

#: What the outbox takes over from ``forensics__verdicts``.
_TAKEN = (
    *("stream", "row_key", "event_id", "entity_id", "event_type", "event_time", "ingested_at", "batch_id"),
    *("sequence_number", "schema_version", "tenant", "verdict", "payload"),
)
_COLUMNS = ("action_id", "position", *_TAKEN, "recorded_at")


def emitted_select(book: Book, action_id: str, rows_where: str) -> str:
    """Returns a select of rows as the outbox has them, numbered in the order of their arrival from 1.

    Args:
        book: Where they are.
        action_id: The action that emits them.
        rows_where: Which rows of ``forensics__verdicts as events``.
    """
    taken = ", ".join(f"events.{name}" for name in _TAKEN)
    return (
        f"select {literal(action_id)} as action_id, row_number() over (order by {book.arrival_order}) as position,"
        f" {taken}, {book.now} as recorded_at from {book.events} as events where {rows_where}"
    )


def would_emit(book: Book, stream: Stream, rows_where: str) -> list[Emitted]:
    """Returns the rows that would be emitted, in their order: personal data masked, without payload."""
    order = f"row_number() over (order by {book.arrival_order})"
    rows = book.warehouse.query(
        f"select events.*, {order} as position from {book.events} as events where {rows_where} order by position"
    )
    return [
        {
            "position": int(row["position"]),
            "row_key": row["row_key"],
            "event_id": shown["event_id"],
            "entity_id": shown["entity_id"],
            "event_time": shown["event_time"],
            "ingested_at": shown["ingested_at"],
            "verdict": shown["verdict"],
        }
        for row in rows
        for shown in [shown_row(row, stream)]
    ]


def emit(book: Book, action_id: str, rows_where: str, folder: str | None) -> tuple[int, str]:
    """Writes rows into the outbox, inside the transaction of the act, and the file that will be delivered after it.

    Args:
        book: Where they are.
        action_id: The action that emits them.
        rows_where: Which rows of ``forensics__verdicts as events``.
        folder: Where the file goes; None if none is asked for.

    Returns:
        How many rows it wrote, and a digest of their keys and verdicts.
    """
    book.warehouse.execute(
        f"insert into {book.outbox} ({', '.join(_COLUMNS)})"
        f" select {', '.join(_COLUMNS)} from ({emitted_select(book, action_id, rows_where)}) as emitted"
    )
    rows = emitted(book, action_id)
    if folder is not None:
        _stage(Path(folder), action_id, rows)
    return len(rows), digest(sorted(rows, key=lambda row: row["row_key"]))


def emitted(book: Book, action_id: str) -> list[Row]:
    """Returns what an action has put into the outbox, in order."""
    return book.warehouse.query(
        f"select * from {book.outbox} where action_id = {literal(action_id)} order by position, row_key"
    )


def emitted_before(book: Book, action_id: str, rows_where: str) -> list[str]:
    """Returns the ids of other actions that emitted some of these rows."""
    found = book.warehouse.query(
        f"select distinct outbox.action_id from {book.outbox} as outbox"
        f" inner join (select events.row_key from {book.events} as events where {rows_where}) as mine"
        f" on outbox.row_key = mine.row_key where outbox.action_id <> {literal(action_id)} order by 1"
    )
    return [row["action_id"] for row in found]


def wrong_with(book: Book, one: Row) -> list[WrongOutbox]:
    """Compares the outbox with what was recorded when an action was applied, and with the rows as captured."""
    (act,) = book.warehouse.query(
        f"select row_count, selection_digest from {book.actions}"
        f" where action_id = {literal(one['action_id'])} and act = 'applied'"
    )
    rows = emitted(book, one["action_id"])
    sentences = []
    if [row["position"] for row in rows] != list(range(1, int(act["row_count"]) + 1)):
        sentences.append(f"{act['row_count']:,} rows were emitted, and the outbox has {len(rows):,}.")
    elif digest(sorted(rows, key=lambda row: row["row_key"])) != act["selection_digest"]:
        sentences.append("The outbox has other rows than were emitted.")
    changed = book.warehouse.query(
        f"select count(*) as n from {book.outbox} as outbox left join {book.events} as events"
        " on outbox.row_key = events.row_key and outbox.payload = events.payload"
        f" where outbox.action_id = {literal(one['action_id'])} and events.row_key is null"
    )[0]["n"]
    if changed:
        sentences.append(f"{count(changed, 'row')} of the outbox not as captured.")
    if one["jsonl_folder"] and _part(file_of(one["jsonl_folder"], one["action_id"])).exists():
        sentences.append("Its file was not delivered: apply it once more.")
    return [{"sentence": sentence} for sentence in sentences]


def file_of(folder: str, action_id: str) -> Path:
    """Returns where the rows of an action are delivered."""
    return Path(folder) / f"emission_{action_id}.jsonl"


def deliver(folder: str, action_id: str) -> bool:
    """Gives the file its name. Returns whether that was still to be done.

    Raises:
        ForensicsError: Somebody has put something else into its place, or where it belongs.
    """
    path = file_of(folder, action_id)
    _check_part(path)
    try:
        _part(path).replace(path)
    except FileNotFoundError:  # delivered before, by this command or by another one
        return False
    except OSError as error:
        raise ForensicsError(
            f"{path} cannot be written to ({error.strerror}): take what is there away and apply once more."
        ) from error
    return True


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _check_part(path: Path) -> None:
    """Finds a link, or what is no file, where only this command writes: it would overwrite what the link leads to."""
    part = _part(path)
    if part.is_symlink() or (part.exists() and not part.is_file()):
        raise ForensicsError(
            f"{part} is a link, or no file, and dbt-forensics did not make it: find out who did, remove it and apply "
            "once more."
        )


def _stage(folder: Path, action_id: str, rows: Iterable[Row]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = file_of(str(folder), action_id)
        _check_part(path)
        _part(path).unlink(missing_ok=True)  # of a process that was killed; another name of it stays as it is
        made = os.open(_part(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(made, "w", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor)
            for row in rows:
                file.write(_line(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ForensicsError(
            f"{folder} cannot be written to ({error.strerror}): plan it with another one."
        ) from error


def _line(row: Row) -> str:
    document = {
        **{name: row[name] for name in ("action_id", "position", *_TAKEN)},
        "position": int(row["position"]),
        "event_time": iso(row["event_time"]),
        "ingested_at": iso(row["ingested_at"]),
        "sequence_number": None
        if row["sequence_number"] is None
        else plain(Decimal(str(row["sequence_number"]))),
        "payload": json.loads(row["payload"]),
    }
    return json.dumps(document, ensure_ascii=False)
