"""The incidents of a report: their story, what they concern, and what to do. Pure."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from dbt_forensics.document.masking import MASKED, ShownRow, shortened, shown_dimensions, shown_row
from dbt_forensics.document.values import number
from dbt_forensics.report.document import (
    ActionTaken,
    Block,
    Detection,
    Impact,
    ImpactedValue,
    ImpactedWindow,
    Incident,
    Incidents,
    Moment,
    Reader,
)
from dbt_forensics.report.evidence import Evidence, Scope
from dbt_forensics.streams import Stream
from dbt_forensics.text import count, iso
from dbt_forensics.warehouse import Row

SEVERITIES = ("critical", "high", "medium", "low")
#: The sections of a detector's page that are its runbook, in their order.
STEPS = ("Contain", "Recover", "Verify", "Prevent")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def incidents(evidence: Evidence, scope: Scope) -> Incidents:
    """Returns the incidents within the scope, those that are open and severe first.

    Args:
        evidence: What the queries returned.
        scope: What was asked for.
    """
    items = [_incident(row, evidence, scope) for row in evidence.incidents]
    items.sort(key=lambda item: (item["resolved_at"] is not None, SEVERITIES.index(item["severity"])))
    for place, item in enumerate(items, 1):
        item["id"] = f"incident-{place}"
    return {
        "total": len(items),
        "open": sum(item["resolved_at"] is None for item in items),
        "shown": min(len(items), scope.detail),
        "items": items[: scope.detail],
    }


def _incident(row: Row, evidence: Evidence, scope: Scope) -> Incident:
    stream = evidence.streams[row["stream"]]
    key = row["incident_id"]
    is_over = row["resolved_at"] is not None and (scope.until is None or row["resolved_at"] <= scope.until)
    reopened = int(row["times_reopened"])
    # Streams that read each other's relations have incidents together; some of them may be outside of the scope.
    detections = [
        one for one in evidence.detections if one["incident_id"] == key and one["stream"] in evidence.streams
    ]
    found = [_detection(one, evidence.streams[one["stream"]]) for one in detections]
    impact = _impact([one for one in evidence.impact if one["incident_id"] == key], evidence)
    actions = [_action(one) for one in evidence.actions if _is_about(one, row)]
    pages = evidence.pages.get(row["kind"], {})
    return {
        "id": "",
        "incident_id": key,
        "stream": row["stream"],
        "kind": row["kind"],
        "name": row["name"],
        "meaning": _paragraph(pages.get("Meaning", "")),
        "severity": row["severity"],
        "status": _status(row, is_over),
        "owner": row["owner"],
        "window": stream.window,
        "window_start": iso(row["window_start"]),
        "window_end": iso(row["window_end"]),
        "first_event_at": iso(row["first_event_at"]),
        "first_arrived_at": iso(row["first_arrived_at"]),
        "opened_at": iso(row["opened_at"]),
        "resolved_at": iso(row["resolved_at"]) if is_over else None,
        "times_reopened": reopened,
        "detections": found,
        "timeline": [
            _moment(one, evidence.streams[one["stream"]])
            for one in evidence.timeline
            if one["incident_id"] == key and one["stream"] in evidence.streams
        ],
        "impact": impact,
        "rows": _samples(detections, evidence),
        "actions": actions,
        "remains": _remains(found, impact, actions, is_over),
        "runbook": [{"step": step, "blocks": _blocks(pages[step])} for step in STEPS if pages.get(step)],
    }


def _status(row: Row, is_over: bool) -> str:
    """The status as of the end of the scope; what people said of an incident that is over now is in its timeline."""
    if is_over or row["resolved_at"] is None:
        return str(row["status"])
    return "reopened" if int(row["times_reopened"]) else "open"


def _moment(row: Row, stream: Stream) -> Moment:
    what = row["description"]
    if _names_a_person(row["detector"], stream):
        what = f"{what.split(': ', 1)[0]}: {MASKED}"
    return {
        "occurred_at": iso(row["occurred_at"]),
        "event_kind": row["event_kind"],
        "detector": row["detector"],
        "description": shortened(what),
    }


def _names_a_person(detector: str | None, stream: Stream) -> bool:
    """Whether the subject of a detector's detections is personal data: the busiest entity is one of them."""
    return detector == "hot_entity" and stream.is_personal("entity_id")


def _detection(row: Row, stream: Stream) -> Detection:
    evidence = json.loads(row["evidence"] or "{}")
    for name in ("first_batch", "batch_id"):
        if evidence.get(name) is not None:
            evidence[name] = MASKED if stream.is_personal("batch_id") else shortened(str(evidence[name]))
    is_person = _names_a_person(row["detector"], stream)
    if is_person and "subject" in evidence:
        evidence["subject"] = MASKED
    return {
        "stream": row["stream"],
        "detector": row["detector"],
        "subject": MASKED if is_person and row["subject"] is not None else shortened(row["subject"]),
        "severity": row["severity"],
        "window_start": iso(row["window_start"]),
        "window_end": iso(row["window_end"]),
        "observed": number(row["observed"]),
        "expected": number(row["expected"]),
        "evidence": {name: value for name, value in evidence.items() if name != "sample_event_ids"},
        "first_detected_at": iso(row["first_detected_at"]),
        "resolved_at": iso(row["resolved_at"]),
        "is_open": bool(row["is_open"]),
    }


def _impact(rows: Sequence[Row], evidence: Evidence) -> Impact:
    values: list[ImpactedValue] = [
        {
            "stream": row["stream"],
            "metric": row["name"],
            "window_start": iso(row["window_start"]),
            "dimensions": shown_dimensions(row["dimensions"], evidence.streams[row["stream"]]),
            "cause": row["cause"],
            "change": number(row["change"]),
            "before": number(row["value_before"]),
            "after": number(row["value_after"]),
        }
        for row in rows
        if row["kind"] == "metric" and row["stream"] in evidence.streams
    ]
    windows: list[ImpactedWindow] = [
        {
            "stream": row["stream"],
            "health": row["name"],
            "window_start": iso(row["window_start"]),
            "expected_rows": number(row["value_before"]),
            "rows": int(row["row_count"]),
        }
        for row in rows
        if row["kind"] == "window"
    ]
    readers: list[Reader] = [
        {"kind": row["kind"], "name": row["name"], "owner": row["owner"]}
        for row in rows
        if row["kind"] not in ("metric", "window")
    ]
    totals = {row["kind"]: int(row["of_kind"]) for row in rows}
    return {
        "value_count": totals.get("metric", 0),
        "values": values,
        "window_count": totals.get("window", 0),
        "windows": windows,
        "readers": readers,
    }


def _samples(detections: Iterable[Row], evidence: Evidence) -> list[ShownRow]:
    """The rows that detections name as examples, masked and shortened as everywhere."""
    wanted = {
        (one["stream"], event)
        for one in detections
        for event in json.loads(one["evidence"] or "{}").get("sample_event_ids", [])
    }
    rows = [row for row in evidence.incident_rows if (row["stream"], row["event_id"]) in wanted]
    return [shown_row(row, evidence.streams[row["stream"]]) for row in rows]


def _is_about(action: Row, incident: Row) -> bool:
    """Whether something was done on the incident's stream from the moment at which it opened."""
    times: list[datetime] = [
        action[name] for name in ("planned_at", "applied_at") if action[name] is not None
    ]
    return bool(action["stream"] == incident["stream"] and max(times) >= incident["opened_at"])


def _action(row: Row) -> ActionTaken:
    return {
        "action_id": row["action_id"],
        "kind": row["kind"],
        "status": row["status"],
        "reason": row["reason"],
        "owner": row["applied_by"] or row["owner"],
        "rows": int(row["row_count"]),
        "applied_at": iso(row["applied_at"]),
    }


def _remains(
    found: Sequence[Detection], impact: Impact, actions: Sequence[ActionTaken], is_over: bool
) -> list[str]:
    """What is left to do before the incident can be closed, in sentences."""
    remains = []
    if open_ones := sorted({one["detector"] for one in found if one["is_open"]}) if not is_over else []:
        remains.append(f"Still seen: {', '.join(open_ones)}.")
    if bad := [one for one in impact["windows"] if one["health"] in ("missing", "low")]:
        remains.append(f"{count(len(bad), 'window is', 'windows are')} not whole.")
    if unverified := [one for one in actions if one["status"] == "applied"]:
        remains.append(f"{count(len(unverified), 'action is', 'actions are')} applied and not verified.")
    return remains


def _paragraph(text: str) -> str:
    return _plain(text.split("\n\n", 1)[0])


def _blocks(section: str) -> list[Block]:
    """The paragraphs and the code of a section of a page."""
    blocks: list[Block] = []
    for place, part in enumerate(re.split(r"```(?:sql|bash|yaml)?\n", section)):
        if place % 2:
            blocks.append({"code": part.removesuffix("```").strip("\n")})
        else:
            blocks += [{"text": _plain(one)} for one in part.split("\n\n") if one.strip(" \n`")]
    return blocks


def _plain(markdown: str) -> str:
    """Markdown as a reader sees it."""
    return " ".join(_LINK.sub(r"\1", markdown).replace("`", "").removeprefix("* ").split())
