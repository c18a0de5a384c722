"""docs/engines.md says what the code does: the primitives and their meaning, the engines, and what is compiled only."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
PRIMITIVES = (ROOT / "macros" / "adapters" / "primitives.sql").read_text(encoding="utf-8")
MACRO = re.compile(r"\{% macro (\w+)\((.*?)\) %\}\s*\{#-(.*?)-#\}(.*?)\{% endmacro %\}", re.DOTALL)


def test_the_page_lists_each_primitive_with_its_meaning() -> None:
    said = []
    for name, signature, meaning, body in MACRO.findall(PRIMITIVES):
        if "adapter.dispatch" in body:
            arguments = re.sub(r"=[^,)]*", "", signature)
            said.append(f"| `{name}({arguments})` | {' '.join(meaning.split())} |")
    assert len(said) == PRIMITIVES.count("adapter.dispatch(")
    listed = PAGE.split("| primitive | type and meaning |\n|---|---|\n")[1].split("\n\n")[0]
    assert listed.split("\n") == said


def test_the_page_names_what_has_no_default() -> None:
    sentence = re.search(r"Without a default: ([^.]*)\.", PAGE)
    assert sentence is not None
    named = [name.strip() for name in sentence.group(1).split(",")]
    missing = re.findall(r"_missing_primitive\('(\w+)'\)", PRIMITIVES)
    assert sorted(named) == sorted(missing)


def test_each_engine_with_a_file_is_in_both_tables() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for file in (ROOT / "macros" / "adapters").glob("*.sql"):
        if file.stem not in ("primitives", "without_json"):
            assert f"| dbt-{file.stem} |" in PAGE
            assert file.stem in readme.lower(), file.stem


def test_what_is_compiled_only_is_what_the_tests_compile() -> None:
    compiled = re.findall(r"\| dbt-(\w+) \| \*compiled, not executed\*", PAGE)
    tested = re.search(
        r"^DIALECTS = \((.*)\)$", (ROOT / "tests/compiled/warehouses.py").read_text(), re.MULTILINE
    )
    assert tested is not None
    assert sorted(compiled) == sorted(re.findall(r'"(\w+)"', tested.group(1)))
