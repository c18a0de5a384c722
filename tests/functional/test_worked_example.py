"""The worked example of the design on each engine: every number of it, and of its variants."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer
from property import promises
from property import worked_example as example
from property.oracle import Raw, Stream

Row = dict[str, Any]
VARIANT = pytest.mark.parametrize("variant", example.VARIANTS, ids=lambda variant: variant.name)
TABLE_OF = {"one_build_only": "seen_once", "backcast": "seen_once_whole"}
#: A row of the example by what its captured row says.
NAME_OF = {(row.event_id, row.batch_id): name for name, row in example.ROWS.items()}


def config(stream: Stream) -> dict[str, Any]:
    return {
        "relation": f"source.shop.{TABLE_OF.get(stream.name, 'order_events')}",
        "event_id": "event_id",
        "entity_id": "entity",
        "event_time": "event_time",
        "ingested_at": "ingested_at",
        "batch_id": "batch",
        "payload": ["amount"],
        "window": "day",
        "expected_delay": {"count": 1, "period": "hour"},
        "allowed_lateness": {"count": 1, "period": "day"},
        "on_conflict": stream.on_conflict,
        "too_late": stream.too_late,
        "backcast": {"every": stream.backcast},
        "rules": {"amount_is_not_negative": "amount >= 0"},
        "metrics": {"revenue": {"agg": "sum", "expr": "amount"}, "orders": {"agg": "count"}},
    }


def as_columns(row: Raw) -> Row:
    return {
        "event_id": row.event_id,
        "entity": row.entity_id,
        "event_time": row.event_time,
        "ingested_at": row.ingested_at,
        "batch": row.batch_id,
        "amount": row["amount"],
    }


@pytest.fixture(scope="module")
def consumer(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consumer]:
    """The three builds of the example. The streams that one build sees are declared before the third."""
    tables = ["order_events", *TABLE_OF.values()]
    with new_engine() as engine:
        consumer = Consumer(
            engine,
            tmp_path_factory.mktemp("worked_example") / "consumer",
            streams={},
            sources={"shop": tables},
        )
        for table in tables:
            columns = {"event_id": "varchar(10)", "entity": "varchar(10)", "event_time": "timestamp"}
            columns |= {"ingested_at": "timestamp", "batch": "varchar(10)", "amount": "numeric(18, 2)"}
            consumer.create_table(table, columns)
        for variant in example.VARIANTS:
            if len(variant.builds) == 1:
                rows = [as_columns(row) for row in variant.builds[0].rows]
                consumer.insert(TABLE_OF[variant.name], rows)
        for number, (when, seen) in enumerate(zip(example.BUILT_AT, example.SEEN, strict=True), 1):
            consumer.execute("delete from raw.order_events")
            consumer.insert("order_events", [as_columns(example.ROWS[name]) for name in seen])
            declared = [v.stream for v in example.VARIANTS if len(v.builds) == 3 or number == 3]
            consumer.streams = {stream.name: config(stream) for stream in declared}
            consumer.build(as_of=str(when))
        yield consumer


def rows_of(consumer: Consumer, relation: str, stream: str) -> list[Row]:
    return consumer.query(f"select * from analytics.forensics__{relation} where stream = '{stream}'")


def names(consumer: Consumer, stream: str) -> dict[str | None, str | None]:
    """row_key -> r1 ... r8"""
    history = rows_of(consumer, "event_history", stream)
    return {None: None, **{row["row_key"]: NAME_OF[row["event_id"], row["batch_id"]] for row in history}}


@VARIANT
def test_every_row_is_kept(consumer: Consumer, variant: example.Variant) -> None:
    history = rows_of(consumer, "event_history", variant.stream.name)
    assert {
        (
            row["event_id"],
            row["batch_id"],
            row["entity_id"],
            row["event_time"],
            row["ingested_at"],
            row["payload"],
        )
        for row in history
    } == {
        (
            row.event_id,
            row.batch_id,
            row.entity_id,
            row.event_time,
            row.ingested_at,
            f'{{"amount":"{row["amount"]:f}"}}',
        )
        for row in (example.ROWS[name] for name in variant.verdicts)
    }
    assert len(history) == len(variant.verdicts)


@VARIANT
def test_ledger(consumer: Consumer, variant: example.Variant) -> None:
    name = names(consumer, variant.stream.name)
    built_at = [build.as_of for build in variant.builds]
    entries = [
        (
            built_at.index(entry["recorded_at"]) + 1,
            name[entry["row_key"]],
            entry["effect"],
            entry["cause"],
            entry["timeliness"],
            name[entry["other_row_key"]],
        )
        for entry in rows_of(consumer, "ledger", variant.stream.name)
    ]
    assert variant.ledger is not None
    assert Counter(entries) == Counter(variant.ledger)


@VARIANT
def test_verdicts(consumer: Consumer, variant: example.Variant) -> None:
    name = names(consumer, variant.stream.name)
    events = {name[row["row_key"]]: row for row in rows_of(consumer, "verdicts", variant.stream.name)}
    assert {row: event["verdict"] for row, event in events.items()} == variant.verdicts
    assert {row for row, event in events.items() if event["is_counted"]} == {
        row for row, verdict in variant.verdicts.items() if verdict == "accepted"
    }
    assert name[events["r4"]["lost_to_row_key"]] == "r1"
    loser, winner = ("r6", "r2") if variant.stream.on_conflict == "first_wins" else ("r2", "r6")
    assert name[events[loser]["lost_to_row_key"]] == winner
    assert all(event["reason"] for event in events.values())
    assert {row for row, event in events.items() if not event["is_in_source"]} == set(variant.vanished)
    assert events["r7"]["lateness_seconds"] == Decimal((3 * 24 - 3) * 3600)
    # r3, of the same entity and later in the world, had arrived before r7; r4 arrived together with it.
    out_of_order = {"r7"} if "r3" in variant.verdicts else set()
    assert {row for row, event in events.items() if event["is_out_of_order"]} == out_of_order


@pytest.mark.parametrize(
    ("variant", "metric"),
    [(v, metric) for metric in ("revenue", "orders") for v in example.VARIANTS if getattr(v, metric)],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_versions_and_causes(consumer: Consumer, variant: example.Variant, metric: str) -> None:
    expected = getattr(variant, metric)
    versions = sorted(
        (
            row
            for row in rows_of(consumer, "metric_versions", variant.stream.name)
            if row["metric"] == metric and row["window_start"] == example.WINDOW
        ),
        key=lambda row: row["version"],
    )
    causes: dict[int, dict[str, tuple[Decimal, int]]] = {row["version"]: {} for row in versions}
    for row in rows_of(consumer, "metric_changes", variant.stream.name):
        if row["metric"] == metric and row["window_start"] == example.WINDOW:
            causes[row["version"]][row["cause"]] = (row["change"], row["event_count"])

    found = [
        example.Expected(
            row["recorded_from"],
            row["value"],
            row["previous_value"],
            row["input_count"],
            causes[row["version"]],
        )
        for row in versions
    ]
    assert found == expected
    assert [row["version"] for row in versions] == list(range(1, len(expected) + 1))
    assert [row["recorded_to"] for row in versions] == [*(e.recorded_from for e in expected[1:]), None]
    assert [row["is_current"] for row in versions] == [False] * (len(expected) - 1) + [True]
    assert {row["origin"] for row in versions} == {variant.origin}
    assert {row["window_end"] for row in versions} == {example.WINDOW + timedelta(days=1)}
    assert {row["dimensions"] for row in versions} == {"{}"}
    assert len({row["inputs_digest"] for row in versions}) == len(versions)
    assert len({row["definition_digest"] for row in versions}) == 1


def test_no_other_window_has_a_value(consumer: Consumer) -> None:
    """r8 is in quarantine, so its day has nothing to show."""
    found = consumer.query("select distinct window_start from analytics.forensics__metric_versions")
    assert [row["window_start"] for row in found] == [example.WINDOW]


def test_the_events_behind_a_change(consumer: Consumer) -> None:
    second = [
        row
        for row in rows_of(consumer, "metric_changes", "last_wins")
        if (row["metric"], row["version"]) == ("revenue", 2)
    ]
    assert {row["cause"]: json.loads(row["sample_event_ids"]) for row in second} == {
        "on_time": ["e3"],
        "late": ["e4"],
        "correction": ["e2"],
    }
    correction = next(row for row in second if row["cause"] == "correction")
    assert correction["first_arrived_at"] == example.at("01-05 10:00")
    assert correction["last_arrived_at"] == example.at("01-06 05:00")


def test_nobody_could_have_seen_more_at_three_in_the_morning(consumer: Consumer) -> None:
    as_of = "timestamp '2026-01-06 03:00:00'"
    found = consumer.query(
        "select value from analytics.forensics__metric_versions where stream = 'last_wins' and metric = 'revenue' "
        f"and recorded_from <= {as_of} and (recorded_to > {as_of} or recorded_to is null)"
    )
    assert [row["value"] for row in found] == [150]


@VARIANT
def test_what_vanished_and_the_versions_of_batches(consumer: Consumer, variant: example.Variant) -> None:
    name = names(consumer, variant.stream.name)
    vanished = rows_of(consumer, "vanished_rows", variant.stream.name)
    assert [(name[row["row_key"]], row["vanished_at"], row["returned_at"]) for row in vanished] == [
        (row, example.BUILT_AT[-1], None) for row in variant.vanished
    ]
    sizes: dict[str, list[int]] = {}
    for seal in sorted(
        rows_of(consumer, "batch_history", variant.stream.name), key=lambda seal: seal["dbt_valid_from"]
    ):
        sizes.setdefault(seal["batch_id"], []).append(seal["row_count"])
    assert sizes == variant.batch_sizes
    batches = rows_of(consumer, "batches", variant.stream.name)
    expected = Counter((example.ROWS[row].batch_id, verdict) for row, verdict in variant.verdicts.items())
    assert {
        (batch["batch_id"], verdict): batch[f"{verdict}_count"]
        for batch in batches
        for verdict in set(variant.verdicts.values())
        if batch[f"{verdict}_count"]
    } == expected
    assert {batch["batch_id"]: batch["vanished_count"] for batch in batches if batch["vanished_count"]} == (
        {"b2": 1} if variant.vanished else {}
    )


def test_the_build_again_changes_nothing(consumer: Consumer) -> None:
    before = promises.contents(consumer)
    consumer.build(as_of=str(example.BUILT_AT[-1]))
    assert promises.differences(before, promises.contents(consumer)) == []
    consumer.build(as_of="2026-01-09 10:00:00")
    assert promises.differences(before, promises.contents(consumer)) == []
