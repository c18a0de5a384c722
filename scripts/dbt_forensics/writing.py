"""The door to the warehouse that writes, in transactions: for what is loaded, and for what people do."""

from __future__ import annotations

import io
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dbt_forensics import sql
from dbt_forensics.errors import ForensicsError
from dbt_forensics.streams import relation_parts
from dbt_forensics.warehouse import DbtOptions, Row, Warehouse, sentence, session

if TYPE_CHECKING:
    import pyarrow as pa


#: What DuckDB may use while files are loaded, unless the profile says (setting memory_limit).
_DUCKDB_MEMORY = "400MB"


@dataclass(frozen=True)
class TableColumn:
    """A column of a table that is written to.

    Attributes:
        name: Its name as the engine stores it.
        data_type: Its type in the engine's words, in lower case.
        is_required: Whether a row must have a value: NULL is not allowed and there is no default.
        is_nullable: Whether NULL is allowed.
        has_default: Whether a row that says nothing of it gets a value, or may get one.
    """

    name: str
    data_type: str
    is_required: bool
    is_nullable: bool = True
    has_default: bool = False


class EngineError(Exception):
    """The engine did not take a statement; the message is its own, on one line."""


class WritingWarehouse(Warehouse, ABC):
    """A session that may write; get one from :func:`open_writing`. Subclasses know an engine's bulk path."""

    def is_source(self, path: str) -> bool:
        """Returns whether a stream's relation is a source, which is not built by dbt and so may be loaded into."""
        return path.startswith("source.")

    def place(self, path: str) -> tuple[str, str, str]:
        """Returns database, schema and table of a path, whether the table exists or not.

        Args:
            path: ``source.<source>.<table>`` or ``<schema>.<table>``.
        """
        parts, _ = relation_parts(path)
        if parts[0] == "source" and len(parts) == 3:
            source = self._source(parts[1], parts[2])
            return source.database or self._database(), source.schema, source.identifier
        if len(parts) != 2 or not all(parts):
            raise ForensicsError(
                f"'{path}' is not a table to load into: write <schema>.<table> or source.<source>.<table>."
            )
        return self._database(), parts[0], parts[1]

    def table(self, place: tuple[str, str, str]) -> str:
        """Returns a place as SQL."""
        return ".".join(self.identifier(part) for part in place)

    def make_schema(self, place: tuple[str, str, str]) -> None:
        """Makes the schema of a place if there is none."""
        database, schema, _ = place
        there = (
            f"select 1 from information_schema.schemata where catalog_name = {sql.literal(database)}"
            f" and schema_name = {sql.literal(schema)}"
        )
        if not self.query(there):
            self.lock(f"dbt_forensics schema {schema}")  # another transaction may make it for another table
            if not self.query(there):
                self.execute(f"create schema {self.identifier(schema)}")

    def columns(self, place: tuple[str, str, str]) -> list[TableColumn]:
        """Returns a table's columns in their order; none if it does not exist."""
        database, schema, name = (sql.literal(part) for part in place)
        rows = self.query(
            "select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale,"
            " datetime_precision, is_nullable, column_default, is_identity, is_generated"
            " from information_schema.columns"
            f" where table_catalog = {database} and table_schema = {schema} and table_name = {name}"
            " order by ordinal_position"
        )
        return [
            TableColumn(
                row["column_name"],
                _type_words(row),
                row["is_nullable"] == "NO" and row["column_default"] is None and row["is_identity"] != "YES",
                row["is_nullable"] == "YES",
                row["column_default"] is not None and row["is_generated"] != "ALWAYS",
            )
            for row in rows
        ]

    def given_time(self) -> datetime | None:
        """Returns the var ``forensics_as_of``, the clock of a run in the past, or None if it is not set."""
        config = self._adapter.config
        if not {**config.vars.to_dict(), **config.cli_vars}.get("forensics_as_of"):
            return None
        return datetime.fromisoformat(self.macro("build_clock"))

    def end_transaction_of_dbt(self) -> None:
        """Commits what dbt's own macros have begun on this connection."""
        connections = self._adapter.connections
        if connections.get_thread_connection().transaction_open:
            connections.commit()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits what its block does, or nothing of it."""
        # None of dbt's own macros may run inside, for they commit as they please.
        self.end_transaction_of_dbt()
        self.execute("begin")
        try:
            yield
            self.execute("commit")
        except BaseException:
            self._roll_back()
            raise

    def execute(self, statement: str) -> None:
        """Runs a statement.

        Raises:
            EngineError: The engine does not take it.
        """
        with self._refusals():
            self._cursor().execute(statement)

    def query(self, statement: str) -> list[Row]:
        """Returns the rows of a query; unlike in the reading door, inside the transaction that is open."""
        with self._refusals():
            cursor = self._cursor()
            cursor.execute(statement)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def prepare_load(self) -> None:
        """Readies the session for loading files, and for nothing else."""

    @abstractmethod
    def append(self, table: str, columns: Sequence[tuple[str, str]], rows: pa.Table) -> None:
        """Appends rows through the engine's bulk path.

        Args:
            table: The table as SQL.
            columns: Name and type (in the engine's words) of each column.
            rows: Text, a column for each, in a form that the type takes.
        """

    @abstractmethod
    def lock(self, name: str) -> None:
        """Waits until no other transaction holds the lock of this name, and holds it until this one ends."""

    def _roll_back(self) -> None:
        try:
            self.execute("rollback")
        except EngineError:  # the engine has rolled back by itself, or the connection is gone
            return

    def _database(self) -> str:
        return str(self._adapter.config.credentials.database)

    def _cursor(self) -> Any:
        return self._adapter.connections.get_thread_connection().handle.cursor()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except self._errors() as error:
            raise EngineError(sentence(str(error))) from error

    @abstractmethod
    def _errors(self) -> tuple[type[Exception], ...]:
        """The driver's errors."""


class DuckDBWriting(WritingWarehouse):
    """DuckDB reads rows from Arrow."""

    def prepare_load(self) -> None:
        """Without a limit of its own DuckDB keeps what it loads in memory, up to most of the machine's."""
        credentials = self._adapter.config.credentials
        given = {**(credentials.config_options or {}), **(credentials.settings or {})}
        if not {"memory_limit", "max_memory"} & {name.lower() for name in given}:
            self.execute(f"set memory_limit = '{_DUCKDB_MEMORY}'")

    def append(self, table: str, columns: Sequence[tuple[str, str]], rows: pa.Table) -> None:
        """Inserts what an Arrow table has."""
        names = ", ".join(self.identifier(name) for name, _ in columns)
        casts = ", ".join(
            f"cast(c{position} as {data_type})" for position, (_, data_type) in enumerate(columns)
        )
        # DuckDB finds the rows by the name of this variable, if it is called from here and not through dbt's wrapper.
        # Rows that are registered instead would be held until the transaction ends.
        cursor = self._cursor()
        native = getattr(cursor, "_cursor", cursor)
        forensics_rows = rows.rename_columns([f"c{position}" for position in range(len(columns))])  # noqa: F841
        with self._refusals():
            native.execute(f"insert into {table} ({names}) select {casts} from forensics_rows")

    def lock(self, name: str) -> None:
        """Nothing to do: one process at a time has the file, and it loads one file after the other."""

    def _errors(self) -> tuple[type[Exception], ...]:
        import duckdb
        from dbt_common.exceptions import DbtBaseException

        return (duckdb.Error, DbtBaseException)


class PostgresWriting(WritingWarehouse):
    """PostgreSQL reads rows with COPY."""

    def append(self, table: str, columns: Sequence[tuple[str, str]], rows: pa.Table) -> None:
        """Copies the rows as CSV."""
        from pyarrow import csv

        # Every value is quoted and NULL is not: that is how COPY tells '' from NULL.
        text = io.BytesIO()
        csv.write_csv(rows, text, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
        text.seek(0)
        names = ", ".join(self.identifier(name) for name, _ in columns)
        with self._refusals():
            self._cursor().copy_expert(
                f"copy {table} ({names}) from stdin with (format csv, encoding 'UTF8')", text
            )

    def lock(self, name: str) -> None:
        """Takes an advisory lock of the transaction."""
        self.execute(f"select pg_advisory_xact_lock(hashtextextended({sql.literal(name)}, 0))")

    def _errors(self) -> tuple[type[Exception], ...]:
        import psycopg2

        return (psycopg2.Error,)


_ENGINES: Mapping[str, type[WritingWarehouse]] = {"duckdb": DuckDBWriting, "postgres": PostgresWriting}


@contextmanager
def open_writing(options: DbtOptions, *, read_only: bool = False) -> Iterator[WritingWarehouse]:
    """Opens a session on the project's target that may write; else as :func:`dbt_forensics.warehouse.open_warehouse`.

    Args:
        options: What the user gave for dbt.
        read_only: For a dry run: the session cannot write after all.

    Raises:
        ForensicsError: As for reading; or there is no bulk path for this engine.
    """
    with session(options, read_only=read_only) as (adapter, manifest):
        engine = _ENGINES.get(adapter.type())
        if engine is None:
            raise ForensicsError(
                f"dbt-forensics writes to {' and '.join(_ENGINES)}, and the target is {adapter.type()}: "
                "load there with the warehouse's own tool, and act in a target of these."
            )
        yield engine(adapter, manifest)


def _type_words(row: Row) -> str:
    """PostgreSQL gives lengths beside the type, DuckDB inside it."""
    words = str(row["data_type"]).lower()
    if row["character_maximum_length"] is not None and "(" not in words:
        return f"{words}({row['character_maximum_length']})"
    if words.startswith("time") and row["datetime_precision"] not in (None, 6):
        return re.sub("^time(stamp)?", rf"\g<0>({row['datetime_precision']})", words)
    if words == "numeric" and row["numeric_precision"] is not None:
        return f"numeric({row['numeric_precision']},{row['numeric_scale']})"
    return words
