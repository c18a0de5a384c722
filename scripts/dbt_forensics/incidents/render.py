"""Incidents as they read in a terminal. Pure: data in, text out."""

from __future__ import annotations

from dbt_forensics.incidents.document import IncidentList
from dbt_forensics.terminal import new_console, say, show_table, text_of
from dbt_forensics.text import moment


def render_incidents(document: IncidentList, width: int) -> str:
    """Returns incidents as a table.

    Args:
        document: What the command prints as JSON.
        width: How many columns the text may have.
    """
    console = new_console(width)
    if not document["incidents"]:
        say(console, "No incident is open.")
        return text_of(console)
    show_table(
        console,
        ("Incident", "Severity", "Status", "Stream", "What", "Windows", "Opened", "Owner"),
        (
            (
                one["incident_id"][:12],
                *(one["severity"], one["status"], one["stream"], one["name"]),
                f"{moment(one['window_start'])} to {moment(one['window_end'])}",
                moment(one["opened_at"]),
                "–" if one["owner"] is None else one["owner"],
            )
            for one in document["incidents"]
        ),
    )
    return text_of(console)
