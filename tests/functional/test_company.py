"""Two builds of one target at once, beside loaders: nothing is recorded twice, and nobody meets an engine's error."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from functional.test_turns import COLUMNS, STREAM, row
from harness.engines import RAW_SCHEMA, Engine
from harness.killed import Killer
from harness.project import Consumer

ROWS = 500
STOPPED = "another dbt build of this target"


@pytest.fixture(scope="module")
def runners() -> tuple[Killer, Killer]:
    return Killer(), Killer()


def in_a_long_transaction(engine: Engine, number: int) -> None:
    connection = engine.connect()
    cursor = connection.cursor()
    cursor.execute("begin")
    for part in range(4):
        values = ", ".join(
            f"('l{number}-{part}-{n}', '2026-01-05 09:00:00', '2026-01-05 10:00:00', 'l{number}', 1)"
            for n in range(10)
        )
        cursor.execute(f"insert into {RAW_SCHEMA}.t (id, happened, loaded, b, amount) values {values}")
        time.sleep(1)
    cursor.execute("commit")
    connection.close()


def by_truncate_and_reload(engine: Engine, number: int) -> None:
    connection = engine.connect()
    cursor = connection.cursor()
    time.sleep(1)
    cursor.execute("begin")
    cursor.execute(f"create temporary table kept on commit drop as select * from {RAW_SCHEMA}.t")
    cursor.execute(f"truncate {RAW_SCHEMA}.t")
    time.sleep(1)
    cursor.execute(f"insert into {RAW_SCHEMA}.t select * from kept")
    cursor.execute("commit")
    connection.close()


def by_altering_the_table(engine: Engine, number: int) -> None:
    connection = engine.connect()
    cursor = connection.cursor()
    time.sleep(1)
    cursor.execute(f"alter table {RAW_SCHEMA}.t add column more_{number} integer")
    time.sleep(1)
    cursor.execute(
        f"alter table {RAW_SCHEMA}.t alter column amount type {'bigint' if number % 2 else 'integer'}"
    )
    connection.close()


LOADERS: tuple[Callable[[Engine, int], None], ...] = (
    in_a_long_transaction,
    by_truncate_and_reload,
    by_altering_the_table,
)


def play_rounds(engine: Engine, folder: Path, runners: tuple[Killer, Killer], rounds: int, seed: int) -> None:
    if engine.name != "postgres":
        pytest.skip("one process at a time has the file")
    draw = random.Random(seed)
    consumer = Consumer(engine, folder, streams={"o": STREAM}, sources={"raw": ["t"]})
    consumer.create_table("t", COLUMNS)
    told = 0
    for number in range(rounds):
        consumer.insert("t", [row(f"e{number}-{n}", 1, f"b{number}") for n in range(ROWS)])
        loader = threading.Thread(target=LOADERS[number % len(LOADERS)], args=(engine, number))
        if number:
            loader.start()
        first = consumer.start_build(runners[0], ["--threads", "8"])
        time.sleep(draw.choice([0, 0.05, 0.3, 1]))
        second = consumer.start_build(runners[1], ["--threads", "8"])
        ends = [first.result(), second.result()]
        if number:
            loader.join()
        for succeeded, said in ends:
            assert succeeded or STOPPED in said, f"round {number}: {said}"
            assert "Database Error" not in said, f"round {number}: {said}"
        told += sum(not succeeded for succeeded, _ in ends)
        assert any(succeeded for succeeded, _ in ends), f"round {number}: {ends}"
    consumer.build(args=["--threads", "8"])
    assert consumer.query(
        "select sum(value) as v from analytics.forensics__metric_versions where is_current"
    ) == (consumer.query("select sum(amount) as v from raw.t"))
    counted = "select count(*) as n, count(distinct event_id) as events from"
    expected = consumer.query(f"select count(*) as n, count(*) as events from {RAW_SCHEMA}.t")
    assert consumer.query(f"{counted} analytics.forensics__event_history") == expected
    assert consumer.query(f"{counted} analytics.forensics__ledger where effect = 1") == expected
    assert consumer.dbt(["test"]).success
    assert told > rounds / 3


@pytest.mark.engines_differ
def test_two_builds_at_once(engine: Engine, tmp_path: Path, runners: tuple[Killer, Killer]) -> None:
    play_rounds(engine, tmp_path, runners, rounds=3, seed=1)


@pytest.mark.slow
@pytest.mark.engines_differ
def test_two_builds_at_once_many_times(
    engine: Engine, tmp_path: Path, runners: tuple[Killer, Killer]
) -> None:
    play_rounds(engine, tmp_path, runners, rounds=30, seed=2)
