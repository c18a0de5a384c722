"""The progress bar is for a person at a terminal."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from dbt_forensics.load.bar import progress_bar
from dbt_forensics.load.files import find_files


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("is_terminal", [False, True])
def test_the_bar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_terminal: bool) -> None:
    (tmp_path / "orders.csv").write_text("id\n1\n")
    files = find_files([str(tmp_path)])
    stream = Terminal() if is_terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bar(files) as advance:
        advance(files[0], 5)
        advance(files[0], 5)
    assert ("orders.csv" in stream.getvalue()) == is_terminal
    assert is_terminal or stream.getvalue() == ""
