"""`dbt-forensics lab`: thin commands over the lab."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from dbt_forensics.lab.files import FORMATS, write_history
from dbt_forensics.lab.history import Step
from dbt_forensics.lab.shop import Settings


@click.group("lab")
def lab_group() -> None:
    """Make histories with known failures."""


@lab_group.command("generate")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to."
)
@click.option("--rows", default=Settings.rows, show_default=True, help="How many events happen, about.")
@click.option("--seed", default=Settings.seed, show_default=True, help="The same seed gives the same bytes.")
@click.option("--days", default=Settings.days, show_default=True, help="Length of the history.")
@click.option("--format", "file_format", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True)
def generate(out: Path, rows: int, seed: int, days: int, file_format: str) -> None:
    """Generate the order events of a shop over hourly loads.

    Writes a file per load, steps.json (what happens to the raw table, hour by hour) and manifest.json (every
    retry, correction, rewrite and deletion that was put in, and what is expected of each).
    """
    settings = Settings(rows=rows, seed=seed, days=days)
    manifest = write_history(out, settings, file_format, lambda steps: _with_progress(steps, settings.loads))
    click.echo(f"{manifest['rows_inserted']:,} rows in {settings.loads} hourly loads: {out}")
    for kind, count in manifest["rows_by_kind"].items():
        click.echo(f"  {kind.replace('_', ' '):<26}{count:>8,}")


def _with_progress(steps: Iterable[Step], count: int) -> Iterable[Step]:
    """Shows a bar on stderr, on a terminal only."""
    if not sys.stderr.isatty():
        yield from steps
        return
    with click.progressbar(steps, length=count, label="generating", file=sys.stderr) as bar:
        yield from bar
