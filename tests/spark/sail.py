"""Sail, a server of the Spark dialect without a JVM, as an engine of the tests: own process, Delta
tables in a folder of its own.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from harness.engines import RAW_SCHEMA, TARGET_SCHEMA, Row
from spark.engine import SparkEngine

SESSION = str(uuid.UUID(int=1))
SERVER = """
import sys, threading
from pysail.spark import SparkConnectServer
threading.Thread(target=lambda: (sys.stdin.read(), __import__("os")._exit(0)), daemon=True).start()
SparkConnectServer("127.0.0.1", int(sys.argv[1])).start(background=False)
"""


class SailServer:
    """A server that ends with this process: it reads its input until that closes."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="forensics-sail-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with (self.folder / "server.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(self.port)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as there:
                if there.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"Sail did not start:\n{(self.folder / 'server.log').read_text()}")

    @property
    def remote(self) -> str:
        return f"sc://127.0.0.1:{self.port}/;session_id={SESSION};user_id=dbt"

    def new_engine(self) -> Sail:
        return Sail(self)

    def stop(self) -> None:
        from pyspark.sql import SparkSession

        # A session that outlives its server would wait for it at the end of this process.
        session = SparkSession.getActiveSession()
        if session is not None:
            session.stop()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)


class Sail(SparkEngine):
    file_format = "delta"

    def __init__(self, server: SailServer) -> None:
        super().__init__()
        self.server = server
        self.reset()

    def output(self) -> dict[str, Any]:
        output = super().output()
        output["server_side_parameters"] |= {
            "spark.remote": self.server.remote,
            "spark.sql.warehouse.dir": str(self.server.folder / "warehouse"),
        }
        return {**output, "method": "session", "host": "NA"}

    def connect(self) -> Any:
        from pyspark.sql import SparkSession

        builder = SparkSession.builder
        for key, value in self.output()["server_side_parameters"].items():
            builder = builder.config(key, value)
        return builder.getOrCreate()

    def release(self) -> None:
        """The session is dbt's too, and locks nobody out."""

    def execute(self, sql: str) -> None:
        self.connection.sql(sql).collect()

    def query(self, sql: str) -> list[Row]:
        return [row.asDict() for row in self.connection.sql(sql).collect()]

    def reset(self) -> None:
        for schema in (TARGET_SCHEMA, RAW_SCHEMA):
            self.execute(f"drop schema if exists {schema} cascade")
            self.execute(f"create schema {schema}")

    def drop(self) -> None:
        self.reset()
