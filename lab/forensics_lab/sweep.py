"""`python -m forensics_lab.sweep`: the score over many seeds, written into docs/lab.md."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import click

from dbt_forensics.errors import ForensicsError
from forensics_lab.document import Run
from forensics_lab.run import run_worlds
from forensics_lab.score import Score, Thresholds, score_runs, table, threshold_options
from forensics_lab.worlds import World, break_world, make_nasty_world, make_world

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lab.md"
BEGIN, END = "<!-- score -->", "<!-- end of score -->"
# Together in one project: a build costs seconds before its first row.
SEEDS_A_RUN = 5


def groups(first: int, last: int) -> Iterator[list[int]]:
    """Seeds that can be run together: of one ten, and not too many."""
    for _, members in groupby(range(first, last + 1), key=lambda seed: seed // 10):
        seeds = list(members)
        yield from (seeds[place : place + SEEDS_A_RUN] for place in range(0, len(seeds), SEEDS_A_RUN))


@dataclass(frozen=True)
class Size:
    """What is played of each seed.

    Attributes:
        feeds: Plain ones; in one of them nothing is wrong.
        rows: Of them, about.
        days: Of each of them.
        natures: Feeds of natures: so many with a story, and so many in which nothing is wrong.
    """

    feeds: int
    rows: int
    days: int
    natures: int

    def worlds(self, seeds: Sequence[int], *, is_nasty: bool) -> list[World]:
        """The worlds of some seeds with what is put into them: plain ones, or those of natures."""
        if is_nasty:
            return [break_world(make_nasty_world(seed, self.natures, self.natures), seed) for seed in seeds]
        return [break_world(make_world(seed, self.feeds, self.rows, self.days), seed) for seed in seeds]


def play(seeds: Sequence[int], folder: Path, size: Size, is_nasty: bool = False) -> Path:
    """Plays the worlds of some seeds together, unless that was done before, and returns the file of the run."""
    name = "nasty_" if is_nasty else ""
    path = folder / f"run_{name}{seeds[0]}_{seeds[-1]}.json"
    if not path.exists():
        project = folder / f"project_{name}{seeds[0]}"
        document = run_worlds(size.worlds(seeds, is_nasty=is_nasty), project)
        path.write_text(json.dumps(document), encoding="utf-8")
        shutil.rmtree(project)
        click.echo(f"{name}seeds {seeds[0]} to {seeds[-1]}: {document['seconds']} s", err=True)
    return path


def sweep(first: int, last: int, folder: Path, size: Size, processes: int | None = None) -> Score:
    """Plays the worlds of these seeds, or takes what was played before in the folder, and scores all of them.

    Args:
        first: The first seed.
        last: The last one.
        folder: For the runs.
        size: What is played of each seed.
        processes: How many at once; as many as there are cores if none is given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    worlds = [is_nasty for is_nasty, count in ((False, size.feeds), (True, size.natures)) if count]
    # dbt holds much that is global: each process begins with none of it.
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        runs = [
            pool.submit(play, seeds, folder, size, is_nasty)
            for seeds in groups(first, last)
            for is_nasty in worlds
        ]
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
@click.option("--feeds", default=5, show_default=True, help="Plain ones of each seed; one of them is clean.")
@click.option("--rows", default=150_000, show_default=True, help="Of the plain feeds of each seed.")
@click.option("--days", default=44, show_default=True, help="Of each plain feed.")
@click.option(
    "--natures", default=3, show_default=True, help="So many stories of each seed, and so many clean natures."
)
@click.option("--processes", type=int, help="How many at once; default: as many as there are cores.")
@click.option("--write", is_flag=True, help="Write the table into docs/lab.md.")
@threshold_options
def main(
    seeds: str,
    out: Path,
    feeds: int,
    rows: int,
    days: int,
    natures: int,
    processes: int | None,
    write: bool,
    thresholds: Thresholds,
) -> None:
    """Generate, break, run and score feeds of many seeds. What was run before in --out is not run again."""
    first, _, last = seeds.partition("-")
    size = Size(feeds, rows, days, natures)
    try:
        found = sweep(int(first), int(last or first), out, size, processes)
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
        write_page(PAGE, found, f"{command} --natures {natures}")
    if problems := found.problems(thresholds):
        click.echo("\n".join(problems))
        raise SystemExit(1)


if __name__ == "__main__":
    main()
