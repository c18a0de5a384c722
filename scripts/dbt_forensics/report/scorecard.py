"""One line per stream for reviewers and CI, as CSV and JSON. Pure: reads the JSON document only."""

import csv
import io

from dbt_forensics.report.document import Facts, ScorecardLine, StreamHealth


def scorecard(document: Facts) -> list[ScorecardLine]:
    """Returns one line per stream: rows by verdict, windows by health, what changed, and what is open.

    Args:
        document: The report's JSON document, schema version 1.
    """
    return [_line(stream, document) for stream in document["streams"]]


def scorecard_csv(document: Facts) -> str:
    """Returns the scorecard as CSV with a header; no lines where no stream is declared."""
    lines = scorecard(document)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]) if lines else ["stream"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _line(stream: StreamHealth, document: Facts) -> ScorecardLine:
    name = stream["stream"]
    windows = next(item for item in document["windows"] if item["stream"] == name)
    health = windows["health"]
    opened = [
        item
        for item in document["incidents"]["items"]
        if item["stream"] == name and item["resolved_at"] is None
    ]
    changed = {
        kind: sum(
            one["windows"]
            for one in document["changes"]["counts"]
            if one["stream"] == name and one["kind"] == kind
        )
        for kind in ("restated", "corrected", "grown")
    }
    return {
        "stream": name,
        "recorded_at": document["recorded_at"],
        "rows": stream["rows"],
        "rows_reconcile": stream["reconciles"]["holds"],
        **{f"{verdict}_rows": rows for verdict, rows in stream["verdicts"].items()},
        "batches_with_missing_rows": sum(
            batch["stream"] == name and batch["missing_rows"] > 0 for batch in document["batches"]["items"]
        ),
        "last_ingested_at": stream["last_ingested_at"],
        "windows_due": sum(health.values()) - health["open"],
        **{
            f"windows_{kind}": health[kind]
            for kind in ("healthy", "low", "high", "missing", "resting", "unknown")
        },
        "late_share": windows["late_share"],
        "duplicate_share": windows["duplicate_share"],
        "quarantined_share": windows["quarantined_share"],
        **{f"{kind}_values": quantity for kind, quantity in changed.items()},
        "unexplained_values": sum(
            item["stream"] == name
            and (
                not item["sum_check"]["holds"]
                or any(cause["cause"] == "unexplained" for cause in item["causes"])
            )
            for item in document["changes"]["items"]
        ),
        "open_incidents": len(opened),
        "worst_severity": opened[0]["severity"] if opened else None,
    }
