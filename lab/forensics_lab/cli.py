"""`python -m forensics_lab`: thin commands over the lab."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import click

from dbt_forensics.console import TIME
from dbt_forensics.errors import ForensicsError
from dbt_forensics.warehouse import DbtOptions
from forensics_lab import game
from forensics_lab.files import FORMATS, write_history
from forensics_lab.history import Step
from forensics_lab.inject import SEVERITIES, Order
from forensics_lab.kinds import KINDS
from forensics_lab.public import play as play_public
from forensics_lab.public import recipe, summary
from forensics_lab.run import run_worlds
from forensics_lab.score import Thresholds, score_runs, table, threshold_options, told
from forensics_lab.series import Series, make_series
from forensics_lab.series_score import Found, play, table_of_values
from forensics_lab.shop import Settings
from forensics_lab.worlds import break_world, make_nasty_world, make_world, read_world, write_world

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
    "--natures",
    type=click.IntRange(min=1),
    help="Instead of the shop, feeds as the world has them: so many with a story, so many clean ones.",
)
@click.option(
    "--format", "file_format", type=click.Choice(FORMATS), default=FORMATS[0], help="Of the shop's loads."
)
def generate(
    out: Path,
    rows: int,
    seed: int,
    days: int | None,
    feeds: int | None,
    natures: int | None,
    file_format: str,
) -> None:
    """Generate the order events of a shop over hourly loads, or feeds to break.

    Writes a file per load, steps.json (what happens to the raw table, hour by hour) and manifest.json (every
    retry, correction, rewrite and deletion that was put in, and what is expected of each).

    With --feeds it writes feeds of which each has a volume, seasons, lateness, a cadence and names of columns of
    its own, by the seed, and in which nothing is wrong: for `inject`. With --natures these feeds are long, and are
    upserted, recreated at each load, closed on Sundays, of changes, of several tenants, ..., other ones with each seed.
    """
    if feeds is not None or natures is not None:
        world = (
            make_nasty_world(seed, natures, natures)
            if natures
            else make_world(seed, feeds or 1, rows, FEED_DAYS if days is None else days)
        )
        write_world(out, world)
        count = sum(len(broken.rows) for broken in world.feeds)
        click.echo(f"{count:,} rows of {len(world.feeds)} feeds: {out}")
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
    help="Feeds of generate.",
)
@click.option("--stream", help="Instead of feeds: a stream of your own, of which a broken copy is made.")
@click.option(
    "--project", type=click.Path(file_okay=False), default=".", help="With --stream: your dbt project."
)
@click.option("--profiles-dir", help="With --stream: folder of profiles.yml, as in dbt.")
@click.option("--target", "-t", help="With --stream: target to use, as in dbt.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="With --stream: its rows as Parquet or CSV, where the target is not DuckDB.",
)
@click.option(
    "--out", required=True, help="Folder; with --stream a new .parquet or .csv file, or <schema>.<table>."
)
@click.option("--seed", default=1, show_default=True, help="The same seed puts in the same.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="One failure only: its kind.")
@click.option(
    "--severity", type=click.Choice(SEVERITIES), default="medium", show_default=True, help="With --kind."
)
@click.option("--feed", help="With --kind: into which feed.  [default: the first]")
@click.option("--day", help="With --kind: on which day, from 0 [default: 35]; with --stream a date.")
@click.option("--repaired", default=0, help="With --kind: so many days later it is repaired.")
@click.option(
    "--clean", default=1, show_default=True, help="Without --kind: how many feeds nothing is put into."
)
def inject(
    history: Path | None,
    stream: str | None,
    project: str,
    profiles_dir: str | None,
    target: str | None,
    file: Path | None,
    out: str,
    seed: int,
    kind: str | None,
    severity: str,
    feed: str | None,
    day: str | None,
    repaired: int,
    clean: int,
) -> None:
    """Put failures into generated feeds, or one failure into a copy of a stream of your own.

    Without --kind every kind that the feeds can have is put in at medium severity, some mild, severe and
    overlapping, and some repaired. world.json lists each: kind, severity, where, from when on, how many rows, which
    detector must see it, and when it is repaired. May be repeated on what it has written.

    With --stream and --kind: a game day. The stream's relation is read, never written; <out>.json says what was put
    into the copy.
    """
    if (history is None) == (stream is None):
        raise ForensicsError("Give either --history or --stream.")
    if stream is not None:
        if kind is None:
            raise ForensicsError(f"Give --kind: one of {', '.join(game.GAME_KINDS)}.")
        options = DbtOptions(project, profiles_dir or project, target=target)
        date = None if day is None else datetime.fromisoformat(day)
        line = game.play(game.find(options, stream, file), kind, severity, out, seed, date)
        click.echo(
            f"{line['rows']} rows of {line['kind']} ({line['detector']}) from {line['first_bad_at']}: {out}"
        )
        return
    assert history is not None
    world = read_world(history)
    name = feed or world.feeds[0].feed.name
    orders = None if kind is None else [Order(kind, severity, name, int(day or 35), repaired)]
    broken = break_world(world, seed, orders, clean)
    before = sum(len(one.injections) for one in world.feeds)
    lines = [injection for one in broken.feeds for injection in one.injections]
    if kind is not None and len(lines) == before:
        raise ForensicsError(f"{kind} cannot happen there on day {day or 35}: name another feed or day.")
    write_world(Path(out), broken)
    click.echo(f"{len(lines) - before} failures put in: {out}")
    for one in lines:
        click.echo(f"  {one.feed:<14} {one.first_bad_at} {one.severity:<7} {one.kind} ({one.detector})")


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
    worlds = [read_world(history) for history in histories]
    document = run_worlds(worlds, out, every_hours, say=click.echo)
    count = len({sighting["detection_id"] for sighting in document["sightings"]})
    click.echo(
        f"{count} detections of {len(document['injections'])} failures in {document['seconds']} s: {out}"
    )


@lab.command("score")
@click.argument("runs", type=click.Path(path_type=Path, file_okay=False), nargs=-1, required=True)
@threshold_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def score(runs: tuple[Path, ...], thresholds: Thresholds, as_json: bool) -> None:
    """Compare what was put in with what was seen; exit code 1 if that is not good enough."""
    documents = []
    for folder in runs:
        path = folder / "run.json"
        if not path.exists():
            raise ForensicsError(f"There is no run in {folder}: make one with python -m forensics_lab run.")
        documents.append(json.loads(path.read_text(encoding="utf-8")))
    found = score_runs(documents)
    problems = found.problems(thresholds)
    if as_json:
        click.echo(json.dumps({**found.as_json(), "problems": problems}, indent=1))
    else:
        click.echo("\n".join([table(found), "", *(problems or ["All thresholds are met."])]))
    if problems:
        raise SystemExit(1)


@lab.command("tell")
@click.argument("run_file", type=click.Path(path_type=Path, exists=True), metavar="RUN")
@click.option("--stream", default="", help="Of the streams with this in their name.")
def tell(run_file: Path, stream: str) -> None:
    """Print what was put into each stream of a run, and what was said of it when.

    RUN is the folder of a run, or a file of the sweep.
    """
    path = run_file / "run.json" if run_file.is_dir() else run_file
    click.echo("\n".join(told(json.loads(path.read_text(encoding="utf-8")), stream)))


@lab.command("public")
@click.argument("recipe_name", metavar="RECIPE")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Folder of the feed's files.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/public"),
    show_default=True,
    help="Folder of the dbt project.",
)
@click.option("--from", "first", type=TIME, help="Loads before this time are left out.")
@click.option("--to", "last", type=TIME, help="So are loads from this time on.")
@click.option(
    "--warm", type=click.IntRange(1), default=60, show_default=True, help="Loads of the first build."
)
@click.option(
    "--every", type=click.IntRange(1), default=7, show_default=True, help="Loads from one build to the next."
)
def public(
    recipe_name: str,
    data: Path,
    out: Path,
    first: datetime | None,
    last: datetime | None,
    warm: int,
    every: int,
) -> None:
    """Play a public feed load by load, and say what was found when.

    RECIPE is one of the lab, or a JSON file with one. public.json has what was said at each build.
    """
    feed = recipe(recipe_name)
    document = play_public(
        feed,
        data,
        out,
        first=first,
        last=last,
        warm=warm,
        every=every,
        say=click.echo,
    )
    click.echo("\n".join(summary(document)))


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
    help="Which series; again for more.",
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
