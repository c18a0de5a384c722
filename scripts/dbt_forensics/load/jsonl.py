"""JSON Lines: a line is an object, and each of its keys a column."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from dbt_forensics.load.model import JsonObject, Parsed, Rejected
from dbt_forensics.load.types import ColumnType


class _Number(str):
    """A number as it was written."""


class _DuplicateKeyError(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _decoder(number: Callable[[str], Any]) -> Callable[[str], Any]:
    return json.JSONDecoder(
        object_pairs_hook=_object, parse_float=number, parse_int=number, parse_constant=_no_constant
    ).decode


#: Numbers stay the text that they are: nothing is lost to a float.
_read = _decoder(str)
_read_exactly = _decoder(_Number)

Line = tuple[int, bytes]


def parse_lines(
    lines: Sequence[Line],
    names: Callable[[str], str | None],
    types: Mapping[str, ColumnType],
    *,
    lenient: bool,
) -> Parsed:
    """Returns the rows of some lines, one by one; :func:`parse_fast` is the same for lines that are as usual.

    Args:
        lines: Number and bytes of each line, without its end.
        names: Returns the table's column for a key, or None if it has none.
        types: The type of each of the table's columns.
        lenient: Whether a key without a column is left out; else its line is rejected.
    """
    rows: list[JsonObject] = []
    kept: list[Line] = []
    rejected = []
    known: dict[str, str | None] = {}
    for number, line in lines:
        try:
            row = _row(line, types, names, known, lenient)
        except _WrongLineError as wrong:
            rejected.append(Rejected(number, wrong.reason, line, wrong.column))
            continue
        rows.append(row)
        kept.append((number, line))
    seen = dict.fromkeys(name for row in rows for name in row)
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in seen}
    return Parsed([number for number, _ in kept], columns, lambda row: kept[row][1], rejected)


class _WrongLineError(Exception):
    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.column = reason, column


def _row(
    line: bytes,
    types: Mapping[str, ColumnType],
    names: Callable[[str], str | None],
    known: dict[str, str | None],
    lenient: bool,
) -> dict[str, str | None]:
    row: dict[str, str | None] = {}
    found = _decoded(line)
    for key, value in found.items():
        name = known[key] if key in known else known.setdefault(key, names(key))
        if name is None:
            if not lenient:
                raise _WrongLineError("unknown_column", key)
        elif name in row:
            raise _WrongLineError("duplicate_key")
        elif value is None or (type(value) is str and types[name].kind != "json"):
            row[name] = value
        else:
            # Nested values, truth values and JSON columns are seldom: the line is read again, with what each value was.
            exact = _read_exactly(line.decode())[key]
            if types[name].kind == "json" or isinstance(exact, (dict, list)):
                row[name] = as_json(exact)
            else:
                row[name] = {True: "true", False: "false"}[exact]
    return row


def _decoded(line: bytes) -> JsonObject:
    if b"\0" in line:
        raise _WrongLineError("nul_byte")
    try:
        found = _read(line.decode())
        if b"\\u" in line:
            _check_characters(found)
    except UnicodeError:
        raise _WrongLineError("invalid_utf8") from None
    except _DuplicateKeyError:
        raise _WrongLineError("duplicate_key") from None
    except RecursionError:
        raise _WrongLineError("nested_too_deep") from None
    except ValueError:
        raise _WrongLineError("invalid_json") from None
    if not isinstance(found, dict):
        raise _WrongLineError("not_an_object")
    return found


def _check_characters(value: Any) -> None:
    """Finds what JSON can write and no text can hold: half of a pair of surrogates, and NUL."""
    if isinstance(value, str):
        value.encode()
        if "\0" in value:
            raise _WrongLineError("nul_byte")
    elif isinstance(value, (dict, list)):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            _check_characters(part)


def as_json(value: Any) -> str:
    """Returns a value as JSON without white space, its numbers as they were written."""
    return "".join(_json_parts(value))


def _json_parts(value: Any) -> Iterator[str]:
    if isinstance(value, _Number):
        yield value
    elif isinstance(value, dict):
        for position, (key, part) in enumerate(value.items()):
            yield ("," if position else "{") + json.dumps(key, ensure_ascii=False) + ":"
            yield from _json_parts(part)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield "," if position else "["
            yield from _json_parts(part)
        yield "]" if value else "[]"
    else:
        yield json.dumps(value, ensure_ascii=False)


def keys(lines: Sequence[bytes]) -> list[str]:
    """Returns the keys of some lines, each once, in the order in which they were found."""
    found: dict[str, None] = {}
    for line in lines:
        try:
            found.update(dict.fromkeys(_decoded(line)))
        except _WrongLineError:
            continue
    return list(found)
