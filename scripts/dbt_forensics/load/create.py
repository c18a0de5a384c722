"""Which columns a file has, where a table is made from it."""

from __future__ import annotations

from itertools import islice

import pyarrow as pa

from dbt_forensics.load import csvs, jsonl
from dbt_forensics.load.files import SourceFile, content
from dbt_forensics.load.model import RefusedError
from dbt_forensics.load.parquet import parquet_schema

_BOM = b"\xef\xbb\xbf"


def first_columns(file: SourceFile) -> tuple[list[str], pa.Schema | None]:
    """Returns the names of a file's columns and, of Parquet, their types.

    Those of JSON Lines are the keys of the lines in its first few megabytes.

    Raises:
        RefusedError: It has none.
    """
    if file.format == "parquet":
        schema = parquet_schema(file.path)
        return list(schema.names), schema
    with content(file, lambda _: None) as chunks:
        head = b"".join(islice(chunks, 1)).removeprefix(_BOM)
    if file.format == "csv":
        _, header, _ = csvs.read_header(head, lambda name: name)
        csvs.check_header(header)
        return list(header), None
    names = jsonl.keys(head.split(b"\n"))
    if not names:
        raise RefusedError(
            "A table cannot be made from it: none of its first lines is a JSON object with a key."
        )
    return names, None
