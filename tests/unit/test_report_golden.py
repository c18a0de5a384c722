"""The report's three formats, against files kept beside the tests.

To accept a change of the output: UPDATE_GOLDEN=1 pytest tests/unit/test_report_golden.py, then read the difference.
"""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dbt_forensics.report.assemble import assemble
from dbt_forensics.report.evidence import Scope
from dbt_forensics.report.make import render
from unit.report_evidence import (
    HOSTILE,
    JINJA,
    NUL,
    RIGHT_TO_LEFT,
    clean_evidence,
    empty_evidence,
    eventful_evidence,
)

GOLDEN = Path(__file__).parent / "golden"
FILES = {"report.html", "report.md", "report.json", "dashboard.html", "scorecard.csv", "scorecard.json"}
CASES = {"eventful": eventful_evidence, "clean": clean_evidence, "empty": empty_evidence}


PAGES = pytest.mark.parametrize("page_name", ["report.html", "dashboard.html"])


def rendered(case: str) -> dict[str, str]:
    return dict(render(assemble(CASES[case](), Scope())))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("file", sorted({*FILES, "postmortem.md"}))
def test_output_is_as_kept(case: str, file: str) -> None:
    scope = Scope(incident="i2") if file == "postmortem.md" else Scope()
    files = render(assemble(CASES[case](), scope))
    assert set(files) == {*FILES, file}
    text = files[file]
    # Not .md: dbt reads every .md under tests/ for doc blocks, in every consumer's project.
    name, _, ending = file.partition(".")
    golden = GOLDEN / f"{name}_{case}.{ending.replace('md', 'markdown')}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8", newline="\n")
    assert text == golden.read_text(encoding="utf-8")


def test_the_formatters_need_nothing_but_the_json() -> None:
    texts = rendered("eventful")
    assert render(json.loads(texts["report.json"])) == texts


class Page(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


@PAGES
def test_hostile_values_are_only_text_in_html(page_name: str) -> None:
    text = rendered("eventful")[page_name]
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert HOSTILE in page.words
    assert JINJA in page.words
    assert "\x00" not in text
    assert "\u202e" not in text
    if page_name == "dashboard.html":
        return  # it shows no rows
    assert NUL.replace("\x00", "<U+0000>") in page.words
    assert RIGHT_TO_LEFT.replace("\u202e", "<U+202E>").replace("\u202c", "<U+202C>") in page.words


@PAGES
def test_html_needs_no_network(page_name: str) -> None:
    page = Page(rendered("eventful")[page_name])
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert all("src" not in attributes for _, attributes in page.tags)
    assert all(str(attributes["href"]).startswith("#") for _, attributes in page.tags if "href" in attributes)


@PAGES
def test_html_is_for_everyone(page_name: str) -> None:
    page = Page(rendered("eventful")[page_name])
    tags = [tag for tag, _ in page.tags]
    assert {"header", "nav", "main", "footer"} <= set(tags)
    assert tags.count("h1") == 1
    assert tags.count("table") == tags.count("caption")
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    assert all(attributes.get("aria-label") for tag, attributes in page.tags if tag == "svg")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(attributes["href"])[1:] for tag, attributes in page.tags if tag == "a"} <= set(ids)


def test_hostile_values_are_only_text_in_markdown() -> None:
    text = rendered("eventful")["report.md"]
    assert "<script>" not in text.replace("\\<", "")
    assert "[a](" not in text
    assert "\x00" not in text
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) > 10
    for table in tables:
        # No value makes a column: each row has as many as its header.
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


def test_personal_data_is_masked_everywhere() -> None:
    texts = rendered("eventful") | dict(render(assemble(eventful_evidence(), Scope(incident="i2"))))
    for name, text in texts.items():
        assert "example.org" not in text
        assert ("(masked)" in text.replace("\\", "")) == (not name.startswith("scorecard"))


@pytest.mark.parametrize("file", ["report.html", "report.md", "report.json"])
def test_a_very_long_value_is_shortened(file: str) -> None:
    text = rendered("eventful")[file]
    assert "x" * 201 not in text
    assert "(5,000 characters)" in text


def test_an_incident_tells_what_to_do() -> None:
    texts = dict(render(assemble(eventful_evidence(), Scope())))
    for text in (texts["report.html"], texts["report.md"]):
        assert "One entity has an unusual share." in text
        assert "Tell who reads it." in text
        assert "Then wait." in text
    assert "where 2 < 3" in texts["report.md"]
    (finding,) = [
        one for one in json.loads(texts["report.json"])["findings"] if one["kind"] == "open_incidents"
    ]
    assert (finding["quantity"], finding["severity"], finding["section"]) == (1, "high", "incident-1")
