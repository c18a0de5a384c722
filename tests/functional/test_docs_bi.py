"""The queries of docs/bi.md run as they are, and say what the worked example says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from functional.test_analyses import COLUMNS, STREAM, _insert
from harness.project import PACKAGE, Consumer
from property.worked_example import BUILT_AT, ROWS, SEEN

PAGE = (PACKAGE / "docs" / "bi.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
EXPOSURE = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]


@pytest.fixture(scope="module")
def consumer(new_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    """The worked example after its three builds, in a project with the page's exposure."""
    with new_engine() as engine:
        made = Consumer(
            engine,
            tmp_path_factory.mktemp("consumer"),
            streams={"orders": STREAM},
            sources={"shop": ["order_events"]},
            models={"exposures.yml": EXPOSURE},
            vars={"forensics_contracts": True},
        )
        made.create_table("order_events", COLUMNS)
        before: set[str] = set()
        for when, seen in zip(BUILT_AT, SEEN, strict=True):
            _insert(made, set(seen) - before)
            for gone in before - set(seen):
                made.execute(f"delete from raw.order_events where event_id = '{ROWS[gone].event_id}'")
            made.build(as_of=when.isoformat(sep=" "))
            before = set(seen)
        yield made


@pytest.mark.gate
def test_every_query_answers(consumer: Consumer) -> None:
    """All but that of estimates: no window is open at the end of the example."""
    answers = [consumer.query(query) for query in QUERIES]
    assert len(answers) == 9
    assert [place for place, rows in enumerate(answers) if not rows] == [7]
    first_published = {row["metric"]: row for row in answers[0]}
    assert (first_published["revenue"]["first_published"], first_published["revenue"]["value_now"]) == (
        150,
        182,
    )
    causes = {row["cause"]: row["change"] for row in answers[1] if row["metric"] == "revenue"}
    assert sum(causes.values()) == Decimal(32)
    assert [row["value"] for row in answers[2]] == [150, 205, 182]
    assert {row["batch_id"]: row["row_count"] for row in answers[3]}
    assert all(0 <= row["late_percent"] <= 100 for row in answers[4])
    held = {(row["verdict"], row["cause"]): row["row_count"] for row in answers[5]}
    assert held == {("quarantined", "rule:amount_is_not_negative"): 1}


@pytest.mark.gate
def test_a_contract_stops_a_changed_column(consumer: Consumer) -> None:
    """Public models are under contract: another type ends the build before the table that is there is touched."""
    run = consumer.dbt(["ls", "--resource-type", "model", "--select", "config.contract.enforced:true"])
    listed = {str(name).rsplit(".", 1)[-1] for name in run.result}
    public = {
        *("ledger", "verdicts", "batches", "vanished_rows", "metric_versions", "metric_changes"),
        *("settling", "lateness", "estimates"),
    }
    assert {f"forensics__{name}" for name in public} <= listed
    readers = consumer.dbt(["ls", "--select", "+exposure:revenue_restatements", "--resource-type", "model"])
    assert any(str(name).endswith("forensics__ledger") for name in readers.result)
