"""The promises on generated histories, on both engines; and that each check sees a fault that is planted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from property import promises
from property.histories import BUILT_AT, STREAMS, World, worlds
from property.oracle import Record
from property.playing import AS_OF, Player, report
from property.promises import expected_of

STREAM = pytest.mark.parametrize("stream", STREAMS)


# Each promise, in a world of many histories that was built after each step


@STREAM
def test_nothing_is_lost(played: Player, stream: str) -> None:
    assert promises.nothing_is_lost(played.recorded(stream), played.builds(stream)) == []


@STREAM
def test_every_change_is_explained(played: Player, stream: str) -> None:
    assert promises.every_change_is_explained(played.recorded(stream)) == []


@STREAM
def test_as_of_is_true(played: Player, stream: str) -> None:
    assert promises.as_of_is_true(played.recorded(stream)) == []


@STREAM
def test_tampering_shows(played: Player, stream: str) -> None:
    recorded = played.recorded(stream)
    assert promises.tampering_shows(recorded, expected_of(recorded, played.builds(stream))) == []


@STREAM
def test_the_ledger_balances(played: Player, stream: str) -> None:
    assert promises.ledger_balances(played.recorded(stream)) == []


@STREAM
@pytest.mark.parametrize(
    "agree",
    [promises.verdicts_agree, promises.ledgers_agree, promises.versions_agree, promises.batches_agree],
    ids=lambda agree: agree.__name__,
)
def test_the_oracle_agrees(played: Player, stream: str, agree: Callable[..., list[str]]) -> None:
    recorded = played.recorded(stream)
    assert agree(recorded, expected_of(recorded, played.builds(stream))) == []


def test_few_builds_keep_the_promises_too(played_seldom: Player) -> None:
    """Also where the last one ran in another session, with other settings, after attempts, on other columns."""
    assert report(played_seldom.violations()) == ""


def test_blind_to_cadence(played: Player, played_seldom: Player) -> None:
    """Fewer builds end in the same verdicts and values, unless columns came or went between them."""
    for stream in STREAMS:
        often, seldom = played.recorded(stream), played_seldom.recorded(stream)
        expected_often = expected_of(often, played.builds(stream))
        expected_seldom = expected_of(seldom, played_seldom.builds(stream))
        # tests/unit/test_histories.py shows that only events whose columns changed in between may differ.
        assert promises.final_verdicts(often).items() & promises.final_verdicts(seldom).items() == (
            expected_verdicts(expected_often) & expected_verdicts(expected_seldom)
        )
        if expected_verdicts(expected_often) == expected_verdicts(expected_seldom):
            assert promises.current_values(often) == promises.current_values(seldom)


def expected_verdicts(expected: Record) -> set[tuple[promises.RowId, str | None]]:
    return {(promises.row_id(row), row.verdict) for row in expected.history if row.in_source}


def test_the_same_step_again_changes_nothing(played: Player) -> None:
    before = promises.contents(played.consumer)
    played.consumer.build(as_of=str(BUILT_AT[played.cadence[-1]]))
    assert promises.differences(before, promises.contents(played.consumer)) == []


# Generated worlds: one in every run, many with --hypothesis-profile=thorough

IS_THOROUGH = settings.get_current_profile_name() == "thorough"


@settings(
    max_examples=8 if IS_THOROUGH else 1,
    phases=[
        Phase.generate
    ],  # a failure names the histories at fault; to shrink it would take hundreds of builds
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(world=worlds(minis=200 if IS_THOROUGH else 60))
def test_generated_worlds(new_player: Callable[[World], Player], world: World) -> None:
    player = new_player(world)
    try:
        player.play(world.sparse_cadence)
        assert report(player.violations()) == ""
        assert [player.differs_as_of(name)[:5] for name in AS_OF] == [[], []]
        before = promises.contents(player.consumer)
        player.consumer.build(as_of=str(BUILT_AT[player.cadence[-1]]))
        assert promises.differences(before, promises.contents(player.consumer)) == []
    finally:
        player.consumer.engine.drop()


# The checks see faults. Each is planted in the table that holds the evidence, and taken out again.


@contextmanager
def planted(player: Player, table: str, sql: str) -> Iterator[None]:
    """Changes a table for as long as the block lasts. `{table}` in the SQL is its name."""
    name = f"analytics.{table}"
    player.consumer.execute(f"create table analytics.put_aside as select * from {name}")
    try:
        player.consumer.execute(sql.format(table=name))
        yield
    finally:
        player.consumer.execute(f"delete from {name}")
        player.consumer.execute(f"insert into {name} select * from analytics.put_aside")
        player.consumer.execute("drop table analytics.put_aside")


def one_of(player: Player, table: str, condition: str, column: str = "row_key") -> str:
    """The smallest key among the rows of stream `orders` that meet the condition."""
    found = player.consumer.query(
        f"select min({column}) as found from analytics.{table} where stream = 'orders' and {condition}"
    )
    assert found[0]["found"], f"no row of {table} with {condition}"
    return str(found[0]["found"])


ANY_ROW = "event_id is not null"
QUARANTINED = "verdict = 'quarantined'"
COUNTED_FROM_THE_FIRST = "cause = 'on_time' and effect = 1"


def test_a_lost_row_is_seen(played: Player) -> None:
    key = one_of(played, "forensics__event_history", ANY_ROW)
    with planted(played, "forensics__event_history", f"delete from {{table}} where row_key = '{key}'"):
        violations = promises.nothing_is_lost(played.recorded("orders"), played.builds("orders"))
    assert [violation.split(":")[:2] for violation in violations] == [
        ["history", " missing"],
        ["rows with an entry", " not expected"],
    ]


def test_a_row_without_a_verdict_is_seen(played: Player) -> None:
    key = one_of(played, "forensics__ledger", QUARANTINED)
    with planted(played, "forensics__ledger", f"delete from {{table}} where row_key = '{key}'"):
        violations = promises.nothing_is_lost(played.recorded("orders"), played.builds("orders"))
    assert [violation.split(":")[0].split(" ")[0] for violation in violations] == ["rows", "verdict", "batch"]


def test_a_change_that_does_not_add_up_is_seen(played: Player) -> None:
    version = one_of(played, "forensics__metric_versions", "metric = 'orders'", "recorded_from")
    of_one_window = (
        f"stream = 'orders' and metric = 'orders' and recorded_from = '{version}' and cause = 'on_time' "
        "and window_start = (select min(window_start) from {table} where stream = 'orders' and metric = 'orders' "
        f"and recorded_from = '{version}' and cause = 'on_time')"
    )
    with planted(
        played, "int_forensics__metric_log", f"update {{table}} set change = change + 1 where {of_one_window}"
    ):
        assert len(promises.every_change_is_explained(played.recorded("orders"))) == 1
        assert promises.every_change_is_explained(played.recorded("latest_orders")) == []
    unexplained = f"update {{table}} set cause = 'unexplained' where {of_one_window}"
    with planted(played, "int_forensics__metric_log", unexplained):
        violations = promises.every_change_is_explained(played.recorded("orders"))
    assert len(violations) == 1
    assert violations[0].startswith("unexplained")


def test_a_value_that_was_not_published_is_seen(played: Player) -> None:
    window = one_of(played, "forensics__metric_versions", "metric = 'orders' and is_current", "window_start")
    changed = (
        "update {table} set value = value + 1 where stream = 'orders' and metric = 'orders' "
        f"and window_start = '{window}' and version = 1"
    )
    with planted(played, "int_forensics__metric_log", changed):
        assert len(promises.as_of_is_true(played.recorded("orders"))) == 1


def test_a_disappearance_that_is_not_on_record_is_seen(played: Player) -> None:
    key = one_of(played, "forensics__vanished_rows", "returned_at is null")
    with planted(played, "int_forensics__presence_changes", f"delete from {{table}} where row_key = '{key}'"):
        recorded = played.recorded("orders")
        violations = promises.tampering_shows(recorded, expected_of(recorded, played.builds("orders")))
    kinds = [violation.split(":")[0] for violation in violations]
    assert kinds[0] == "vanished rows"
    assert kinds[1:].count("presence in the source") == 2
    assert set(kinds) == {"vanished rows", "presence in the source"}


def test_a_batch_version_that_is_missing_is_seen(played: Player) -> None:
    batch = one_of(played, "forensics__batch_history", "dbt_valid_to is not null", "batch_id")
    gone = (
        f"delete from {{table}} where stream = 'orders' and batch_id = '{batch}' and dbt_valid_to is not null"
    )
    with planted(played, "forensics__batch_history", gone):
        recorded = played.recorded("orders")
        violations = promises.tampering_shows(recorded, expected_of(recorded, played.builds("orders")))
    assert [violation.split(":")[:2] for violation in violations] == [
        ["versions of batches", " not expected"],
        ["versions of batches", " missing"],
    ]


def test_a_row_that_counts_twice_is_seen(played: Player) -> None:
    key = one_of(played, "forensics__verdicts", "is_counted")
    twice = f"insert into {{table}} select * from {{table}} where row_key = '{key}' and effect = 1"
    with planted(played, "forensics__ledger", twice):
        violations = promises.ledger_balances(played.recorded("orders"))
    assert violations[0] == f"effects of {key} add up to 2"


def test_a_second_survivor_is_seen(played: Player) -> None:
    key = one_of(played, "forensics__verdicts", "verdict = 'duplicate'")
    counts = f"update {{table}} set verdict = 'accepted', effect = 1 where row_key = '{key}' and effect = 0"
    with planted(played, "forensics__ledger", counts):
        violations = promises.ledger_balances(played.recorded("orders"))
    assert len(violations) == 1
    assert violations[0].startswith("2 rows of event")


def test_a_build_that_is_not_idempotent_is_seen(played: Player) -> None:
    before = promises.contents(played.consumer, ["ledger", "vanished_rows"])
    key = one_of(played, "forensics__ledger", COUNTED_FROM_THE_FIRST)
    once_more = f"insert into {{table}} select * from {{table}} where row_key = '{key}' and effect = 1"
    with planted(played, "forensics__ledger", once_more):
        after = promises.contents(played.consumer, ["ledger", "vanished_rows"])
    assert len(promises.differences(before, after)) == 1
    assert promises.differences(before, before) == []
