"""`python -m forensics_lab.sweep`: the score over many seeds, written into docs/lab.md."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import click

from dbt_forensics.errors import ForensicsError
from forensics_lab.document import Run
from forensics_lab.run import run_worlds
from forensics_lab.score import Score, Thresholds, score_runs, table
from forensics_lab.worlds import break_world, make_world

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lab.md"
BEGIN, END = "<!-- score -->", "<!-- end of score -->"
# Together in one project: a build costs seconds before its first row.
SEEDS_A_RUN = 5


def groups(first: int, last: int) -> Iterator[list[int]]:
    """Seeds that can be run together: of one ten, and not too many."""
    for _, members in groupby(range(first, last + 1), key=lambda seed: seed // 10):
        seeds = list(members)
        yield from (seeds[place : place + SEEDS_A_RUN] for place in range(0, len(seeds), SEEDS_A_RUN))


def play(seeds: Sequence[int], folder: Path, feeds: int, rows: int, days: int) -> Path:
    """Plays the worlds of some seeds together, unless that was done before, and returns the file of the run."""
    path = folder / f"run_{seeds[0]}_{seeds[-1]}.json"
    if not path.exists():
        project = folder / f"project_{seeds[0]}"
        worlds = [break_world(make_world(seed, feeds, rows, days), seed) for seed in seeds]
        document = run_worlds(worlds, project)
        path.write_text(json.dumps(document), encoding="utf-8")
        shutil.rmtree(project)
        click.echo(f"seeds {seeds[0]} to {seeds[-1]}: {document['seconds']} s", err=True)
    return path


def sweep(
    first: int, last: int, folder: Path, feeds: int, rows: int, days: int, processes: int | None = None
) -> Score:
    """Plays the worlds of these seeds, or takes what was played before in the folder, and scores all of them.

    Args:
        first: The first seed.
        last: The last one.
        folder: For the runs.
        feeds: Of each seed.
        rows: Of each seed, about.
        days: Of each feed.
        processes: How many at once; as many as there are cores if none is given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # dbt holds much that is global: each process begins with none of it.
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        runs = [pool.submit(play, seeds, folder, feeds, rows, days) for seeds in groups(first, last)]
        documents: list[Run] = [json.loads(run.result().read_text(encoding="utf-8")) for run in runs]
    return score_runs(documents)


def write_page(page: Path, score: Score, command: str) -> None:
    """Puts the table into the page, between its two marks."""
    text = f"{BEGIN}\nMade by `{command}`.\n\n{table(score)}\n{END}"
    before = page.read_text(encoding="utf-8")
    page.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: text, before, flags=re.DOTALL), encoding="utf-8")


@click.command()
@click.option("--seeds", default="331-360", show_default=True, help="The first and the last.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("build/lab"), show_default=True
)
@click.option("--feeds", default=5, show_default=True, help="Of each seed; in one of them nothing is wrong.")
@click.option("--rows", default=150_000, show_default=True, help="Of each seed.")
@click.option("--days", default=44, show_default=True)
@click.option("--processes", type=int, help="How many at once; default: as many as there are cores.")
@click.option("--write", is_flag=True, help="Write the table into docs/lab.md.")
def main(seeds: str, out: Path, feeds: int, rows: int, days: int, processes: int | None, write: bool) -> None:
    """Generate, break, run and score feeds of many seeds. What was run before in --out is not run again."""
    first, _, last = seeds.partition("-")
    try:
        found = sweep(int(first), int(last or first), out, feeds, rows, days, processes)
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
        command = f"python -m forensics_lab.sweep --seeds {seeds} --feeds {feeds} --rows {rows} --days {days}"
        write_page(PAGE, found, command)
    if found.problems(Thresholds()):
        click.echo("\n".join(found.problems(Thresholds())))
        raise SystemExit(1)


if __name__ == "__main__":
    main()
