"""The health of each stream's latest windows, for the dashboard and the scorecard. Pure."""

from collections import Counter
from collections.abc import Sequence

from dbt_forensics.document.values import number
from dbt_forensics.report.document import Windows
from dbt_forensics.report.evidence import Evidence
from dbt_forensics.text import iso
from dbt_forensics.warehouse import Row

HEALTH = ("healthy", "low", "high", "missing", "resting", "unknown", "open")


def windows(evidence: Evidence) -> list[Windows]:
    """Returns, per stream, its latest windows in order and how many of them are in which health."""
    return [_of_stream(name, evidence) for name in evidence.streams]


def _of_stream(name: str, evidence: Evidence) -> Windows:
    rows = [row for row in evidence.windows if row["stream"] == name]
    health = Counter(row["health"] for row in rows)
    return {
        "stream": name,
        "window": evidence.streams[name].window,
        "health": {kind: health[kind] for kind in HEALTH},
        "late_share": _share(rows, "late_count"),
        "duplicate_share": _share(rows, "duplicate_count"),
        "quarantined_share": _share(rows, "quarantined_count"),
        "items": [
            {
                "window_start": iso(row["window_start"]),
                "rows": int(row["row_count"]),
                "expected_rows": number(row["expected_count"]),
                "completeness": number(row["completeness"]),
                "late_share": number(row["late_share"]),
                "health": row["health"],
                "is_settled": bool(row["is_settled"]),
            }
            for row in rows
        ],
    }


def _share(rows: Sequence[Row], column: str) -> str | None:
    total = sum(int(row["row_count"]) for row in rows)
    part = sum(int(row[column]) for row in rows)
    return f"{part / total:.4f}" if total else None
