"""The only way to a terminal. What is written is text: no value is markup, a link or an order to the terminal."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from dbt_forensics.text import visible

# What writes tables is imported when there is one to write: --help is quick.
if TYPE_CHECKING:
    from rich.console import Console


def new_console(width: int) -> Console:
    """Returns a console that writes plain text of this width, for :func:`text_of`."""
    from rich.console import Console

    return Console(
        file=io.StringIO(), width=width, color_system=None, highlight=False, markup=False, emoji=False
    )


def text_of(console: Console) -> str:
    """Returns what was written to a console of :func:`new_console`."""
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in written.removesuffix("\n").split("\n")) + "\n"


def tell(words: str, *, err: bool = False) -> None:
    """Prints lines; what cannot be seen in them is spelled out.

    Args:
        words: What to print.
        err: Whether it goes to stderr.
    """
    click.echo(_lines(words), err=err)


def say(console: Console, words: str) -> None:
    """Writes lines to a console of :func:`new_console`; what cannot be seen in them is spelled out."""
    from rich.text import Text

    console.print(Text(_lines(words)))


def show_table(
    console: Console,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    right: Sequence[str] = (),
    total: Sequence[str] | None = None,
) -> None:
    """Writes a table to a console of :func:`new_console`. Long cells are folded.

    Args:
        console: Where to.
        heads: The names of its columns.
        rows: The cells of each row, as text.
        title: What stands above it.
        right: The columns that stand to the right, as numbers do.
        total: One more row, set apart.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    if title is not None:
        table.title, table.title_justify, table.title_style = Text(visible(title)), "left", ""
    for head in heads:
        table.add_column(Text(visible(head)), overflow="fold", justify="right" if head in right else "left")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    if total is not None:
        table.add_section()
        table.add_row(*(Text(visible(cell)) for cell in total))
    console.print(table)


@contextmanager
def progress_of(total: int) -> Iterator[Callable[[str, int], None]]:
    """Shows on stderr how many of so many bytes were read; gives what to call with a file's name and some bytes."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True, markup=False, emoji=False)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda file, size: bar.update(task, advance=size, description=visible(file)[:40])


def _lines(words: str) -> str:
    return "\n".join(visible(line) for line in words.split("\n"))
