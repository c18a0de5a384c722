"""Parquet: its rows as text, so that they are judged as those of the other formats are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dbt_forensics.load.model import Parsed, RefusedError, Rejected
from dbt_forensics.load.shape import Shape

_ROWS = 32_768


def parquet_schema(path: Path) -> pa.Schema:
    """Returns the columns of a file.

    Raises:
        RefusedError: It is no whole Parquet file.
    """
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise _torn(error) from error


def read_parquet(path: Path, shape: Shape, progress: Callable[[int], None]) -> Iterator[Parsed]:
    """Reads a file in stretches of rows; the number of a row stands for that of a line.

    Args:
        path: The file.
        shape: What is expected.
        progress: Is called with the number of bytes that each stretch took, about.

    Raises:
        RefusedError: It is torn or damaged, has a column that is no value, or is of another shape.
    """
    first = 1
    try:
        # Pages are read as they are needed: a file may be one large row group.
        with pq.ParquetFile(path, buffer_size=1 << 20, page_checksum_verification=True) as file:
            names = file.schema_arrow.names
            shape.check(names)
            columns = shape.columns(names)
            share = path.stat().st_size / max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(_ROWS, use_threads=False):
                yield _parsed(batch, columns, first)
                first += batch.num_rows
                progress(int(batch.num_rows * share))
    except (pa.ArrowException, OSError) as error:
        raise _torn(error, first) from error


def _torn(error: Exception, row: int | None = None) -> RefusedError:
    where = f" after row {row - 1:,}" if row is not None and row > 1 else ""
    return RefusedError(
        f"It is no whole Parquet file, or it is damaged{where} ({str(error).splitlines()[0]}): get it again."
    )


def _parsed(batch: pa.RecordBatch, columns: list[str | None], first: int) -> Parsed:
    texts = [
        _text(batch.column(position), batch.schema.field(position).name)
        for position in range(batch.num_columns)
    ]

    def content(row: int) -> bytes:
        values = {name: text[row].as_py() for name, text in zip(batch.schema.names, texts, strict=True)}
        return json.dumps(values, ensure_ascii=False).encode()

    bad: dict[int, Rejected] = {}
    for text, column in zip(texts, columns, strict=True):
        with_nul = pc.fill_null(pc.match_substring(text, "\0"), False)
        for row in pc.indices_nonzero(with_nul).to_pylist() if pc.any(with_nul).as_py() else ():
            bad.setdefault(row, Rejected(first + row, "nul_byte", content(row), column))
    kept = [row for row in range(batch.num_rows) if row not in bad] if bad else range(batch.num_rows)
    taken = {
        column: text.take(pa.array(kept, pa.int64())) if bad else text
        for column, text in zip(columns, texts, strict=True)
        if column is not None
    }
    return Parsed(
        [first + row for row in kept],
        taken,
        lambda row: content(kept[row]),
        [bad[row] for row in sorted(bad)],
    )


def _text(values: pa.Array, name: str) -> pa.StringArray:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        raise RefusedError(
            f"Its column {name} has the type {kind}, which no table takes: write it as a number or as text."
        )
    try:
        if pa.types.is_nested(kind):  # a map becomes its pairs
            return pa.array([None if one is None else _json(one) for one in values.to_pylist()], pa.string())
        text = values.cast(pa.string())
        text.validate(full=True)
    except (pa.ArrowException, UnicodeError, ValueError, OverflowError):
        raise RefusedError(
            f"Its column {name} ({kind}) has bytes or values that are no text: write it as text."
        ) from None
    return text


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
