"""The command `dbt-forensics`: where each of its commands is. They are imported when someone asks for them."""

from __future__ import annotations

from importlib import import_module

import click

from dbt_forensics import __version__
from dbt_forensics.console import run_command

COMMANDS = {
    "calendar": "dbt_forensics.calendar.cli:calendar",
    "check": "dbt_forensics.check.cli:check",
    "explain": "dbt_forensics.explain.cli:explain",
    "incident": "dbt_forensics.incidents.cli:incident",
    "init": "dbt_forensics.init.cli:init",
    "load": "dbt_forensics.load.cli:load",
    "quarantine": "dbt_forensics.actions.cli:quarantine",
    "replay": "dbt_forensics.actions.cli:replay",
    "report": "dbt_forensics.report.cli:report",
    "seal": "dbt_forensics.seal.cli:seal",
    "trace": "dbt_forensics.trace.cli:trace",
    "withdraw": "dbt_forensics.actions.cli:withdraw",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dbt-forensics")
def cli() -> None:
    """Read what dbt_forensics has on record: what changed, because of which rows, and is it over.

    Run it where you run dbt: it uses the project's own profile and target. All but load, incident, replay,
    withdraw and quarantine only read; calendar writes a file.
    Exit codes: 0 clean, 1 findings or a refused action, 2 a usage or configuration error.
    """


def main() -> None:
    """Runs the command; an error is one sentence on stderr and its exit code."""
    run_command(cli, "dbt-forensics")
