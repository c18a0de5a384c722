"""From bytes to rows, rejected records and refused files."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dbt_forensics.errors import ForensicsError
from dbt_forensics.load.files import content, find_files, fingerprint, source_file
from dbt_forensics.load.model import REASONS, Parsed, RefusedError
from dbt_forensics.load.parquet import read_parquet
from dbt_forensics.load.readers import read_text
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
        (b'[\n{"id":1},\n', "begins as a JSON array"),
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
    for broken in (whole[:-1], whole[: len(whole) // 2], whole + b"garbage", b"plain text\n"):
        path.write_bytes(broken)
        with pytest.raises(
            RefusedError, match=r"compression is broken after [\d,]+ bytes .* near byte [\d,]+ of the file"
        ):
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
    names = [str(file.path.relative_to(tmp_path)) for file in find_files([str(tmp_path)])]
    assert names == ["a.csv.gz", "b.jsonl", "sub/c.parquet", "sub/d.ndjson.zst"]
    assert len(find_files([str(tmp_path), str(tmp_path / "b.jsonl")])) == 4
    assert [file.name for file in find_files([str(tmp_path / "*.gz")])] == ["a.csv"]
    for argument, words in (
        ("notes.txt", "its name must end with one of .jsonl"),
        ("nope.csv", "does not exist"),
        ("*.txt", "no file to load"),
    ):
        with pytest.raises(ForensicsError, match=re.escape(words)):
            find_files([str(tmp_path / argument)])


def test_gzip_of_a_file_without_content_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b""))
    assert chunks_of(tmp_path / "a.csv.gz") == b""


# Parquet


def write(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_parquet_is_read_as_text(tmp_path: Path) -> None:
    from datetime import datetime, timezone
    from decimal import Decimal

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
    path = write(tmp_path / "b.parquet", colour=pa.array(["a"]))
    with pytest.raises(RefusedError, match="found colour: none of them"):
        together(read_parquet(path, SHAPE, lambda size: None))
