"""The documents that commands print are as their types say, and the types as the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, TypedDict

import pytest

from dbt_forensics.report.assemble import assemble
from dbt_forensics.report.document import Report
from dbt_forensics.report.evidence import Scope
from dbt_forensics.trace.document import Trace
from harness.typed import declared_keys, mismatches
from unit.report_evidence import eventful_evidence
from unit.test_cli_trace import traced

ROOT = Path(__file__).resolve().parents[2]


class Inner(TypedDict):
    value: str | None


class Outer(TypedDict, total=False):
    count: int
    inner: list[Inner]
    by_name: dict[str, int]


def as_json(document: Any) -> Any:
    return json.loads(json.dumps(document))


def test_the_report_is_as_its_type_says() -> None:
    document = as_json(assemble(eventful_evidence(), Scope()))
    assert list(mismatches(document, Report)) == []
    assert document["incidents"]["items"][0]["detections"]
    assert document["settling"][0]["estimates"]["items"]


def test_a_trace_is_as_its_type_says() -> None:
    assert list(mismatches(as_json(traced()), Trace)) == []


def test_every_key_of_the_report_is_documented() -> None:
    documented = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs/report-json.md").read_text(encoding="utf-8")))
    assert declared_keys(Report) <= documented


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"count": 1, "inner": [{"value": "x"}, {"value": None}], "by_name": {"a": 1}}, []),
        ({"other": 1}, ["document: other of Outer"]),
        ({"inner": [{}]}, ["document.inner[0]: value of Inner"]),
        ({"inner": [{"value": 1}]}, ["document.inner[0].value: 1 is no <class 'str'>"]),
        ({"by_name": {"a": "1"}}, ["document.by_name.a: '1' is no <class 'int'>"]),
        ({"count": True}, ["document.count: True is no <class 'int'>"]),
        ({"by_name": []}, ["document.by_name: [] is no dict[str, int]"]),
    ],
)
def test_what_is_not_as_its_type_says_is_found(document: Any, found: list[str]) -> None:
    assert list(mismatches(document, Outer)) == found
