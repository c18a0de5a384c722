"""`dbt-forensics explain`."""

from __future__ import annotations

from datetime import datetime

import click

from dbt_forensics.console import TIME, answers
from dbt_forensics.explain.collect import Question, explain_value
from dbt_forensics.explain.document import Explanation
from dbt_forensics.explain.render import render_explanation
from dbt_forensics.warehouse import Warehouse


@click.command()
@click.argument("metric")
@click.argument("window", type=TIME, metavar="WINDOW")
@click.option("--stream", help="The metric's stream, where several have one of this name.")
@click.option(
    "--dimension",
    "dimensions",
    multiple=True,
    metavar="NAME=VALUE",
    help="Only values with this dimension; NAME alone: without a value for it. May be repeated.",
)
@click.option("--as-of", type=TIME, metavar="TIME", help="Leave out what was recorded after this UTC time.")
@answers(render_explanation, exit_code=lambda document: 0 if document["add_up"] else 1)
def explain(
    warehouse: Warehouse,
    metric: str,
    window: datetime,
    stream: str | None,
    dimensions: tuple[str, ...],
    as_of: datetime | None,
) -> Explanation:
    """Tell every value that METRIC showed for WINDOW, why it changed, and because of which events.

    WINDOW is a UTC day or a time in it, such as 2026-01-05 or '2026-01-05 14:00'. Exits with 1 when a change does not
    add up, or when nothing was shown.
    """
    wanted = {
        name: value if given else None for name, given, value in (one.partition("=") for one in dimensions)
    }
    return explain_value(warehouse, Question(metric, window, stream, wanted, as_of))
