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
    console = new_console(width)
    for one in document["streams"]:
        _render_stream(console, document["event_id"], one)
    return text_of(console)


def new_console(width: int) -> Console:
    """Returns a console that writes plain text of this width, for :func:`text_of`."""
    return Console(file=io.StringIO(), width=width, color_system=None, highlight=False)


def text_of(console: Console) -> str:
    """Returns what was written to a console of :func:`new_console`."""
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"  # type: ignore[attr-defined]


def _render_stream(console: Console, event_id: str, one: Json) -> None:
    arrived = count(len(one["arrivals"]), "arrival")
    counts = f"arrival {one['counted_arrival']} counts" if one["counted_arrival"] else "none counts"
    say(console, f"{visible(event_id)} in stream {one['stream']}: {arrived}, {counts}. All times are UTC.")
    for row in one["arrivals"]:
        _arrival(console, row)
    say(console, "")
    show_table(
        console,
        "Ledger",
        ("Recorded", "Arrival", "Effect", "Verdict", "Cause", "Other"),
        (
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
    for row in one["actions"]:
        who = f"{visible(row['owner'])}: {visible(row['reason'])}"
        say(console, f"Action {row['action_id']}: {row['kind']}, {row['status']}, {who}")
    if one["counts_in"]:
        say(console, f"It counts in {', '.join(_value(row) for row in one['counts_in'])}.\n")
    if one["shown_in"]:
        show_table(
            console,
            "Values that showed it first, or first without it",
            ("Metric", "Version", "Shown from", "Before", "Value", "Causes"),
            (_version(row) for row in one["shown_in"]),
        )
        if not all(row["is_certain"] for row in one["shown_in"]):
            say(
                console,
                "* The metric has a condition (where): the event is in its window, and may not meet the condition.",
            )


def _arrival(console: Console, row: Json) -> None:
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


def show_table(console: Console, title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a table; no cell is markup, and what cannot be seen is spelled out."""
    table = Table(*heads, title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console.print(table)


def say(console: Console, words: str) -> None:
    """Writes a line that is no markup."""
    console.print(Text(words))
