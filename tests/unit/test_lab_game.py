"""A broken copy of one's own stream: what was put in is in the copy, and the original stays as it is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dbt_forensics.errors import ForensicsError
from dbt_forensics.streams import Stream
from forensics_lab import game
from forensics_lab.game import GAME_KINDS, Source

STREAM = Stream(
    name="orders",
    relation="source.shop.orders",
    roles={
        "event_id": "id",
        "entity_id": '"customer no"',
        "event_time": "happened",
        "ingested_at": "loaded",
        "batch_id": "load",
    },
    payload=None,
    window="day",
    expected_delay=timedelta(hours=1),
    allowed_lateness=timedelta(days=3),
    on_conflict="first_wins",
    too_late="include",
    rules={},
    metrics={"total": {"agg": "sum", "expr": "amount"}},
    personal_data=frozenset(),
)
#: Ten days, a row a minute, a load an hour.
ROWS = """
    select
        'e' || i as id, i % 50 as "customer no", timestamp '2026-03-01' + to_seconds(i * 60) as happened,
        timestamp '2026-03-01' + to_seconds(i * 60 // 3600 * 3600 + 3700) as loaded,
        i * 60 // 3600 as load, cast(10 + i % 7 as decimal(10, 2)) as amount, 'n' || i % 3 as note, i % 4 as kind
    from range(14400) as t (i)
"""
#: How many rows a medium failure adds, and how many it takes away; a row that is changed is both.
CHANGES = {
    "retry_storm": (48, 0),
    "load_repeated": (60, 0),
    "held_back": (792, 792),
    "window_lost": (0, 1440),
    "no_values": (54, 54),
    "no_times": (18, 18),
    "load_deleted": (0, 36),
    "one_entity": (45, 0),
    "out_of_range": (18, 18),
}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    file = tmp_path / "orders.parquet"
    duckdb.sql(f"copy ({ROWS}) to '{file}'")
    return Source(STREAM, f"'{file}'", None)


def rows(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("kind", CHANGES)
def test_what_was_put_in_is_in_the_copy_and_nothing_else(kind: str, source: Source, tmp_path: Path) -> None:
    out = tmp_path / "broken.parquet"
    line = game.play(source, kind, "medium", str(out))
    counts = [
        rows(f"select count(*) from (from {one} except all from {other})")[0][0]
        for one, other in ((f"'{out}'", source.relation), (source.relation, f"'{out}'"))
    ]
    assert tuple(counts) == CHANGES[kind]
    assert line["first_bad_at"] >= "2026-03-09"
    assert json.loads(Path(f"{out}.json").read_text(encoding="utf-8")) == json.loads(json.dumps(line))
    types = "select column_name, column_type from (describe from {})"
    assert rows(types.format(f"'{out}'")) == rows(types.format(source.relation))


@pytest.mark.parametrize("kind", GAME_KINDS)
def test_each_kind_can_be_played(kind: str, source: Source, tmp_path: Path) -> None:
    line = game.play(source, kind, "medium", str(tmp_path / "broken.csv"))
    assert line["kind"] == kind
    assert line["rows"] > 0


def test_ids_of_the_lab_fit_the_type_of_the_column(source: Source, tmp_path: Path) -> None:
    out = tmp_path / "broken.parquet"
    game.play(source, "one_entity", "medium", str(out))
    flood = rows(f"""select distinct "customer no" from '{out}' where "customer no" > 1000""")
    assert flood == [(1_000_000_127,)]
    assert rows(f"select count(*) from '{out}' where id like 'lab-event-%'") == [(45,)]


def test_a_day_and_a_seed(source: Source, tmp_path: Path) -> None:
    day = datetime(2026, 3, 5)
    lines = [
        game.play(source, "load_rewritten", "severe", str(tmp_path / f"{number}.parquet"), seed, day)
        for number, seed in enumerate((7, 7, 8))
    ]
    assert lines[0]["first_bad_at"].startswith("2026-03-05 12:00")
    assert lines[0]["window_from"] == lines[1]["window_from"]
    first, second, third = (rows(f"from '{tmp_path}/{number}.parquet' order by id") for number in range(3))
    assert first == second != third


def test_a_table_of_the_database_is_made_and_the_relation_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "file.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"create schema shop; create table shop.orders as {ROWS}")
    source = Source(STREAM, '"file"."shop"."orders"', database)
    game.play(source, "window_lost", "medium", "shop.broken")
    with duckdb.connect(str(database)) as connection:
        left, made = (
            connection.execute(f"select count(*) from shop.{name}").fetchall()
            for name in ("orders", "broken")
        )
        assert (left, made) == ([(14400,)], [(12960,)])
    assert json.loads(Path("shop.broken.json").read_text(encoding="utf-8"))["out"] == "shop.broken"
    with pytest.raises(ForensicsError, match="already exists"):
        game.play(source, "window_lost", "medium", "shop.broken")


@pytest.mark.parametrize(
    ("kind", "out", "sentence"),
    [
        ("window_lost", "broken.xlsx", r"broken\.xlsx is neither a \.parquet or \.csv file nor a <schema>"),
        ("column_added", "broken.csv", "column_added cannot be put into a copy of a stream: give one of "),
        ("window_lost", "there.csv", r"there\.csv exists: name a new file\."),
    ],
)
def test_what_cannot_be_made_is_refused(
    kind: str, out: str, sentence: str, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.csv").touch()
    with pytest.raises(ForensicsError, match=sentence):
        game.play(source, kind, "medium", out)


def test_what_a_stream_cannot_have_is_said(source: Source, tmp_path: Path) -> None:
    small = replace(source, relation=f"(from {source.relation} limit 40)")
    with pytest.raises(ForensicsError, match="load_cut_off cannot happen to orders then"):
        game.play(small, "load_cut_off", "medium", str(tmp_path / "broken.csv"))
    computed = replace(
        source, stream=replace(STREAM, roles={**STREAM.roles, "event_time": "happened + interval 1 hour"})
    )
    with pytest.raises(ForensicsError, match="orders has no column that is its event_time"):
        game.play(computed, "no_times", "medium", str(tmp_path / "broken.csv"))
