"""`dbt-forensics trace`."""

from __future__ import annotations

import click

from dbt_forensics.console import answers
from dbt_forensics.trace.collect import trace_event
from dbt_forensics.trace.document import Trace
from dbt_forensics.trace.render import render_trace
from dbt_forensics.warehouse import Warehouse


@click.command()
@click.argument("event_id")
@click.option("--stream", help="Only look in this stream.")
@answers(render_trace)
def trace(warehouse: Warehouse, event_id: str, stream: str | None) -> Trace:
    """Tell the life of the event EVENT_ID: arrivals, verdicts, and the metrics that it is in."""
    return trace_event(warehouse, event_id, stream)
