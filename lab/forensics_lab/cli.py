"""`python -m forensics_lab`: thin commands over the lab."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from dbt_forensics.errors import ForensicsError
from forensics_lab.files import FORMATS, write_history
from forensics_lab.history import Step
from forensics_lab.inject import SEVERITIES, Order
from forensics_lab.kinds import KINDS
from forensics_lab.run import run_worlds
from forensics_lab.score import Thresholds, score_runs, table
from forensics_lab.series import Series, make_series
from forensics_lab.series_score import Found, play, table_of_values
from forensics_lab.shop import Settings
from forensics_lab.worlds import break_world, make_world, read_world, write_world

FEED_DAYS = 46


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def lab() -> None:
    """Make histories with known failures, and score how they are seen."""


@lab.command("generate")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to."
)
@click.option("--rows", default=Settings.rows, show_default=True, help="How many events happen, about.")
@click.option("--seed", default=Settings.seed, show_default=True, help="The same seed gives the same bytes.")
@click.option(
    "--days", type=int, help=f"Length of the history.  [default: {Settings.days}, {FEED_DAYS} of feeds]"
)
@click.option(
    "--feeds", type=click.IntRange(min=1), help="Instead of the shop, so many feeds unlike each other."
)
@click.option(
    "--format", "file_format", type=click.Choice(FORMATS), default=FORMATS[0], help="Of the shop's loads."
)
def generate(out: Path, rows: int, seed: int, days: int | None, feeds: int | None, file_format: str) -> None:
    """Generate the order events of a shop over hourly loads, or feeds to break.

    Writes a file per load, steps.json (what happens to the raw table, hour by hour) and manifest.json (every
    retry, correction, rewrite and deletion that was put in, and what is expected of each).

    With --feeds it writes feeds of which each has a volume, seasons, lateness, a cadence and names of columns of
    its own, by the seed, and in which nothing is wrong: for `inject`.
    """
    if feeds is not None:
        world = make_world(seed, feeds, rows, FEED_DAYS if days is None else days)
        write_world(out, world)
        click.echo(f"{sum(len(broken.rows) for broken in world.feeds):,} rows of {feeds} feeds: {out}")
        return
    settings = Settings(rows=rows, seed=seed, days=Settings.days if days is None else days)
    manifest = write_history(out, settings, file_format, lambda steps: _with_progress(steps, settings.loads))
    click.echo(f"{manifest['rows_inserted']:,} rows in {settings.loads} hourly loads: {out}")
    for kind, count in manifest["rows_by_kind"].items():
        click.echo(f"  {kind.replace('_', ' '):<26}{count:>8,}")


@lab.command("inject")
@click.option(
    "--history",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Feeds of generate.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to."
)
@click.option("--seed", default=1, show_default=True, help="The same seed puts in the same.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="One failure only: its kind.")
@click.option(
    "--severity", type=click.Choice(SEVERITIES), default="medium", show_default=True, help="With --kind."
)
@click.option("--feed", help="With --kind: into which feed.  [default: the first]")
@click.option("--day", type=int, default=35, show_default=True, help="With --kind: on which day, from 0.")
@click.option(
    "--clean", default=1, show_default=True, help="Without --kind: how many feeds nothing is put into."
)
def inject(
    history: Path,
    out: Path,
    seed: int,
    kind: str | None,
    severity: str,
    feed: str | None,
    day: int,
    clean: int,
) -> None:
    """Put failures into generated feeds.

    Without --kind every kind that the feeds can have is put in at medium severity, some mild, severe and
    overlapping. world.json lists each: kind, severity, where, from when on, how many rows, and which detector
    must see it. May be repeated on what it has written.
    """
    world = read_world(history)
    orders = None if kind is None else [Order(kind, severity, feed or world.feeds[0].feed.name, day)]
    broken = break_world(world, seed, orders, clean)
    before = sum(len(one.injections) for one in world.feeds)
    lines = [injection for one in broken.feeds for injection in one.injections]
    if kind is not None and len(lines) == before:
        raise ForensicsError(f"{kind} cannot happen there on day {day}: name another feed or day.")
    write_world(out, broken)
    click.echo(f"{len(lines) - before} failures put in: {out}")
    for line in lines:
        click.echo(f"  {line.feed:<14} {line.first_bad_at} {line.severity:<7} {line.kind} ({line.detector})")


@lab.command("run")
@click.argument("histories", type=click.Path(path_type=Path, file_okay=False), nargs=-1, required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the dbt project.",
)
@click.option("--every-hours", default=24, show_default=True, help="From one build to the next.")
def run(histories: tuple[Path, ...], out: Path, every_hours: int) -> None:
    """Play feeds in builds with the package on DuckDB, and keep what the detectors said at each.

    All feeds are streams of one dbt project; run.json has what was put in and what was seen. Several histories
    must be of one ten of seeds (1 to 9, 10 to 19, ...), which start on one day.
    """
    document = run_worlds([read_world(history) for history in histories], out, every_hours, say=click.echo)
    count = len({sighting["detection_id"] for sighting in document["sightings"]})
    click.echo(
        f"{count} detections of {len(document['injections'])} failures in {document['seconds']} s: {out}"
    )


@lab.command("score")
@click.argument("runs", type=click.Path(path_type=Path, file_okay=False), nargs=-1, required=True)
@click.option(
    "--min-recall", default=Thresholds.recall, show_default=True, help="Of each kind at medium severity."
)
@click.option("--min-precision", default=Thresholds.precision, show_default=True, help="Over all detections.")
@click.option(
    "--max-false-alarms",
    default=Thresholds.false_alarms,
    show_default=True,
    help="Per week of a clean stream.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def score(
    runs: tuple[Path, ...], min_recall: float, min_precision: float, max_false_alarms: float, as_json: bool
) -> None:
    """Compare what was put in with what was seen; exit code 1 if that is not good enough."""
    documents = []
    for folder in runs:
        path = folder / "run.json"
        if not path.exists():
            raise ForensicsError(f"There is no run in {folder}: make one with python -m forensics_lab run.")
        documents.append(json.loads(path.read_text(encoding="utf-8")))
    found = score_runs(documents)
    problems = found.problems(Thresholds(min_recall, min_precision, max_false_alarms))
    if as_json:
        click.echo(json.dumps({**found.as_json(), "problems": problems}, indent=1))
    else:
        click.echo("\n".join([table(found), "", *(problems or ["All thresholds are met."])]))
    if problems:
        raise SystemExit(1)


@lab.command("series")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the dbt project.",
)
@click.option(
    "--seed",
    "seeds",
    type=int,
    multiple=True,
    default=[11],
    show_default=True,
    help="May be repeated.",
)
def series(out: Path, seeds: tuple[int, ...]) -> None:
    """Score the detectors of values on generated series, beside two simple rules.

    Each seed makes 38 series: of servers, roads, sensors, shops, with labelled stretches. Each is a stream of days
    and one of hours, in a dbt project that is built once.
    """
    all_series: list[Series] = []
    found: list[Found] = []
    for seed in seeds:
        of_seed = make_series(seed)
        all_series += of_seed
        found += play(of_seed, out)
    click.echo(table_of_values(all_series, found))


def _with_progress(steps: Iterable[Step], count: int) -> Iterable[Step]:
    """Shows a bar on stderr, on a terminal only."""
    if not sys.stderr.isatty():
        yield from steps
        return
    with click.progressbar(steps, length=count, label="generating", file=sys.stderr) as bar:
        yield from bar
