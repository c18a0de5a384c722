"""CSV as RFC 4180 has it: a header, one delimiter, quotes around a whole field and doubled inside.

An empty field is NULL and ``""`` is the empty text, as in PostgreSQL's COPY. Empty lines are no records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from dbt_forensics.load.model import Parsed, RefusedError, Rejected

DELIMITERS = ",;\t|"
# Written so that a quote that is never closed takes time by its length only.
_QUOTED = '[^"]*(?:""[^"]*)*'
_CLOSED = re.compile(f'"{_QUOTED}"')


@dataclass(frozen=True)
class Dialect:
    """How a file is to be read.

    Attributes:
        delimiter: One of `DELIMITERS`.
        header: The names in its first line.
        columns: The table's column for each of them; None for one that is left out.
    """

    delimiter: str
    header: tuple[str, ...]
    columns: tuple[str | None, ...]

    @cached_property
    def field(self) -> re.Pattern[str]:
        """Matches a field with what ends it."""
        return _field(self.delimiter)


@dataclass(frozen=True)
class Record:
    """A record: where it begins and ends in the text, the line, its fields; no fields if it is malformed."""

    start: int
    end: int
    line: int
    fields: list[str | None] | None


def _field(delimiter: str) -> re.Pattern[str]:
    escaped = re.escape(delimiter)
    return re.compile(rf'(?:"({_QUOTED})"|([^"\r\n{escaped}]*))({escaped}|\r?\n|\Z)')


def records(text: str, first_line: int, field: re.Pattern[str], is_final: bool) -> tuple[list[Record], int]:
    """Returns the records of a text and where the first one begins that is not whole yet.

    Args:
        text: Begins at a record, and ends with a line unless it is final.
        first_line: Its number.
        field: Of a :class:`Dialect`.
        is_final: Whether nothing follows.

    Raises:
        RefusedError: A quote is opened and never closed.
    """
    found: list[Record] = []
    at, line = 0, first_line
    while at < len(text):
        start, fields = at, []
        while True:
            match = field.match(text, at)
            if match is None:
                break
            quoted, plain, end = match.groups()
            fields.append(quoted.replace('""', '"') if quoted is not None else plain or None)
            at = match.end()
            if end in ("", "\n", "\r\n"):
                break
        if match is not None:
            record = Record(start, at - len(end), line, fields)
        else:
            closed = _CLOSED.match(text, at) if text[at] == '"' else None
            if text[at] == '"' and closed is None:
                if not is_final:
                    return found, start
                opened = line + text.count("\n", start, at)
                raise RefusedError(
                    f"A quote is opened in line {opened} and never closed: the file is half written or damaged; "
                    "get it again, or put the line right."
                )
            newline = text.find("\n", closed.end() if closed else at)
            at = len(text) if newline < 0 else newline + 1
            record = Record(start, at if newline < 0 else newline, line, None)
        if record.fields != [None]:
            found.append(record)
        line += text.count("\n", start, at)
    return found, at


def parse_records(data: bytes, first_line: int, dialect: Dialect, is_final: bool) -> tuple[Parsed, int]:
    """Returns the rows of a stretch of a file, one by one, and how many bytes they took.

    :func:`parse_fast` is the same for a stretch that is as usual.
    """
    text = data.decode(errors="surrogateescape")
    is_text = text.isascii() or _is_text(text)
    found, end = records(text, first_line, dialect.field, is_final)
    rows: list[Record] = []
    rejected = []
    for record in found:
        reason = _problem(record, text, len(dialect.header), is_text)
        if reason:
            rejected.append(Rejected(record.line, reason, _raw(text, record)))
        else:
            rows.append(record)
    columns = {
        name: pa.array([row.fields[position] for row in rows if row.fields is not None], pa.string())
        for position, name in enumerate(dialect.columns)
        if name is not None
    }
    parsed = Parsed([row.line for row in rows], columns, lambda row: _raw(text, rows[row]), rejected)
    return parsed, len(data) if end == len(text) else len(text[:end].encode(errors="surrogateescape"))


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _raw(text: str, record: Record) -> bytes:
    return text[record.start : record.end].removesuffix("\r").encode(errors="surrogateescape")


def _problem(record: Record, text: str, width: int, is_text: bool) -> str | None:
    if "\0" in text[record.start : record.end]:
        return "nul_byte"
    if not is_text and not _is_text(text[record.start : record.end]):
        return "invalid_utf8"
    if record.fields is None:
        return "malformed_quotes"
    return None if len(record.fields) == width else "wrong_field_count"


def read_header(
    data: bytes, columns_of: Callable[[str], str | None], delimiters: str = DELIMITERS
) -> tuple[str, tuple[str, ...], int]:
    """Returns the delimiter, the names in the first line, and how many bytes that line has.

    The delimiter is the one by which the most names are columns of the table; a comma if that does not decide.

    Args:
        data: The beginning of the file, at least its first line.
        columns_of: Returns the table's column for a name, or None.
        delimiters: Which it may be.

    Raises:
        RefusedError: There is no header that could be one.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if error.start < data.find(b"\n") % (len(data) + 1):
            raise RefusedError(
                "Its first line is not UTF-8 text: expected a CSV header; check that it is a CSV file."
            ) from None
        text = data.decode(errors="surrogateescape")
    found = []
    for delimiter in delimiters:
        try:
            first, _ = records(text[: _end_of_header(text)], 1, _field(delimiter), True)
        except RefusedError:
            first = []
        if first and first[0].fields is not None:
            names = tuple(name or "" for name in first[0].fields)
            found.append(
                (
                    sum(columns_of(name) is not None for name in names),
                    -DELIMITERS.index(delimiter),
                    names,
                    first[0],
                )
            )
    if not found:
        raise RefusedError("Its first line is no CSV header: expected the names of columns.")
    _, position, names, record = max(found, key=lambda one: one[:2])
    end = text.find("\n", record.end) + 1 or len(text)
    return DELIMITERS[-position], names, len(text[:end].encode(errors="surrogateescape"))


def _end_of_header(text: str) -> int:
    """A header has no line breaks in its names, so that a stray quote cannot swallow the file."""
    return text.find("\n") + 1 or len(text)


def check_header(names: Sequence[str]) -> None:
    """Finds a header by which no field could be told.

    Raises:
        RefusedError: A name is there twice, or missing.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if "" in names:
        raise RefusedError(f"Its header has no name for field {names.index('') + 1}: give every column one.")
    if twice:
        raise RefusedError(f"Its header has {', '.join(twice)} twice: give every column a name of its own.")
