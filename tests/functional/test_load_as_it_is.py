"""What a file says is what lands: reverts, keys of folders, times in any year, and files that are refused."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_command_on_the_worked_example import STREAMS

from dbt_forensics.load.files import find_files
from dbt_forensics.load.run import Loader, LoadOptions
from dbt_forensics.load.target import find_target
from dbt_forensics.warehouse import DbtOptions
from dbt_forensics.writing import open_writing
from harness.engines import Engine
from harness.loading import load
from harness.project import Consumer

COLUMNS = {
    "id": "varchar",
    "amount": "numeric(10,2)",
    "dt": "date",
    "_loaded_at": "timestamp",
    "_load_id": "varchar",
}
A, B = "id,amount\ne1,30\n", "id,amount\ne1,119\n"


@pytest.fixture
def table(engine: Engine) -> Engine:
    engine.create_table("t", COLUMNS)
    return engine


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def amounts(engine: Engine) -> list[int]:
    rows = engine.query("select amount from raw.t order by _loaded_at, _load_id, id")
    return [int(row["amount"]) for row in rows]


def log(engine: Engine, columns: str) -> list[tuple[Any, ...]]:
    return [
        tuple(row.values())
        for row in engine.query(f"select {columns} from raw.forensics_load_log order by load_number")
    ]


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_a_return_to_an_earlier_content_lands(table: Engine, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    for text, status in (
        (A, "landed"),
        (A, "known"),
        (B, "landed"),
        (A, "landed"),
        (A, "known"),
        (B, "landed"),
    ):
        (outcome,) = load(table, [put(path, text)])
        assert outcome.status == status
    assert amounts(table) == [30, 119, 30, 119]
    assert len({load_id for (load_id,) in log(table, "load_id")}) == 4
    # It grows from what came last, and is cut back to what it was.
    for text, status, accepted in (
        (B + "e2,1\n", "grown", 1),
        (B, "landed", 1),
        (B + "e2,1\n", "grown", 1),
        (A + "e2,1\n", "landed", 2),
    ):
        (outcome,) = load(table, [put(path, text)])
        assert (outcome.status, outcome.accepted) == (status, accepted)
    assert log(table, "status")[4:] == [("grown",), ("landed",), ("grown",), ("landed",)]


def test_a_copy_lands_once_and_what_is_none_lands(table: Engine, tmp_path: Path) -> None:
    first, second = tmp_path / "n1.csv", tmp_path / "n2.csv"
    assert load(table, [put(first, A)])[0].status == "landed"
    (copy,) = load(table, [put(second, A)])
    assert (copy.status, copy.same_as) == ("known", "n1.csv")
    for path, text, status in (
        (second, B, "landed"),
        (second, A, "landed"),
        (first, A, "known"),
        (first, B, "landed"),
    ):
        assert load(table, [put(path, text)])[0].status == status
    assert amounts(table) == [30, 119, 30, 119]
    # A folder is as it was left: nothing lands, in whatever order its files first came.
    assert [one.status for one in load(table, [tmp_path])] == ["known", "known"]
    # A copy under a name of its own may be meant as a return.
    third = put(tmp_path / "n3.csv", A)
    assert load(table, [third])[0].status == "known"
    assert load(table, [third], landed_before="return")[0].status == "landed"
    assert [one.status for one in load(table, [tmp_path], landed_before="return")] == ["known"] * 3
    assert len(amounts(table)) == 5


def test_files_of_one_name_in_several_folders(table: Engine, tmp_path: Path) -> None:
    """Each day's file has the same name: each path is a file of its own, and what cannot be told is refused."""
    for day, text in (("05", A), ("06", B), ("07", "id,amount\ne2,1\n")):
        put(tmp_path / "landing" / day / "orders.csv", text)
    put(tmp_path / "landing" / "07" / "orders.csv.gz", "id,amount\ne3,1\n")
    assert [one.status for one in load(table, [tmp_path / "landing"])] == ["landed"] * 4
    for argument in ("landing", "landing/05/orders.csv", "landing/06/../05"):
        assert {one.status for one in load(table, [tmp_path / argument])} == {"known"}
    elsewhere = put(tmp_path / "download" / "orders.csv", A)
    for again in (False, True):
        (outcome,) = load(table, [elsewhere]) if not again else load(table, [elsewhere], dry_run=True)
        assert outcome.status == "refused"
        assert "from another path nobody can tell a copy from a return to it" in (outcome.refused or "")
    assert load(table, [elsewhere], landed_before="copy")[0].status == "known"
    assert load(table, [elsewhere], again=True)[0].status == "known"
    assert load(table, [elsewhere], landed_before="return")[0].status == "landed"
    assert load(table, [elsewhere])[0].status == "known"
    # A day without rows is no return to another one.
    empty = "id,amount\n"
    for day, text, status in (
        ("08", empty, "landed"),
        ("09", empty + "e9,1\n", "grown"),
        ("10", empty, "known"),
    ):
        assert load(table, [put(tmp_path / day / "daily.csv", text)])[0].status == status
    # What came last under the name is known from everywhere, and grows there.
    other = put(tmp_path / "other" / "orders.csv", A)
    assert load(table, [other])[0].status == "known"
    assert load(table, [other], landed_before="return")[0].status == "known"
    (grown,) = load(table, [put(other, A + "e4,1\n")])
    assert (grown.status, grown.accepted) == ("grown", 1)
    assert len(amounts(table)) == 7
    assert len(log(table, "1")) == 9  # with the refusal, written down once


def test_a_log_of_the_release_before_is_gone_on_with(table: Engine, tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", A)
    load(table, [path])
    for column in ("status", "refused_because", "missing_columns", "file_path", "folder_keys", "load_number"):
        table.execute(f"alter table raw.forensics_load_log drop column {column}")
    assert load(table, [path], dry_run=True)[0].status == "known"
    assert load(table, [path])[0].status == "known"
    assert [load(table, [put(path, text)])[0].status for text in (B, A, A)] == ["landed", "landed", "known"]
    assert amounts(table) == [30, 119, 30]


def test_a_return_is_the_last_word(engine: Engine, tmp_path: Path) -> None:
    """A publisher pushed a bad file and went back to that of the morning: the value is that of the morning."""
    stream = {
        **{
            name: STREAMS["orders"][name]
            for name in ("relation", "event_id", "event_time", "ingested_at", "batch_id")
        },
        "on_conflict": "last_wins",
        "metrics": {"revenue": {"agg": "sum", "expr": "amount"}},
    }
    consumer = Consumer(
        engine, tmp_path / "project", streams={"orders": stream}, sources={"shop": ["order_events"]}
    )
    consumer.write_project()
    path = tmp_path / "orders.csv"
    folder = str(tmp_path / "project")
    options = DbtOptions(folder, folder, vars='{"forensics_as_of": "2026-01-05 12:00:00"}')
    engine.release()
    with open_writing(options) as warehouse:
        for amount, status in ((30, "landed"), (119, "landed"), (30, "landed"), (30, "known")):
            path.write_text(f"event_id,occurred_at,amount\ne1,2026-01-05,{amount}\n")
            # As in a command of its own each time, all of them at the same time.
            loader = Loader(warehouse, find_target(warehouse, "orders", None), LoadOptions(create=True))
            assert [one.status for one in loader.load(find_files([str(path)]))] == [status]
    consumer.build(as_of="2026-01-05 13:00:00")
    (version,) = consumer.query(
        "select value from analytics.forensics__metric_versions where metric = 'revenue' and is_current"
    )
    assert version["value"] == 30


def test_folders_that_are_keys(table: Engine, tmp_path: Path) -> None:
    rows = pa.table({"id": ["e1"], "amount": [Decimal("30.00")]})
    for day in ("2026-01-05", "2026-01-06"):
        (tmp_path / f"dt={day}").mkdir()
        pq.write_table(rows, tmp_path / f"dt={day}" / "part.parquet")  # the same bytes are other rows
    put(tmp_path / "dt=2026-01-07" / "part.csv", A)
    put(tmp_path / "dt=2026-01-07" / "part.jsonl", '{"id":"e2","amount":30}\n')
    put(tmp_path / "dt=2026-01-07" / "part.json", '[{"id":"e3","dt":"2026-01-07"}]')
    put(tmp_path / "dt=__HIVE_DEFAULT_PARTITION__" / "part.csv", "id,amount\ne4,30\n")
    put(tmp_path / "dt=2026-01-08" / "part.csv", "id,dt\ne4,2026-01-09\n")
    put(tmp_path / "dt=soon" / "part.csv", "id\ne5\n")
    put(tmp_path / "country=DE" / "part.csv", "id\ne6\n")
    statuses = {str(one.file.path.relative_to(tmp_path)): one for one in load(table, [tmp_path])}
    refused = {name: one.refused for name, one in statuses.items() if one.status != "landed"}
    assert refused == {
        "country=DE/part.csv": "Its folder is named country=…, and the table has no column country: add it to the "
        "table, or load with --force to leave it out.",
        "dt=2026-01-08/part.csv": "Its folder says that dt is 2026-01-08, and its row 2 says 2026-01-09: take the "
        "column out of the file, or put the file into another folder.",
        "dt=soon/part.csv": "Its folder is named dt=soon, and the column dt has the type date: that value does not fit"
        " it without being changed.",
    }
    found = table.query("select id, cast(dt as varchar) as dt from raw.t order by 2, 1")
    assert sorted((str(row["dt"]), row["id"]) for row in found) == [
        ("2026-01-05", "e1"), ("2026-01-06", "e1"),
        ("2026-01-07", "e1"), ("2026-01-07", "e2"), ("2026-01-07", "e3"),
        ("None", "e4"),
    ]  # fmt: skip
    assert {one.status for one in load(table, [tmp_path / "dt=2026-01-05"])} == {"known"}
    names = log(table, "file_name, folder_keys, status")
    assert ("dt=2026-01-05/part.parquet", "dt=2026-01-05", "landed") in names
    assert ("country=DE/part.csv", "country=DE", "refused") in names
    # Whoever makes a table from such files gets the keys as columns.
    load(table, [tmp_path / "dt=2026-01-05", tmp_path / "dt=2026-01-07"], table="raw.made", create=True)
    made = table.query("select dt, count(*) as n from raw.made group by dt order by dt")
    assert [tuple(row.values()) for row in made] == [("2026-01-05", 1), ("2026-01-07", 3)]


def test_times_of_any_year_land_from_parquet(engine: Engine, tmp_path: Path) -> None:
    engine.create_table(
        "t", {"id": "varchar", "happened": "timestamp", "exact": "varchar", "share": "double precision"}
    )
    moments = [datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(1, 1, 1), None, datetime(2026, 1, 5)]
    column = pa.array(moments, pa.timestamp("us"))
    rows = {
        "id": list("abcd"),
        "happened": column,
        "exact": column,
        "share": pa.array([0.1] * 4, pa.float32()),
    }
    pq.write_table(pa.table(rows), tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    late = pa.array([1767574923000004123], pa.timestamp("ns"))
    rows = {"id": ["e"], "happened": late, "exact": late}
    pq.write_table(pa.table(rows), tmp_path / "b.parquet", use_deprecated_int96_timestamps=True)
    first, second = load(engine, [tmp_path])
    assert (first.accepted, second.accepted, dict(second.rejected)) == (4, 0, {"wrong_type:happened": 1})
    found = engine.query("select happened, exact, share from raw.t order by id")
    assert [row["happened"] for row in found] == moments
    assert found[0]["exact"] == "9999-12-31 23:59:59.999999000"
    assert {row["share"] for row in found} == {0.10000000149011612}
    (letter,) = engine.query("select content from raw.forensics_dead_letters")
    assert json.loads(letter["content"])["happened"] == "2026-01-05 01:02:03.000004123"


def test_a_refused_file_is_on_record(table: Engine, tmp_path: Path) -> None:
    put(tmp_path / "1.jsonl", '{"error":"rate limited"}\n')
    put(tmp_path / "2.csv", "id,amount,colour\ne1,30,red\n")
    put(tmp_path / "3.csv.gz", A).write_bytes(gzip.compress(A.encode())[:-4])
    put(tmp_path / "4.csv.zip", A)
    put(tmp_path / "5.parquet", "PAR1")
    put(tmp_path / "6.csv", "id\ne1\n")
    outcomes = load(table, [tmp_path])
    assert [one.status for one in outcomes] == ["refused"] * 5 + ["landed"]
    assert outcomes[5].missing == ["amount", "dt"]
    entries = log(
        table, "file_name, status, refused_because, read_count, content_digest is null, missing_columns"
    )
    assert [entry[:2] for entry in entries] == [
        ("1.jsonl", "refused"), ("2.csv", "refused"), ("3.csv", "refused"), ("4.csv.zip", "refused"),
        ("5.parquet", "refused"), ("6.csv", "landed"),
    ]  # fmt: skip
    assert [entry[2] for entry in entries] == [one.refused for one in outcomes]
    assert [entry[3:] for entry in entries] == [
        (0, False, None), (0, False, None), (0, True, None), (0, True, None), (0, False, None),
        (1, False, "amount, dt"),
    ]  # fmt: skip
    assert "the table has no colour" in entries[1][2]
    assert table.query("select 1 as x from raw.forensics_dead_letters") == []
    # Once more: nothing new is written. What was refused may come again, and what it says then is written.
    assert [one.status for one in load(table, [tmp_path])] == ["refused"] * 5 + ["known"]
    assert len(log(table, "1")) == 6
    put(tmp_path / "2.csv", "id,size\ne1,30\n")
    assert load(table, [tmp_path / "2.csv"], dry_run=True)[0].status == "refused"
    assert load(table, [tmp_path / "2.csv"])[0].status == "refused"
    table.execute("alter table raw.t add column size varchar")
    (landed,) = load(table, [tmp_path / "2.csv"])
    assert (landed.status, landed.missing) == ("landed", ["amount", "dt"])
    assert log(table, "file_name, status")[6:] == [("2.csv", "refused"), ("2.csv", "landed")]
    # A folder with nothing else in it is no other folder.
    put(tmp_path / "later" / "8.csv.zip", A)
    assert [one.status for one in load(table, [tmp_path / "later"])] == ["refused"]
    assert log(table, "file_name, status")[-1] == ("8.csv.zip", "refused")
    # A table that does not exist leaves its file on record too.
    (nothing,) = load(table, [put(tmp_path / "7.csv", "\n")], table="other.t", create=True)
    assert (nothing.status, nothing.load_id is None) == ("refused", False)
    assert table.query("select file_name from other.forensics_load_log") == [{"file_name": "7.csv"}]
