"""What looks alike to an engine, to Jinja or in generated SQL, and is not: values, columns, names, ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from functional.test_turns import COLUMNS, STREAM
from harness.engines import Engine
from harness.project import Consumer

SUM = STREAM["metrics"]["m"]


def row(event: str, amount: int, batch: str = "b1", **more: Any) -> dict[str, Any]:
    time = "2026-01-05 09:00:00"
    return {"id": event, "happened": time, "loaded": time, "b": batch, "amount": amount, **more}


def consumer_of(
    engine: Engine, folder: Path, streams: dict[str, Any], columns: dict[str, str], **given: Any
) -> Consumer:
    consumer = Consumer(engine, folder, streams=streams, sources={"raw": ["t"]}, **given)
    if columns:
        consumer.create_table("t", columns)
    return consumer


def causes(consumer: Consumer, event: str) -> list[str]:
    rows = consumer.query(
        f"select cause from analytics.forensics__ledger where event_id = '{event}' order by cause"
    )
    return [one["cause"] for one in rows]


def values(consumer: Consumer) -> dict[str, float]:
    rows = consumer.query(
        "select stream, metric, value from analytics.forensics__metric_versions where is_current"
    )
    return {f"{one['stream']}.{one['metric']}": float(one["value"]) for one in rows}


def test_a_rewrite_is_found_where_the_engine_takes_both_values_for_one(
    engine: Engine, tmp_path: Path
) -> None:
    odd = {"took": "interval", "tags": "varchar[]"}
    if engine.name == "postgres":
        odd |= {"Tags": "varchar[]"}
    consumer = consumer_of(engine, tmp_path, {"o": STREAM}, COLUMNS | odd)
    empty = {"duckdb": "[]", "postgres": "{}"}[engine.name]
    consumer.insert(
        "t",
        [
            row("e1", 1, took="30 days"),
            row("e2", 2, tags=empty),
            row("e3", 3, took="1 day"),
            row("e4", 4, tags=empty),
        ],
    )
    consumer.build(as_of="2026-01-05 12:00:00")
    consumer.execute("delete from raw.t where id < 'e4'")
    consumer.insert("t", [row("e1", 1, took="1 month"), row("e2", 2), row("e3", 3, took="24 hours")])
    if engine.name == "postgres":  # the second of two columns that only capitals tell apart
        consumer.execute("""update raw.t set "Tags" = '{x}' where id = 'e4'""")
        consumer.build(as_of="2026-01-05 13:00:00")
        consumer.execute("""update raw.t set "Tags" = '{y}' where id = 'e4'""")
    consumer.build(as_of="2026-01-06 12:00:00")
    for event in ("e1", "e2", "e3"):
        assert causes(consumer, event) == ["on_time", "rewritten", "rewritten"]
    assert len(causes(consumer, "e4")) == {"duckdb": 1, "postgres": 5}[engine.name]
    assert consumer.dbt(["test"]).success


@pytest.mark.gate
@pytest.mark.engines_differ
def test_names_that_read_alike_stay_apart(engine: Engine, tmp_path: Path) -> None:
    """Of metrics of other streams, of streams beside the package's own words, and of conditions in other capitals."""
    paid = {"paid": {**SUM, "where": "s = 'paid'"}, "due": {**SUM, "where": "s = 'PAID'"}}
    share = {"share": {"agg": "ratio", "numerator": "paid", "denominator": "due"}}
    streams = {
        "shop": {**STREAM, "metrics": {"net_revenue": SUM, "M": SUM, "m": SUM, **paid, **share}},
        "shop_net": {**STREAM, "metrics": {"revenue": SUM}},
    }
    streams |= {f"shop_{word}": STREAM for word in ("placed", "unmatched", "raw", "known", "not")}
    consumer = consumer_of(engine, tmp_path, streams, {**COLUMNS, "s": "varchar"})
    consumer.insert("t", [row("e1", 100, s="paid"), row("e2", 50, s="PAID")])
    consumer.build(as_of="2026-01-05 12:00:00")
    consumer.execute("alter table raw.t add column z integer")
    consumer.execute("update raw.t set z = 1 where id = 'e1'")
    consumer.insert("t", [row("e3", 50, s="PAID")])
    consumer.build(as_of="2026-01-06 12:00:00")
    found = values(consumer)
    assert [found.pop(f"shop.{metric}") for metric in ("paid", "due", "share")] == [100, 100, 1]
    assert set(found.values()) == {200}
    assert len(found) == 3 + 1 + 5
    assert consumer.dbt(["test"]).success

    for name, said in (("Shop", "the names shop and Shop"), ("s" * 48, "the name sss")):
        consumer.streams = {**streams, name: STREAM}
        assert f"forensics_streams: found {said}" in consumer.dbt(["compile"], expect="failure").log


@pytest.mark.gate
@pytest.mark.engines_differ
def test_a_collation_makes_no_two_ids_one(engine: Engine, tmp_path: Path) -> None:
    consumer = consumer_of(engine, tmp_path, {"o": STREAM}, {})
    collation = "nocase"
    if engine.name == "postgres":
        consumer.execute(
            "create collation raw.alike (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
        collation = "raw.alike"
    consumer.execute(
        f"create table raw.t (id varchar collate {collation}, happened timestamp, loaded timestamp,"
        f" b varchar collate {collation}, amount integer)"
    )
    consumer.insert("t", [row("A", 1, "B1"), row("a", 2, "b1"), row("c", 4, "b2")])
    consumer.build(as_of="2026-01-05 12:00:00")
    consumer.insert("t", [row("C", 8, "B2")])
    consumer.execute("delete from raw.t where amount = 2")
    consumer.build(as_of="2026-01-06 12:00:00")
    assert values(consumer) == {"o.m": 13}
    assert causes(consumer, "a") == ["on_time", "source_deleted"]
    batches = consumer.query(
        "select count(*) as n from analytics.forensics__batch_history where dbt_valid_to is null"
    )
    assert batches == [{"n": 4}]
    assert consumer.dbt(["test"]).success


def test_a_session_changes_no_expression(engine: Engine, tmp_path: Path) -> None:
    """What cannot be fixed for the package's own statements is refused; the rest is fixed."""
    metrics = {
        "m": {**SUM, "where": "s = 'a\\b'"},
        "per": {"agg": "count", "where": "cast(amount as double precision) / amount = 1"},
    }
    consumer = consumer_of(
        engine, tmp_path, {"o": {**STREAM, "metrics": metrics}}, {**COLUMNS, "s": "varchar"}
    )
    consumer.insert("t", [row("e1", 1, s="a\\b"), row("e2", 2, s="ab")])
    consumer.build(as_of="2026-01-05 12:00:00")
    assert values(consumer) == {"o.m": 1, "o.per": 2}
    if engine.name == "postgres":
        consumer.execute(f"alter database {engine.database} set standard_conforming_strings = off")  # type: ignore[attr-defined]
        consumer.insert("t", [row("e3", 4, s="a\\b")])
        log = consumer.build(as_of="2026-01-06 12:00:00", expect="failure").log
        assert "the PostgreSQL session, key 'standard_conforming_strings': found off; allowed: on" in log
        consumer.execute(f"alter database {engine.database} reset standard_conforming_strings")  # type: ignore[attr-defined]
        consumer.build(as_of="2026-01-06 12:00:00")
        assert values(consumer) == {"o.m": 5, "o.per": 3}


@pytest.mark.parametrize(
    ("section", "setting", "node"),
    [
        ("models", {"seals": {"+enabled": False}}, "forensics__seals"),
        ("data_tests", {"+enabled": False}, "forensics__changes_add_up"),
        (
            "data_tests",
            {"forensics__every_stream_is_read": {"+enabled": False}},
            "forensics__every_stream_is_read",
        ),
    ],
)
def test_what_says_that_the_record_is_true_is_not_disabled(
    engine: Engine, tmp_path: Path, section: str, setting: dict[str, Any], node: str
) -> None:
    project = {section: {"dbt_forensics": setting}}
    consumer = consumer_of(engine, tmp_path, {"o": STREAM}, COLUMNS, project=project, reuse_parse=False)
    log = consumer.build(as_of="2026-01-05 12:00:00", expect="failure").log
    assert f"dbt_forensics: {node} must be enabled: true; found enabled: false" in log
