"""The outcome of a check as it reads in a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dbt_forensics.check.document import Check, StreamCheck
from dbt_forensics.streams import MetricDefinition
from dbt_forensics.text import count, moment, visible


def render_check(document: Check) -> str:
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


def _stream_lines(stream: StreamCheck) -> Iterator[str]:
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
    for note in stream["notes"]:
        yield f"  NOTE            {visible(note)}"
    for problem in stream["problems"]:
        yield f"  PROBLEM         {visible(problem)}"


def _metric(definition: MetricDefinition) -> str:
    if definition["agg"] == "ratio":
        return f"{definition['numerator']} / {definition['denominator']}"
    words = f"{definition['agg']}({definition.get('expr', '*')})"
    words += f" where {definition['where']}" if "where" in definition else ""
    return words + (f" by {', '.join(definition['dimensions'])}" if definition.get("dimensions") else "")
