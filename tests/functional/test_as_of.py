"""The as-of macros in a consumer's models: what docs/as-of.md says of them, and what is no longer declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functional.test_analyses import COLUMNS, STREAM, _insert
from harness.project import PACKAGE, Consumer
from property.worked_example import BUILT_AT, ROWS, SEEN

PAGE = (PACKAGE / "docs" / "as-of.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```sql\n(?P<sql>.*?)```\n\n(?P<table>(?:\|[^\n]*\n)+)", re.DOTALL)
MODELS = ["shown.sql", "closed.sql", "known.sql"]
ORDERS = {**STREAM, "metrics": {name: STREAM["metrics"][name] for name in ("revenue", "orders")}}
RETURNS = {**STREAM, "relation": "source.shop.returns", "metrics": {"orders": {"agg": "count"}}}
CLOSES = "select cast('2026-01-07 00:00:00' as timestamp) as closed_at"


def new_consumer(engine: Any, folder: Path, **given: Any) -> Consumer:
    examples = [match["sql"] for match in EXAMPLE.finditer(PAGE)]
    assert len(examples) == len(MODELS) == PAGE.count("```sql\n")
    consumer = Consumer(
        engine,
        folder,
        streams=deepcopy({"orders": ORDERS, "returns": RETURNS}),
        sources={"shop": ["order_events", "returns"]},
        models={**dict(zip(MODELS, examples, strict=True)), "closes.sql": CLOSES},
        **given,
    )
    consumer.create_table("order_events", COLUMNS)
    consumer.create_table("returns", COLUMNS)
    return consumer


@pytest.fixture(scope="module")
def consumer(new_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    with new_engine() as engine:
        made = new_consumer(engine, tmp_path_factory.mktemp("consumer"))
        before: set[str] = set()
        for when, seen in zip(BUILT_AT, SEEN, strict=True):
            _insert(made, set(seen) - before)
            for gone in before - set(seen):
                made.execute(f"delete from raw.order_events where event_id = '{ROWS[gone].event_id}'")
            made.build(as_of=when.isoformat(sep=" "))
            before = set(seen)
        yield made


def ask(consumer: Consumer, sql: str, expect: str = "success") -> Any:
    """The rows of an analysis; or, where it is refused, the sentence."""
    consumer.write("analyses/asked.sql", sql)
    try:
        run = consumer.dbt(["compile", "--select", "asked"], expect=expect)
        if expect == "failure":
            return run.log
        compiled = consumer.folder / "target/compiled/consumer/analyses/asked.sql"
        return consumer.query(compiled.read_text(encoding="utf-8"))
    finally:
        (consumer.folder / "analyses/asked.sql").unlink()


def values(consumer: Consumer, arguments: str) -> list[int]:
    rows = ask(
        consumer,
        f"select value from ({{{{ dbt_forensics.metric_as_of({arguments}) }}}}) as t order by window_start, value",
    )
    return [int(row["value"]) for row in rows]


def as_printed(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%m-%d %H:%M}"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def test_the_examples_of_the_page(consumer: Consumer) -> None:
    for model, match in zip(MODELS, EXAMPLE.finditer(PAGE), strict=True):
        header, _, *lines = [
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in match["table"].splitlines()
        ]
        # A model was built with the last build, and then read what is on record: the past stays as it was.
        rows = consumer.query(f"select {', '.join(header)} from analytics.{Path(model).stem}")
        assert sorted([as_printed(row[column]) for column in header] for row in rows) == sorted(lines)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("'revenue', '2026-01-05 11:59:59.999999'", []),
        ("'revenue', '2026-01-05 12:00'", [150]),
        ("'revenue', '2026-01-06T05:59:59Z'", [150]),
        ("'revenue', '2026-01-06T06:00:00Z'", [205]),
        ("'revenue', '2026-01-08'", [205]),
        ("'revenue', '2026-01-08 10:00:00', 'orders'", [182]),
        ("'revenue', as_of_sql=\"timestamp '2026-01-05 18:00:00'\"", [150]),
        ("'orders', '2100-01-01', stream='orders'", [4]),
        ("'orders', '2100-01-01', stream='returns'", []),
    ],
)
def test_a_time_in_each_form(consumer: Consumer, arguments: str, expected: list[int]) -> None:
    assert values(consumer, arguments) == expected


def test_a_value_is_only_a_value(consumer: Consumer) -> None:
    """A name with quotes in it is looked up as a name, and is no metric."""
    log = ask(consumer, "{{ dbt_forensics.metric_as_of(\"x' or '1' = '1\", '2026-01-06') }}", "failure")
    assert "found x' or '1' = '1; allowed" in log


REFUSED = [
    "dbt_forensics.metric_as_of('orders', '2026-01-06')",
    "dbt_forensics.metric_as_of('revenu', '2026-01-06')",
    "dbt_forensics.metric_as_of('revenue', 'yesterday')",
    "dbt_forensics.events_as_of('order', '2026-01-06')",
    "dbt_forensics.events_as_of('orders', '2026-01-06', as_of_sql='x')",
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_refused_is_said_as_the_page_says_it(consumer: Consumer, number: int) -> None:
    sentences = re.findall(r"^dbt_forensics: .*", PAGE, re.MULTILINE)
    assert len(sentences) == len(REFUSED)
    assert sentences[number] in ask(consumer, f"{{{{ {REFUSED[number]} }}}}", "failure")


def test_other_refusals(consumer: Consumer) -> None:
    nothing = ask(consumer, "{{ dbt_forensics.events_as_of('orders') }}", "failure")
    assert "events_as_of, key 'as_of': found nothing; allowed: one of as_of" in nothing
    of_stream = ask(
        consumer, "{{ dbt_forensics.metric_as_of('revenue', '2026-01-06', 'returns') }}", "failure"
    )
    assert (
        "found revenue of stream returns; allowed: a metric that is declared (orders) or on record"
        in of_stream
    )


def test_a_project_that_is_not_built_yet_parses_and_compiles(new_engine: Any, tmp_path: Path) -> None:
    with new_engine() as engine:
        made = new_consumer(engine, tmp_path)
        made.dbt(["compile"])
        # Under --empty dbt gives ref() an alias of its own, so that what names another is no SQL on every engine.
        made.build(as_of="2026-01-05 12:00:00", args=["--empty", "--exclude", "closed"])
        made.build(as_of="2026-01-05 13:00:00")


def test_what_is_no_longer_declared_can_still_be_asked_for(new_engine: Any, tmp_path: Path) -> None:
    with new_engine() as engine:
        made = new_consumer(engine, tmp_path)
        _insert(made, {"r1", "r2"})
        made.build(as_of="2026-01-05 12:00:00")
        assert made.streams
        del made.streams["orders"]["metrics"]["revenue"]
        assert values(made, "'revenue', '2026-01-06'") == [150]
        del made.streams["orders"]
        assert values(made, "'revenue', '2026-01-06'") == [150]
        known = ask(made, "select * from ({{ dbt_forensics.events_as_of('orders', '2026-01-06') }}) as t")
        assert [(row["verdict"], row["timeliness"]) for row in known] == [("accepted", None)] * 2


def test_reconstructed_values_before_the_first_build(new_engine: Any, tmp_path: Path) -> None:
    with new_engine() as engine:
        made = new_consumer(engine, tmp_path)
        assert made.streams
        made.streams["orders"]["backcast"] = {"every": "batch"}
        _insert(made, set(ROWS))
        made.build(as_of="2026-01-08 10:00:00")
        given = [("01-05 09:59", []), ("01-05 10:00", [150]), ("01-06 00:30", [180]), ("01-06 05:00", [205])]
        for moment, expected in given:
            assert values(made, f"'revenue', '2026-{moment}'") == expected
        known = ask(made, "select * from ({{ dbt_forensics.events_as_of('orders', '2026-01-07') }}) as t")
        assert known == []
