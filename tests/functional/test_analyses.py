"""The ready-made investigations of analyses/, compiled in a consumer's project and run on the worked example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from harness.project import PACKAGE, Consumer
from property.worked_example import BUILT_AT, ROWS, SEEN, at

ANALYSES = PACKAGE / "analyses"
#: A JSON array of ids as a reader writes it.
UNQUOTED = str.maketrans({"[": None, "]": None, '"': None, ",": ", "})
STREAM = {
    "relation": "source.shop.order_events",
    "event_id": "event_id",
    "entity_id": "customer",
    "event_time": "occurred_at",
    "ingested_at": "loaded_at",
    "batch_id": "load_id",
    "payload": ["amount"],
    "allowed_lateness": {"count": 1, "period": "day"},
    "on_conflict": "last_wins",
    "rules": {"amount_is_not_negative": "amount >= 0"},
    "metrics": {
        "revenue": {"agg": "sum", "expr": "amount"},
        "orders": {"agg": "count"},
        "big_by_customer": {
            "agg": "sum",
            "expr": "amount",
            "where": "amount > 25",
            "dimensions": ["customer"],
        },
        "mean": {"agg": "avg", "expr": "amount"},
    },
}
COLUMNS = {
    "event_id": "varchar",
    "customer": "varchar",
    "occurred_at": "timestamp",
    "loaded_at": "timestamp",
    "load_id": "varchar",
    "amount": "numeric(18, 2)",
}


def _insert(consumer: Consumer, names: set[str]) -> None:
    rows = [ROWS[name] for name in sorted(names)]
    consumer.insert(
        "order_events",
        [
            {
                "event_id": row.event_id,
                "customer": row.entity_id,
                "occurred_at": row.event_time,
                "loaded_at": row.ingested_at,
                "load_id": row.batch_id,
                **dict(row.payload),
            }
            for row in rows
        ],
    )


@pytest.fixture(scope="module")
def consumer(new_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    """The worked example after its three builds, with the analyses compiled."""
    with new_engine() as engine:
        made = Consumer(
            engine,
            tmp_path_factory.mktemp("consumer"),
            streams={"orders": STREAM},
            sources={"shop": ["order_events"]},
        )
        made.create_table("order_events", COLUMNS)
        before: set[str] = set()
        for when, seen in zip(BUILT_AT, SEEN, strict=True):
            _insert(made, set(seen) - before)
            for gone in before - set(seen):
                made.execute(f"delete from raw.order_events where event_id = '{ROWS[gone].event_id}'")
            made.build(as_of=when.isoformat(sep=" "))
            before = set(seen)
        made.dbt(["compile", "--select", "package:dbt_forensics,resource_type:analysis"])
        yield made


def ask(consumer: Consumer, analysis: str, **values: str) -> list[dict[str, Any]]:
    """The rows of a compiled analysis, with other values put into `asked` as a reader would."""
    sql = (consumer.folder / f"target/compiled/dbt_forensics/analyses/{analysis}.sql").read_text()
    for before, after in values.items():  # `asked` comes first
        assert f"'{before}' as" in sql
        sql = sql.replace(f"'{before}' as", f"'{after}' as", 1)
    return consumer.query(sql)


def test_why_did_this_metric_change(consumer: Consumer) -> None:
    rows = ask(consumer, "why_did_this_metric_change")
    assert [(r["version"], r["previous_value"], r["value"], r["cause"], r["change"]) for r in rows] == [
        (1, None, 150, "on_time", 150),
        (2, 150, 205, "on_time", 30),
        (2, 150, 205, "late", 20),
        (2, 150, 205, "correction", 5),
        (3, 205, 182, "too_late", 7),
        (3, 205, 182, "source_deleted", -30),
    ]
    assert [r["sample_event_ids"] for r in rows] == [
        '["e1","e2"]',
        '["e3"]',
        '["e4"]',
        '["e2"]',
        '["e5"]',
        '["e3"]',
    ]
    assert [r["is_settled"] for r in rows] == [False] * 4 + [True] * 2


def test_the_readme_shows_what_it_gives(consumer: Consumer) -> None:
    lines = (PACKAGE / "README.md").read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| version |"))
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start : start + 8]]
    rows = ask(consumer, "why_did_this_metric_change")
    assert table[2:] == [[as_printed(row[column]) for column in table[0]] for row in rows]


def as_printed(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%m-%d %H:%M}"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value).translate(UNQUOTED)


def test_the_chain_head_of_the_documentation(consumer: Consumer) -> None:
    page = (PACKAGE / "docs" / "digest.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^orders 2026.*", page, re.MULTILINE)
    assert line in consumer.dbt(["run-operation", "print_chain_head"]).log.splitlines()


def test_what_did_the_dashboard_show(consumer: Consumer) -> None:
    (row,) = ask(consumer, "what_did_the_dashboard_show")
    assert (row["window_start"], row["value_then"], row["version_then"]) == (at("01-05 00:00"), 150, 1)
    assert (row["value_now"], row["version_now"], row["change_since"]) == (182, 3, 32)
    (changed,) = ask(
        consumer, "what_did_the_dashboard_show", **{"2026-01-06 03:00:00": "2026-01-06 06:00:00"}
    )
    assert (changed["value_then"], changed["change_since"]) == (205, -23)
    assert not ask(consumer, "what_did_the_dashboard_show", **{"2026-01-06 03:00:00": "2026-01-05 11:59:59"})


def test_events_behind_a_change(consumer: Consumer) -> None:
    rows = ask(consumer, "events_behind_a_change")
    assert [
        (r["version"], r["cause"], r["event_id"], r["effect"], r["contribution"], r["batch_id"]) for r in rows
    ] == [
        (1, "on_time", "e1", 1, 100, "b1"),
        (1, "on_time", "e2", 1, 50, "b1"),
        (2, "on_time", "e3", 1, 30, "b2"),
        (2, "late", "e4", 1, 20, "b3"),
        (2, "correction", "e2", -1, -50, "b1"),
        (2, "correction", "e2", 1, 55, "b3"),
        (3, "too_late", "e5", 1, 7, "b4"),
        (3, "source_deleted", "e3", -1, -30, "b2"),
    ]
    assert rows[-2]["payload"] == '{"amount":"7"}'


@pytest.mark.parametrize("metric", ["revenue", "orders", "big_by_customer"])
def test_the_events_add_up_to_the_changes(consumer: Consumer, metric: str) -> None:
    changes = {
        (r["dimensions"], r["version"], r["cause"]): r["change"]
        for r in ask(consumer, "why_did_this_metric_change", revenue=metric)
    }
    added_up: dict[tuple[Any, ...], Decimal] = {}
    for row in ask(consumer, "events_behind_a_change", revenue=metric):
        key = (row["dimensions"], row["version"], row["cause"])
        added_up[key] = added_up.get(key, Decimal(0)) + row["contribution"]
    assert added_up == changes


def test_events_of_a_metric_with_a_condition_and_dimensions(consumer: Consumer) -> None:
    rows = ask(consumer, "events_behind_a_change", revenue="big_by_customer")
    assert [(r["dimensions"], r["version"], r["cause"], r["contribution"]) for r in rows] == [
        ('{"customer":"a"}', 1, "on_time", 100),
        ('{"customer":"a"}', 2, "on_time", 30),
        ('{"customer":"a"}', 3, "source_deleted", -30),
        ('{"customer":"b"}', 1, "on_time", 50),
        ('{"customer":"b"}', 2, "correction", -50),
        ('{"customer":"b"}', 2, "correction", 55),
    ]
    numbers = [r["contribution"] for r in ask(consumer, "events_behind_a_change", revenue="mean")]
    assert numbers == [100, 50, 30, 20, -50, 55, 7, -30]


def test_who_lost_a_duplicate(consumer: Consumer) -> None:
    rows = ask(consumer, "who_lost_a_duplicate")
    assert [
        (
            r["event_id"],
            r["verdict"],
            r["batch_id"],
            r["winner_batch_id"],
            r["winner_verdict"],
            r["winner_payload"],
        )
        for r in rows
    ] == [
        ("e1", "duplicate", "b2", "b1", "accepted", '{"amount":"100"}'),
        ("e2", "superseded", "b1", "b3", "accepted", '{"amount":"55"}'),
    ]
    later = ask(consumer, "who_lost_a_duplicate", **{"2026-01-05 00:00:00": "2026-01-06 00:30:00"})
    assert [r["event_id"] for r in later] == ["e1"]


def test_late_arrivals_by_batch(consumer: Consumer) -> None:
    rows = ask(consumer, "late_arrivals_by_batch")
    assert rows == [
        {
            "stream": "orders",
            "batch_id": batch,
            "first_ingested_at": arrived,
            "row_count": 2,
            "late_count": late,
            "too_late_count": too_late,
            "out_of_order_count": too_late,
            "max_lateness_seconds": seconds,
            "earliest_window_start": datetime(2026, 1, 5),
        }
        for batch, arrived, late, too_late, seconds in [
            ("b3", at("01-06 05:00"), 2, 0, 69600),
            ("b4", at("01-08 09:00"), 0, 1, 248400),
        ]
    ]


def test_late_arrivals_by_source(consumer: Consumer) -> None:
    (row,) = ask(consumer, "late_arrivals_by_source")
    assert (row["tenant"], row["event_type"], row["schema_version"]) == (None, None, None)
    assert [row[f"{name}_count"] for name in ("row", "late", "too_late", "batch", "late_batch")] == [
        8,
        2,
        1,
        4,
        2,
    ]
    assert (row["late_percent"], row["max_lateness_seconds"]) == (Decimal("37.5"), 248400)
    (later,) = ask(consumer, "late_arrivals_by_source", **{"2026-01-05 00:00:00": "2026-01-06 05:00:01"})
    assert (later["row_count"], later["late_percent"]) == (2, 50)


def test_the_life_of_an_event(consumer: Consumer) -> None:
    def life(event_id: str) -> list[tuple[Any, ...]]:
        rows = ask(consumer, "the_life_of_an_event", e2=event_id)
        return [(r["happened_at"], r["what"], r["batch_id"], r["effect"], r["cause"]) for r in rows]

    assert life("e2") == [
        (at("01-05 09:40"), "happened", "b1", None, "on_time"),
        (at("01-05 09:40"), "happened", "b3", None, "late"),
        (at("01-05 10:00"), "arrived", "b1", None, "on_time"),
        (at("01-05 12:00"), "accepted", "b1", 1, "on_time"),
        (at("01-06 05:00"), "arrived", "b3", None, "late"),
        (at("01-06 06:00"), "accepted", "b3", 1, "correction"),
        (at("01-06 06:00"), "superseded", "b1", -1, "correction"),
    ]
    assert life("e3")[-2:] == [
        (at("01-08 10:00"), "gone from its source", "b2", None, None),
        (at("01-08 10:00"), "withdrawn", "b2", -1, "source_deleted"),
    ]
    assert life("nope") == []


def test_events_of_reconstructed_versions(new_engine: Any, tmp_path: Path) -> None:
    """History from before the installation is dated by its arrivals, not by the build that found it."""
    streams = {every: {**STREAM, "backcast": {"every": every}} for every in ("batch", "hour", "day")}
    with new_engine() as engine:
        consumer = Consumer(engine, tmp_path, streams=streams, sources={"shop": ["order_events"]})
        consumer.create_table("order_events", COLUMNS)
        _insert(consumer, set(ROWS))
        consumer.build(as_of=BUILT_AT[-1].isoformat(sep=" "))
        consumer.dbt(["compile", "--select", "why_did_this_metric_change events_behind_a_change"])
        changes = {
            (r["stream"], r["version"], r["cause"]): r["change"]
            for r in ask(consumer, "why_did_this_metric_change")
        }
        added_up: dict[tuple[Any, ...], Decimal] = {}
        for row in ask(consumer, "events_behind_a_change"):
            key = (row["stream"], row["version"], row["cause"])
            added_up[key] = added_up.get(key, Decimal(0)) + row["contribution"]
    assert added_up == changes
    assert [key[1:] for key in added_up if key[0] == "batch"] == [
        (1, "on_time"),
        (2, "on_time"),
        (3, "late"),
        (3, "correction"),
        (4, "too_late"),
    ]


def test_every_analysis_is_described_and_tested() -> None:
    described = (ANALYSES / "_analyses.yml").read_text()
    here = Path(__file__).read_text()
    for path in ANALYSES.glob("*.sql"):
        assert f"- name: {path.stem}\n" in described
        assert f'"{path.stem}"' in here
