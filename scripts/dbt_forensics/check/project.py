"""Checks what is declared against the warehouse, and looks up what is on record of each stream."""

from __future__ import annotations

from collections.abc import Iterator

from dbt_forensics.check.document import Check, RecordFacts, SourceFacts, StreamCheck
from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import literal
from dbt_forensics.streams import Stream
from dbt_forensics.text import iso, long_duration
from dbt_forensics.warehouse import Column, Warehouse


def check_project(warehouse: Warehouse) -> Check:
    """Returns what is configured, what is wrong with it, and what is on record.

    Args:
        warehouse: The project's target; the package need not have been built in it.

    Raises:
        ForensicsError: The configuration does not pass the package's own validation.
    """
    is_built = warehouse.is_built()
    declared = warehouse.streams()
    streams = [_check_stream(warehouse, stream, is_built) for stream in declared.values()]
    if is_built:
        for stream, note in _renamed(warehouse, streams):
            stream["notes"].append(note)
    return {
        "project": warehouse.project,
        "versions": warehouse.versions(),
        "is_built": is_built,
        "problems": [problem for stream in streams for problem in stream["problems"]],
        "streams": streams,
    }


def _check_stream(warehouse: Warehouse, stream: Stream, is_built: bool) -> StreamCheck:
    document: StreamCheck = {
        "stream": stream.name,
        "relation": stream.relation,
        "roles": dict(stream.roles),
        "payload": [],
        "personal_data": sorted(stream.personal_data),
        "window": stream.window,
        "expected_delay": long_duration(stream.expected_delay),
        "allowed_lateness": long_duration(stream.allowed_lateness),
        "on_conflict": stream.on_conflict,
        "too_late": stream.too_late,
        "rules": dict(stream.rules),
        "metrics": {name: dict(definition) for name, definition in stream.metrics.items()},
        "source": None,
        "record": _record(warehouse, stream) if is_built else None,
        "problems": [],
        "notes": [],
    }
    try:
        relation, columns = warehouse.raw_relation(stream.relation)
    except ForensicsError as error:
        document["problems"].append(f"Stream '{stream.name}', key 'relation': {error}")
        return document
    document["payload"] = stream.payload_columns([column.name for column in columns])
    document["problems"] += _problems(warehouse, stream, relation, columns)
    if is_built and not document["problems"]:
        document["problems"] += _other_ids(warehouse, stream, relation, columns)
    if not document["problems"]:
        document["source"] = _source(warehouse, stream, relation, columns)
    return document


def _problems(warehouse: Warehouse, stream: Stream, relation: str, columns: list[Column]) -> Iterator[str]:
    """Finds what the package's validation cannot see at parse time: columns and expressions that the engine refuses."""
    names = {column.name.casefold() for column in columns}
    for key, wanted in (("payload", stream.payload or ()), ("personal_data", stream.personal_data)):
        for name in sorted(name for name in wanted if name.casefold() not in names):
            yield f"Stream '{stream.name}', key '{key}': {stream.relation} has no column '{name}'."
    for key, expression in _expressions(stream):
        try:
            warehouse.query(
                f"select {_as_sql(warehouse, expression, columns)} as result from {relation} where 1 = 0"
            )
        except ForensicsError as error:
            yield f"Stream '{stream.name}', key '{key}': the engine refuses {expression!r} ({error})."


def _other_ids(warehouse: Warehouse, stream: Stream, relation: str, columns: list[Column]) -> Iterator[str]:
    """Finds out whether the event ids of the latest batch on record are those that the stream's expression gives."""
    if not {"event_id", "batch_id"} <= set(stream.roles):
        return
    history, batches = (
        warehouse.relation(f"forensics__{name}") for name in ("event_history", "batch_history")
    )
    of_stream = f"stream = {literal(stream.name)}"
    latest = warehouse.query(
        f"select batch_id from {batches} where {of_stream} and row_count > 0"
        " order by max_ingested_at desc, batch_id desc limit 1"
    )
    if not latest:
        return
    types = {column.name.casefold(): column.data_type for column in columns}
    text = {
        role: warehouse.macro(
            "canonical_text",
            expression=_as_sql(warehouse, stream.roles[role], columns),
            data_type=types.get(stream.roles[role].strip().casefold()),
        )
        for role in ("event_id", "batch_id")
    }
    batch = literal(latest[0]["batch_id"])
    found = warehouse.query(
        f"with ids as (select distinct {text['event_id']} as event_id from {relation}"
        f" where {text['batch_id']} = {batch}),"
        f" known as (select distinct event_id from {history} where {of_stream} and batch_id = {batch})"
        " select count(*) as id_count, count(known.event_id) as known_count"
        " from ids left join known on ids.event_id = known.event_id"
    )[0]
    if found["id_count"] and not found["known_count"]:
        yield (
            f"Stream '{stream.name}', key 'event_id': {stream.roles['event_id']!r} gives none of the ids that are on"
            f" record of batch {latest[0]['batch_id']}. Rows on record keep theirs, so an event that is sent again"
            " counts twice: go back to the expression on record, or declare a stream of another name."
        )


def _renamed(warehouse: Warehouse, streams: list[StreamCheck]) -> Iterator[tuple[StreamCheck, str]]:
    """Finds new streams beside streams on record that are declared no more: they may be the same ones."""
    batches = warehouse.relation("forensics__batch_history")
    rows = warehouse.query(f"select distinct stream from {batches} order by stream")
    gone = [row["stream"] for row in rows if row["stream"] not in {stream["stream"] for stream in streams}]
    for stream in streams:
        if gone and stream["record"] and not stream["record"]["batches"]:
            others = ", ".join(repr(name) for name in gone)
            yield (
                stream,
                f"Stream '{stream['stream']}' has no record yet, and {others} is on record and not declared. If it is"
                " the same stream under a new name, what is on record stays under the old one, and sums over both"
                " count each row twice: keep the old name, or leave the old stream out of your queries.",
            )


def _expressions(stream: Stream) -> Iterator[tuple[str, str]]:
    yield from stream.roles.items()
    for name, condition in stream.rules.items():
        yield f"rules.{name}", f"case when {condition} then 1 end"
    for name, definition in stream.metrics.items():
        if "expr" in definition:
            yield f"metrics.{name}.expr", str(definition["expr"])
        if "where" in definition:
            yield f"metrics.{name}.where", f"case when {definition['where']} then 1 end"


def _as_sql(warehouse: Warehouse, expression: str, columns: list[Column]) -> str:
    for column in columns:
        if column.name.casefold() == expression.strip().casefold():
            return warehouse.identifier(column.name)
    return f"({expression})"


def _source(warehouse: Warehouse, stream: Stream, relation: str, columns: list[Column]) -> SourceFacts:
    event_time, ingested_at = (
        _as_sql(warehouse, stream.roles[role], columns) for role in ("event_time", "ingested_at")
    )
    row = warehouse.query(
        f"select count(*) as row_count, min({event_time}) as first_event_time, max({event_time}) as last_event_time,"
        f" min({ingested_at}) as first_ingested_at, max({ingested_at}) as last_ingested_at from {relation}"
    )[0]
    times = {name: None if value is None else str(value) for name, value in row.items()}
    return {
        "rows": int(row["row_count"]),
        "first_event_time": times["first_event_time"],
        "last_event_time": times["last_event_time"],
        "first_ingested_at": times["first_ingested_at"],
        "last_ingested_at": times["last_ingested_at"],
    }


def _record(warehouse: Warehouse, stream: Stream) -> RecordFacts:
    name = literal(stream.name)
    rows = warehouse.query(
        "select count(*) as row_count, max(recorded_at) as recorded_at"
        f" from {warehouse.relation('forensics__event_history')} where stream = {name}"
    )[0]
    batches = warehouse.relation("forensics__batch_history")
    chain_heads = warehouse.macro("chain_heads", seals=batches)
    sealed = warehouse.query(
        f"select count(*) as batch_count from {batches} where stream = {name} and dbt_valid_to is null"
    )[0]
    heads = warehouse.query(f"select head, recorded_at from ({chain_heads}) as heads where stream = {name}")
    return {
        "rows": int(rows["row_count"]),
        "batches": int(sealed["batch_count"]),
        "recorded_at": iso(rows["recorded_at"]),
        "sealed_at": iso(heads[0]["recorded_at"]) if heads else None,
        "chain_head": heads[0]["head"] if heads else None,
    }
