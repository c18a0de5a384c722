"""What the profile adds up to, build by build, is what a count over everything gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from property.fixtures import WORLD
from property.histories import BUILT_AT, World
from property.playing import Player

VERDICTS = ("accepted", "duplicate", "conflict", "superseded", "withdrawn", "quarantined", "pending")
TIMELINESS = ("late", "too_late", "future")

ADDED_UP = """
    select stream, window_start, measure, sum(row_count) as n
    from analytics.int_forensics__row_profile
    where measure in ('rows', 'rule', {measures})
    group by stream, window_start, measure
    having sum(row_count) <> 0
"""
#: What says again, or otherwise, what an event was is not late.
FIRST_OF_EVENT = (
    "select row_key from analytics.forensics__ledger where entry_number = 1 "
    "and cause not in ('duplicate', 'conflict', 'correction', 'rewritten')"
)
COUNTED = " union all ".join(
    f"select stream, window_start, {measure} as measure, count(*) as n from analytics.forensics__verdicts "
    f"where {condition} group by 1, 2, 3"
    for measure, condition in (
        ("'rows'", "1 = 1"),
        ("verdict", "1 = 1"),
        ("timeliness", f"timeliness in ('late', 'too_late') and row_key in ({FIRST_OF_EVENT})"),
        ("timeliness", "timeliness = 'future'"),
        ("'rule'", "broken_rule is not null"),
    )
)


def counts(player: Player, sql: str) -> set[tuple[object, ...]]:
    return {
        (row["stream"], str(row["window_start"]), row["measure"], int(row["n"]))
        for row in player.consumer.query(sql)
    }


def test_the_profile_adds_up(played: Player, played_seldom: Player) -> None:
    measures = ", ".join(f"'{measure}'" for measure in VERDICTS + TIMELINESS)
    for player in (played, played_seldom):
        added_up = counts(player, ADDED_UP.format(measures=measures))
        assert added_up == counts(player, COUNTED)
        assert len({measure for _, _, measure, _ in added_up}) >= 8


def contents(player: Player) -> dict[str, Counter[str]]:
    relations = ("int_forensics__row_profile", "forensics__windows", "forensics__detections")
    return {
        relation: Counter(map(str, player.consumer.query(f"select * from analytics.{relation}")))
        for relation in relations
    }


@pytest.fixture(scope="module")
def in_one_go(new_player: Callable[[World], Player]) -> dict[str, Counter[str]]:
    return contents(new_player(WORLD).play(WORLD.sparse_cadence))


@pytest.mark.gate
@pytest.mark.parametrize("at_once", [1, 600])  # each hour by itself; some together
def test_a_profile_in_slices_is_that_in_one_go(
    new_player: Callable[[World], Player], in_one_go: dict[str, Counter[str]], at_once: int
) -> None:
    """Also where it is killed between two slices of the first build."""
    player = new_player(WORLD)
    search = {"macro_namespace": "dbt_forensics", "search_order": ["consumer", "dbt_forensics"]}
    player.consumer.project["dispatch"] = [search]
    player.consumer.write(
        "macros/statement_row_limit.sql",
        "{% macro default__statement_row_limit() %}{{ return(" + str(at_once) + ") }}{% endmacro %}\n",
    )
    first, second = WORLD.sparse_cadence
    player.load(first)
    between = "inside:int_forensics__row_profile:2:insert into"
    player.consumer.build_killed(between, as_of=str(BUILT_AT[first]))
    player.build(first)
    player.build(second)
    assert contents(player) == in_one_go


def test_each_expected_window_is_there_once(played: Player) -> None:
    windows = played.consumer.query(
        "select stream, count(*) as n, count(distinct window_start) as starts, max(window_number) + 1 as numbered, "
        "sum(case when row_count = 0 and is_due and not is_gap then 1 else 0 end) as wrong "
        "from analytics.forensics__windows group by stream"
    )
    assert len(windows) == 3
    for row in windows:
        assert row["n"] == row["starts"] == row["numbered"]
        assert row["wrong"] == 0


def test_small_streams_raise_nothing_but_what_happened_to_their_rows(played: Player) -> None:
    """These histories rewrite and delete all the time; a few hundred rows say nothing of what is usual.

    Rows without any arrival are of one batch, 'unknown', and none of it can be read: that is a load of the wrong shape.
    """
    found = {
        row["detector"]
        for row in played.consumer.query("select detector from analytics.forensics__detections")
    }
    assert found <= {
        "history_deleted",
        "history_inserted",
        "history_rewritten",
        "truncated_source",
        "undeclared_writes",
        "schema_drift",
        "settled_window_restated",
        "wrong_shape_load",
    }
