"""`dbt-forensics init`."""

from __future__ import annotations

import click

from dbt_forensics.console import dbt_command, progress
from dbt_forensics.init.look import look_at
from dbt_forensics.init.render import render_stream
from dbt_forensics.warehouse import DbtOptions, open_warehouse


@click.command()
@click.argument("relation")
@click.option("--stream", "name", help="Name of the stream; the relation's own by default.")
@click.option(
    "--rows", type=click.IntRange(1), default=20_000, show_default=True, help="How many rows to look at."
)
@dbt_command
def init(options: DbtOptions, relation: str, name: str | None, rows: int) -> int:
    """Look at RELATION and write a commented stream configuration to paste.

    RELATION is source.<source>.<table>, ref.<model> or <schema>.<table>.
    """
    progress("Parsing the project and looking at the relation.")
    with open_warehouse(options) as warehouse:
        guess = look_at(warehouse, relation, rows)
    click.echo(render_stream(guess, name), nl=False)
    return 0
