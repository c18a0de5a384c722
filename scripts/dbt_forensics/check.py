"""`dbt-forensics check`: is the configuration right, and what does each stream record?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import literal
from dbt_forensics.streams import Stream
from dbt_forensics.text import count, iso, long_duration, moment, visible
from dbt_forensics.warehouse import Column, Warehouse

Json = dict[str, Any]


def check_project(warehouse: Warehouse) -> Json:
    """Returns what is configured, what is wrong with it, and what is on record.

    Args:
        warehouse: The project's target; the package need not have been built in it.

    Raises:
        ForensicsError: The configuration does not pass the package's own validation.
    """
    is_built = warehouse.is_built()
    streams = [_check_stream(warehouse, stream, is_built) for stream in warehouse.streams().values()]
    return {
        "project": warehouse.project,
        "versions": warehouse.versions(),
        "is_built": is_built,
        "problems": [problem for stream in streams for problem in stream["problems"]],
        "streams": streams,
    }


def render_check(document: Json) -> str:
    """Returns the outcome of a check as text."""
    lines = [
        f"{document['project']}: "
        + ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    ]
    if not document["streams"]:
        lines.append(
            "No stream is declared: add the var forensics_streams to dbt_project.yml (dbt-forensics init writes one)."
        )
    for stream in document["streams"]:
        lines += ["", *_stream_lines(stream)]
    lines.append("")
    if document["problems"]:
        lines.append(
            f"{count(len(document['problems']), 'problem')} found: put them right, then run dbt build."
        )
    elif not document["is_built"]:
        lines.append("The configuration is right. Nothing is on record yet: run dbt build.")
    else:
        lines.append("The configuration is right.")
    return "\n".join(lines) + "\n"


def _check_stream(warehouse: Warehouse, stream: Stream, is_built: bool) -> Json:
    document: Json = {
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
    }
    try:
        relation, columns = warehouse.raw_relation(stream.relation)
    except ForensicsError as error:
        document["problems"].append(f"Stream '{stream.name}', key 'relation': {error}")
        return document
    document["payload"] = stream.payload_columns([column.name for column in columns])
    document["problems"] += _problems(warehouse, stream, relation, columns)
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


def _source(warehouse: Warehouse, stream: Stream, relation: str, columns: list[Column]) -> Json:
    event_time, ingested_at = (
        _as_sql(warehouse, stream.roles[role], columns) for role in ("event_time", "ingested_at")
    )
    row = warehouse.query(
        f"select count(*) as row_count, min({event_time}) as first_event_time, max({event_time}) as last_event_time,"
        f" min({ingested_at}) as first_ingested_at, max({ingested_at}) as last_ingested_at from {relation}"
    )[0]
    times = {
        name: str(value) if value is not None else None for name, value in row.items() if name != "row_count"
    }
    return {"rows": int(row["row_count"]), **times}


def _record(warehouse: Warehouse, stream: Stream) -> Json:
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


def _stream_lines(stream: Json) -> Iterator[str]:
    yield f"Stream {stream['stream']} from {stream['relation']}"
    source, record = stream["source"], stream["record"]
    if source:
        arrived = f"{source['first_ingested_at']} to {source['last_ingested_at']}"
        yield f"  source    {count(source['rows'], 'row')}, arrived {arrived}"
    if record:
        yield (
            f"  on record {count(record['rows'], 'row')} in {count(record['batches'], 'batch', 'batches')},"
            f" last new rows {moment(record['recorded_at'])}"
        )
        if record["chain_head"]:
            yield f"  chain     {record['chain_head']}, sealed {moment(record['sealed_at'])}"
    for role, expression in stream["roles"].items():
        yield f"  {role:<15} {visible(expression)}"
    if "batch_id" not in stream["roles"]:
        yield "  batch_id        ingested_at, truncated to the hour"
    yield f"  payload         {visible(', '.join(stream['payload']) or '(nothing)')}"
    if stream["personal_data"]:
        yield f"  personal data   {visible(', '.join(stream['personal_data']))}"
    yield (
        f"  time            {stream['window']} windows; on time within {stream['expected_delay']} after the end,"
        f" late within {stream['allowed_lateness']} more, then too late ({stream['too_late']}d)"
    )
    yield f"  conflicts       {stream['on_conflict']}"
    for name, condition in stream["rules"].items():
        yield f"  rule            {name}: {visible(condition)}"
    for name, definition in stream["metrics"].items():
        yield f"  metric          {name}: {visible(_metric(definition))}"
    for problem in stream["problems"]:
        yield f"  PROBLEM         {visible(problem)}"


def _metric(definition: Json) -> str:
    if definition["agg"] == "ratio":
        return f"{definition['numerator']} / {definition['denominator']}"
    words = f"{definition['agg']}({definition.get('expr', '*')})"
    words += f" where {definition['where']}" if "where" in definition else ""
    return words + (f" by {', '.join(definition['dimensions'])}" if definition.get("dimensions") else "")
