"""The life of an event as it reads in a terminal. Pure: data in, text out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_forensics.terminal import new_console, say, show_table, text_of
from dbt_forensics.text import count, duration, moment, number, signed, visible, window_name
from dbt_forensics.trace.document import Arrival, CausedValue, Life, Trace, Value

if TYPE_CHECKING:
    from rich.console import Console


def render_trace(document: Trace, width: int) -> str:
    """Returns a trace as text.

    Args:
        document: What :func:`dbt_forensics.trace.collect.trace_event` returned.
        width: How many columns the text may have.
    """
    console = new_console(width)
    for one in document["streams"]:
        _render_stream(console, document["event_id"], one)
    return text_of(console)


def _render_stream(console: Console, event_id: str, one: Life) -> None:
    arrived = count(len(one["arrivals"]), "arrival")
    counts = f"arrival {one['counted_arrival']} counts" if one["counted_arrival"] else "none counts"
    say(console, f"{visible(event_id)} in stream {one['stream']}: {arrived}, {counts}. All times are UTC.")
    for row in one["arrivals"]:
        _arrival(console, row)
    say(console, "")
    show_table(
        console,
        title="Ledger",
        heads=("Recorded", "Arrival", "Effect", "Verdict", "Cause", "Other"),
        rows=(
            (
                moment(row["recorded_at"]),
                str(row["arrival"]),
                signed(row["effect"]),
                row["verdict"],
                row["cause"] + (f", action {row['action_id']}" if row["action_id"] else ""),
                f"arrival {row['other_arrival']}" if row["other_arrival"] else "",
            )
            for row in one["entries"]
        ),
    )
    for action in one["actions"]:
        who = f"{visible(action['owner'])}: {visible(action['reason'])}"
        say(console, f"Action {action['action_id']}: {action['kind']}, {action['status']}, {who}")
    if one["counts_in"]:
        say(console, f"It counts in {', '.join(_value(row) for row in one['counts_in'])}.\n")
    if one["shown_in"]:
        show_table(
            console,
            title="Values that showed it first, or first without it",
            heads=("Metric", "Version", "Shown from", "Before", "Value", "Causes"),
            rows=(_version(row) for row in one["shown_in"]),
        )
        if not all(row["is_certain"] for row in one["shown_in"]):
            say(
                console,
                "* The metric has a condition (where): the event is in its window, and may not meet the condition.",
            )


def _arrival(console: Console, row: Arrival) -> None:
    late = row["lateness_seconds"]
    after = "" if late is None else f" ({duration(float(late))} after, {row['timeliness']})"
    happened, arrived = moment(row["event_time"]), moment(row["ingested_at"])
    say(console, "")
    say(
        console,
        f"{row['arrival']}. batch {visible(row['batch_id'])}, happened {happened}, arrived {arrived}{after}",
    )
    say(console, f"   {row['verdict']}: {visible(row['reason'])}")
    for gone in row["vanished"]:
        back = f", back {moment(gone['returned_at'])}" if gone["returned_at"] else ""
        say(console, f"   gone from the source {moment(gone['vanished_at'])}{back}")
    say(
        console,
        "   " + ", ".join(f"{visible(name)} {visible(value)}" for name, value in row["payload"].items()),
    )


def _name(row: Value) -> str:
    dimensions = "".join(f" {name} {visible(value)}" for name, value in row["dimensions"].items())
    return f"{row['metric']}{dimensions} of {window_name(row['window_start'], row['window'])}"


def _value(row: Value) -> str:
    return f"{_name(row)}{'' if row['is_certain'] else ' *'} ({number(row['value'])} now)"


def _version(row: CausedValue) -> tuple[str, ...]:
    return (
        _name(row) + ("" if row["is_certain"] else " *"),
        f"{row['version']}{' (current)' if row['is_current'] else ''}",
        moment(row["recorded_from"]),
        number(row["previous_value"]),
        number(row["value"]),
        ", ".join(f"{cause} {signed(change)}" for cause, change in row["causes"].items()),
    )
