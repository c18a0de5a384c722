"""What the parts of the loader hand to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

#: What a line of JSON says: any keys, any values.
JsonObject = dict[str, Any]
#: A record may have this many bytes; it bounds what is held in memory.
LONGEST_RECORD = 64 * 1024 * 1024

#: Why a record is rejected. What names a column is written `<reason>:<column>` in counts.
REASONS = {
    "invalid_utf8": "it has bytes that are not UTF-8",
    "nul_byte": "it has a NUL byte",
    "invalid_json": "it is not one JSON value",
    "not_an_object": "it is JSON, and no object",
    "duplicate_key": "an object in it has a key twice",
    "nested_too_deep": "its JSON is nested too deep to be read",
    "unknown_column": "it has a column that the table does not have, or that nothing is loaded into",
    "wrong_field_count": "it has more or fewer fields than the header",
    "malformed_quotes": "a quote stands where none may, or a carriage return alone",
    "wrong_type": "the value does not fit the column's type without being changed",
    "too_long": "the text is longer than the column allows",
    "null_not_allowed": "the column must have a value, and there is none",
}


class RefusedError(Exception):
    """A file is not loaded, as a whole; the message is a sentence that says where and what to do."""


@dataclass(frozen=True)
class Rejected:
    """A record that is not loaded.

    Attributes:
        line: The line that it begins at (of Parquet: the row), from 1.
        reason: One of `REASONS`.
        content: The record as it is in the file.
        column: The column that is to blame, if one is.
        expected: What the column takes.
    """

    line: int
    reason: str
    content: bytes
    column: str | None = None
    expected: str | None = None

    @property
    def counted_as(self) -> str:
        """The reason, with the column if there is one."""
        return f"{self.reason}:{self.column}" if self.column else self.reason


@dataclass(frozen=True)
class Parsed:
    """A stretch of a file, read.

    Attributes:
        lines: The line that each row begins at.
        columns: Table column to the text of its values, as long as `lines`.
        content: Gives the bytes of a row, by its position.
        rejected: Records that are no rows, by line.
    """

    lines: list[int]
    columns: Mapping[str, pa.StringArray]
    content: Callable[[int], bytes]
    rejected: list[Rejected] = field(default_factory=list)
