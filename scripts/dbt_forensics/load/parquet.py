"""Parquet: its rows as text, so that they are judged as those of the other formats are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice, repeat
from pathlib import Path
from uuid import UUID

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
        with _opened(path, "s") as file:
            names = file.schema_arrow.names
            _check_types(file)
            shape.check(names)
            columns = shape.columns(names)
            share = path.stat().st_size / max(file.metadata.num_rows, 1)
            for batch, twins in zip(_batches(file), _twins(path, file), strict=False):
                yield _parsed(batch, twins, columns, shape, first)
                first += batch.num_rows
                progress(int(batch.num_rows * share))
    except (pa.ArrowException, OSError) as error:
        raise _torn(error, first) from error


def _opened(path: Path, unit: str) -> pq.ParquetFile:
    return pq.ParquetFile(
        path, buffer_size=1 << 20, page_checksum_verification=True, coerce_int96_timestamp_unit=unit
    )


def _batches(file: pq.ParquetFile, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    return file.iter_batches(_ROWS, columns=columns, use_threads=False)  # type: ignore[no-any-return]


def _twins(path: Path, file: pq.ParquetFile) -> Iterator[pa.RecordBatch | None]:
    """Returns the columns of INT96 once more in nanoseconds, or None for each batch if there is none.

    INT96 has nanoseconds in any year, which no type of Arrow has. So such columns are read in seconds, and once more in
    nanoseconds, where the years wrap around and what is left of a second is right.
    """
    leaves = [file.schema.column(position) for position in range(len(file.schema))]
    names = list(dict.fromkeys(one.path.partition(".")[0] for one in leaves if one.physical_type == "INT96"))
    if not names:
        yield from repeat(None)
    names = [name for name in file.schema_arrow.names if any(name.partition(".")[0] == one for one in names)]
    with _opened(path, "ns") as once_more:
        yield from _batches(once_more, names)


def _check_types(file: pq.ParquetFile) -> None:
    """Finds columns whose values are none that a table or JSON takes.

    Raises:
        RefusedError: There is one.
    """
    leaves = [file.schema.column(position) for position in range(len(file.schema))]
    for leaf in leaves:
        if leaf.converted_type == "INTERVAL":
            raise _no_type(leaf.path, "interval")
    for field in file.schema_arrow:
        _check_type(field.type, field.name, is_nested=False)


def _check_type(kind: pa.DataType, name: str, *, is_nested: bool) -> None:
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name != "arrow.uuid":
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    is_bytes = any(is_kind(kind) for is_kind in _BYTES)
    if pa.types.is_duration(kind) or pa.types.is_interval(kind) or (is_nested and is_bytes):
        raise _no_type(name, str(kind))
    if pa.types.is_nested(kind):
        for position in range(kind.num_fields):
            _check_type(kind.field(position).type, name, is_nested=True)


_BYTES = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    getattr(pa.types, "is_binary_view", pa.types.is_binary),
)


def _no_type(name: str, kind: str) -> RefusedError:
    return RefusedError(
        f"Its column {name} has the type {kind}, which no table takes: write it as a number or as text."
    )


def _torn(error: Exception, row: int | None = None) -> RefusedError:
    words = str(error).splitlines()[0]
    if isinstance(error, pa.ArrowNotImplementedError) or "encrypt" in words:
        return RefusedError(f"It is Parquet of a kind that is not read ({words}): write it without that.")
    where = f" after row {row - 1:,}" if row is not None and row > 1 else ""
    return RefusedError(f"It is no whole Parquet file, or it is damaged{where} ({words}): get it again.")


def _parsed(
    batch: pa.RecordBatch, twins: pa.RecordBatch | None, columns: list[str | None], shape: Shape, first: int
) -> Parsed:
    texts = []
    for position, (name, column) in enumerate(zip(batch.schema.names, columns, strict=True)):
        twin = twins.column(name) if twins is not None and name in twins.schema.names else None
        is_double = column is not None and shape.types[column].kind == "double"
        texts.append(_text(batch.column(position), twin, name, is_double=is_double))

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


def _text(values: pa.Array, twin: pa.Array | None, name: str, *, is_double: bool = False) -> pa.StringArray:
    """Returns values as text that says the same.

    Args:
        values: Of a column, or of a part of a nested one.
        twin: The same in nanoseconds, of INT96.
        name: The column's.
        is_double: Whether the text is read as a double, for which the shortest text of a float is another number.
    """
    if isinstance(values.type, pa.BaseExtensionType):
        if values.type.extension_name == "arrow.uuid":
            texts = [None if one is None else str(UUID(bytes=one)) for one in values.storage.to_pylist()]
            return pa.array(texts, pa.string())
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    try:
        if pa.types.is_nested(kind):
            return pa.array(list(_json(values, twin, name)), pa.string())
        if pa.types.is_float16(kind) or (is_double and pa.types.is_float32(kind)):
            values = values.cast(pa.float64())
        if pa.types.is_timestamp(kind) and kind.tz:
            values = values.cast(pa.timestamp(kind.unit, "UTC"))
        text = values.cast(pa.string())
        text.validate(full=True)
        if pa.types.is_temporal(kind) and pc.any(pc.starts_with(text, "<")).as_py():
            raise ValueError(text)
    except (pa.ArrowException, UnicodeError, ValueError, OverflowError):
        raise RefusedError(
            f"Its column {name} ({kind}) has bytes or values that are no text: write it as text."
        ) from None
    is_int96 = twin is not None and pa.types.is_timestamp(kind) and kind != twin.type
    return _with_nanoseconds(text, values, twin) if is_int96 else text


def _with_nanoseconds(text: pa.StringArray, seconds: pa.Array, nanoseconds: pa.Array) -> pa.StringArray:
    # Both wrap around at the same number, which the difference does not see.
    whole = pc.multiply(seconds.cast(pa.int64()), 1_000_000_000)
    part = pc.subtract(nanoseconds.cast(pa.int64()), whole)
    return pc.binary_join_element_wise(text, pc.utf8_lpad(part.cast(pa.string()), 9, "0"), ".")


def _json(values: pa.Array, twin: pa.Array | None, name: str) -> Iterator[str | None]:
    """Returns nested values as JSON, its numbers as they are; a map becomes its pairs."""
    kind = values.type
    if pa.types.is_struct(kind):
        parts = values.flatten()
        twins = twin.flatten() if twin is not None else [None] * len(parts)
        keys = [json.dumps(field.name, ensure_ascii=False) for field in kind]
        if len(set(keys)) < len(keys):
            raise ValueError(keys)
        columns = [list(_part(part, of_twin, name)) for part, of_twin in zip(parts, twins, strict=True)]
        for row, is_there in enumerate(values.is_valid().to_pylist()):
            pairs = (f"{key}:{column[row]}" for key, column in zip(keys, columns, strict=True))
            yield "{" + ",".join(pairs) + "}" if is_there else None
        return
    if pa.types.is_map(kind):
        values = _as_list(values)
        entries = values.flatten().flatten()
        of_entries = (None, None) if twin is None else _as_list(twin).flatten().flatten()
        pairs_of = [_part(part, of_part, name) for part, of_part in zip(entries, of_entries, strict=True)]
        parts_of_all = iter([f"[{key},{value}]" for key, value in zip(*pairs_of, strict=True)])
    else:
        parts_of_all = _part(values.flatten(), twin.flatten() if twin is not None else None, name)
    for length in pc.list_value_length(values).to_pylist():
        yield None if length is None else "[" + ",".join(islice(parts_of_all, length)) + "]"


def _as_list(values: pa.MapArray) -> pa.ListArray:
    pair = pa.struct([("key", values.type.key_type), ("value", values.type.item_type)])
    return values.cast(pa.list_(pair))


def _part(values: pa.Array, twin: pa.Array | None, name: str) -> Iterator[str]:
    """Returns a part of nested values as JSON."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if pa.types.is_floating(kind):
        if pc.any(pc.invert(pc.is_finite(values))).as_py():
            raise ValueError(name)
        return ("null" if one is None else repr(one) for one in values.cast(pa.float64()).to_pylist())
    texts = _text(values, twin, name).to_pylist()
    is_json = any(is_kind(kind) for is_kind in (pa.types.is_nested, pa.types.is_boolean, pa.types.is_integer))
    if is_json:
        return ("null" if one is None else one for one in texts)
    if pa.types.is_decimal(kind):
        return ("null" if one is None else f"{Decimal(one):f}" for one in texts)
    return (json.dumps(one, ensure_ascii=False) for one in texts)
