"""The gates: what is too long for `make test`. `make gates` runs them all; CI as many as fit, each within three runs.

A gate is a target of the Makefile. How each ended is kept in the user's cache folder: a gate that failed last time runs
first, then those that have not run for longest. Where nothing is known, the number of commits says whose turn it is.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PACKAGE = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dbt_forensics" / "gates.json"
CORES = 2
COMMAND = ["make", "--no-print-directory"]
#: Every gate runs once in this many runs of CI.
TURNS = 3


@dataclass(frozen=True)
class Gate:
    """A target of the Makefile: how many minutes it takes on as many cores as it uses."""

    name: str
    minutes: int
    cores: int = 1


#: Every third one from the first, the second, and the third fits into an hour on two cores.
GATES = (
    Gate("compiled", 8),
    Gate("browser-test", 2),
    Gate("sail-test", 15),
    Gate("versions", 5),
    Gate("slow-test-1", 9, 2),
    Gate("thorough-test-1", 11),
    Gate("postgres-test-1", 10, 2),
    Gate("slow-test-2", 9, 2),
    Gate("postgres-test-2", 10, 2),
    Gate("thorough-test-2", 9),
    Gate("slow-test-3", 9, 2),
    Gate("lab-score-1", 10, 2),
    Gate("slow-test-4", 9, 2),
    Gate("company-test", 8, 2),
    Gate("postgres-test-3", 10, 2),
    Gate("kills-test-1", 33),
    Gate("lab-score-2", 10, 2),
    Gate("kills-test-2", 33),
    Gate("slow-test-5", 9, 2),
    Gate("lab-score-3", 10, 2),
)

#: What is kept of a gate: how it ended last, and how many runs ago.
Ended = Mapping[str, Mapping[str, Any]]


def in_turn(gates: Sequence[Gate], ended: Ended, turn: int) -> list[Gate]:
    """The gates in the order in which they should run.

    Args:
        gates: All of them.
        ended: By name, `passed` (bool) and `runs_ago` (1: in the run before this one); without an entry, never.
        turn: Where nothing is known, every third gate comes first, from `turn` modulo three on.
    """

    def place(item: tuple[int, Gate]) -> tuple[bool, int, int, int]:
        number, gate = item
        known = ended.get(gate.name)
        has_failed = known is not None and not known["passed"]
        age = known["runs_ago"] if known else TURNS
        return not has_failed, -age, (number - turn) % TURNS, number

    return [gate for _, gate in sorted(enumerate(gates), key=place)]


def fitting(gates: Sequence[Gate], minutes: float) -> list[Gate]:
    """The first of some gates, as many as fit into a number of minutes on all cores; one at least."""
    chosen: list[Gate] = []
    left = minutes * CORES
    for gate in gates:
        if not chosen or gate.minutes * gate.cores <= left:
            chosen.append(gate)
            left -= gate.minutes * gate.cores
    return chosen


def run(gates: Sequence[Gate], minutes: float) -> dict[str, tuple[bool, float]]:
    """Runs gates, side by side where there are cores, and prints what each said: {name: (passed, seconds)}.

    Args:
        gates: In the order in which they begin.
        minutes: None begins that would not end within this time. One that takes longer than expected is stopped when
            it is over: it has neither passed nor failed, and is not in the result.
    """
    with TemporaryDirectory() as folder:
        return _run(gates, time.monotonic() + 60 * minutes, Path(folder))


def _run(gates: Sequence[Gate], end: float, folder: Path) -> dict[str, tuple[bool, float]]:
    waiting, ended = list(gates), {}
    running: list[tuple[Gate, subprocess.Popen[bytes], float]] = []
    while waiting or running:
        free = CORES - sum(gate.cores for gate, *_ in running)
        for gate in [gate for gate in waiting if time.monotonic() + 60 * gate.minutes > end]:
            waiting.remove(gate)
            print(f"--- make {gate.name}: not in this run, there is no time left for it", flush=True)
        for gate in [gate for gate in waiting if gate.cores <= free][:1]:
            waiting.remove(gate)
            with (folder / gate.name).open("wb") as output:
                process = subprocess.Popen(
                    [*COMMAND, gate.name],
                    cwd=PACKAGE,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            running.append((gate, process, time.monotonic()))
        for one in [one for one in running if one[1].poll() is not None or time.monotonic() > end]:
            running.remove(one)
            gate, process, started = one
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                print(f"--- make {gate.name}: stopped, there was no time left for it", flush=True)
                continue
            ended[gate.name] = (process.returncode == 0, time.monotonic() - started)
            print(f"--- make {gate.name}: {_in_words(*ended[gate.name])}", flush=True)
            sys.stdout.buffer.write((folder / gate.name).read_bytes())
            sys.stdout.flush()
        time.sleep(0.2)
    return ended


def _in_words(passed: bool, seconds: float) -> str:
    return f"{'passed' if passed else 'FAILED'} in {seconds:.0f} s"


def remembered() -> dict[str, dict[str, Any]]:
    """How gates ended in earlier runs, as `in_turn` takes it."""
    try:
        kept = json.loads(CACHE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: {**one, "runs_ago": one["runs_ago"] + 1} for name, one in kept.items()}


def ceil_minutes(before: Ended, gate: Gate) -> int:
    """How many minutes a gate took last; 0 where that is not known."""
    return math.ceil(before.get(gate.name, {}).get("seconds", 0) / 60)


def remember(before: Ended, ended: Mapping[str, tuple[bool, float]]) -> None:
    """Keeps how gates ended, for the next run."""
    now = {
        name: {"passed": passed, "runs_ago": 0, "seconds": round(s)} for name, (passed, s) in ended.items()
    }
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    CACHE.write_text(json.dumps({**before, **now}, indent=1), encoding="utf-8")


def main() -> int:
    """Returns 1 if a gate failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=math.inf, help="only as many as fit; default: all")
    wanted = parser.parse_args()
    before = remembered()
    commits = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"], cwd=PACKAGE, capture_output=True, text=True, check=True
    )
    measured = [replace(gate, minutes=max(gate.minutes, ceil_minutes(before, gate))) for gate in GATES]
    there = [
        gate
        for gate in measured
        if gate.name != "browser-test" or shutil.which(os.environ.get("CHROMIUM", "chromium"))
    ]
    gates = fitting(in_turn(there, before, int(commits.stdout)), wanted.minutes)
    print(
        f"gates of this run, at commit number {int(commits.stdout)}: {', '.join(gate.name for gate in gates)}"
    )
    later = [gate.name for gate in measured if gate not in gates]
    print(f"not in this run: {', '.join(later) or 'none'}", flush=True)
    ended = run(gates, wanted.minutes)
    remember(before, {**{gate.name: (False, 0.0) for gate in gates}, **ended})
    for name, (passed, seconds) in ended.items():
        print(f"make {name}: {_in_words(passed, seconds)}")
    return 0 if all(passed for passed, _ in ended.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
