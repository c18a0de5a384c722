"""No dbt setting, and no way to show a part of a relation, makes another record: each is harmless, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines import DuckDB, Engine
from harness.project import Consumer, Run
from harness.public_tables import Contents, assert_same, contents
from harness.settings import node_settings

STREAM = {
    "relation": "ref.stg_orders",
    "event_id": "id",
    "event_time": "at",
    "ingested_at": "loaded_at",
    "batch_id": "load",
    "metrics": {"revenue": {"agg": "sum", "expr": "amount"}},
}
COLUMNS = {
    "id": "text",
    "at": "timestamp",
    "loaded_at": "timestamp",
    "load": "text",
    "amount": "numeric(18, 2)",
}
FIRST, SECOND = "2026-01-05 12:00:00", "2026-01-06 12:00:00"
#: Of a newer dbt than this one; other tests show the rest of what HARMLESS leaves out.
NEWER = {"latest_version_pointer"}
ELSEWHERE = {"enabled", "target_schema", "target_database", "database"}

#: What projects set for everything, at its worst.
EVERYWHERE = {
    "tags": ["nightly"],
    "meta": {"contact": "sales"},
    "docs": {"node_color": "#4477aa"},
    "packages": [],
    "persist_docs": {"relation": True, "columns": True},
    "pre-hook": "select 1",
    "post-hook": ["select 1"],
    "sql_header": "select 1;",
    "group": "sales",
    "static_analysis": "off",
    "on_configuration_change": "continue",
    "event_time": "recorded_at",
    "batch_size": "day",
    "begin": "2026-01-01",
    "lookback": 2,
    "concurrent_batches": True,
    "incremental_predicates": ["1 = 0"],
    "predicates": ["1 = 0"],
    "column_types": {"row_key": "integer"},
    "full_refresh": False,
    "quoting": {"identifier": False},
    "merge_update_columns": ["stream"],
    "merge_exclude_columns": ["stream"],
    "merge_clauses": {"when_matched": [{"action": "delete"}]},
    "merge_returning_columns": ["stream"],
    "merge_on_using_columns": ["stream"],
    "merge_update_condition": "1 = 0",
    "merge_insert_condition": "1 = 0",
    "merge_update_set_expressions": {"stream": "null"},
    "partitioned_by": ["stream"],
    "partition_by": ["stream"],
    "sorted_by": ["stream"],
    "sort_by": ["stream"],
    "format": "csv",
    "options": {"delimiter": ";"},
    "fast": False,
}
HARMLESS: dict[str, Any] = {
    "models": {
        **EVERYWHERE,
        "schema": "marts",
        "access": "protected",
        "freshness": {"build_after": {"count": 1, "period": "day"}},
        "unique_key": "id",
        "on_schema_change": "append_new_columns",
        "dbt_forensics": {
            "incidents": {"forensics__detections": {"+materialized": "table"}},
            "metrics": {"forensics__metric_versions": {"+materialized": "table"}},
            "ledger": {"forensics__verdicts": {"+materialized": "table", "+alias": "every_row"}},
        },
    },
    "snapshots": {
        **EVERYWHERE,
        "schema": "snapshots",
        "check_cols": "all",
        "on_schema_change": "sync_all_columns",
    },
    "seeds": {**EVERYWHERE, "quote_columns": True, "column_types": {"reason": "varchar(10)"}},
    "data_tests": {
        "where": "1 = 0",
        "limit": 1,
        "error_if": "> 0",
        "store_failures": True,
        "store_failures_as": "view",
        "schema": "failures",
    },
}
#: jaffle-shop's names of schemas; a database's name that prints None; names of tables as teams prefix them.
NAMES = """
{% macro generate_schema_name(custom_schema_name, node) %}
    {% if node.resource_type == 'seed' %}{{ custom_schema_name | trim }}
    {% elif custom_schema_name is none %}{{ target.schema }}
    {% else %}{{ target.schema }}_{{ custom_schema_name | trim }}{% endif %}
{% endmacro %}
{% macro generate_database_name(custom_database_name, node) %}
    {% if node.resource_type == 'model' %}{{ target.database }}{% else %}{{ custom_database_name | trim }}{% endif %}
{% endmacro %}
{% macro generate_alias_name(custom_alias_name, node) %}{{ custom_alias_name or 'sales_' ~ node.name }}{% endmacro %}
"""


def plussed(settings: Any) -> Any:
    """The same with a `+` before each key that is a config."""
    return {
        key if key == "dbt_forensics" or key.startswith("+") else f"+{key}": value
        for key, value in settings.items()
    }


def shop(engine: Engine, folder: Path, **given: Any) -> Consumer:
    """Two builds of a stream: six rows; then one is gone, one is another, and one is new."""
    models = {
        "stg_orders.sql": "{{ config(materialized='view', access='public', group='sales') }}"
        "select * from {{ source('shop', 'orders') }}"
    }
    models["groups.yml"] = "groups: [{name: sales, owner: {name: sales}}]"
    made = Consumer(engine, folder, {"orders": STREAM}, {"shop": ["orders"]}, models=models, **given)
    made.create_table("orders", COLUMNS)
    made.insert("orders", [row(n) for n in range(6)])
    made.build(as_of=FIRST)
    made.execute("delete from raw.orders where id = 'e0'; update raw.orders set amount = 50 where id = 'e1'")
    made.insert("orders", [row(6)])
    made.build(as_of=SECOND)
    return made


def row(n: int) -> dict[str, Any]:
    return {
        "id": f"e{n}",
        "at": "2026-01-05 09:00:00",
        "loaded_at": "2026-01-05 10:00:00",
        "load": f"b{n % 2}",
        "amount": n,
    }


def public(consumer: Consumer) -> Contents:
    """The public tables, wherever the project has put them."""
    places = {node.name: node.relation_name for node in consumer._manifest(None, None).nodes.values()}
    return contents(
        lambda sql: consumer.query(sql.replace(name := sql.split()[-1], places[name.split(".")[1]]))
    )


@pytest.fixture(scope="module")
def plain(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consumer]:
    with new_engine() as engine:
        yield shop(engine, tmp_path_factory.mktemp("plain"), vars={"forensics_contracts": True})


@pytest.fixture(scope="module")
def before(plain: Consumer) -> Contents:
    return public(plain)


def test_every_harmless_setting_at_once_leaves_the_record_as_it_is(
    engine: Engine, tmp_path: Path, before: Contents
) -> None:
    used = set().union(*HARMLESS.values()) | {"alias", "database"}
    harmless = {key for key, decision in node_settings().items() if not decision}
    names = {"pre_hook": "pre-hook", "post_hook": "post-hook"}
    assert {names.get(key, key) for key in harmless} - used - NEWER - ELSEWHERE == {"grants"} - used

    project = {section: plussed(settings) for section, settings in HARMLESS.items()}
    project |= {
        "query-comment": {"comment": "by {{ node.name if node else 'dbt' }}", "append": True},
        "on-run-start": ["select 1"],
        "on-run-end": ["select 1"],
        "quoting": {"database": False, "schema": False, "identifier": False},
    }
    if engine.name == "postgres":
        engine.execute("do $$ begin create role reader; exception when duplicate_object then null; end $$")
        project["models"]["+grants"] = project["snapshots"]["+grants"] = {"select": ["reader"]}
    odd = shop(engine, tmp_path, project=project, files={"macros/names.sql": NAMES})
    found = public(odd)
    for name, expected in before.items():
        assert_same(found[name], expected)
    schemas = {
        row["s"] for row in odd.query("select distinct table_schema as s from information_schema.tables")
    }
    assert "None" not in schemas
    assert {"analytics_marts", "analytics_snapshots"} <= schemas

    # What is set for tests hides nothing: one row that was changed is still found.
    odd.execute(
        "update analytics_snapshots.sales_forensics__event_history set payload = '{}' where event_id = 'e5'"
    )
    tested = odd.dbt(["test", "--select", "forensics__history_is_untampered"], expect="failure")
    assert tested.results["forensics__history_is_untampered"] == "fail"


#: What no node of the package may have, all at once, and by node what is said of it.
REFUSED: dict[str, Any] = {
    "models": {
        "+materialized": "incremental",
        "+incremental_strategy": "merge",
        "+full_refresh": True,
        "+on_schema_change": "sync_all_columns",
        "+unlogged": True,
        "+on_error": "continue",
        "+indexes": [{"columns": ["nowhere"]}],
        "dbt_forensics": {
            "ledger": {"forensics__ledger": {"+materialized": "table"}},
            "health": {
                "int_forensics__row_profile": {"+contract": {"enforced": True}, "+on_schema_change": "fail"}
            },
            "incidents": {"+materialized": "view", "+indexes": [], "+on_error": "skip_children"},
        },
    },
    "snapshots": {
        "+strategy": "timestamp",
        "+unique_key": "id",
        "+updated_at": "changed_at",
        "+hard_deletes": "invalidate",
        "+invalidate_hard_deletes": True,
        "+dbt_valid_to_current": "cast('9999-12-31' as timestamp)",
        "+snapshot_meta_column_names": {"dbt_valid_to": "ended_at"},
        "+snapshot_table_column_names": {"dbt_valid_to": "ended_at"},
        "+unlogged": True,
        "+indexes": [{"columns": ["nowhere"]}],
    },
    "seeds": {"+delimiter": ";"},
    "data_tests": {
        "+severity": "warn",
        "+fail_calc": "0",
        "+error_if": "> 10",
        "+warn_if": "> 10",
        "+limit": 0,
    },
}
LOG = [
    "incremental_strategy: append",
    "full_refresh: false",
    "on_schema_change: fail or append_new_columns",
    "unlogged: nothing or false",
    "on_error: nothing or skip_children",
]
SNAPSHOT = [
    "unlogged",
    "unique_key",
    "updated_at: recorded_at",
    "hard_deletes: ignore",
    "invalidate_hard_deletes: nothing or false",
]
SNAPSHOT += [
    "dbt_valid_to_current",
    "snapshot_meta_column_names: nothing",
    "snapshot_table_column_names: nothing",
    "indexes: its own columns",
]
SAID = {
    "forensics__ledger": ["materialized: append_only or incremental", "indexes: its own columns", *LOG],
    "forensics__action_log": LOG,
    "int_forensics__row_profile": [
        "contract: not enforced",
        "incremental_strategy: append",
        "full_refresh: false",
    ],
    "forensics__event_history": ["strategy: dbt_forensics.append_only", *SNAPSHOT],
    "forensics__batch_history": ["strategy: dbt_forensics.versions", *SNAPSHOT],
    "forensics__verdicts": ["materialized: replaced_view or view or table"],
    "forensics__events": ["materialized: replaced_view or view or table"],
    "forensics__actions": ["materialized: replaced_view or view;"],
    "int_forensics__dirty_batches": ["materialized: table"],
    "forensics__seals_are_chained": [
        "severity: error",
        "fail_calc: count(*)",
        "error_if",
        "warn_if",
        "limit: at least 1",
    ],
}


@pytest.fixture(scope="module")
def refused(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consumer]:
    """A project that parses, and is never built."""
    with new_engine() as engine:
        folder = tmp_path_factory.mktemp("refused")
        yield Consumer(
            engine,
            folder,
            {"orders": STREAM},
            {"shop": ["orders"]},
            project=REFUSED,
            models={
                "stg_orders.sql": "select 1 as id",
                "stg_orders.yml": "models: [{name: stg_orders, config: {materialized: view}}]",
            },
        )


def test_every_key_that_is_refused_is_refused_here() -> None:
    told = {phrase.split(":")[0] for phrases in SAID.values() for phrase in phrases} | {"delimiter"}
    assert told == {key for key, decision in node_settings().items() if decision}


@pytest.mark.parametrize("node", SAID)
def test_a_setting_that_would_lose_evidence_is_refused(refused: Consumer, node: str) -> None:
    log = refused.dbt(["compile", "--select", node], expect="failure").log
    assert f"dbt_forensics: {node} must be" in log
    assert [phrase for phrase in SAID[node] if f"must be {phrase}" not in log] == []
    assert "{consumer: {...}}" in log


def test_a_seed_is_refused_by_its_reader(refused: Consumer) -> None:
    log = refused.dbt(["compile", "--select", "forensics__detections"], expect="failure").log
    assert "dbt_forensics: forensics_exceptions must be delimiter: ,; found delimiter: ;" in log


def test_public_for_everything_is_refused_by_dbt(engine: Engine, tmp_path: Path) -> None:
    """Some models of the package are ephemeral, and dbt takes none of these for public."""
    consumer = Consumer(engine, tmp_path, streams={}, project={"models": {"+access": "public"}})
    log = consumer.dbt(["parse"], expect="failure").log
    assert "'ephemeral' materialization has an invalid value (public) for the access field" in log


def folder(name: str) -> Callable[[Any], bool]:
    return lambda node: node.fqn[1] == name


#: Which nodes are moved, how, and which says so.
MOVED: dict[str, tuple[Callable[[Any], bool], dict[str, str], str]] = {
    "snapshots": (
        lambda node: node.resource_type == "snapshot",
        {"schema": "snap"},
        "forensics__event_history",
    ),
    "models": (
        lambda node: node.resource_type == "model",
        {"schema": "models"},
        "int_forensics__presence_changes",
    ),
    "everything": (lambda node: True, {"schema": "fresh"}, "forensics__event_history"),
    "one log": (lambda node: node.name == "forensics__ledger", {"alias": "book"}, "forensics__ledger"),
    "nobody reads it": (
        lambda node: node.name == "forensics__outbox",
        {"alias": "sent"},
        "forensics__outbox",
    ),
    "the end of the graph": (
        lambda node: folder("health")(node) or folder("incidents")(node),
        {"schema": "health"},
        "int_forensics__detection_log",
    ),
}


@pytest.mark.parametrize("moved", MOVED)
def test_evidence_that_is_moved_after_a_build_is_refused(plain: Consumer, moved: str) -> None:
    """As a setting of schema or alias moves it: the record stays where it is, and begins again elsewhere."""
    chosen, place, says = MOVED[moved]
    manifest = plain._manifest(None, None)
    for node in manifest.nodes.values():
        if (
            node.package_name == "dbt_forensics"
            and node.resource_type in ("model", "snapshot")
            and chosen(node)
        ):
            for key, value in place.items():
                setattr(node, key, value)
    manifest.build_flat_graph()
    log = plain.dbt(["compile", "--select", says], expect="failure", manifest=manifest).log
    assert "which holds evidence, is missing, while" in log
    assert "Take back the schema, database or alias that moved" in log


def dbt_at(consumer: Consumer, args: Sequence[str], expect: str = "success") -> Run:
    return consumer.dbt(
        [*args, "--vars", yaml.safe_dump({"forensics_as_of": "2026-01-07 12:00:00"})], expect=expect
    )


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_a_sample_records_nothing(
    plain: Consumer, before: Contents, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = plain.folder / "models/stg_orders.sql"
    whole = model.read_text()
    plain.write("models/stg_orders.sql", whole.replace("access", "event_time='at', access"))
    if way == "variable":
        monkeypatch.setenv("DBT_SAMPLE", "1 day")
    select = [
        "--select",
        "int_forensics__dirty_batches",
        "int_forensics__presence_changes",
        "forensics__ledger",
        "resource_type:snapshot",
    ]
    run = dbt_at(plain, ["build", *select, *(["--sample", "1 day"] if way == "argument" else [])])
    plain.write("models/stg_orders.sql", whole)
    assert "--empty or --sample shows a part of the rows" in run.log
    found = public(plain)
    for name in ("event_history", "batch_history", "schema_history", "ledger", "verdicts", "vanished_rows"):
        assert_same(found[name], before[name])


#: A macro of the project in the place of dbt's own: what it does, and what is said (nothing if it gives the relation).
MACROS = {
    "text": ("'(select * from ' ~ builtins.source(a, b) ~ ' limit 1)'", "is text and no relation"),
    "another": ("api.Relation.create(schema='raw', identifier='some_orders')", "is of another environment"),
    "filtered": ("builtins.source(a, b).replace(limit=1)", "shows a part of its rows"),
    "itself": ("builtins.source(a, b).include(database=false)", ""),
}


@pytest.fixture(scope="module")
def overriding(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consumer]:
    with new_engine() as engine:
        streams = {"orders": {**STREAM, "relation": "source.shop.orders"}}
        made = Consumer(engine, tmp_path_factory.mktemp("overriding"), streams, {"shop": ["orders"]})
        made.create_table("orders", COLUMNS)
        ways = "".join(
            f"{{% if env_var('WAY') == '{name}' %}}{{{{ return({given}) }}}}{{% endif %}}"
            for name, (given, _) in MACROS.items()
        )
        made.write("macros/source.sql", f"{{% macro source(a, b) %}}{ways}{{% endmacro %}}")
        yield made


@pytest.mark.parametrize("macro", MACROS)
def test_a_macro_in_the_place_of_source_is_refused_unless_it_gives_the_relation(
    overriding: Consumer, macro: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = MACROS[macro][1]
    monkeypatch.setenv("WAY", macro)
    run = overriding.dbt(
        ["run", "--select", "int_forensics__dirty_batches"], expect="failure" if said else "success"
    )
    assert said in run.log
    assert ("stream 'orders', relation source.shop.orders: found" in run.log) == bool(said)


@pytest.mark.gate
@pytest.mark.engines_differ
def test_evidence_of_another_environment_is_refused(
    plain: Consumer, before: Contents, tmp_path: Path
) -> None:
    """`--defer` gives prod's tables to a build of ci; `dbt clone` puts views of prod's tables in their place."""
    state = tmp_path / "state"
    state.mkdir()
    plain._manifest(None, None).writable_manifest().write(str(state / "manifest.json"))
    profiles = yaml.safe_load((plain.folder / "profiles.yml").read_text())
    outputs = profiles["consumer"]["outputs"]
    outputs["ci"] = {**outputs[profiles["consumer"]["target"]], "schema": "ci"}
    plain.write("profiles.yml", yaml.safe_dump(profiles))
    ci = ["--state", str(state), "--target", "ci"]
    try:
        own = dbt_at(plain, ["run", "--select", "forensics__ledger", "--defer", *ci], expect="failure").log
        assert "forensics__ledger: found" in own
        assert "is of another environment (--defer" in own
        streams = dbt_at(
            plain, ["run", "--select", "int_forensics__dirty_batches", "--defer", *ci], expect="failure"
        ).log
        assert "stream 'orders', relation ref.stg_orders: found" in streams
        dbt_at(plain, ["clone", "--select", "forensics__event_history", *ci])
        cloned = dbt_at(
            plain, ["compile", "--select", "forensics__event_history", "--target", "ci"], expect="failure"
        ).log
        assert "is a view, as `dbt clone` makes it; evidence is a table" in cloned
    finally:
        del outputs["ci"]
        plain.write("profiles.yml", yaml.safe_dump(profiles))
        plain.execute("drop schema if exists ci cascade")
    found = public(plain)
    for name in ("event_history", "ledger"):
        assert_same(found[name], before[name])


@pytest.mark.gate
def test_a_row_policy_that_hides_rows_from_the_builder_leaves_the_stream_out(
    engine_named: Callable[[str], AbstractContextManager[Engine]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """On PostgreSQL, also below a view; the other streams are recorded. A policy that shows every row hides none."""
    if request.config.getoption("engine") == "duckdb":
        pytest.skip("DuckDB has no row policies")
    with engine_named("postgres") as engine:
        made = Consumer(engine, tmp_path, {"orders": STREAM}, {"shop": ["orders"]})
        made.create_table("orders", COLUMNS)
        made.insert("orders", [row(1)])
        made.execute(
            "do $$ begin create role builder login; exception when duplicate_object then null; end $$;"
            "alter table raw.orders enable row level security; create policy large on raw.orders using (amount > 1000);"
            "create table raw.others as select * from raw.orders;"
            "grant usage on schema raw to builder; grant select on raw.orders, raw.others to builder;"
            "grant all on schema analytics to builder;"
            "set role builder; create view analytics.stg_orders as select * from raw.orders; reset role"
        )
        made.write(
            "models/sources.yml",
            yaml.safe_dump(
                {
                    "sources": [
                        {"name": "shop", "schema": "analytics", "tables": [{"name": "stg_orders"}]},
                        {"name": "raw", "tables": [{"name": "others"}]},
                    ]
                }
            ),
        )
        made.streams = {
            "orders": {**STREAM, "relation": "source.shop.stg_orders"},
            "others": {**STREAM, "relation": "source.raw.others"},
        }
        profiles = yaml.safe_load((made.folder / "profiles.yml").read_text())
        profiles["consumer"]["outputs"]["postgres"]["user"] = "builder"
        made.write("profiles.yml", yaml.safe_dump(profiles))
        run = made.build(as_of=FIRST, expect="failure")
        failed = {name for name, status in run.results.items() if status not in ("success", "pass")}
        assert failed == {"forensics__every_stream_is_read"}
        assert (
            "stream 'orders', key 'relation': found source.shop.stg_orders, where a row policy hides rows from this"
            " role; allowed: a relation whose rows the building role sees all: let it bypass row security (bypassrls),"
            " or own the table."
        ) in run.log
        recorded = "select stream, count(*) as n from analytics.forensics__event_history group by stream"
        assert made.query(recorded) == [{"stream": "others", "n": 1}]
        made.execute("create policy every on raw.orders for select to builder using (true)")
        made.build(as_of=SECOND)
        assert sorted(row["stream"] for row in made.query(recorded)) == ["orders", "others"]

        # The package's own tables are evidence: a build that does not see all of them records nothing.
        made.execute(
            "alter table analytics.forensics__ledger enable row level security, force row level security"
        )
        log = made.dbt(["run", "--select", "int_forensics__dirty_batches"], expect="failure").log
        assert "forensics__ledger: found" in log
        assert "where a row policy hides rows from this role" in log


def test_names_that_dbt_would_not_find_again_are_refused(tmp_path: Path) -> None:
    """On DuckDB, quoting off and capitals: before and after the first build; dbt asks for no evidence to be deleted."""
    with_capitals = Consumer(
        DuckDB(tmp_path / "Shop.duckdb"), tmp_path / "consumer", {"orders": STREAM}, {"shop": ["orders"]}
    )
    with_capitals.write("models/stg_orders.sql", "select * from {{ source('shop', 'orders') }}")
    with_capitals.create_table("orders", COLUMNS)
    said = (
        "found quoting: {database: false} for the database Shop, which dbt would look for in small letters at the"
        " next build, and not find. To build, write quoting: {database: true} in dbt_project.yml, or a name without"
        " capitals."
    )
    off = {"quoting": {"database": False, "schema": False, "identifier": False}}
    for project, expect in ((off, "failure"), ({}, "success"), (off, "failure")):
        with_capitals.project = project
        run = with_capitals.build(as_of=FIRST, expect=expect)
        assert (said in run.messages["int_forensics__build"]) == bool(project)
        evidence = [text for name, text in run.messages.items() if name.startswith(("int_", "forensics__"))]
        assert not [text for text in evidence if "Please delete" in text]
