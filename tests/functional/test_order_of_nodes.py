"""What a node looks up beside its refs is written before it or after it, never by another thread meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from harness.engines import DuckDB
from harness.project import Consumer

#: Relations that a macro looks up without a ref, since the node that writes them may come after it.
LOOKED_UP = {
    "stream_shape": ["forensics__schema_history"],
    "_last_recorded_at": ["forensics__batch_history", "forensics__ledger"],
    "is_first_build": ["forensics__batch_history", "forensics__event_history"],
}


def closure(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    left = list(start)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += edges.get(one, ())
    return found


def called(code: str) -> list[str]:
    """The package's macros in a node's code: as it is written, since a parse does not come to all of it."""
    return [f"macro.dbt_forensics.{name}" for name in re.findall(r"dbt_forensics\.(\w+)\(", code)]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("order")
    stream = {"relation": "source.shop.orders", "event_time": "at", "ingested_at": "loaded_at"}
    consumer = Consumer(
        DuckDB(folder / "w.duckdb"), folder / "c", streams={"orders": stream}, sources={"shop": ["orders"]}
    )
    return consumer.dbt(["parse"]).result


@pytest.mark.parametrize("macro", LOOKED_UP)
def test_what_is_looked_up_is_not_being_written(manifest: Any, macro: str) -> None:
    calls = {name: list(one.depends_on.macros) for name, one in manifest.macros.items()}
    reads = {
        name: list(node.depends_on.nodes) for name, node in manifest.nodes.items() if node.depends_on_nodes
    }
    names = {node.name: name for name, node in manifest.nodes.items()}
    users = [
        name
        for name, node in manifest.nodes.items()
        if node.resource_type in ("model", "snapshot")
        and f"macro.dbt_forensics.{macro}" in closure(called(node.raw_code), calls)
    ]
    assert users
    for user in users:
        for relation in LOOKED_UP[macro]:
            writer = names[relation]
            assert writer in closure([user], reads) or user in closure([writer], reads), (user, relation)
