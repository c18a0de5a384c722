"""The error sentences of docs/streams.md are the ones that a wrong configuration gets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness.engines import DuckDB
from harness.project import PACKAGE, Consumer

STREAM = {
    "relation": "source.shop.order_events",
    "event_id": "event_id",
    "event_time": "occurred_at",
    "ingested_at": "loaded_at",
    "metrics": {"orders": {"agg": "count"}},
}
#: What is wrong, in the order of the sentences; the last one is a var of its own.
WRONG: list[dict[str, Any]] = [
    {"window": "week"},
    {"event_tiem": "occurred_at"},
    {"event_time": None},
    {"event_time": "occurred"},
    {"expected_delay": "1 hour"},
    {"metrics": {"buyers": {"agg": "median"}}},
    {"metrics": {"revenue": {"agg": "sum"}}},
    {"detectors": {"late_surge": {"share": 30}}},
    {"relation": "shop.order_events"},
    {},
]


def test_error_sentences(tmp_path: Path) -> None:
    page = (PACKAGE / "docs" / "streams.md").read_text(encoding="utf-8")
    page = page.split("One sentence says where, what was found, and what is allowed.")[1].split("\n## ")[0]
    sentences = re.findall(r"^dbt_forensics: .*", page, re.MULTILINE)
    assert len(sentences) == len(WRONG)
    engine = DuckDB(tmp_path / "warehouse.duckdb")
    consumer = Consumer(engine, tmp_path / "project", streams={}, sources={"shop": ["order_events"]})
    columns = ["event_id", "customer", "occurred_at", "loaded_at", "load_id", "amount"]
    consumer.create_table("order_events", dict.fromkeys(columns, "varchar"))
    for wrong, sentence in zip(WRONG, sentences, strict=True):
        stream = {key: value for key, value in {**STREAM, **wrong}.items() if value is not None}
        consumer.streams = {"orders": stream}
        consumer.vars = {} if wrong else {"forensics_as_of": "yesterday"}
        part = "int_forensics__dirty_batches forensics__event_history forensics__unread_streams"
        run = consumer.build(select=part, expect="failure")
        assert sentence in run.log
