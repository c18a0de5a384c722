"""From the content of a text file to stretches of rows. Pure: bytes in, rows out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from dbt_forensics.load import csvs, documents, fast, jsonl
from dbt_forensics.load.csvs import Dialect
from dbt_forensics.load.files import CHUNK
from dbt_forensics.load.model import LONGEST_RECORD, Parsed, RefusedError
from dbt_forensics.load.shape import Shape

_BOM = b"\xef\xbb\xbf"
_END_MARK = b"\x1a"
#: The last byte that landed and two that follow, where a record ends between them.
_END = re.compile(rb"\n|.(?:\n|\r\n|\Z)", re.DOTALL)
#: How the records of a file that is no JSON Lines at all are rejected.
_ANOTHER_FILE = {"invalid_json", "not_an_object", "invalid_utf8", "nul_byte", "unknown_column"}
#: What a record may look like of which the end is missing.
_TORN = {"invalid_json", "invalid_utf8", "wrong_field_count"}


def read_text(
    file_format: str, chunks: Iterable[bytes], shape: Shape, skip: int = 0, known: int = 0
) -> Iterator[Parsed]:
    """Reads JSON or CSV.

    Args:
        file_format: jsonl, json, csv or tsv.
        chunks: The content.
        shape: What is expected.
        skip: How many bytes of the content are known and left out; a record ends there.
        known: How many bytes landed before and are read again, because records of them were rejected; likewise.

    Raises:
        RefusedError: The file as a whole is half written, of another shape, or no such file at all.
    """
    if file_format in ("jsonl", "json"):
        return _read_json(_without_end_mark(chunks, everywhere=True), shape, skip, known)
    whole = _without_end_mark(chunks, everywhere=False)
    return _read_csv(whole, shape, skip, known, _delimiters(file_format))


def _without_end_mark(chunks: Iterable[bytes], *, everywhere: bool) -> Iterator[bytes]:
    """Leaves out Ctrl-Z, with which DOS ended files; unless it is everywhere, only where it is a line of its own.

    It may have a line's end, as an editor or a copied line gives it.
    """
    held = last = b""
    for chunk in chunks:
        whole = held + chunk
        mark = whole.find(_END_MARK, len(whole.rstrip(_END_MARK + b"\r\n")))
        kept, held = (whole, b"") if mark < 0 else (whole[:mark], whole[mark:])
        if kept:
            last = kept[-1:]
            yield kept
    if held and not everywhere and last != b"\n":
        yield held


def first_records(chunks: Iterable[bytes]) -> list[bytes]:
    """Returns the first records of a JSON file, some megabytes of them.

    Raises:
        RefusedError: As for reading.
    """
    head, rest = _head(_without_end_mark(chunks, everywhere=True))
    start = _bom(head)
    if not documents.are_documents(head[start:]):
        return head[start:].split(b"\n")
    found = []
    for value in documents.values(chain([head[start:]], rest), start):
        found.append(value.text)
        if value.end > CHUNK:
            break
    return found


def first_names(file_format: str, chunks: Iterable[bytes]) -> tuple[str, ...]:
    """Returns the names in the header of a CSV file.

    Raises:
        RefusedError: As for reading.
    """
    head, _, start = _csv_head(_without_end_mark(chunks, everywhere=False))
    _, names, _ = csvs.read_header(head[start:], lambda name: name, _delimiters(file_format))
    csvs.check_header(names)
    return names


def _delimiters(file_format: str) -> str:
    return "\t" if file_format == "tsv" else csvs.DELIMITERS


def _csv_head(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes], int]:
    """Returns the beginning of a content, at least its first line, the rest, and where the header begins."""
    stream = iter(chunks)
    head = b""
    while b"\n" not in head:
        chunk = next(stream, b"")
        head += chunk
        if not chunk:
            break
        _check_length(head, 1)
    start = _bom(head)
    if b"\r" in head.rstrip() and b"\n" not in head:
        raise RefusedError("Its lines end with a carriage return alone: expected line feeds; convert it.")
    if not head[start:].strip():
        raise RefusedError("It has no header: expected the names of columns in its first line.")
    return head, stream, start


def _head(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Returns the beginning of a content, as long as it takes to know what it is, and the rest."""
    stream = iter(chunks)
    head = b""
    while len(head) < CHUNK and (chunk := next(stream, b"")):
        head += chunk
    return head, stream


def _read_json(chunks: Iterable[bytes], shape: Shape, skip: int, known: int) -> Iterator[Parsed]:
    head, rest = _head(chunks)
    start = _bom(head)
    if documents.are_documents(head[start:CHUNK]):
        return _read_documents(chain([head[start:]], rest), start, shape, skip, known)
    return _read_lines(chain([head], rest), start, shape, skip, known)


def _read_documents(
    chunks: Iterable[bytes], start: int, shape: Shape, skip: int, known: int
) -> Iterator[Parsed]:
    """The number of a value stands for that of a line."""
    is_first = skip <= start  # what is known was looked at when it landed
    for lines in _together(_after_known(documents.values(chunks, start), skip, known)):
        parsed = None
        if not is_first and not any(b"\n" in text or b"\r" in text for _, text in lines):
            parsed = fast.parse_jsonl(b"".join(text + b"\n" for _, text in lines), lines, shape)
        if parsed is None:
            parsed = jsonl.parse_lines(lines, shape.column, shape.types, lenient=shape.is_forced)
        if is_first:
            _check_json(parsed, shape, "JSON objects: expected an object for each value")
            is_first = False
        yield parsed


def _after_known(found: Iterable[documents.Value], skip: int, known: int) -> Iterator[jsonl.Line]:
    for number, value in enumerate(found, 1):
        if value.start < max(skip, known) < value.end:
            raise _goes_on(f"Value {number:,}")
        if value.start >= skip:
            yield number, value.text


def _together(lines: Iterable[jsonl.Line]) -> Iterator[list[jsonl.Line]]:
    some: list[jsonl.Line] = []
    size = 0
    for line in lines:
        some.append(line)
        size += len(line[1])
        if size >= CHUNK:
            yield some
            some, size = [], 0
    if some:
        yield some


def _read_lines(chunks: Iterable[bytes], start: int, shape: Shape, skip: int, known: int) -> Iterator[Parsed]:
    is_first = skip <= start

    def parse(data: bytes, first_line: int, is_final: bool) -> tuple[Parsed, int]:
        nonlocal is_first
        lines = [
            (number, text.removesuffix(b"\r").removeprefix(_BOM))
            for number, text in enumerate(data.split(b"\n"), first_line)
            if text.strip(b" \t\r")
        ]
        parsed = None if is_first else fast.parse_jsonl(data, lines, shape)
        if parsed is None:
            parsed = jsonl.parse_lines(lines, shape.column, shape.types, lenient=shape.is_forced)
        if is_final and lines and not data.endswith(b"\n") and not shape.is_forced:
            _check_end(parsed, lines[-1][0], documents.depth(lines[-1][1]) > 0)
        if is_first and lines:
            _check_json(parsed, shape, "JSON Lines: expected an object in every line")
            is_first = False
        return parsed, len(data)

    line, rest = _after(_ending_at(chunks, known, start), max(skip, start), start)
    return _stretches(rest, line, parse)


def _check_json(parsed: Parsed, shape: Shape, expected: str) -> None:
    """Looks at the first stretch: is this file one for this table?"""
    if parsed.lines:
        shape.check(parsed.columns)
        return
    reasons = {rejected.reason for rejected in parsed.rejected}
    if shape.is_forced or not reasons <= _ANOTHER_FILE:
        return
    if "unknown_column" in reasons:
        shape.check(jsonl.keys([one.content for one in parsed.rejected]))
    raise RefusedError(
        f"It is not {expected}, and none of the first {len(parsed.rejected):,} is one; check that it is the right "
        "file, or load with --force to reject one by one."
    )


def _read_csv(
    chunks: Iterable[bytes], shape: Shape, skip: int, known: int, delimiters: str
) -> Iterator[Parsed]:
    head, stream, start = _csv_head(chunks)
    delimiter, names, size = csvs.read_header(head[start:], shape.column, delimiters)
    csvs.check_header(names)
    shape.check(names)
    dialect = Dialect(delimiter, names, tuple(shape.columns(names)))

    def parse(data: bytes, first_line: int, is_final: bool) -> tuple[Parsed, int]:
        quick = fast.parse_csv(data, first_line, dialect)
        parsed, used = quick or csvs.parse_records(data, first_line, dialect, is_final)
        if is_final and not data.endswith(b"\n") and not shape.is_forced:
            last = max([*parsed.lines[-1:], *(one.line for one in parsed.rejected[-1:])], default=0)
            is_short = bool(parsed.rejected) and not _has_too_many(parsed.rejected[-1].content, dialect)
            _check_end(parsed, last, is_short)
        return parsed, used

    whole = _ending_at(chain([head], stream), known, start)
    line, rest = _after(whole, max(skip, start + size), start)
    yield from _stretches(rest, line, parse)


def _has_too_many(content: bytes, dialect: Dialect) -> bool:
    """Whether a record has more fields than the header: then it is not the end that is missing."""
    return content.count(dialect.delimiter.encode()) >= len(dialect.header)


def _check_end(parsed: Parsed, last: int, is_open: bool) -> None:
    """A last record without an end that is not whole may be one that was not written to its end."""
    is_torn = is_open and any(one.reason in _TORN for one in parsed.rejected[-1:])
    if parsed.rejected and parsed.rejected[-1].line == last and is_torn:
        raise RefusedError(
            f"Its last line, {last:,}, has no end and cannot be read: either the file is half written (get it again), "
            "or that line is wrong (correct it, or load with --force to reject it)."
        )


def _bom(head: bytes) -> int:
    """Returns how many bytes of byte order marks a content begins with."""
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise RefusedError("It is UTF-32: expected UTF-8; convert it.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (
        len(head) > 3 and head[:4].count(0) == 2 and _half(head)
    ):
        raise RefusedError("It is UTF-16: expected UTF-8; convert it.")
    size = 0
    while head.startswith(_BOM, size):
        size += len(_BOM)
    return size


def _half(head: bytes) -> bool:
    """Every second byte is none, as in Latin letters that are written in two bytes."""
    return head[0] == head[2] == 0 or head[1] == head[3] == 0


def _after(chunks: Iterable[bytes], skip: int, start: int) -> tuple[int, Iterator[bytes]]:
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
    if last == b"\n" or skip <= start:
        return line, chain([rest], stream)
    while len(rest) < 2 and (chunk := next(stream, b"")):
        rest += chunk
    end = b"\r\n" if rest.startswith(b"\r\n") else b"\n"
    if rest and not rest.startswith(end):
        raise _goes_on(f"Line {line:,}")
    return line + 1, chain([rest.removeprefix(end)], stream)


def _ending_at(chunks: Iterable[bytes], known: int, start: int) -> Iterator[bytes]:
    """Hands on a content, and finds a record that goes on where it ended before, as `_after` does."""
    at, line, around = 0, 1, b""
    for chunk in chunks:
        around += chunk[max(known - 1 - at, 0) : max(known + 2 - at, 0)]
        line += chunk.count(b"\n", 0, max(known - at, 0))
        at += len(chunk)
        yield chunk
    if around and known > start and not _END.match(around):
        raise _goes_on(f"Line {line:,}")


def _goes_on(record: str) -> RefusedError:
    return RefusedError(
        f"{record} goes on where it ended when the file was loaded before, so what landed was half of it: "
        "take that load's batch out of the table and give the file another name."
    )


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
