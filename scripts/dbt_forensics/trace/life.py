"""Puts what is on record about an event together. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dbt_forensics.document.masking import shown_dimensions, shown_row
from dbt_forensics.document.values import number
from dbt_forensics.streams import Stream
from dbt_forensics.text import iso
from dbt_forensics.trace.document import ActionTaken, Arrival, CausedValue, Entry, Life, Value
from dbt_forensics.warehouse import Row


def life(
    stream: Stream,
    arrivals: Sequence[Row],
    entries: Sequence[Row],
    vanished: Sequence[Row],
    versions: Sequence[Row],
    changes: Sequence[Row],
    actions: Sequence[Row] = (),
) -> Life:
    """Returns the life of an event in one stream; rows are named by the order in which they arrived, from 1.

    Args:
        stream: The stream.
        arrivals: Its rows of ``forensics__verdicts``, in order of arrival.
        entries: Its rows of ``forensics__ledger``, in order.
        vanished: Its rows of ``forensics__vanished_rows``.
        versions: Metric versions of the windows that it is in.
        changes: The changes of these.
        actions: The rows of ``forensics__actions`` that are about its rows.
    """
    places = {row["row_key"]: place for place, row in enumerate(arrivals, 1)}
    counted = [places[row["row_key"]] for row in arrivals if row["is_counted"]]
    return {
        "stream": stream.name,
        "counted_arrival": counted[0] if counted else None,
        "arrivals": [_arrival(row, places, stream, vanished) for row in arrivals],
        "entries": [_entry(row, places) for row in entries],
        "actions": [_action(row) for row in actions],
        "counts_in": [
            _value(stream, version) for row in arrivals for version in _counts_in(stream, row, versions)
        ],
        "shown_in": _shown_in(stream, arrivals, entries, versions, changes),
    }


def _arrival(row: Row, places: Mapping[str, int], stream: Stream, vanished: Sequence[Row]) -> Arrival:
    winner = places.get(row["lost_to_row_key"])
    return {
        "arrival": places[row["row_key"]],
        **shown_row(row, stream, None if winner is None else f"arrival {winner}"),
        "window_start": iso(row["window_start"]),
        "lost_to_arrival": winner,
        "recorded_at": iso(row["recorded_at"]),
        "vanished": [
            {"vanished_at": iso(gone["vanished_at"]), "returned_at": iso(gone["returned_at"])}
            for gone in vanished
            if gone["row_key"] == row["row_key"]
        ],
    }


def _entry(row: Row, places: Mapping[str, int]) -> Entry:
    return {
        "arrival": places.get(row["row_key"]),
        "effect": int(row["effect"]),
        "verdict": row["verdict"],
        "cause": row["cause"],
        "other_arrival": places.get(row["other_row_key"]),
        "action_id": row["action_id"],
        "recorded_at": iso(row["recorded_at"]),
        "effective_at": iso(row["effective_at"]),
    }


def _action(row: Row) -> ActionTaken:
    return {
        "action_id": row["action_id"],
        "kind": row["kind"],
        "status": row["status"],
        "owner": row["owner"],
        "reason": row["reason"],
    }


def _shown_in(
    stream: Stream,
    arrivals: Sequence[Row],
    entries: Sequence[Row],
    versions: Sequence[Row],
    changes: Sequence[Row],
) -> list[CausedValue]:
    """The versions in which an entry of the event first shows: the first published since it took effect."""
    rows = {row["row_key"]: row for row in arrivals}
    found: dict[tuple[Any, ...], CausedValue] = {}
    for entry in entries:
        row = rows.get(entry["row_key"])
        if row is None or not entry["effect"]:
            continue
        for version in _first_versions(stream, row, entry, versions):
            key = tuple(version[name] for name in ("metric", "window_start", "dimensions", "version"))
            parts = {
                change["cause"]: number(change["change"])
                for change in changes
                if tuple(change[name] for name in ("metric", "window_start", "dimensions", "version")) == key
            }
            if entry["cause"] in parts:
                found[key] = {**_value(stream, version), "causes": parts}
    return [found[key] for key in sorted(found)]


def _value(stream: Stream, version: Row) -> Value:
    return {
        "metric": version["metric"],
        "window_start": iso(version["window_start"]),
        "window": stream.window,
        "dimensions": shown_dimensions(version["dimensions"], stream),
        "version": int(version["version"]),
        "recorded_from": iso(version["recorded_from"]),
        "previous_value": number(version["previous_value"]),
        "value": number(version["value"]),
        "is_current": bool(version["is_current"]),
        "is_certain": "where" not in stream.metrics.get(version["metric"], {}),
    }


def _counts_in(stream: Stream, row: Row, versions: Sequence[Row]) -> list[Row]:
    """The current values that a row that counts is part of."""
    if not row["is_counted"]:
        return []
    of_window = [version for version in versions if version["window_start"] == row["window_start"]]
    return [
        version for version in of_window if version["is_current"] and _in_dimensions(stream, row, version)
    ]


def _first_versions(stream: Stream, row: Row, entry: Row, versions: Sequence[Row]) -> list[Row]:
    """The first version of each metric of the row's window and dimensions that can show a ledger entry."""
    first: dict[tuple[str, str], Row] = {}
    for version in versions:
        series = (version["metric"], version["dimensions"])
        covers = (
            version["window_start"] == row["window_start"]
            and version["recorded_from"] >= entry["effective_at"]
        )
        if covers and series not in first and _in_dimensions(stream, row, version):
            first[series] = version
    return list(first.values())


def _in_dimensions(stream: Stream, row: Row, version: Row) -> bool:
    """Returns whether a row has the dimensions of a metric version, as far as the row says."""
    roles = {expression: role for role, expression in stream.roles.items()}
    payload = json.loads(row["payload"] or "{}")
    dimensions = json.loads(version["dimensions"])
    for name in stream.metrics.get(version["metric"], {}).get("dimensions", []):
        value = row[roles[name]] if name in roles else payload.get(name)
        if dimensions.get(name) != value:
            return False
    return True
