"""The integration project on Spark, built twice: every node and test ends as on DuckDB, and the
public tables are DuckDB's.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines import DuckDB, Engine
from harness.project import PACKAGE, dbt_arguments, packages_yml, profiles_yml, run_dbt
from harness.public_tables import ITS_OWN, Contents, assert_same, contents
from spark.engine import SparkEngine, SparkServer

#: What a change of the quotes in an expression, and the order of columns in Spark's words, make otherwise.
OWN_WORDS = {relation: list(columns) for relation, columns in ITS_OWN.items()}
OWN_WORDS["metric_versions"] += ["definition_digest"]
#: Its few rows have no such history.
EMPTY = {
    *("vanished_rows", "held_withdrawals", "unread_streams", "action_log", "outbox", "actions"),
    *("settling", "detections", "incidents", "incident_impact", "incident_timeline"),
}


def in_spark(value: Any) -> Any:
    """What a YAML file says, with the identifiers that its SQL quotes quoted as Spark does."""
    if isinstance(value, dict):
        return {key: in_spark(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_spark(item) for item in value]
    return re.sub(r'"([^"]+)"', r"`\1`", value) if isinstance(value, str) else value


def project(engine: Engine, folder: Path) -> Path:
    """A copy of the integration project that runs on an engine."""
    ignored = shutil.ignore_patterns("target", "logs", "dbt_packages", "package-lock.yml")
    shutil.copytree(PACKAGE / "integration_tests", folder, ignore=ignored)
    (folder / "packages.yml").write_text(packages_yml(PACKAGE))
    (folder / "profiles.yml").write_text(profiles_yml("integration_tests", engine))
    if isinstance(engine, SparkEngine):
        for name in ("dbt_project.yml", "seeds/raw/_raw.yml"):
            said = in_spark(yaml.safe_load((folder / name).read_text(encoding="utf-8")))
            if name == "dbt_project.yml":
                for kind in ("models", "snapshots", "seeds"):
                    said.setdefault(kind, {})["+file_format"] = engine.file_format
            text = yaml.safe_dump(said, sort_keys=False, allow_unicode=True)
            (folder / name).write_text(text, encoding="utf-8")
    return folder


@dataclass
class Outcome:
    statuses: list[dict[str, str]]
    tables: Contents
    log: str


def build_twice(engine: Engine, folder: Path) -> Outcome:
    project(engine, folder)
    engine.release()
    deps, *builds = [run_dbt(dbt_arguments([command], folder)) for command in ("deps", "build", "build")]
    assert deps.success, deps.log
    tables = contents(engine.query, OWN_WORDS)
    return Outcome([run.results for run in builds], tables, "\n".join(run.log for run in builds))


@pytest.fixture(scope="module")
def built(spark_server: SparkServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("integration")
    duckdb = DuckDB(folder / "warehouse.duckdb")
    found = {"duckdb": build_twice(duckdb, folder / "duckdb")}
    duckdb.drop()
    return {**found, "spark": build_twice(spark_server.new_engine(), folder / "spark")}


def test_every_node_and_test_ends_as_on_duckdb(built: dict[str, Outcome]) -> None:
    assert built["spark"].statuses == built["duckdb"].statuses, built["spark"].log


@pytest.mark.parametrize("relation", OWN_WORDS)
def test_every_table_is_duckdbs(built: dict[str, Outcome], relation: str) -> None:
    duckdb, spark = (built[name].tables[relation] for name in ("duckdb", "spark"))
    assert duckdb or relation in EMPTY
    assert_same(spark, duckdb)
