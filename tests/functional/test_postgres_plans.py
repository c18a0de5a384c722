"""What PostgreSQL's planner makes of the package's queries: rows that are touched are counted, not seconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer

pytestmark = pytest.mark.gate

HOURS = 2_400
#: A window goes to 36 later ones at most; nothing may meet all others.
MOST_ROWS = 60 * HOURS

STREAM = {
    "relation": "source.plant.readings",
    "event_id": "id",
    "entity_id": "sensor",
    "sequence_number": "number",
    "event_time": "at",
    "ingested_at": "loaded_at",
    "batch_id": "loaded_at",
    "window": "hour",
    "metrics": {
        "readings": {"agg": "count"},
        "heat": {"agg": "sum", "expr": "number", "dimensions": ["sensor"]},
        "sensors": {"agg": "count_distinct", "expr": "sensor"},
    },
}

CONTRACTS = """
models:
  - name: hourly
    data_tests:
      - dbt_forensics.accounts_for_every_row: {arguments: {stream: readings}}
      - dbt_forensics.is_append_only: {arguments: {stream: readings}}
      - dbt_forensics.has_no_open_incidents
      - dbt_forensics.counts_each_event_once: {arguments: {event_id: id}}
      - dbt_forensics.has_no_conflicting_duplicates: {arguments: {event_id: id, content: [number]}}
      - dbt_forensics.has_no_missing_windows: {arguments: {event_time: at, grain: hour}}
      - dbt_forensics.arrives_by:
          {arguments: {event_time: at, ingested_at: loaded_at, count: 1, period: hour, grain: hour}}
      - dbt_forensics.arrived_within: {arguments: {event_time: at, ingested_at: loaded_at, count: 1, period: hour}}
      - dbt_forensics.sequence_is_contiguous: {arguments: {column_name: number}}
      - dbt_forensics.explains_every_change: {arguments: {stream: readings}}
      - dbt_forensics.does_not_restate_settled_windows: {arguments: {stream: readings}}
      - dbt_forensics.is_reproducible_as_of:
          {arguments: {stream: readings, metric: heat, as_of: '2024-04-15 00:00:00'}}
  - name: sums
    data_tests:
      - dbt_forensics.reconciles_with:
          {arguments: {metric: heat, window_start: hour, value: heat, dimensions: [sensor]}}
"""

MODELS = {
    "hourly.sql": "select * from {{ source('plant', 'readings') }}",
    "sums.sql": "select date_trunc('hour', at) as hour, sensor, sum(number) as heat "
    "from {{ source('plant', 'readings') }} group by 1, 2",
    "contracts.yml": CONTRACTS,
}

WATCH = {
    "relation": "ref.sums",
    "window_start": "hour",
    "dimensions": ["sensor"],
    "value": "heat",
    "metric": "readings.heat",
}


def arrivals(first_id: int, at: str) -> str:
    return (
        f"select {first_id} + n as id, n % 3 as sensor, {first_id} + n as number, "
        f"timestamp '2024-01-01' + n * interval '1 hour' as at, {at} as loaded_at "
        f"from generate_series(1, {HOURS}) as n"
    )


@pytest.fixture(scope="module", params=["one build", "all windows restated"])
def consumer(
    engine_named: Callable[[str], AbstractContextManager[Engine]],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Consumer]:
    """An hourly stream, one row and one batch an hour; then one batch with a late row for each hour."""
    if request.config.getoption("engine") == "duckdb":
        pytest.skip("about PostgreSQL's plans, and --engine duckdb was asked for")
    with engine_named("postgres") as engine:
        on_time = arrivals(0, "timestamp '2024-01-01 00:10' + n * interval '1 hour'")
        engine.execute(f"create table raw.readings as {on_time}")
        made = Consumer(
            engine,
            tmp_path_factory.mktemp("plans"),
            streams={"readings": STREAM},
            sources={"plant": ["readings"]},
            models=MODELS,
            vars={"forensics_watches": {"shown_heat": WATCH}},
            project={"data_tests": {"consumer": {"+severity": "warn"}}},
        )
        run = made.build(as_of="2024-04-10 00:30:00")
        if request.param != "one build":
            late = arrivals(HOURS, "timestamp '2024-04-20 00:10'")
            engine.execute(f"insert into raw.readings {late}")
            run = made.build(as_of="2024-04-20 00:30:00")
        made.kept = kept(run.debug)  # type: ignore[attr-defined]
        yield made


def kept(log: str) -> dict[str, str]:
    """The queries whose rows a node kept in a table of its session, by the name of the table: what it selects from."""
    found = re.findall(
        r"execute '(?:create temporary table (forensics_\w+) as )(.*?)';\s*exception when", log, re.DOTALL
    )
    return {name: query.replace("''", "'") for name, query in found}


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from steps(part)


def touched(step: dict[str, Any]) -> int:
    rows = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    return int(step["Actual Loops"] * sum(step.get(name, 0) for name in rows))


def plan_of(engine: Engine, query: str, *settings: str) -> dict[str, Any]:
    """The plan of a query that was run, with settings of its session."""
    with engine.connect() as connection, connection.cursor() as cursor:
        for setting in settings:
            cursor.execute(setting)
        cursor.execute(f"explain (analyze, format json) {query}")
        found: dict[str, Any] = cursor.fetchone()[0][0]["Plan"]
    return found


def hooks(consumer: Consumer) -> dict[str, str]:
    """What runs before each of the package's nodes."""
    nodes = consumer.dbt(["parse"]).result.nodes.values()
    return {
        node.name: " ".join(hook.sql for hook in node.config.pre_hook)
        for node in nodes
        if node.package_name == "dbt_forensics"
        and node.resource_type in ("model", "snapshot")
        and node.config.materialized != "ephemeral"
    }


def test_nothing_meets_all_others(consumer: Consumer) -> None:
    before = hooks(consumer)
    most: dict[str, tuple[int, dict[str, Any]]] = {}
    for path in consumer.folder.glob("target/compiled/**/*.sql"):
        if path.stem.startswith("int_") and path.stem not in before:
            continue  # ephemeral: no query of its own
        settings = ["set jit = off"]
        if "without_nested_loops()" in before.get(path.stem, ""):
            settings.append("set enable_nestloop = off")
        query = path.read_text(encoding="utf-8")
        for name, rows_of in consumer.kept.items():  # type: ignore[attr-defined]
            query = re.sub(rf"from {name}\b", lambda _, rows_of=rows_of: f"from ({rows_of})", query)
        plan = plan_of(consumer.engine, query, *settings)
        step = max(steps(plan), key=touched)
        most[path.stem] = touched(step), {name: said for name, said in step.items() if name != "Plans"}
    assert set(consumer.kept) == {"forensics_dirty", "forensics_metric_log"}  # type: ignore[attr-defined]
    assert len(most) > 40
    assert sum(rows >= HOURS for rows, _ in most.values()) > 10
    for name, (rows, step) in most.items():
        assert rows <= MOST_ROWS, f"{name}: {rows} rows in {step}"


def test_the_latest_entry_is_found_by_index(consumer: Consumer) -> None:
    found = consumer.query("select schemaname from pg_tables where tablename = 'forensics__ledger'")
    schema = next(iter(found[0].values()))
    query = f"select max(recorded_at) from {schema}.forensics__ledger"
    plan = plan_of(consumer.engine, query, "set enable_seqscan = off")
    assert max(map(touched, steps(plan))) == 1


def test_nothing_is_compiled(consumer: Consumer) -> None:
    before = hooks(consumer)
    assert len(before) > 20
    assert [name for name, hook in before.items() if "without_jit()" not in hook] == []
