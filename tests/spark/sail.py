"""Sail, a server of the Spark dialect without a JVM, as an engine of the tests: own process, Delta
tables in a folder of its own.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.engines import RAW_SCHEMA, TARGET_SCHEMA, Engine, Row

SESSION = str(uuid.UUID(int=1))
#: What the package needs of a Spark session; `spark.sql.ansi.enabled: false` is what dbt-spark itself sets.
SETTINGS = {"spark.sql.session.timeZone": "UTC", "spark.sql.decimalOperations.allowPrecisionLoss": "false"}
SERVER = """
import sys, threading
from pysail.spark import SparkConnectServer
threading.Thread(target=lambda: (sys.stdin.read(), __import__("os")._exit(0)), daemon=True).start()
SparkConnectServer("127.0.0.1", int(sys.argv[1])).start(background=False)
"""


def spark_type(name: str) -> str:
    """A column type of the tests as Spark names it."""
    name = re.sub(r"^(varchar|text)\b(\(\d+\))?$", "string", name)
    return {
        "double precision": "double",
        "real": "float",
        "timestamp with time zone": "timestamp",
        "timestamptz": "timestamp",
    }.get(name, name.replace("numeric", "decimal"))


def spark_name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def spark_literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


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


class Sail(Engine):
    name = "spark"

    def __init__(self, server: SailServer) -> None:
        super().__init__()
        self.server = server
        self.reset()

    def output(self) -> dict[str, Any]:
        return {
            "type": "spark",
            "method": "session",
            "host": "NA",
            "schema": TARGET_SCHEMA,
            "threads": 1,
            "server_side_parameters": {
                "spark.remote": self.server.remote,
                "spark.sql.warehouse.dir": str(self.server.folder / "warehouse"),
                **SETTINGS,
            },
        }

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

    def create_table(self, table: str, columns: Mapping[str, str]) -> None:
        listed = ", ".join(f"{spark_name(name)} {spark_type(type_)}" for name, type_ in columns.items())
        self.execute(f"create table {RAW_SCHEMA}.{spark_name(table)} ({listed}) using delta")

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
        table = table.replace('"', "`")
        types = {row["col_name"]: row["data_type"] for row in self.query(f"describe table {table}")}
        values = ", ".join(
            "("
            + ", ".join(
                f"cast({'null' if value is None else spark_literal(value)} as {types[name]})"
                for name, value in zip(columns, row, strict=True)
            )
            + ")"
            for row in rows
        )
        listed = ", ".join(spark_name(name) for name in columns)
        self.execute(f"insert into {table} ({listed}) values {values}")

    def drop(self) -> None:
        self.reset()
