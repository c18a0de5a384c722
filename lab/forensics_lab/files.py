"""A history on disk: a file per load, `steps.json` (what to do when), `manifest.json` (what was put in)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from dbt_forensics.errors import ForensicsError
from forensics_lab import shop
from forensics_lab.document import Line, Manifest
from forensics_lab.history import (
    ADDED_COLUMN,
    COLUMNS,
    EXPECTED,
    AddColumn,
    Delete,
    Insert,
    Operation,
    Step,
    Update,
    steps,
)
from forensics_lab.shop import Settings

FORMATS = ("parquet", "jsonl", "csv")
FORMAT_VERSION = 1
_ARROW_TYPES = {
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "timestamp": pa.timestamp("us"),
    "numeric(18, 2)": pa.decimal128(18, 2),
}


def write_history(
    folder: Path,
    settings: Settings,
    file_format: str = "parquet",
    progress: Callable[[Iterable[Step]], Iterable[Step]] = iter,
) -> Manifest:
    """Generates a history into a folder and returns its manifest.

    Args:
        folder: Made if needed; a history that is already there is replaced.
        settings: What to generate.
        file_format: One of `FORMATS`.
        progress: Wraps the iteration over the steps, to show how far it is.

    Raises:
        ForensicsError: The folder holds something else than a history.
    """
    _clear(folder)
    (folder / "loads").mkdir(parents=True, exist_ok=True)
    step_lines = []
    injections: list[Line] = []
    row_count = 0
    for step in progress(steps(settings)):
        operations = []
        for operation in step.operations:
            line = _operation_line(operation, file_format)
            if isinstance(operation, Insert):
                row_count += operation.rows.num_rows
                write_rows(folder / line["file"], operation.rows)
            operations.append(line)
        step_lines.append({"step": step.number, "at": str(step.at), "operations": operations})
        injections += [asdict(injection) for injection in step.injections]

    totals: Counter[str] = Counter()
    for injection in injections:
        totals[injection["kind"]] += injection["rows"]
    manifest: Manifest = {
        "format_version": FORMAT_VERSION,
        "settings": {
            "rows": settings.rows,
            "seed": settings.seed,
            "days": settings.days,
            "start": str(settings.start),
        },
        "rows_inserted": row_count,
        "rows_by_kind": dict(sorted((+totals).items())),
        "expected": EXPECTED,
        "lateness": {
            "late_share": shop.LATE_SHARE,
            "late_median_seconds": shop.LATE_MEDIAN_SECONDS,
            "late_sigma": shop.LATE_SIGMA,
            "prompt_median_seconds": shop.PROMPT_MEDIAN_SECONDS,
            "prompt_sigma": shop.PROMPT_SIGMA,
        },
        "injections": injections,
    }
    _write_lines(
        folder / "steps.json", {"format_version": FORMAT_VERSION, "columns": COLUMNS, "steps": step_lines}
    )
    _write_lines(folder / "manifest.json", manifest)
    return manifest


def write_rows(path: Path, rows: pa.Table) -> None:
    """Writes a load in the format that the ending of its name says."""
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(rows, path)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(rows, path)
    else:
        with path.open("w", encoding="utf-8") as file:
            for row in rows.to_pylist():
                file.write(json.dumps(row, default=str) + "\n")


def read_rows(path: Path) -> pa.Table:
    """Returns a load that `write_rows` has written, with the types that it had."""
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path)
    types = {name: _ARROW_TYPES[data_type] for name, data_type in [*COLUMNS.items(), ADDED_COLUMN]}
    if path.suffix == ".csv":
        options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True)
        return pyarrow.csv.read_csv(path, convert_options=options)
    with path.open(encoding="utf-8") as file:
        first_line = file.readline()
    columns = json.loads(first_line) if first_line else COLUMNS
    schema = pa.schema([(name, types[name]) for name in columns])
    if not first_line:
        return schema.empty_table()
    return pyarrow.json.read_json(path, parse_options=pyarrow.json.ParseOptions(explicit_schema=schema))


def _clear(folder: Path) -> None:
    """Removes a history, also one whose writing was interrupted, and nothing else."""
    if folder.exists():
        if not {path.name for path in folder.iterdir()} <= {"loads", "steps.json", "manifest.json"}:
            raise ForensicsError(
                f"The folder {folder} holds something else than a lab history: name another one."
            )
        for load in (folder / "loads").glob("load_*"):
            load.unlink()


def _operation_line(operation: Operation, file_format: str) -> Line:
    match operation:
        case Insert(batch_id, rows):
            file = f"loads/{batch_id}.{file_format}"
            return {"operation": "insert", "batch_id": batch_id, "file": file, "rows": rows.num_rows}
        case Update(batch_id, amounts):
            by_id = {event_id: str(amount) for event_id, amount in amounts.items()}
            return {"operation": "update", "batch_id": batch_id, "amounts": by_id}
        case Delete(batch_id):
            return {"operation": "delete", "batch_id": batch_id}
        case AddColumn(column, data_type):
            return {"operation": "add_column", "column": column, "data_type": data_type}


def _write_lines(path: Path, document: Mapping[str, object]) -> None:
    """Writes JSON with a line per key and per element of a list, so that people can read and compare it."""
    entries = []
    for key, value in document.items():
        text = json.dumps(value)
        if isinstance(value, list) and value:
            text = "[\n" + ",\n".join(json.dumps(element) for element in value) + "\n]"
        entries.append(f"{json.dumps(key)}: {text}")
    path.write_text("{\n" + ",\n".join(entries) + "\n}\n", encoding="utf-8")
