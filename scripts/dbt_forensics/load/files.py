"""Which files are meant, their content as bytes, and what identifies it."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, takewhile
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from dbt_forensics.errors import ForensicsError
from dbt_forensics.load.model import RefusedError

_FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
_COMPRESSIONS = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}
#: What files are packed in that have to be unpacked first, and how such a file begins.
_PACKED = (
    ".zip",
    ".bz2",
    ".xz",
    ".7z",
    ".tar",
    ".tgz",
    ".lz4",
    ".snappy",
    ".br",
    ".gz",
    ".gzip",
    ".zst",
    ".zstd",
)
_MAGIC = {
    "gzip": rb"\x1f\x8b",
    "zstd": rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18",
    "zip": rb"PK\x03\x04",
    "bzip2": rb"BZh[1-9]",
    "xz": rb"\xfd7zX",
}
ENDINGS = "one of .jsonl, .ndjson, .json, .csv, .tsv (and these with .gz or .zst after it) or .parquet"
CHUNK = 1 * 1024 * 1024
#: What Hive and Spark name a folder whose key is NULL.
_NO_KEY = "__HIVE_DEFAULT_PARTITION__"

Progress = Callable[[int], None]


@dataclass(frozen=True)
class SourceFile:
    """A file to load.

    Attributes:
        path: Where it is, from the root: the session works in the project's folder.
        shown: As the user named it.
        format: jsonl, json, csv, tsv or parquet; empty if it cannot be loaded.
        compression: gzip or zstd; None if its bytes are the content.
        problem: Why it cannot be loaded, as a sentence; None if it can.
    """

    path: Path
    shown: str
    format: str
    compression: str | None
    problem: str | None = None

    @property
    def name(self) -> str:
        """Its name with the folders that are keys, without the compression's ending: it keeps it while it grows."""
        own = _text(self.path.stem if self.compression else self.path.name)
        return f"{self.folder_keys}/{own}" if self.folder_keys else own

    @property
    def place(self) -> str:
        """Its path as text."""
        return _text(str(self.path))

    @cached_property
    def folder_keys(self) -> str:
        """Its folders that are keys, as they are named, such as ``dt=2026-01-05/country=DE``; empty if none is."""
        return _text("/".join(_keys(self.path)))

    def keys(self) -> dict[str, str | None]:
        """Returns what the names of its folders say, as Hive writes it: ``dt=2026-01-05`` is the column dt.

        Raises:
            RefusedError: Two folders have the same key, or a name is no text.
        """
        found: dict[str, str | None] = {}
        for part in self.folder_keys.split("/") if self.folder_keys else ():
            key, _, value = part.partition("=")
            try:
                key, value = unquote(key, errors="strict"), unquote(value, errors="strict")
            except UnicodeDecodeError:
                key = "\0"
            if "\0" in key + value:
                raise RefusedError(f"The name of its folder {part} is no text: rename it.")
            if key in found:
                raise RefusedError(f"Two of its folders are named {key}=…: rename one.")
            found[key] = None if value == _NO_KEY else value
        return found


def _text(name: str) -> str:
    """A name of a file need not be text."""
    return os.fsencode(name).decode(errors="backslashreplace")


@dataclass(frozen=True)
class State:
    """What tells that a file is being written to."""

    size: int
    changed_ns: int
    inode: int


@dataclass(frozen=True)
class Fingerprint:
    """What identifies a content.

    Attributes:
        digest: SHA-256 of the content, uncompressed; of Parquet: of the file.
        size: Bytes of the content.
        at: Digest of the first n bytes, for each n that was asked for and is not beyond the end.
    """

    digest: str
    size: int
    at: dict[int, str]


def _keys(path: Path) -> list[str]:
    """Returns the folders of a path that are keys; of a link also those of where it leads, unless the path has them."""
    found: list[str] = []
    for place in [*reversed(path.parents), path]:
        if place != path and place.name.find("=") > 0:
            found.append(place.name)
        elif os.path.islink(place):  # noqa: PTH114 (what may not be looked at is none)
            names = {key.partition("=")[0] for key in found}
            parts = Path(os.path.realpath(place)).parts
            parts = parts[:-1] if place == path else parts
            found += [part for part in parts if part.find("=") > 0 and part.partition("=")[0] not in names]
    return found


def source_file(path: Path) -> SourceFile | None:
    """Returns a file as its name describes it, or None if the name does not say what it is."""
    compression = _COMPRESSIONS.get(path.suffix.lower())
    inner = Path(path.stem) if compression else path
    file_format = _FORMATS.get(inner.suffix.lower())
    if file_format is None or (compression and file_format == "parquet"):
        return None
    return SourceFile(_from_root(path), _text(str(path)), file_format, compression)


def _from_root(path: Path) -> Path:
    lexical = os.path.abspath(path)  # noqa: PTH100 (links stay what they are named, `..` does not)
    # `link/../a.csv` is beside what the link leads to.
    real = os.path.realpath(path)
    return Path(lexical if os.path.realpath(lexical) == real else real)


def find_files(arguments: Sequence[str]) -> list[SourceFile]:
    """Returns the files that are meant, each once, in the order of the arguments and then of their names.

    What is in a folder and cannot be loaded is among them, with its problem: nothing is left out without a word. Names
    that begin with ``_`` or ``.`` are, as Spark does: they are marks (``_SUCCESS``) and files that are being written.

    Args:
        arguments: Files, folders (all files in and below them) or patterns.

    Raises:
        ForensicsError: Something that was named is not there, or cannot be loaded.
    """
    found: dict[tuple[str, str], SourceFile] = {}
    for argument in arguments:
        for path, is_named, problem in _meant(argument):
            if problem and str(path) == argument:
                raise ForensicsError(f"{path} cannot be loaded: {problem}")
            file = None if problem else source_file(path)
            if file is None and is_named:
                raise ForensicsError(f"{path} cannot be loaded: its name must end with {ENDINGS}.")
            file = file or SourceFile(
                _from_root(path), _text(str(path)), "", None, problem or _not_loaded(path)
            )
            # Two links to one file are two if their folders are other keys: the rows differ.
            found.setdefault((os.path.realpath(path), file.folder_keys), file)
    if not found:
        raise ForensicsError(
            f"There is no file to load in {', '.join(arguments)}: names must end with {ENDINGS}."
        )
    return list(found.values())


def _not_loaded(path: Path) -> str:
    if path.suffix.lower() in _PACKED:
        return f"It is packed ({path.suffix}) in a way that is not read: unpack it; names must end with {ENDINGS}."
    return f"Its name does not say what it is: names must end with {ENDINGS}."


_Meant = tuple[Path, bool, "str | None"]


_Seen = set[tuple[str, tuple[str, ...]]]


def _meant(argument: str) -> Iterable[_Meant]:
    path = Path(argument)
    if os.path.isdir(path):  # noqa: PTH112 (what may not be looked at is none, and no error)
        return _walk(path, set())
    if os.path.isfile(path):  # noqa: PTH113
        return [] if _is_left_out(path.name) and source_file(path) is None else [(path, True, None)]
    matching = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 (a pattern may begin anywhere)
    if not matching:
        words = "is in a folder that may not be read" if _is_locked(path) else "does not exist"
        raise ForensicsError(f"{argument} {words}: name a file, a folder or a pattern.")
    named = len(list(takewhile(lambda part: not glob.has_magic(part), path.parts)))
    asks_for_marks = any(map(_is_left_out, path.parts[named:]))
    seen: _Seen = set()
    return chain.from_iterable(
        _walk(one, seen) if os.path.isdir(one) else [_child(one)]  # noqa: PTH112
        for one in map(Path, matching)
        if asks_for_marks or not any(map(_is_left_out, one.parts[named:]))
    )


def _is_locked(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _walk(folder: Path, seen: _Seen, above: frozenset[str] = frozenset()) -> Iterator[_Meant]:
    """Everything in and below a folder, links to folders too, each folder once for the keys that lead to it."""
    place = os.path.realpath(folder)
    known = (place, tuple(_keys(_from_root(folder) / "file")))
    if place in above or known in seen:
        return
    seen.add(known)
    try:
        children = sorted(folder.iterdir())
    except OSError as error:
        yield folder, False, f"It cannot be read ({error.strerror})."
        return
    for child in children:
        if _is_left_out(child.name):
            continue
        if os.path.isdir(child):  # noqa: PTH112
            yield from _walk(child, seen, above | {place})
        else:
            yield _child(child)


def _child(path: Path) -> _Meant:
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except PermissionError as error:
        return path, False, f"It cannot be read ({error.strerror})."
    except OSError:
        is_file = False
    return path, False, None if is_file else "It is no file, or a link that leads nowhere."


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def state(path: Path) -> State:
    """Returns what will differ if the file is written to."""
    try:
        found = path.stat()
    except OSError as error:
        raise RefusedError(f"It cannot be read ({error.strerror}).") from error
    return State(found.st_size, found.st_mtime_ns, found.st_ino)


@contextmanager
def content(file: SourceFile, progress: Progress) -> Iterator[Iterator[bytes]]:
    """Gives the content of a file in chunks, uncompressed.

    Args:
        file: The file.
        progress: Is called with the number of bytes on disk that each chunk took.

    Raises:
        RefusedError: It cannot be read, or its compression is broken; the sentence has the position.
    """
    try:
        with file.path.open("rb") as raw:
            yield _chunks(file, raw, progress)
    except OSError as error:
        raise RefusedError(f"It cannot be read ({error.strerror or error}).") from error


def is_empty(file: SourceFile) -> bool:
    """Returns whether a text file has no content.

    Raises:
        RefusedError: It cannot be read.
    """
    with content(file, lambda _: None) as chunks:
        return file.format != "parquet" and not next(chunks, b"")


def _chunks(file: SourceFile, raw: IO[bytes], progress: Progress) -> Iterator[bytes]:
    magic = raw.read(4)
    raw.seek(0)
    whole = os.fstat(raw.fileno()).st_size
    if whole == 0:
        return
    _check_compression(file, magic)
    position = at = 0
    unpack = {"gzip": _gunzip, "zstd": _unzstd, None: _plain}[file.compression]
    stream = unpack(raw)
    while True:
        try:
            chunk = next(stream, b"")
        except _BrokenError as error:
            wrong = (
                "it is half written; get it again"
                if error.is_cut
                else "it is damaged; get it again, or have it written again"
            )
            raise RefusedError(
                f"Its {file.compression} compression is broken after {position:,} bytes of content, near byte "
                f"{raw.tell():,} of the file ({error}): {wrong}."
            ) from error
        if not chunk:
            return
        position += len(chunk)
        if raw.tell() > whole:  # somebody writes as fast as it is read
            raise changed()
        progress(raw.tell() - at)
        at = raw.tell()
        yield chunk


def _check_compression(file: SourceFile, magic: bytes) -> None:
    """Compares what the name of a file says with how it begins; a beginning that is cut off is told later."""
    found = next((name for name, begins in _MAGIC.items() if re.match(begins, magic)), None)
    if found == file.compression or (len(magic) < 4 and file.compression and found is None):
        return
    if file.compression is None:
        if file.format == "parquet" or found not in _COMPRESSIONS.values():
            raise RefusedError(f"It is compressed ({found}): unpack it.")
        raise RefusedError("It is compressed, and its name does not say so: add .gz or .zst to the name.")
    ending = file.path.suffix
    if found is None:
        raise RefusedError(
            f"Its name says that it is compressed ({ending}), and it is not: take {ending} off its name."
        )
    raise RefusedError(
        f"Its name says that it is {file.compression}, and its bytes are {found}: give it the ending that is true, or "
        "unpack it."
    )


class _BrokenError(Exception):
    def __init__(self, words: str, is_cut: bool) -> None:
        super().__init__(words)
        self.is_cut = is_cut


def _plain(raw: IO[bytes]) -> Iterator[bytes]:
    while chunk := raw.read(CHUNK):
        yield chunk


def _gunzip(raw: IO[bytes]) -> Iterator[bytes]:
    """Reads the members of a gzip file one after the other; zeros may fill up the end, as tapes and blocks do."""
    member, is_open, is_first, data = zlib.decompressobj(31), False, True, b""
    while data or (data := raw.read(CHUNK)):
        if not is_open:
            data = data if is_first else data.lstrip(b"\0")
            if not data:
                continue
            member, is_open = zlib.decompressobj(31), True
        try:
            chunk = member.decompress(data, CHUNK)
        except zlib.error as error:
            is_after = not is_first and "header" in str(error)
            words = "something else follows after its end" if is_after else str(error)
            raise _BrokenError(words, is_cut=False) from error
        if chunk:
            yield chunk
        is_open, is_first = not member.eof, is_first and not member.eof
        data = member.unused_data if member.eof else member.unconsumed_tail
    while is_open and (chunk := member.decompress(b"", CHUNK)):
        yield chunk
    if is_open and not member.eof:
        raise _BrokenError("the file ends in the middle of it", is_cut=True)


def _unzstd(raw: IO[bytes]) -> Iterator[bytes]:
    import pyarrow as pa

    stream = pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")
    while True:
        try:
            chunk = stream.read(CHUNK)
        except OSError as error:
            # The first frame is known by its beginning.
            is_after = "Unknown frame descriptor" in str(error)
            words = "something else follows after its end" if is_after else str(error)
            raise _BrokenError(words, is_cut="runcated" in str(error)) from error
        if not chunk:
            return
        yield chunk


def changed() -> RefusedError:
    """Returns the error for a file that is written to while it is read."""
    return RefusedError("It changed while it was read: load it when it is written to its end.")


def fingerprint(chunks: Iterable[bytes], sizes: Iterable[int] = ()) -> Fingerprint:
    """Returns what identifies a content.

    Args:
        chunks: The content.
        sizes: For which first bytes a digest of their own is wanted.
    """
    digest, size, at = hashlib.sha256(), 0, {}
    wanted = sorted(set(sizes))
    for chunk in chunks:
        done = 0
        while wanted and wanted[0] <= size + len(chunk):
            mark = wanted.pop(0)
            digest.update(memoryview(chunk)[done : mark - size])
            done = mark - size
            at[mark] = digest.copy().hexdigest()
        digest.update(memoryview(chunk)[done:])
        size += len(chunk)
    if wanted and wanted[0] == size == 0:
        at[0] = digest.hexdigest()
    return Fingerprint(digest.hexdigest(), size, at)
