"""What was loaded before: the log of files and the rejected records, two tables beside the raw table.

They are in the raw table's schema, not in dbt's: targets share a raw table, and a file landed once for all of them; and
whoever restores the schema restores what is known of it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import pyarrow as pa

from dbt_forensics import __version__
from dbt_forensics.load.files import Fingerprint, SourceFile
from dbt_forensics.load.model import RefusedError, Rejected
from dbt_forensics.load.target import Target
from dbt_forensics.sql import in_list, literal
from dbt_forensics.warehouse import Row
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
    ("status", "varchar"),
    ("refused_because", "varchar"),
    ("missing_columns", "varchar"),
    ("file_path", "varchar"),
    ("folder_keys", "varchar"),
    ("load_number", "bigint"),
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
        file_name: The name that it landed under.
        content_digest: What identifies it.
        content_bytes: How long it was.
        read_count: Its records.
        last_line: Where the last of them begins.
        loads: All loads of which it is the result, the first one first.
        open_lines: Rejected records that were not repaired yet: line to the load that rejected it.
        repaired_lines: Rejected records that were: line to the load that landed it.
    """

    load_id: str
    file_name: str
    content_digest: str
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

    @cached_property
    def _lacking(self) -> list[tuple[str, str]]:
        there = {column.name for column in self._warehouse.columns(self._places[LOG])}
        return [(name, data_type) for name, data_type in _LOG_COLUMNS if name not in there]

    @property
    def _entries(self) -> str:
        """The log as SQL, with columns that a log of an earlier release does not have."""
        added = "".join(f", cast(null as {data_type}) as {name}" for name, data_type in self._lacking)
        return f"(select log_entries.*{added} from {self.log} as log_entries) as log_entries"

    def exists(self) -> bool:
        """Returns whether something was ever loaded in this schema."""
        return len(self._lacking) < len(_LOG_COLUMNS)

    def is_complete(self) -> bool:
        """Returns whether the tables are there with all their columns."""
        return not self._lacking

    def create(self) -> None:
        """Makes the tables and columns that are missing."""
        for table, columns in ((self.log, _LOG_COLUMNS), (self.letters, _LETTER_COLUMNS)):
            listed = ", ".join(f"{name} {data_type}" for name, data_type in columns)
            self._warehouse.execute(f"create table if not exists {table} ({listed})")
        del self._lacking
        for name, data_type in self._lacking:
            self._warehouse.execute(f"alter table {self.log} add column {name} {data_type}")
        self._lacking = []

    def sizes(self, file_name: str) -> list[int]:
        """Returns how long the contents were that landed under this name."""
        rows = self._warehouse.query(
            f"select distinct content_bytes from {self._entries}"
            f" where {self._landed()} and file_name = {literal(file_name)}"
        )
        return [int(row["content_bytes"]) for row in rows]

    def next(self, wanted: datetime) -> tuple[int, datetime]:
        """Returns the number and the time of the next load: the wanted time, or the next that no load here has."""
        soon = f"loaded_at >= {literal(wanted)} and loaded_at < {literal(wanted + timedelta(seconds=1))}"
        (row,) = self._warehouse.query(
            f"select coalesce(max(load_number), 0) + 1 as number, max(case when {soon} then loaded_at end) as latest"
            f" from {self._entries} where {self._here()}"
        )
        at = wanted if row["latest"] is None else row["latest"] + timedelta(microseconds=1)
        return int(row["number"]), at

    def earlier(self, file: SourceFile, found: Fingerprint, landed_before: str | None) -> Earlier | None:
        """Returns what a file is compared with: a content that landed before, and that it is or begins with.

        That is the last content that landed under its path. Where nothing has, it is any content under any name that
        it is, or one under its name that it begins with.

        Args:
            file: The file.
            found: Its content.
            landed_before: What to make of a content that landed before under another path: ``copy`` or ``return``.

        Raises:
            RefusedError: Its content landed under its name in another folder, and another one has landed there since.
        """
        last = self._one(f"file_path = {literal(file.place)}", _LATEST)
        if last is not None:
            return self._as_earlier(last) if _is_beginning(last, found) else None
        best = self.latest(file, found)
        if best is None:
            return None
        last = self._one(f"file_name = {literal(file.name)}", _LATEST)
        if last and last["content_digest"] == best.content_digest:
            return best
        if landed_before == "return":
            return None
        if last and landed_before is None and best.read_count > 0:
            raise RefusedError(
                f"Its content landed before, as {best.file_name} in load {best.load_id}, and other content has come "
                f"under the name {file.name} since (load {last['load_id']}): from another path nobody can tell a copy "
                "from a return to it. Say --landed-before copy to leave it, or --landed-before return to land it."
            )
        return best

    def latest(self, file: SourceFile, found: Fingerprint) -> Earlier | None:
        """Returns the longest content that landed and that a file is, under any name, or begins with, under its own."""
        is_beginning = f"content_digest in {in_list(found.at.values())}"
        row = self._one(
            f"coalesce(folder_keys, '') = {literal(file.folder_keys)} and (content_digest = {literal(found.digest)}"
            f" or (file_name = {literal(file.name)} and {is_beginning} and content_bytes > 0))",
            f"content_bytes desc, case when file_name = {literal(file.name)} then 0 else 1 end, {_LATEST}",
        )
        return None if row is None else self._as_earlier(row)

    def _one(self, where: str, order: str) -> Row | None:
        rows = self._warehouse.query(
            "select load_id, file_name, content_bytes, content_digest, read_count, last_line"
            f" from {self._entries} where {self._landed()} and {where} order by {order} limit 1"
        )
        return rows[0] if rows else None

    def _as_earlier(self, last: Row) -> Earlier:
        loads = self._chain(last["load_id"])
        letters = self._warehouse.query(
            f"select load_id, line_number, repaired_by_load_id from {self.letters}"
            f" where load_id in {in_list(load.load_id for load in loads)}"
        )
        return Earlier(
            last["load_id"],
            last["file_name"],
            last["content_digest"],
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

    def _landed(self) -> str:
        return f"{self._here()} and coalesce(status, '') <> 'refused'"

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

    def reject_again(self, load_id: str, rejected: Rejected) -> None:
        """Writes a rejected record as it is now: it was the last one of its file, which has grown."""
        text, encoded = _content(rejected.content)
        self._warehouse.execute(
            f"update {self.letters} set reason = {literal(rejected.reason)}, column_name = {literal(rejected.column)},"
            f" expected = {literal(rejected.expected)}, content = {literal(text)}, is_base64 = {str(encoded).lower()}"
            f" where load_id = {literal(load_id)} and line_number = {rejected.line}"
            f" and (content <> {literal(text)} or reason <> {literal(rejected.reason)})"
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

    def record(
        self, load_id: str, file: SourceFile, size: int | None, content: Fingerprint | None, **rest: object
    ) -> None:
        """Writes the entry of a file; `rest` are the other columns of the log."""
        entry: dict[str, object] = {
            "load_id": load_id,
            "relation": self._target.name,
            "stream": self._target.stream.name if self._target.stream else None,
            "file_name": file.name,
            "file_format": (file.format + (f".{file.compression}" if file.compression else "")) or None,
            "file_bytes": size,
            "content_bytes": content.size if content else None,
            "content_digest": content.digest if content else None,
            "file_path": file.place,
            "folder_keys": file.folder_keys or None,
            "loader_version": __version__,
            **rest,
        }
        self._append(
            self.log,
            _LOG_COLUMNS,
            {name: [None if value is None else str(value)] for name, value in entry.items()},
        )

    def refuse(
        self, file: SourceFile, size: int | None, content: Fingerprint | None, wanted: datetime, why: str
    ) -> str | None:
        """Writes that a file came and was refused; once, while it comes again as it is. Returns the id of the entry."""
        digest = literal(content.digest if content else "")
        before = self._warehouse.query(
            f"select coalesce(content_digest, '') = {digest} and refused_because = {literal(why)} as is_same"
            f" from {self._entries} where {self._here()} and file_path = {literal(file.place)}"
            f" order by {_LATEST} limit 1"
        )
        if before and before[0]["is_same"]:
            return None
        number, at = self.next(wanted)
        load_id = f"{at:%Y%m%dT%H%M%S.%f}-{content.digest[:8] if content else 'refused'}"
        counts = dict.fromkeys(("read_count", "accepted_count", "duplicate_count", "rejected_count"), 0)
        self.record(
            load_id,
            file,
            size,
            content,
            **counts,
            load_number=number,
            loaded_at=at,
            status="refused",
            refused_because=why,
        )
        return load_id

    def _append(
        self, table: str, columns: Sequence[tuple[str, str]], values: Mapping[str, Sequence[str | None]]
    ) -> None:
        rows = pa.table({name: pa.array(of_column, pa.string()) for name, of_column in values.items()})
        self._warehouse.append(
            table,
            [(name, kind) for name, kind in columns if name in values],
            rows.select([name for name, _ in columns if name in values]),
        )


#: Loads have the order in which they were written down; those of an earlier release have no number.
_LATEST = "coalesce(load_number, 0) desc, loaded_at desc, load_id desc"


def _is_beginning(last: Row, found: Fingerprint) -> bool:
    return last["content_digest"] in (found.digest, *found.at.values()) and (
        last["content_bytes"] > 0 or found.size == 0
    )


def _content(content: bytes) -> tuple[str, bool]:
    """Returns a record as text, and whether it is in base64 because it is no text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), True
    return (base64.b64encode(content).decode(), True) if "\0" in text else (text, False)
