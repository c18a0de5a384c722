"""Asks the warehouse for all that is on record about one event."""

from __future__ import annotations

from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import in_list, literal
from dbt_forensics.streams import Stream, no_such_stream
from dbt_forensics.trace.document import Trace
from dbt_forensics.trace.life import life
from dbt_forensics.warehouse import Row, Warehouse

SCHEMA_VERSION = 1
# Without is_out_of_order, for which the engine would have to read every event.
_ARRIVAL = (
    "row_key, event_id, entity_id, event_type, batch_id, event_time, ingested_at, tenant, payload, window_start,"
    " verdict, cause, timeliness, lateness_seconds, reason, is_in_source, is_counted, lost_to_row_key, recorded_at"
)


def trace_event(warehouse: Warehouse, event_id: str, stream: str | None = None) -> Trace:
    """Returns the life of an event in each stream that has it.

    Args:
        warehouse: Where the package has been built.
        event_id: The event's id, exactly as recorded.
        stream: Only look in this stream; None looks in all.

    Raises:
        ForensicsError: Nothing is built, the stream is not declared (exit code 2), or no stream has the event (1).
    """
    streams = warehouse.streams()
    if stream is not None and stream not in streams:
        raise no_such_stream(stream, streams)
    chosen = [streams[stream]] if stream else list(streams.values())
    lives = [life(one, *found) for one in chosen if (found := _evidence(warehouse, event_id, one))[0]]
    if not lives:
        where = f"stream '{stream}' has" if stream else "the streams have"
        raise ForensicsError(
            f"No row with event id '{event_id}' is on record: check its spelling and which events {where}, "
            "or run dbt build if it has only just arrived.",
            exit_code=1,
        )
    return {"schema_version": SCHEMA_VERSION, "event_id": event_id, "streams": lives}


def _evidence(
    warehouse: Warehouse, event_id: str, stream: Stream
) -> tuple[list[Row], list[Row], list[Row], list[Row], list[Row], list[Row]]:
    """Arrivals, ledger entries, disappearances, metric versions, metric changes and actions."""
    where = f"stream = {literal(stream.name)} and event_id = {literal(event_id)}"
    arrivals = warehouse.query(
        f"select {_ARRIVAL} from {warehouse.relation('forensics__verdicts')} where {where}"
        " order by ingested_at, batch_id, ordinal, row_key"
    )
    entries = warehouse.query(
        f"select * from {warehouse.relation('forensics__ledger')} where {where}"
        " order by recorded_at, row_key, entry_number"
    )
    vanished = warehouse.query(
        f"select * from {warehouse.relation('forensics__vanished_rows')} where {where} order by vanished_at, row_key"
    )
    windows = in_list(sorted({row["window_start"] for row in arrivals if row["window_start"] is not None}))
    covering = f"stream = {literal(stream.name)} and window_start in {windows}"
    order = "order by metric, window_start, dimensions, version"
    versions = warehouse.query(
        f"select * from {warehouse.relation('forensics__metric_versions')} where {covering} {order}"
    )
    changes = warehouse.query(
        f"select * from {warehouse.relation('forensics__metric_changes')} where {covering} {order}"
    )
    ids = sorted({row["action_id"] for row in entries if row["action_id"] is not None})
    acted = " or ".join(
        f"action_id in (select action_id from {warehouse.relation(name)} where {where})"
        for name in ("int_forensics__action_rows", "forensics__outbox")
    )
    actions = warehouse.query(
        f"select * from {warehouse.relation('forensics__actions')} where action_id in {in_list(ids)} or {acted}"
        " order by applied_at, action_id"
    )
    return arrivals, entries, vanished, versions, changes, actions
