"""Broken files: nothing crashes, no record is unaccounted for, and both ways of reading see the same."""

from __future__ import annotations

import gzip
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbt_forensics.load import csvs, documents, fast, jsonl
from dbt_forensics.load.csvs import Dialect
from dbt_forensics.load.model import Parsed
from dbt_forensics.load.readers import read_text
from dbt_forensics.load.rows import judged
from dbt_forensics.load.shape import Shape
from dbt_forensics.load.types import column_type
from harness.engines import Engine
from harness.loading import load

COLUMNS = {
    "id": "varchar(20)",
    "n": "integer",
    "amount": "numeric(10, 2)",
    "share": "double precision",
    "at": "timestamp",
    "flag": "boolean",
    "doc": "json",
    "_loaded_at": "timestamp",
    "_load_id": "varchar",
}
SHAPE = Shape(
    {name: kind for name, words in COLUMNS.items() if (kind := column_type(words.replace(", ", ",")))}
)
NAMES = list(COLUMNS)[:7]

#: Values as they stand in a file, good and bad.
JSON_VALUES = (
    "null", '"a"', '""', '"x\\"y\\n\\u00e9"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\u0000"', "1", "-0", "1.0",
    "1.10", "2147483648",
    "1e3", "1e-400", "1e400", "0.000", "123456789012345678901234567890", "true", "false", "NaN", "Infinity",
    "{}", "[1, 2.50]",
    '{"a": {"b": 1}}', '"2026-01-05T10:00:00Z"', '"2026-02-30"', '"2026-01-05T10:00:00+02:00"', '"5"', '"yes"',
    '"12.345"', "01",
    '"' + "y" * 30 + '"', "'a'", "",
)  # fmt: skip
CSV_VALUES = (
    "", '""', "a", '"a,b"', '"a\nb"', '"a""b"', 'a"b', '"a"b', '"a', "1", "1.0", "1.10", "1.234", "x\ry",
    "\\N", "\\.", '"\\."', "NaN",
    "2026-01-05", "2026-01-05T10:00:00.123Z", "0000-01-01", "true", "NO", '{"a":1}', '"{""a"":[1]}"', " 1",
    "\u00e9", "\0", "y" * 30,
    "1e400", "-1e-400", "+5", ".5", "5.",
)  # fmt: skip
KEYS = (*NAMES, "ID", "colour", "_load_id")


def an_object(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"


plain_values = st.sampled_from(("null", '"5"', "1", "1.5", "true"))
json_lines = st.one_of(
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(JSON_VALUES)), min_size=1, max_size=7).map(
        an_object
    ),
    st.lists(st.tuples(st.sampled_from(NAMES), plain_values), max_size=4, unique_by=lambda pair: pair[0]).map(
        an_object
    ),
    st.sampled_from(["", " ", "{", "}", "{}", "[]", "null", '{"id":"a"} {"id":"b"}', '{"id":"a"', "<html>"]),
)
csv_lines = st.one_of(
    st.lists(st.sampled_from(CSV_VALUES), min_size=7, max_size=7).map(",".join),
    st.lists(st.sampled_from(("", "1", '"1"', "a")), min_size=7, max_size=7).map(",".join),
    st.lists(st.sampled_from(CSV_VALUES), max_size=9).map(",".join),
)
ends = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n"])


@st.composite
def contents(draw: st.DrawFn, file_format: str) -> bytes:
    lines = draw(st.lists(st.tuples(json_lines if file_format == "jsonl" else csv_lines, ends), max_size=12))
    data = "".join(line + end for line, end in lines).encode()
    if draw(st.booleans()) and data:  # damage
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.sampled_from(["cut", "byte", "insert"]))
        byte = bytes([draw(st.sampled_from([0, 10, 13, 34, 44, 92, 123, 255]))])
        data = data[:at] if kind == "cut" else data[:at] + byte + data[at + (kind == "byte") :]
    return data


#: Whole lines of two kinds, as they come: what the quick readers are for.
@st.composite
def usual_contents(draw: st.DrawFn, file_format: str) -> bytes:
    lines = json_lines if file_format == "jsonl" else csv_lines
    some = draw(st.lists(lines, min_size=1, max_size=3))
    return ("\n".join(some) + draw(st.sampled_from(["\n", "\r\n"]))).encode()


json_texts = st.text('ab"\\{}[],: \n1', max_size=6).map(json.dumps)
json_values = st.one_of(json_texts, st.sampled_from(["[{}, 1.50]", "null"]))
json_objects = st.dictionaries(st.sampled_from(["id", "doc", "n"]), json_values, max_size=3).map(
    lambda pairs: an_object(list(pairs.items()))
)
gaps = st.sampled_from(["", " ", "\n", ",\n", " , "])


@settings(max_examples=200)
@given(st.lists(json_objects, min_size=1, max_size=5), st.data())
def test_objects_are_the_same_in_a_line_each_and_in_any_other_form(
    more: list[str], data: st.DataObject
) -> None:
    """Between them may be what is nothing; the content may come in any pieces."""
    found = ['{"id":"first"}', *more]
    body = found[0] + "".join(data.draw(gaps) + one for one in more)
    is_array = data.draw(st.booleans()) or not documents.are_documents(body.encode())
    whole = f" [\n{body}]\n".encode() if is_array else body.encode()
    size = data.draw(st.sampled_from([1, 3, 17, 1000]))
    chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert [one.text for one in documents.values(chunks)] == [one.encode() for one in found]
    lines = [(number, one.encode()) for number, one in enumerate(found, 1)]
    expected = jsonl.parse_lines(lines, SHAPE.column, SHAPE.types, lenient=False)
    (seen,) = read_text("json", chunks, SHAPE)
    assert as_rows(seen) == as_rows(expected)


def as_rows(parsed: Parsed) -> list[Any]:
    """What would be written, with numbers by value."""
    rows = judged(parsed, SHAPE)
    written = [
        (
            line,
            {
                name: as_value(name, values[at].as_py())
                for name, values in rows.columns.items()
                if values[at].is_valid
            },
        )
        for at, line in enumerate(rows.lines)
    ]
    return [written, [(one.line, one.counted_as, one.content) for one in rows.rejected]]


def as_value(name: str, text: str) -> Any:
    try:
        return float(text) if name == "share" else Decimal(text) if name in ("n", "amount") else text
    except InvalidOperation:
        return text


@settings(max_examples=600)
@given(st.one_of(contents("jsonl"), usual_contents("jsonl")))
def test_the_quick_reader_of_json_sees_the_same(data: bytes) -> None:
    lines = [
        (number, text.removesuffix(b"\r"))
        for number, text in enumerate(data.split(b"\n"), 1)
        if text.strip(b" \t\r")
    ]
    quick = fast.parse_jsonl(data, lines, SHAPE)
    if quick is not None:
        assert as_rows(quick) == as_rows(jsonl.parse_lines(lines, SHAPE.column, SHAPE.types, lenient=False))


@settings(max_examples=600)
@given(st.one_of(contents("csv"), usual_contents("csv")))
def test_the_quick_reader_of_csv_sees_the_same(data: bytes) -> None:
    dialect = Dialect(",", tuple(NAMES), tuple(NAMES))
    quick = fast.parse_csv(data, 2, dialect)
    if quick is not None:
        slow = csvs.parse_records(data, 2, dialect, True)
        assert (as_rows(quick[0]), quick[1]) == (as_rows(slow[0]), slow[1])


def test_the_quick_readers_take_what_is_usual() -> None:
    data = b'{"id":"a","n":1,"amount":1.5,"share":0.0,"at":"2026-01-05","flag":true}\n' * 3
    lines = [(number, data.split(b"\n")[0]) for number in (1, 2, 3)]
    assert fast.parse_jsonl(data, lines, SHAPE) is not None
    dialect = Dialect(",", tuple(NAMES), tuple(NAMES))
    assert fast.parse_csv(b'a,1,1.5,0.0,2026-01-05,true,"{""a"":1}"\r\n' * 3, 2, dialect) is not None


@pytest.fixture(scope="module")
def table(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Engine, Path]]:
    with new_engine() as engine:
        engine.create_table("t", COLUMNS)
        yield engine, tmp_path_factory.mktemp("broken")


def counts(engine: Engine) -> Counter[str]:
    tables = {row["table_name"] for row in engine.query("select table_name from information_schema.tables")}
    found = Counter(dict.fromkeys(("t", "forensics_load_log", "forensics_dead_letters"), 0))
    for name in found.keys() & tables:
        found[name] = engine.query(f"select count(*) as n from raw.{name}")[0]["n"]
    return found


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_record_is_accounted_for(table: tuple[Engine, Path], data: st.DataObject) -> None:
    engine, folder = table
    file_format = data.draw(st.sampled_from(["jsonl", "csv"]))
    header = (",".join(NAMES) + "\n").encode() if file_format == "csv" else b""
    content = header + data.draw(contents(file_format))
    more = data.draw(contents(file_format))
    is_forced = data.draw(st.booleans())
    number = len(list(folder.iterdir()))
    compression = data.draw(st.sampled_from([None, "gzip", "zstd"]))
    path = (
        folder
        / f"{number}.{file_format}{'' if compression is None else '.gz' if compression == 'gzip' else '.zst'}"
    )
    for whole in (content, content, content + more):
        with pa.output_stream(path, compression=compression) as stream:
            stream.write(whole)
        before = counts(engine)
        (outcome,) = load(engine, [path], force=is_forced)
        after = counts(engine)
        assert outcome.read == outcome.accepted + outcome.duplicate + outcome.rejected.total()
        assert after["t"] - before["t"] == outcome.accepted
        assert after["forensics_load_log"] - before["forensics_load_log"] == (outcome.load_id is not None)
        if outcome.status in ("known", "empty"):
            assert after == before
        if outcome.status == "refused":  # on record, once while it comes again as it is
            assert {name: after[name] - before[name] for name in ("t", "forensics_dead_letters")} == {
                "t": 0,
                "forensics_dead_letters": 0,
            }
        if outcome.status == "landed":
            assert (
                after["forensics_dead_letters"] - before["forensics_dead_letters"] == outcome.rejected.total()
            )
        if outcome.load_id is not None:
            landed = engine.query(f"select count(*) as n from raw.t where _load_id = '{outcome.load_id}'")
            assert landed[0]["n"] == outcome.accepted or b"_load_id" in whole
    assert "The engine" not in (outcome.refused or "")


#: One and two files of each of two names; contents that begin as others do.
PLACES = ("a.csv", "05/a.csv", "06/a.csv", "06/b.csv", "b.csv.gz")
CONTENTS = ("id,n\n", "id,n\na,1\n", "id,n\na,1\nb,2\n", "id,n\na,2\n")
NUMBERS = itertools.count()


def rows_in(path: Path) -> tuple[str, ...]:
    data = path.read_bytes()
    return tuple((gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()[1:])


def rows_of_load(engine: Engine, table: str, load_id: str | None) -> tuple[str, ...]:
    rows = engine.query(f"select id, n from {table} where _load_id = '{load_id}' order by id")
    return tuple(f"{row['id']},{row['n']}" for row in rows)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(CONTENTS), st.booleans()), min_size=3, max_size=8
    )
)
def test_what_is_in_a_file_is_what_landed_last_under_its_path(
    table: tuple[Engine, Path], puts: list[tuple[str, str, bool]]
) -> None:
    engine, folder = table
    root = folder.parent / f"{folder.name}_{next(NUMBERS)}"
    name = f"raw.{root.name}"
    landed: dict[str, tuple[str, ...]] = {}
    for place, text, is_whole_folder in puts:
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
        for outcome in load(engine, [root if is_whole_folder else path], table=name, create=True):
            where = str(outcome.file.path.relative_to(root))
            rows, now = rows_of_load(engine, name, outcome.load_id), rows_in(outcome.file.path)
            if outcome.status == "landed":
                assert rows == now
            if outcome.status == "grown" and where in landed:
                assert landed[where] + rows == now
            if outcome.status == "known" and where in landed:
                assert landed[where] == now
            assert outcome.status != "refused" or where not in landed
            if outcome.load_id and not outcome.refused:
                landed[where] = now
    before = engine.query(f"select count(*) as n from {name}")
    again = load(engine, [root], table=name)
    assert {one.status for one in again} <= {"known", "refused"}
    assert engine.query(f"select count(*) as n from {name}") == before


def test_refusals_are_seen(tmp_path: Path) -> None:
    """The test above would not see a loader that refuses everything."""
    from harness.engines import DuckDB

    engine = DuckDB(tmp_path / "w.duckdb")
    engine.create_table("t", COLUMNS)
    (tmp_path / "a.jsonl").write_bytes(b'{"id":"a"}\n{"id":"b","n":"x"}\n')
    (outcome,) = load(engine, [tmp_path / "a.jsonl"])
    assert (outcome.status, outcome.read, outcome.accepted) == ("landed", 2, 1)
    assert outcome.rejected == Counter({"wrong_type:n": 1})
    engine.release()
