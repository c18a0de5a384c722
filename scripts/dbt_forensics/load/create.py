"""Which columns a file has, where a table is made from it."""

from __future__ import annotations

import pyarrow as pa

from dbt_forensics.load import jsonl
from dbt_forensics.load.files import SourceFile, content
from dbt_forensics.load.model import RefusedError
from dbt_forensics.load.parquet import parquet_schema
from dbt_forensics.load.readers import first_names, first_records


def first_columns(file: SourceFile) -> tuple[list[str], pa.Schema | None]:
    """Returns the names of a file's columns and, of Parquet, their types.

    Those of JSON are the keys of the objects in its first few megabytes. The names of its folders add theirs.

    Raises:
        RefusedError: It has none.
    """
    names, schema = _own_columns(file)
    keys = list(file.keys())
    known = {name.casefold() for name in names}
    return [*names, *(key for key in keys if key.casefold() not in known)], schema


def _own_columns(file: SourceFile) -> tuple[list[str], pa.Schema | None]:
    if file.format == "parquet":
        schema = parquet_schema(file.path)
        return list(schema.names), schema
    with content(file, lambda _: None) as chunks:
        if file.format in ("csv", "tsv"):
            return list(first_names(file.format, chunks)), None
        names = jsonl.keys(first_records(chunks))
    if not names:
        raise RefusedError(
            "A table cannot be made from it: none of its first records is a JSON object with a key."
        )
    return names, None
