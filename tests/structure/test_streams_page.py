"""docs/streams.md says which value a key of a stream has that names none."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def defaults_of_the_code() -> dict[str, Any]:
    text = (ROOT / "macros/config/streams.sql").read_text(encoding="utf-8")
    (literal,) = re.findall(r"set stream = ({.*?\n    })", text, re.DOTALL)
    found: dict[str, Any] = ast.literal_eval(
        literal.replace("'name': name,", "").replace(": none,", ": None,")
    )
    return found


def defaults_of_the_page() -> dict[str, Any]:
    page = (ROOT / "docs/streams.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `([^|]*)` \|", page, re.MULTILINE)
    return {key: yaml.safe_load(value) for key, value in rows}


def test_the_page_gives_the_defaults() -> None:
    said, given = defaults_of_the_page(), defaults_of_the_code()
    valued = {key: value for key, value in given.items() if value not in (None, {}, [])}
    assert {key: said.get(key) for key in valued} == valued
