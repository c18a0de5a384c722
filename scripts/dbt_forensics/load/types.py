"""Which types of columns can be loaded into, read from the engines' words for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WHOLE = {
    "smallint": (16, True), "int2": (16, True), "integer": (32, True), "int": (32, True), "int4": (32, True),
    "bigint": (64, True), "int8": (64, True), "tinyint": (8, True), "hugeint": (128, True),
    "utinyint": (8, False), "usmallint": (16, False), "uinteger": (32, False), "ubigint": (64, False),
    "uhugeint": (128, False),
}  # fmt: skip
_OTHERS = {
    "text": "text", "varchar": "text", "character varying": "text", "character": "text", "bpchar": "text",
    "numeric": "number", "decimal": "number",
    "double": "double", "double precision": "double", "float8": "double",
    "float": "real", "real": "real", "float4": "real",
    "boolean": "boolean", "bool": "boolean",
    "date": "date", "time": "time", "time without time zone": "time",
    "timestamp": "timestamp", "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz", "timestamptz": "timestamptz",
    "uuid": "uuid", "json": "json", "jsonb": "json",
}  # fmt: skip
#: The types as a sentence names them.
SUPPORTED = "text, whole numbers, numeric, real, double, boolean, date, time, timestamp, uuid and json"


@dataclass(frozen=True)
class ColumnType:
    """What a column takes.

    Attributes:
        words: The type in the engine's words.
        kind: text, whole, number, real, double, boolean, date, time, timestamp, timestamptz, uuid or json.
        least: Of whole numbers.
        most: Of whole numbers.
        length: How many characters a text may have, or digits a second; None for any number, or six.
        precision: Digits of a number; None for any number.
        scale: Those of them after the point.
    """

    words: str
    kind: str
    least: int = 0
    most: int = 0
    length: int | None = None
    precision: int | None = None
    scale: int = 0


def column_type(words: str) -> ColumnType | None:
    """Returns what a type takes, or None if nothing can be loaded into it.

    Args:
        words: The engine's name of the type, such as ``numeric(18,2)``.
    """
    given = re.fullmatch(
        r"([a-z0-9 ]+?)\s*(?:\((\d+)(?:\s*,\s*(\d+))?\))?(?: (with(?:out)? time zone))?", words
    )
    if given is None:
        return None
    name = given[1] + (f" {given[4]}" if given[4] else "")
    if name in _WHOLE:
        bits, is_signed = _WHOLE[name]
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if is_signed else (0, 2**bits)
        return ColumnType(words, "whole", low, high - 1)
    kind = _OTHERS.get(name)
    if kind is None:
        return None
    if kind in ("text", "time", "timestamp", "timestamptz") and given[2]:
        return ColumnType(words, kind, length=int(given[2]))
    if kind == "number" and given[2]:
        return ColumnType(words, kind, precision=int(given[2]), scale=int(given[3] or 0))
    return ColumnType(words, kind)
