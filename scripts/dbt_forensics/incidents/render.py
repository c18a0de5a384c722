"""Incidents as they read in a terminal. Pure: data in, text out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from dbt_forensics.text import moment, visible
from dbt_forensics.trace.render import new_console, say, text_of


def render_incidents(document: Mapping[str, Any], width: int) -> str:
    """Returns incidents as a table.

    Args:
        document: What the command prints as JSON.
        width: How many columns the text may have.
    """
    console = new_console(width)
    if not document["incidents"]:
        say(console, "No incident is open.")
        return text_of(console)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("Incident", "Severity", "Status", "Stream", "Kind", "Windows", "Opened", "Owner"):
        table.add_column(name, overflow="fold")
    for one in document["incidents"]:
        table.add_row(
            one["incident_id"][:12],
            *(visible(one[name]) for name in ("severity", "status", "stream", "kind")),
            f"{moment(one['window_start'])} to {moment(one['window_end'])}",
            moment(one["opened_at"]),
            "–" if one["owner"] is None else visible(one["owner"]),
        )
    console.print(table)
    return text_of(console)
