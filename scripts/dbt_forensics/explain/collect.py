"""Asks the warehouse for every version of a metric's value in a window, and the causes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dbt_forensics.errors import ForensicsError
from dbt_forensics.explain.document import Explanation
from dbt_forensics.explain.story import story
from dbt_forensics.sql import literal
from dbt_forensics.streams import Stream, no_such_stream, watched_stream
from dbt_forensics.text import iso, moment
from dbt_forensics.warehouse import Row, Warehouse

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Question:
    """What to explain.

    Attributes:
        metric: The metric's name.
        window: A UTC time in the window.
        stream: The stream's name, or None for the one that has the metric.
        dimensions: The value that a dimension must have, None for one without a value; others may have any.
        as_of: Leave out what was recorded after this UTC time; None leaves out nothing.
    """

    metric: str
    window: datetime
    stream: str | None = None
    dimensions: Mapping[str, str | None] | None = None
    as_of: datetime | None = None


def explain_value(warehouse: Warehouse, question: Question) -> Explanation:
    """Returns the versions of the values that were asked for, with their causes.

    Raises:
        ForensicsError: Nothing is built, or the stream, metric or a dimension does not exist or is ambiguous
            (exit code 2); or nothing was shown (1).
    """
    streams = warehouse.streams()
    watched = warehouse.macro("watched_stream")
    if watches := warehouse.macro("watches"):
        streams = {**streams, watched: watched_stream(watched, watches, streams)}
    if question.stream is not None and question.stream not in streams:
        raise no_such_stream(question.stream, streams)
    stream = stream_of(question, streams)
    _refuse_unknown_dimensions(question, stream)
    found = story(stream, question.dimensions or {}, *_evidence(warehouse, question, stream))
    if not found["values"]:
        then = f" as of {moment(iso(question.as_of))}" if question.as_of else ""
        raise ForensicsError(
            f"No value of {question.metric} in the window of {moment(iso(question.window))} is on record in stream "
            f"'{stream.name}'{then}{_with_dimensions(question)}: check the window, or run dbt build.",
            exit_code=1,
        )
    return {
        "schema_version": SCHEMA_VERSION,
        "metric": question.metric,
        "stream": stream.name,
        "window": watches[question.metric]["window"] if stream.name == watched else stream.window,
        "as_of": iso(question.as_of),
        **found,
    }


def stream_of(question: Question, streams: Mapping[str, Stream]) -> Stream:
    """Returns the one stream that has the metric.

    Raises:
        ForensicsError: No stream has it, or several have and none was named.
    """
    chosen = [streams[question.stream]] if question.stream else list(streams.values())
    having = [stream for stream in chosen if question.metric in stream.metrics]
    if len(having) == 1:
        return having[0]
    if having:
        raise ForensicsError(
            f"Several streams have a metric '{question.metric}': give --stream with one of "
            f"{', '.join(stream.name for stream in having)}."
        )
    known = sorted({metric for stream in chosen for metric in stream.metrics})
    where = f"Stream '{question.stream}' has" if question.stream else "There is"
    raise ForensicsError(
        f"{where} no metric '{question.metric}': give one of {', '.join(known) or 'none, as none is declared'}."
    )


def _refuse_unknown_dimensions(question: Question, stream: Stream) -> None:
    definition = stream.metrics[question.metric]
    if definition["agg"] == "ratio":  # it is split as its parts are
        definition = stream.metrics[definition["numerator"]]
    known = definition.get("dimensions") or []
    for name in question.dimensions or {}:
        if name not in known:
            raise ForensicsError(
                f"The metric '{question.metric}' has no dimension '{name}': give one of "
                f"{', '.join(known) or 'none, as it has none'}."
            )


def _with_dimensions(question: Question) -> str:
    given = (question.dimensions or {}).items()
    return (
        f" with {', '.join(f'{name}={value}' if value is not None else name for name, value in given)}"
        if given
        else ""
    )


def _evidence(
    warehouse: Warehouse, question: Question, stream: Stream
) -> tuple[Sequence[Row], Sequence[Row]]:
    """Versions and changes, in order."""
    window = literal(question.window)
    where = (
        f"stream = {literal(stream.name)} and metric = {literal(question.metric)}"
        f" and window_start <= {window} and window_end > {window}"
    )
    if question.as_of:
        where += f" and recorded_from <= {literal(question.as_of)}"
    order = "order by window_start, window_end, dimensions, version"
    versions = warehouse.query(
        f"select * from {warehouse.relation('forensics__metric_versions')} where {where} {order}"
    )
    rank = warehouse.macro("cause_rank", cause="cause")
    changes = warehouse.query(
        f"select * from {warehouse.relation('forensics__metric_changes')} where {where} {order}, {rank}"
    )
    return versions, changes
