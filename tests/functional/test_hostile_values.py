"""Hostile and broken values end in verdicts; none stops the other rows, and each is kept as it came."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from harness.engines import Engine, quoted
from harness.project import Consumer

Row = dict[str, Any]

MARK = "it's a {{ 1 / 0 }} \\ name"
COLUMNS = {
    "Event Id": "text",
    "customer": "text",
    "kind": "text",
    "at": "text",
    "Loaded At": "text",
    "load": "text",
    "seq": "text",
    "shape": "text",
    "unit": "text",
    "amount": "text",
    "ratio": "double precision",
    "note": "text",
    "Column With Space": "text",
    "naïve": "text",
    MARK: "text",
    "select": "text",
    "doc": "json",
}
STREAM = {
    "relation": "source.shop.hostile",
    "event_id": "Event Id",
    "entity_id": "customer",
    "event_type": "kind",
    "event_time": "at",
    "ingested_at": "Loaded At",
    "batch_id": "load",
    "sequence_number": "seq",
    "schema_version": "shape",
    "tenant": "unit",
    "allowed_lateness": {"count": 3, "period": "day"},
    "metrics": {
        "revenue": {"agg": "sum", "expr": "amount", "dimensions": ["note", "unit"]},
        "ratio": {"agg": "avg", "expr": "ratio"},
        "rows": {"agg": "count", "dimensions": ["Column With Space"]},
    },
}
#: Values that are just values, wherever they stand.
TEXTS = {
    "sql": "'); drop table raw.hostile; --",
    "jinja": "{{ 1 / 0 }}{% raw %}{# no #}",
    "quotes": 'it\'s "quoted" \\ `here` $$ $1 %s %(x)s ?',
    "html": "<script>alert(1)</script>&amp;",
    "right to left": "שלום \u202e gnirts \u202c عليكم",
    "control characters": "\x01\x08\t\n\x0b\x0c\r\x0e\x1b\x1f\x7f",
    "space around": "  x  ",
    "empty": "",
    "the word null": "NULL",
    "emoji and combining": "👩‍👩‍👧 e\u0301 \u00e9 \ufeff",
    "newlines": "one\ntwo\r\nthree",
    "looks like JSON": '{"a": [1, {"b": null}]}',
    "long": "x" * 1_000_000,
}
PLACES = [
    "Event Id",
    "customer",
    "kind",
    "load",
    "shape",
    "unit",
    "note",
    "Column With Space",
    "naïve",
    MARK,
    "select",
]
NESTED = {"a": [1, {"b": None, "c": "'); --"}], "d": {"e": "{{ 1 }}"}}


@dataclass
class Case:
    """A row: what it says beyond the usual, and what becomes of it."""

    name: str
    values: Row
    verdict: str = "accepted"
    cause: str = "on_time"


def quarantined(name: str, rule: str, **values: Any) -> Case:
    return Case(name, values, "quarantined", f"rule:{rule}")


CASES = [
    Case("plain", {}),
    *(Case(f"{name} in {place}", {place: text}) for name, text in TEXTS.items() for place in PLACES),
    Case("nested JSON", {"doc": json.dumps(NESTED)}),
    quarantined("no event id", "event_id_is_not_null", **{"Event Id": None}),
    quarantined("no event time", "event_time_is_not_null", at=None),
    quarantined("no arrival", "ingested_at_is_not_null", **{"Loaded At": None}),
    quarantined("no time", "event_time_is_not_null", at="yesterday"),
    quarantined("an empty time", "event_time_is_not_null", at=""),
    quarantined("13th month", "event_time_is_not_null", at="2026-13-01 00:00:00"),
    quarantined("30th of February", "event_time_is_not_null", at="2026-02-30 00:00:00"),
    quarantined("25 o'clock", "event_time_is_not_null", at="2026-01-05 25:00:00"),
    quarantined("unreadable arrival", "ingested_at_is_not_null", **{"Loaded At": "soon"}),
    quarantined("year 1", "event_time_is_plausible", at="0001-01-01 00:00:00"),
    quarantined("year 1899", "event_time_is_plausible", at="1899-12-31 23:59:59"),
    quarantined("year 2200", "event_time_is_plausible", at="2200-01-01 00:00:00"),
    quarantined("year 9999", "event_time_is_plausible", at="9999-12-31 23:59:59"),
    quarantined("arrival in year 9999", "ingested_at_is_plausible", **{"Loaded At": "9999-12-31 23:59:59"}),
    quarantined("arrival in year 1", "ingested_at_is_plausible", **{"Loaded At": "0001-01-01 00:00:00"}),
    Case("year 1900", {"at": "1900-01-01 00:00:00"}, cause="too_late"),
    Case("year 2199", {"at": "2199-12-31 23:59:59"}),  # from the future, and counted
    Case("ISO 8601 with a zone", {"at": "2026-01-05T12:00:00+02:00"}),
    Case("a date alone", {"at": "2026-01-05"}),
    quarantined("not a number", "revenue_is_a_number", amount="NaN"),
    quarantined("infinity", "revenue_is_a_number", amount="Infinity"),
    quarantined("words for a number", "revenue_is_a_number", amount="ten"),
    quarantined("45 digits", "revenue_is_a_number", amount="1" * 45),
    quarantined("1e300", "revenue_is_a_number", amount="1e300"),
    quarantined("a float that is NaN", "ratio_is_a_number", ratio=float("nan")),
    quarantined("a float that is infinite", "ratio_is_a_number", ratio=float("inf")),
    quarantined("a float beyond all numerics", "ratio_is_a_number", ratio=-1.7e308),
    Case("no number", {"amount": None, "ratio": None}),
    Case("a small float", {"ratio": 5e-324}),
    Case("a number in scientific notation", {"amount": "1e3"}),
    Case("a sequence number that is none", {"seq": "first"}),
    Case("a long sequence number", {"seq": "9" * 60}),
]


def row_of(number: int, case: Case) -> Row:
    return {
        "Event Id": f"event {number}",
        "customer": "c",
        "kind": "placed",
        "at": "2026-01-05 09:00:00",
        "Loaded At": "2026-01-05 10:00:00",
        "load": "b1",
        "seq": str(number),
        "shape": "v1",
        "unit": "de",
        "amount": "1",
        "ratio": 0.5,
        "note": str(number),  # each row is found by its note, or by the place of the value
        **case.values,
    }


@pytest.fixture(scope="module")
def consumer(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consumer]:
    with new_engine() as engine:
        folder = tmp_path_factory.mktemp("hostile") / "consumer"
        consumer = Consumer(engine, folder, streams={"hostile": STREAM}, sources={"shop": ["hostile"]})
        consumer.create_table("hostile", COLUMNS)
        consumer.insert("hostile", [row_of(number, case) for number, case in enumerate(CASES)])
        consumer.build(as_of="2026-01-05 12:00:00")
        yield consumer


@pytest.fixture(scope="module")
def events(consumer: Consumer) -> dict[str, Row]:
    """The captured row of each case, by the case's name."""
    kept = consumer.query("select * from analytics.forensics__verdicts")
    found: dict[str, Row] = {}
    unclaimed = {row["row_key"]: row for row in kept}
    for number, case in enumerate(CASES):
        given = row_of(number, case)
        for key, row in unclaimed.items():
            if tells(row, given):
                found[case.name] = unclaimed.pop(key)
                break
    assert not unclaimed, (
        f"{len(unclaimed)} rows in the history that nobody put in: {list(unclaimed.values())[:3]}"
    )
    return found


def tells(row: Row, given: Row) -> bool:
    """Whether a captured row is this raw row: in each role and payload column the text that came in."""
    payload = json.loads(row["payload"])
    roles = {"event_id": "Event Id", "entity_id": "customer", "event_type": "kind", "batch_id": "load"}
    roles |= {"schema_version": "shape", "tenant": "unit"}
    kept = ["amount", "note", "Column With Space", "naïve", MARK, "select"]
    return all(row[role] == given[column] for role, column in roles.items()) and all(
        payload.get(column) == given.get(column) for column in kept
    )


def test_every_row_has_its_verdict(events: dict[str, Row]) -> None:
    found = {name: (row["verdict"], row["cause"]) for name, row in events.items()}
    expected = {case.name: (case.verdict, case.cause) for case in CASES}
    assert {name: found.get(name) for name in expected if found.get(name) != expected[name]} == {}


def test_every_row_is_kept(consumer: Consumer) -> None:
    counts = consumer.query(
        "select count(*) as n, count(distinct row_key) as keys from analytics.forensics__event_history"
    )
    assert counts == [{"n": len(CASES), "keys": len(CASES)}]
    assert consumer.query("select count(*) as n from raw.hostile") == [{"n": len(CASES)}]


def test_what_cannot_be_read_is_kept_beside(events: dict[str, Row]) -> None:
    """The text of a time or number that nobody can read is evidence too."""
    for case in CASES:
        for column in ("at", "Loaded At", "seq"):
            text = case.values.get(column)
            role = {"at": "event_time", "Loaded At": "ingested_at", "seq": "sequence_number"}[column]
            if text is not None and events[case.name][role] is None:
                assert json.loads(events[case.name]["payload"])[column] == text, case.name


def test_nested_json_is_kept(events: dict[str, Row]) -> None:
    assert json.loads(json.loads(events["nested JSON"]["payload"])["doc"]) == NESTED


def test_the_values_of_the_others_are_right(consumer: Consumer) -> None:
    counted = [row_of(number, case) for number, case in enumerate(CASES) if case.verdict == "accepted"]
    revenue = sum(Decimal(row["amount"]) for row in counted if row["amount"] is not None)
    values = consumer.query("select * from analytics.forensics__metric_versions where is_current")
    assert sum(row["value"] for row in values if row["metric"] == "revenue") == revenue
    assert sum(row["value"] for row in values if row["metric"] == "rows") == len(counted)
    dimensions = [json.loads(row["dimensions"]) for row in values if row["metric"] == "revenue"]
    assert {(given.get("note"), given.get("unit")) for given in dimensions} == {
        (row["note"], row["unit"]) for row in counted
    }


def test_a_tampered_hostile_row_is_found(consumer: Consumer) -> None:
    """Last in this module: it changes the raw table."""
    note = TEXTS["sql"].replace("'", "''")
    consumer.execute(f"update raw.hostile set amount = '2' where {quoted('note')} = '{note}'")
    consumer.build(as_of="2026-01-05 13:00:00")
    vanished = consumer.query("select * from analytics.forensics__vanished_rows")
    assert len(vanished) == 1
    assert consumer.query("select count(*) as n from analytics.forensics__event_history") == [
        {"n": len(CASES) + 1}
    ]


def test_times_beyond_the_calendar(engine: Engine, tmp_path: Path) -> None:
    """Timestamps that Python cannot hold, in either role."""
    beyond = [
        "infinity",
        "-infinity",
        "20000-01-01 00:00:00",
        "0001-01-01 00:00:00",
        "0044-03-15 00:00:00 BC",
    ]
    if engine.name == "duckdb":
        beyond[-1] = "0044-03-15 (BC) 00:00:00"
    stream = {
        "relation": "source.shop.typed",
        "event_id": "id",
        "event_time": "at",
        "ingested_at": "loaded_at",
    }
    stream |= {"metrics": {"rows": {"agg": "count"}}}
    consumer = Consumer(engine, tmp_path / "consumer", streams={"typed": stream}, sources={"shop": ["typed"]})
    consumer.create_table("typed", {"id": "text", "at": "timestamp", "loaded_at": "timestamp"})
    usual = {"id": "usual", "at": "2026-01-05 09:00:00", "loaded_at": "2026-01-05 10:00:00"}
    consumer.insert("typed", [usual])
    for time in beyond:
        consumer.insert("typed", [{**usual, "id": f"at {time}", "at": time}])
        consumer.insert("typed", [{**usual, "id": f"loaded_at {time}", "loaded_at": time}])
    held_by = {
        "usual": "",
        **{f"at {t}": "event_time" for t in beyond},
        **{f"loaded_at {t}": "ingested_at" for t in beyond},
    }
    for hour in (12, 13):
        consumer.build(as_of=f"2026-01-05 {hour}:00:00")
        found = {
            row["event_id"]: row for row in consumer.query("select * from analytics.forensics__verdicts")
        }
        assert found.keys() == held_by.keys()
        for name, role in held_by.items():
            # Whether such a time is implausible or unreadable is for the engine to say.
            causes = {f"rule:{role}_is_plausible", f"rule:{role}_is_not_null"} if role else {"on_time"}
            assert found[name]["cause"] in causes, name


def test_a_nul_byte(
    engine_named: Callable[[str], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """PostgreSQL has no such text; DuckDB does, and keeps it."""
    with engine_named("duckdb") as engine:
        folder = tmp_path_factory.mktemp("nul") / "consumer"
        consumer = Consumer(engine, folder, streams={"hostile": STREAM}, sources={"shop": ["hostile"]})
        consumer.create_table("hostile", COLUMNS)
        consumer.insert(
            "hostile", [row_of(0, Case("", {"note": "a\0b"})), row_of(1, Case("", {"note": "a"}))]
        )
        consumer.build(as_of="2026-01-05 12:00:00")
        kept = consumer.query("select payload, verdict from analytics.forensics__verdicts")
        assert {(json.loads(row["payload"])["note"], row["verdict"]) for row in kept} == {
            ("a\0b", "accepted"),
            ("a", "accepted"),
        }
