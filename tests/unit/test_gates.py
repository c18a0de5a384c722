"""Which gates run when: each within three runs, what failed first, and never more than fit."""

from __future__ import annotations

from typing import Any

import pytest

from harness import gates
from harness.gates import CORES, GATES, PACKAGE, TURNS, Gate, fitting, in_turn


def names(listed: list[Gate]) -> list[str]:
    return [gate.name for gate in listed]


@pytest.mark.parametrize("start", range(TURNS))
def test_all_run_within_three_runs(start: int) -> None:
    """From nothing known on, whatever the number of commits between two runs."""
    ended: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for turn in range(start, start + 7 * TURNS, 7):
        chosen = fitting(in_turn(GATES, ended, turn), 60)
        assert sum(gate.minutes * gate.cores for gate in chosen) <= 60 * CORES
        ended = {name: {**one, "runs_ago": one["runs_ago"] + 1} for name, one in ended.items()}
        ended |= {gate.name: {"passed": True, "runs_ago": 1} for gate in chosen}
        seen |= set(names(chosen))
    assert seen == set(names(list(GATES)))


def test_without_a_memory_three_commits_run_all() -> None:
    runs = [fitting(in_turn(GATES, {}, turn), 60) for turn in range(TURNS)]
    assert {gate.name for chosen in runs for gate in chosen} == set(names(list(GATES)))


def test_what_failed_runs_first() -> None:
    ended = {gate.name: {"passed": gate.name != "versions", "runs_ago": 2} for gate in GATES}
    ended["compiled"] = {"passed": True, "runs_ago": 3}
    assert names(in_turn(GATES, ended, 0))[:2] == ["versions", "compiled"]


def test_one_runs_however_long_it_takes() -> None:
    assert names(fitting([Gate("a", 100, 2), Gate("b", 5)], 60)) == ["a"]


def test_what_takes_too_long_is_stopped_and_neither_passed_nor_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gates, "COMMAND", ["bash", "-c", 'if [ "$0" = slow ]; then sleep 60; fi'])
    assert set(gates.run([Gate("slow", 0), Gate("done", 0)], 0.02)) == {"done"}


def test_each_is_a_target_of_the_makefile() -> None:
    makefile = (PACKAGE / "Makefile").read_text(encoding="utf-8")
    for gate in GATES:
        target = gate.name.rstrip("12345") + "%" if gate.name[-1].isdigit() else gate.name
        assert f"\n{target}:" in makefile, target
