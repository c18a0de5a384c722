"""The oracle itself, held to every number of the worked example and to what must hold of any history."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from property import in_place
from property import worked_example as example
from property.oracle import Build, Raw, Record, record, timeliness


def play(variant: example.Variant, repeated: bool = False) -> Record:
    builds = variant.builds
    if repeated:
        builds = [b for build in builds for b in (build, dataclasses.replace(build))]
    return record(variant.stream, builds)


def described(found: Record, metric: str) -> list[example.Expected]:
    return [
        example.Expected(
            v.recorded_from,
            v.value,  # type: ignore[arg-type]
            v.previous_value,  # type: ignore[arg-type]
            v.input_count,
            {cause: (c.change, len(c.event_ids)) for cause, c in v.changes.items()},  # type: ignore[misc]
        )
        for v in found.versions
        if v.metric == metric and v.window_start == example.WINDOW
    ]


@pytest.mark.parametrize("repeated", [False, True], ids=["once", "each build twice"])
@pytest.mark.parametrize("variant", example.VARIANTS, ids=lambda variant: variant.name)
def test_worked_example(variant: example.Variant, repeated: bool) -> None:
    found = play(variant, repeated)
    name = {row: example.NAME_OF[row.raw] for row in found.history}

    assert {name[row]: row.verdict for row in found.history} == variant.verdicts
    assert described(found, "revenue") == variant.revenue
    if variant.orders:
        assert described(found, "orders") == variant.orders
    assert {v.origin for v in found.versions} == {variant.origin}
    assert tuple(name[v.row] for v in found.vanished) == variant.vanished
    assert found.batch_sizes == variant.batch_sizes
    numbers = {build.as_of: number for number, build in enumerate(variant.builds, 1)}
    entries = [
        (
            numbers[e.recorded_at],
            name[e.row],
            e.effect,
            e.cause,
            None if e.effect == -1 else e.row.timeliness,
            e.other and name[e.other],
        )
        for e in found.entries
    ]
    assert variant.ledger is not None
    assert Counter(entries) == Counter(variant.ledger)


def test_effective_at_of_what_the_first_build_found() -> None:
    found = play(example.VARIANTS[0])
    assert {(example.NAME_OF[e.row.raw], e.effective_at) for e in found.entries[:2]} == {
        ("r1", example.at("01-05 10:00")),
        ("r2", example.at("01-05 10:00")),
    }
    assert {e.effective_at for e in found.entries[2:]} == set(example.BUILT_AT[1:])


@pytest.mark.parametrize(
    ("event_time", "ingested_at", "expected"),
    [
        ("01-05 23:50", "01-06 00:59:59.999999", "on_time"),
        ("01-05 23:50", "01-06 01:00", "late"),  # the deadline itself is late
        ("01-05 00:00", "01-07 00:59:59.999999", "late"),
        ("01-05 00:00", "01-07 01:00", "too_late"),
        ("01-06 00:00", "01-07 00:59", "on_time"),  # midnight belongs to the day that it begins
        ("01-05 10:05", "01-05 10:00", "on_time"),  # no more than the skew of the clocks
        ("01-05 10:05:00.000001", "01-05 10:00", "future"),
    ],
)
def test_timeliness_at_its_boundaries(event_time: str, ingested_at: str, expected: str) -> None:
    raw = Raw("e", event_time=example.at(event_time), ingested_at=example.at(ingested_at))
    assert timeliness(example.stream("s"), raw) == expected


def _versions(*contents: str, order: str | None = None) -> list[Build]:
    """Rows of one event id with these contents, an hour apart; `order` is the order in which they turn up."""
    rows = [
        Raw(
            "e",
            event_time=example.at("01-05 09:00"),
            ingested_at=example.at(f"01-05 {10 + hour}:00"),
            batch_id=f"b{hour}",
            payload=(("amount", Decimal(ord(content))),),
        )
        for hour, content in enumerate(contents)
    ]
    turned_up: list[Raw] = []
    builds = []
    for place in order or "".join(map(str, range(len(rows)))):
        turned_up = [*turned_up, rows[int(place)]]
        builds.append(Build(example.at("01-06 00:00") + timedelta(hours=len(builds)), turned_up))
    return builds


@pytest.mark.parametrize(
    ("on_conflict", "contents", "verdicts"),
    [
        ("first_wins", "ABA", ["accepted", "conflict", "duplicate"]),
        ("last_wins", "ABA", ["superseded", "superseded", "accepted"]),
        ("last_wins", "AAB", ["superseded", "duplicate", "accepted"]),
        ("last_wins", "ABB", ["superseded", "accepted", "duplicate"]),
    ],
)
@pytest.mark.parametrize("order", ["012", "021", "102", "120", "201", "210"])
def test_verdicts_do_not_depend_on_the_order_of_turning_up(
    on_conflict: str, contents: str, verdicts: list[str], order: str
) -> None:
    builds = _versions(*contents, order=order)
    found = record(example.stream("s", on_conflict=on_conflict), builds)
    rows = sorted(found.history, key=lambda row: row.batch_id)
    assert [row.verdict for row in rows] == verdicts
    assert [row.counts for row in rows] == [verdict == "accepted" for verdict in verdicts]


def test_a_row_that_vanishes_and_returns() -> None:
    first, both = _versions("A", "B")
    builds = [
        first,
        both,
        Build(both.as_of + timedelta(hours=1), both.rows[1:]),
        Build(both.as_of + timedelta(hours=2), both.rows),
    ]
    found = record(example.stream("s", on_conflict="first_wins"), builds)
    assert [(e.row.batch_id, e.effect, e.verdict, e.cause) for e in found.entries] == [
        ("b0", 1, "accepted", "on_time"),
        ("b1", 0, "conflict", "conflict"),
        ("b0", -1, "withdrawn", "source_deleted"),
        ("b1", 1, "accepted", "correction"),
        ("b0", 1, "accepted", "correction"),
        ("b1", -1, "superseded", "correction"),
        ("b1", 0, "conflict", "conflict"),
    ]
    assert [(v.vanished_at, v.returned_at) for v in found.vanished] == [(builds[2].as_of, builds[3].as_of)]


@pytest.mark.parametrize("on_conflict", ["first_wins", "last_wins"])
def test_what_is_changed_in_place_is_rewritten(on_conflict: str) -> None:
    found = record(in_place.stream(on_conflict), in_place.builds())
    assert in_place.of_versions(found) == in_place.expected(on_conflict)
