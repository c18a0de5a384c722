"""From bytes to rows, rejected records and refused files."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dbt_forensics.errors import ForensicsError
from dbt_forensics.load.files import SourceFile, content, find_files, fingerprint, source_file
from dbt_forensics.load.model import REASONS, Parsed, RefusedError
from dbt_forensics.load.parquet import read_parquet
from dbt_forensics.load.readers import read_text
from dbt_forensics.load.rows import with_given
from dbt_forensics.load.shape import Shape
from dbt_forensics.load.types import column_type

TYPES = {"id": "varchar", "n": "integer", "note": "text", "doc": "json"}
SHAPE = Shape(
    {name: kind for name, words in TYPES.items() if (kind := column_type(words))}, roles={"event_id": "id"}
)
FORCED = Shape(SHAPE.types, roles=SHAPE.roles, is_forced=True)

Row = dict[str, str | None]


def together(stretches: Iterator[Parsed]) -> tuple[dict[int, Row], dict[int, str]]:
    """Rows and rejections, each by line."""
    rows: dict[int, Row] = {}
    rejected: dict[int, str] = {}
    for parsed in stretches:
        for position, line in enumerate(parsed.lines):
            rows[line] = {name: values[position].as_py() for name, values in parsed.columns.items()}
        rejected |= {one.line: one.counted_as for one in parsed.rejected}
    return rows, rejected


def read(
    file_format: str, data: bytes, shape: Shape = SHAPE, size: int = 1 << 20, skip: int = 0
) -> tuple[dict[int, Row], dict[int, str]]:
    chunks = (data[start : start + size] for start in range(0, len(data), size))
    return together(read_text(file_format, chunks, shape, skip))


def with_values(rows: dict[int, Row]) -> dict[int, Row]:
    """A key that a stretch has nowhere is no column of it: the same as NULL."""
    return {
        line: {name: value for name, value in row.items() if value is not None} for line, row in rows.items()
    }


GOOD = b'{"id":"a","n":1}\n'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id":"a","n":1', "invalid_json"),
        (b'{"id":"a"} {"id":"b"}', "invalid_json"),
        (b'{"id":NaN}', "invalid_json"),
        (b"[1]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"id":"\xff"}', "invalid_utf8"),
        (b'{"id":"\\ud800"}', "invalid_utf8"),
        (b'{"id":"a\0"}', "nul_byte"),
        (b'{"id":"a\\u0000"}', "nul_byte"),
        (b'{"id":"a","id":"b"}', "duplicate_key"),
        (b'{"id":"a","ID":"b"}', "duplicate_key"),
        (b'{"id":"a","doc":{"x":1,"x":2}}', "duplicate_key"),
        (b'{"id":"a","colour":"red"}', "unknown_column:colour"),
        (b'{"id":"a","doc":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested_too_deep"),
    ],
)
def test_a_line_of_json_is_rejected_with_its_number(line: bytes, reason: str) -> None:
    rows, rejected = read("jsonl", GOOD + line + b"\n" + GOOD)
    assert (list(rows), rejected) == ([1, 3], {2: reason})
    assert reason.partition(":")[0] in REASONS


def test_json_values_are_kept_as_they_were_written() -> None:
    data = (
        '{"id":1.10,"n":12345678901234567890123,"note":{"b":[1.10,true,null,"é\\u00e9"]},"doc":"x"}\r\n'
        "\n"
        '  {"ID":true,"note":null,"doc":1.0}  \n'
        '{"id":"no end"}'
    ).encode()
    rows, rejected = read("jsonl", data)
    assert rejected == {}
    assert rows[1] == {
        "id": "1.10",
        "n": "12345678901234567890123",
        "note": '{"b":[1.10,true,null,"éé"]}',
        "doc": '"x"',
    }
    assert {name: value for name, value in rows[3].items() if value} == {"id": "true", "doc": "1.0"}
    assert rows[4]["id"] == "no end"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (GOOD + b'{"id":"b","n"', "last line, 2, has no end"),
        (
            b"<!DOCTYPE html>\n<html>\n",
            "not JSON Lines: expected an object in every line, and none of the first 2",
        ),
        (
            b'[\n{"id":1},\n',
            "begins as a JSON array, and the array is never closed: the file is half written",
        ),
        (b'{"id":1}{"id":', "opened in value 2 is never closed"),
        (b'[[1], "a", 2]', "expected an object for each value, and none of the first 3 is one"),
        (b'{"data": [{"id": 1}], "next": null}', "found data, next: none of them"),
        ("{}".encode("utf-16-le"), "UTF-16"),
        (b"\xff\xfe\0\0{\0\0\0", "UTF-32"),
        (b'{"colour":"red"}\n', "Expected the columns id, n, note, doc; found colour: none of them"),
        (
            b'{"id":"a","colour":"red"}\n',
            "the table has no colour; add it to the table, or load with --force",
        ),
        (b'{"n":1}\n', r"id \(event_id\) is missing"),
        (b"\xff\xfe{\0", "UTF-16"),
    ],
)
def test_a_file_that_is_no_such_json_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        read("jsonl", data)


def test_force_takes_line_by_line() -> None:
    rows, rejected = read("jsonl", b"<html>\n" + b'{"id":"a","colour":"red"}\n', FORCED)
    assert (rows, rejected) == ({2: {"id": "a"}}, {1: "invalid_json"})
    rows, rejected = read("csv", b"id,colour\na,red\n", FORCED)
    assert (rows, rejected) == ({2: {"id": "a"}}, {})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"a,1,x,y", "wrong_field_count"),
        (b"a,1", "wrong_field_count"),
        (b'a,1,5" pipe', "malformed_quotes"),
        (b'a,1,"x"y', "malformed_quotes"),
        (b"a,1,x\ry", "malformed_quotes"),
        (b"a,1,\xff", "invalid_utf8"),
        (b"a,1,\0", "nul_byte"),
    ],
)
def test_a_record_of_csv_is_rejected_with_its_line(line: bytes, reason: str) -> None:
    rows, rejected = read("csv", b'id,n,note\na,1,"two\nlines"\n' + line + b"\nb,2,x\n")
    assert (list(rows), rejected) == ([2, 5], {4: reason})


def test_csv_values() -> None:
    data = b'\xef\xbb\xbfid;N;"note"\r\n"a;""b""";1;\r\n\r\n;;""\r\nc;3;"x\r\ny"'
    rows, rejected = read("csv", data)
    assert rejected == {}
    assert rows == {
        2: {"id": 'a;"b"', "n": "1", "note": None},
        4: {"id": None, "n": None, "note": ""},
        5: {"id": "c", "n": "3", "note": "x\r\ny"},
    }


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "has no header"),
        (b"\n\n", "has no header"),
        (b"<!DOCTYPE html>\n<p>\n", "Expected the columns id, n, note, doc; found <!DOCTYPE html>"),
        (b"id,n,id\n", "id twice"),
        (b"id,,n\n", "no name for field 2"),
        (b"id,ID\n", "Two of its columns are id"),
        (b"id,colour\n", "the table has no colour"),
        (b"id,n\ra,1\rb,2\r", "a carriage return alone: expected line feeds"),
        (b"n,note\n", r"id \(event_id\) is missing"),
        (b'id,n\na,1\nb,"2\nc,3\n', "opened in line 3 and never closed"),
        (b"id,n\na,1\nb", "last line, 3, has no end"),
        (b"\xff\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        read("csv", data)


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_it_does_not_matter_how_the_content_comes(file_format: str, size: int) -> None:
    data = {
        "jsonl": GOOD + b'nope\n\n{"id":"\xc3\xa4","note":"\xf0\x9f\x98\x80"}\r\n' + GOOD,
        "csv": b'id,n,note\na,1,"two\n""lines"""\n\nbad\n\xc3\xa4,2,\xf0\x9f\x98\x80\r\nc,3,"x"\n',
    }[file_format]
    in_pieces, whole = read(file_format, data, FORCED, size), read(file_format, data, FORCED)
    assert (with_values(in_pieces[0]), in_pieces[1]) == (with_values(whole[0]), whole[1])


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_what_is_known_is_left_out(file_format: str) -> None:
    header = b"id,n\n" if file_format == "csv" else b""
    lines = [b"a,1\n", b"b,2\n", b"c,3\n"] if header else [b'{"id":"%d"}\n' % number for number in range(3)]
    data = header + b"".join(lines)
    whole, _ = read(file_format, data)
    for known in range(len(lines) + 1):
        skip = len(header) + len(b"".join(lines[:known]))
        for size in (1, 1000):
            rows, rejected = read(file_format, data, size=size, skip=skip)
            assert (list(rows), rejected) == (sorted(whole)[known:], {})
        if 0 < known < len(lines):  # the file ended without a line's end, and grew by one
            assert list(read(file_format, data, skip=skip - 1)[0]) == sorted(whole)[known:]
            with pytest.raises(RefusedError, match="goes on where it ended"):
                read(file_format, data, skip=skip - 2)


def test_a_record_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbt_forensics.load.readers.LONGEST_RECORD", 1000)
    for file_format, data in (("jsonl", GOOD + b"x" * 2000), ("csv", b'id\na\n"' + b"x\n" * 2000)):
        with pytest.raises(RefusedError, match=r"begins in line [23] is longer than"):
            read(file_format, data, size=100)


@pytest.mark.parametrize(
    "data",
    [
        b'[{"id":"a"},{"id":"b"},{"id":"c"}]',
        b'[\n{"id":"a"},\n{"id":"b"},\n{"id":"c"}\n]\n',
        b'[{"id":"a"}\n,{"id":"b"}\n,{"id":"c"}]',
        b'[\r\n  {\r\n    "id": "a"\r\n  },\r\n{"id":"b"}, {"id":"c"}]',
        b'{"id":"a"}{"id":"b"}{"id":"c"}',
        b'{"id":"a"} {"id":"b"}\n{"id":"c"}\n',
        b'{"id":"a"},{"id":"b"},{"id":"c"}',
        b'{"id":"a"},\n{"id":"b"},\n{"id":"c"}\n',
        b'{"id":"a"}\n,{"id":"b"}\n,{"id":"c"}\n',
        b'{"id":"a"}\r{"id":"b"}\r{"id":"c"}\r',
        b'{\n  "id": "a"\n}\n{\n  "id": "b"\n}\n{"id":"c"}',
        b'[{"id":"a"}]\n[{"id":"b"},{"id":"c"}]\n',
        b'\x1e{"id":"a"}\n\x1e{"id":"b"}\n\x1e{"id":"c"}\n',
        b'\xef\xbb\xbf\xef\xbb\xbf[{"id":"a"},{"id":"b"},{"id":"c"}]\x1a',
        b'{"id":"a"}\n{"id":"b"}\n{"id":"c"}\n\x1a',
        b'{"id":"a"}\n{"id":"b"}\n{"id":"c"}\n\x1a\r\n',
        b'[{"id":"a"},{"id":"b"},{"id":"c"}]\n\x1a\x1a\n',
        b'{"id":"a"}\n\xef\xbb\xbf{"id":"b"}\n{"id":"c"}\x1a\x1a',
    ],
)
def test_json_in_other_forms_has_the_same_objects(data: bytes) -> None:
    for file_format in ("jsonl", "json"):
        for size in (1, 7, 1000):
            rows, rejected = read(file_format, data, size=size)
            assert (with_values(rows), rejected) == ({1: {"id": "a"}, 2: {"id": "b"}, 3: {"id": "c"}}, {})


def test_what_is_no_object_in_an_array_is_rejected_with_its_number() -> None:
    data = b'[{"id":"a"}, 5, {"id":"b]}\\"{"}, nope, "x,y", [{"id":"c"}], {"id": nope}, {"id":"d"}]'
    rows, rejected = read("json", data)
    assert [row["id"] for row in rows.values()] == ["a", 'b]}"{', "d"]
    assert rejected == {
        2: "not_an_object",
        4: "invalid_json",
        5: "not_an_object",
        6: "not_an_object",
        7: "invalid_json",
    }
    numbers = [
        parsed.lines
        for parsed in read_text("json", [b'[{"id":"a"},' + b'{"id":"b"},' * 200_000 + b"]"], SHAPE)
    ]
    assert [line for lines in numbers for line in lines] == list(range(1, 200_002))


def test_objects_after_those_that_are_known_are_new() -> None:
    first, more = b'{"id":"a"}{"id":"b"}', b'{"id":"c"}'
    assert list(read("jsonl", first + more, skip=len(first))[0]) == [3]
    with pytest.raises(RefusedError, match="Value 2 goes on where it ended"):
        read("jsonl", first + more, skip=len(first) - 1)


@pytest.mark.parametrize(
    ("file_format", "data", "found"),
    [
        ("jsonl", GOOD + b'[{"id":"b"}]', {2: "not_an_object"}),
        ("jsonl", GOOD + b'{"id":"b"}{"id":"c"}', {2: "invalid_json"}),
        ("jsonl", GOOD + b"-- 1 row --", {2: "invalid_json"}),
        ("csv", b"id,n\na,1\nb,2,3", {3: "wrong_field_count"}),
        ("csv", b"id,n\na,1\n\x1a", {}),
        ("csv", b"id,n\na,1\x1a", {}),
        ("tsv", b"id\tn,note\na\t1\n", None),
        ("tsv", b'id\tnote\na\t"x\ty"\nb\n', {3: "wrong_field_count"}),
    ],
)
def test_a_last_line_that_no_other_copy_will_finish(
    file_format: str, data: bytes, found: dict[int, str] | None
) -> None:
    """It is read, or rejected; nobody is told to get the file again."""
    if found is None:
        with pytest.raises(RefusedError, match="the table has no n,note"):
            read(file_format, data)
    else:
        rows, rejected = read(file_format, data)
        assert (len(rows), rejected) == (1, found)


@pytest.mark.parametrize(
    ("file_format", "data"), [("jsonl", GOOD + b'{"id":'), ("csv", b"id,n\na,1\nTotal: 1")]
)
def test_a_last_line_that_may_be_half_is_refused_until_somebody_says(file_format: str, data: bytes) -> None:
    with pytest.raises(
        RefusedError, match=r"half written \(get it again\), or that line is wrong .* --force"
    ):
        read(file_format, data)
    rows, rejected = read(file_format, data, FORCED)
    assert (len(rows), len(rejected)) == (1, 1)


# Files


def chunks_of(path: Path) -> bytes:
    file = source_file(path)
    assert file is not None
    with content(file, lambda size: None) as chunks:
        return b"".join(chunks)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_files(tmp_path: Path, compression: str) -> None:
    ending = {"gzip": "gz", "zstd": "zst"}[compression]
    data = GOOD * 500_000  # more than a chunk
    path = tmp_path / f"a.jsonl.{ending}"
    with pa.output_stream(path, compression=compression) as stream:
        stream.write(data)
    whole = path.read_bytes()
    assert chunks_of(path) == data
    path.write_bytes(whole + whole)
    assert chunks_of(path) == data + data
    for broken, words in (
        (whole[:-1], "half written; get it again"),
        (whole[: len(whole) // 2], "half written; get it again"),
        (whole + b"garbage", "it is damaged"),
    ):
        path.write_bytes(broken)
        with pytest.raises(
            RefusedError, match=rf"is broken after [\d,]+ bytes .* near byte [\d,]+ of the file .*: .*{words}"
        ):
            chunks_of(path)
    path.write_bytes(b"plain text\n")
    with pytest.raises(RefusedError, match=rf"\(\.{ending}\), and it is not: take \.{ending} off its name"):
        chunks_of(path)
    path.write_bytes(b"")
    assert chunks_of(path) == b""
    plain = tmp_path / "b.jsonl"
    plain.write_bytes(whole)
    with pytest.raises(RefusedError, match="its name does not say so"):
        chunks_of(plain)


def test_fingerprints() -> None:
    data = b"0123456789" * 10
    whole = fingerprint([data], [0, 5, 100, 200])
    for size in (1, 3, 50):
        chunks = [data[start : start + size] for start in range(0, len(data), size)]
        assert fingerprint(chunks, [0, 5, 100, 200]) == whole
    assert (whole.size, set(whole.at)) == (100, {0, 5, 100})
    assert whole.at[5] == fingerprint([data[:5]]).digest
    assert whole.at[100] == whole.digest


def test_which_files_are_meant(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.csv.gz", "sub/c.parquet", "notes.txt", ".hidden.csv", "sub/d.ndjson.zst"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = find_files([str(tmp_path)])
    names = [str(file.path.relative_to(tmp_path)) for file in found if not file.problem]
    assert names == ["a.csv.gz", "b.jsonl", "sub/c.parquet", "sub/d.ndjson.zst"]
    assert len(find_files([str(tmp_path), str(tmp_path / "b.jsonl")])) == 5
    assert [file.name for file in find_files([str(tmp_path / "*.gz")])] == ["a.csv"]
    (notes,) = find_files([str(tmp_path / "*.txt")])  # is refused, and so in the load log, as beside others
    assert (notes.problem or "").startswith("Its name does not say what it is")
    (tmp_path / "empty").mkdir()
    for argument, words in (
        ("notes.txt", "its name must end with one of .jsonl"),
        ("nope.csv", "does not exist"),
        ("empty", "no file to load"),
    ):
        with pytest.raises(ForensicsError, match=re.escape(words)):
            find_files([str(tmp_path / argument)])


def test_nothing_in_a_folder_is_left_out_without_a_word(tmp_path: Path) -> None:
    for name in (
        *("a.json", "b.tsv", "c.csv.zip", "d", "e.txt", "f.parquet.gz", "dt=1/g.csv", "_x=1/h.csv"),
        *("_SUCCESS", ".hidden", "_temporary/i.csv", ".git/j.csv", "_k.csv"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "l.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "loop").symlink_to(tmp_path)
    elsewhere = tmp_path.parent / f"{tmp_path.name} elsewhere"
    elsewhere.mkdir()
    (elsewhere / "m.csv").write_text("y")
    (tmp_path / "other" / "link").symlink_to(elsewhere)
    for argument in (tmp_path, tmp_path / "*"):
        found = {str(file.path.relative_to(tmp_path)): file.problem for file in find_files([str(argument)])}
        read = {name for name, problem in found.items() if not problem}
        assert read == {"a.json", "b.tsv", "dt=1/g.csv", "_x=1/h.csv", "other/link/m.csv"}
        assert {name: str(problem).split(":")[0] for name, problem in found.items() if problem} == {
            "c.csv.zip": "It is packed (.zip) in a way that is not read",
            "d": "Its name does not say what it is",
            "e.txt": "Its name does not say what it is",
            "f.parquet.gz": "It is packed (.gz) in a way that is not read",
            "l.csv": "It is no file, or a link that leads nowhere.",
        }
    assert [file.path.name for file in find_files([str(tmp_path / "_*.csv")])] == ["_k.csv"]
    assert [
        file.path.name for file in find_files([str(tmp_path / "_k.csv"), str(tmp_path / "_SUCCESS")])
    ] == ["_k.csv"]


def test_links_are_files_of_their_own_where_their_keys_differ(tmp_path: Path) -> None:
    landing, store = tmp_path / "landing", tmp_path / "store"
    for folder in (store, landing / "dt=1", landing / "dt=2", landing / "country=DE" / "dt=5"):
        folder.mkdir(parents=True)
        if folder.parent == landing:
            (folder / "a.csv").symlink_to(store / "a.csv")
    (store / "a.csv").write_text("x")
    (landing / "country=DE" / "dt=5" / "b.csv").write_text("y")
    (landing / "country=DE" / "current").symlink_to(landing / "country=DE" / "dt=5")
    (landing / "dt=3").symlink_to(landing / "dt=2")
    (landing / "dt=2" / "up").symlink_to(landing)
    (landing / "dt=2" / "dt=9").symlink_to(landing)
    (landing / "today.csv").symlink_to(landing / "country=DE" / "dt=5" / "b.csv")
    (landing / "circle.csv").symlink_to(landing / "circle.csv")
    found = find_files([str(landing), str(landing / "*" / "*.csv")])
    assert [(file.path.name, file.folder_keys) for file in found] == [
        ("circle.csv", ""),
        ("b.csv", "country=DE/dt=5"), ("a.csv", "dt=1"), ("a.csv", "dt=2"), ("a.csv", "dt=3"),
    ]  # fmt: skip
    assert found[0].problem == "It is no file, or a link that leads nowhere."
    (today,) = find_files([str(landing / "today.csv")])
    assert today.keys() == {"country": "DE", "dt": "5"}


def test_a_path_through_a_link_and_back_is_what_the_system_says(tmp_path: Path) -> None:
    (tmp_path / "store" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "store" / "sub")
    for name in ("a.csv", "store/a.csv"):
        (tmp_path / name).write_text(name)
    (file,) = find_files([f"{tmp_path}/link/../a.csv"])
    assert file.path.read_text() == "store/a.csv"
    (tmp_path / "link" / "b.csv").write_text("b")
    (file,) = find_files([f"{tmp_path}/link/../sub/./b.csv", f"{tmp_path}/link/b.csv"])
    assert file.path.samefile(tmp_path / "link" / "b.csv")


def test_a_pattern_leaves_out_what_a_folder_does(tmp_path: Path) -> None:
    for name in ("land/_temporary/0/part.csv", "land/ok/part.csv", "_old/part.csv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("x")
    for argument, names in (
        ("land/**/*.csv", ["land/ok/part.csv"]),
        ("*/*.csv", []),
        ("_old/*.csv", ["_old/part.csv"]),
        ("land/_temp*/*/*.csv", ["land/_temporary/0/part.csv"]),
        ("land/_temporary/*/*", ["land/_temporary/0/part.csv"]),
    ):
        if names:
            found = [str(file.path.relative_to(tmp_path)) for file in find_files([str(tmp_path / argument)])]
            assert found == names
        else:
            with pytest.raises(ForensicsError, match="no file to load"):
                find_files([str(tmp_path / argument)])


def test_what_may_not_be_looked_at_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may be listed, and no more: tests run as root, so that the system's answer is put in."""
    (tmp_path / "locked").mkdir()
    for name in ("a.csv", "locked/b.csv"):
        (tmp_path / name).write_text("x")

    def looked_at(path: Any, *given: Any, **named: Any) -> os.stat_result:
        if "locked/" in os.fspath(path):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return stat(path, *given, **named)

    stat, lstat = os.stat, os.lstat
    monkeypatch.setattr(os, "stat", looked_at)
    found = {file.path.name: file.problem for file in find_files([str(tmp_path)])}
    assert found == {"a.csv": None, "b.csv": "It cannot be read (Permission denied)."}
    with pytest.raises(
        ForensicsError, match=r"b.csv cannot be loaded: It cannot be read \(Permission denied\)"
    ):
        find_files([str(tmp_path / "locked" / "b.csv")])
    stat = lstat
    monkeypatch.setattr(os, "lstat", looked_at)
    with pytest.raises(ForensicsError, match="is in a folder that may not be read"):
        find_files([str(tmp_path / "locked" / "b.csv")])


def test_folders_are_named_with_keys(tmp_path: Path) -> None:
    def keys(path: str) -> dict[str, str | None]:
        file = source_file(Path(path))
        assert file is not None
        return file.keys()

    assert keys("/x/part.parquet") == {}
    (tmp_path / "dt=2026-01-05").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "dt=2026-01-05")
    assert keys(str(tmp_path / "current" / "part.csv")) == {"dt": "2026-01-05"}
    assert keys("/x/dt=2026-01-05/country=__HIVE_DEFAULT_PARTITION__/v=a%2Fb%3D%C3%A9=1/empty=/part.csv") == {
        "dt": "2026-01-05", "country": None, "v": "a/b=é=1", "empty": "",
    }  # fmt: skip
    for path, words in (
        ("/dt=1/dt=2/a.csv", "Two of its folders are named dt="),
        ("/dt=%FF/a.csv", "is no text"),
        ("/dt=%00/a.csv", "is no text"),
    ):
        with pytest.raises(RefusedError, match=words):
            keys(path)
    assert SourceFile(Path("/dt=1/a.csv.gz"), "a", "csv", "gzip").name == "dt=1/a.csv"
    for path, words in (
        ("/ID=1/id=2/a.csv", "Two of its folders name the column id"),
        ("/colour=red/a.csv", "the table has no column colour"),
        ("/n=five/a.csv", "named n=five, and the column n has the type integer"),
    ):
        with pytest.raises(RefusedError, match=words):
            SHAPE.with_keys(keys(path))
    assert FORCED.with_keys(keys("/colour=red/N=5/a.csv")).given == {"n": "5"}


def test_a_file_says_what_its_folders_say() -> None:
    shape = SHAPE.with_keys({"n": "05"})

    def rows(file_format: str, data: bytes) -> list[str | None]:
        (parsed,) = read_text(file_format, [data], shape)
        return with_given(parsed, shape, takes_null=file_format == "jsonl").columns["n"].to_pylist()

    assert rows("csv", b"id\na\nb\n") == ["05", "05"]
    assert rows("csv", b"id,n\na,5\nb,5.0\n") == ["05", "05"]
    assert rows("jsonl", b'{"id":"a","n":5}\n{"id":"b"}\n') == ["05", "05"]
    for data, said in ((b"id,n\na,5\nb,6\n", "its row 3 says 6"), (b"id,n\na,\n", "its row 2 says NULL")):
        with pytest.raises(RefusedError, match=f"Its folder says that n is 05, and {said}"):
            rows("csv", data)
    # A table's column that only the folders have is there.
    assert with_values(read("csv", b"n\n5\n", SHAPE.with_keys({"id": "a"}))[0]) == {2: {"n": "5"}}
    assert SHAPE.with_keys({"n": "5"}).lacking(["id"]) == ["note", "doc"]


def test_gzip_of_a_file_without_content_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b""))
    assert chunks_of(tmp_path / "a.csv.gz") == b""


def test_members_of_gzip_and_what_fills_it_up(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    member = gzip.compress(GOOD)
    zeros = bytes(3_000_000)
    for data, times in ((member + zeros, 1), (member * 3, 3), (member + zeros + member + bytes(5), 2)):
        path.write_bytes(data)
        assert chunks_of(path) == GOOD * times
    for data, words in (
        (pa.compress(GOOD, "zstd", asbytes=True), "says that it is gzip, and its bytes are zstd"),
        (b"PK\x03\x04 ...", "its bytes are zip"),
        (bytes(100), "and it is not: take .gz off"),
    ):
        path.write_bytes(data)
        with pytest.raises(RefusedError, match=words):
            chunks_of(path)
    plain = tmp_path / "b.csv"
    plain.write_bytes(b"PK\x03\x04 ...")
    with pytest.raises(RefusedError, match=r"It is compressed \(zip\): unpack it"):
        chunks_of(plain)


# Parquet


def write(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_parquet_is_read_as_text(tmp_path: Path) -> None:
    from datetime import timezone

    path = write(
        tmp_path / "a.parquet",
        ID=pa.array(["a", "b\0", None]).dictionary_encode(),
        n=pa.array([Decimal("1.10"), None, Decimal("3.00")], pa.decimal128(5, 2)),
        note=pa.array([datetime(2026, 1, 5, 10, tzinfo=timezone.utc)] * 3, pa.timestamp("us", "UTC")),
        doc=pa.array([{"x": [1, None]}, None, {"x": []}]),
    )
    rows, rejected = together(read_parquet(path, SHAPE, lambda size: None))
    assert rejected == {2: "nul_byte:id"}
    assert rows == {
        1: {"id": "a", "n": "1.10", "note": "2026-01-05 10:00:00.000000Z", "doc": '{"x":[1,null]}'},
        3: {"id": None, "n": "3.00", "note": "2026-01-05 10:00:00.000000Z", "doc": '{"x":[]}'},
    }


def test_torn_parquet_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", id=pa.array([str(number) for number in range(1000)]))
    whole = path.read_bytes()
    middle = len(whole) // 3
    flipped = (
        whole[:middle] + bytes(byte ^ 255 for byte in whole[middle : middle + 200]) + whole[middle + 200 :]
    )
    for broken in (b"", whole[:-1], whole[: len(whole) // 2], b"id\n1\n", flipped):
        path.write_bytes(broken)
        with pytest.raises(RefusedError, match="no whole Parquet file"):
            together(read_parquet(path, SHAPE, lambda size: None))


def test_parquet_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", id=pa.array(["a"]), n=pa.array([1], pa.duration("s")))
    with pytest.raises(RefusedError, match="Its column n has the type duration"):
        together(read_parquet(path, SHAPE, lambda size: None))
    path = write(tmp_path / "n.parquet", id=pa.array([[b"a"]]))
    with pytest.raises(RefusedError, match="Its column id has the type binary"):
        together(read_parquet(path, SHAPE, lambda size: None))
    path = write(tmp_path / "b.parquet", colour=pa.array(["a"]))
    with pytest.raises(RefusedError, match="found colour: none of them"):
        together(read_parquet(path, SHAPE, lambda size: None))


def texts(path: Path, *, words: str = "text") -> dict[str, list[str | None]]:
    """All columns of a file, as they are written into a column of this type."""
    kind = column_type(words)
    assert kind is not None
    found: dict[str, list[str | None]] = {}
    for parsed in read_parquet(
        path, Shape(dict.fromkeys(pq.read_schema(path).names, kind)), lambda size: None
    ):
        for name, values in parsed.columns.items():
            found.setdefault(name, []).extend(values.to_pylist())
    return found


SENTINELS = (
    datetime(9999, 12, 31, 23, 59, 59, 999999),
    datetime(1, 1, 1),
    datetime(1677, 9, 21),
    datetime(2026, 1, 5),
    None,
)


def test_int96_is_what_the_file_says_in_any_year(tmp_path: Path) -> None:
    """Spark and SQL Server write it; nanoseconds of int64 end in 2262, and begin in 1677."""
    path = tmp_path / "a.parquet"
    moments = pa.array(SENTINELS, pa.timestamp("us"))
    table = pa.table(
        {
            "plain": moments,
            "with.dot": moments,
            "listed": pa.array([[one, None] for one in SENTINELS], pa.list_(pa.timestamp("us"))),
            "keyed": pa.array([[("k", one)] for one in SENTINELS], pa.map_(pa.string(), pa.timestamp("us"))),
            "no_time": ["x"] * len(SENTINELS),
        }
    )
    pq.write_table(table, path, use_deprecated_int96_timestamps=True, row_group_size=2)
    assert pq.ParquetFile(path).schema.column(0).physical_type == "INT96"
    expected = [one and f"{one:%H:%M:%S.%f}000" for one in SENTINELS]
    expected = [
        one and f"{one.year:04}-{one:%m-%d} {rest}" for one, rest in zip(SENTINELS, expected, strict=True)
    ]
    found = texts(path)
    assert found["plain"] == found["with.dot"] == expected
    assert [json.loads(one or "") for one in found["listed"]] == [[one, None] for one in expected]
    assert [json.loads(one or "") for one in found["keyed"]] == [[["k", one]] for one in expected]
    # Nanoseconds are there too, where the year is one that has them.
    late = pa.array([1767574923000004123, None], pa.timestamp("ns"))
    pq.write_table(pa.table({"n": late}), path, use_deprecated_int96_timestamps=True)
    assert texts(path) == {"n": ["2026-01-05 01:02:03.000004123", None]}


#: Arrow's types that a Parquet file can have: values, and the text that they land as.
ARROW_VALUES: dict[str, tuple[pa.Array, list[str]]] = {
    "null": (pa.nulls(1), []),
    "bool": (pa.array([True, False]), ["true", "false"]),
    **{
        f"{sign}int{bits}": (
            pa.array([2**bits - 1 if sign else -(2 ** (bits - 1))], getattr(pa, f"{sign}int{bits}")()),
            [str(2**bits - 1 if sign else -(2 ** (bits - 1)))],
        )
        for bits in (8, 16, 32, 64)
        for sign in ("", "u")
    },
    "halffloat": (pa.array([0.1], pa.float64()).cast(pa.float32()).cast(pa.float16()), ["0.0999755859375"]),
    "float": (pa.array([0.1], pa.float32()), ["0.1"]),
    "double": (pa.array([0.1, 5e-324, 1e300]), ["0.1", "5e-324", "1e+300"]),
    "decimal128": (
        pa.array([Decimal("-1.10"), Decimal("1E-10")], pa.decimal128(38, 10)),
        ["-1.1000000000", "1E-10"],
    ),
    "decimal256": (pa.array([Decimal("9" * 76)], pa.decimal256(76, 0)), ["9" * 76]),
    "date32": (pa.array([date(1, 1, 1), date(9999, 12, 31)]), ["0001-01-01", "9999-12-31"]),
    "date64": (pa.array([date(1, 1, 1)], pa.date64()), ["0001-01-01"]),
    "time32": (pa.array([86_399_999], pa.time32("ms")), ["23:59:59.999"]),
    "time64": (pa.array([86_399_999_999_999], pa.time64("ns")), ["23:59:59.999999999"]),
    "timestamp": (pa.array([-62135596800000000], pa.timestamp("us")), ["0001-01-01 00:00:00.000000"]),
    "timestamp ns": (pa.array([1], pa.timestamp("ns")), ["1970-01-01 00:00:00.000000001"]),
    # Berlin was 53 minutes and 28 seconds ahead, which no offset says.
    "timestamp tz": (
        pa.array([-3000000000000000], pa.timestamp("us", "Europe/Berlin")),
        ["1874-12-07 18:40:00.000000Z"],
    ),
    "string": (pa.array(["a\u20ac"]), ["a\u20ac"]),
    "large_string": (pa.array(["a"], pa.large_string()), ["a"]),
    "binary": (pa.array([b"a\xe2\x82\xac"]), ["a\u20ac"]),
    "large_binary": (pa.array([b"a"], pa.large_binary()), ["a"]),
    "fixed_size_binary": (pa.array([b"ab"], pa.binary(2)), ["ab"]),
    "dictionary": (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
    "list": (pa.array([[0.1, None], []], pa.list_(pa.float32())), ["[0.10000000149011612,null]", "[]"]),
    "large_list": (pa.array([[1]], pa.large_list(pa.int8())), ["[1]"]),
    "fixed_size_list": (pa.array([[1, 2]], pa.list_(pa.int8(), 2)), ["[1,2]"]),
    "struct": (
        pa.array([{"a": Decimal("1.10"), "b": time(10), "c": None}]),
        ['{"a":1.10,"b":"10:00:00.000000","c":null}'],
    ),
    "map": (pa.array([[("k", True)]], pa.map_(pa.string(), pa.bool_())), ['[["k",true]]']),
    "nested ns": (pa.array([[1]], pa.list_(pa.time64("ns"))), ['["00:00:00.000000001"]']),
}
#: And those of which no text or number says the same.
NO_VALUES: dict[str, pa.Array] = {
    "duration": pa.array([1], pa.duration("us")),
    "list of duration": pa.array([[1]], pa.list_(pa.duration("us"))),
    "list of binary": pa.array([[b"a"]]),
    "bytes": pa.array([b"\xff"]),
    "NaN in a list": pa.array([[float("nan")]]),
    "year 147000": pa.array([2**62], pa.timestamp("us")),
}
#: Types that Arrow cannot write to Parquet, so that no file has them.
NOT_IN_PARQUET = {
    "month_day_nano_interval", "run_end_encoded", "dense_union", "sparse_union",
}  # fmt: skip
#: Those that later Arrow has: views are strings, lists and bytes in another layout; extensions have another's storage.
VARIANTS = {
    "string_view", "binary_view", "list_view", "large_list_view", "decimal32", "decimal64",
    "extension",
}  # fmt: skip


@pytest.mark.parametrize("name", ARROW_VALUES)
def test_every_value_of_parquet_lands_as_it_is(tmp_path: Path, name: str) -> None:
    values, expected = ARROW_VALUES[name]
    path = write(tmp_path / "a.parquet", c=pa.concat_arrays([values, pa.nulls(1, values.type)]))
    assert texts(path)["c"] == [*expected, *[None] * (len(values) + 1 - len(expected))]


def test_a_float_in_a_column_of_doubles_is_the_same_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", c=pa.array([0.1], pa.float32()))
    assert texts(path, words="double precision") == {"c": ["0.10000000149011612"]}
    assert texts(path, words="numeric(10,2)") == {"c": ["0.1"]}


@pytest.mark.parametrize("name", NO_VALUES)
def test_values_of_parquet_that_are_no_text_are_refused_by_name(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.parquet", my_column=NO_VALUES[name])
    with pytest.raises(RefusedError, match="Its column my_column "):
        texts(path)


def test_no_type_of_arrow_is_forgotten() -> None:
    """A type that a new release of Arrow brings has to be looked at."""
    known = {values.type.id for values, _ in ARROW_VALUES.values()} | {
        one.type.id for one in NO_VALUES.values()
    }
    names = {name.removeprefix("Type_") for name in dir(pa.lib) if name.startswith("Type_")}
    left = {name.lower() for name in names if getattr(pa.lib, f"Type_{name}") not in known}
    left = {name.lower() for name in left}
    odd = {"interval_months", "interval_day_time", "interval_month_day_nano"}
    assert left - VARIANTS - NOT_IN_PARQUET - odd == set()


def test_uuids_intervals_and_json_as_others_write_them(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "a.parquet"
    columns = "uuid '123e4567-e89b-12d3-a456-426614174000' as u, '[1.10]'::json as j"
    duckdb.sql(f"copy (select {columns}) to '{path}' (format parquet)")
    assert texts(path) == {"u": ["123e4567-e89b-12d3-a456-426614174000"], "j": ["[1.10]"]}
    duckdb.sql(f"copy (select interval 1 month as i) to '{path}' (format parquet)")
    with pytest.raises(RefusedError, match="Its column i has the type interval"):
        texts(path)
