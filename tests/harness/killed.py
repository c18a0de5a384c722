"""Runs dbt in processes that kill themselves; `Killer` is the handle that Consumer.build_killed uses.

One server process imports dbt once (that takes seconds) and forks a child for each request, so that every
killed build starts clean and fast; what was parsed comes in a file. The server ends when its input closes,
that is with the tests' process.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 600


class Killer:
    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, at: str, arguments: Sequence[str], output: Path, parsed: Path) -> int:
        """Runs dbt until `at`, or to its end if that is ""; returns the exit code, negative for a signal.

        The code is 1 where dbt did not succeed. Warnings and errors go to `output`.
        """
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(
            json.dumps([at, list(arguments), str(output), str(parsed)]), file=self._server.stdin, flush=True
        )
        return int(self._server.stdout.readline())


def save_manifest(manifest: Any, path: Path) -> Path:
    path.write_bytes(pickle.dumps(manifest))
    return path


def complain(event: Any) -> None:
    """A callback for dbt's events that prints warnings and errors."""
    if event.info.level in ("error", "warn"):
        print(event.info.msg, flush=True)


def kill_at(at: str) -> Callable[[Any], None]:
    """A callback for dbt's events that kills this process at the point named by `at`."""
    if not at:
        return complain
    moment, _, rest = at.partition(":")
    node, _, rest = ("", "", rest) if moment == "statement" else rest.partition(":")
    number, _, words = rest.partition(":")
    event_name = {"after": "NodeFinished", "inside": "SQLQuery", "statement": "SQLQuery"}[moment]
    left = int(number or 1)
    lock = threading.Lock()

    def is_any(event: Any) -> bool:
        return moment == "statement" and bool(event.data.node_info.node_name)

    def callback(event: Any) -> None:
        nonlocal left
        complain(event)
        if event.info.name == event_name and (event.data.node_info.node_name == node or is_any(event)):
            if words and words not in event.data.sql:
                return
            with lock:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

    return callback


def serve() -> None:
    import dbt.task.build  # noqa: F401
    from dbt.cli.main import dbtRunner

    for adapter in ("duckdb", "postgres", "spark"):
        if find_spec(f"dbt.adapters.{adapter}"):
            import_module(f"dbt.adapters.{adapter}")

    for line in sys.stdin:
        at, arguments, output, parsed = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.alarm(TIMEOUT_SECONDS)
            with Path(output).open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            outcome = dbtRunner(pickle.loads(Path(parsed).read_bytes()), callbacks=[kill_at(at)]).invoke(
                arguments
            )
            if outcome.exception is not None:
                print(outcome.exception, flush=True)
            os._exit(not outcome.success)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
