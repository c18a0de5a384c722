"""JSON that has no line for each object: an array of them, or one after the other, as APIs and streams write it.

What stands between two values (white space, commas, the ends of arrays) is no record; everything else is one, so that
nothing is left out of the accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dbt_forensics.load.model import LONGEST_RECORD, RefusedError

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*'
_TOKEN = re.compile(rb'(%s)("?)|[\[\]{}]' % _STRING, re.DOTALL)
#: An object without another one in it.
_FLAT = re.compile(rb'\{[^{}\[\]"]*(?:%s"[^{}\[\]"]*)*\}' % _STRING, re.DOTALL)
_GAP = re.compile(rb"[ \t\r\n,\x1e]*")
_WORD = re.compile(rb'[^ \t\r\n,\[\]{}"\x1e]*')


@dataclass(frozen=True)
class Value:
    """A value at the top of a file, or in an array there.

    Attributes:
        start: Where it begins in the content.
        text: Its bytes.
    """

    start: int
    text: bytes

    @property
    def end(self) -> int:
        """Where what follows it begins."""
        return self.start + len(self.text)


def depth(text: bytes) -> int:
    """Returns how many brackets and quotes of a text are open at its end; negative if it closes more than it opens."""
    return _Scan().go(text, 0, at_zero=False)


class _Scan:
    """Follows brackets and quotes, and goes on where it stopped when more of the text is there."""

    def __init__(self) -> None:
        self.depth, self.at, self.end = 0, 0, -1

    def go(self, text: bytes, start: int, *, at_zero: bool = True) -> int:
        """Returns the depth at the end; `end` is where the first value is whole, if `at_zero` and it is."""
        for token in _TOKEN.finditer(text, start + self.at):
            if token[1] is not None:
                if not token[2]:
                    self.at = token.start() - start
                    return self.depth + 1
            else:
                self.depth += 1 if token[0] in b"[{" else -1
            if at_zero and self.depth <= 0:
                self.end = token.end()
                return 0
        self.at = len(text) - start
        return self.depth


def are_documents(head: bytes) -> bool:
    """Looks at the beginning of a file: is it something else than an object in every line?

    Args:
        head: The beginning, without a byte order mark.
    """
    start = _GAP.match(head).end()  # type: ignore[union-attr]
    first = head[start:]
    if first.startswith(b"[") or b"\x1e" in head[:start]:
        return True
    line, _, rest = first.partition(b"\n")
    line = line.strip()
    if not line.startswith(b"{"):
        return False
    scan = _Scan()
    if scan.go(line, 0) == 0:
        after = line[scan.end :].lstrip(b" \t\r")
        return after.startswith((b"{", b"[", b",", b"\x1e")) or (not after and rest.lstrip().startswith(b","))
    # An object that goes on in the next line is written so; one that is torn does not end where a person breaks lines.
    follows = rest.lstrip()[:1]
    is_odd = follows == b"{" and b"[" not in line
    return bool(follows) and line[-1:] in b"{[,:" and not is_odd


def values(chunks: Iterable[bytes], before: int = 0) -> Iterator[Value]:
    """Returns the values of a content, one after the other.

    Args:
        chunks: The content.
        before: How many of its bytes came before them.

    Raises:
        RefusedError: A bracket or a quote is never closed, or a value is too long.
    """
    held, at, opened, count = b"", 0, -1, 0
    scan: _Scan | None = None
    for chunk in _and_the_end(chunks):
        held, before, at = held[at:] + (chunk or b""), before + at, 0
        while True:
            if scan is None:
                at = _GAP.match(held, at).end()  # type: ignore[union-attr]
                if at == len(held):
                    break
                if held[at : at + 1] == b"[" and opened < 0:
                    opened, at = count, at + 1
                    continue
                if held[at : at + 1] == b"]" and opened >= 0:
                    opened, at = -1, at + 1
                    continue
                scan = _Scan()
            end = _end(held, at, scan, chunk is None)
            if end is None:
                break
            count += 1
            yield Value(before + at, held[at:end])
            at, scan = end, None
        if len(held) - at > LONGEST_RECORD:
            raise RefusedError(
                f"Value {count + 1:,} is longer than {LONGEST_RECORD // 2**20} MiB: expected objects, one a line, one "
                "after the other or in an array; check that it is the right file."
            )
    if scan is not None:
        raise RefusedError(
            f"A bracket or a quote that is opened in value {count + 1:,} is never closed: the file is half written or "
            "damaged; get it again, or correct that value."
        )
    if opened >= 0:
        begins = "It begins as" if opened == 0 else f"After value {opened:,} it has"
        raise RefusedError(
            f"{begins} a JSON array, and the array is never closed: the file is half written; get it again."
        )


def _and_the_end(chunks: Iterable[bytes]) -> Iterator[bytes | None]:
    yield from chunks
    yield None


def _end(held: bytes, at: int, scan: _Scan, is_final: bool) -> int | None:
    """Returns where the value that begins here ends; None if more of the content is needed for it."""
    first = held[at : at + 1]
    if first not in b'{["':
        end = _WORD.match(held, at).end()  # type: ignore[union-attr]
        return max(end, at + 1) if end < len(held) or is_final else None
    if scan.at == 0 and first == b"{" and (flat := _FLAT.match(held, at)):
        return flat.end()
    return scan.end if scan.go(held, at) == 0 and scan.end > 0 else None
