"""`python -m dbt_forensics.lab.sweep`: the score over many seeds, written into docs/lab.md."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from dbt_forensics.errors import ForensicsError
from dbt_forensics.lab.run import run_worlds
from dbt_forensics.lab.score import Score, Thresholds, score_runs, table
from dbt_forensics.lab.worlds import break_world, make_world

PAGE = Path(__file__).resolve().parents[3] / "docs" / "lab.md"
BEGIN, END = "<!-- score -->", "<!-- end of score -->"
# Together in one project: a build costs seconds before its first row.
SEEDS_A_RUN = 5


def groups(first: int, last: int) -> Iterator[list[int]]:
    """Seeds that can be run together: of one ten, and not too many."""
    for _, members in groupby(range(first, last + 1), key=lambda seed: seed // 10):
        seeds = list(members)
        yield from (seeds[place : place + SEEDS_A_RUN] for place in range(0, len(seeds), SEEDS_A_RUN))


def sweep(first: int, last: int, folder: Path, feeds: int, rows: int, days: int) -> Score:
    """Plays the worlds of these seeds, or takes what was played before in the folder, and scores all of them."""
    documents: list[dict[str, Any]] = []
    folder.mkdir(parents=True, exist_ok=True)
    for seeds in groups(first, last):
        path = folder / f"run_{seeds[0]}_{seeds[-1]}.json"
        if not path.exists():
            worlds = [break_world(make_world(seed, feeds, rows, days), seed) for seed in seeds]
            document = run_worlds(worlds, folder / "project", say=lambda line: click.echo(line, err=True))
            path.write_text(json.dumps(document), encoding="utf-8")
            shutil.rmtree(folder / "project")
        documents.append(json.loads(path.read_text(encoding="utf-8")))
        click.echo(f"seeds {seeds[0]} to {seeds[-1]}: {documents[-1]['seconds']} s", err=True)
    return score_runs(documents)


def write_page(page: Path, score: Score, command: str, processor_seconds: float) -> None:
    """Puts the table into the page, between its two marks."""
    took = f" It took {processor_seconds / 60:.0f} minutes of one core." if processor_seconds > 60 else ""
    text = f"{BEGIN}\nMade by `{command}`.{took}\n\n{table(score)}\n{END}"
    before = page.read_text(encoding="utf-8")
    page.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: text, before, flags=re.DOTALL), encoding="utf-8")


@click.command()
@click.option("--seeds", default="101-130", show_default=True, help="The first and the last.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("build/lab"), show_default=True
)
@click.option("--feeds", default=5, show_default=True, help="Of each seed; in one of them nothing is wrong.")
@click.option("--rows", default=150_000, show_default=True, help="Of each seed.")
@click.option("--days", default=44, show_default=True)
@click.option("--write", is_flag=True, help="Write the table into docs/lab.md.")
def main(seeds: str, out: Path, feeds: int, rows: int, days: int, write: bool) -> None:
    """Generate, break, run and score feeds of many seeds. What was run before in --out is not run again."""
    first, _, last = seeds.partition("-")
    started = time.process_time()
    try:
        found = sweep(int(first), int(last or first), out, feeds, rows, days)
    except ForensicsError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from error
    click.echo(table(found))
    for failure in found.missed:
        where = f"{failure['window_from']} to {failure['window_to']}, {failure['rows']} rows"
        click.echo(f"missed: {failure['stream']} {failure['kind']} {failure['severity']} {where}")
    for alarm in found.false_alarms:
        where = f"{alarm['window_start']} to {alarm['window_end']}, seen {alarm['recorded_at']}"
        click.echo(f"false alarm: {alarm['stream']} {alarm['detector']} {where} {alarm['evidence']}")
    if write:
        command = (
            f"python -m dbt_forensics.lab.sweep --seeds {seeds} --feeds {feeds} --rows {rows} --days {days}"
        )
        write_page(PAGE, found, command, time.process_time() - started)
    if found.problems(Thresholds()):
        click.echo("\n".join(found.problems(Thresholds())))
        raise SystemExit(1)


if __name__ == "__main__":
    main()
