"""The command `dbt-forensics`: thin commands over a pure core."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from dbt_forensics import __version__
from dbt_forensics.errors import ForensicsError
from dbt_forensics.terminal import tell
from dbt_forensics.warehouse import DbtOptions

Command = Callable[..., int]
TIME = click.DateTime(
    ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
)


class _Commands(click.Group):
    """The commands; those in groups are only imported when someone asks for them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(
            [*super().list_commands(ctx), "incident", "lab", "quarantine", "replay", "seal", "withdraw"]
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "lab":
            from dbt_forensics.lab.cli import lab_group

            return lab_group
        if cmd_name == "incident":
            from dbt_forensics.incidents.cli import incident

            return incident
        if cmd_name == "seal":
            from dbt_forensics.seal.cli import seal

            return seal
        if cmd_name in ("quarantine", "replay", "withdraw"):
            from dbt_forensics.actions import cli as actions

            return {"quarantine": actions.quarantine, "replay": actions.replay, "withdraw": actions.withdraw}[
                cmd_name
            ]
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dbt-forensics")
def cli() -> None:
    """Read what dbt_forensics has on record: what changed, because of which rows, and is it over.

    Run it where you run dbt: it uses the project's own profile and target. All but load, incident, replay,
    withdraw and quarantine only read.
    Exit codes: 0 clean, 1 findings or a refused action, 2 a usage or configuration error.
    """


def dbt_command(command: Command) -> Callable[..., None]:
    """Gives a command dbt's own options as one argument, and exits with the code that it returns."""

    @click.option("--project-dir", help="Folder of dbt_project.yml, as in dbt.")
    @click.option("--profiles-dir", help="Folder of profiles.yml, as in dbt.")
    @click.option("--profile", help="Profile to use, as in dbt.")
    @click.option("--target", "-t", help="Target to use, as in dbt.")
    @click.option("--vars", help="Vars as a YAML mapping, as in dbt.")
    @wraps(command)
    def with_options(**given: Any) -> None:
        names = ("project_dir", "profiles_dir", "profile", "target", "vars")
        options = DbtOptions(**{name: given.pop(name) for name in names})
        sys.exit(command(options=options, **given))

    return with_options


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@dbt_command
def check(options: DbtOptions, as_json: bool) -> int:
    """Validate the configuration and show what each stream records."""
    from dbt_forensics.check import check_project, render_check
    from dbt_forensics.report.make import render_json
    from dbt_forensics.warehouse import open_warehouse

    progress("Parsing the project.")
    with open_warehouse(options) as warehouse:
        document = check_project(warehouse)
    click.echo(render_json(document) if as_json else render_check(document), nl=False)
    return 2 if document["problems"] else 0


@cli.command()
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
    from dbt_forensics.init.look import look_at
    from dbt_forensics.init.render import render_stream
    from dbt_forensics.warehouse import open_warehouse

    progress("Parsing the project and looking at the relation.")
    with open_warehouse(options) as warehouse:
        guess = look_at(warehouse, relation, rows)
    click.echo(render_stream(guess, name), nl=False)
    return 0


@cli.command()
@click.argument("event_id")
@click.option("--stream", help="Only look in this stream.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@dbt_command
def trace(options: DbtOptions, event_id: str, stream: str | None, as_json: bool) -> int:
    """Tell the life of the event EVENT_ID: arrivals, verdicts, and the metrics that it is in."""
    from dbt_forensics.report.make import render_json
    from dbt_forensics.trace.collect import trace_event
    from dbt_forensics.trace.render import render_trace
    from dbt_forensics.warehouse import open_warehouse

    progress("Parsing the project.")
    with open_warehouse(options) as warehouse:
        document = trace_event(warehouse, event_id, stream)
    click.echo(render_json(document) if as_json else render_trace(document, terminal_width()), nl=False)
    return 0


@cli.command()
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
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@dbt_command
def explain(
    options: DbtOptions,
    metric: str,
    window: datetime,
    stream: str | None,
    dimensions: tuple[str, ...],
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """Tell every value that METRIC showed for WINDOW, why it changed, and because of which events.

    WINDOW is a UTC day or a time in it, such as 2026-01-05 or '2026-01-05 14:00'. Exits with 1 when a change does not
    add up, or when nothing was shown.
    """
    from dbt_forensics.explain.collect import Question, explain_value
    from dbt_forensics.explain.render import render_explanation
    from dbt_forensics.report.make import render_json
    from dbt_forensics.warehouse import open_warehouse

    wanted = {
        name: value if given else None for name, given, value in (one.partition("=") for one in dimensions)
    }
    progress("Parsing the project.")
    with open_warehouse(options) as warehouse:
        document = explain_value(warehouse, Question(metric, window, stream, wanted, as_of))
    click.echo(render_json(document) if as_json else render_explanation(document, terminal_width()), nl=False)
    return 0 if document["add_up"] else 1


@cli.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("forensics_report"),
    show_default=True,
    help="Folder to write to; made if missing.",
)
@click.option(
    "--format",
    "chosen",
    type=click.Choice(["html", "md", "json", "csv", "all"]),
    default="all",
    show_default=True,
    help="What to write.",
)
@click.option("--since", type=TIME, help="Compare with what was published at this UTC time.")
@click.option("--until", type=TIME, help="Leave out what was recorded after this UTC time.")
@click.option("--stream", help="Only report this stream.")
@click.option(
    "--incident", metavar="ID", help="Only this incident, and its postmortem with the facts filled in."
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="How many changes to show in detail.",
)
@dbt_command
def report(
    options: DbtOptions,
    out: Path,
    chosen: str,
    since: datetime | None,
    until: datetime | None,
    stream: str | None,
    incident: str | None,
    limit: int,
) -> int:
    """Write the incident report: what changed, why, and which rows; the on-call dashboard; a scorecard per stream.

    Incidents that are open are told in full; with --since, those that were open at any time since then.

    Exits with 1 when there are findings.
    """
    from dbt_forensics.report.evidence import Scope
    from dbt_forensics.report.make import make_report, render
    from dbt_forensics.warehouse import open_warehouse

    if since and until and since >= until:
        raise ForensicsError(f"--since {since} is not before --until {until}: swap them.")
    progress("Parsing the project and asking the warehouse.")
    with open_warehouse(options) as warehouse:
        document = make_report(warehouse, Scope(since, until, stream, incident, limit))
    out.mkdir(parents=True, exist_ok=True)
    for name, text in render(document).items():
        if chosen in ("all", name.rpartition(".")[2]):
            path = out / name
            path.write_text(text, encoding="utf-8")
            tell(str(path))
    for finding in document["findings"][:3]:
        tell(f"{finding['rank']}. {finding['stream']}: {finding['title']}")
    return 1 if document["findings"] else 0


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
@click.option("--stream", help="Load into the source that this stream reads.")
@click.option("--relation", metavar="SCHEMA.TABLE", help="Load into this table, or source.<source>.<table>.")
@click.option("--create", is_flag=True, help="Make the table from the first file if it does not exist.")
@click.option(
    "--force", is_flag=True, help="Take a file of another shape: leave out columns that the table lacks."
)
@click.option("--again", is_flag=True, help="Land a file again whose rows are gone from the table.")
@click.option(
    "--landed-before",
    type=click.Choice(["copy", "return"]),
    help="What a file is whose content landed before under another path: a copy, or a return to it, which lands.",
)
@click.option(
    "--allow-open", is_flag=True, help="Land rows in windows with an action that is not verified yet."
)
@click.option("--allow-settled", is_flag=True, help="Land rows in settled windows.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@dbt_command
def load(
    options: DbtOptions,
    paths: tuple[str, ...],
    stream: str | None,
    relation: str | None,
    create: bool,
    force: bool,
    again: bool,
    landed_before: str | None,
    allow_open: bool,
    allow_settled: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Land files in a raw table, each as one batch: JSON, CSV, TSV (.gz, .zst) and Parquet.

    FILE is a file, a folder or a pattern. Every record is accepted, a duplicate (it landed before) or rejected into
    forensics_dead_letters; a file that is half written, of another shape or of no known format is refused as a whole.
    Exits with 1 when something was rejected or refused.
    """
    from dbt_forensics.load.bar import progress_bar
    from dbt_forensics.load.files import find_files
    from dbt_forensics.load.render import exit_code, load_document, render_load
    from dbt_forensics.load.run import Loader, Wishes
    from dbt_forensics.load.target import find_target
    from dbt_forensics.load.windows import find_guard
    from dbt_forensics.report.make import render_json
    from dbt_forensics.writing import open_writing

    files = find_files(paths)
    progress("Parsing the project.")
    with open_writing(options, read_only=dry_run) as warehouse, progress_bar(files) as advance:
        target = find_target(warehouse, stream, relation)
        passed = {name for name, is_passed in (("open", allow_open), ("settled", allow_settled)) if is_passed}
        wishes = Wishes(create, force, dry_run, again, frozenset(passed), landed_before)
        loader = Loader(warehouse, target, wishes, advance, find_guard(warehouse, target))
        document = load_document(target, list(loader.load(files)), dry_run=dry_run)
    click.echo(render_json(document) if as_json else render_load(document, terminal_width()), nl=False)
    return exit_code(document)


def progress(words: str) -> None:
    """Says what is going on, to a person at a terminal only."""
    if sys.stderr.isatty():
        tell(words, err=True)


def terminal_width() -> int:
    """Returns how wide output may be: as the terminal is, or wide where there is none."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 160


def main() -> None:
    """Runs the command; an error is one sentence on stderr and its exit code."""
    try:
        cli(prog_name="dbt-forensics")
    except ForensicsError as error:
        tell(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
