"""Turns evidence into the report's JSON document, schema version 1 (docs/report-json.md). Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from dbt_forensics.document.masking import shown_batch, shown_row, winner_of
from dbt_forensics.document.values import earliest, latest
from dbt_forensics.report.changes import changes
from dbt_forensics.report.document import (
    Drift,
    Facts,
    Losers,
    LosingBatch,
    LosingBatches,
    Report,
    StreamHealth,
    Surge,
)
from dbt_forensics.report.evidence import Evidence, Scope
from dbt_forensics.report.findings import findings, headline, open_questions
from dbt_forensics.report.incidents import incidents
from dbt_forensics.report.settling import settling
from dbt_forensics.report.windows import windows
from dbt_forensics.streams import Stream
from dbt_forensics.text import iso, long_duration
from dbt_forensics.warehouse import Row

SCHEMA_VERSION = 1
VERDICTS = ("accepted", "superseded", "withdrawn", "duplicate", "conflict", "quarantined", "pending")


def assemble(evidence: Evidence, scope: Scope) -> Report:
    """Returns the report as one JSON document.

    The same evidence gives the same document: its time is that of the last build on record, not of now.

    Args:
        evidence: What the queries returned.
        scope: What was asked for.
    """
    facts: Facts = {
        "project": evidence.project,
        "recorded_at": latest(_recorded_times(evidence, scope)),
        "scope": {
            "since": iso(scope.since),
            "until": iso(scope.until),
            "stream": scope.stream,
            "incident": scope.incident,
        },
        "streams": [_stream(stream, evidence) for stream in evidence.streams.values()],
        "watches": [
            {"stream": stream.name, "metric": metric, "relation": stream.relation, "window": stream.window}
            for metric, stream in evidence.watches.items()
        ],
        "incidents": incidents(evidence, scope),
        "changes": changes(evidence, scope),
        "batches": _batches(evidence, scope),
        "schema_drift": _schema_drift(evidence, scope),
        "losers": _losers(evidence),
        "settling": settling(evidence),
        "windows": windows(evidence),
        "chain_heads": [
            {"stream": row["stream"], "recorded_at": iso(row["recorded_at"]), "head": row["head"]}
            for row in evidence.chain_heads
        ],
        "versions": {
            **evidence.versions,
            "digests": [
                {
                    "stream": row["stream"],
                    "digest_version": int(row["digest_version"]),
                    "batches": int(row["batch_count"]),
                }
                for row in evidence.digest_versions
            ],
        },
    }
    found = findings(facts)
    return {
        "schema_version": SCHEMA_VERSION,
        "headline": headline(found),
        "findings": found,
        "open_questions": open_questions(facts),
        **facts,
    }


def _recorded_times(evidence: Evidence, scope: Scope) -> Iterator[datetime]:
    """When builds recorded what is in the report: rows, seals or values."""
    yield from (row["recorded_at"] for row in evidence.captured)
    yield from (row["recorded_from"] for row in evidence.changed)
    for row in evidence.chain_heads:
        if scope.until is None or row["recorded_at"] <= scope.until:
            yield row["recorded_at"]


def _stream(stream: Stream, evidence: Evidence) -> StreamHealth:
    of_stream = [row for row in evidence.verdicts if row["stream"] == stream.name]
    verdicts: Counter[str] = Counter()
    timeliness: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for row in of_stream:
        verdicts[row["verdict"]] += int(row["row_count"])
        timeliness[row["timeliness"] or "unknown"] += int(row["row_count"])
        if row["verdict"] == "quarantined":
            causes[row["cause"].removeprefix("rule:")] += int(row["row_count"])
    captured = sum(int(row["row_count"]) for row in evidence.captured if row["stream"] == stream.name)
    judged = sum(verdicts[verdict] for verdict in VERDICTS)
    loads = [row for row in evidence.loads if row["stream"] == stream.name]
    return {
        "stream": stream.name,
        "relation": stream.relation,
        "settings": {
            "window": stream.window,
            "expected_delay": long_duration(stream.expected_delay),
            "allowed_lateness": long_duration(stream.allowed_lateness),
            "on_conflict": stream.on_conflict,
            "too_late": stream.too_late,
        },
        "rows": captured,
        "batches": len(loads),
        "first_ingested_at": earliest(row["first_ingested_at"] for row in of_stream),
        "last_ingested_at": latest(row["last_ingested_at"] for row in of_stream),
        "verdicts": {verdict: verdicts[verdict] for verdict in VERDICTS},
        "reconciles": {"rows": captured, "rows_with_a_verdict": judged, "holds": captured == judged},
        "timeliness": {
            name: timeliness[name] for name in ("on_time", "late", "too_late", "future", "unknown")
        },
        "broken_rules": dict(sorted(causes.items(), key=lambda item: (-item[1], item[0]))),
        "surges": _surges(loads, stream),
    }


def _surges(loads: Sequence[Row], stream: Stream, shown: int = 5) -> list[Surge]:
    """Batches in which late rows or duplicates are a multiple of what is usual in the stream.

    A surge is at least 50 such rows, a fifth of the batch, and five times the stream's own share.
    """
    rows = sum(int(row["row_count"]) for row in loads)
    surges = []
    for what, column in (
        ("late", "late_count"),
        ("duplicate", "duplicate_count"),
        ("future", "future_count"),
    ):
        usual = Decimal(sum(int(row[column]) for row in loads)) / max(rows, 1)
        for row in loads:
            share = Decimal(int(row[column])) / int(row["row_count"])
            if row[column] >= 50 and share >= Decimal("0.2") and share >= 5 * usual:
                surges.append((share, int(row[column]), what, usual, row))
    surges.sort(key=lambda surge: (-surge[1], surge[2], str(surge[4]["batch_id"])))
    return [
        {
            "what": what,
            "batch_id": shown_batch(row["batch_id"], stream),
            "ingested_at": iso(row["first_ingested_at"]),
            "rows": int(row["row_count"]),
            "affected_rows": affected,
            "share": f"{share:.3f}",
            "usual_share": f"{usual:.3f}",
        }
        for share, affected, what, usual, row in surges[:shown]
    ]


def _batches(evidence: Evidence, scope: Scope) -> LosingBatches:
    items: list[LosingBatch] = []
    for lost in evidence.vanished:
        seals = [row for row in evidence.batch_versions if _same_batch(row, lost)]
        counts = [int(row["row_count"]) for row in seals]
        missing = int(lost["missing_count"])
        stream = evidence.streams[lost["stream"]]
        items.append(
            {
                "stream": lost["stream"],
                "batch_id": shown_batch(lost["batch_id"], stream),
                "kind": _batch_kind(counts, missing),
                "rows_at_first": counts[0],
                "rows_now": counts[-1],
                "vanished_rows": int(lost["vanished_count"]),
                "missing_rows": missing,
                "first_vanished_at": iso(lost["first_vanished_at"]),
                "last_vanished_at": iso(lost["last_vanished_at"]),
                "first_event_time": iso(lost["first_event_time"]),
                "last_event_time": iso(lost["last_event_time"]),
                "versions": [
                    {
                        "recorded_at": iso(row["recorded_at"]),
                        "rows": int(row["row_count"]),
                        "digest": row["batch_digest"],
                    }
                    for row in seals
                ],
            }
        )
    kinds = Counter(item["kind"] for item in items)
    items.sort(
        key=lambda item: (
            -item["missing_rows"],
            -item["vanished_rows"],
            item["stream"],
            str(item["batch_id"]),
        )
    )
    return {
        "total": len(items),
        "shown": min(len(items), scope.detail),
        "deleted": kinds["deleted"],
        "rewritten": kinds["rewritten"],
        "reduced": kinds["reduced"],
        "restored": kinds["restored"],
        "missing_rows": sum(item["missing_rows"] for item in items),
        "items": items[: scope.detail],
    }


def _batch_kind(counts: Sequence[int], missing: int) -> str:
    """Returns what happened to a batch, from its row count at each seal and how many of its rows are gone now."""
    if missing == 0:
        return "restored"
    if counts[-1] == 0:
        return "deleted"
    gained = counts[-1] + missing - counts[0]
    return "rewritten" if gained > 0 else "reduced"


def _same_batch(row: Row, other: Row) -> bool:
    return bool((row["stream"], row["batch_id"]) == (other["stream"], other["batch_id"]))


def _schema_drift(evidence: Evidence, scope: Scope) -> list[Drift]:
    first: dict[str, datetime] = {}
    for row in evidence.columns:
        first[row["stream"]] = min(row["recorded_at"], first.get(row["stream"], row["recorded_at"]))
    drift: list[Drift] = []
    before: Row | None = None
    for row in evidence.columns:
        if before is not None and (before["stream"], before["column_name"]) != (
            row["stream"],
            row["column_name"],
        ):
            before = None
        what = _drift_kind(before, row, first[row["stream"]])
        if what and (scope.since is None or row["recorded_at"] > scope.since):
            drift.append(
                {
                    "stream": row["stream"],
                    "column": row["column_name"],
                    "kind": what,
                    "before": None if before is None or before["is_dropped"] else before["data_type"],
                    "after": None if row["is_dropped"] else row["data_type"],
                    "recorded_at": iso(row["recorded_at"]),
                }
            )
        before = row
    return sorted(drift, key=lambda item: (item["recorded_at"], item["stream"], item["column"]))


def _drift_kind(before: Row | None, now: Row, first: datetime) -> str | None:
    if before is None:
        return "added" if now["recorded_at"] > first else None
    if bool(before["is_dropped"]) != bool(now["is_dropped"]):
        return "dropped" if now["is_dropped"] else "returned"
    return "type_changed" if before["data_type"] != now["data_type"] else None


def _losers(evidence: Evidence) -> list[Losers]:
    groups: list[Losers] = []
    for stream in evidence.streams.values():
        totals: Counter[tuple[str, str]] = Counter()
        for row in evidence.verdicts:
            if row["stream"] == stream.name and row["counted_count"] != row["row_count"]:
                totals[row["verdict"], row["cause"]] += int(row["row_count"])
        for (verdict, cause), rows in sorted(totals.items()):
            samples = [
                shown_row(row, stream, winner_of(row, stream))
                for row in evidence.losers
                if (row["stream"], row["verdict"], row["cause"]) == (stream.name, verdict, cause)
            ]
            groups.append(
                {"stream": stream.name, "verdict": verdict, "cause": cause, "rows": rows, "samples": samples}
            )
    return groups
