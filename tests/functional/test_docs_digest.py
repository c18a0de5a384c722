"""docs/digest.md makes every digest on record again: its Python block is run against built histories."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import PACKAGE, Consumer

Row = dict[str, Any]

STREAM = {
    "relation": "source.shop.events",
    "event_id": "id",
    "entity_id": "who",
    "event_time": "happened",
    "ingested_at": "loaded",
    "sequence_number": "seq",
    "tenant": "unit",
    "metrics": {
        "rows": {"agg": "count", "dimensions": ["flag"]},
        "big": {"agg": "sum", "expr": "exact", "where": "exact > 1"},
    },
}
NAMELESS = {
    "relation": "source.shop.events",
    "event_time": "happened",
    "ingested_at": "loaded",
    "batch_id": "unit",
}
COLUMNS = {
    "id": "varchar",
    "who": "integer",
    "happened": "varchar",
    "loaded": "timestamp",
    "seq": "numeric(12, 3)",
    "unit": "varchar",
    "exact": "numeric(38, 9)",
    "whole": "bigint",
    "ratio": "double precision",
    "flag": "boolean",
    "day": "date",
    "at": "timestamp",
    "zoned": "timestamp with time zone",
    "text": "varchar",
    "Odd \"/~ Name' é": "varchar",
}
PLAIN: Row = {
    "id": "e",
    "who": 7,
    "happened": "2026-01-05 09:00:00",
    "loaded": datetime(2026, 1, 5, 10),
    "seq": Decimal("1.500"),
    "unit": "north",
    "exact": Decimal("100.00"),
    "whole": -12345678901234,
    "ratio": 0.1,
    "flag": True,
    "day": date(2026, 1, 5),
    "at": datetime(2026, 1, 5, 9, 10, 0, 120000),
    "zoned": datetime(2026, 1, 5, 11, tzinfo=timezone(timedelta(hours=2))),
    "text": "x",
    "Odd \"/~ Name' é": "y",
}
RATIOS = [
    1e22,
    1.5e300,
    1.2e-7,
    5e-324,
    -0.0,
    123456789.125,
    1 / 3,
    math.nan,
    math.inf,
    -math.inf,
    1e15,
    1e16,
]
TEXTS = ["", " a ", "A", "a", "NULL", 'a"b\\c', "\b\t\n\x0b\f\r\x01\x1f\x7f", "é 😀 \u202e \u2028"]
TEXTS += ['"},{"a":"b', "\\u001F"]
ROWS: list[Row] = [
    PLAIN,
    PLAIN,
    PLAIN,
    {**PLAIN, "id": "f", "exact": Decimal("-0.000000001"), "at": datetime(2026, 1, 5), "flag": False},
    {**PLAIN, "id": "g", **{name: None for name in COLUMNS if name not in ("id", "happened", "loaded")}},
    {**PLAIN, "id": None},
    {**PLAIN, "id": "unreadable", "happened": "yesterday"},
    *({**PLAIN, "id": f"ratio {n}", "ratio": ratio} for n, ratio in enumerate(RATIOS)),
    *({**PLAIN, "id": f"text {n}", "text": text, "who": n} for n, text in enumerate(TEXTS)),
]
LATER = [{**PLAIN, "id": f"later {n}", "loaded": datetime(2026, 1, 5, 11 + n, 30)} for n in range(3)]


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    page = (PACKAGE / "docs" / "digest.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)
    return names


def test_the_specification_makes_every_digest_again(
    engine: Engine, tmp_path: Any, spec: dict[str, Any]
) -> None:
    consumer = Consumer(
        engine,
        tmp_path,
        streams={"named": STREAM, "nameless": NAMELESS},
        sources={"shop": ["events"]},
        models={
            "digests.sql": "select id, {{ dbt_forensics.row_digest(source('shop', 'events')) }} as digest,\n"
            "{{ dbt_forensics.row_digest(source('shop', 'events'), columns=['text', 'exact']) }} as part\n"
            "from {{ source('shop', 'events') }}",
            "all_digests.sql": "select {{ dbt_forensics.set_digest('digest') }} as digest from {{ ref('digests') }}",
        },
    )
    consumer.create_table("events", COLUMNS)
    consumer.insert("events", ROWS)
    consumer.build(as_of="2026-01-05 12:00:00")
    consumer.insert("events", LATER)
    consumer.execute("delete from raw.events where id = 'f'")
    consumer.build(as_of="2026-01-05 15:00:00")

    history = consumer.query("select * from analytics.forensics__event_history")
    assert len(history) == 2 * (len(ROWS) + len(LATER))
    assert {row["ordinal"] for row in history} == {1, 2, 3}
    for row in history:
        assert row["row_key"] == spec["row_key"](row)
        assert row["digest_version"] == 1
    payloads_are_canonical(history, spec)
    derived_ids_are_digests(history, spec)
    seals_follow(consumer, history, spec)
    inputs_are_digested(consumer, spec)

    # The macros digest all columns of a row of any relation.
    present = [row for row in ROWS if row["id"] != "f"] + LATER
    expected = sorted(spec["md5"](spec["canonical_object"](in_utc(row))) for row in present)
    digests = consumer.query("select digest, part from analytics.digests")
    assert sorted(row["digest"] for row in digests) == expected
    parts = [{name: row[name] for name in ("text", "exact")} for row in present]
    assert sorted(r["part"] for r in digests) == sorted(
        spec["md5"](spec["canonical_object"](r)) for r in parts
    )
    assert consumer.query("select digest from analytics.all_digests") == [
        {"digest": spec["set_digest"](expected)}
    ]


def in_utc(row: Row) -> Row:
    """A row with its zoned time as the naive one that it is in UTC."""
    zoned = row["zoned"] and row["zoned"].astimezone(timezone.utc).replace(tzinfo=None)
    return {**row, "zoned": zoned}


def payloads_are_canonical(history: list[Row], spec: dict[str, Any]) -> None:
    mapped = ("id", "who", "happened", "loaded", "seq", "unit")
    for raw in ROWS + LATER:
        kept = {name: value for name, value in in_utc(raw).items() if name not in mapped}
        if raw["id"] == "unreadable":
            kept["happened"] = "yesterday"
        found = {r["payload"] for r in history if r["stream"] == "named" and r["event_id"] == raw["id"]}
        assert found == {spec["canonical_object"](kept)}


def derived_ids_are_digests(history: list[Row], spec: dict[str, Any]) -> None:
    for row in history:
        if row["stream"] == "nameless":
            said = [row[name] for name in ("entity_id", "event_type", "event_time", "tenant")]
            assert row["event_id"] == spec["md5"](spec["canonical_array"](said) + row["payload"])


def seals_follow(consumer: Consumer, history: list[Row], spec: dict[str, Any]) -> None:
    sealed = consumer.query("select * from analytics.forensics__batch_history order by recorded_at")
    gone = {
        row["row_key"] for row in consumer.query("select row_key from analytics.forensics__vanished_rows")
    }
    assert len(gone) == 2
    present = defaultdict(list)
    for row in history:
        if row["row_key"] not in gone:
            present[row["stream"], row["batch_id"]].append(row["row_key"])
    builds: dict[str, dict[datetime, list[str]]] = defaultdict(lambda: defaultdict(list))
    for batch in sealed:
        builds[batch["stream"]][batch["recorded_at"]].append(batch["seal"])
        assert batch["seal"] == spec["seal"](batch)
        if batch["dbt_valid_to"] is None:
            assert batch["batch_digest"] == spec["set_digest"](present[batch["stream"], batch["batch_id"]])
    lines = []
    for stream, at in builds.items():
        heads = [spec["head"](seals) for seals in at.values()]
        assert len(heads) == 2
        chain = [spec["md5"](stream), *heads]
        before = dict(zip(at, chain[:-1], strict=True))
        assert all(b["previous_seal"] == before[b["recorded_at"]] for b in sealed if b["stream"] == stream)
        lines.append(f"{stream} {max(at):%Y-%m-%dT%H:%M:%S.%f}Z {heads[-1]}")
    printed = consumer.dbt(["run-operation", "print_chain_head"]).log
    assert [line for line in printed.splitlines() if line in lines] == sorted(lines)


def inputs_are_digested(consumer: Consumer, spec: dict[str, Any]) -> None:
    counted = consumer.query(
        "select * from analytics.forensics__verdicts where is_counted and stream = 'named'"
    )
    current = consumer.query("select * from analytics.forensics__metric_versions where is_current")
    assert {row["metric"] for row in current} == {"rows", "big"}
    for version in current:
        inputs = [
            row["row_key"]
            for row in counted
            if row["window_start"] == version["window_start"]
            and ('"exact":"100"' in row["payload"] if version["metric"] == "big" else True)
            and (version["metric"] == "big" or version["dimensions"] == dimensions_of(row))
        ]
        assert version["inputs_digest"] == spec["set_digest"](inputs)


def dimensions_of(row: Row) -> str:
    flag = re.search(r'"flag":"(true|false)"', row["payload"])
    return '{"flag":"' + flag.group(1) + '"}' if flag else "{}"


def test_the_specification_tells_apart_what_differs(spec: dict[str, Any]) -> None:
    row = dict.fromkeys(spec["IDENTITY"]) | {"ordinal": 1, "payload": "{}"}
    keys = [
        spec["row_key"]({**row, **changed})
        for changed in (
            {},
            {"event_id": ""},
            {"event_id": "a"},
            {"entity_id": "a"},
            {"event_id": "a", "entity_id": ""},
            {"payload": '{"a":""}'},
            {"ordinal": 2},
            {"event_id": 'a","'},
        )
    ]
    assert len(set(keys)) == len(keys)


def test_sealed_rows_that_differ_have_digests_that_differ(spec: dict[str, Any]) -> None:
    rows = [
        {"a": a, "b": b, "n": n}
        for a, b, n in (
            (None, "", 1),
            ("", None, 1),
            ("", "", 1),
            (None, None, 1),
            (",", "", 1),
            ("", ",", 1),
            ("", "", None),
            (",1", None, None),
            ("0", "0", 0),
        )
    ]
    digests = {spec["sealed_row_digest"]("a table", row, {"a", "b"}) for row in rows}
    assert len(digests) == len(rows)
