"""The table that is loaded into: which one, which of its columns the loader fills, what it is made of if it is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from dbt_forensics.errors import ForensicsError
from dbt_forensics.load.shape import Shape
from dbt_forensics.load.types import SUPPORTED, ColumnType, column_type
from dbt_forensics.streams import Stream, no_such_stream
from dbt_forensics.writing import TableColumn, WritingWarehouse

#: What the loader fills where no stream says which columns these are.
LOADED_AT, LOAD_ID = "_loaded_at", "_load_id"
#: What no row of a stream can do without.
_NEEDED = ("event_id", "event_time")

Place = tuple[str, str, str]


@dataclass(frozen=True)
class Target:
    """A raw table.

    Attributes:
        place: Database, schema and name.
        name: ``<schema>.<table>``, as people and the log name it.
        stream: The stream that reads it, if one is declared.
        columns: Its columns; empty if it does not exist yet.
        filled: Role (ingested_at, batch_id) to the column that the loader fills.
        notes: What a person should know about the roles that are not filled.
    """

    place: Place
    name: str
    stream: Stream | None
    columns: tuple[TableColumn, ...]
    filled: Mapping[str, str]
    notes: tuple[str, ...]

    def shape(self, is_forced: bool) -> Shape:
        """Returns what files must look like.

        Raises:
            ForensicsError: A column that has to be written has a type that is not supported.
        """
        types: dict[str, ColumnType] = {}
        for column in self.columns:
            known = column_type(column.data_type)
            if known is None and column.is_required:
                raise ForensicsError(
                    f"{self.name}: column {column.name} must have a value and has the type {column.data_type}; "
                    f"dbt-forensics load writes {SUPPORTED}: change the column."
                )
            if known is not None:
                types[column.name] = known
        wanted = (
            {role: self.stream.roles[role] for role in _NEEDED if role in self.stream.roles}
            if self.stream
            else {}
        )
        return Shape(
            types,
            frozenset(column.name for column in self.columns if column.is_required),
            {
                role: name
                for role, given in wanted.items()
                if (name := plain_column(given, self.columns)) is not None
            },
            frozenset(self.filled.values()),
            is_forced,
            others={one.name: one.data_type for one in self.columns if one.name not in types},
            not_null=frozenset(column.name for column in self.columns if not column.is_nullable),
        )


def find_target(warehouse: WritingWarehouse, stream_name: str | None, relation: str | None) -> Target:
    """Returns the table that a user means.

    Args:
        warehouse: The project's target.
        stream_name: A declared stream, or None.
        relation: ``<schema>.<table>`` or ``source.<source>.<table>``, or None.

    Raises:
        ForensicsError: There is no such stream, or it does not read a source, or both or neither are given.
    """
    if (stream_name is None) == (relation is None):
        raise ForensicsError("Say where to load: --stream NAME, or --relation SCHEMA.TABLE.")
    streams = warehouse.streams()
    if stream_name is not None:
        if stream_name not in streams:
            raise no_such_stream(stream_name, streams)
        path = streams[stream_name].relation
        if not path.startswith("source."):
            raise ForensicsError(
                f"Stream '{stream_name}' reads {path}, which dbt builds: load into the source that it is built from, "
                "with --relation SCHEMA.TABLE."
            )
    else:
        path = relation or ""
    place = warehouse.place(path)
    stream = streams[stream_name] if stream_name else _reading(warehouse, streams, place)
    columns = tuple(warehouse.columns(place))
    filled, notes = _filled(stream, columns)
    return Target(place, f"{place[1]}.{place[2]}", stream, columns, filled, notes)


def _reading(warehouse: WritingWarehouse, streams: Mapping[str, Stream], place: Place) -> Stream | None:
    """Finds the first stream that reads a table."""
    for stream in streams.values():
        if stream.relation.startswith("source.") and warehouse.place(stream.relation) == place:
            return stream
    return None


def _filled(stream: Stream | None, columns: Sequence[TableColumn]) -> tuple[dict[str, str], tuple[str, ...]]:
    filled, notes = {}, []
    for role, usual in (("ingested_at", LOADED_AT), ("batch_id", LOAD_ID)):
        given = stream.roles.get(role) if stream else usual
        column = plain_column(given, columns) if given else None
        if given is None:
            notes.append(f"the stream names no {role}: a batch is what arrives in an hour, whatever the file")
        elif column is not None:
            filled[role] = column
        elif stream is None:
            notes.append(f"{role} is not filled: the table has no column {usual}")
        else:
            notes.append(f"{role} is not filled: {given} is no column of the table")
    for role, column in filled.items():
        words = next((one.data_type for one in columns if one.name == column), None)
        kind = column_type(words) if words else None
        if kind is not None and kind.kind not in (
            ("text",) if role == "batch_id" else ("timestamp", "timestamptz", "text")
        ):
            raise ForensicsError(
                f"The column {column} ({role}) has the type {words}, and dbt-forensics load fills it with "
                f"{'text' if role == 'batch_id' else 'a time'}: change the column, or put the value into the file."
            )
    return filled, tuple(notes)


def plain_column(expression: str, columns: Sequence[TableColumn]) -> str | None:
    """Returns the column that an SQL expression is, if it is one; of a table that does not exist, any single word."""
    word = expression.strip()
    if not columns:
        return word if word.replace("_", "a").isalnum() else None
    for name in (word, word.casefold()):
        for column in columns:
            if name in (column.name, column.name.casefold()):
                return column.name
    return None


def new_columns(names: Sequence[str], schema: pa.Schema | None, target: Target) -> list[TableColumn]:
    """Returns the columns that a new table gets: the file's, then what the loader fills.

    Columns of CSV and JSON, and keys of folders, are text, which takes whatever later files bring; Parquet's have the
    file's types.

    Args:
        names: The file's columns.
        schema: Their types, of a Parquet file.
        target: Where they go.
    """
    types = {"ingested_at": "timestamp", "batch_id": "varchar"}
    columns = [
        TableColumn(
            name,
            _sql_type(schema.field(name).type) if schema is not None and name in schema.names else "varchar",
            False,
        )
        for name in names
        if name not in target.filled.values()
    ]
    return columns + [
        TableColumn(target.filled[role], types[role], False) for role in types if role in target.filled
    ]


def _sql_type(kind: pa.DataType) -> str:
    if isinstance(kind, pa.BaseExtensionType):
        return "uuid" if kind.extension_name == "arrow.uuid" else _sql_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _sql_type(kind.value_type)
    if pa.types.is_decimal(kind) and kind.precision <= 38 and 0 <= kind.scale <= kind.precision:
        return f"numeric({kind.precision},{kind.scale})"
    if pa.types.is_uint64(kind):
        return "numeric(20,0)"
    if pa.types.is_timestamp(kind) and kind.unit != "ns":
        return "timestamp with time zone" if kind.tz else "timestamp"
    for is_kind, words in (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "bigint"),
        (pa.types.is_floating, "double precision"),
        (pa.types.is_date, "date"),
    ):
        if is_kind(kind):
            return words
    return "varchar"
