"""Files land once, whole or not at all, and every record is accounted for."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from copy import copy
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dbt_forensics.load.files import find_files
from dbt_forensics.load.run import Loader, LoadOptions
from dbt_forensics.load.target import find_target
from dbt_forensics.warehouse import DbtOptions
from dbt_forensics.writing import open_writing
from harness.engines import DuckDB, Engine, Postgres
from harness.loading import load, warehouse_of
from harness.project import PACKAGE

COLUMNS = {
    "id": "varchar",
    "amount": "numeric(10,2)",
    "note": "text",
    "_loaded_at": "timestamp",
    "_load_id": "varchar",
}


@pytest.fixture
def table(engine: Engine) -> Engine:
    engine.create_table("t", COLUMNS)
    return engine


def jsonl(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def rows_of(engine: Engine, columns: str = "id, amount", table: str = "raw.t") -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in engine.query(f"select {columns} from {table} order by 1")]


def letters(engine: Engine) -> list[tuple[Any, ...]]:
    found = engine.query(
        "select line_number, reason, column_name, expected, content, is_base64, repaired_by_load_id is null as is_open "
        "from raw.forensics_dead_letters order by load_id, line_number"
    )
    return [tuple(row.values()) for row in found]


def test_a_file_lands_with_its_log_and_dead_letters(table: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        jsonl({"id": "a", "amount": 1.5}).encode() + b'{"id":"b","amount":"x"}\nnope\n{"id":"\xff"}\n'
    )
    (outcome,) = load(table, [path])
    assert (outcome.status, outcome.read, outcome.accepted, outcome.duplicate) == ("landed", 4, 1, 0)
    assert outcome.rejected == Counter({"wrong_type:amount": 1, "invalid_json": 1, "invalid_utf8": 1})
    expected = "decimal(10,2)" if table.name == "duckdb" else "numeric(10,2)"
    assert letters(table) == [
        (2, "wrong_type", "amount", expected, '{"id":"b","amount":"x"}', False, True),
        (3, "invalid_json", None, None, "nope", False, True),
        (4, "invalid_utf8", None, None, "eyJpZCI6Iv8ifQ==", True, True),
    ]
    (entry,) = table.query("select * from raw.forensics_load_log")
    (row,) = table.query("select * from raw.t")
    assert (row["id"], row["amount"], row["note"]) == ("a", Decimal("1.50"), None)
    assert (row["_loaded_at"], row["_load_id"]) == (entry["loaded_at"], entry["load_id"])
    assert {
        name: entry[name] for name in ("relation", "file_name", "file_bytes", "content_digest", "last_line")
    } == {
        "relation": "raw.t",
        "file_name": "a.jsonl",
        "file_bytes": path.stat().st_size,
        "content_digest": outcome.digest,
        "last_line": 4,
    }
    assert entry["loader_version"] == "0.1.0"
    assert (entry["read_count"], entry["accepted_count"], entry["rejected_count"]) == (4, 1, 3)


def test_the_same_content_lands_once(table: Engine, tmp_path: Path) -> None:
    text = jsonl({"id": "a"}, {"id": "b"}).encode()
    (tmp_path / "a.jsonl").write_bytes(text)
    assert load(table, [tmp_path / "a.jsonl"])[0].status == "landed"
    (tmp_path / "copy.jsonl.gz").write_bytes(gzip.compress(text))
    pq.write_table(pa.table({"id": ["a", "b"]}), tmp_path / "a.parquet")
    outcomes = load(
        table, [tmp_path / "a.jsonl", tmp_path / "copy.jsonl.gz", tmp_path / "a.parquet", tmp_path]
    )
    # Another format is another content; within one run a file is named once.
    assert [(one.status, one.accepted, one.duplicate) for one in outcomes] == [
        ("known", 0, 2),
        ("known", 0, 2),
        ("landed", 2, 0),
    ]
    assert load(table, [tmp_path / "a.parquet"])[0].status == "known"
    assert len(rows_of(table)) == 4
    assert load(table, [tmp_path / "a.jsonl"], table="raw.other", create=True)[0].status == "landed"


@pytest.mark.parametrize("ending", ["jsonl", "csv.gz"])
def test_a_file_that_grew_lands_its_new_lines(table: Engine, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"

    def write(text: str) -> None:
        path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())

    if ending == "jsonl":
        parts = [
            jsonl({"id": "a"}),
            "nope\n" + jsonl({"id": "b"}),
            jsonl({"id": "c"})[:-1],
            "\n" + jsonl({"id": "d"}),
        ]
    else:
        parts = ["id,amount\na,1\n", 'b\n"b\n",2\n', "c,3", "\nd,4\n"]
    found = []
    for end in range(1, 5):
        write("".join(parts[:end]))
        (outcome,) = load(table, [path])
        found.append(
            (outcome.status, outcome.read, outcome.accepted, outcome.duplicate, outcome.rejected.total())
        )
    assert found == [
        ("landed", 1, 1, 0, 0),
        ("grown", 3, 1, 1, 1),
        ("grown", 4, 1, 2, 1),
        ("grown", 5, 1, 3, 1),
    ]
    assert [row[0].strip() for row in rows_of(table)] == ["a", "b", "c", "d"]
    assert len(letters(table)) == 1
    batches = table.query("select count(*) as n from raw.t group by _load_id")
    assert [row["n"] for row in batches] == [1, 1, 1, 1]
    write("".join(parts) + "x")
    other = tmp_path / "elsewhere"
    other.mkdir()
    path.rename(other / f"b.{ending}")
    # Under another name it is another file: only what is equal as a whole is known.
    assert load(table, [other / f"b.{ending}"])[0].status in ("landed", "refused")


def test_a_last_line_that_went_on_is_refused(table: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,amount\na,1")
    assert load(table, [path])[0].accepted == 1
    path.write_text("id,amount\na,12\nb,2\n")
    (outcome,) = load(table, [path])
    assert outcome.status == "refused"
    assert "Line 2 goes on where it ended when the file was loaded before" in (outcome.refused or "")
    assert rows_of(table) == [("a", Decimal(1))]


@pytest.mark.parametrize(
    ("ending", "known", "last", "more"),
    [
        ("csv", "id,amount\na,x\n", "b,1", "2\nc,3\n"),
        ("jsonl", '{"id":"a","amount":"x"}\n', '{"id":"b"}', '{"id":"c"}\n'),
        ("json", '{"id":"a","amount":"x"} {"id":"b"}\n', "5", "6\n"),
    ],
)
def test_a_last_record_that_went_on_is_refused_beside_one_that_was_rejected(
    table: Engine, tmp_path: Path, ending: str, known: str, last: str, more: str
) -> None:
    """The known lines are read again for the rejected one; half a record that landed is not taken for a whole one."""
    path = tmp_path / f"a.{ending}"
    path.write_text(known + last)
    (first,) = load(table, [path])
    assert (first.accepted, load(table, [path])[0].status) == (1, "known")
    path.write_text(known + last + more)
    (outcome,) = load(table, [path])
    # What was rejected may go on: it is tried again as it is now.
    went_on = ending != "json"
    assert outcome.status == ("refused" if went_on else "grown")
    assert ("goes on where it ended" in (outcome.refused or "")) == went_on
    assert len(rows_of(table)) == 1
    assert [letter[4] for letter in letters(table)][1:] == ([] if went_on else ["56"])


@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_a_file_that_grew_by_a_wrong_line_is_still_the_right_file(
    table: Engine, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    known = '{"id":"a"}\n' if ending == "jsonl" else '[{"id":"a"}]\n'
    path.write_text(known)
    load(table, [path])
    path.write_text(known + "Total: one row\n")
    (outcome,) = load(table, [path])
    count = 1 if ending == "jsonl" else 3  # words, of what has no lines
    assert (outcome.status, outcome.rejected) == ("grown", Counter({"invalid_json": count}))
    assert rows_of(table) == [("a", None)]


def test_rejected_lines_land_after_the_table_was_repaired(table: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        jsonl({"id": "a", "amount": 1}, {"id": "b", "amount": 123456789}, {"id": "c", "amount": "x"})
    )
    (first,) = load(table, [path])
    assert (first.accepted, first.rejected.total()) == (1, 2)
    (again,) = load(table, [path])
    assert (again.status, again.read, again.accepted, again.duplicate) == ("known", 3, 0, 1)
    assert again.rejected == Counter({"wrong_type:amount": 2})
    table.execute("alter table raw.t alter column amount type numeric(18, 2)")
    (repaired,) = load(table, [path])
    assert (repaired.status, repaired.read, repaired.accepted, repaired.duplicate) == ("repaired", 3, 1, 1)
    assert repaired.rejected == Counter({"wrong_type:amount": 1})
    assert [letter[0:2] + letter[-1:] for letter in letters(table)] == [
        (2, "wrong_type", False),
        (3, "wrong_type", True),
    ]
    assert rows_of(table) == [("a", Decimal(1)), ("b", Decimal(123456789))]
    with path.open("a") as file:  # it grows: what is open is tried once more, what landed is not
        file.write(jsonl({"id": "d", "amount": "y"}, {"id": "e"}))
    (grown,) = load(table, [path])
    assert (grown.status, grown.read, grown.accepted, grown.duplicate) == ("grown", 5, 1, 2)
    assert grown.rejected == Counter({"wrong_type:amount": 2})
    assert len(letters(table)) == 3


def test_rows_that_are_gone_land_as_they_were(table: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(jsonl({"id": "a"}, {"id": "b", "amount": "x"}))
    load(table, [path])
    with path.open("a") as file:
        file.write(jsonl({"id": "c"}))
    load(table, [path])
    before = rows_of(table, "*")
    assert load(table, [path], again=True)[0].status == "known"
    table.execute("delete from raw.t where id = 'c'")
    (outcome,) = load(table, [path], again=True)
    assert "1 of the 2 rows that it landed are still in the table" in (outcome.refused or "")
    table.execute("delete from raw.t")
    assert load(table, [path])[0].status == "known"
    (outcome,) = load(table, [path], again=True)
    assert (outcome.status, outcome.read, outcome.accepted, outcome.rejected.total()) == ("restored", 3, 2, 1)
    assert rows_of(table, "*") == before
    assert load(table, [path], again=True)[0].status == "known"
    assert len(letters(table)) == 1
    table.execute("delete from raw.t")
    with path.open("a") as file:
        file.write(jsonl({"id": "d"}))
    (outcome,) = load(table, [path], again=True)
    assert (outcome.status, outcome.accepted) == ("restored", 3)
    assert rows_of(table, "*")[:2] == before
    assert load(table, [path], again=True)[0].status == "known"


def test_dry_run_counts_and_writes_nothing(table: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,amount\na,1\nb,x\n")
    for _ in range(2):
        (outcome,) = load(table, [path], dry_run=True)
        assert (outcome.status, outcome.accepted, outcome.rejected.total()) == ("landed", 1, 1)
    tables = table.query(
        "select table_name as name from information_schema.tables where table_schema = 'raw'"
    )
    assert tables == [{"name": "t"}]
    assert rows_of(table) == []
    load(table, [path])
    assert load(table, [path], dry_run=True)[0].duplicate == 1
    (outcome,) = load(table, [path], table="raw.fresh", dry_run=True, create=True)
    assert outcome.accepted == 2
    assert table.query("select 1 as x from information_schema.tables where table_name = 'fresh'") == []


def test_a_refused_file_leaves_nothing_and_stops_no_other(table: Engine, tmp_path: Path) -> None:
    good = jsonl(*({"id": str(number)} for number in range(100_000)))
    (tmp_path / "1.jsonl").write_text(good + '{"id":')
    (tmp_path / "2.csv").write_text("<!DOCTYPE html>\n")
    (tmp_path / "3.jsonl.gz").write_bytes(gzip.compress(os.urandom(1) + good.encode())[:-20])
    (tmp_path / "4.parquet").write_bytes(b"PAR1 PAR1")
    (tmp_path / "5.jsonl").write_text("")
    (tmp_path / "6.jsonl").write_text(good)
    outcomes = load(table, [tmp_path])
    assert [one.status for one in outcomes] == ["refused", "refused", "refused", "refused", "empty", "landed"]
    assert "Its last line, 100,001, has no end" in (outcomes[0].refused or "")
    assert len(rows_of(table)) == 100_000
    entries = table.query(
        "select file_name, status, accepted_count from raw.forensics_load_log order by load_number"
    )
    assert [tuple(row.values()) for row in entries] == [
        ("1.jsonl", "refused", 0), ("2.csv", "refused", 0), ("3.jsonl", "refused", 0), ("4.parquet", "refused", 0),
        ("6.jsonl", "landed", 100_000),
    ]  # fmt: skip


@pytest.mark.engines_differ
def test_what_the_engine_does_not_take_refuses_the_file(engine: Engine, tmp_path: Path) -> None:
    engine.execute("create table raw.t (id varchar primary key, amount numeric(10,2) not null)")
    (tmp_path / "a.csv").write_text("id,amount\na,1\n,2\nc,\n")
    (outcome,) = load(engine, [tmp_path / "a.csv"])
    assert outcome.rejected == Counter({"null_not_allowed:id": 1, "null_not_allowed:amount": 1})
    (tmp_path / "b.csv").write_text("id,amount\nb,1\na,1\n")
    (outcome,) = load(engine, [tmp_path / "b.csv"])
    assert (outcome.refused or "").startswith("The engine did not take it (")
    assert rows_of(engine) == [("a", Decimal(1))]
    (tmp_path / "c.csv").write_text("id\nc\n")
    assert "amount (not null) is missing" in (load(engine, [tmp_path / "c.csv"])[0].refused or "")


def test_a_default_is_no_value_of_a_file(engine: Engine, tmp_path: Path) -> None:
    """What a file says nothing of is NULL; only a column that takes no NULL has its default, if it is not named."""
    engine.execute(
        "create table raw.t (id varchar, status varchar default 'new', n integer not null default 7, "
        f"twice integer generated always as (2 * n) {'virtual' if engine.name == 'duckdb' else 'stored'})"
    )
    (tmp_path / "1.jsonl").write_text(jsonl({"id": "a", "n": 1, "status": None}, {"id": "b", "n": 1}))
    (tmp_path / "2.jsonl").write_text(jsonl({"id": "c", "status": "x"}))
    (tmp_path / "3.jsonl").write_text(jsonl({"id": "d", "n": None}, {"id": "e", "n": 2}))
    (tmp_path / "4.csv").write_text("id,n\nf,\ng,3\n")
    (tmp_path / "5.csv").write_text("id\nh\n")
    # In stretches of their own, as many at a time.
    some = [{"id": "i", "n": 4, "status": "x"}] * 30_000 + [{"id": "j", "n": 4, "status": None}] * 60_000
    (tmp_path / "6.jsonl").write_text(jsonl(*some, *[{"id": "k", "n": None}] * 60_000))
    outcomes = load(engine, [tmp_path])
    assert [one.refused for one in outcomes] == [None] * 6
    assert sum((one.rejected for one in outcomes), Counter()) == {"null_not_allowed:n": 60_002}
    found = engine.query(
        "select id, status, n, twice, count(*) as rows from raw.t group by 1, 2, 3, 4 order by 1"
    )
    assert [tuple(row.values()) for row in found] == [
        ("a", None, 1, 2, 1), ("b", None, 1, 2, 1), ("c", "x", 7, 14, 1), ("e", None, 2, 4, 1), ("g", None, 3, 6, 1),
        ("h", None, 7, 14, 1), ("i", "x", 4, 8, 30_000), ("j", None, 4, 8, 60_000),
    ]  # fmt: skip


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    table: Engine, tmp_path: Path, file_format: str
) -> None:
    path = tmp_path / f"a.{file_format}"
    if file_format == "parquet":
        pq.write_table(pa.table({"id": [str(number) for number in range(10)]}), path)
    else:
        path.write_text("id\na\n" if file_format == "csv" else jsonl({"id": "a"}))
    warehouse = warehouse_of(table)

    def grow(file: Any, size: int) -> None:
        with path.open("ab") as stream:
            stream.write(b"\n")

    loader = Loader(warehouse, find_target(warehouse, None, "raw.t"), LoadOptions(), grow)
    (outcome,) = loader.load(find_files([str(path)]))
    assert outcome.status == "refused"
    assert "It changed while it was read" in (outcome.refused or "")
    assert rows_of(table) == []


@pytest.mark.engines_differ
def test_hostile_values_land_as_they_are(table: Engine, tmp_path: Path) -> None:
    values = [
        "\\.", "a\n\\.\nb", "\\N", "", " ", "NULL", "null", '"', '""', "'); drop table raw.t; --", "{{ x }}",
        "%s", "\t\\t", "\r\n",
        "\u202e", "😀", "x" * 1_000_000, "a,b;c|d", "\\x00", "\x01\x1f\x7f",
    ]  # fmt: skip
    rows = [{"id": f"{number:02}", "note": value} for number, value in enumerate(values)]
    (tmp_path / "a.jsonl").write_text(jsonl(*rows))
    (tmp_path / "b.csv").write_text(
        "id,note\n" + "".join('{},"{}"\n'.format(row["id"], row["note"].replace('"', '""')) for row in rows),
        newline="",
    )
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c.parquet")
    for outcome in load(table, [tmp_path]):
        assert (outcome.accepted, outcome.rejected, outcome.refused) == (len(values), Counter(), None)
    for batch in table.query("select distinct _load_id as id from raw.t"):
        found = table.query(f"select note from raw.t where _load_id = '{batch['id']}' order by id")
        assert [row["note"] for row in found] == values


@pytest.mark.engines_differ
def test_every_type_lands(engine: Engine, tmp_path: Path) -> None:
    columns = {
        "i": "integer", "b": "bigint", "n": "numeric(38,9)", "d": "double precision", "r": "real",
        "o": "boolean", "day": "date",
        "moment": "timestamp", "zoned": "timestamp with time zone", "u": "uuid", "j": "json",
        "v": "varchar(3)", "c": "time",
    }  # fmt: skip
    engine.create_table("t", columns)
    row = {
        "i": -5, "b": 9223372036854775807, "n": "12345678901234567890123456789.123456789", "d": 0.1, "r": 1.5,
        "o": True,
        "day": "2024-02-29", "moment": "2026-01-05T10:00:00.123456+02:00", "zoned": "2026-01-05T10:00:00Z",
        "u": "123e4567-e89b-12d3-a456-426614174000", "j": {"a": [1]}, "v": "äöü", "c": "10:00",
    }  # fmt: skip
    (tmp_path / "a.jsonl").write_text(jsonl(row, {"i": 1}))
    (outcome,) = load(engine, [tmp_path / "a.jsonl"])
    assert (outcome.accepted, outcome.rejected) == (2, Counter())
    (found,) = engine.query(
        "select i, b, n, d, r, o, cast(day as varchar) as day, moment, cast(u as varchar) as u, v"
        " from raw.t where i = -5"
    )
    assert found["n"] == Decimal("12345678901234567890123456789.123456789")
    assert (found["d"], found["r"], found["o"], found["day"]) == (0.1, 1.5, True, "2024-02-29")
    assert (found["moment"], found["u"], found["v"]) == (
        datetime(2026, 1, 5, 8, 0, 0, 123456),
        row["u"],
        "äöü",
    )
    zone = engine.query(
        "select zoned = timestamp with time zone '2026-01-05 10:00:00+00' as is_same from raw.t where i = -5"
    )
    assert zone == [{"is_same": True}]


@pytest.mark.engines_differ
def test_a_whole_number_is_not_rounded(engine: Engine, tmp_path: Path) -> None:
    """Of a fraction a float holds the nearest, as always; of a whole number another one. Floats come back from text."""
    engine.create_table("t", {"d": "double precision", "r": "real"})
    doubles = [
        "9007199254740993",
        "-9007199254740993.0",
        "9007199254740992",
        "123456789012345680000",
        "1e23",
        "0.1",
    ]
    reals = ["16777217", "16777216", "123456790", "36893488147419103232", "0.1"]
    kept = {"d": [float(text) for text in doubles[2:]], "r": [float(text) for text in reals[1:]]}
    for name, texts in (("d", doubles), ("r", reals)):
        first = (
            f'{{"{name}":1}}\n' * 100_000
        )  # a stretch of its own, so that the rest are read many at a time
        (tmp_path / f"{name}.jsonl").write_text(first + "".join(f'{{"{name}":{text}}}\n' for text in texts))
        (tmp_path / f"{name}.csv").write_text(f"{name}\n" + "\n".join(texts) + "\n")
        for ending in ("csv", "jsonl"):
            engine.execute("delete from raw.t")
            (outcome,) = load(engine, [tmp_path / f"{name}.{ending}"])
            assert outcome.rejected == Counter({f"wrong_type:{name}": len(texts) - len(kept[name])})
            found = [
                row[name]
                for row in engine.query(f"select {name} from raw.t where {name} <> 1 order by {name}")
            ]
            assert found == pytest.approx(sorted(kept[name]), rel=1e-6)
    pq.write_table(pa.table({"d": [2**53, 2**53 + 1]}), tmp_path / "e.parquet")
    assert load(engine, [tmp_path / "e.parquet"])[0].rejected == Counter({"wrong_type:d": 1})


def test_json_in_a_text_file_lands_as_it_is(engine: Engine, tmp_path: Path) -> None:
    """As Python writes it, with escapes: pairs of surrogates are characters, and two backslashes are one."""
    engine.create_table("t", {"id": "varchar", "doc": "jsonb" if engine.name == "postgres" else "json"})
    texts = {
        "a": '{"x": "\\ud83d\\ude00"}',
        "b": '{"p": "C:\\\\u0000\\\\ud83d"}',
        "c": '"\\ud83d"',
        "d": '["\\u0000"]',
        "e": '{"k": 1, "k": 2}',
    }
    pq.write_table(pa.table({"id": list(texts), "doc": list(texts.values())}), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text(
        "id,doc\n" + "".join('{},"{}"\n'.format(key, text.replace('"', '""')) for key, text in texts.items())
    )
    # jsonb would keep the last of two equal keys.
    landed = "aabb" if engine.name == "postgres" else "aabbee"
    for outcome in load(engine, [tmp_path]):
        assert outcome.rejected == Counter({"wrong_type:doc": 5 - len(landed) // 2})
    found = engine.query("select id, cast(doc as varchar) as doc from raw.t order by id")
    assert "".join(row["id"] for row in found) == landed
    assert [json.loads(row["doc"]) for row in found[:4:2]] == [{"x": "\U0001f600"}, {"p": "C:\\u0000\\ud83d"}]


def test_types_that_are_not_written_are_named(engine: Engine, tmp_path: Path) -> None:
    engine.create_table("t", {"id": "varchar", "tags": "integer[]"})
    (tmp_path / "a.jsonl").write_text(jsonl({"id": "a", "tags": [1]}))
    refused = load(engine, [tmp_path / "a.jsonl"])[0].refused or ""
    words = "integer[]" if engine.name == "duckdb" else "array"
    assert (
        f"the table's tags has the type {words}, and dbt-forensics load writes text, whole numbers" in refused
    )
    (tmp_path / "b.csv").write_text("id,tags,colour\na,1,red\n")
    assert "the table has no colour;" in (load(engine, [tmp_path / "b.csv"])[0].refused or "")
    assert load(engine, [tmp_path / "a.jsonl"], force=True)[0].accepted == 1


def test_create_makes_the_table_from_the_file(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('Id,"a ""b"""\n1,x\n')
    pq.write_table(
        pa.table(
            {
                "id": [1],
                "amount": pa.array([Decimal("1.50")], pa.decimal128(10, 2)),
                "at": [datetime(2026, 1, 5)],
            }
        ),
        tmp_path / "b.parquet",
    )
    (tmp_path / "c.jsonl").write_text('{"id":1.10}\n{"id":"x","more":[1]}\n')
    for name in ("a.csv", "b.parquet", "c.jsonl"):
        assert load(engine, [tmp_path / name], table=f"new.{name[0]}", create=True)[0].refused is None
    types = engine.query(
        "select table_name as t, column_name as c, data_type as d from information_schema.columns "
        "where table_schema = 'new' and table_name in ('a', 'b', 'c') "
        "and column_name not in ('_loaded_at', '_load_id') "
        "order by 1, ordinal_position"
    )
    found = [(row["t"], row["c"], row["d"].lower().split("(")[0].split(" ")[0]) for row in types]
    text, number = ("varchar", "decimal") if engine.name == "duckdb" else ("character", "numeric")
    assert found == [
        ("a", "Id", text), ("a", 'a "b"', text), ("b", "id", "bigint"), ("b", "amount", number),
        ("b", "at", "timestamp"),
        ("c", "id", text), ("c", "more", text),
    ]  # fmt: skip
    assert rows_of(engine, "id, more", "new.c") == [("1.10", None), ("x", "[1]")]
    assert engine.query(
        "select count(*) as n from new.a where _load_id is not null and _loaded_at is not null"
    ) == [{"n": 1}]


def test_no_table_is_made_from_what_is_none(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("")
    (tmp_path / "2.jsonl.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "3.csv").write_bytes(b"id,n\ra,1\r")
    (tmp_path / "4.csv").write_bytes("id,n\na,1\n".encode("utf-16"))
    (tmp_path / "5.parquet").write_bytes(b"")
    (tmp_path / "7.csv").write_text("id,n\na,1\n")
    for dry_run in (True, False):
        outcomes = load(engine, [tmp_path], create=True, dry_run=dry_run)
        statuses = ["empty", "empty", *["refused"] * 3, "landed"]
        assert [one.status for one in outcomes] == statuses
        assert [(one.refused or "").partition(":")[0] for one in outcomes[2:4]] == [
            "Its lines end with a carriage return alone",
            "It is UTF-16",
        ]
    assert rows_of(engine, "id, n") == [("a", "1")]
    assert load(engine, [tmp_path / "1.csv"])[0].status == "empty"


# Processes

KILLED = """
import os, signal, sys
from dbt_forensics import writing
from dbt_forensics.cli import main
left = int(sys.argv.pop(1))
for engine in (writing.DuckDBWriting, writing.PostgresWriting):
    def append(self, *given, _append=engine.append):
        global left
        _append(self, *given)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    engine.append = append
sys.argv[0] = "dbt-forensics"
main()
"""


def project(engine: Engine, folder: Path) -> list[str]:
    """A dbt project without the package's tests around it; returns dbt's options for it."""
    from harness.project import Consumer

    consumer = Consumer(engine, folder, streams={}, sources={"shop": ["t"]})
    consumer.write_project()
    return ["--project-dir", str(folder), "--profiles-dir", str(folder)]


def start(arguments: list[str], killed_at: int | None = None) -> subprocess.Popen[str]:
    program = ["-m", "dbt_forensics"] if killed_at is None else ["-c", KILLED, str(killed_at)]
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        env={**os.environ, "PYTHONPATH": str(PACKAGE / "scripts")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.gate
@pytest.mark.engines_differ
def test_a_killed_load_leaves_nothing(table: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        jsonl(*({"id": str(number), "amount": number, "note": "x" * 400} for number in range(25_000)))
        + "nope\n"
    )
    options = project(table, tmp_path / "project")
    given = ["load", str(path), "--relation", "raw.t", "--json", *options]
    # After the first rows; after the entry in the log, before the commit.
    for calls in (1, 5):
        table.release()
        process = start(given, calls)
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL
        if isinstance(table, Postgres):
            table.wait_until_alone()
        assert rows_of(table) == []
        made = table.query("select 1 as x from information_schema.tables where table_name like 'forensics_%'")
        assert made == []
    table.release()
    process = start(given)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (1, "")
    assert json.loads(out)["total"]["accepted"] == 25_000
    assert len(rows_of(table)) == 25_000
    assert len(letters(table)) == 1


@pytest.mark.gate
@pytest.mark.engines_differ
def test_two_processes_at_once(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(jsonl(*({"id": str(number), "note": "x" * 400} for number in range(20_000))) + "nope\n")
    options = project(engine, tmp_path / "project")
    engine.release()
    processes = [
        start(["load", str(path), "--relation", "raw.t", "--create", "--json", *options]) for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in processes]
    if isinstance(
        engine, DuckDB
    ):  # one process has the file; the other comes later, or says that it cannot have it
        assert all(not err or "no other process holds the database" in err for _, err in said)
    else:
        assert [err for _, err in said] == ["", ""]
        totals = [json.loads(out)["total"] for out, _ in said]
        assert sorted(total["accepted"] for total in totals) == [0, 20_000]
        assert sorted(total["duplicate"] for total in totals) == [0, 20_000]
    assert len(rows_of(engine, "id")) == 20_000
    assert len(letters(engine)) == 1
    assert engine.query("select count(*) as n from raw.forensics_load_log") == [{"n": 1}]


@pytest.mark.gate
def test_two_first_loads_into_one_schema(
    engine_named: Callable[[str], AbstractContextManager[Engine]], tmp_path: Path
) -> None:
    """Each makes the schema, for a table of its own: the second waits for the first."""
    path = tmp_path / "a.jsonl"
    path.write_text(jsonl({"id": "a"}))
    with engine_named("postgres") as engine, ThreadPoolExecutor() as threads:
        others = [copy(engine) for _ in range(4)]
        for other in others:
            other._connection = None
        loads = [
            threads.submit(load, other, [path], table=f"new.t{number}", create=True)
            for number, other in enumerate(others)
        ]
        assert [one.result()[0].refused for one in loads] == [None] * 4
        for other in others:
            other.release()


def test_duckdb_is_bounded_while_files_are_loaded_and_not_else(
    engine_named: Callable[[str], AbstractContextManager[Engine]], tmp_path: Path
) -> None:
    """Without the bound a load takes most of the machine's memory; with it a plan of an action does not fit into it."""
    bounded: list[Any] = []

    def note_limit(*_: Any) -> None:
        bounded.append(warehouse.query("select current_setting('memory_limit') as given")[0]["given"])

    with engine_named("duckdb") as engine:
        engine.create_table("t", COLUMNS)
        path = tmp_path / "a.jsonl"
        path.write_text(jsonl({"id": "1"}))
        options = project(engine, tmp_path / "project")
        before = engine.query("select current_setting('memory_limit') as given")[0]["given"]
        engine.release()
        with open_writing(DbtOptions(options[1], options[3])) as warehouse:
            note_limit()
            loader = Loader(warehouse, find_target(warehouse, None, "raw.t"), LoadOptions(), note_limit)
            assert [outcome.status for outcome in loader.load(find_files([str(path)]))] == ["landed"]
    assert bounded[0] == before
    assert set(bounded[1:]) == {"381.4 MiB"}
