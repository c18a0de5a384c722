"""The command's surface: help, errors, exit codes; nothing that needs a project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from dbt_forensics import cli, docs
from dbt_forensics.check.render import render_check
from dbt_forensics.errors import ForensicsError
from dbt_forensics.warehouse import DbtOptions, sentence
from forensics_lab.cli import lab

DOCS = Path(docs.__file__).resolve().parents[2] / "docs"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["dbt-forensics", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def test_the_reference_is_up_to_date() -> None:
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == docs.reference(), "run make docs"


def test_every_command_and_option_says_what_it_does() -> None:
    names = []
    for name, command in [*commands(cli.cli, "dbt-forensics"), *commands(lab, "forensics_lab")]:
        names.append(name)
        assert command.help, name
        assert all(option.help for option in command.params if isinstance(option, click.Option)), name
    assert {f"dbt-forensics {name}" for name in cli.COMMANDS} < set(names)


def commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    """Every command of a group, and of the groups in it, by what one types."""
    context = click.Context(group)
    for one in group.list_commands(context):
        command = group.get_command(context, one)
        assert command is not None, f"{name} {one}"
        yield f"{name} {one}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {one}")


def test_usage_errors_exit_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "report", "--since", "yesterday") == 2
    assert run(monkeypatch, "nonsense") == 2
    assert run(monkeypatch, "--version") == 0
    assert run(monkeypatch, "report", "--since", "2026-01-05", "--until", "2026-01-05") == 2
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .endswith("is not before --until 2026-01-05 00:00:00: swap them.")
    )


def test_without_a_project_one_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "check", "--project-dir", str(tmp_path), "--profiles-dir", str(tmp_path)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ")
    assert err.endswith("run it in the dbt project's folder, or give --project-dir and --profiles-dir.\n")
    assert "Traceback" not in err


@pytest.mark.parametrize(("code", "expected"), [(1, 1), (2, 2)])
def test_an_error_is_a_sentence_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int, expected: int
) -> None:
    def stop(**_: Any) -> None:
        raise ForensicsError("Do this.", code)

    monkeypatch.setattr(cli, "cli", stop)
    assert run(monkeypatch) == expected
    assert capsys.readouterr() == ("", "Error: Do this.\n")


def test_only_given_options_reach_dbt() -> None:
    assert DbtOptions().arguments() == []
    assert DbtOptions(project_dir="p", vars="{a: 1}").arguments() == [
        "--project-dir",
        "p",
        "--vars",
        "{a: 1}",
    ]


def test_dbt_errors_become_one_line() -> None:
    text = "dbt_forensics: stream 'x', key 'y': found z; allowed: w.\n\n> in macro streams (x.sql)\n> called by ..."
    assert sentence(text) == "dbt_forensics: stream 'x', key 'y': found z; allowed: w."
    assert sentence("Binder Error: no column\n\nLINE 1: select x\n       ^") == "Binder Error: no column"
    assert sentence(KeyError()) == "KeyError"


def test_a_check_without_streams_says_how_to_declare_one() -> None:
    document = {"project": "shop", "versions": {"dbt": "1"}, "is_built": False, "problems": [], "streams": []}
    assert "No stream is declared" in render_check(document)
