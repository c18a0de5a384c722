"""How rows and their values stand in a JSON document: masked where personal, and never endless. Pure."""

import json
from typing import TypedDict

from dbt_forensics.document.values import number
from dbt_forensics.streams import Stream
from dbt_forensics.text import iso, moment
from dbt_forensics.warehouse import Row

#: The values of a metric's dimensions, by name.
Dimensions = dict[str, str | None]
MASKED = "(masked)"
LONGEST_VALUE = 200


class ShownRow(TypedDict):
    """A captured row as documents show it."""

    event_id: str | None
    entity_id: str | None
    event_type: str | None
    tenant: str | None
    batch_id: str | None
    event_time: str | None
    ingested_at: str | None
    lateness_seconds: str | None
    timeliness: str | None
    verdict: str
    cause: str
    reason: str | None
    is_in_source: bool
    payload: dict[str, str | None]


def shown_row(row: Row, stream: Stream, winner: str | None = None) -> ShownRow:
    """Returns a captured row as reports show it: personal data masked, long values shortened.

    Args:
        row: A row of ``forensics__verdicts``.
        stream: Its stream.
        winner: How to name the row that it lost to; None leaves the row's key.
    """

    def text(role: str) -> str | None:
        return MASKED if row[role] is not None and stream.is_personal(role) else shortened(row[role])

    reason = row["reason"]
    if winner is not None and reason is not None:
        reason = reason.replace(f"row {row['lost_to_row_key']}", winner)
    payload = json.loads(row["payload"] or "{}")
    return {
        "event_id": text("event_id"),
        "entity_id": text("entity_id"),
        "event_type": text("event_type"),
        "tenant": text("tenant"),
        "batch_id": text("batch_id"),
        "event_time": iso(row["event_time"]),
        "ingested_at": iso(row["ingested_at"]),
        "lateness_seconds": number(row["lateness_seconds"]),
        "timeliness": row["timeliness"],
        "verdict": row["verdict"],
        "cause": row["cause"],
        "reason": reason,
        "is_in_source": bool(row["is_in_source"]),
        "payload": {
            name: MASKED if stream.is_personal(name) else shortened(value) for name, value in payload.items()
        },
    }


def shown_batch(batch_id: str | None, stream: Stream) -> str | None:
    """Returns a batch id as reports show it."""
    return MASKED if stream.is_personal("batch_id") else shortened(batch_id)


def shown_dimensions(text: str, stream: Stream) -> Dimensions:
    """Returns the dimensions of a metric as a mapping, masked like a payload."""
    return {
        name: MASKED if stream.is_personal(name) else shortened(value)
        for name, value in json.loads(text).items()
    }


def shortened(value: str | None) -> str | None:
    """Returns a value as reports show it: a very long one only by its beginning and its length."""
    if value is None or len(value) <= LONGEST_VALUE:
        return value
    return f"{value[:LONGEST_VALUE]}… ({len(value):,} characters)"


def winner_of(row: Row, stream: Stream) -> str | None:
    """How a report names the row that another one lost to: by when it arrived, and in which batch."""
    if row["winner_ingested_at"] is None:
        return None
    arrived = moment(iso(row["winner_ingested_at"]))
    return f"the row of batch {shown_batch(row['winner_batch_id'], stream)} that arrived {arrived}"
