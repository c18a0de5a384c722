"""What the as-of macros say of a time is what the build of that time showed, to the row, in every world."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from property.histories import BUILT_AT
from property.playing import AS_OF, Player
from property.test_promises import STREAM, one_of, planted

MACRO = pytest.mark.parametrize("name", AS_OF)


@pytest.mark.gate
@MACRO
def test_it_is_what_each_build_showed(played: Player, name: str) -> None:
    assert played.differs_as_of(name) == []


@MACRO
def test_it_is_what_few_builds_showed(played_seldom: Player, name: str) -> None:
    assert played_seldom.differs_as_of(name) == []


@pytest.mark.gate
@MACRO
def test_it_holds_until_the_next_build(played: Player, name: str) -> None:
    pause = BUILT_AT[1] - BUILT_AT[0]
    assert played.differs_as_of(name, pause - timedelta(microseconds=1)) == []
    assert played.differs_as_of(name, pause) != []


@MACRO
def test_before_the_first_build_there_was_nothing(played: Player, name: str) -> None:
    first = BUILT_AT[played.cadence[0]]
    assert list(played.as_of(name, [first - timedelta(microseconds=1)])) == [[]]


@pytest.mark.gate
@STREAM
def test_it_is_what_ledger_and_history_give_again(played: Player, played_seldom: Player, stream: str) -> None:
    assert played.irreproducible(stream) == []
    assert played_seldom.irreproducible(stream) == []


def test_every_kind_of_verdict_was_seen_at_a_time(played: Player) -> None:
    """Else the comparison of events would say little."""
    verdicts = {row["verdict"] for shown in played.shown.values() for row in shown["events_then"]}
    assert len(verdicts) == 7
    verdict_of = [
        {(row["row_key"], row["verdict"]) for row in played.shown[step]["events_then"]}
        for step in played.cadence
    ]
    assert all(before - after for before, after in pairwise(verdict_of))


# The comparison sees faults


@pytest.mark.gate
def test_a_value_that_was_changed_is_seen(played: Player) -> None:
    window = one_of(played, "forensics__metric_versions", "metric = 'orders' and version = 1", "window_start")
    changed = (
        "update {table} set value = value + 1 where stream = 'orders' and metric = 'orders' "
        f"and window_start = '{window}' and version = 1"
    )
    with planted(played, "int_forensics__metric_log", changed):
        found = played.irreproducible("orders")
        assert {(str(row["window_start"]), row["problem"]) for row in found} == {(window, "value")}
        assert played.differs_as_of("metrics_then") != []


@pytest.mark.gate
def test_an_entry_that_was_recorded_at_another_time_is_seen(played: Player) -> None:
    key = one_of(played, "forensics__ledger", "effect = -1")
    later = f"update {{table}} set recorded_at = recorded_at + interval '1 second' where row_key = '{key}'"
    with planted(played, "forensics__ledger", later):
        assert played.differs_as_of("events_then") != []
        assert {row["problem"] for row in played.irreproducible("orders")} >= {"value"}
