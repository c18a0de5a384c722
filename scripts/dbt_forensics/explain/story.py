"""Puts the versions of a value and their causes together, and checks that they add up. Pure."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from dbt_forensics.document.masking import MASKED, shortened, shown_dimensions
from dbt_forensics.document.values import number
from dbt_forensics.explain.document import Cause, Story, Value, Version
from dbt_forensics.streams import Stream
from dbt_forensics.text import iso, plain
from dbt_forensics.warehouse import Row

_KEY = ("window_start", "window_end", "dimensions")
#: How many values are told: of a metric of many dimensions, those that moved most.
MOST_VALUES = 20


def story(
    stream: Stream, dimensions: Mapping[str, str | None], versions: Sequence[Row], changes: Sequence[Row]
) -> Story:
    """Returns what is told of the values of one window.

    Args:
        stream: The metric's stream.
        dimensions: The value that a dimension must have, None for one without a value.
        versions: Rows of ``forensics__metric_versions`` of one metric, in order.
        changes: The rows of ``forensics__metric_changes`` of these versions, in order.
    """
    of_value: dict[tuple[Any, ...], list[Row]] = {}
    for version in versions:
        if _has(version["dimensions"], dimensions):
            of_value.setdefault(tuple(version[name] for name in _KEY), []).append(version)
    of_version: dict[tuple[Any, ...], list[Row]] = {}
    for change in changes:
        of_version.setdefault((change["window_start"], change["dimensions"], change["version"]), []).append(
            change
        )
    values = [_value(stream, history, of_version) for history in of_value.values()]
    most = sorted(values, key=lambda value: (value["add_up"], -_moved(value)))[:MOST_VALUES]
    return {
        "total": len(values),
        "add_up": all(value["add_up"] for value in values),
        "values": [value for value in values if any(value is one for one in most)],
    }


def _has(text: str, wanted: Mapping[str, str | None]) -> bool:
    given = json.loads(text)
    return all(given.get(name) == value for name, value in wanted.items())


def _moved(value: Value) -> Decimal:
    return sum((abs(Decimal(version["difference"])) for version in value["versions"][1:]), Decimal(0))


def _value(
    stream: Stream, history: Sequence[Row], of_version: Mapping[tuple[Any, ...], Sequence[Row]]
) -> Value:
    versions = [
        _version(
            stream,
            version,
            before,
            after,
            of_version.get((version["window_start"], version["dimensions"], version["version"]), []),
        )
        for before, version, after in zip([None, *history], history, [*history[1:], None], strict=False)
    ]
    return {
        "window_start": iso(history[0]["window_start"]),
        "window_end": iso(history[0]["window_end"]),
        "dimensions": shown_dimensions(history[0]["dimensions"], stream),
        "value": number(history[-1]["value"]),
        "add_up": all(version["sum_check"]["holds"] for version in versions),
        "versions": versions,
    }


def _version(
    stream: Stream, version: Row, before: Row | None, after: Row | None, changes: Sequence[Row]
) -> Version:
    difference = _exact(version["value"]) - _exact(version["previous_value"])
    explained = sum((_exact(change["change"]) for change in changes), Decimal(0))
    follows = _exact(version["previous_value"]) == _exact(before["value"] if before else None)
    named = all(change["cause"] != "unexplained" and change["change"] is not None for change in changes)
    return {
        "version": int(version["version"]),
        "recorded_from": iso(version["recorded_from"]),
        "recorded_to": iso(after["recorded_from"]) if after else None,
        "previous_value": number(version["previous_value"]),
        "value": number(version["value"]),
        "difference": plain(difference),
        "input_count": int(version["input_count"]),
        "origin": version["origin"],
        "is_settled": bool(version["is_settled"]),
        "causes": [_cause(stream, change) for change in changes],
        "sum_check": {
            "causes_add_up_to": plain(explained),
            "difference": plain(difference),
            "follows_on_the_version_before": follows,
            "holds": explained == difference and follows and named,
        },
    }


def _cause(stream: Stream, change: Row) -> Cause:
    ids = json.loads(change["sample_event_ids"] or "[]")
    return {
        "cause": change["cause"],
        "change": number(change["change"]),
        "events": int(change["event_count"]),
        "sample_event_ids": [MASKED if stream.is_personal("event_id") else shortened(one) for one in ids],
        "first_arrived_at": iso(change["first_arrived_at"]),
        "last_arrived_at": iso(change["last_arrived_at"]),
    }


def _exact(value: Any) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))
