"""The quickstart is what its README says: the commands run as they stand there and show what the text claims."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harness.project import PACKAGE, packages_yml

QUICKSTART = PACKAGE / "examples" / "quickstart"


class Reader:
    """Somebody who follows the README, block by block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        made = shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb*", "package-lock.yml")
        shutil.copytree(QUICKSTART, folder, ignore=made)
        # In a copy the way to the package differs, and nothing else.
        assert "local: ../../" in (folder / "packages.yml").read_text()
        (folder / "packages.yml").write_text(packages_yml(PACKAGE))
        self.blocks = re.findall(r"```bash\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)

        # The command as it is in the source, wherever it is installed.
        self.commands = folder.parent / "bin"
        self.commands.mkdir()
        command = self.commands / "dbt-forensics"
        command.write_text(
            f'#!/bin/sh\nPYTHONPATH="{PACKAGE / "scripts"}" exec "{sys.executable}" -m dbt_forensics "$@"\n'
        )
        command.chmod(0o755)

    def follow(self, block: int, exit_code: int = 0) -> str:
        path = os.pathsep.join([str(self.commands), str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1"}
        command = ["bash", "-euo", "pipefail", "-c", self.blocks[block]]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout

    def query(self, sql: str) -> list[Any]:
        with duckdb.connect(str(self.folder / "quickstart.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(tmp_path_factory.mktemp("quickstart") / "project")


@pytest.mark.gate
def test_readme_of_the_quickstart(reader: Reader) -> None:
    output = reader.follow(0)
    assert "WARN=0 ERROR=0" in output
    assert "[WARNING]" not in output
    verdicts = "select event_id, batch_id, verdict from analytics.forensics__verdicts order by 1, 2"
    assert reader.query(verdicts) == [
        ("e1", "b1", "accepted"),
        ("e1", "b2", "duplicate"),
        ("e2", "b1", "superseded"),
        ("e2", "b3", "accepted"),
        ("e3", "b2", "accepted"),
        ("e4", "b3", "accepted"),
        ("e5", "b4", "accepted"),
        ("e6", "b4", "quarantined"),
    ]
    current = "select metric, value from analytics.forensics__metric_versions where is_current order by 1"
    assert reader.query(current) == [("orders", Decimal(5)), ("revenue", Decimal(212))]

    shown = reader.follow(1)
    assert re.search(r"182.*212.*source_deleted.*-30.*e3", shown), shown
    assert reader.query(current) == [("orders", Decimal(4)), ("revenue", Decimal(182))]
    changes = (
        "select metric, cause, change from analytics.forensics__metric_changes where version = 2 order by 1"
    )
    assert reader.query(changes) == [
        ("orders", "source_deleted", Decimal(-1)),
        ("revenue", "source_deleted", Decimal(-30)),
    ]
    assert reader.query("select event_id from analytics.forensics__vanished_rows") == [("e3",)]

    told = reader.follow(2, exit_code=1)
    assert re.search(r"withdrawn +source_deleted", told), told
    assert "orders of 2026-01-05 was 5, is 4 now" in told
    assert (reader.folder / "forensics_report" / "report.html").exists()
