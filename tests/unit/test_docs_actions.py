"""The commands of docs/actions.md are commands that there are: every option and argument is taken."""

from __future__ import annotations

import re
import shlex
from datetime import datetime

import click
import pytest

from dbt_forensics.actions.guards import OVERRIDES
from dbt_forensics.actions.selection import KINDS, Selection
from dbt_forensics.cli import cli
from dbt_forensics.errors import ForensicsError
from harness.project import PACKAGE

PAGE = (PACKAGE / "docs" / "actions.md").read_text(encoding="utf-8")
LINES = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_a_command(line: str) -> None:
    name, *arguments = shlex.split(line, comments=True)
    command: click.Command = cli
    parent: click.Context | None = None
    assert name == "dbt-forensics"
    while isinstance(command, click.Group):
        parent = command.make_context(name, list(arguments), parent=parent, resilient_parsing=True)
        name, *arguments = arguments
        found = command.get_command(parent, name)
        assert found is not None, name
        command = found
    context = command.make_context(name, list(arguments), parent=parent)
    assert context.params.get("owner", "nobody need answer for it")


def test_every_guard_and_kind_is_on_the_page() -> None:
    assert all(f"| `{name}` |" in PAGE for name in (*OVERRIDES, *KINDS))


def test_of_which_verdicts_a_kind_takes_rows() -> None:
    assert Selection("orders").takes("emission") == ("accepted",)
    assert Selection("orders", verdicts=("accepted", "duplicate")).takes("emission") == (
        "accepted",
        "duplicate",
    )
    assert Selection("orders").takes("replay") == KINDS["replay"]
    with pytest.raises(
        ForensicsError, match="No replay takes accepted rows: give --verdict one of withdrawn, pending"
    ):
        Selection("orders", verdicts=("accepted",)).takes("replay")


def test_a_selection_is_read_back_from_the_log() -> None:
    one = Selection(
        "orders",
        entities=("a", "it's"),
        event_ids=("'); drop table x; --",),
        verdicts=("accepted",),
        event_from=datetime(2026, 1, 5),
        arrived_to=datetime(2026, 1, 6, 12, 30, 0, 5),
    )
    assert Selection.of_json(one.as_json()) == one
    assert Selection("orders").is_narrowed() is False
    assert "'''); drop table x; --'" in one.condition()
    assert "'it''s'" in one.condition()
