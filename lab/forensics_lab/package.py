"""The package that the lab plays feeds for: where it is, and what it knows, as its pages say."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
_STREAMS = PACKAGE / "docs" / "streams.md"
#: The detectors: each has a page.
DETECTORS = frozenset(page.stem for page in (PACKAGE / "docs" / "detectors").glob("*.md"))
#: The keys of a stream: the page has a row for each.
KEYS = frozenset(
    re.findall(r"^\| `(\w+)` \|", _STREAMS.read_text(encoding="utf-8"), re.MULTILINE)
    if _STREAMS.exists()
    else ()
)
