"""`dbt-forensics check`."""

from __future__ import annotations

import click

from dbt_forensics.check.document import Check
from dbt_forensics.check.project import check_project
from dbt_forensics.check.render import render_check
from dbt_forensics.console import answers
from dbt_forensics.warehouse import Warehouse


def _as_text(document: Check, _: int) -> str:
    return render_check(document)


@click.command()
@answers(_as_text, exit_code=lambda document: 2 if document["problems"] else 0)
def check(warehouse: Warehouse) -> Check:
    """Validate the configuration and show what each stream records."""
    return check_project(warehouse)
