"""The life of an event as it reads in a terminal. Pure: data in, text out."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dbt_forensics.text import count, duration, moment, number, signed, visible, window_name

Json = dict[str, Any]


def render_trace(document: Json, width: int) -> str:
    """Returns a trace as text.

    Args:
        document: What :func:`dbt_forensics.trace.collect.trace_event` returned.
        width: How many columns the text may have.
    """
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    for one in document["streams"]:
        _render_stream(console, document["event_id"], one)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"  # type: ignore[attr-defined]


def _render_stream(console: Console, event_id: str, one: Json) -> None:
    arrived = count(len(one["arrivals"]), "arrival")
    counts = f"arrival {one['counted_arrival']} counts" if one["counted_arrival"] else "none counts"
    _say(console, f"{visible(event_id)} in stream {one['stream']}: {arrived}, {counts}. All times are UTC.")
    for row in one["arrivals"]:
        _arrival(console, row)
    _say(console, "")
    _table(
        console,
        "Ledger",
        ("Recorded", "Arrival", "Effect", "Verdict", "Cause", "Other"),
        (
            (
                moment(row["recorded_at"]),
                str(row["arrival"]),
                signed(row["effect"]),
                row["verdict"],
                row["cause"],
                f"arrival {row['other_arrival']}" if row["other_arrival"] else "",
            )
            for row in one["entries"]
        ),
    )
    if one["counts_in"]:
        _say(console, f"It counts in {', '.join(_value(row) for row in one['counts_in'])}.\n")
    if one["shown_in"]:
        _table(
            console,
            "Values that showed it first, or first without it",
            ("Metric", "Version", "Shown from", "Before", "Value", "Causes"),
            (_version(row) for row in one["shown_in"]),
        )
        if not all(row["is_certain"] for row in one["shown_in"]):
            _say(
                console,
                "* The metric has a condition (where): the event is in its window, and may not meet the condition.",
            )


def _arrival(console: Console, row: Json) -> None:
    late = row["lateness_seconds"]
    after = "" if late is None else f" ({duration(float(late))} after, {row['timeliness']})"
    happened, arrived = moment(row["event_time"]), moment(row["ingested_at"])
    _say(console, "")
    _say(
        console,
        f"{row['arrival']}. batch {visible(row['batch_id'])}, happened {happened}, arrived {arrived}{after}",
    )
    _say(console, f"   {row['verdict']}: {visible(row['reason'])}")
    for gone in row["vanished"]:
        back = f", back {moment(gone['returned_at'])}" if gone["returned_at"] else ""
        _say(console, f"   gone from the source {moment(gone['vanished_at'])}{back}")
    _say(
        console,
        "   " + ", ".join(f"{visible(name)} {visible(value)}" for name, value in row["payload"].items()),
    )


def _name(row: Json) -> str:
    dimensions = "".join(f" {name} {visible(value)}" for name, value in row["dimensions"].items())
    return f"{row['metric']}{dimensions} of {window_name(row['window_start'], row['window'])}"


def _value(row: Json) -> str:
    return f"{_name(row)}{'' if row['is_certain'] else ' *'} ({number(row['value'])} now)"


def _version(row: Json) -> tuple[str, ...]:
    return (
        _name(row) + ("" if row["is_certain"] else " *"),
        f"{row['version']}{' (current)' if row['is_current'] else ''}",
        moment(row["recorded_from"]),
        number(row["previous_value"]),
        number(row["value"]),
        ", ".join(f"{cause} {signed(change)}" for cause, change in row["causes"].items()),
    )


def _table(console: Console, title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*heads, title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console.print(table)


def _say(console: Console, words: str) -> None:
    console.print(Text(words))
