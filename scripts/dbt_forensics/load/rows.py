"""Which rows of a stretch land: values that fit, lines that did not land before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dbt_forensics.load.fits import fitted, is_same_value
from dbt_forensics.load.model import Parsed, RefusedError, Rejected
from dbt_forensics.load.shape import Shape
from dbt_forensics.text import visible


@dataclass(frozen=True)
class Judged:
    """A stretch of a file after every record was judged.

    Attributes:
        columns: What lands: column to text that its type takes.
        lines: The line of each row that lands.
        rejected: The records that do not, by line.
    """

    columns: Mapping[str, pa.StringArray]
    lines: list[int]
    rejected: list[Rejected]


def judged(parsed: Parsed, shape: Shape) -> Judged:
    """Returns which rows land and which are rejected.

    Args:
        parsed: What was read.
        shape: What the table takes.
    """
    columns = {}
    bad: dict[int, tuple[str, str, str]] = {}
    for name, values in parsed.columns.items():
        to = shape.types[name]
        columns[name], fits = fitted(values, to)
        reason = "too_long" if to.kind == "text" else "wrong_type"
        _note(bad, fits, (reason, name, to.words))
    count = len(parsed.lines)
    for name in shape.types:
        is_named = name in columns and name in shape.not_null
        if (is_named or name in shape.required) and name not in shape.filled:
            has_value = (
                pc.is_valid(columns[name]) if name in columns else pa.array([False] * count, pa.bool_())
            )
            _note(bad, has_value, ("null_not_allowed", name, shape.types[name].words))
    if not bad:
        return Judged(columns, parsed.lines, parsed.rejected)
    kept = [row for row in range(count) if row not in bad]
    rejected = [
        Rejected(parsed.lines[row], reason, parsed.content(row), name, expected)
        for row, (reason, name, expected) in bad.items()
    ]
    return Judged(
        {name: values.take(pa.array(kept, pa.int64())) for name, values in columns.items()},
        [parsed.lines[row] for row in kept],
        sorted([*parsed.rejected, *rejected], key=lambda one: one.line),
    )


def with_given(parsed: Parsed, shape: Shape, *, takes_null: bool) -> Parsed:
    """Returns a stretch with the columns that the names of its folders give.

    Args:
        parsed: What was read.
        shape: What the table takes, and what is given.
        takes_null: Whether NULL in the file means that it does not say.

    Raises:
        RefusedError: The file has such a column, and another value in it.
    """
    columns = dict(parsed.columns)
    for name, value in shape.given.items():
        constant = pa.array([value], pa.string()).take(pa.array([0] * len(parsed.lines), pa.int64()))
        if name in columns:
            said = columns[name]
            for found in pc.unique(said).to_pylist():
                if (found is None and takes_null) or is_same_value(found, value, shape.types[name]):
                    continue
                at = pc.is_null(said) if found is None else pc.equal(said, found)
                line = parsed.lines[pc.index(pc.fill_null(at, False), True).as_py()]
                raise RefusedError(
                    f"Its folder says that {name} is {_shown(value)}, and its row {line:,} says {_shown(found)}: take "
                    "the column out of the file, or put the file into another folder."
                )
        columns[name] = constant
    return Parsed(parsed.lines, columns, parsed.content, parsed.rejected)


def _shown(value: str | None) -> str:
    return "NULL" if value is None else visible(value)[:60]


def _note(bad: dict[int, tuple[str, str, str]], good: pa.BooleanArray, why: tuple[str, str, str]) -> None:
    """The first column that is to blame is named."""
    if pc.all(good).as_py() is not False:
        return
    for row in pc.indices_nonzero(pc.invert(good)).to_pylist():
        bad.setdefault(row, why)


def only(judged_rows: Judged, wanted: Iterable[int]) -> Judged:
    """Returns the part of a stretch that is in some lines."""
    lines = set(wanted)
    kept = [position for position, line in enumerate(judged_rows.lines) if line in lines]
    return Judged(
        {name: values.take(pa.array(kept, pa.int64())) for name, values in judged_rows.columns.items()},
        [judged_rows.lines[position] for position in kept],
        [one for one in judged_rows.rejected if one.line in lines],
    )
