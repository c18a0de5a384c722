"""Asks the warehouse for what a guess needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dbt_forensics.errors import ForensicsError
from dbt_forensics.init.guess import Choice, Guess, event_id_reason, guess_stream
from dbt_forensics.init.lateness import Lateness, measure_lateness
from dbt_forensics.init.profile import as_time, profiles
from dbt_forensics.warehouse import Column, Row, Warehouse

_LONG_TYPES = ("char", "text", "string", "json", "blob", "bytea", "struct", "map", "list", "[]")
_PLACE = "forensics_place"


@dataclass(frozen=True)
class Look:
    """What was seen of a relation, and guessed.

    Attributes:
        path: How the package names the relation.
        is_declared: Whether dbt knows it by that name already.
        rows: Rows that it has.
        sampled: Rows that were looked at.
        guess: What its columns seem to be.
        lateness: How late its rows are, if that could be measured.
    """

    path: str
    is_declared: bool
    rows: int
    sampled: int
    guess: Guess
    lateness: Lateness | None


def look_at(warehouse: Warehouse, path: str, rows: int) -> Look:
    """Returns what a relation looks like and what a stream over it could be.

    Args:
        warehouse: The project's target.
        path: ``source.<source>.<table>``, ``ref.<model>`` or ``<schema>.<table>``.
        rows: How many rows to look at, at most.

    Raises:
        ForensicsError: The relation does not exist, is empty, or has no time.
    """
    relation, columns = warehouse.raw_relation(path)
    total = int(warehouse.query(f"select count(*) as row_count from {relation}")[0]["row_count"])
    sample = _sample(warehouse, relation, columns, max(1, -(-total // rows)))
    if not sample:
        raise ForensicsError(f"{path} has no rows to look at: load some first.")
    guess = guess_stream(profiles(columns, sample), sample)
    if "event_time" not in guess.roles:
        raise ForensicsError(
            f"No column of {path} reads as a time, and a stream needs one: add the time of each event."
        )
    if "event_id" in guess.roles:
        column = guess.roles["event_id"].column
        guess.roles["event_id"] = Choice(column, _repeats(warehouse, relation, column))
    known = warehouse.dbt_path(path)
    event_time, ingested_at = (guess.roles[role].column for role in ("event_time", "ingested_at"))
    times = [(as_time(row[event_time]), as_time(row[ingested_at])) for row in sample]
    lateness = measure_lateness(
        ((event, arrival) for event, arrival in times if event and arrival), total / len(sample)
    )
    return Look(known or f"source.{path}", known is not None, total, len(sample), guess, lateness)


def _repeats(warehouse: Warehouse, relation: str, column: str) -> str:
    """Counted over all rows, because a sample misses repeats."""
    name = warehouse.identifier(column)
    counted = warehouse.query(
        f"select count({name}) as value_count, count(distinct {name}) as distinct_count from {relation}"
    )[0]
    return event_id_reason(int(counted["value_count"]), int(counted["distinct_count"]))


def _sample(warehouse: Warehouse, relation: str, columns: Sequence[Column], step: int) -> list[Row]:
    """Every n-th row, so that all of the history is in the sample; of long values only the beginning."""
    selected = []
    for column in columns:
        name = warehouse.identifier(column.name)
        is_long = any(word in column.data_type.lower() for word in _LONG_TYPES)
        selected.append(f"substring(cast({name} as varchar) from 1 for 100) as {name}" if is_long else name)
    numbered = f"select {', '.join(selected)}, row_number() over () as {_PLACE} from {relation}"
    return warehouse.query(f"select * from ({numbered}) as numbered where mod({_PLACE}, {step}) = 0")
