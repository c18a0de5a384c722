"""Runs `dbt-forensics` in processes that kill themselves at a statement of the door that writes; see `killed.py`.

A server process imports everything once and forks a child for each request. `at` is `<before|after>:<start of a
statement>:<number>`, such as `before:insert:2`, or `before:rename`: before a file gets the
name that it is delivered under.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 300


class Server:
    def __init__(self) -> None:
        scripts = Path(__file__).resolve().parents[2] / "scripts"
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(scripts)},
        )

    def run(self, at: str, arguments: Sequence[str], output: Path) -> int:
        """Runs the command until `at`; returns the exit code, negative for a signal. What it says goes to `output`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([at, list(arguments), str(output)]), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@cache
def server() -> Server:
    return Server()


def kill_at(at: str) -> None:
    """Makes this process kill itself at a point."""
    from dbt_forensics.actions import outbox
    from dbt_forensics.writing import WritingWarehouse

    moment, _, rest = at.partition(":")
    start, _, number = rest.partition(":")
    left = int(number or 1)
    execute = WritingWarehouse.execute

    def die(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def executed(self: WritingWarehouse, statement: str) -> None:
        nonlocal left
        left -= statement.startswith(start)
        is_it = statement.startswith(start) and left == 0
        if is_it and moment == "before":
            die()
        execute(self, statement)
        if is_it:
            die()

    if start == "rename":
        outbox.deliver = die  # type: ignore[assignment]
    else:
        WritingWarehouse.execute = executed  # type: ignore[method-assign]


def serve() -> None:
    import dbt.adapters.duckdb
    import dbt.adapters.postgres
    import dbt.task.build  # noqa: F401

    from dbt_forensics.cli import main

    for line in sys.stdin:
        at, arguments, output = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.alarm(TIMEOUT_SECONDS)
            with Path(output).open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            kill_at(at)
            sys.argv = ["dbt-forensics", *arguments]
            try:
                main()
            finally:
                sys.stdout.flush()
                os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
