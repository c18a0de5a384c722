"""What was loaded before: the log of files and the rejected records, two tables beside the raw table.

They are in the raw table's schema, not in dbt's: targets share a raw table, and a file landed once for all of them; and
whoever restores the schema restores what is known of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from dbt_forensics.load.files import Fingerprint, SourceFile
from dbt_forensics.load.model import Rejected
from dbt_forensics.load.target import Target
from dbt_forensics.sql import in_list, literal
from dbt_forensics.writing import WritingWarehouse

LOG, LETTERS = "forensics_load_log", "forensics_dead_letters"
_LOG_COLUMNS = (
    ("load_id", "varchar"),
    ("relation", "varchar"),
    ("stream", "varchar"),
    ("file_name", "varchar"),
    ("file_format", "varchar"),
    ("file_bytes", "bigint"),
    ("content_bytes", "bigint"),
    ("content_digest", "varchar"),
    ("last_line", "bigint"),
    ("extends_load_id", "varchar"),
    ("read_count", "bigint"),
    ("accepted_count", "bigint"),
    ("duplicate_count", "bigint"),
    ("rejected_count", "bigint"),
    ("rejected_by_reason", "varchar"),
    ("loader_version", "varchar"),
    ("loaded_at", "timestamp"),
    ("restored_at", "timestamp"),
    ("overrides", "varchar"),
)
_LETTER_COLUMNS = (
    ("load_id", "varchar"),
    ("relation", "varchar"),
    ("line_number", "bigint"),
    ("reason", "varchar"),
    ("column_name", "varchar"),
    ("expected", "varchar"),
    ("content", "varchar"),
    ("is_base64", "boolean"),
    ("repaired_by_load_id", "varchar"),
)


@dataclass(frozen=True)
class Earlier:
    """A content that was loaded before, and what led to it.

    Attributes:
        load_id: The load that ended with it.
        content_bytes: How long it was.
        read_count: Its records.
        last_line: Where the last of them begins.
        loads: All loads of which it is the result, the first one first.
        open_lines: Rejected records that were not repaired yet: line to the load that rejected it.
        repaired_lines: Rejected records that were: line to the load that landed it.
    """

    load_id: str
    content_bytes: int
    read_count: int
    last_line: int
    loads: tuple[Load, ...]
    open_lines: Mapping[int, str]
    repaired_lines: Mapping[int, str]

    def landed_by(self, line: int) -> Load | None:
        """Returns the load that landed a line; None if the line is not known."""
        repaired_by = self.repaired_lines.get(line)
        for load in self.loads:
            if load.load_id == repaired_by or (repaired_by is None and line <= load.last_line):
                return load
        return None


@dataclass(frozen=True)
class Load:
    """An entry of the log.

    Attributes:
        load_id: The load.
        loaded_at: When, UTC.
        last_line: Where its last record begins.
        accepted: How many rows it landed.
    """

    load_id: str
    loaded_at: datetime
    last_line: int
    accepted: int


class LoadLog:
    """The two tables of one schema.

    Args:
        warehouse: Where they are.
        target: The raw table that they stand beside.
    """

    def __init__(self, warehouse: WritingWarehouse, target: Target) -> None:
        self._warehouse = warehouse
        self._target = target
        database, schema, _ = target.place
        self._places = {name: (database, schema, name) for name in (LOG, LETTERS)}
        self.log, self.letters = (warehouse.table(place) for place in self._places.values())

    def exists(self) -> bool:
        """Returns whether something was ever loaded in this schema."""
        return bool(self._warehouse.columns(self._places[LETTERS]))

    def create(self) -> None:
        """Makes the tables that are missing."""
        for table, columns in ((self.log, _LOG_COLUMNS), (self.letters, _LETTER_COLUMNS)):
            listed = ", ".join(f"{name} {data_type}" for name, data_type in columns)
            self._warehouse.execute(f"create table if not exists {table} ({listed})")

    def sizes(self, file_name: str) -> list[int]:
        """Returns how long the contents were that landed under this name."""
        rows = self._warehouse.query(
            f"select distinct content_bytes from {self.log} where {self._here()} and file_name = {literal(file_name)}"
        )
        return [int(row["content_bytes"]) for row in rows]

    def earlier(self, file_name: str, found: Fingerprint) -> Earlier | None:
        """Returns the longest content that landed before and that a content is, or begins with.

        What it is counts under any name; what it begins with, only under its own.
        """
        names = in_list([found.digest])
        beginnings = in_list(list(found.at.values()))
        rows = self._warehouse.query(
            f"select load_id, content_bytes, content_digest, extends_load_id, read_count, last_line from {self.log}"
            f" where {self._here()} and (content_digest in {names} or (file_name = {literal(file_name)}"
            f" and content_digest in {beginnings}))"
            " order by content_bytes desc, loaded_at desc, load_id desc"
        )
        rows = [row for row in rows if row["content_bytes"] > 0 or found.size == 0]
        if not rows:
            return None
        last = rows[0]
        loads = self._chain(last["load_id"])
        letters = self._warehouse.query(
            f"select load_id, line_number, repaired_by_load_id from {self.letters}"
            f" where load_id in {in_list(load.load_id for load in loads)}"
        )
        return Earlier(
            last["load_id"],
            int(last["content_bytes"]),
            int(last["read_count"]),
            int(last["last_line"]),
            tuple(loads),
            {
                int(row["line_number"]): row["load_id"]
                for row in letters
                if row["repaired_by_load_id"] is None
            },
            {
                int(row["line_number"]): row["repaired_by_load_id"]
                for row in letters
                if row["repaired_by_load_id"]
            },
        )

    def _chain(self, load_id: str) -> list[Load]:
        chain: list[Load] = []
        before: str | None = load_id
        while before is not None:
            (row,) = self._warehouse.query(
                f"select loaded_at, last_line, accepted_count, extends_load_id from {self.log}"
                f" where load_id = {literal(before)}"
            )
            chain.insert(0, Load(before, row["loaded_at"], int(row["last_line"]), int(row["accepted_count"])))
            before = row["extends_load_id"]
        return chain

    def restore(self, loads: Iterable[Load], at: datetime, overrides: str | None) -> None:
        """Writes down that the rows of some loads, gone from the table, landed again, and which guards were passed."""
        self._warehouse.execute(
            f"update {self.log} set restored_at = {literal(at)}, overrides = coalesce({literal(overrides)}, overrides)"
            f" where load_id in {in_list(load.load_id for load in loads)}"
        )

    def _here(self) -> str:
        return f"relation = {literal(self._target.name)}"

    def reject(self, load_id: str, rejected: Sequence[Rejected]) -> None:
        """Writes rejected records."""
        if not rejected:
            return
        contents = [_content(one.content) for one in rejected]
        self._append(
            self.letters,
            _LETTER_COLUMNS,
            {
                "load_id": [load_id] * len(rejected),
                "relation": [self._target.name] * len(rejected),
                "line_number": [str(one.line) for one in rejected],
                "reason": [one.reason for one in rejected],
                "column_name": [one.column for one in rejected],
                "expected": [one.expected for one in rejected],
                "content": [text for text, _ in contents],
                "is_base64": [str(encoded).lower() for _, encoded in contents],
            },
        )

    def repair(self, load_id: str, lines: Iterable[tuple[str, int]]) -> None:
        """Marks rejected records, by load and line, as landed by a later load."""
        by_load: dict[str, list[int]] = {}
        for rejected_by, line in lines:
            by_load.setdefault(rejected_by, []).append(line)
        for rejected_by, numbers in by_load.items():
            self._warehouse.execute(
                f"update {self.letters} set repaired_by_load_id = {literal(load_id)}"
                f" where load_id = {literal(rejected_by)} and line_number in {in_list(numbers)}"
            )

    def record(self, load_id: str, file: SourceFile, size: int, content: Fingerprint, **rest: Any) -> None:
        """Writes the entry of a file; `rest` are the other columns of the log."""
        entry: dict[str, Any] = {
            "load_id": load_id,
            "relation": self._target.name,
            "stream": self._target.stream.name if self._target.stream else None,
            "file_name": file.name,
            "file_format": file.format + (f".{file.compression}" if file.compression else ""),
            "file_bytes": size,
            "content_bytes": content.size,
            "content_digest": content.digest,
            **rest,
        }
        entry["rejected_by_reason"] = json.dumps(entry["rejected_by_reason"], sort_keys=True)
        self._append(
            self.log,
            _LOG_COLUMNS,
            {name: [None if value is None else str(value)] for name, value in entry.items()},
        )

    def _append(
        self, table: str, columns: Sequence[tuple[str, str]], values: Mapping[str, Sequence[str | None]]
    ) -> None:
        rows = pa.table({name: pa.array(of_column, pa.string()) for name, of_column in values.items()})
        self._warehouse.append(
            table,
            [(name, kind) for name, kind in columns if name in values],
            rows.select([name for name, _ in columns if name in values]),
        )


def _content(content: bytes) -> tuple[str, bool]:
    """Returns a record as text, and whether it is in base64 because it is no text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), True
    return (base64.b64encode(content).decode(), True) if "\0" in text else (text, False)
