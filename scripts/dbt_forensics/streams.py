"""The declared streams, as the package itself completed and validated them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dbt_forensics.errors import ForensicsError

ROLES = (
    "event_id",
    "entity_id",
    "event_type",
    "event_time",
    "ingested_at",
    "batch_id",
    "sequence_number",
    "schema_version",
    "tenant",
)


#: What a user declared of a metric, as the package completed it.
MetricDefinition = Mapping[str, Any]
_PART = r'(?:"[^"]+"|[^."\s][^."]*)'


def relation_parts(path: str) -> tuple[list[str], str | None]:
    """Returns the parts of how a relation is named, and its version, as the macro ``_relation_parts`` takes them.

    Args:
        path: Such as ``source.shop."order.events"`` or ``ref.orders.v2``.
    """
    if not re.fullmatch(rf"{_PART}(?:\.{_PART})*", path):
        return [path], None
    parts = re.findall(_PART, path)
    is_version = parts[0] == "ref" and len(parts) > 2 and re.fullmatch("v[0-9]+", parts[-1])
    version = parts.pop()[1:] if is_version else None
    return [part.replace('"', "") for part in parts], version


@dataclass(frozen=True)
class Stream:
    """One stream of the var ``forensics_streams``.

    Attributes:
        name: Its name.
        relation: ``source.<source>.<table>``, ``ref.<model>``, ``ref.<package>.<model>`` or ``ref.<model>.v<version>``.
        roles: What the stream maps: role to column or SQL expression.
        payload: The payload columns, or None for every column that is not mapped.
        window: ``hour`` or ``day``.
        expected_delay: How long after the end of a window a row is still on time.
        allowed_lateness: How long after that it is late rather than too late.
        on_conflict: ``first_wins`` or ``last_wins``.
        too_late: ``include`` or ``exclude``.
        rules: Rule name to SQL condition.
        metrics: Metric name to definition.
        personal_data: Columns whose values are never shown.
    """

    name: str
    relation: str
    roles: Mapping[str, str]
    payload: tuple[str, ...] | None
    window: str
    expected_delay: timedelta
    allowed_lateness: timedelta
    on_conflict: str
    too_late: str
    rules: Mapping[str, str]
    metrics: Mapping[str, MetricDefinition]
    personal_data: frozenset[str]

    def payload_columns(self, columns: list[str]) -> list[str]:
        """Returns which columns of the relation are recorded in the payload, in their order.

        Args:
            columns: The relation's columns.
        """
        if self.payload is not None:
            wanted = {name.casefold() for name in self.payload}
            return [name for name in columns if name.casefold() in wanted]
        mapped = {expression.strip().strip('"').casefold() for expression in self.roles.values()}
        return [name for name in columns if name.casefold() not in mapped]

    def is_personal(self, name: str) -> bool:
        """Returns whether a payload column, or the column that a role maps, is tagged as personal data."""
        column = self.roles.get(name, name).strip().strip('"')
        return bool({name.casefold(), column.casefold()} & {tag.casefold() for tag in self.personal_data})


def stream(completed: Mapping[str, Any]) -> Stream:
    """Returns a stream from the completed form that the macro ``dbt_forensics.streams()`` gives."""
    return Stream(
        name=completed["name"],
        relation=completed["relation"],
        roles={role: completed[role] for role in ROLES if role in completed},
        payload=tuple(completed["payload"]) if "payload" in completed else None,
        window=completed["window"],
        expected_delay=_duration(completed["expected_delay"]),
        allowed_lateness=_duration(completed["allowed_lateness"]),
        on_conflict=completed["on_conflict"],
        too_late=completed["too_late"],
        rules=dict(completed["rules"]),
        metrics={name: dict(definition) for name, definition in completed["metrics"].items()},
        personal_data=frozenset(completed["personal_data"]),
    )


def watched_stream(name: str, watches: Mapping[str, Any], streams: Mapping[str, Stream]) -> Stream:
    """Returns what stands for a stream where the values that the user's own models show are looked up.

    Args:
        name: What the versions of these values have as their stream.
        watches: The declared watches by name, as the package completes them. The window and the delays are those of
            the metric's stream, if there is one watch, and it names one.
        streams: The declared streams: what is personal in one of them is so in a watched value.
    """
    personal = frozenset(tag for stream in streams.values() for tag in stream.personal_data)
    personal_ids = [
        stream.roles["event_id"]
        for stream in streams.values()
        if "event_id" in stream.roles and stream.is_personal("event_id")
    ]
    named = [streams[watch["metric_stream"]] for watch in watches.values() if watch["metric"]]
    stream = named[0] if len(watches) == len(named) == 1 else None
    return Stream(
        name=name,
        relation=", ".join(watch["relation"] for watch in watches.values()),
        roles={"event_id": personal_ids[0]} if personal_ids else {},
        payload=None,
        window=next(iter(watches.values()))["window"] if len(watches) == 1 else "day",
        expected_delay=stream.expected_delay if stream else timedelta(0),
        allowed_lateness=stream.allowed_lateness if stream else timedelta(0),
        on_conflict="",
        too_late="",
        rules={},
        metrics={
            watch: {"agg": "watched", "dimensions": given["dimensions"]} for watch, given in watches.items()
        },
        personal_data=personal,
    )


def no_such_stream(name: str, streams: Iterable[str]) -> ForensicsError:
    """Returns the error for a stream that is not declared."""
    return ForensicsError(
        f"There is no stream '{name}': give one of {', '.join(streams) or 'none, as none is declared'}."
    )


def _duration(period: Mapping[str, Any]) -> timedelta:
    return timedelta(**{period["period"] + "s": period["count"]})
