"""From the content of a text file to stretches of rows. Pure: bytes in, rows out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from dbt_forensics.load import csvs, fast, jsonl
from dbt_forensics.load.csvs import Dialect
from dbt_forensics.load.model import LONGEST_RECORD, Parsed, RefusedError
from dbt_forensics.load.shape import Shape

_BOM = b"\xef\xbb\xbf"
#: How the records of a file that is no JSON Lines at all are rejected.
_ANOTHER_FILE = {"invalid_json", "not_an_object", "invalid_utf8", "nul_byte", "unknown_column"}
#: What a record may look like of which the end is missing.
_TORN = {"invalid_json", "invalid_utf8", "wrong_field_count"}


def read_text(file_format: str, chunks: Iterable[bytes], shape: Shape, skip: int = 0) -> Iterator[Parsed]:
    """Reads JSON Lines or CSV.

    Args:
        file_format: jsonl or csv.
        chunks: The content.
        shape: What is expected.
        skip: How many bytes of the content are known and left out; a record ends there.

    Raises:
        RefusedError: The file as a whole is half written, of another shape, or no such file at all.
    """
    return _read_jsonl(chunks, shape, skip) if file_format == "jsonl" else _read_csv(chunks, shape, skip)


def _read_jsonl(chunks: Iterable[bytes], shape: Shape, skip: int) -> Iterator[Parsed]:
    stream = iter(chunks)
    head = next(stream, b"")
    is_first = True

    def parse(data: bytes, first_line: int, is_final: bool) -> tuple[Parsed, int]:
        nonlocal is_first
        lines = [
            (number, text.removesuffix(b"\r"))
            for number, text in enumerate(data.split(b"\n"), first_line)
            if text.strip(b" \t\r")
        ]
        parsed = None if is_first else fast.parse_jsonl(data, lines, shape)
        if parsed is None:
            parsed = jsonl.parse_lines(lines, shape.column, shape.types, lenient=shape.is_forced)
        if is_final and not data.endswith(b"\n"):
            _check_end(parsed, lines[-1][0] if lines else 0)
        if is_first and lines:
            _check_jsonl(parsed, shape)
            is_first = False
        return parsed, len(data)

    line, rest = _after(chain([head], stream), max(skip, _bom(head)))
    yield from _stretches(rest, line, parse)


def _check_jsonl(parsed: Parsed, shape: Shape) -> None:
    """Looks at the first stretch: is this file one for this table?"""
    if parsed.lines:
        shape.check(parsed.columns)
        return
    reasons = {rejected.reason for rejected in parsed.rejected}
    if shape.is_forced or not reasons <= _ANOTHER_FILE:
        return
    if "unknown_column" in reasons:
        shape.check(jsonl.keys([one.content for one in parsed.rejected]))
    is_array = parsed.rejected[0].content.lstrip().startswith(b"[")
    array = " (it begins as a JSON array: write each of its objects on a line)" if is_array else ""
    raise RefusedError(
        f"It is not JSON Lines: expected an object in every line, and none of the first {len(parsed.rejected):,} "
        f"is one{array}; check that it is the right file, or load with --force to reject line by line."
    )


def _read_csv(chunks: Iterable[bytes], shape: Shape, skip: int) -> Iterator[Parsed]:
    stream = iter(chunks)
    head = b""
    while b"\n" not in head:
        chunk = next(stream, b"")
        head += chunk
        if not chunk:
            break
        _check_length(head, 1)
    start = _bom(head)
    if not head[start:].strip():
        raise RefusedError("It has no header: expected the names of columns in its first line.")
    delimiter, names, size = csvs.read_header(head[start:], shape.column)
    csvs.check_header(names)
    shape.check(names)
    dialect = Dialect(delimiter, names, tuple(shape.columns(names)))

    def parse(data: bytes, first_line: int, is_final: bool) -> tuple[Parsed, int]:
        quick = fast.parse_csv(data, first_line, dialect)
        parsed, used = quick or csvs.parse_records(data, first_line, dialect, is_final)
        if is_final and not data.endswith(b"\n"):
            _check_end(
                parsed, max([*parsed.lines[-1:], *(one.line for one in parsed.rejected[-1:])], default=0)
            )
        return parsed, used

    line, rest = _after(chain([head], stream), max(skip, start + size))
    yield from _stretches(rest, line, parse)


def _check_end(parsed: Parsed, last: int) -> None:
    """The last record, without an end and unreadable, is one that was not written to its end."""
    if parsed.rejected and parsed.rejected[-1].line == last and parsed.rejected[-1].reason in _TORN:
        raise RefusedError(
            f"Its last line, {last:,}, has no end and cannot be read: the file is half written; get it again, or put "
            "the line right."
        )


def _bom(head: bytes) -> int:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise RefusedError("It is UTF-16: expected UTF-8; convert it.")
    return len(_BOM) if head.startswith(_BOM) else 0


def _after(chunks: Iterable[bytes], skip: int) -> tuple[int, Iterator[bytes]]:
    """Leaves out the first bytes, which end with a record; returns the number of the next line, and the rest."""
    stream = iter(chunks)
    line, left, last = 1, skip, b"\n"
    rest = b""
    while left:
        chunk = next(stream, b"")
        if not chunk:
            return line, iter(())
        line += chunk.count(b"\n", 0, left)
        last = chunk[:left][-1:]
        rest = chunk[left:]
        left -= min(left, len(chunk))
    if last == b"\n" or skip == len(_BOM):
        return line, chain([rest], stream)
    while len(rest) < 2 and (chunk := next(stream, b"")):
        rest += chunk
    end = b"\r\n" if rest.startswith(b"\r\n") else b"\n"
    if rest and not rest.startswith(end):
        raise RefusedError(
            f"Line {line:,} goes on where it ended when the file was loaded before, so what landed was half of it: "
            "take that load's batch out of the table and give the file another name."
        )
    return line + 1, chain([rest.removeprefix(end)], stream)


def _stretches(
    chunks: Iterable[bytes], line: int, parse: Callable[[bytes, int, bool], tuple[Parsed, int]]
) -> Iterator[Parsed]:
    """Hands on what ends with a line; `parse` says how much of it was whole records, the rest is kept for the next."""
    held = b""
    for chunk in chunks:
        held += chunk
        cut = held.rfind(b"\n") + 1
        if cut:
            parsed, used = parse(held[:cut], line, False)
            yield parsed
            line += held.count(b"\n", 0, used)
            held = held[used:]
        _check_length(held, line)
    if held:
        yield parse(held, line, True)[0]


def _check_length(held: bytes, line: int) -> None:
    if len(held) > LONGEST_RECORD:
        raise RefusedError(
            f"The record that begins in line {line:,} is longer than {LONGEST_RECORD // 2**20} MiB: expected lines; "
            "check that it is the right file, and whether a quote was never closed."
        )
