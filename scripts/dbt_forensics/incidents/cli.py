"""`dbt-forensics incident`: thin commands over incidents."""

from __future__ import annotations

import click

from dbt_forensics.actions.cli import said
from dbt_forensics.cli import dbt_command, progress, terminal_width
from dbt_forensics.terminal import tell
from dbt_forensics.warehouse import DbtOptions


@click.group()
def incident() -> None:
    """See what is wrong, and say that you are on it or have contained it."""


@incident.command("list")
@click.option("--stream", help="Only this stream.")
@click.option("--all", "with_resolved", is_flag=True, help="Those that are resolved too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@dbt_command
def list_incidents(options: DbtOptions, stream: str | None, with_resolved: bool, as_json: bool) -> int:
    """Show the open incidents. Exits with 1 when there are any."""
    from dbt_forensics.incidents.render import render_incidents
    from dbt_forensics.incidents.run import listed
    from dbt_forensics.report.make import render_json
    from dbt_forensics.warehouse import open_warehouse

    progress("Parsing the project.")
    with open_warehouse(options) as warehouse:
        document = {"incidents": listed(warehouse, stream, with_resolved=with_resolved)}
    click.echo(render_json(document) if as_json else render_incidents(document, terminal_width()), nl=False)
    return 1 if any(one["resolved_at"] is None for one in document["incidents"]) else 0


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
    from dbt_forensics.incidents.run import record_act
    from dbt_forensics.writing import open_writing

    owner, reason = said(owner, "--owner"), said(reason, "--reason")
    progress("Parsing the project.")
    with open_writing(options) as warehouse:
        after = record_act(warehouse, act, incident_id, owner, reason)
    tell(f"Incident {after['incident_id']} of {after['stream']} is {after['status']}.")
    return 0
