"""`dbt-forensics seal`: thin commands over the heads of the chains."""

from __future__ import annotations

from pathlib import Path

import click

from dbt_forensics.console import dbt_command, json_option, print_document, progress
from dbt_forensics.seal.heads import chains_of, export, exported, render, render_export, verify
from dbt_forensics.warehouse import DbtOptions, open_warehouse


@click.group()
def seal() -> None:
    """Keep the heads of all seals elsewhere, and check that the record still has them."""


@seal.command("export")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append the line to this file instead of printing it.",
)
@dbt_command
def export_heads(options: DbtOptions, path: Path | None) -> int:
    """Print the heads of all chains of seals as one line of JSON.

    Keep it where nobody who can write the warehouse can change it: another account, a Git repository, a ticket.
    """
    path = path.absolute() if path else None
    progress("Parsing the project.")
    with open_warehouse(options) as warehouse:
        document = export(chains_of(warehouse), warehouse.project, warehouse.target)
    if path is None:
        click.echo(render_export(document))
    else:
        with path.open("a", encoding="utf-8") as file:
            file.write(render_export(document) + "\n")
    return 0


@seal.command("verify")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE")
@json_option
@dbt_command
def verify_heads(options: DbtOptions, path: Path, as_json: bool) -> int:
    """Check that the record still has every head in FILE, as `seal export` wrote them.

    Exits with 1 when something was rewritten, and names the tables and by when.
    """
    exports = exported(path.read_text(encoding="utf-8", errors="replace"), str(path))
    progress("Parsing the project.")
    with open_warehouse(options) as warehouse:
        document = verify(chains_of(warehouse), exports, warehouse.target)
    print_document(document, lambda one, _: render(one), as_json=as_json)
    return 1 if document["broken"] else 0
