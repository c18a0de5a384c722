"""The promises on Spark: generated histories, built at several times, are recorded as on DuckDB and as the oracle says;
what is tampered with fails the tests that it fails on DuckDB; a killed build ends as one that was never killed.

On a cluster only: Sail's Delta takes no rows into a column with capitals in its name, and its gate shall be quick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from functional import test_crash
from functional.test_engines_agree import EMPTY, WORLD
from harness.engines import DuckDB, Engine
from harness.public_tables import ITS_OWN, assert_same, contents
from property import promises
from property.histories import BUILT_AT
from property.playing import AS_OF, Player, report
from spark.engine import SparkServer

SPARK = "spark"
BUILDS = (2, 5)  # Spark plans a build of these streams for a minute or two, whatever its size


@dataclass
class Played:
    players: dict[str, Player]
    #: What Spark's tables held when the last build had ended.
    ended: dict[str, Counter[str]]


@pytest.fixture(scope="module")
def played(spark_server: SparkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("promises")
    engines: dict[str, Engine] = {
        "duckdb": DuckDB(folder / "warehouse.duckdb"),
        SPARK: spark_server.new_engine(),
    }
    players = {name: Player(engine, folder / name, WORLD).play(BUILDS) for name, engine in engines.items()}
    yield Played(players, test_crash.contents(players[SPARK]))
    engines["duckdb"].drop()


@pytest.mark.parametrize("relation", ITS_OWN)
def test_every_table_is_duckdbs(played: Played, relation: str) -> None:
    of_it = {relation: ITS_OWN[relation]}
    found = {name: contents(player.consumer.query, of_it) for name, player in played.players.items()}
    assert found["duckdb"][relation] or relation in EMPTY
    assert_same(found[SPARK][relation], found["duckdb"][relation])


def test_the_promises_are_kept(played: Played) -> None:
    assert report(played.players[SPARK].violations()) == ""


@pytest.mark.parametrize("name", AS_OF)
def test_as_of_is_what_was_shown(played: Played, name: str) -> None:
    assert played.players[SPARK].differs_as_of(name)[:5] == []


def test_the_same_step_again_changes_nothing(played: Played) -> None:
    consumer = played.players[SPARK].consumer
    before = promises.contents(consumer)
    consumer.build(as_of=str(BUILT_AT[BUILDS[-1]]))
    assert promises.differences(before, promises.contents(consumer)) == []


#: Faults by the table that they are planted in: which row (its smallest key), and what is done to it.
FAULTS = {
    "forensics__event_history": ("event_id is not null", "delete from {table} where row_key = '{key}'"),
    "forensics__ledger": (
        "effect = 1",
        "update {table} set effect = 2 where row_key = '{key}' and effect = 1",
    ),
    "int_forensics__metric_log": ("version = 1", "update {table} set change = change + 1 where {row}"),
}


def tampered(player: Player) -> dict[str, str]:
    """How the tests end after each of the tables was tampered with."""
    for name, (condition, sql) in FAULTS.items():
        table = f"analytics.{name}"
        row = f"stream = 'orders' and {condition}"
        key = "row_key" if "{key}" in sql else "window_start"
        found = player.consumer.query(f"select min({key}) as found from {table} where {row}")[0]["found"]
        player.consumer.execute(
            sql.format(table=table, key=found, row=f"{row} and window_start = timestamp '{found}'")
        )
    return player.consumer.dbt(["test"], expect="failure").results


def test_tampering_fails_the_tests_that_it_fails_on_duckdb(played: Played) -> None:
    duckdb, spark = (tampered(played.players[name]) for name in ("duckdb", SPARK))
    assert spark == duckdb
    assert {name for name, status in spark.items() if status == "fail"} >= {
        "forensics__history_matches_its_seals",
        "forensics__rows_and_events_count_at_most_once",
        "forensics__changes_add_up",
    }


def test_killed_builds(
    played: Played, spark_server: SparkServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    player = Player(spark_server.new_engine(), tmp_path_factory.mktemp("killed") / "consumer", WORLD)
    first, second = BUILDS
    test_crash.build_with_kills(player, first, ["after:forensics__event_history"])
    test_crash.build_with_kills(player, second, ["inside:forensics__batch_history:2"])
    assert report(player.violations()) == ""
    ended = test_crash.contents(player)
    for relation in promises.RELATIONS:
        assert sorted((ended[relation] - played.ended[relation]).elements())[:2] == [], relation
        assert sorted((played.ended[relation] - ended[relation]).elements())[:2] == [], relation
