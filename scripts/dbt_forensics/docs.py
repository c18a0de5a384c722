"""Writes docs/cli.md from the command's own help: `python -m dbt_forensics.docs`."""

from collections.abc import Iterator
from pathlib import Path

import click

from dbt_forensics.cli import cli

TARGET = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
_HEAD = """# The command

`dbt-forensics` uses the dbt project that it is run in: its profile, its target, its vars. It has no connection
settings of its own, and what it reads, it reads in a session that cannot write; only `load`, `incident`, `replay`,
`withdraw` and `quarantine` write.

Exit codes: 0 clean, 1 findings or a refused action, 2 a usage or configuration error. `--json` prints what a
machine may read. Written by `make docs` from the command's own help; a test checks that it is up to date.
"""


def reference() -> str:
    """Returns the reference of every command as Markdown."""
    return "\n".join([_HEAD, *_sections(cli, _context(cli, "dbt-forensics", None))])


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    settings = {"max_content_width": 100, **command.context_settings}
    return click.Context(command, parent, name, **settings)


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## `{context.command_path}`\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _sections(child, _context(child, name, context))


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(reference(), encoding="utf-8")
