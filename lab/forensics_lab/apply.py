"""Brings a raw table in a warehouse to the state that it has after a step of a history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import literal
from forensics_lab.document import Line
from forensics_lab.files import read_rows

_ROWS_PER_INSERT = 200_000


class Warehouse(Protocol):
    """What a warehouse must be able to do; names of relations are given as they stand in SQL."""

    def execute(self, sql: str) -> None:
        """Runs one statement."""

    def insert(self, relation: str, rows: pa.Table) -> None:
        """Appends rows to a table, by column name; columns that the rows do not have become NULL."""


@dataclass(frozen=True)
class Applied:
    """What has been done: the time of the last step, and how many rows were inserted."""

    at: datetime
    rows: int


def apply_steps(history: Path, warehouse: Warehouse, relation: str, *, after: int, through: int) -> Applied:
    """Applies the steps of a history, in order.

    Args:
        history: The folder that `forensics_lab.files.write_history` has made.
        warehouse: Where the raw table is.
        relation: The raw table as it stands in SQL; made by the first step, in a schema that exists.
        after: The last step that has been applied already; 0 if none.
        through: The last step to apply.

    Raises:
        ForensicsError: The history has no such steps.
    """
    document = json.loads((history / "steps.json").read_text(encoding="utf-8"))
    steps = document["steps"]
    if not 0 <= after < through <= len(steps):
        raise ForensicsError(
            f"Steps {after + 1} to {through} cannot be applied: the history has steps 1 to {len(steps)}."
        )
    if after == 0:
        columns = ", ".join(f"{name} {data_type}" for name, data_type in document["columns"].items())
        warehouse.execute(f"create table {relation} ({columns})")

    inserted = 0
    waiting: list[pa.Table] = []

    def insert_waiting() -> None:
        if waiting:
            warehouse.insert(relation, pa.concat_tables(waiting))
            waiting.clear()

    for step in steps[after:through]:
        for operation in step["operations"]:
            if operation["operation"] == "insert":
                inserted += operation["rows"]
                waiting.append(read_rows(history / operation["file"]))
                if sum(rows.num_rows for rows in waiting) < _ROWS_PER_INSERT:
                    continue
            insert_waiting()
            for statement in _statements(operation, relation):
                warehouse.execute(statement)
    insert_waiting()
    return Applied(datetime.fromisoformat(steps[through - 1]["at"]), inserted)


def _statements(operation: Line, relation: str) -> list[str]:
    match operation:
        case {"operation": "update", "batch_id": batch_id, "amounts": amounts}:
            return [
                f"update {relation} set amount = {amount}"
                f" where _load_id = {literal(batch_id)} and event_id = {literal(event_id)}"
                for event_id, amount in amounts.items()
            ]
        case {"operation": "delete", "batch_id": batch_id}:
            return [f"delete from {relation} where _load_id = {literal(batch_id)}"]
        case {"operation": "add_column", "column": column, "data_type": data_type}:
            return [f"alter table {relation} add column {column} {data_type}"]
    return []
