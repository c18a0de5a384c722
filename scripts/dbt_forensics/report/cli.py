"""`dbt-forensics report`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from dbt_forensics.console import TIME, dbt_command, progress
from dbt_forensics.errors import ForensicsError
from dbt_forensics.report.evidence import Scope
from dbt_forensics.terminal import tell
from dbt_forensics.warehouse import DbtOptions, open_warehouse


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("forensics_report"),
    show_default=True,
    help="Folder to write to; made if missing.",
)
@click.option(
    "--format",
    "chosen",
    type=click.Choice(["html", "md", "json", "csv", "all"]),
    default="all",
    show_default=True,
    help="What to write.",
)
@click.option("--since", type=TIME, help="Compare with what was published at this UTC time.")
@click.option("--until", type=TIME, help="Leave out what was recorded after this UTC time.")
@click.option("--stream", help="Only report this stream.")
@click.option(
    "--incident", metavar="ID", help="Only this incident, and its postmortem with the facts filled in."
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="How many changes to show in detail.",
)
@dbt_command
def report(
    options: DbtOptions,
    out: Path,
    chosen: str,
    since: datetime | None,
    until: datetime | None,
    stream: str | None,
    incident: str | None,
    limit: int,
) -> int:
    """Write the incident report: what changed, why, and which rows; the on-call dashboard; a scorecard per stream.

    Incidents that are open are told in full; with --since, those that were open at any time since then.

    Exits with 1 when there are findings.
    """
    from dbt_forensics.report.make import make_report, render

    if since and until and since >= until:
        raise ForensicsError(f"--since {since} is not before --until {until}: swap them.")
    progress("Parsing the project and asking the warehouse.")
    with open_warehouse(options) as warehouse:
        document = make_report(warehouse, Scope(since, until, stream, incident, limit))
    out.mkdir(parents=True, exist_ok=True)
    for name, text in render(document).items():
        if chosen in ("all", name.rpartition(".")[2]):
            path = out / name
            path.write_text(text, encoding="utf-8")
            tell(str(path))
    for finding in document["findings"][:3]:
        tell(f"{finding['rank']}. {finding['stream']}: {finding['title']}")
    return 1 if document["findings"] else 0
