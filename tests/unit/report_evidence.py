"""Evidence for reports, made by hand: the worked example with hostile values in it, and streams without events."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from dbt_forensics.report.evidence import Evidence
from dbt_forensics.streams import stream

HOSTILE = "<script>alert('x')</script>"
RIGHT_TO_LEFT = "\u202eevil\u202c שלום"
JINJA = "{{ 7 * 7 }}{% raw %}"
MARKDOWN = "| [a](http://b) `c` **d**\n# e"
NUL = "nul\x00byte"
STREAM = {
    "name": "orders",
    "relation": "source.shop.order_events",
    "event_id": "event_id",
    "entity_id": "customer_id",
    "event_time": "occurred_at",
    "ingested_at": "_loaded_at",
    "batch_id": "_load_id",
    "window": "day",
    "expected_delay": {"count": 1, "period": "hour"},
    "allowed_lateness": {"count": 1, "period": "day"},
    "on_conflict": "last_wins",
    "too_late": "include",
    "rules": {"amount_is_not_negative": "amount >= 0"},
    "metrics": {
        "revenue": {"agg": "sum", "expr": "amount", "dimensions": ["currency"]},
        "orders": {"agg": "count"},
    },
    "personal_data": ["email", "customer_id"],
}


def at(text: str) -> datetime:
    """A time of January 2026, such as `05 09:10`."""
    return datetime.fromisoformat(f"2026-01-{text}")


def empty_evidence() -> Evidence:
    """A stream of which nothing is on record."""
    return Evidence("shop", {"dbt_forensics": "0.1.0"}, {"orders": stream(STREAM)})


def clean_evidence() -> Evidence:
    """Two rows, and nothing that anyone need look at."""
    found = empty_evidence()
    found.captured = [{"stream": "orders", "row_count": 2, "recorded_at": at("05 12:00")}]
    found.verdicts = [verdict_row("accepted", "on_time", "on_time", 2)]
    found.loads = [load_row("b1", 2)]
    found.columns = [column_row("amount", "numeric(18,2)", at("05 12:00"))]
    found.chain_heads = [{"stream": "orders", "head": "5" * 32, "recorded_at": at("05 12:00")}]
    found.digest_versions = [{"stream": "orders", "digest_version": 1, "batch_count": 1}]
    return found


def eventful_evidence() -> Evidence:
    """The worked example: revenue of the 5th was 205 and is 182. Hostile values wherever a value can be."""
    found = clean_evidence()
    found.captured = [{"stream": "orders", "row_count": 9, "recorded_at": at("08 10:00")}]
    found.verdicts = [
        verdict_row("accepted", "correction", "late", 1),
        verdict_row("accepted", "late", "late", 1),
        verdict_row("accepted", "on_time", "on_time", 1),
        verdict_row("accepted", "too_late", "too_late", 1),
        verdict_row("conflict", "conflict", "on_time", 1),
        verdict_row("duplicate", "duplicate", "on_time", 1),
        verdict_row("quarantined", "rule:amount_is_not_negative", "on_time", 1),
        verdict_row("superseded", "correction", "on_time", 1),
        verdict_row("withdrawn", "source_deleted", "on_time", 1),
    ]
    found.loads = [
        load_row("b1", 2),
        load_row(HOSTILE, 400, late=300),
        *(load_row(f"l{n}", 500) for n in range(10)),
    ]
    revenue = changed_row("revenue", '{"currency":"EUR"}', "205", "182", restated=1)
    orders = changed_row("orders", "{}", "4", "4", restated=1)
    baskets = changed_row(
        "baskets", json.dumps({"email": "a@example.org", "k": JINJA}), None, "3", corrected=1
    )
    found.changed = [orders, revenue, baskets]
    first = {**version_row(revenue), "version": 1, "recorded_from": at("05 12:00"), "is_settled": False}
    found.metric_versions = [
        {**first, "value": Decimal(150), "previous_value": None, "input_count": 2},
        {
            **first,
            "version": 2,
            "recorded_from": at("06 06:00"),
            "value": Decimal(205),
            "previous_value": Decimal(150),
        },
        *(version_row(row) for row in found.changed),
    ]
    found.metric_changes = [
        change_row(revenue, "source_deleted", "-30", ["e3"]),
        change_row(revenue, "too_late", "7", [HOSTILE]),
        change_row(orders, "source_deleted", "-1", ["e3"]),
        change_row(orders, "too_late", "1", [HOSTILE]),
        change_row(baskets, "unexplained", "3", []),
    ]
    found.rows_behind = [
        behind_row("source_deleted", -1, "e3", {"amount": "30", "email": "a@example.org", "note": NUL}),
        behind_row(
            "too_late",
            1,
            HOSTILE,
            {"amount": "7", "note": RIGHT_TO_LEFT, MARKDOWN: JINJA, "long": "x" * 5000},
        ),
        behind_row("on_time", 1, "e9", {"amount": "1"}),
    ]
    found.vanished = [
        {
            "stream": "orders",
            "batch_id": MARKDOWN,
            "vanished_count": 1,
            "missing_count": 1,
            "first_vanished_at": at("08 10:00"),
            "last_vanished_at": at("08 10:00"),
            "first_event_time": at("05 23:50"),
            "last_event_time": at("05 23:50"),
        }
    ]
    found.batch_versions = [
        {
            "stream": "orders",
            "batch_id": MARKDOWN,
            "row_count": rows,
            "batch_digest": digest,
            "recorded_at": recorded_at,
        }
        for rows, digest, recorded_at in ((2, "2-1-1", at("06 06:00")), (1, "1-1-1", at("08 10:00")))
    ]
    found.columns = [
        column_row("amount", "numeric(18,2)", at("05 12:00")),
        column_row("amount", "text", at("08 10:00")),
        column_row(HOSTILE, "text", at("08 10:00")),
        column_row("status", "text", at("05 12:00")),
        {**column_row("status", "text", at("08 10:00")), "is_dropped": True},
    ]
    loser = behind_row("conflict", 0, "e2", {"amount": "50"})
    found.losers = [
        {
            **loser,
            "verdict": "conflict",
            "cause": "conflict",
            "reason": "says something else than row k1, which came first",
            "lost_to_row_key": "k1",
            "winner_batch_id": "b1",
            "winner_ingested_at": at("05 10:00"),
        }
    ]
    found.chain_heads = [{"stream": "orders", "head": "5" * 32, "recorded_at": at("08 10:00")}]
    found.settling = [
        settling_row(age, "0.301234567", "0.25", "0") if age < 6 else settling_row(age, shown, shown, shown)
        for age, shown in [(0, "0"), (1, "0"), (6, "0.999999999"), (24, "1"), (72, "1")]
    ]
    found.lateness = [length_row(1, False, "0.97"), length_row(3, True, "1")]
    found.estimates = [
        {
            "stream": "orders",
            "metric": "baskets",
            "window_start": at("09"),
            "dimensions": json.dumps({"email": "a@example.org", "k": JINJA}),
            "value": Decimal("2"),
            "estimate": Decimal("3.123456789"),
            "estimate_low": low,
            "estimate_high": high,
            "basis_count": 8,
            "basis": "all",
        }
        for low, high in ((None, None), (Decimal("1.5"), Decimal("123456.7")))
    ]
    add_incidents(found)
    return found


def add_incidents(found: Evidence) -> None:
    """One incident that is open and one that is over, with all that a report tells of them."""
    found.incidents = [
        incident_row("i1", "duplicate_storm", "medium", resolved_at=at("07 10:00")),
        incident_row("i2", "hot_entity", "high", owner=HOSTILE),
    ]
    found.detections = [
        detection_row("i1", "duplicate_storm", None, resolved_at=at("07 10:00")),
        detection_row("i2", "hot_entity", "a@example.org"),
        detection_row("i2", "null_spike", HOSTILE, severity="medium"),
    ]
    found.timeline = [
        {"incident_id": "i2", "stream": "orders", "occurred_at": at("08 10:00"), **moment}
        for moment in (
            {"event_kind": "detection", "detector": "hot_entity", "description": "high, seen: a@example.org"},
            {"event_kind": "detection", "detector": "null_spike", "description": f"medium, seen: {HOSTILE}"},
            {"event_kind": "impact", "detector": None, "description": "revenue changed in 2 values"},
        )
    ]
    found.impact = [
        impact_row(
            "metric", "revenue", dimensions=json.dumps({"email": "a@example.org"}), cause="late", change="12"
        ),
        impact_row("window", "low", value_before="100", row_count=40),
        impact_row("exposure", MARKDOWN, owner=HOSTILE),
    ]
    found.incident_rows = [behind_row("on_time", 1, "e9", {"amount": "1", "email": "a@example.org"})]
    found.actions = [
        {
            "action_id": "a1",
            "kind": "withdrawal",
            "stream": "orders",
            "status": "applied",
            "reason": HOSTILE,
            "owner": "b",
            "applied_by": "c",
            "row_count": 1,
            "planned_at": at("08 10:05"),
            "applied_at": at("08 10:06"),
        }
    ]
    found.windows = [
        {
            "stream": "orders",
            "window_start": at(f"{day:02}"),
            "row_count": rows,
            "expected_count": None if health == "unknown" else 100,
            "completeness": None if health == "unknown" else Decimal(rows) / 100,
            "late_count": 1,
            "late_share": Decimal("0.01"),
            "duplicate_count": 2,
            "quarantined_count": 0,
            "health": health,
            "is_settled": day < 8,
        }
        for day, rows, health in (
            (4, 90, "unknown"),
            (5, 100, "healthy"),
            (6, 40, "low"),
            (7, 0, "missing"),
            (8, 300, "high"),
            (9, 10, "open"),
        )
    ]
    found.pages = {
        "hot_entity": {
            "Meaning": "One [entity](x.md) has\nan unusual share.\n\nMore.",
            "Contain": "Tell `who` reads it.",
            "Verify": "Ask:\n\n```sql\nselect 1\nwhere 2 < 3\n```\n\nThen wait.",
        }
    }


def incident_row(
    key: str, kind: str, severity: str, resolved_at: datetime | None = None, owner: str | None = None
) -> dict[str, Any]:
    return {
        "incident_id": key,
        "stream": "orders",
        "kind": kind,
        "name": kind.replace("_", " "),
        "severity": severity,
        "status": "reopened" if resolved_at is None else "resolved",
        "owner": owner,
        "window_start": at("06"),
        "window_end": at("07"),
        "first_event_at": at("06 01:00"),
        "first_arrived_at": at("06 02:00"),
        "opened_at": at("06 10:00"),
        "resolved_at": resolved_at,
        "times_reopened": 0 if resolved_at else 2,
    }


def detection_row(
    incident_id: str,
    detector: str,
    subject: str | None,
    severity: str = "high",
    resolved_at: datetime | None = None,
) -> dict[str, Any]:
    return {
        "incident_id": incident_id,
        "stream": "orders",
        "detector": detector,
        "subject": subject,
        "severity": severity,
        "window_start": at("06"),
        "window_end": at("07"),
        "observed": Decimal("0.750000000"),
        "expected": Decimal("0.1"),
        "evidence": json.dumps(
            {"rows": 30, "subject": subject, "first_batch": HOSTILE, "sample_event_ids": ["e9"]}
        ),
        "first_detected_at": at("06 10:00"),
        "resolved_at": resolved_at,
        "is_open": resolved_at is None,
    }


def impact_row(kind: str, name: str, **values: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("dimensions", "cause", "change", "value_before", "value_after", "row_count", "owner")
    )
    start = at("06") if kind in ("metric", "window") else None
    found = {
        "incident_id": "i2",
        "stream": "orders",
        "kind": kind,
        "name": name,
        "window_start": start,
        "of_kind": 1,
    }
    return {**found, **nothing, **values}


def settling_row(age_hours: int, value: str, inputs: str, final: str) -> dict[str, Any]:
    return {
        "stream": "orders",
        "metric": "revenue",
        "age_hours": age_hours,
        "window_count": 12,
        "value_share": Decimal(value),
        "input_share": Decimal(inputs),
        "final_share": Decimal(final),
    }


def length_row(days: int, is_suggested: bool, covered: str) -> dict[str, Any]:
    return {
        "stream": "orders",
        "lateness_seconds": days * 86400,
        "row_count": 100,
        "covered_count": int(100 * Decimal(covered)),
        "covered_share": Decimal(covered),
        "is_configured": not is_suggested,
        "is_suggested": is_suggested,
    }


def verdict_row(verdict: str, cause: str, timeliness: str, rows: int) -> dict[str, Any]:
    return {
        "stream": "orders",
        "verdict": verdict,
        "cause": cause,
        "timeliness": timeliness,
        "row_count": rows,
        "counted_count": rows if verdict == "accepted" else 0,
        "first_ingested_at": at("05 10:00"),
        "last_ingested_at": at("08 09:00"),
    }


def load_row(batch_id: str, rows: int, late: int = 0, duplicates: int = 0) -> dict[str, Any]:
    return {
        "stream": "orders",
        "batch_id": batch_id,
        "row_count": rows,
        "first_ingested_at": at("05 10:00"),
        "late_count": late,
        "future_count": 0,
        "duplicate_count": duplicates,
    }


def changed_row(
    metric: str,
    dimensions: str,
    before: str | None,
    now: str,
    restated: int = 0,
    corrected: int = 0,
    unexplained: int = 0,
    window: datetime | None = None,
) -> dict[str, Any]:
    return {
        "stream": "orders",
        "metric": metric,
        "window_start": window or at("05"),
        "window_end": at("06"),
        "dimensions": dimensions,
        "published_at": at("06 06:00"),
        "published_version": 0 if before is None else 2,
        "version": 3,
        "is_restated": restated,
        "is_corrected": corrected,
        "is_unexplained": unexplained,
        "previous_value": None if before is None else Decimal(before),
        "previous_input_count": None if before is None else 4,
        "previous_recorded_from": None if before is None else at("06 06:00"),
        "value": Decimal(now),
        "input_count": 4,
        "recorded_from": at("08 10:00"),
        "is_settled": bool(restated),
        "origin": "published",
    }


def version_row(changed: dict[str, Any]) -> dict[str, Any]:
    names = (
        "stream",
        "metric",
        "window_start",
        "dimensions",
        "version",
        "recorded_from",
        "previous_value",
        "value",
    )
    return {name: changed[name] for name in (*names, "input_count", "origin", "is_settled")}


def change_row(changed: dict[str, Any], cause: str, change: str, event_ids: list[str]) -> dict[str, Any]:
    return {
        **{name: changed[name] for name in ("stream", "metric", "window_start", "dimensions", "version")},
        "cause": cause,
        "change": Decimal(change),
        "event_count": len(event_ids),
        "sample_event_ids": json.dumps(event_ids),
        "first_arrived_at": at("08 09:00") if event_ids else None,
        "last_arrived_at": at("08 09:00") if event_ids else None,
    }


def behind_row(cause: str, effect: int, event_id: str, payload: dict[str, str]) -> dict[str, Any]:
    return {
        "effect": effect,
        "entry_cause": cause,
        "effective_at": at("08 10:00"),
        "stream": "orders",
        "row_key": "k9",
        "event_id": event_id,
        "entity_id": "a",
        "event_type": None,
        "batch_id": "b2",
        "event_time": at("05 23:50"),
        "ingested_at": at("08 09:00"),
        "tenant": None,
        "payload": json.dumps(payload),
        "window_start": at("05"),
        "verdict": "accepted" if effect > 0 else "withdrawn",
        "cause": cause,
        "timeliness": "too_late",
        "lateness_seconds": Decimal("205800.000000000"),
        "reason": f"because of {cause}",
        "is_in_source": effect > 0,
    }


def column_row(name: str, data_type: str, recorded_at: datetime) -> dict[str, Any]:
    return {
        "stream": "orders",
        "column_name": name,
        "data_type": data_type,
        "column_position": 1,
        "is_dropped": False,
        "recorded_at": recorded_at,
    }
