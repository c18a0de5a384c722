"""What an action would do, found by running the ledger's and the metrics' own SQL over what the log would be."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dbt_forensics.actions.document import Effect
from dbt_forensics.actions.log import Book, given_up
from dbt_forensics.actions.selection import COUNTING, NEEDED, Selection
from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import in_list, literal
from dbt_forensics.terminal import tell
from dbt_forensics.text import iso, plain
from dbt_forensics.warehouse import Row
from dbt_forensics.writing import WritingWarehouse


@dataclass(frozen=True)
class Chosen:
    """The rows that a selection takes for a kind of action.

    Attributes:
        rows: Of ``forensics__verdicts``, in the order of their keys: row_key, verdict, broken_rule, is_in_source, ...
        scanned: How many rows the selection has, by verdict.
        skipped: How many of them are not taken, by reason.
        digest: Of the keys and verdicts of the rows: another if the selection would do something else.
    """

    rows: Sequence[Row]
    scanned: dict[str, int]
    skipped: dict[str, int]
    digest: str

    @property
    def events(self) -> int:
        """The number of different events."""
        return len({row["event_id"] for row in self.rows})


def choose(book: Book, selection: Selection, kind: str, limit: int) -> Chosen:
    """Runs a selection.

    Raises:
        ForensicsError: It takes more rows than the limit: the true number is told, nothing is cut off.
    """
    needed = " and ".join(f"events.{column} is not null" for column in NEEDED)
    takes = selection.takes(kind)
    is_given_up = f"events.row_key in ({given_up(book.rows, book.states)})" if kind == "discard" else "1 = 0"
    counted = book.warehouse.query(
        "select verdict, is_complete, is_given_up, count(*) as row_count from (select events.verdict,"
        f" case when {needed} then 1 else 0 end as is_complete,"
        f" case when {is_given_up} then 1 else 0 end as is_given_up"
        f" from {book.events} as events where {selection.condition()}) as scanned group by 1, 2, 3 order by 1, 2, 3"
    )
    scanned: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    taken = 0
    for row in counted:
        verdict, rows = row["verdict"] or "without a verdict", int(row["row_count"])
        scanned[verdict] += rows
        if verdict not in takes:
            skipped[f"{verdict}: taken are {', '.join(takes)} rows"] += rows
        elif kind != "discard" and not row["is_complete"]:
            skipped[f"{verdict}: without event id, event time or arrival a row cannot count"] += rows
        elif row["is_given_up"]:
            skipped[f"{verdict}: discarded before"] += rows
        else:
            taken += rows
    if taken > limit:
        raise ForensicsError(
            f"The selection takes {taken:,} rows, and the limit is {limit:,}: narrow it, or give --limit {taken}.",
            exit_code=1,
        )
    rows_taken = book.warehouse.query(
        "select events.row_key, events.event_id, events.entity_id, events.batch_id, events.window_start,"
        " events.event_time, events.ingested_at, events.verdict, events.broken_rule, events.is_in_source"
        f" from {book.events} as events where {taken_condition(book, selection, kind)} order by events.row_key"
    )
    return Chosen(rows_taken, dict(scanned), dict(skipped), digest(rows_taken))


def taken_condition(book: Book, selection: Selection, kind: str) -> str:
    """Returns which rows of ``forensics__verdicts as events`` a selection takes."""
    taken = f"{selection.condition()} and events.verdict in {in_list(selection.takes(kind))}"
    if kind == "discard":
        return f"{taken} and events.row_key not in ({given_up(book.rows, book.states)})"
    return taken + "".join(f" and events.{column} is not null" for column in NEEDED)


def digest(rows: Iterable[Row]) -> str:
    """Returns a digest of the keys and verdicts of rows in the order of their keys."""
    found = hashlib.sha256()
    for row in rows:
        found.update(f"{row['row_key']}:{row['verdict']}\n".encode())
    return found.hexdigest()


def row_select(book: Book, action_id: str, rows_where: str) -> str:
    """Returns a select of rows as the table of an action's rows has them."""
    return (
        f"select {literal(action_id)} as action_id, events.stream, events.row_key, events.event_id, events.entity_id,"
        " events.window_start, events.ingested_at,"
        f" {book.now} as recorded_at"
        f" from {book.events} as events where {rows_where}"
    )


def effects(
    warehouse: WritingWarehouse, action_id: str, kind: str, act: str, rows: str | None
) -> list[Effect]:
    """Returns what an act would do to every metric: one item per value that would change, with its causes.

    Args:
        warehouse: Where to look.
        action_id: The action's id.
        kind: Its kind.
        act: ``applied`` or ``reverted``.
        rows: A select of its rows where they are not on record yet.
    """
    if kind not in COUNTING:
        return []
    warehouse.end_transaction_of_dbt()  # else a metric that fails takes the views of the plan with it on DuckDB
    laid_out = warehouse.macro("plan_action", action_id=action_id, kind=kind, act=act, rows=rows)
    for one in laid_out["left_out"]:
        tell(
            f"Stream '{one['stream']}', metric '{one['metric']}': its expression fails on rows on record. The plan"
            " leaves it out, as the build does; forensics__unread_streams says why.",
            err=True,
        )
    values: dict[tuple[Any, ...], Effect] = {}
    for row in warehouse.query(
        "select stream, metric, window_start, dimensions, version, previous_value, value, cause, change"
        f" from ({laid_out['effects']}) as effects"
        " order by stream, metric, window_start, dimensions, version, cause"
    ):
        key = (row["stream"], row["metric"], row["window_start"], row["dimensions"])
        item = values.setdefault(
            key,
            {
                "metric": row["metric"],
                "window_start": iso(row["window_start"]),
                "dimensions": row["dimensions"],
                "before": _text(row["previous_value"]),
                "after": None,
                "causes": {},
            },
        )
        item["after"] = _text(row["value"])
        item["causes"][row["cause"]] = _text(row["change"])
    return list(values.values())


def _text(value: Any) -> str | None:
    return None if value is None else plain(Decimal(str(value)))


def effects_json(found: Sequence[Effect]) -> str:
    """Returns effects as the log keeps them."""
    return json.dumps(list(found), ensure_ascii=False, sort_keys=True)
