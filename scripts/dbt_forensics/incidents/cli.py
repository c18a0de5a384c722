"""`dbt-forensics incident`: thin commands over incidents."""

from __future__ import annotations

import click

from dbt_forensics.console import answers, dbt_command, progress, required_text
from dbt_forensics.incidents.document import IncidentList
from dbt_forensics.incidents.render import render_incidents
from dbt_forensics.incidents.run import listed, record_act
from dbt_forensics.terminal import tell
from dbt_forensics.warehouse import DbtOptions, Warehouse
from dbt_forensics.writing import open_writing


@click.group()
def incident() -> None:
    """See what is wrong, and say that you are on it or have contained it."""


@incident.command("list")
@click.option("--stream", help="Only this stream.")
@click.option("--all", "with_resolved", is_flag=True, help="Those that are resolved too.")
@answers(
    render_incidents,
    exit_code=lambda document: 1 if any(one["resolved_at"] is None for one in document["incidents"]) else 0,
)
def list_incidents(warehouse: Warehouse, stream: str | None, with_resolved: bool) -> IncidentList:
    """Show the open incidents. Exits with 1 when there are any."""
    return {"incidents": listed(warehouse, stream, with_resolved=with_resolved)}


@incident.command("acknowledge")
@click.argument("incident_id")
@click.option("--owner", required=True, help="Who takes it on.")
@click.option("--reason", required=True, help="What is known, for those who look after you.")
@dbt_command
def acknowledge(options: DbtOptions, incident_id: str, owner: str, reason: str) -> int:
    """Record that somebody is on the incident INCIDENT_ID (or the one whose id begins so)."""
    return _record(options, "acknowledged", incident_id, owner, reason)


@incident.command("mitigate")
@click.argument("incident_id")
@click.option("--owner", required=True, help="Who did it.")
@click.option("--reason", required=True, help="What contains it.")
@dbt_command
def mitigate(options: DbtOptions, incident_id: str, owner: str, reason: str) -> int:
    """Record that the incident INCIDENT_ID does no more harm. It is resolved by itself when its evidence is gone."""
    return _record(options, "mitigated", incident_id, owner, reason)


def _record(options: DbtOptions, act: str, incident_id: str, owner: str, reason: str) -> int:
    owner, reason = required_text(owner, "--owner"), required_text(reason, "--reason")
    progress("Parsing the project.")
    with open_writing(options) as warehouse:
        after = record_act(warehouse, act, incident_id, owner, reason)
    tell(f"Incident {after['incident_id']} of {after['stream']} is {after['status']}.")
    return 0
