"""Each detector has a page and a runbook, each in its one form, with the defaults that the code has."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DETECTORS = re.findall(
    r"\('(\w+)', '(\w+)', ([\d.]+), '(\w+)'\)", (ROOT / "macros/health/detectors.sql").read_text("utf-8")
)
HEADINGS = {
    "detectors": ["What it means", "How it is found", "Settings", "What to do"],
    "runbooks": ["Symptoms", "How it is found", "Containment", "Recovery", "How to verify", "Prevention"],
}


def test_each_detector_has_its_pages_in_one_form() -> None:
    names = {name for name, *_ in DETECTORS}
    for folder, headings in HEADINGS.items():
        pages = {path.stem: path.read_text("utf-8") for path in (ROOT / "docs" / folder).glob("*.md")}
        assert set(pages) == names
        for name, text in pages.items():
            assert re.findall(r"^## (.*)$", text, re.MULTILINE) == headings, name


def test_the_pages_say_the_defaults() -> None:
    overview = (ROOT / "docs/detect.md").read_text("utf-8")
    for name, threshold, default, severity in DETECTORS:
        page = (ROOT / f"docs/detectors/{name}.md").read_text("utf-8")
        assert f"  {name}: {{{threshold}: {default}, severity: {severity}, enabled: true}}" in page
        assert re.search(
            rf"^\| \[{name}\]\(detectors/{name}.md\) \|.*\| `{threshold}: {default}` \| {severity} \|$",
            overview,
            re.MULTILINE,
        )
