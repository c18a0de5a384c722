"""The generator makes what it says, and the oracle keeps the promises on all of it."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings

from property.histories import STEPS, STREAMS, World, worlds
from property.oracle import Captured, Record, identity, record

PLAIN = World(seeds={"order_events": tuple(range(300)), "payments": tuple(range(1000, 1200))})


def play(world: World, name: str, cadence: tuple[int, ...] = tuple(range(STEPS))) -> Record:
    table, stream = STREAMS[name]
    return record(stream, world.builds(table, cadence))


def test_every_kind_of_thing_happens() -> None:
    found = {name: play(PLAIN, name) for name in STREAMS}
    verdicts = Counter(row.verdict for r in found.values() for row in r.history)
    causes = Counter(entry.cause for r in found.values() for entry in r.entries)
    assert min(verdicts[v] for v in ("accepted", "duplicate", "conflict", "superseded")) > 50
    assert min(verdicts[v] for v in ("withdrawn", "quarantined", "pending")) > 50
    assert set(causes) >= {
        "on_time",
        "late",
        "too_late",
        "correction",
        "rewritten",
        "source_deleted",
        "duplicate",
        "conflict",
        "rule:event_id_is_not_null",
        "rule:event_time_is_not_null",
        "rule:ingested_at_is_not_null",
        "rule:amount_is_not_negative",
    }
    everything = [v for r in found.values() for v in r.vanished]
    assert sum(v.returned_at is not None for v in everything) > 50
    assert any(row.ordinal == 3 for row in found["orders"].history)
    assert any(len(sizes) > 3 for sizes in found["orders"].batch_sizes.values())
    assert {row.timeliness for row in found["orders"].history} == {
        None,
        "on_time",
        "late",
        "too_late",
        "future",
    }


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(world=worlds(minis=6))
def test_the_oracle_balances(name: str, world: World) -> None:
    found = play(world, name)

    effects: Counter[Captured] = Counter()
    for entry in found.entries:
        effects[entry.row] += entry.effect
    per_event = Counter(row.raw.event_id for row in found.history if row.counts)
    assert all(row.verdict for row in found.history)
    assert all(effects[row] == int(row.counts) for row in found.history)
    assert all(row.counts == (row.verdict == "accepted") for row in found.history)
    assert max(per_event.values(), default=1) == 1

    for version in found.versions:
        explained = sum((c.change for c in version.changes.values()), Decimal(0))
        assert explained == (version.value or 0) - (version.previous_value or 0)


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(world=worlds(minis=6, evolves=False))
def test_the_oracle_is_blind_to_cadence(name: str, world: World) -> None:
    often, seldom = play(world, name), play(world, name, world.sparse_cadence)
    assert final_verdicts(often) == final_verdicts(seldom)
    assert current_values(often) == current_values(seldom)


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(world=worlds(minis=6))
def test_only_a_change_of_columns_lets_the_cadence_matter(name: str, world: World) -> None:
    """Where the last verdicts differ, the rows of the event were captured in different shapes."""
    often, seldom = play(world, name), play(world, name, world.sparse_cadence)
    differing = {key[0][1] for key in final_verdicts(often) ^ final_verdicts(seldom)}  # type: ignore[index]
    for event_id in differing:
        rows = [row for row in (*often.history, *seldom.history) if row.raw.event_id == event_id]
        shapes = {frozenset(dict(row.raw.payload)) for row in rows}
        assert len(shapes) > 1


def final_verdicts(found: Record) -> set[tuple[object, ...]]:
    return {(identity(row.raw), row.ordinal, row.verdict) for row in found.history if row.in_source}


def current_values(found: Record) -> dict[tuple[object, ...], tuple[object, int]]:
    return {
        key: (version.value, version.input_count)
        for key, version in found.current_versions().items()
        if version.input_count
    }
