"""The project-wide settings of five public dbt projects: the same record as in a plain project, or a sentence.

Each project's settings are restated here, as are the decisions of its macros; no file of theirs is copied. `consumer`
stands for the project's own name. A role, a database and a hook's statement have the test's engine's form, where a
comment says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from functional.test_settings import COLUMNS
from functional.test_settings import STREAM as ORDERS
from harness.engines import DuckDB, Engine, quoted
from harness.project import Consumer
from harness.public_tables import Contents, assert_same, contents

#: Its name is of the form that all five use, and one of them makes schema and table of it.
MODEL = "silver__orders"
STREAM = {**ORDERS, "relation": f"ref.{MODEL}"}
DOCS = {"relation": True, "columns": True}
FLAGS = {"send_anonymous_usage_stats": False}


@dataclass(frozen=True)
class Public:
    """A public project's settings.

    places: schema and table of nodes, which show that the settings hold for the package.
    databases, env: databases beside the target's, and what names them; on DuckDB, because PostgreSQL reads one.
    roles, granted: roles that there are on PostgreSQL, and a table that the first may read.
    said, fixed: what refuses the settings, if anything does, and the sections with which the project builds.
    """

    address: str
    project: dict[str, Any]
    macros: str
    places: dict[str, tuple[str, str]]
    engines: tuple[str, ...] = ("duckdb",)
    databases: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    granted: str = ""
    said: str = ""
    fixed: dict[str, Any] = field(default_factory=dict)


#: Schema and table are the two halves of a node's name. A share of Snowflake is a role here; DuckDB has neither.
NEAR = Public(
    address="https://github.com/FlipsideCrypto/near-models",
    project={
        "models": {
            "+copy_grants": True,
            "+persist_docs": DOCS,
            "+on_schema_change": "append_new_columns",
            "+post-hook": [
                "{% if target.name == 'prod_cloud' and this.schema != 'bronze' %}"
                "grant select on {{ this }} to near_mdao{% endif %}"
            ],
        },
        "tests": {
            "consumer": {
                "silver": {"+severity": "warn", "+error_if": ">25"},
                "core": {"+severity": "error"},
            },
            "+store_failures": True,
        },
        "on-run-start": ["{{ create_udfs() }}", "{{ create_sps() }}"],
        "on-run-end": ["{{ apply_meta_as_tags(results) }}"],
    },
    macros="""
        {% macro generate_schema_name(custom_schema_name=none, node=none) %}{{ node.name.split('__')[0] }}{% endmacro %}
        {% macro generate_alias_name(custom_alias_name=none, node=none) %}
            {%- if node.resource_type == 'test' %}{{ node.name }}{% else %}{{ node.name.split('__')[1] }}{% endif -%}
        {% endmacro %}
        {% macro create_udfs() %}{% do run_query('create schema if not exists streamline') %}{% endmacro %}
        {% macro create_sps() %}{% endmacro %}
        {% macro apply_meta_as_tags(results) %}
            {% for result in results %}{{ log(result.node.name) }}{% endfor %}
        {% endmacro %}
    """,
    places={
        "forensics__verdicts": ("forensics", "verdicts"),
        "forensics__event_history": ("forensics", "event_history"),
        "int_forensics__row_profile": ("int_forensics", "row_profile"),
        "forensics__seals_hold": ("forensics", "forensics__seals_hold"),
    },
)

RETAINED = {
    "+post-hook": ["{{ mask_model() }}", "comment on table {{ this }} is 'kept for 30 days'"],
    "+query_tag": "dbt",
    "consumer": {"target_schema": "snapshots", "transient": False},
}
#: A mirror of gitlab.com/gitlab-data/analytics. On PostgreSQL, which reads one database, PROD is the
#: target's. Its schema's macro takes no `none`, and its snapshots say a schema for its own alone. The retention of
#: Snowflake is a comment here.
GITLAB = Public(
    address="https://github.com/tnmy44/gitlab-analytics (transform/snowflake-dbt)",
    project={
        "quoting": {"database": True, "identifier": False, "schema": False},
        "query-comment": {"comment": "{{ query_comment(node) }}", "append": True},
        "on-run-start": [
            "{{ resume_warehouse(var('resume_warehouse', false), 'transforming') }}",
            "{{ create_udfs() }}",
            "create schema if not exists snowplow_{{ var('year', run_started_at.strftime('%Y')) }}",
        ],
        "on-run-end": ["{{ grant_usage_to_schemas() }}"],
        "seeds": {
            "+enabled": True,
            "+database": "{{ env_var('SNOWFLAKE_PROD_DATABASE', target.database) }}",
            "+schema": "legacy",
            "+quote_columns": False,
            "+post-hook": ["{{ mask_model() }}"],
            "+query_tag": "dbt",
        },
        "models": {
            "+database": "{{ env_var('SNOWFLAKE_PROD_DATABASE', target.database) }}",
            "+schema": "legacy",
            "+copy_grants": True,
            "+post-hook": ["{{ mask_model() }}"],
            "+query_tag": "dbt",
            "consumer": {"+materialized": "view"},
        },
        "snapshots": RETAINED,
    },
    macros="""
        {% macro production_targets() %}{{ return(['prod', 'ci', 'postgres']) }}{% endmacro %}
        {% macro generate_schema_name(custom_schema_name, node) %}
            {%- if custom_schema_name in 'staging' %}analytics_{{ custom_schema_name }}
            {%- elif custom_schema_name is none %}{{ target.schema | lower }}
            {%- else %}{{ custom_schema_name | lower }}{% endif -%}
        {% endmacro %}
        {% macro generate_database_name(custom_database_name, node) %}
            {%- if custom_database_name is none %}{{ target.database }}
            {%- elif target.name in production_targets() %}{{ custom_database_name }}
            {%- else %}{{ target.database }}_{{ custom_database_name }}{% endif -%}
        {% endmacro %}
        {% macro ref(model_name) %}{% do return(builtins.ref(model_name)) %}{% endmacro %}
        {% macro resume_warehouse(run, warehouse) %}{% endmacro %}
        {% macro create_udfs() %}create schema if not exists functions{% endmacro %}
        {% macro mask_model() %}{% if execute and 'masked' in model.tags %}select 1{% endif %}{% endmacro %}
        {% macro grant_usage_to_schemas() %}
            {% if target.type == 'postgres' %}
                grant usage on schema legacy to dbt_analytics;
                grant select on all tables in schema legacy to dbt_analytics;
            {% endif %}
        {% endmacro %}
        {% macro query_comment(node) %}
            {% set told = {'app': 'dbt', 'dbt_version': dbt_version, 'run_started_at': run_started_at | string} %}
            {% if node is not none %}
                {% do told.update(node_id=node.unique_id, relation={'schema': node.schema}) %}
            {% endif %}
            {{ return(tojson(told)) }}
        {% endmacro %}
    """,
    places={
        "forensics__verdicts": ("legacy", "forensics__verdicts"),
        "forensics__event_history": ("snapshots", "forensics__event_history"),
    },
    databases=("warehouse_PROD",),
    env={"SNOWFLAKE_PROD_DATABASE": "PROD"},
    granted="legacy.forensics__verdicts",
    said=r"'in <string>' requires string as left operand, not NoneType(.|\n)*generate_schema_name",
    fixed={"snapshots": {**RETAINED, "dbt_forensics": {"+schema": "snapshots"}}},
    engines=("duckdb", "postgres"),
    roles=("dbt_analytics",),
)

SNAPSHOTS = {"+target_database": "raw", "+target_schema": "SNAPSHOTS"}
ENABLED = {"+enabled": "{{ True if target.database == 'balboa' else False }}"}
#: Outside prod, the target's name is part of the database's. Snapshots, a package's too, are enabled
#: in one database alone.
BALBOA = Public(
    address="https://github.com/datacoves/balboa (transform)",
    project={
        "seeds": {
            "+schema": "SEEDS",
            "+docs": {"node_color": "#379965"},
            "+quote_columns": False,
            "+persist_docs": DOCS,
        },
        "snapshots": {
            **ENABLED,
            "consumer": SNAPSHOTS,
            "+docs": {"node_color": "#0f703d"},
        },
        "models": {
            "consumer": {
                "+materialized": "view",
                "+schema": "L1_ERP",
                "+persist_docs": DOCS,
                "+access": "public",
            },
            "+transient": "{{ 'false' if target.name == 'prd' else 'true' }}",
            "+post-hook": [
                "{% if flags.WHICH in ('run', 'build') and target.name == 'prd_pii' %}{{ snowcap_apply_policies() }}"
                "{% endif %}"
            ],
            "+copy_grants": True,
        },
        "data_tests": {
            "+store_failures": True,
            "+schema": "DBT_TEST__AUDIT",
            "+store_failures_as": "view",
        },
        "flags": {**FLAGS, "require_generic_test_arguments_property": True},
    },
    macros="""
        {% macro generate_schema_name(custom_schema_name, node) %}
            {%- if custom_schema_name is none %}{{ target.schema }}
            {%- elif target.name == 'dev' %}{{ target.schema }}_{{ custom_schema_name }}
            {%- else %}{{ custom_schema_name }}{% endif -%}
        {% endmacro %}
        {% macro generate_database_name(custom_database_name=none, node=none) %}
            {%- if custom_database_name is not none %}{{ custom_database_name }}
            {%- elif target.name == 'prd' %}{{ target.database }}
            {%- else %}{{ target.database }}_{{ target.name | upper }}{% endif -%}
        {% endmacro %}
        {% macro snowcap_apply_policies() %}{% endmacro %}
    """,
    places={
        "forensics__verdicts": ("analytics", "forensics__verdicts"),
        "forensics__event_history": ("analytics", "forensics__event_history"),
        "forensics_exceptions": ("SEEDS", "forensics_exceptions_none"),
        "forensics__seals_hold": ("DBT_TEST__AUDIT", "forensics__seals_hold"),
    },
    said=r"depends on a node named 'forensics__\w+_history' which is disabled",
    fixed={"snapshots": {"consumer": {**SNAPSHOTS, **ENABLED}, "+docs": {"node_color": "#0f703d"}}},
    databases=("warehouse_DUCKDB",),
)

#: Snapshots have a database of their own; the schema of a developer has a prefix.
SQUARED = Public(
    address="https://github.com/meltano/squared (data/transform)",
    project={
        "on-run-end": "{% if target.name in ('prod', 'cicd') %}{{ upload_results(results) }}{% endif %}",
        "seeds": {"quote_columns": False, "+schema": "SEED"},
        "snapshots": {
            "target_database": "{{ env_var('DBT_SNOWFLAKE_DATABASE_PREP', 'PREP') }}",
            "target_schema": "snapshots",
            "transient": False,
        },
        "models": {"consumer": {"+schema": "workspace", "+materialized": "view"}},
    },
    macros="""
        {% macro generate_schema_name(custom_schema_name, node) %}
            {%- set name = custom_schema_name or target.schema -%}
            {%- if env_var('MELTANO_ENVIRONMENT') in ['userdev', 'cicd'] %}
                {{- env_var('DBT_SNOWFLAKE_TARGET_SCHEMA_PREFIX') ~ name }}
            {%- else %}{{ name }}{% endif -%}
        {% endmacro %}
        {% macro upload_results(results) %}{% endmacro %}
    """,
    places={
        "forensics__verdicts": ("pat_analytics", "forensics__verdicts"),
        "forensics__event_history": ("snapshots", "forensics__event_history"),
        "forensics_exceptions": ("pat_SEED", "forensics_exceptions_none"),
    },
    databases=("PREP",),
    env={"MELTANO_ENVIRONMENT": "userdev", "DBT_SNOWFLAKE_TARGET_SCHEMA_PREFIX": "pat_"},
)

#: Grants of every kind, which DuckDB does not have.
OPEN_LEARNING = Public(
    address="https://github.com/mitodl/ol-data-platform (src/ol_dbt)",
    project={
        "on-run-start": ["{% if target.type == 'duckdb' %}{{ duckdb_init() }}{% endif %}"],
        "dispatch": [{"macro_namespace": "dbt_utils", "search_order": ["trino_utils", "dbt_utils"]}],
        "models": {
            "consumer": {
                "+grants": {
                    "select": ["read_only_production", "ol_data_analyst"],
                    "insert": ["ol_data_engineer"],
                    "update": ["ol_data_engineer"],
                    "delete": ["ol_data_engineer"],
                    "all privileges": ["accountadmin"],
                },
                "+materialized": "table",
                "+schema": "staging",
                "+properties": {"format": "'PARQUET'"},
                "+meta": {
                    "required_docs": True,
                    "iceberg_maintenance": {"enabled": True, "snapshot_retention_days": 7},
                },
            }
        },
        "snapshots": {
            "consumer": {
                "+grants": {"select": ["read_only_production"], "all privileges": ["accountadmin"]},
                "+properties": {"format": "'PARQUET'"},
                "+meta": {"required_docs": True},
            }
        },
        "tests": {"consumer": {"+error_if": ">10"}},
        "flags": {
            **FLAGS,
            "require_certificate_validation": True,
            "require_generic_test_arguments_property": True,
        },
    },
    macros="""
        {% macro generate_schema_name(custom_schema_name, node) %}
            {%- set name = default__generate_schema_name(custom_schema_name, node) | trim -%}
            {%- if target.type == 'trino' and not modules.re.fullmatch('[a-z0-9_]{1,252}', name) -%}
                {{ exceptions.raise_compiler_error('Iceberg cannot load the schema ' ~ name) }}
            {%- endif -%}
            {{ name }}
        {% endmacro %}
        {% macro duckdb_init() %}{% endmacro %}
    """,
    places={"forensics__verdicts": ("analytics", "forensics__verdicts"), MODEL: ("analytics_staging", MODEL)},
    granted=f"analytics_staging.{MODEL}",
    engines=("postgres",),
    roles=("read_only_production", "ol_data_analyst", "ol_data_engineer", "accountadmin"),
)
PROJECTS = {
    "near": NEAR,
    "gitlab": GITLAB,
    "balboa": BALBOA,
    "squared": SQUARED,
    "open_learning": OPEN_LEARNING,
}


def row(n: int) -> dict[str, Any]:
    at = "2026-01-05 09:00:00"
    return {"id": f"e{n}", "at": at, "loaded_at": "2026-01-05 10:00:00", "load": f"b{n % 2}", "amount": n}


def shop(engine: Engine, folder: Path, public: Public | None = None) -> Consumer:
    """A project with one stream that has not been built."""
    made = Consumer(
        engine,
        folder,
        {"orders": STREAM},
        {"shop": ["orders"]},
        models={f"{MODEL}.sql": "select * from {{ source('shop', 'orders') }}"},
        project=public.project if public else None,
        files={"macros/names.sql": public.macros} if public else None,
    )
    made.create_table("orders", COLUMNS)
    made.insert("orders", [row(n) for n in range(6)])
    if public and engine.name == "duckdb":
        profiles = yaml.safe_load((folder / "profiles.yml").read_text())
        attached = [{"path": str(file_of(engine, name)), "alias": name} for name in public.databases]
        profiles["consumer"]["outputs"][engine.name]["attach"] = attached
        made.write("profiles.yml", yaml.safe_dump(profiles))
    return made


def file_of(engine: Engine, database: str) -> Path:
    assert isinstance(engine, DuckDB)
    return Path(engine.path).with_name(f"{database}.duckdb")


def build_twice(made: Consumer) -> None:
    """Six rows; then one is gone, one is another, and one is new; and every test of the package."""
    made.build(as_of="2026-01-05 12:00:00")
    made.execute("delete from raw.orders where id = 'e0'; update raw.orders set amount = 50 where id = 'e1'")
    made.insert("orders", [row(6)])
    made.build(as_of="2026-01-06 12:00:00")
    made.dbt(["test"])


def nodes(made: Consumer) -> dict[str, Any]:
    return {node.name: node for node in made._manifest(None, None).nodes.values()}


def record(made: Consumer, databases: tuple[str, ...] = ()) -> Contents:
    """The public tables, wherever the project has put them."""
    places = {name: node.relation_name for name, node in nodes(made).items()}
    for name in databases if made.engine.name == "duckdb" else ():
        made.execute(f"attach '{file_of(made.engine, name)}' as {quoted(name)}")
    return contents(lambda sql: made.query(sql.replace(name := sql.split()[-1], places[name.split(".")[1]])))


@pytest.fixture(scope="module")
def plain(
    engine_named: Callable[[str], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Contents]:
    """What every project's record is compared with, on PostgreSQL too."""
    with engine_named("duckdb") as engine:
        made = shop(engine, tmp_path_factory.mktemp("plain"))
        build_twice(made)
        yield record(made)


@pytest.mark.gate
@pytest.mark.parametrize(
    ("name", "on"), [(name, on) for name, public in PROJECTS.items() for on in public.engines]
)
def test_a_public_projects_settings_leave_the_record_as_it_is(
    name: str,
    on: str,
    plain: Contents,
    engine_named: Callable[[str], AbstractContextManager[Engine]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if request.config.getoption("engine") not in ("all", "each", on):
        pytest.skip(f"{name} is tried on {on}")
    public = PROJECTS[name]
    for key, value in public.env.items() if on == "duckdb" else ():
        monkeypatch.setenv(key, value)
    with engine_named(on) as engine:
        for role in public.roles if on == "postgres" else ():
            engine.execute(
                f"do $$ begin create role {role}; exception when duplicate_object then null; end $$"
            )
        made = shop(engine, tmp_path, public)
        if public.said:
            assert re.search(public.said, made.dbt(["parse"], expect="failure").log)
            made.project |= public.fixed
        build_twice(made)

        built = nodes(made)
        assert {node: (built[node].schema, built[node].alias) for node in public.places} == public.places
        if on == "duckdb":
            assert {node.database for node in built.values()} >= set(public.databases)
        elif public.granted:
            readable = f"select has_table_privilege('{public.roles[0]}', '{public.granted}', 'select') as yes"
            assert engine.query(readable) == [{"yes": True}]
        found = record(made, public.databases)
        for table, expected in plain.items():
            assert_same(found[table], expected)
