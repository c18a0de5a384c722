"""The changed values of a report, with their causes and the rows behind them. Pure."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from dbt_forensics.document.masking import shown_dimensions, shown_row
from dbt_forensics.document.values import earliest, latest, number
from dbt_forensics.report.document import (
    Cause,
    Change,
    ChangeCount,
    ChangedVersion,
    Changes,
    RowBehind,
    ShownVersion,
)
from dbt_forensics.report.evidence import Evidence, Scope
from dbt_forensics.report.ranking import difference, kind, ranked
from dbt_forensics.text import iso, plain
from dbt_forensics.warehouse import Row


def changes(evidence: Evidence, scope: Scope) -> Changes:
    """Returns what changed after it was published: all of it counted, what matters most in detail.

    Args:
        evidence: What the queries returned.
        scope: What was asked for; its ``detail`` bounds how much is shown.
    """
    order = ranked(evidence.changed)
    kinds = Counter(kind(row) for row in order)
    shown = order[: scope.detail]
    return {
        "total": len(order),
        "shown": len(shown),
        "restated": kinds["restated"],
        "corrected": kinds["corrected"],
        "grown": kinds["grown"],
        "counts": _counts(order),
        "items": [_change(place, row, evidence, scope) for place, row in enumerate(shown, 1)],
    }


def _counts(changed: Iterable[Row]) -> list[ChangeCount]:
    """How many windows of each metric changed, by kind, and in how many of them the value moved."""
    windows: Counter[tuple[str, str, str]] = Counter()
    moved: Counter[tuple[str, str, str]] = Counter()
    for row in changed:
        key = (row["stream"], row["metric"], kind(row))
        windows[key] += 1
        moved[key] += difference(row) != 0
    return [
        {"stream": stream, "metric": metric, "kind": what, "windows": windows[key], "moved": moved[key]}
        for key in sorted(windows)
        for stream, metric, what in [key]
    ]


def _change(place: int, changed: Row, evidence: Evidence, scope: Scope) -> Change:
    stream = evidence.stream_of(changed)
    history = [row for row in evidence.metric_versions if _same_window(row, changed)]
    versions = [row for row in history if row["version"] > changed["published_version"]]
    parts = [row for row in evidence.metric_changes if _same_window(row, changed)]
    causes = [
        _cause(name, parts, changed, evidence, scope) for name in _in_order(row["cause"] for row in parts)
    ]
    moved = difference(changed)
    explained = sum((Decimal(cause["change"]) for cause in causes), Decimal(0))
    return {
        "id": f"change-{place}",
        "stream": changed["stream"],
        "metric": changed["metric"],
        "window_start": iso(changed["window_start"]),
        "window_end": iso(changed["window_end"]),
        "window": stream.window,
        "dimensions": shown_dimensions(changed["dimensions"], stream),
        "kind": kind(changed),
        "published": {
            "at": iso(changed["published_at"]),
            "version": int(changed["published_version"]) or None,
            "value": number(changed["previous_value"]),
            "input_count": changed["previous_input_count"],
        },
        "now": {
            "recorded_from": iso(changed["recorded_from"]),
            "version": int(changed["version"]),
            "value": number(changed["value"]),
            "input_count": changed["input_count"],
            "is_settled": bool(changed["is_settled"]),
        },
        "difference": plain(moved),
        "causes": causes,
        "sum_check": {
            "causes_add_up_to": plain(explained),
            "difference": plain(moved),
            "holds": explained == moved,
        },
        "versions": [_version(row, parts) for row in versions],
        "history": [_shown(row) for row in history],
    }


def _shown(version: Row) -> ShownVersion:
    return {
        "version": int(version["version"]),
        "recorded_from": iso(version["recorded_from"]),
        "value": number(version["value"]),
        "input_count": version["input_count"],
        "is_settled": bool(version["is_settled"]),
    }


def _version(version: Row, parts: Iterable[Row]) -> ChangedVersion:
    return {
        "version": int(version["version"]),
        "recorded_from": iso(version["recorded_from"]),
        "previous_value": number(version["previous_value"]),
        "value": number(version["value"]),
        "input_count": version["input_count"],
        "origin": version["origin"],
        "is_settled": bool(version["is_settled"]),
        "causes": {
            row["cause"]: number(row["change"]) for row in parts if row["version"] == version["version"]
        },
    }


def _cause(cause: str, parts: Sequence[Row], changed: Row, evidence: Evidence, scope: Scope) -> Cause:
    of_cause = [row for row in parts if row["cause"] == cause]
    sample_ids = {event_id for row in of_cause for event_id in json.loads(row["sample_event_ids"] or "[]")}
    stream = evidence.stream_of(changed)
    behind: list[RowBehind] = [
        {"effect": int(row["effect"]), "effective_at": iso(row["effective_at"]), **shown_row(row, stream)}
        for row in evidence.rows_behind
        if (row["stream"], row["entry_cause"], row["window_start"])
        == (changed["stream"], cause, changed["window_start"])
        and row["event_id"] in sample_ids
        and (
            changed["previous_recorded_from"] is None
            or row["effective_at"] > changed["previous_recorded_from"]
        )
    ]
    return {
        "cause": cause,
        "change": plain(sum((Decimal(row["change"] or 0) for row in of_cause), Decimal(0))),
        "events": sum(int(row["event_count"]) for row in of_cause),
        "first_arrived_at": earliest(row["first_arrived_at"] for row in of_cause),
        "last_arrived_at": latest(row["last_arrived_at"] for row in of_cause),
        "rows": behind[: scope.samples],
    }


def _same_window(row: Row, changed: Row) -> bool:
    return all(row[key] == changed[key] for key in ("stream", "metric", "window_start", "dimensions"))


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
