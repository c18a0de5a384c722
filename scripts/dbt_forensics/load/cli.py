"""`dbt-forensics load`."""

from __future__ import annotations

import click

from dbt_forensics.console import dbt_command, json_option, print_document, progress
from dbt_forensics.warehouse import DbtOptions
from dbt_forensics.writing import open_writing


@click.command()
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
@json_option
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
    from dbt_forensics.load.run import Loader, LoadOptions
    from dbt_forensics.load.target import find_target
    from dbt_forensics.load.windows import find_guard

    files = find_files(paths)
    progress("Parsing the project.")
    with open_writing(options, read_only=dry_run) as warehouse, progress_bar(files) as advance:
        target = find_target(warehouse, stream, relation)
        passed = {name for name, is_passed in (("open", allow_open), ("settled", allow_settled)) if is_passed}
        wanted = LoadOptions(create, force, dry_run, again, frozenset(passed), landed_before)
        loader = Loader(warehouse, target, wanted, advance, find_guard(warehouse, target))
        document = load_document(target, list(loader.load(files)), dry_run=dry_run)
    print_document(document, render_load, as_json=as_json)
    return exit_code(document)
