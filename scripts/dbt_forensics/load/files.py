"""Which files are meant, their content as bytes, and what identifies it."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dbt_forensics.errors import ForensicsError
from dbt_forensics.load.model import RefusedError

if TYPE_CHECKING:
    import pyarrow as pa

_FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}
_COMPRESSIONS = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}
ENDINGS = "one of .jsonl, .ndjson, .csv (and these with .gz or .zst after it) or .parquet"
CHUNK = 1 * 1024 * 1024

Progress = Callable[[int], None]


@dataclass(frozen=True)
class SourceFile:
    """A file to load.

    Attributes:
        path: Where it is, from the root: the session works in the project's folder.
        shown: As the user named it.
        format: jsonl, csv or parquet.
        compression: gzip or zstd; None if its bytes are the content.
    """

    path: Path
    shown: str
    format: str
    compression: str | None

    @property
    def name(self) -> str:
        """Its name without folder and without the ending of the compression: what it keeps while it grows."""
        return self.path.stem if self.compression else self.path.name


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


def source_file(path: Path) -> SourceFile | None:
    """Returns a file as its name describes it, or None if the name does not say what it is."""
    compression = _COMPRESSIONS.get(path.suffix.lower())
    inner = Path(path.stem) if compression else path
    file_format = _FORMATS.get(inner.suffix.lower())
    if file_format is None or (compression and file_format == "parquet"):
        return None
    return SourceFile(path.absolute(), str(path), file_format, compression)


def find_files(arguments: Sequence[str]) -> list[SourceFile]:
    """Returns the files that are meant, each once, in the order of the arguments and then of their names.

    Args:
        arguments: Files, folders (all files in and below them whose names say that they can be loaded) or patterns.

    Raises:
        ForensicsError: Something that was named is not there, or cannot be loaded.
    """
    found: dict[Path, SourceFile] = {}
    for argument in arguments:
        for path, is_named in _meant(argument):
            file = source_file(path)
            if file is None and is_named:
                raise ForensicsError(f"{path} cannot be loaded: its name must end with {ENDINGS}.")
            if file is not None:
                found.setdefault(path.resolve(), file)
    if not found:
        raise ForensicsError(
            f"There is no file to load in {', '.join(arguments)}: names must end with {ENDINGS}."
        )
    return list(found.values())


def _meant(argument: str) -> Iterable[tuple[Path, bool]]:
    path = Path(argument)
    if path.is_dir():
        return [
            (child, False)
            for child in sorted(path.rglob("*"))
            if child.is_file() and not any(part.startswith(".") for part in child.relative_to(path).parts)
        ]
    if path.is_file():
        return [(path, True)]
    matching = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 (a pattern may begin anywhere)
    if not matching:
        raise ForensicsError(f"{argument} does not exist: name a file, a folder or a pattern.")
    return [(Path(name), False) for name in matching if Path(name).is_file()]


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


def _chunks(file: SourceFile, raw: IO[bytes], progress: Progress) -> Iterator[bytes]:
    import pyarrow as pa

    magic = raw.read(4)
    raw.seek(0)
    whole = os.fstat(raw.fileno()).st_size
    if whole == 0:
        return
    if not file.compression and (magic.startswith(b"\x1f\x8b") or magic == b"\x28\xb5\x2f\xfd"):
        raise RefusedError("It is compressed, and its name does not say so: add .gz or .zst to the name.")
    stream: IO[bytes] | pa.NativeFile = raw
    if file.compression:
        stream = pa.CompressedInputStream(pa.PythonFile(raw, "r"), file.compression)
    position = at = 0
    while True:
        try:
            chunk = stream.read(CHUNK)
        except OSError as error:
            if not file.compression:
                raise
            raise RefusedError(
                f"Its {file.compression} compression is broken after {position:,} bytes of content, near byte "
                f"{raw.tell():,} of the file ({error}): it is half written or damaged; get it again."
            ) from error
        if not chunk:
            return
        position += len(chunk)
        if raw.tell() > whole:  # somebody writes as fast as it is read
            raise changed()
        progress(raw.tell() - at)
        at = raw.tell()
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
