"""The life of an event: what is put together, and how it reads."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dbt_forensics.streams import stream
from dbt_forensics.trace.life import life
from dbt_forensics.trace.render import render_trace
from unit.report_evidence import STREAM, at, behind_row


def arrival(row_key: str, verdict: str, day: str, **more: Any) -> dict[str, Any]:
    row = behind_row("on_time", 1, "e2", {"amount": "50", "currency": "EUR", "email": "a@example.org"})
    return {
        **row,
        "row_key": row_key,
        "verdict": verdict,
        "is_counted": verdict == "accepted",
        "ingested_at": at(day),
        "lost_to_row_key": None,
        "recorded_at": at(day),
        **more,
    }


def entry(
    row_key: str, effect: int, cause: str, recorded_at: str, other: str | None = None
) -> dict[str, Any]:
    return {
        "row_key": row_key,
        "effect": effect,
        "verdict": "accepted" if effect > 0 else "superseded",
        "cause": cause,
        "other_row_key": other,
        "action_id": None,
        "recorded_at": at(recorded_at),
        "effective_at": at(recorded_at),
    }


def version(
    metric: str, number: int, recorded_from: str, value: str, dimensions: str, is_current: bool
) -> dict[str, Any]:
    return {
        "metric": metric,
        "window_start": at("05"),
        "dimensions": dimensions,
        "version": number,
        "recorded_from": at(recorded_from),
        "previous_value": None,
        "value": Decimal(value),
        "is_current": is_current,
    }


EUR, USD = '{"currency":"EUR"}', '{"currency":"USD"}'
ARRIVALS = [
    arrival("k1", "superseded", "05 10:00", lost_to_row_key="k2", reason="corrected by row k2"),
    arrival("k2", "accepted", "06 05:00"),
]
ENTRIES = [
    entry("k1", 1, "on_time", "05 12:00"),
    entry("k2", 1, "correction", "06 06:00"),
    entry("k1", -1, "correction", "06 06:00", "k2"),
]
VERSIONS = [
    version("revenue", 1, "05 12:00", "50", EUR, False),
    version("revenue", 2, "06 06:00", "55", EUR, False),
    version("revenue", 3, "08 10:00", "62", EUR, True),
    version("revenue", 1, "06 06:00", "9", USD, True),
]
CHANGES = [
    {**VERSIONS[0], "cause": "on_time", "change": Decimal(50)},
    {**VERSIONS[1], "cause": "correction", "change": Decimal(5)},
    {**VERSIONS[2], "cause": "too_late", "change": Decimal(7)},
    {**VERSIONS[3], "cause": "correction", "change": Decimal(9)},
]
VANISHED = [{"row_key": "k1", "vanished_at": at("07 06:00"), "returned_at": None}]


def traced() -> dict[str, Any]:
    one = life(stream(STREAM), ARRIVALS, ENTRIES, VANISHED, VERSIONS, CHANGES)
    return {"schema_version": 1, "event_id": "e2", "streams": [one]}


def test_rows_are_named_by_their_order_of_arrival() -> None:
    one = traced()["streams"][0]
    assert one["counted_arrival"] == 2
    assert one["arrivals"][0]["lost_to_arrival"] == 2
    assert one["arrivals"][0]["reason"] == "corrected by arrival 2"
    assert [(row["arrival"], row["effect"], row["other_arrival"]) for row in one["entries"]] == [
        (1, 1, None),
        (2, 1, None),
        (1, -1, 2),
    ]


def test_an_entry_shows_first_in_the_first_version_after_it_of_its_own_dimensions() -> None:
    shown = traced()["streams"][0]["shown_in"]
    assert [(row["dimensions"], row["version"], row["causes"]) for row in shown] == [
        ({"currency": "EUR"}, 1, {"on_time": "50"}),
        ({"currency": "EUR"}, 2, {"correction": "5"}),
    ]


def test_what_counts_is_in_the_current_values() -> None:
    counts_in = traced()["streams"][0]["counts_in"]
    assert [(row["dimensions"], row["version"], row["value"]) for row in counts_in] == [
        ({"currency": "EUR"}, 3, "62")
    ]


def test_it_reads_in_a_terminal() -> None:
    for width in (80, 160):
        text = render_trace(traced(), width)
        assert max(len(line) for line in text.splitlines()) <= width
        words = " ".join(text.split())
        assert "e2 in stream orders: 2 arrivals, arrival 2 counts." in words
        assert "revenue currency EUR of 2026-01-05 (62 now)" in words
        assert "(masked)" in text
        assert "example.org" not in text


def test_a_terminal_takes_no_orders_from_values() -> None:
    hostile = arrival("k1", "accepted", "05 10:00", batch_id="\x1b[31mred [bold]\u202e")
    one = life(stream(STREAM), [hostile], [], [], [], [])
    text = render_trace({"event_id": "\x1b]0;title\x07", "streams": [one]}, 300)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<U+001B>[31mred [bold]<U+202E>" in text


def test_who_acted_is_told() -> None:
    """An entry that an action made names it, and the action is told with who and why; neither is markup."""
    acted = {**entry("k2", -1, "withdrawal", "08 10:00"), "action_id": "0f3a5b7c9d1e"}
    action = {
        "action_id": "0f3a5b7c9d1e",
        "kind": "withdrawal",
        "status": "applied",
        "owner": "ann",
        "reason": "[bold]wrong[/bold] currency",
    }
    one = life(stream(STREAM), ARRIVALS, [*ENTRIES, acted], VANISHED, VERSIONS, CHANGES, [action])
    text = render_trace({"event_id": "e2", "streams": [one]}, 160)
    assert "withdrawal, action 0f3a5b7c9d1e" in text
    assert "Action 0f3a5b7c9d1e: withdrawal, applied, ann: [bold]wrong[/bold] currency" in text
