"""How values settle, and what open windows will be, as a report's JSON has it. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from dbt_forensics.document.masking import shown_dimensions
from dbt_forensics.document.values import number
from dbt_forensics.report.document import Age, Estimate, Length, Settling
from dbt_forensics.report.evidence import Evidence
from dbt_forensics.streams import Stream
from dbt_forensics.text import iso, long_duration
from dbt_forensics.warehouse import Row


def settling(evidence: Evidence, most: int = 20) -> list[Settling]:
    """Returns per stream the curves of its metrics, how long rows should be waited for, and estimates of open windows.

    Args:
        evidence: What the queries returned.
        most: How many estimates of a stream are shown.
    """
    return [_stream(stream, evidence, most) for stream in evidence.streams.values()]


def _stream(stream: Stream, evidence: Evidence, most: int) -> Settling:
    lengths = [row for row in evidence.lateness if row["stream"] == stream.name]
    open_values = [row for row in evidence.estimates if row["stream"] == stream.name]
    return {
        "stream": stream.name,
        "window": stream.window,
        "allowed_lateness": _length(next((row for row in lengths if row["is_configured"]), None)),
        "suggested_lateness": _length(next((row for row in lengths if row["is_suggested"]), None)),
        "metrics": [
            {
                "metric": metric,
                "curve": _curve([row for row in evidence.settling if _is_of(row, stream, metric)]),
            }
            for metric in stream.metrics
            if any(_is_of(row, stream, metric) for row in evidence.settling)
        ],
        "estimates": {
            "total": len(open_values),
            "shown": min(len(open_values), most),
            "items": [_estimate(row, stream) for row in open_values[:most]],
        },
    }


def _is_of(row: Row, stream: Stream, metric: str) -> bool:
    return bool((row["stream"], row["metric"]) == (stream.name, metric))


def _length(row: Row | None) -> Length | None:
    if row is None:
        return None
    return {
        "length": long_duration(timedelta(seconds=int(row["lateness_seconds"]))),
        "rows": int(row["row_count"]),
        "covered_rows": int(row["covered_count"]),
        "covered_share": number(row["covered_share"]),
    }


def _curve(rows: Sequence[Row]) -> list[Age]:
    """The ages up to the first from which on nothing moves any more."""
    last = max((place for place, row in enumerate(rows) if not _is_complete(row)), default=-1)
    return [
        {
            "age_hours": int(row["age_hours"]),
            "windows": int(row["window_count"]),
            "value_share": number(row["value_share"]),
            "input_share": number(row["input_share"]),
            "final_share": number(row["final_share"]),
        }
        for row in rows[: last + 2]
    ]


def _is_complete(row: Row) -> bool:
    return bool(row["value_share"] == row["input_share"] == row["final_share"] == 1)


def _estimate(row: Row, stream: Stream) -> Estimate:
    return {
        "metric": row["metric"],
        "window_start": iso(row["window_start"]),
        "dimensions": shown_dimensions(row["dimensions"], stream),
        "value": number(row["value"]),
        "estimate": number(row["estimate"]),
        "estimate_low": number(row["estimate_low"]),
        "estimate_high": number(row["estimate_high"]),
        "basis_count": int(row["basis_count"]),
        "basis": row["basis"],
    }
