"""The as-of macros in a consumer's models: what docs/as-of.md says of them, and what is no longer declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
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
MODELS = ["shown.sql", "closed.sql", "known.sql", "counted.sql"]
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


@contextmanager
def written(consumer: Consumer, analyses: dict[str, str]) -> Iterator[None]:
    """Analyses, all at once: dbt parses a project in seconds and compiles a query in none."""
    for name, sql in analyses.items():
        consumer.write(f"analyses/{name}.sql", sql)
    yield
    for name in analyses:
        (consumer.folder / f"analyses/{name}.sql").unlink()


def ask(consumer: Consumer, analyses: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The rows of analyses, by their names."""
    with written(consumer, analyses):
        consumer.dbt(["compile", "--select", *analyses])
    folder = consumer.folder / "target/compiled/consumer/analyses"
    return {name: consumer.query((folder / f"{name}.sql").read_text(encoding="utf-8")) for name in analyses}


def values_of(*arguments: str) -> dict[str, str]:
    """An analysis for each of some arguments of metric_as_of."""
    return {
        f"values_{number}": f"select value from ({{{{ dbt_forensics.metric_as_of({given}) }}}}) as t "
        "order by window_start, value"
        for number, given in enumerate(arguments)
    }


def values(rows: list[dict[str, Any]]) -> list[int]:
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


TIMES: dict[str, list[int]] = {
    "'revenue', '2026-01-05 11:59:59.999999'": [],
    "'revenue', '2026-01-05 12:00'": [150],
    "'revenue', '2026-01-06T05:59:59Z'": [150],
    "'revenue', '2026-01-06T06:00:00Z'": [205],
    "'revenue', '2026-01-08'": [205],
    "'revenue', '2026-01-08 10:00:00', 'orders'": [182],
    "'revenue', as_of_sql=\"timestamp '2026-01-05 18:00:00'\"": [150],
    "'orders', '2100-01-01', stream='orders'": [4],
    "'orders', '2100-01-01', stream='returns'": [],
}


def test_a_time_in_each_form(consumer: Consumer) -> None:
    found = ask(consumer, values_of(*TIMES))
    assert dict(zip(TIMES, map(values, found.values()), strict=True)) == TIMES


REFUSED = [
    "dbt_forensics.metric_as_of('orders', '2026-01-06')",
    "dbt_forensics.metric_as_of('revenu', '2026-01-06')",
    "dbt_forensics.metric_as_of('revenue', 'yesterday')",
    "dbt_forensics.verdicts_as_of('order', '2026-01-06')",
    "dbt_forensics.verdicts_as_of('orders', '2026-01-06', as_of_sql='x')",
]
#: What the page does not show; in the first, a name with quotes in it is looked up as a name, and is no metric.
ALSO_REFUSED = {
    "dbt_forensics.metric_as_of(\"x' or '1' = '1\", '2026-01-06')": "found x' or '1' = '1; allowed",
    "dbt_forensics.verdicts_as_of('orders')": "verdicts_as_of, key 'as_of': found nothing; allowed: one of as_of",
    "dbt_forensics.metric_as_of('revenue', '2026-01-06', 'returns')": (
        "found revenue of stream returns; allowed: a metric that is declared (orders) or on record"
    ),
}


def test_what_is_refused_is_said_as_the_page_says_it(consumer: Consumer) -> None:
    sentences = re.findall(r"^dbt_forensics: .*", PAGE, re.MULTILINE)
    expected = {**dict(zip(REFUSED, sentences, strict=True)), **ALSO_REFUSED}
    for call, sentence in expected.items():
        with written(consumer, {"refused": f"{{{{ {call} }}}}"}):
            assert sentence in consumer.dbt(["compile", "--select", "refused"], expect="failure").log


@pytest.mark.gate
def test_a_project_that_is_not_built_yet_parses_and_compiles(new_engine: Any, tmp_path: Path) -> None:
    with new_engine() as engine:
        made = new_consumer(engine, tmp_path)
        made.dbt(["compile"])
        # Under --empty dbt gives ref() an alias of its own, so that what names another is no SQL on every engine.
        made.build(as_of="2026-01-05 12:00:00", args=["--empty", "--exclude", "closed"])
        made.build(as_of="2026-01-05 13:00:00")


@pytest.mark.gate
def test_what_is_no_longer_declared_can_still_be_asked_for(new_engine: Any, tmp_path: Path) -> None:
    with new_engine() as engine:
        made = new_consumer(engine, tmp_path)
        _insert(made, {"r1", "r2"})
        made.build(as_of="2026-01-05 12:00:00")
        assert made.streams
        shown = values_of("'revenue', '2026-01-06'")
        del made.streams["orders"]["metrics"]["revenue"]
        assert values(ask(made, shown)["values_0"]) == [150]
        del made.streams["orders"]
        events = "select * from ({{ dbt_forensics.verdicts_as_of('orders', '2026-01-06') }}) as t"
        found = ask(made, {**shown, "events": events})
        assert values(found["values_0"]) == [150]
        assert [(row["verdict"], row["timeliness"]) for row in found["events"]] == [("accepted", None)] * 2


@pytest.mark.gate
def test_reconstructed_values_before_the_first_build(new_engine: Any, tmp_path: Path) -> None:
    with new_engine() as engine:
        made = new_consumer(engine, tmp_path)
        assert made.streams
        made.streams["orders"]["backcast"] = {"every": "batch"}
        _insert(made, set(ROWS))
        made.build(as_of="2026-01-08 10:00:00")
        expected = {"01-05 09:59": [], "01-05 10:00": [150], "01-06 00:30": [180], "01-06 05:00": [205]}
        shown = values_of(*(f"'revenue', '2026-{moment}'" for moment in expected))
        events = "select * from ({{ dbt_forensics.verdicts_as_of('orders', '2026-01-07') }}) as t"
        found = ask(made, {**shown, "events": events})
        assert found.pop("events") == []
        assert dict(zip(expected, map(values, found.values()), strict=True)) == expected
