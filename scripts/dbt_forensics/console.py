"""What commands share: dbt's own options, times, progress, and how an answer is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from dbt_forensics.document.as_json import render_json
from dbt_forensics.errors import ForensicsError
from dbt_forensics.terminal import tell
from dbt_forensics.warehouse import DbtOptions, Warehouse, open_warehouse

Command = Callable[..., int]
Given = ParamSpec("Given")
AnyWarehouse = TypeVar("AnyWarehouse", bound=Warehouse)
Document = TypeVar("Document")

TIME = click.DateTime(
    ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


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


def answers(
    render: Callable[[Document, int], str],
    *,
    exit_code: Callable[[Document], int] = lambda _: 0,
    opens: Callable[[DbtOptions], AbstractContextManager[AnyWarehouse]] = open_warehouse,  # type: ignore[assignment]
) -> Callable[[Callable[Concatenate[AnyWarehouse, Given], Document]], Callable[..., None]]:
    """Makes a command of a question to the warehouse: it parses the project, asks, and prints the document it gets.

    Args:
        render: Returns the document as text of a width; --json prints it as JSON instead.
        exit_code: Returns the command's exit code.
        opens: The door that the question goes through.
    """

    def command_of(question: Callable[Concatenate[AnyWarehouse, Given], Document]) -> Callable[..., None]:
        @json_option
        @dbt_command
        @wraps(question)
        def command(options: DbtOptions, as_json: bool, *args: Given.args, **given: Given.kwargs) -> int:
            progress("Parsing the project.")
            with opens(options) as warehouse:
                document = question(warehouse, *args, **given)
            print_document(document, render, as_json=as_json)
            return exit_code(document)

        return command

    return command_of


def print_document(document: Document, render: Callable[[Document, int], str], *, as_json: bool) -> None:
    """Prints a document as JSON, or as text as wide as the terminal."""
    click.echo(render_json(document) if as_json else render(document, terminal_width()), nl=False)


def progress(words: str) -> None:
    """Says what is going on, to a person at a terminal only."""
    if sys.stderr.isatty():
        tell(words, err=True)


def terminal_width() -> int:
    """Returns how wide output may be: as the terminal is, or wide where there is none."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 160


def run_command(command: Callable[..., object], name: str) -> None:
    """Runs a command under a name; an error is one sentence on stderr and its exit code."""
    try:
        command(prog_name=name)
    except ForensicsError as error:
        tell(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


def required_text(text: str, option: str) -> str:
    """Returns what an option says, without blanks around it.

    Raises:
        ForensicsError: It says nothing.
    """
    if not text.strip():
        raise ForensicsError(f"{option} is empty: say it, for those who read the log.")
    return text.strip()
