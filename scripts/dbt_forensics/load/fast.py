"""The same rows as line by line, many at a time, for stretches that are as usual.

Each function returns None as soon as anything is unusual; what then holds is decided line by line, where every rule is
written down once. A property test compares the two.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, json

from dbt_forensics.load.csvs import Dialect
from dbt_forensics.load.jsonl import Line
from dbt_forensics.load.model import Parsed
from dbt_forensics.load.shape import Shape
from dbt_forensics.load.types import ColumnType

#: What JSON has no word for and Arrow would read, and NUL characters.
_UNUSUAL_JSON = (b"NaN", b"Inf", b"\\u0000")
#: A number that may be too small for a float.
_TINY = "[0-9.][eE]-[0-9]{2}|0{40}"


def parse_jsonl(data: bytes, lines: Sequence[Line], shape: Shape) -> Parsed | None:
    """Returns the rows of lines of JSON objects, or None.

    Args:
        data: The lines.
        lines: The same, numbered.
        shape: What is expected.
    """
    if any(word in data for word in _UNUSUAL_JSON) or not _is_plain(data):
        return None
    # Each line is exactly one object: it begins and ends as one, and there are as many objects as lines.
    ends = data.count(b"}\n") + data.count(b"}\r\n")
    if not data.startswith(b"{") or not len(lines) == data.count(b"\n{") + 1 == ends == data.count(b"\n"):
        return None
    types = [(name, _arrow_type(to)) for name, to in shape.types.items()]
    schema = pa.schema([(name, arrow) for name, arrow in types if arrow is not None])
    try:
        rows = json.read_json(
            io.BytesIO(data),
            read_options=json.ReadOptions(block_size=len(data) + 1, use_threads=False),
            parse_options=json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
        ).combine_chunks()
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    if rows.num_rows != len(lines):
        return None
    columns = {}
    for name in rows.column_names:
        values = rows.column(name)
        if values.null_count == rows.num_rows:
            if name in shape.not_null and name.encode() in data:
                return None  # NULL is something else than a default
            continue
        if pa.types.is_floating(values.type) and _is_beyond_float(values, data, shape.types[name]):
            return None
        columns[name] = _one(values.cast(pa.string()))
    return Parsed([number for number, _ in lines], columns, lambda row: lines[row][1])


def parse_csv(data: bytes, first_line: int, dialect: Dialect) -> tuple[Parsed, int] | None:
    """Returns the rows of lines of CSV and how many bytes they took, or None."""
    if (
        not data.endswith(b"\n")
        or not _is_plain(data)
        or (b'"' in data and not _is_well_quoted(data, dialect))
    ):
        return None
    names = [f"c{position}" for position in range(len(dialect.header))]
    try:
        rows = csv.read_csv(
            io.BytesIO(data),
            csv.ReadOptions(column_names=names, block_size=len(data) + 1, use_threads=False),
            csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        ).combine_chunks()
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    count = data.count(b"\n")
    if rows.num_rows != count:
        return None
    columns = {
        name: _one(rows.column(position)) for position, name in enumerate(dialect.columns) if name is not None
    }
    lines: list[bytes] = []

    def content(row: int) -> bytes:
        if not lines:
            lines.extend(data.split(b"\n"))
        return lines[row].removesuffix(b"\r")

    return Parsed(list(range(first_line, first_line + count)), columns, content), len(data)


def _is_plain(data: bytes) -> bool:
    """Valid UTF-8 without NUL, and carriage returns only before line feeds; no empty lines."""
    if b"\0" in data or data.startswith((b"\n", b"\r")) or b"\n\n" in data or b"\n\r" in data:
        return False
    if data.count(b"\r") != data.count(b"\r\n"):
        return False
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_well_quoted(data: bytes, dialect: Dialect) -> bool:
    """Every quote encloses a field, or is doubled inside one, on one line."""
    delimiter = {"|": r"\|", "\t": r"\t"}.get(dialect.delimiter, dialect.delimiter)
    one = rf'(?:"(?:[^"\n]|"")*"|[^"\r\n{delimiter}]*)'
    return _finds(data, rf"\A(?:{one}(?:{delimiter}{one})*\r?\n)*\z")


def _is_beyond_float(values: pa.ChunkedArray, data: bytes, to: ColumnType) -> bool:
    """Whether a number may be one that the type does not hold: infinite, rounded to zero, or a large whole one."""
    has_zero = pc.any(pc.equal(values, 0.0)).as_py()
    has_large = pc.any(pc.greater_equal(pc.abs(values), 2.0 ** (24 if to.kind == "real" else 53))).as_py()
    return bool(has_large or (has_zero and _finds(data, _TINY)))


def _finds(data: bytes, pattern: str) -> bool:
    """Arrow's regular expressions take time by length only, which Python's do not."""
    return bool(pc.match_substring_regex(pa.array([data], pa.binary()), pattern)[0].as_py())


def _arrow_type(to: ColumnType) -> pa.DataType | None:
    if to.kind == "whole":
        return pa.int64()
    if to.kind == "number":
        # A number of any length is kept as it was written, which only the reading line by line does.
        return None if to.precision is None or to.precision > 38 else pa.decimal128(to.precision, to.scale)
    return {"json": None, "double": pa.float64(), "real": pa.float64(), "boolean": pa.bool_()}.get(
        to.kind, pa.string()
    )


def _one(values: pa.ChunkedArray) -> pa.StringArray:
    return values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
