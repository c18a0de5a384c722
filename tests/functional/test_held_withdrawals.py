"""Too many rows gone at once: nothing is withdrawn until somebody gives the word, or the rows are back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml

from harness.engines import Engine
from harness.project import Consumer, Run

TYPES = {
    "id": "varchar(10)",
    "happened": "timestamp",
    "loaded": "timestamp",
    "batch": "varchar(10)",
    "amount": "numeric(18, 2)",
}
MORNING = datetime(2026, 1, 5, 8)
#: Each stream has a table of its own: what becomes of it, and how many rows it has at first.
STREAMS = {"accepted": 20, "returned": 20, "never_held": 20, "few": 9, "moved": 20, "at_once": 20}


def config(name: str) -> dict[str, Any]:
    return {
        "relation": f"source.shop.{name}_rows",
        "event_id": "id",
        "event_time": "happened",
        "ingested_at": "loaded",
        "batch_id": "batch",
        **({"max_withdrawn_share": 1} if name == "never_held" else {}),
        "metrics": {"revenue": {"agg": "sum", "expr": "amount"}},
    }


def rows(count: int, batch: str, first: int = 1, hour: int = 1) -> list[dict[str, Any]]:
    """Rows of 1 each, of events numbered from `first`."""
    loaded = MORNING + timedelta(hours=hour)
    return [
        {"id": f"e{number}", "happened": MORNING, "loaded": loaded, "batch": batch, "amount": 1}
        for number in range(first, first + count)
    ]


class Shop:
    """Four builds: what each said, and what was to be seen after it."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.runs: list[Run] = []
        self.values: list[dict[str, int]] = []
        self.held: list[dict[str, str]] = []
        self.incidents: list[dict[str, str]] = []
        self.marks: list[list[dict[str, Any]]] = []

    def build(self, **given: Any) -> None:
        day = len(self.runs) + 1
        self.runs.append(self.consumer.build(as_of=f"2026-01-0{5 + day} 12:00:00", **given))
        self.values.append(
            self.by_stream(
                "select stream, cast(value as integer) as found from analytics.forensics__metric_versions"
                " where is_current"
            )
        )
        self.held.append(
            self.by_stream(
                "select stream, state as found from analytics.forensics__held_withdrawals as held where entry_number ="
                " (select max(entry_number) from analytics.forensics__held_withdrawals as others"
                " where others.stream = held.stream)"
            )
        )
        self.incidents.append(
            self.by_stream(
                "select stream, severity as found from analytics.forensics__detections"
                " where detector = 'truncated_source' and is_open"
            )
        )
        self.marks.append(
            self.consumer.query(
                "select stream, batch_id, row_count, batch_digest, seal from analytics.forensics__batch_history"
                " where stream = 'accepted' and dbt_valid_to is null order by batch_id"
            )
        )

    def by_stream(self, sql: str) -> dict[str, Any]:
        return {row["stream"]: row["found"] for row in self.consumer.query(sql)}


@pytest.fixture(scope="module")
def shop(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    with new_engine() as engine:
        consumer = Consumer(
            engine,
            tmp_path_factory.mktemp("held") / "consumer",
            {name: config(name) for name in STREAMS},
            {"shop": [f"{name}_rows" for name in STREAMS]},
            {
                "shop.yml": yaml.safe_dump({"models": [{"name": "shop", "data_tests": [ACCOUNTED]}]}),
                "shop.sql": SHOP,
            },
        )
        for name, count in STREAMS.items():
            consumer.create_table(f"{name}_rows", TYPES)
            consumer.insert(f"{name}_rows", rows(12, "b1")[:count] + rows(count - 12, "b2", 13))
        shop = Shop(consumer)
        shop.build()

        for name in STREAMS.keys() - {"at_once"}:
            consumer.execute(f"delete from raw.{name}_rows where batch = 'b1'")
        # Three rows are rewritten, and so many come that half of all would not be gone any more.
        consumer.execute("update raw.accepted_rows set amount = 3 where id in ('e13', 'e14', 'e15')")
        consumer.insert("accepted_rows", rows(10, "b3", 101, hour=2))
        consumer.insert("moved_rows", rows(12, "b4", hour=3))
        shop.build()

        shop.build(vars={"forensics_verify": "full"})

        consumer.insert("returned_rows", rows(12, "b1"))
        consumer.execute("delete from raw.at_once_rows where batch = 'b1'")
        shop.build(vars={"forensics_accept_withdrawals": ["accepted", "at_once"]})
        yield shop


ACCOUNTED = {
    "dbt_forensics.accounts_for_every_row": {"name": "all_is_accounted_for", "config": {"severity": "warn"}}
}
SHOP = "select * from {{ source('shop', 'accepted_rows') }}"


def test_too_much_at_once_is_held(shop: Shop) -> None:
    assert shop.values[0] == STREAMS
    assert shop.held[1] == {"accepted": "held", "returned": "held"}
    # 12 of 20 are gone: they count on. What came and what was rewritten is recorded.
    values = {"accepted": 36, "returned": 20, "never_held": 8, "few": 0, "moved": 20, "at_once": 20}
    assert shop.values[1] == values
    held = shop.consumer.query(
        "select row_count, withdrawn_count, counting_count, share from analytics.forensics__held_withdrawals"
        " where stream = 'accepted' and entry_number = 1"
    )
    assert [(*row.values(),) for row in held] == [(12, 12, 20, Decimal("0.6"))]


def test_the_build_says_by_which_word_it_goes_on(shop: Shop) -> None:
    said = [line for line in shop.runs[1].log.splitlines() if "max_withdrawn_share" in line]
    assert len(said) == 2
    assert said[0] == (
        "dbt_forensics: stream 'accepted': 12 of 20 rows that count are gone from source.shop.accepted_rows, more than"
        " max_withdrawn_share (0.5): they are not withdrawn. Load them again; or, if they are meant to be gone, run"
        " dbt build --vars '{forensics_accept_withdrawals: [accepted]}'."
    )


def test_an_incident_opens_and_ends(shop: Shop) -> None:
    assert shop.incidents == [
        {},
        {"accepted": "critical", "returned": "critical"},
        {"accepted": "critical", "returned": "critical"},
        {},
    ]


def test_it_stays_held_while_nothing_is_said(shop: Shop) -> None:
    assert (shop.values[2], shop.held[2]) == (shop.values[1], shop.held[1])
    assert shop.marks[2] == shop.marks[1]  # and not one more seal


def test_the_record_is_whole_while_it_is_held(shop: Shop) -> None:
    """The scrub checks every row: only that the source has all of them is not so, and that is said."""
    assert {name for name, status in shop.runs[2].results.items() if status not in ("pass", "success")} == {
        "all_is_accounted_for"
    }
    assert shop.runs[2].results["all_is_accounted_for"] == "warn"
    assert shop.runs[3].results["all_is_accounted_for"] == "pass"


def test_the_word_lets_it_go(shop: Shop) -> None:
    assert shop.held[3] == {"accepted": "accepted", "returned": "returned", "at_once": "accepted"}
    assert shop.values[3] == {**shop.values[1], "accepted": 5 + 9 + 10, "at_once": 8}
    changes = shop.consumer.query(
        "select cause, cast(change as integer) as change, event_count from analytics.forensics__metric_changes"
        " where stream = 'accepted' and recorded_from >= timestamp '2026-01-09 00:00:00' order by cause"
    )
    assert [(*row.values(),) for row in changes] == [("source_deleted", -12, 12)]


def test_the_word_in_the_build_that_would_hold_holds_nothing(shop: Shop) -> None:
    """It withdraws at once, says so in one row, and opens nothing."""
    rows = shop.consumer.query(
        "select entry_number, state, row_count, withdrawn_count, counting_count"
        " from analytics.forensics__held_withdrawals where stream = 'at_once'"
    )
    assert [(*row.values(),) for row in rows] == [(1, "accepted", 12, 12, 20)]
    entries = shop.consumer.query(
        "select cause, count(*) as n from analytics.forensics__ledger where stream = 'at_once' and effect = -1"
        " group by 1"
    )
    assert [(*row.values(),) for row in entries] == [("source_deleted", 12)]
    seen = "select * from analytics.forensics__detections where detector = 'truncated_source' and stream = 'at_once'"
    assert shop.consumer.query(seen) == []
    assert "stream 'at_once'" not in shop.runs[3].log


def test_rows_that_are_back_were_never_away(shop: Shop) -> None:
    versions = shop.consumer.query(
        "select version from analytics.forensics__metric_versions where stream = 'returned'"
    )
    gone = shop.consumer.query("select * from analytics.forensics__vanished_rows where stream = 'returned'")
    assert (len(versions), gone) == (1, [])


@pytest.mark.parametrize("given", ["orders", ["orders"], {"accepted": True}])
def test_a_word_for_no_stream_is_refused(shop: Shop, given: Any) -> None:
    run = shop.consumer.dbt(
        [
            "compile",
            "--select",
            "forensics__held_withdrawals",
            "--vars",
            json.dumps({"forensics_accept_withdrawals": given}),
        ],
        expect="failure",
    )
    assert "var 'forensics_accept_withdrawals'" in run.log
    assert (
        "all, or a list of declared streams: accepted, returned, never_held, few, moved, at_once" in run.log
    )


def test_a_bad_push_that_is_repaired_is_held_no_more(engine: Engine, tmp_path: Any) -> None:
    """Other rows take the place of most, and go again: what goes then was never held."""
    streams = {"orders": config("orders")}
    shop = Shop(Consumer(engine, tmp_path, streams=streams, sources={"shop": ["orders_rows"]}))
    shop.consumer.create_table("orders_rows", TYPES)
    shop.consumer.insert("orders_rows", rows(20, "first"))
    shop.build()
    shop.consumer.execute("delete from raw.orders_rows where amount = 1 and id <> 'e1' and id <> 'e2'")
    shop.consumer.insert("orders_rows", rows(18, "push", first=101, hour=30))
    shop.build()
    shop.consumer.execute("delete from raw.orders_rows where batch = 'push'")
    shop.consumer.insert("orders_rows", rows(18, "first", first=3))
    shop.build()
    assert [values["orders"] for values in shop.values] == [20, 38, 20]
    assert [held.get("orders") for held in shop.held] == [None, "held", "returned"]
    # What is open of truncated_source after each build.
    assert shop.incidents == [{}, {"orders": "critical"}, {}]
