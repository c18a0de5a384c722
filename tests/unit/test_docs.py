"""What the pages name is there: tables, tests, and the configuration that CI builds."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_names_what_there_is() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    built = {
        path.stem for folder in ("models", "snapshots", "tests") for path in (ROOT / folder).rglob("*.sql")
    }
    named = set(re.findall(r"`(forensics__\w+)`", readme))
    assert named <= built
    assert {name for name in built if name.startswith("forensics__") and name not in named} <= {
        "forensics__history_is_untampered",  # abbreviated there
        "forensics__seals_are_chained",
    }
    for contract in (ROOT / "tests" / "generic").glob("*.sql"):
        assert f"`{contract.stem}`" in readme


def test_the_readme_configures_the_quickstart() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if b.startswith("vars:")]
    assert block.count("\n") == 10
    shown = yaml.safe_load(block)["vars"]["forensics_streams"]["orders"]
    project = yaml.safe_load(
        (ROOT / "examples" / "quickstart" / "dbt_project.yml").read_text(encoding="utf-8")
    )
    built = project["vars"]["forensics_streams"]["orders"]
    for key, value in shown.items():
        if key == "metrics":
            assert value.items() <= built[key].items()
        elif key != "relation":  # a seed there, a table of the reader's here
            assert built[key] == value


def test_streams_page_has_every_key() -> None:
    page = (ROOT / "docs" / "streams.md").read_text(encoding="utf-8")
    validation = (ROOT / "macros" / "config" / "validation.sql").read_text(encoding="utf-8")
    roles = (ROOT / "macros" / "config" / "streams.sql").read_text(encoding="utf-8")
    (listed,) = re.findall(r"macro _stream_keys\(\) %}\s*(.*)", validation)
    (mapped,) = re.findall(r"macro stream_roles\(\) %}.*?return\((.*?)\)", roles, re.DOTALL)
    keys = set(re.findall(r"'(\w+)'", listed + mapped))
    assert keys == set(re.findall(r"^\| `(\w+)` \|.*\|.*\|.*\|$", page.split("## Rules")[0], re.MULTILINE))


def test_every_word_of_the_glossary_is_defined_once() -> None:
    glossary = (ROOT / "models" / "_glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"{% docs (\w+) %}", glossary)
    assert len(words) == len(set(words))
    used = {
        word
        for path in [*(ROOT / "models").rglob("_*.yml"), *(ROOT / "snapshots").glob("_*.yml")]
        for word in re.findall(r'doc\("(\w+)"\)', path.read_text(encoding="utf-8"))
    }
    assert used <= set(words)
