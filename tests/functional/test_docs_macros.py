"""The examples of docs/macros.md give the tables that stand under them."""

from __future__ import annotations

import csv
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from harness.engines import Engine
from harness.project import PACKAGE, Consumer

FILES = [
    "models/losers.sql",
    "models/late.sql",
    "models/revenue_versions.sql",
    "models/order_digests.sql",
    "models/digest_of_all.sql",
    "snapshots/order_events_kept.sql",
]
EXAMPLE = re.compile(r"```sql\n(?P<sql>.*?)```\n\n(?P<table>(?:\|[^\n]*\n)+)", re.DOTALL)
COLUMNS = {
    "event_id": "varchar",
    "customer_id": "varchar",
    "occurred_at": "timestamp",
    "_loaded_at": "timestamp",
    "_load_id": "varchar",
    "amount": "numeric(18, 2)",
}


def as_printed(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%m-%d %H:%M}"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def test_examples(engine: Engine, tmp_path: Path) -> None:
    page = (PACKAGE / "docs" / "macros.md").read_text(encoding="utf-8")
    examples = [(match["sql"], match["table"]) for match in EXAMPLE.finditer(page)]
    assert len(examples) == len(FILES) == page.count("```sql\n")
    files = {name: sql for name, (sql, _) in zip(FILES, examples, strict=True)}
    consumer = Consumer(engine, tmp_path, streams={}, sources={"shop": ["order_events"]}, files=files)
    consumer.create_table("order_events", COLUMNS)
    seed = PACKAGE / "examples" / "quickstart" / "seeds" / "order_events.csv"
    rows = list(csv.DictReader(seed.read_text(encoding="utf-8").splitlines()))
    consumer.insert("order_events", rows[:2])
    consumer.build(select="package:consumer")
    consumer.insert("order_events", rows[2:])
    for _ in range(2):
        consumer.build(select="package:consumer")

    for name, (_, table) in zip(FILES, examples, strict=True):
        header, _, *lines = [
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()
        ]
        built = consumer.query(f"select {', '.join(header)} from analytics.{Path(name).stem}")
        found = sorted([as_printed(row[column]) for column in header] for row in built)
        # Where a page shows a few rows of many it shows a part of the whole.
        assert [line for line in lines if line in found] == lines
        assert len(lines) == len(found) or len(lines) == 1
    kept = consumer.query(
        "select count(*) as n, count(distinct event_key) as keys from analytics.order_events_kept"
    )
    assert kept == [{"n": 8, "keys": 8}]
