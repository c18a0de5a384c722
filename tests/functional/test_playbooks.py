"""The playbooks are executed as they stand, each command and each table of numbers, on DuckDB: their SQL is its own."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, chdir
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from dbt_forensics.text import plain
from forensics_lab import cli
from functional.test_command_on_the_worked_example import run
from harness.engines import DuckDB, Engine
from harness.project import PACKAGE, Consumer

FOLDER = PACKAGE / "docs" / "playbooks"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
BLOCK = re.compile(r"```(sql|bash)\n(.*?)```(?:\n\n((?:\|[^\n]*\n)+))?", re.DOTALL)
ACTION = re.compile(r"^(?:Replay|Withdrawal|Emission|Release|Discard) ([0-9a-f]{12})", re.MULTILINE)


class Reader:
    """Somebody who follows the pages in one folder, in one project."""

    def __init__(self, consumer: Consumer, folder: Path) -> None:
        self.consumer = consumer
        self.folder = folder
        self.action = ""

    def follow(self, text: str) -> list[tuple[str, str]]:
        """Executes the blocks of a page. Returns what its tables say, and what was found."""
        tables = []
        with chdir(self.folder):
            for language, block, table in BLOCK.findall(text):
                if language == "bash":
                    for line in block.splitlines():
                        self.command(line)
                elif table:
                    tables.append((table, table_of(self.consumer.query(block))))
                else:
                    self.consumer.execute(block)
        return tables

    def command(self, line: str) -> None:
        words, _, comment = line.partition("   # ")
        expected = int(match[1]) if (match := re.match(r"exits with (\d)", comment)) else 0
        if words == "dbt build":
            self.consumer.build()
        elif words.startswith("python -m forensics_lab "):
            arguments = words.split()[3:]
            assert CliRunner().invoke(cli.lab, arguments).exit_code == expected
        elif words.startswith("dbt-forensics "):
            outcome = run(self.consumer, *shlex.split(words.replace("ACTION", self.action))[1:])
            assert outcome.code == expected, f"{line}\n{outcome.out}{outcome.err}"
            for found in ACTION.findall(outcome.out):
                self.action = found
        else:
            subprocess.run(["bash", "-euo", "pipefail", "-c", words], check=True, capture_output=True)


def table_of(rows: list[dict[str, Any]]) -> str:
    """Rows as a table of Markdown."""
    names = list(rows[0])
    lines = [names, ["---:" if isinstance(rows[0][name], int | Decimal) else "---" for name in names]]
    lines += [[cell(value) for value in row.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return "–" if value is None else plain(value) if isinstance(value, Decimal) else str(value)


@pytest.fixture(scope="module")
def shop(
    engine_named: Callable[[str], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    """The shop of the playbooks' first page; the database is kept beside as it is then."""
    folder = tmp_path_factory.mktemp("playbooks")
    demo = yaml.safe_load((PACKAGE / "examples" / "demo" / "dbt_project.yml").read_text(encoding="utf-8"))
    streams = {"orders": {**demo["vars"]["forensics_streams"]["orders"], "too_late": "exclude"}}
    with engine_named("duckdb") as engine:
        assert isinstance(engine, DuckDB)
        consumer = Consumer(engine, folder / "project", streams=streams, sources={"shop": ["order_events"]})
        consumer.write_project()
        reader = Reader(consumer, folder)
        reader.follow((FOLDER / "README.md").read_text(encoding="utf-8"))
        engine.release()
        shutil.copyfile(engine.path, folder / "shop.duckdb")
        yield reader


@pytest.mark.gate
@pytest.mark.parametrize("page", PAGES)
def test_a_playbook(shop: Reader, page: str) -> None:
    engine = shop.consumer.engine
    assert isinstance(engine, DuckDB)
    engine.drop()
    shutil.copyfile(shop.folder / "shop.duckdb", engine.path)
    tables = shop.follow((FOLDER / f"{page}.md").read_text(encoding="utf-8"))
    assert tables
    for said, found in tables:
        assert said == found, found


def test_every_playbook_is_listed() -> None:
    listed = re.findall(r"\]\(([a-z-]+)\.md\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == PAGES
    for page in PAGES:
        text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
        assert "\n\n| " in text, page
