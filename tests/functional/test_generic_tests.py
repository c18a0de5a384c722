"""The tests that ship with the package find what they are for: a planted fault fails the tests named, no others.

One installation per engine is built, tested (everything passes), and then broken in one way after the other. After
each, the SQL that `dbt test` ran is run again and says which tests fail with how many failures; then the table is put
back as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer, dbt_arguments, run_dbt

Engines = Callable[[], AbstractContextManager[Engine]]

COLUMNS = {
    "event_id": "varchar",
    "customer": "varchar",
    "happened_at": "timestamp",
    "loaded_at": "timestamp",
    "batch": "varchar",
    "amount": "numeric(18, 2)",
}
STREAM = {
    "event_id": "event_id",
    "entity_id": "customer",
    "event_time": "happened_at",
    "ingested_at": "loaded_at",
    "batch_id": "batch",
    "on_conflict": "last_wins",
    "metrics": {"revenue": {"agg": "sum", "expr": "amount"}, "orders": {"agg": "count"}},
}
STREAMS = {
    "orders": {"relation": "source.raw.orders", **STREAM},
    "payments": {"relation": "ref.consumer.payments", **STREAM},
}
MODELS = {
    "payments.sql": "select * from {{ source('raw', 'payments') }}",
    "ledger.sql": "select * from {{ ref('forensics__ledger') }}",
    "versions.sql": "select * from {{ ref('forensics__metric_versions') }}",
    "contracts.yml": """
sources:
  - name: raw
    schema: raw
    tables:
      - name: payments
      - name: orders
        data_tests:
          - dbt_forensics.accounts_for_every_row: {name: accounts_for_every_order}
          - dbt_forensics.is_append_only: {name: orders_are_append_only}
          - dbt_forensics.has_no_conflicting_duplicates:
              name: orders_do_not_conflict
              arguments: {event_id: event_id, content: [customer, happened_at]}
          - dbt_forensics.arrived_within:
              name: orders_arrived_within_two_days
              arguments: {event_time: happened_at, ingested_at: loaded_at, count: 2, period: day}
models:
  - name: payments
    data_tests:
      - dbt_forensics.accounts_for_every_row: {name: accounts_for_every_payment}
      - dbt_forensics.is_append_only: {name: payments_are_append_only}
  - name: ledger
    data_tests:
      - dbt_forensics.counts_each_event_once:
          name: counts_each_event_once
          arguments: {event_id: event_id, effect: effect, per: stream}
      - dbt_forensics.accounts_for_every_row: {name: accounts_for_every_row}
  - name: versions
    data_tests:
      - dbt_forensics.explains_every_change: {name: explains_every_change}
      - dbt_forensics.explains_every_change:
          name: explains_revenue_of_orders
          arguments: {stream: orders, metric: revenue}
      - dbt_forensics.explains_every_change:
          name: explains_payments
          arguments: {stream: payments}
""",
}


def row(event: str, customer: str, happened: str, loaded: str, batch: str, amount: str) -> dict[str, Any]:
    return {
        "event_id": event,
        "customer": customer,
        "happened_at": f"2026-01-{happened}",
        "loaded_at": f"2026-01-{loaded}",
        "batch": batch,
        "amount": amount,
    }


BUILDS = [
    (
        "2026-01-05 12:00:00",
        [
            row("e1", "a", "05 09:10:00", "05 10:00:00", "b1", "100"),
            row("e2", "b", "05 09:40:00", "05 10:00:00", "b1", "50"),
        ],
    ),
    (
        "2026-01-06 06:00:00",
        [
            row("e3", "a", "05 23:50:00", "06 00:30:00", "b2", "30"),
            row("e1", "a", "05 09:10:00", "06 00:30:00", "b2", "100"),
            row("e2", "b", "05 09:40:00", "06 05:00:00", "b3", "55"),
        ],
    ),
    ("2026-01-07 06:00:00", [row("e5", "a", "06 12:00:00", "07 05:00:00", "b4", "7")]),
]


@dataclass(frozen=True)
class Fault:
    what: str
    table: str  # what is broken, and put back afterwards
    sql: str
    found_by: dict[str, int]  # every test that fails, with the number of its failures


LEDGER, HISTORY = "analytics.forensics__ledger", "analytics.forensics__event_history"
SEALS, LOG = "analytics.forensics__batch_history", "analytics.int_forensics__metric_log"
# Two tests look at the same for the whole of a project and for one metric.
EXPLAINED = ("forensics__changes_add_up", "explains_every_change")
REVENUE = (*EXPLAINED, "explains_revenue_of_orders")


def each(tests: tuple[str, ...], failures: int) -> dict[str, int]:
    return dict.fromkeys(tests, failures)


FAULTS = [
    # The raw relation, before any build has seen it
    Fault(
        "a raw row is deleted",
        "raw.orders",
        "delete from raw.orders where event_id = 'e3'",
        {"accounts_for_every_order": 1, "accounts_for_every_row": 1},
    ),
    Fault(
        "two raw rows of one batch and one of another are deleted",
        "raw.orders",
        "delete from raw.orders where batch in ('b2', 'b3')",
        {"accounts_for_every_order": 2, "accounts_for_every_row": 2},
    ),
    Fault(
        "a raw row comes into a sealed batch, unlike its event",
        "raw.orders",
        "insert into raw.orders select event_id, 'z', happened_at, loaded_at, batch, amount"
        " from raw.orders where event_id = 'e3'",
        {"accounts_for_every_order": 1, "accounts_for_every_row": 1, "orders_do_not_conflict": 1},
    ),
    Fault(
        "a new batch comes",
        "raw.orders",
        "insert into raw.orders (event_id, batch) values ('e9', 'b9')",
        {"accounts_for_every_order": 1, "accounts_for_every_row": 1, "orders_arrived_within_two_days": 1},
    ),
    Fault(
        "a raw row is late by three days",
        "raw.orders",
        "update raw.orders set loaded_at = timestamp '2026-01-08 23:50:01' where event_id = 'e3'",
        {"orders_arrived_within_two_days": 1},
    ),
    Fault(
        "a raw row arrived after two days exactly",
        "raw.orders",
        "update raw.orders set loaded_at = timestamp '2026-01-07 23:50:00' where event_id = 'e3'",
        {},
    ),
    Fault(
        "two raw rows have no time",
        "raw.orders",
        "update raw.orders set happened_at = null where event_id = 'e2'",
        {"orders_arrived_within_two_days": 2},
    ),
    Fault(
        "another stream loses a row",
        "raw.payments",
        "delete from raw.payments where event_id = 'e1'",
        {"accounts_for_every_payment": 2, "accounts_for_every_row": 2},
    ),
    # The ledger
    Fault(
        "an entry is deleted: a row without a verdict",
        LEDGER,
        f"delete from {LEDGER} where stream = 'orders' and event_id = 'e3'",
        {
            "forensics__values_are_reproducible": 2,
            "forensics__every_captured_row_has_an_entry": 1,
            "accounts_for_every_order": 1,
            "accounts_for_every_row": 1,
        },
    ),
    Fault(
        "an entry that counts is there twice",
        LEDGER,
        f"insert into {LEDGER} select * from {LEDGER} where stream = 'orders' and event_id = 'e3'",
        {
            "forensics__values_are_reproducible": 2,
            "forensics__rows_and_events_count_at_most_once": 2,
            "counts_each_event_once": 1,
            "accounts_for_every_order": 1,
            "accounts_for_every_row": 1,
        },
    ),
    Fault(
        "a row counts once more, in a further entry",
        LEDGER,
        f"create table further as select * from {LEDGER} where stream = 'orders' and event_id = 'e3';"
        f"update further set entry_number = 2; insert into {LEDGER} select * from further; drop table further",
        {
            "forensics__values_are_reproducible": 2,
            "forensics__rows_and_events_count_at_most_once": 2,
            "counts_each_event_once": 1,
        },
    ),
    Fault(
        "a duplicate counts",
        LEDGER,
        f"update {LEDGER} set effect = 1 where stream = 'orders' and verdict = 'duplicate'",
        {
            "forensics__values_are_reproducible": 2,
            "forensics__rows_and_events_count_at_most_once": 2,
            "counts_each_event_once": 1,
        },
    ),
    Fault(
        "a superseded row does not stop to count",
        LEDGER,
        f"delete from {LEDGER} where stream = 'orders' and effect = -1",
        {
            "forensics__values_are_reproducible": 2,
            "forensics__rows_and_events_count_at_most_once": 1,
            "counts_each_event_once": 1,
        },
    ),
    Fault(
        "a row stops to count that never did",
        LEDGER,
        f"update {LEDGER} set effect = -1 where stream = 'orders' and verdict = 'duplicate'",
        {"forensics__values_are_reproducible": 2, "forensics__rows_and_events_count_at_most_once": 2},
    ),
    Fault(
        "an accepted row does not count",
        LEDGER,
        f"update {LEDGER} set effect = 0 where stream = 'orders' and event_id = 'e3'",
        {"forensics__values_are_reproducible": 2, "forensics__rows_and_events_count_at_most_once": 1},
    ),
    Fault(
        "a row that counts is called a duplicate",
        LEDGER,
        f"update {LEDGER} set verdict = 'duplicate' where stream = 'orders' and event_id = 'e3'",
        {"forensics__rows_and_events_count_at_most_once": 1},
    ),
    # The metrics
    Fault(
        "a change is altered",
        LOG,
        f"update {LOG} set change = change + 1 where stream = 'orders' and metric = 'revenue' and cause = 'correction'",
        each(REVENUE, 1),
    ),
    Fault(
        "a change is lost",
        LOG,
        f"delete from {LOG} where stream = 'orders' and metric = 'revenue' and cause = 'correction'",
        each(REVENUE, 1),
    ),
    Fault(
        "a change is not known",
        LOG,
        f"update {LOG} set change = null where stream = 'orders' and metric = 'orders'"
        " and window_start = timestamp '2026-01-06 00:00:00'",
        each(EXPLAINED, 1),
    ),
    Fault(
        "a change is unexplained, and adds up",
        LOG,
        f"update {LOG} set cause = 'unexplained'"
        " where stream = 'orders' and metric = 'revenue' and cause = 'correction'",
        each(REVENUE, 1),
    ),
    Fault(
        "the first of two values is altered: neither it nor its successor is explained",
        LOG,
        f"update {LOG} set value = value + 1 where stream = 'orders' and metric = 'revenue' and version = 1"
        " and window_start = timestamp '2026-01-05 00:00:00'",
        each(REVENUE, 2),
    ),
    Fault(
        "the last value is altered",
        LOG,
        f"update {LOG} set value = 0 where stream = 'orders' and metric = 'revenue' and version = 2",
        {**each(REVENUE, 1), "forensics__values_are_reproducible": 1},
    ),
    Fault(
        "the last value and its change are altered together",
        LOG,
        f"update {LOG} set value = value + 1, change = change + 1 where stream = 'orders' and metric = 'revenue'"
        " and version = 1 and window_start = timestamp '2026-01-06 00:00:00'",
        {"forensics__values_are_reproducible": 1},
    ),
    Fault(
        "what stood there before is altered",
        LOG,
        f"update {LOG} set previous_value = previous_value - 1, change = change + 1 where stream = 'orders'"
        " and metric = 'revenue' and version = 2 and cause = 'correction'",
        each(REVENUE, 1),
    ),
    Fault(
        "a version is lost: its successor follows nothing",
        LOG,
        f"delete from {LOG} where stream = 'orders' and metric = 'revenue' and version = 1"
        " and window_start = timestamp '2026-01-05 00:00:00'",
        each(REVENUE, 1),
    ),
    # The history
    Fault(
        "a captured row is deleted",
        HISTORY,
        f"delete from {HISTORY} where stream = 'orders' and event_id = 'e3'",
        {
            "forensics__values_are_reproducible": 2,
            "forensics__history_matches_its_seals": 1,
            "accounts_for_every_order": 1,
            "accounts_for_every_row": 1,
        },
    ),
    Fault(
        "a captured row is rewritten, under its key",
        HISTORY,
        f"update {HISTORY} set payload = replace(payload, '30', '31') where stream = 'orders' and event_id = 'e3'",
        {"forensics__values_are_reproducible": 1, "forensics__history_is_untampered": 1},
    ),
    Fault(
        "a captured row gets another time, under its key",
        HISTORY,
        f"update {HISTORY} set event_time = timestamp '2026-01-05 23:51:00'"
        " where stream = 'orders' and event_id = 'e3'",
        {"forensics__history_is_untampered": 1},
    ),
    Fault(
        "a captured row loses its customer, under its key",
        HISTORY,
        f"update {HISTORY} set entity_id = null where stream = 'orders' and event_id = 'e3'",
        {"forensics__history_is_untampered": 1},
    ),
    Fault(
        "a captured row is moved to another batch",
        HISTORY,
        f"update {HISTORY} set batch_id = 'b3' where stream = 'orders' and event_id = 'e3'",
        {
            "forensics__history_is_untampered": 1,
            "forensics__history_matches_its_seals": 2,
            "accounts_for_every_order": 2,
            "accounts_for_every_row": 2,
        },
    ),
    Fault(
        "a captured row gets another key",
        HISTORY,
        f"update {HISTORY} set row_key = md5('x') where stream = 'orders' and event_id = 'e3'",
        {
            "forensics__values_are_reproducible": 2,
            "forensics__history_is_untampered": 1,
            "forensics__history_matches_its_seals": 1,
            "forensics__every_captured_row_has_an_entry": 1,
            "accounts_for_every_order": 1,
            "accounts_for_every_row": 1,
        },
    ),
    Fault(
        "a row is put into the history",
        HISTORY,
        f"create table put as select * from {HISTORY} where stream = 'orders' and event_id = 'e3';"
        f"update put set row_key = md5('x'); insert into {HISTORY} select * from put; drop table put",
        {
            "forensics__history_is_untampered": 1,
            "forensics__history_matches_its_seals": 1,
            "forensics__every_captured_row_has_an_entry": 1,
            "accounts_for_every_order": 1,
            "accounts_for_every_row": 1,
        },
    ),
    # The seals
    Fault(
        "a seal is altered: it does not follow, nor does the next build's",
        SEALS,
        f"update {SEALS} set seal = md5('x') where stream = 'orders' and batch_id = 'b1'",
        {"forensics__seals_are_chained": 3},
    ),
    Fault(
        "a seal of the last build is altered",
        SEALS,
        f"update {SEALS} set seal = md5('x') where stream = 'orders' and batch_id = 'b4'",
        {"forensics__seals_are_chained": 1},
    ),
    Fault(
        "a seal is taken away",
        SEALS,
        f"update {SEALS} set seal = null where stream = 'orders' and batch_id = 'b4'",
        {"forensics__seals_are_chained": 1},
    ),
    Fault(
        "what a seal continues is altered",
        SEALS,
        f"update {SEALS} set previous_seal = md5('x') where stream = 'orders' and batch_id = 'b4'",
        {"forensics__seals_are_chained": 1},
    ),
    Fault(
        "what a seal continues is taken away",
        SEALS,
        f"update {SEALS} set previous_seal = null where stream = 'orders' and batch_id = 'b4'",
        {"forensics__seals_are_chained": 1},
    ),
    Fault(
        "the sealed number of rows is altered",
        SEALS,
        f"update {SEALS} set row_count = 3 where stream = 'orders' and batch_id = 'b2'",
        {"forensics__seals_are_chained": 1, "forensics__history_matches_its_seals": 1},
    ),
    Fault(
        "the sealed digest is altered",
        SEALS,
        f"update {SEALS} set batch_digest = '2-0-0' where stream = 'orders' and batch_id = 'b2'",
        {"forensics__seals_are_chained": 1, "forensics__history_matches_its_seals": 1},
    ),
    Fault(
        "the sealed digest is taken away",
        SEALS,
        f"update {SEALS} set batch_digest = null where stream = 'orders' and batch_id = 'b2'",
        {"forensics__seals_are_chained": 1, "forensics__history_matches_its_seals": 1},
    ),
    Fault(
        "a link of the chain is taken out",
        SEALS,
        f"delete from {SEALS} where stream = 'orders' and batch_id in ('b2', 'b3')",
        {"forensics__seals_are_chained": 1},
    ),
]


class Installation:
    """A consumer that was built three times, and one `dbt parse` for all that follows."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.consumer = Consumer(engine, folder, streams=STREAMS, models=MODELS)
        for table in ("orders", "payments"):
            self.consumer.create_table(table, COLUMNS)
        for as_of, rows in BUILDS:
            for table in ("orders", "payments"):
                self.consumer.insert(table, rows)
            self.built = self.consumer.build(as_of=as_of)
        self.parsed = self.consumer.dbt(["parse"]).result
        self.at_first = self.dbt_test()

    def dbt_test(self) -> dict[str, int]:
        """`dbt test`: every test that fails, with the number of its failures."""
        self.consumer.engine.release()
        run = run_dbt(dbt_arguments(["test"], self.consumer.folder), self.parsed.deepcopy())
        assert "error" not in run.results.values(), run.log
        self.sql = {result.node.name: result.node.compiled_code for result in run.result.results}
        return {result.node.name: result.failures for result in run.result.results if result.status != "pass"}

    def failures(self) -> dict[str, int]:
        """The same, by the SQL of the last `dbt test`."""
        counted = {
            name: self.consumer.query(f"select count(*) as n from ({sql}\n) as found")[0]["n"]
            for name, sql in self.sql.items()
        }
        return {name: count for name, count in counted.items() if count}

    def failures_with(self, fault: Fault) -> dict[str, int]:
        copy_of = "create table raw.as_it_was as select * from"
        self.consumer.execute(f"{copy_of} {fault.table}")
        self.consumer.execute(fault.sql)
        try:
            return self.failures()
        finally:
            put_back = f"delete from {fault.table}; insert into {fault.table} select * from raw.as_it_was"
            self.consumer.execute(f"{put_back}; drop table raw.as_it_was")


@pytest.fixture(scope="module")
def installation(new_engine: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with new_engine() as engine:
        yield Installation(engine, tmp_path_factory.mktemp("tests"))


def test_all_pass_on_a_sound_record(installation: Installation) -> None:
    assert installation.at_first == {}
    shipped = {path.stem for path in Path(__file__).parents[1].glob("*.sql")}
    assert len(shipped) >= 6
    assert shipped <= set(installation.sql)
    assert {name for name, status in installation.built.results.items() if status == "pass"} == set(
        installation.sql
    )


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.what for fault in FAULTS])
def test_a_fault_is_found(installation: Installation, fault: Fault) -> None:
    assert installation.failures_with(fault) == fault.found_by


def test_what_a_build_finds_is_told_by_the_tests(installation: Installation) -> None:
    """The last test on the installation: it builds on, and what it finds stays on record."""
    consumer = installation.consumer
    assert installation.dbt_test() == {}
    consumer.execute("delete from raw.orders where event_id = 'e3'")
    consumer.build(as_of="2026-01-07 07:00:00", expect="failure")
    assert installation.dbt_test() == {"orders_are_append_only": 1}
    consumer.execute("update raw.orders set amount = 8 where event_id = 'e5'")
    consumer.build(as_of="2026-01-07 08:00:00", expect="failure")
    assert installation.dbt_test() == {"orders_are_append_only": 3}
    consumer.insert("orders", [row("e3", "a", "05 23:50:00", "06 00:30:00", "b2", "30")])
    consumer.build(as_of="2026-01-07 09:00:00", expect="failure")
    assert installation.dbt_test() == {"orders_are_append_only": 2}
    changes = consumer.query(
        "select cause, sum(change) as change from analytics.forensics__metric_changes where stream = 'orders'"
        " and metric = 'revenue' and recorded_from > timestamp '2026-01-07 06:30:00' group by cause order by cause"
    )
    assert [(change["cause"], int(change["change"])) for change in changes] == [
        ("rewritten", 1),
        ("source_deleted", 0),
    ]
