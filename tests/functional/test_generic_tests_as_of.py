"""The generic tests about past values: what passes, and which planted fault each of them finds, with how many failures.

The worked example is built three times and tested with one `dbt test`. Then one table after the other is broken, the
SQL that `dbt test` ran is run again, and the table is put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from functional.test_analyses import COLUMNS, STREAM, _insert
from harness.project import Consumer
from property.worked_example import BUILT_AT, ROWS, SEEN

pytestmark = pytest.mark.gate

LEDGER, HISTORY = "analytics.forensics__ledger", "analytics.forensics__event_history"
LOG = "analytics.int_forensics__metric_log"
BACKCAST = {**STREAM, "relation": "source.shop.landed", "backcast": {"every": "batch"}}
BY_HOUR = {**BACKCAST, "backcast": {"every": "hour"}}
BY_DAY = {**BACKCAST, "backcast": {"every": "day"}}


def named(test: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {f"dbt_forensics.{test}": {"name": name, "arguments": arguments}}


def at_each_build(metric: str, stream: str = "orders") -> list[dict[str, Any]]:
    return [
        named("is_reproducible_as_of", f"{metric}_{number}", metric=metric, stream=stream, as_of=str(when))
        for number, when in enumerate(BUILT_AT, 1)
    ]


#: 01-05 10:00, the first cut-off, to just before the build.
RECONSTRUCTED = ["2026-01-05 10:00", "2026-01-06", "2026-01-06 01:00", "2026-01-06 05:00", "2026-01-08 09:59"]
TESTS = [
    *at_each_build("revenue"),
    *at_each_build("orders"),
    *at_each_build("big_by_customer"),
    *at_each_build("mean"),
    named("is_reproducible_as_of", "before", metric="revenue", stream="orders", as_of="2026-01-05"),
    named(
        "is_reproducible_as_of",
        "between",
        metric="revenue",
        stream="orders",
        as_of_sql="(select max(closed_at) from {{ ref('closes') }})",
    ),
    *(
        named("is_reproducible_as_of", f"{stream}_{n}", metric="revenue", stream=stream, as_of=when)
        for stream in ("by_batch", "by_hour", "by_day")
        for n, when in enumerate(RECONSTRUCTED)
    ),
    named("does_not_restate_settled_windows", "restates_nothing", stream="orders"),
    named("does_not_restate_settled_windows", "restates_no_count", stream="orders", metric="orders"),
    named(
        "does_not_restate_settled_windows",
        "restates_as_allowed",
        stream="orders",
        allow=["too_late", "source_deleted"],
    ),
    named(
        "does_not_restate_settled_windows", "restated_before", stream="orders", since="2026-01-08 10:00:01"
    ),
    named("does_not_restate_settled_windows", "restated_since", stream="orders", since="2026-01-08 10:00"),
    named("does_not_restate_settled_windows", "restates_by_deletion", stream="orders", allow="too_late"),
]
MODELS = {
    "closes.sql": "select cast('2026-01-07 00:00:00' as timestamp) as closed_at",
    "versions.sql": "select * from {{ ref('forensics__metric_versions') }}",
    "contracts.yml": yaml.safe_dump({"models": [{"name": "versions", "data_tests": TESTS}]}),
}
#: Version 3 of 5 January came after it was settled, and moved all but the count.
RESTATED = {"restates_nothing": 3, "restates_by_deletion": 3, "restated_since": 3}


class Installation:
    """The worked example after its three builds, and the SQL of its tests."""

    def __init__(self, engine: Any, folder: Path) -> None:
        streams = {"orders": STREAM, "by_batch": BACKCAST, "by_hour": BY_HOUR, "by_day": BY_DAY}
        self.consumer = Consumer(
            engine, folder, streams=streams, sources={"shop": ["order_events", "landed"]}, models=MODELS
        )
        self.consumer.create_table("order_events", COLUMNS)
        self.consumer.create_table("landed", COLUMNS)
        before: set[str] = set()
        for when, seen in zip(BUILT_AT, SEEN, strict=True):
            _insert(self.consumer, set(seen) - before)
            for gone in before - set(seen):
                self.consumer.execute(
                    f"delete from raw.order_events where event_id = '{ROWS[gone].event_id}'"
                )
            if when == BUILT_AT[-1]:
                self.consumer.execute("insert into raw.landed select * from raw.order_events")
            self.consumer.build(
                as_of=when.isoformat(sep=" "), args=["--exclude", "resource_type:test,package:consumer"]
            )
            before = set(seen)
        self.at_first = self.dbt_test()

    def dbt_test(self) -> dict[str, int]:
        """`dbt test`: every test of the consumer that fails, with the number of its failures."""
        run = self.consumer.dbt(["test", "--select", "package:consumer"], expect="failure")
        assert "error" not in run.results.values(), run.log
        own = {test["name"] for one in TESTS for test in one.values()}
        results = [result for result in run.result.results if result.node.name in own]
        assert len(results) == len(own)
        self.sql = {result.node.name: result.node.compiled_code for result in results}
        return {result.node.name: result.failures for result in results if result.status != "pass"}

    def failures_with(self, table: str, fault: str) -> dict[str, int]:
        """The failures that a fault adds."""
        self.consumer.execute(f"create table raw.as_it_was as select * from {table}")
        self.consumer.execute(fault)
        try:
            counted = {
                name: self.consumer.query(f"select count(*) as n from ({sql}\n) as found")[0]["n"]
                for name, sql in self.sql.items()
            }
        finally:
            put_back = f"delete from {table}; insert into {table} select * from raw.as_it_was"
            self.consumer.execute(f"{put_back}; drop table raw.as_it_was")
        return {name: count for name, count in counted.items() if count != self.at_first.get(name, 0)}


@pytest.fixture(scope="module")
def installation(new_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with new_engine() as engine:
        yield Installation(engine, tmp_path_factory.mktemp("tests"))


def test_on_a_sound_record_only_what_was_restated_fails(installation: Installation) -> None:
    assert installation.at_first == RESTATED
    rows = installation.consumer.query(installation.sql["restates_nothing"])
    revenue = [row for row in rows if row["metric"] == "revenue"]
    assert [(r["version"], int(r["previous_value"]), int(r["value"])) for r in revenue] == [(3, 205, 182)]
    assert {str(r["settles_at"]) for r in rows} == {"2026-01-07 01:00:00"}


FAULTS: dict[str, tuple[str, str, dict[str, int]]] = {
    "the value shown first is raised": (
        LOG,
        f"update {LOG} set value = value + 1 where stream = 'orders' and metric = 'revenue' and version = 1",
        {"revenue_1": 1},
    ),
    "the value shown second is raised in the last digit": (
        LOG,
        f"update {LOG} set value = value + 0.000000001 where stream = 'orders' and metric = 'revenue' and version = 2",
        {"revenue_2": 1, "between": 1},
    ),
    "the last value, settled, is put back": (
        LOG,
        f"update {LOG} set value = previous_value where stream = 'orders' and metric = 'revenue' and version = 3",
        {"revenue_3": 1, "restates_nothing": 2, "restates_by_deletion": 2, "restated_since": 2},
    ),
    "an entry of the second build is deleted": (
        LEDGER,
        f"delete from {LEDGER} where stream = 'orders' and event_id = 'e3' and effect = 1",
        {
            "revenue_2": 1,
            "revenue_3": 1,
            "between": 1,
            "orders_2": 1,
            "orders_3": 1,
            "mean_2": 1,
            "mean_3": 1,
            "big_by_customer_2": 1,
            "big_by_customer_3": 1,
        },
    ),
    "an entry of the second build says that it was there at the first": (
        LEDGER,
        f"update {LEDGER} set recorded_at = timestamp '2026-01-05 12:00:00'"
        " where stream = 'orders' and event_id = 'e4'",
        {"revenue_1": 1, "orders_1": 1, "mean_1": 1},
    ),
    "what a row says is altered": (
        HISTORY,
        f"update {HISTORY} set payload = replace(payload, '20', '21') where stream = 'orders' and event_id = 'e4'",
        {"revenue_2": 1, "revenue_3": 1, "between": 1, "mean_2": 1, "mean_3": 1},
    ),
    "a row stands for another one of the same amount": (
        LOG,
        f"update {LOG} set digest_word_1 = digest_word_1 + 1"
        " where stream = 'orders' and metric = 'orders' and version = 2",
        {"orders_2": 1},
    ),
    "a reconstructed value is raised": (
        LOG,
        f"update {LOG} set value = value + 1 where stream = 'by_batch' and metric = 'revenue' and version = 1",
        {"by_batch_0": 1, "by_batch_1": 1, "by_batch_2": 1},
    ),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_found(installation: Installation, what: str) -> None:
    table, fault, found_by = FAULTS[what]
    assert installation.failures_with(table, fault) == found_by


def test_a_definition_that_was_changed_reproduces_nothing_of_before(installation: Installation) -> None:
    """The last test on the installation: it changes the configuration."""
    consumer = installation.consumer
    metrics = {**STREAM["metrics"], "revenue": {"agg": "sum", "expr": "2 * amount"}}
    consumer.streams = {**(consumer.streams or {}), "orders": {**STREAM, "metrics": metrics}}
    found = installation.dbt_test()
    assert found == {**RESTATED, "revenue_1": 1, "revenue_2": 1, "revenue_3": 1, "between": 1}
    (row,) = consumer.query(installation.sql["revenue_2"])
    assert (row["problem"], int(row["value_on_record"])) == ("definition_changed", 205)


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        (
            named("is_reproducible_as_of", "t", metric="revenu", as_of="2026-01-06"),
            "is_reproducible_as_of, key 'metric': found revenu; allowed: a metric that is declared (",
        ),
        (
            named("is_reproducible_as_of", "t", metric="revenue"),
            "is_reproducible_as_of, key 'as_of': found nothing; allowed: one of as_of",
        ),
        (
            named("does_not_restate_settled_windows", "t", metric="revenu"),
            "does_not_restate_settled_windows, key 'metric': found revenu; allowed: one of revenue, orders",
        ),
        (
            named("does_not_restate_settled_windows", "t", allow="late, correction"),
            "key 'allow': found late, correction; allowed: causes, of definition_changed, on_time, late",
        ),
    ],
    ids=["metric", "as_of", "restated metric", "cause"],
)
def test_a_wrong_argument_is_said(
    test: dict[str, Any], sentence: str, new_engine: Any, tmp_path: Path
) -> None:
    contracts = yaml.safe_dump({"models": [{"name": "versions", "data_tests": [test]}]})
    with new_engine() as engine:
        consumer = Consumer(
            engine,
            tmp_path,
            streams={"orders": STREAM},
            sources={"shop": ["order_events"]},
            models={**MODELS, "contracts.yml": contracts},
        )
        assert sentence in consumer.dbt(["compile", "--select", "t"], expect="failure").log
