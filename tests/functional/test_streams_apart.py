"""A stream that cannot be read stops no other one: it is named, with its key, and read again when it can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines import DuckDB, Engine, Postgres, PostgresCluster
from harness.project import Consumer, Run

COLUMNS = {"id": "varchar", "qty": "varchar", "happened": "timestamp", "loaded": "timestamp", "b": "varchar"}
#: A stream over a table of texts; each case makes one thing of it wrong.
STREAM: dict[str, Any] = {
    "event_id": "id",
    "event_time": "happened",
    "ingested_at": "loaded",
    "batch_id": "b",
    "metrics": {"n": {"agg": "count"}},
}
#: What is wrong with a stream from the beginning, and the key that is named.
AT_FIRST: dict[str, tuple[dict[str, Any], str]] = {
    "gone": ({"relation": "source.raw.nowhere"}, "relation"),
    "typo": ({"tenant": "unit"}, "tenant"),
    "content": ({"payload": ["qty", "unit"]}, "payload"),
    "by_unit": ({"metrics": {"n": {"agg": "count", "dimensions": ["unit"]}}}, "metrics.n.dimensions"),
    "no_column": ({"rules": {"quantity": "qtty > 0"}}, "rules.quantity"),
    "no_sql": ({"rules": {"quantity": "qty > > 0"}}, "rules.quantity"),
    "unread_view": ({"relation": "source.raw.failing"}, "relation"),
}
#: What fails as soon as a row says n/a, and the key that is named: who the row is cannot be said.
LATER: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"event_id": "id || cast(cast(qty as integer) as varchar)"}, "event_id"),
    "arrival": ({"ingested_at": "loaded + cast(qty as integer) * interval '1 second'"}, "ingested_at"),
}
#: What fails on it as well, and the rule that the row breaks by that.
JUDGED: dict[str, tuple[dict[str, Any], str]] = {
    "rule": ({"rules": {"quantity": "cast(qty as integer) >= 0"}}, "quantity_can_be_evaluated"),
    "metric": ({"metrics": {"q": {"agg": "sum", "expr": "cast(qty as integer) * 2"}}}, "q_can_be_evaluated"),
    "condition": (
        {"metrics": {"n": {"agg": "count", "where": "cast(qty as integer) > 1"}}},
        "n_can_be_evaluated",
    ),
}
#: The same expressions, where what is no input is not asked.
FINE: dict[str, dict[str, Any]] = {
    "guarded": {
        "metrics": {"q": {"agg": "sum", "expr": "cast(qty as integer) * 2", "where": "qty <> 'n/a'"}}
    },
}


def row(event: str, qty: str, day: int) -> dict[str, Any]:
    time = f"2026-01-{day:02} 09:00:00"
    return {"id": event, "qty": qty, "happened": time, "loaded": time, "b": f"b{day}"}


def unread(consumer: Consumer) -> dict[str, str]:
    rows = consumer.query("select stream, config_key, reason from analytics.forensics__unread_streams")
    assert all("found" in one["reason"] and "; allowed: " in one["reason"] for one in rows)
    return {one["stream"]: one["config_key"] for one in rows}


def failed(run: Run) -> dict[str, str]:
    return {node: status for node, status in run.results.items() if status not in ("success", "pass")}


def captured(consumer: Consumer) -> dict[str, int]:
    rows = consumer.query(
        "select stream, count(*) as n from analytics.forensics__event_history group by stream"
    )
    return {one["stream"]: one["n"] for one in rows}


def totals(consumer: Consumer) -> dict[str, int]:
    rows = consumer.query(
        "select stream, sum(value) as total from analytics.forensics__metric_versions where is_current group by stream"
    )
    return {one["stream"]: int(one["total"]) for one in rows}


def test_a_stream_that_cannot_be_read_stops_no_other_one(engine: Engine, tmp_path: Path) -> None:
    given = {name: one for name, (one, _) in {**AT_FIRST, **LATER, **JUDGED}.items()} | FINE | {"orders": {}}
    consumer = Consumer(
        engine,
        tmp_path,
        streams={name: {"relation": "source.raw.t", **STREAM, **one} for name, one in given.items()},
        sources={"raw": ["t", "nowhere", "failing"]},
    )
    consumer.create_table("t", COLUMNS)
    consumer.execute("create view raw.failing as select t.*, cast(id as integer) as number from raw.t")
    consumer.insert("t", [row("e1", "1", 5), row("e2", "2", 5)])

    run = consumer.build(as_of="2026-01-05 12:00:00", expect="failure")
    assert failed(run) == {"forensics__every_stream_is_read": "fail"}
    keys = {name: key for name, (_, key) in AT_FIRST.items()}
    assert unread(consumer) == keys
    assert captured(consumer) == dict.fromkeys([*LATER, *JUDGED, *FINE, "orders"], 2)
    for name, key in keys.items():
        assert f"stream '{name}', key '{key}': found" in run.log

    consumer.insert("t", [row("e3", "n/a", 6), row("e4", "4", 6)])
    run = consumer.build(as_of="2026-01-06 12:00:00", expect="failure")
    assert failed(run) == {"forensics__every_stream_is_read": "fail"}
    keys |= {name: key for name, (_, key) in LATER.items()}
    assert unread(consumer) == keys
    assert captured(consumer) == dict.fromkeys(LATER, 2) | dict.fromkeys([*JUDGED, *FINE, "orders"], 4)
    held = consumer.query(
        "select stream, cause, event_id from analytics.forensics__verdicts where verdict = 'quarantined'"
    )
    assert {one["stream"]: (one["cause"], one["event_id"]) for one in held} == {
        name: (f"rule:{rule}", "e3") for name, (_, rule) in JUDGED.items()
    }
    assert "stream 'rule': rules.quantity cannot be evaluated on some of the rows that arrived" in run.log

    # The row is corrected at the source: every stream records it, as if nothing had been. A new metric
    # fails on what is on record.
    consumer.execute("update raw.t set qty = '3' where id = 'e3'")
    consumer.streams = {name: one for name, one in consumer.streams.items() if name not in AT_FIRST}
    orders = consumer.streams["orders"]
    doubled = {"agg": "sum", "expr": "cast(qty as integer) * 2"}
    consumer.streams["orders"] = {**orders, "metrics": {**orders["metrics"], "doubled": doubled}}
    run = consumer.build(as_of="2026-01-07 12:00:00", expect="failure")
    assert failed(run) == {"forensics__every_stream_is_read": "fail"}
    assert unread(consumer) == {"orders": "metrics.doubled"}
    assert captured(consumer) == dict.fromkeys(LATER, 4) | dict.fromkeys([*JUDGED, *FINE, "orders"], 5)
    expected = {"rule": 4, "metric": 20, "condition": 3, "name": 4, "arrival": 4, "guarded": 20, "orders": 4}
    assert totals(consumer) == expected

    # Written so that it can be asked of every row, it catches up.
    consumer.streams["orders"]["metrics"]["doubled"] = {**doubled, "where": "qty <> 'n/a'"}
    consumer.build(as_of="2026-01-08 12:00:00")
    assert unread(consumer) == {}
    assert totals(consumer) == {**expected, "orders": 4 + 20}


@pytest.mark.engines_differ
@pytest.mark.gate
def test_it_stays_apart_when_columns_changed_or_rows_are_held(engine: Engine, tmp_path: Path) -> None:
    """A select stands for a relation whose columns changed; of one that is not read, nothing is gone or back."""
    expression = {
        "metrics": {"q": {"agg": "sum", "expr": "n"}},
        "rules": {"quantity": "cast(qty as integer) >= n - 5"},
    }
    consumer = Consumer(
        engine,
        tmp_path,
        streams={"orders": {"relation": "source.raw.t", **STREAM, **expression}},
        sources={"raw": ["t"]},
    )
    consumer.create_table("t", {**COLUMNS, "n": "integer"})
    consumer.insert("t", [{**row(f"e{n}", "1", 5), "n": 1} for n in range(20)])
    consumer.build(as_of="2026-01-05 12:00:00")

    consumer.execute("alter table raw.t alter column n type numeric(9, 2)")
    consumer.insert(
        "t", [{**row(f"f{n}", qty, 6), "n": n} for n, qty in [(1, "n/a"), (2, "2"), (2.5, "2"), (9, "2")]]
    )
    run = consumer.build(as_of="2026-01-06 12:00:00")
    assert "stream 'orders': rules.quantity cannot be evaluated on some of the rows that arrived" in run.log
    found = consumer.query("select event_id, cause from analytics.forensics__verdicts where batch_id = 'b6'")
    assert {one["event_id"]: one["cause"] for one in found if one["cause"].startswith("rule:")} == {
        "f1": "rule:quantity_can_be_evaluated",
        "f9": "rule:quantity",
    }
    total = "select sum(value) as total from analytics.forensics__metric_versions where is_current"
    assert float(consumer.query(total)[0]["total"]) == 24.5

    consumer.execute("delete from raw.t where b = 'b5' and id < 'e5'")
    consumer.build(as_of="2026-01-07 12:00:00")
    states = "select state from analytics.forensics__held_withdrawals"
    assert consumer.query(states) == [{"state": "held"}]
    consumer.execute("alter table raw.t rename to other")
    run = consumer.build(as_of="2026-01-08 12:00:00", expect="failure")
    assert failed(run) == {"forensics__every_stream_is_read": "fail"}
    assert unread(consumer) == {"orders": "relation"}
    assert consumer.query(states) == [{"state": "held"}]
    assert float(consumer.query(total)[0]["total"]) == 24.5


#: Relations of every kind, on both engines, and how many rows each has.
KINDS = {
    "source.raw.seen": 2,
    'source.raw."order.events"': 2,
    "ref.orders": 2,
    "ref.orders.v1": 1,
    "ref.consumer.orders.v1": 1,
    'ref."v1"': 2,
}
OF_ENGINE = {
    "duckdb": {"source.files.orders": 2, "source.elsewhere.t": 2},
    "postgres": {"source.raw.kept": 2, "source.raw.parts": 2, "source.raw.foreign": 2},
}
SEVERAL = """
sources:
  - name: raw
    schema: raw
    tables: [{name: t}, {name: seen}, {name: order.events}, {name: kept}, {name: parts}, {name: foreign}]
  - name: files
    tables: [{name: orders, config: {meta: {external_location: "read_csv('FILE')"}}}]
  - name: elsewhere
    database: elsewhere
    schema: raw
    tables: [{name: t}]
models:
  - {name: orders, latest_version: 2, versions: [{v: 1}, {v: 2}]}
"""


@pytest.mark.engines_differ
@pytest.mark.gate
def test_a_relation_may_be_of_any_kind(engine: Engine, tmp_path: Path) -> None:
    rows = [row("e1", "1", 5), row("e2", "2", 5)]
    file = tmp_path / "orders.csv"
    file.write_text(
        "\n".join([",".join(COLUMNS), *(",".join(one.values()) for one in rows)]), encoding="utf-8"
    )
    kinds = {**KINDS, **OF_ENGINE[engine.name]}
    names = {f"s{place}": relation for place, relation in enumerate([*kinds, "ref.unbuilt"])}
    all_of = "select * from {{ source('raw', 't') }}"
    models = {
        "several.yml": SEVERAL.replace("FILE", str(file)),
        "orders_v1.sql": f"{all_of} where id = 'e1'",
        "orders_v2.sql": all_of,
        "v1.sql": all_of,
        "unbuilt.sql": "{{ config(materialized='ephemeral') }} " + all_of,
    }
    streams = {name: {"relation": relation, **STREAM} for name, relation in names.items()}
    consumer = Consumer(engine, tmp_path / "project", streams=streams, models=models)
    for table in ("t", "order.events"):
        consumer.create_table(table, COLUMNS)
        consumer.insert(table, rows)
    consumer.execute("create view raw.seen as select * from raw.t")
    if isinstance(engine, DuckDB):
        elsewhere = DuckDB(tmp_path / "elsewhere.duckdb")
        elsewhere.create_table("t", COLUMNS)
        elsewhere.insert("t", rows)
        elsewhere.release()
        output = engine.output() | {"attach": [{"path": str(elsewhere.path), "alias": "elsewhere"}]}
        profile = {"consumer": {"target": engine.name, "outputs": {engine.name: output}}}
        consumer.write("profiles.yml", yaml.safe_dump(profile))
    if isinstance(engine, Postgres):
        consumer.execute(
            "create materialized view raw.kept as select * from raw.t;"
            "create table raw.parts (like raw.t) partition by list (b);"
            "create table raw.parts_5 partition of raw.parts for values in ('b5');"
            "insert into raw.parts select * from raw.t;"
            "create extension postgres_fdw;"
            "create server itself foreign data wrapper postgres_fdw"
            f" options (host '{engine.cluster.folder}', dbname '{engine.database}');"
            "create user mapping for current_user server itself"
            f" options (user '{PostgresCluster.USER}', password_required 'false');"
            "import foreign schema raw limit to (t) from server itself into analytics;"
            'alter foreign table analytics.t rename to "foreign";'
            'alter foreign table analytics."foreign" set schema raw'
        )
    run = consumer.build(as_of="2026-01-05 12:00:00", expect="failure")
    assert {names[name]: n for name, n in captured(consumer).items()} == kinds
    assert {names[name]: key for name, key in unread(consumer).items()} == {"ref.unbuilt": "relation"}
    assert failed(run) == {"forensics__every_stream_is_read": "fail"}
    assert "found ref.unbuilt, an ephemeral model; allowed: a relation in the warehouse" in run.log


@pytest.fixture
def orders(engine: Engine, tmp_path: Path) -> Consumer:
    """Two streams of one table, with two rows on record."""
    stream = {"relation": "source.raw.t", **STREAM}
    content = {key: value for key, value in stream.items() if key != "event_id"}
    consumer = Consumer(engine, tmp_path, {"orders": stream, "others": content}, {"raw": ["t"]})
    consumer.create_table("t", COLUMNS)
    consumer.insert("t", [row("e1", "1", 5), row("e2", "2", 5)])
    consumer.build(as_of="2026-01-05 12:00:00")
    return consumer


def said_of(consumer: Consumer) -> dict[str, str]:
    rows = consumer.query("select stream, config_key, reason from analytics.forensics__unread_streams")
    return {f"{one['stream']}.{one['config_key']}": one["reason"] for one in rows}


@pytest.mark.engines_differ
@pytest.mark.gate
def test_another_event_id_counts_no_event_twice(orders: Consumer) -> None:
    """Other ids leave the stream out, until they are as they were or the rows are recorded again."""
    given = orders.streams["orders"]
    orders.insert("t", [row("e3", "3", 6)])
    orders.streams["orders"] = {**given, "event_id": "'x' || id"}
    orders.streams["others"]["payload"] = ["qty"]
    run = orders.build(as_of="2026-01-06 12:00:00", expect="failure")
    assert failed(run) == {"forensics__every_stream_is_read": "fail"}
    assert totals(orders) == {"orders": 2, "others": 2}
    assert said_of(orders) == {
        "orders.event_id": "found 'x' || id, by which 2 events on record have other ids than they were recorded with"
        " (event_id: id); allowed: what they were recorded with; or, to withdraw the rows on record and record them"
        " again under the new ids, one build with --vars '{forensics_accept_withdrawals: [orders],"
        " forensics_verify: full}'.",
        "others.payload": "found qty, by which 2 events on record have other ids than they were recorded with"
        " (payload: every column that no key names); allowed: what they were recorded with; or, to withdraw the rows"
        " on record and record them again under the new ids, one build with --vars"
        " '{forensics_accept_withdrawals: [others], forensics_verify: full}'.",
    }
    # It does not become the truth by being refused once.
    orders.build(as_of="2026-01-07 12:00:00", expect="failure")
    assert set(said_of(orders)) == {"orders.event_id", "others.payload"}

    # The same ids in other words go on; so does whoever records every row again.
    orders.streams["orders"] = {**given, "event_id": "id || ''"}
    again = {"forensics_accept_withdrawals": ["others"], "forensics_verify": "full"}
    orders.build(as_of="2026-01-08 12:00:00", vars=again)
    assert totals(orders) == {"orders": 3, "others": 3}
    assert said_of(orders) == {}
    orders.insert("t", [row("e4", "4", 9)])
    orders.build(as_of="2026-01-09 12:00:00")
    assert totals(orders) == {"orders": 4, "others": 4}


@pytest.mark.engines_differ
@pytest.mark.gate
def test_a_renamed_stream_is_not_recorded_beside_itself(orders: Consumer) -> None:
    """A relation on record under a name that is gone is not recorded again under another one, unless that is said."""
    renamed = {"others": orders.streams["others"], "sales": orders.streams["orders"]}
    orders.streams = renamed
    for day in (6, 7):
        run = orders.build(as_of=f"2026-01-0{day} 12:00:00", expect="failure")
        assert failed(run) == {"forensics__every_stream_is_read": "fail"}
        assert said_of(orders) == {
            "sales.replaces": "found nothing, while source.raw.t is on record as stream 'orders', which is not declared"
            " any more; allowed: to go on under its name, 'orders'; or replaces: orders, to record the relation from"
            " the beginning under the new one. Then leave the rows of the old one out of your sums."
        }
        assert captured(orders) == {"orders": 2, "others": 2}
    renamed["sales"] = {**renamed["sales"], "replaces": "others"}
    assert "key 'replaces': found others; allowed: the name of" in orders.dbt(["parse"], "failure").log
    renamed["sales"]["replaces"] = "orders"
    orders.build(as_of="2026-01-08 12:00:00")
    assert captured(orders) == {"orders": 2, "others": 2, "sales": 2}
    # A second new name replaces the first.
    renamed["income"] = {**renamed.pop("sales"), "replaces": "sales"}
    orders.build(as_of="2026-01-09 12:00:00")
    assert captured(orders) == {"orders": 2, "others": 2, "sales": 2, "income": 2}
    assert said_of(orders) == {}
