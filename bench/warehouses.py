"""The engines: how to prepare a state of the database, come back to it, and count what the server used."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from workload import COLUMNS, rows_sql

DUCKDB_CLIENT = """
import sys, duckdb
with duckdb.connect(sys.argv[1]) as connection:
    connection.execute(sys.argv[2])
"""
POSTGRES_CLIENT = """
import sys, psycopg2
connection = psycopg2.connect(sys.argv[1])
connection.autocommit = True
connection.cursor().execute(sys.argv[2])
"""
RAW_INDEXES = """
create index on raw.order_events (_load_id, _loaded_at);
create index on raw.order_events using brin (_loaded_at);
"""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def run_quietly(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def stat_of(process: Path) -> list[str]:
    """What the `stat` of a folder in /proc says after the name: [] where the process has ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def private_memory(process: Path) -> int:
    """Bytes of memory of a folder in /proc that no other process shares: 0 where the process has ended."""
    try:
        lines = (process / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def run_sql_in_duckdb(path: Path, sql: str) -> None:
    # In a process of its own: a child inherits the peak memory of the process that starts it.
    run_quietly([sys.executable, "-c", DUCKDB_CLIENT, str(path), sql])


class Warehouse(ABC):
    """One database that is worked on, and named states of it that can be restored."""

    name: str
    folder: Path

    @abstractmethod
    def profile(self) -> dict[str, object]:
        """The entry under `outputs` of a dbt profile."""

    def project(self) -> dict[str, object]:
        """Keys that every dbt_project.yml on this engine needs."""
        return {}

    @abstractmethod
    def make_raw(self, rows: int, held: int) -> None:
        """Makes the database anew: raw.order_events with rows, held.next_rows with those that come after them."""

    @abstractmethod
    def restore(self, state: str) -> None:
        """Makes the database what it was when `state` was kept."""

    @abstractmethod
    def keep(self, state: str) -> None:
        """Keeps the database as it is under a name."""

    @abstractmethod
    def client(self, sql: str) -> list[str]:
        """The command line of the barest client that runs some SQL."""

    @abstractmethod
    def version(self) -> str: ...

    def execute(self, sql: str) -> None:
        run_quietly(self.client(sql))

    def load(self, rows: int) -> None:
        """Lets as many of the held rows arrive in the raw table."""
        there = "(select max(seq) from raw.order_events)"
        next_ones = f"seq > {there} and seq <= {there} + {rows}"
        self.execute(f"insert into raw.order_events select * from held.next_rows where {next_ones}")
        self.settle()

    @abstractmethod
    def settle(self) -> None:
        """Does now what the engine would otherwise do in the background, at a time of its own."""

    def server_cpu(self) -> float:
        """CPU seconds that a server beside dbt has used so far."""
        return 0.0

    def server_memory(self) -> int:
        """Bytes of private memory that a server beside dbt holds now."""
        return 0

    @abstractmethod
    def stop(self) -> None:
        """Ends what was started."""


class DuckDB(Warehouse):
    name = "duckdb"

    def __init__(self, folder: Path, memory: str | None = None) -> None:
        """memory: the engine's limit, as it writes one."""
        self.folder = folder
        self.path = folder / "bench.duckdb"
        self.settings = {"memory_limit": memory} if memory else {}

    def profile(self) -> dict[str, object]:
        return {
            "type": "duckdb",
            "path": str(self.path),
            "schema": "analytics",
            "threads": os.cpu_count() or 1,
            "settings": self.settings,
        }

    def make_raw(self, rows: int, held: int) -> None:
        for file in self.folder.glob("*.duckdb*"):
            file.unlink()
        said = "".join(f"set {name} = '{value}';" for name, value in self.settings.items())
        run_sql_in_duckdb(
            self.path,
            f"{said}create schema raw; create schema held; create table raw.order_events as {rows_sql(0, rows)};"
            f"create table held.next_rows as {rows_sql(rows, rows + held)}",
        )

    def restore(self, state: str) -> None:
        self.path.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        shutil.copyfile(self.folder / f"state_{state}.duckdb", self.path)

    def keep(self, state: str) -> None:
        self.execute("checkpoint")
        shutil.copyfile(self.path, self.folder / f"state_{state}.duckdb")

    def client(self, sql: str) -> list[str]:
        return [sys.executable, "-c", DUCKDB_CLIENT, str(self.path), sql]

    def settle(self) -> None:
        self.execute("checkpoint")

    def version(self) -> str:
        return importlib.metadata.version("duckdb")

    def stop(self) -> None:
        pass  # no server


class Postgres(Warehouse):
    """A throw-away cluster, the tests' own: defaults, but no fsync and no autovacuum while a build is measured."""

    name = "postgres"

    def __init__(self, folder: Path, indexed: bool = False) -> None:
        """indexed: whether the raw table has indexes, those that docs/engines.md advises."""
        from harness.engines import PostgresCluster

        self.folder = folder
        self.indexed = indexed
        self.cluster = PostgresCluster()
        for setting in ("autovacuum = off", "max_wal_size = '8GB'"):
            self.cluster.execute(f"alter system set {setting}")
        self.cluster.execute("select pg_reload_conf()")
        self.postmaster = int((self.cluster.folder / "data" / "postmaster.pid").read_text().split()[0])

    def profile(self) -> dict[str, object]:
        user, host = self.cluster.USER, str(self.cluster.folder)
        login = {"host": host, "port": 5432, "user": user, "password": "", "dbname": "bench"}
        return {"type": "postgres", **login, "schema": "analytics", "threads": os.cpu_count() or 1}

    def make_raw(self, rows: int, held: int) -> None:
        self._replace("bench", "template1")
        listed = ", ".join(f"{name} {data_type}" for name, data_type in COLUMNS.items())
        connection = self.cluster.connect("bench")
        cursor = connection.cursor()
        csv = self.folder / "rows.csv"
        for table, first, last in (
            ("raw.order_events", 0, rows),
            ("held.next_rows", rows, rows + held),
        ):
            run_sql_in_duckdb(
                self.folder / "rows.duckdb", f"copy ({rows_sql(first, last)}) to '{csv}' (format csv)"
            )
            cursor.execute(f"create schema {table.split('.')[0]}; create table {table} ({listed})")
            with csv.open() as file:
                cursor.copy_expert(f"copy {table} from stdin (format csv, header)", file)
        if self.indexed:
            cursor.execute(RAW_INDEXES)
        connection.close()
        csv.unlink()
        self.settle()

    def _replace(self, database: str, template: str) -> None:
        self.cluster.execute(f"drop database if exists {database} with (force)")
        self.cluster.execute(f"create database {database} template {template}")

    def restore(self, state: str) -> None:
        self._replace("bench", f"state_{state}")
        self.cluster.execute("checkpoint")

    def keep(self, state: str) -> None:
        self.settle()
        self._replace(f"state_{state}", "bench")

    def client(self, sql: str) -> list[str]:
        login = f"host={self.cluster.folder} user={self.cluster.USER} dbname=bench"
        return [sys.executable, "-c", POSTGRES_CLIENT, login, sql]

    def settle(self) -> None:
        self.execute("vacuum analyze")
        self.cluster.execute("checkpoint")

    def version(self) -> str:
        cursor = self.cluster.connect("postgres").cursor()
        cursor.execute("show server_version")
        return str(cursor.fetchone()[0])

    def _processes(self) -> dict[int, list[str]]:
        """The server's processes: {pid: what /proc/<pid>/stat says after the name}."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            fields = stat_of(path)
            if fields and self.postmaster in (int(path.name), int(fields[1])):
                found[int(path.name)] = fields
        return found

    def server_cpu(self) -> float:
        # A session that ended has moved from its own times to those of the postmaster's children.
        self.cluster.execute("checkpoint")
        processes = self._processes()
        ticks = sum(int(fields[11]) + int(fields[12]) for fields in processes.values())
        ended = sum(int(ticks) for ticks in processes[self.postmaster][13:15])
        return (ticks + ended) / TICKS_PER_SECOND

    def server_memory(self) -> int:
        return sum(private_memory(Path(f"/proc/{pid}")) for pid in self._processes())

    def stop(self) -> None:
        self.cluster.stop()


class Spark(Warehouse):
    """Apache Spark with Iceberg, the tests' cluster: a master, two workers of one core each, a Thrift server."""

    name = "spark"

    def __init__(self, folder: Path) -> None:
        from spark.cluster import SparkCluster

        self.folder = folder
        self.cluster = SparkCluster(executor_mib=2048, driver_mib=2048)
        self.engine = self.cluster.new_engine()

    def profile(self) -> dict[str, object]:
        return {**self.engine.output(), "schema": "analytics"}

    def project(self) -> dict[str, object]:
        return self.engine.project()

    def make_raw(self, rows: int, held: int) -> None:
        self.engine.execute(f"create namespace {self.engine.catalog}.held")
        for table, first, last in (
            ("raw.order_events", 0, rows),
            ("held.next_rows", rows, rows + held),
        ):
            file = self.folder / f"{table}.parquet"
            run_sql_in_duckdb(
                self.folder / "rows.duckdb",
                "set timezone = 'UTC'; copy (select * replace ("
                "occurred_at::timestamptz as occurred_at, _loaded_at::timestamptz as _loaded_at)"
                f" from ({rows_sql(first, last)})) to '{file}' (format parquet)",
            )
            self.engine.execute(f"create table {table} using iceberg as select * from parquet.`{file}`")
            file.unlink()

    def execute(self, sql: str) -> None:
        self.engine.execute(sql)

    def restore(self, state: str) -> None:
        raise NotImplementedError("States of a lake are not kept: bench/large.py needs none.")

    def keep(self, state: str) -> None:
        raise NotImplementedError("States of a lake are not kept: bench/large.py needs none.")

    def client(self, sql: str) -> list[str]:
        raise NotImplementedError("bench/large.py needs no client.")

    def settle(self) -> None:
        pass  # nothing goes on in the background

    def _processes(self) -> list[Path]:
        """Of the server and the workers' executors, the folders in /proc: each works in a folder of the cluster's."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").resolve().is_relative_to(self.cluster.folder):
                    found.append(process)
            except OSError:
                continue
        return found

    def server_cpu(self) -> float:
        found = [stat_of(path) for path in self._processes()]
        return sum(int(fields[11]) + int(fields[12]) for fields in found if fields) / TICKS_PER_SECOND

    def server_memory(self) -> int:
        return sum(map(private_memory, self._processes()))

    def version(self) -> str:
        return importlib.metadata.version("pyspark")

    def stop(self) -> None:
        self.cluster.stop()
