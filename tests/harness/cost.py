"""What each test file costs: tests, full builds, other dbt commands, CPU and wall seconds. `make test-cost` prints it.

A pytest plugin (`-p harness.cost`). CPU is that of the tests' own processes and of those that they waited for: what a
database server uses is not in it, but the time that tests waited for it is in the wall seconds.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from harness.project import COMMANDS

_PROPERTY = "cost"
_FIGURES = ("builds", "part builds", "other dbt", "cpu", "wall")
_before: dict[str, float] = {}
_by_file: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(("tests", *_FIGURES), 0.0))
_by_test: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(_FIGURES, 0.0))


def _now() -> dict[str, float]:
    """Every figure so far, of this process."""
    times = os.times()
    other = sum(count for kind, count in COMMANDS.items() if kind not in ("build", "build --select"))
    return {
        "builds": COMMANDS["build"],
        "part builds": COMMANDS["build --select"],
        "other dbt": other,
        "cpu": times.user + times.system + times.children_user + times.children_system,
        "wall": time.monotonic(),
    }


def pytest_sessionstart() -> None:
    _before.update(_now())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report: Any = yield
    now = _now()
    report.user_properties = [(_PROPERTY, {name: now[name] - _before[name] for name in _FIGURES})]
    _before.update(now)
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, figures in report.user_properties:
        if name == _PROPERTY:
            file = _by_file[report.nodeid.partition("::")[0]]
            file["tests"] += report.when == "call"
            for figure in _FIGURES:
                file[figure] += figures[figure]
                _by_test[report.nodeid][figure] += figures[figure]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    line = terminalreporter.write_line
    columns = ("tests", *_FIGURES)
    total = {name: sum(figures[name] for figures in _by_file.values()) for name in columns}
    rows = sorted(_by_file.items(), key=lambda item: -item[1]["cpu"])
    terminalreporter.section("cost by file")
    line("".join(f"{name:>12}" for name in columns) + "  file")
    for file, figures in [*rows, ("all files", total)]:
        line("".join(f"{figures[name]:>12.0f}" for name in columns) + f"  {file}")
    terminalreporter.section("the forty dearest tests")
    for test, figures in sorted(_by_test.items(), key=lambda item: -item[1]["cpu"])[:40]:
        line("".join(f"{figures[name]:>12.0f}" for name in _FIGURES) + f"  {test}")
