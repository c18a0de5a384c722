"""Every public table of the package, and what two engines may say differently in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.project import PACKAGE

#: What depends on the engine or on its clock, and is no part of the evidence, by table.
_ITS_OWN = {
    "event_history": ["dbt_scd_id", "dbt_updated_at", "dbt_valid_to"],
    "batch_history": ["dbt_scd_id", "fingerprint"],
    "schema_history": ["dbt_scd_id", "data_type"],
    # Digests of these columns too.
    "seals": ["digest", "previous_seal", "seal"],
}
_FILES = [file for folder in ("models", "snapshots") for file in (PACKAGE / folder).rglob("forensics__*.sql")]
#: Every public table, by its name without the prefix, and which of its columns are the engine's own.
ITS_OWN = {
    name: _ITS_OWN.get(name, []) for name in sorted(f.stem.removeprefix("forensics__") for f in _FILES)
}

Contents = dict[str, Counter[str]]


def without(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    return json.dumps({k: v for k, v in row.items() if k not in columns}, sort_keys=True, default=str)


def contents(
    query: Callable[[str], Sequence[Mapping[str, Any]]], its_own: Mapping[str, Sequence[str]] = ITS_OWN
) -> Contents:
    """The rows of every public table, as text and in no order, without what is the engine's own."""
    return {
        name: Counter(without(row, columns) for row in query(f"select * from analytics.forensics__{name}"))
        for name, columns in its_own.items()
    }


def assert_same(found: Counter[str], expected: Counter[str]) -> None:
    assert sorted((expected - found).elements())[:3] == []
    assert sorted((found - expected).elements())[:3] == []
