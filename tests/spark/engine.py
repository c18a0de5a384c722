"""An engine of the Spark dialect: what Sail with Delta and Apache Spark with Iceberg have in common for the tests."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from harness.engines import RAW_SCHEMA, TARGET_SCHEMA, Engine

#: What the package needs of a Spark session; `spark.sql.ansi.enabled: false` is what dbt-spark itself sets.
SETTINGS = {"spark.sql.session.timeZone": "UTC", "spark.sql.decimalOperations.allowPrecisionLoss": "false"}


def spark_type(name: str) -> str:
    """A column type of the tests as Spark names it."""
    name = re.sub(r"^(varchar|text)\b(\(\d+\))?$", "string", name)
    return {
        "double precision": "double",
        "real": "float",
        "timestamp with time zone": "timestamp",
        "timestamptz": "timestamp",
    }.get(name, name.replace("numeric", "decimal"))


def spark_name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def spark_literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class SparkServer(Protocol):
    """A server that a test session starts and stops."""

    def new_engine(self) -> SparkEngine:
        """An empty warehouse. Those before it are over."""

    def stop(self) -> None: ...


def start_server() -> SparkServer:
    """The server whose packages are there: `make sail-test` and `make spark-test` make an environment each."""
    # What dbt reads of a timestamp is in the time zone of its process.
    os.environ["TZ"] = "UTC"
    time.tzset()
    if find_spec("pysail"):
        from spark.sail import SailServer

        return SailServer()
    from spark.cluster import SparkCluster

    return SparkCluster()


class SparkEngine(Engine):
    name = "spark"
    #: dbt's `file_format`, and what Spark calls a provider of tables.
    file_format: str

    def output(self) -> dict[str, Any]:
        return {
            "type": "spark",
            "schema": TARGET_SCHEMA,
            "threads": 1,
            "server_side_parameters": {**SETTINGS},
        }

    def project(self) -> dict[str, Any]:
        # The integration project has no such dispatch: there dbt-spark merges.
        dispatch = {"macro_namespace": "dbt", "search_order": ["consumer", "dbt_forensics", "dbt"]}
        return {
            **{kind: {"+file_format": self.file_format} for kind in ("models", "snapshots", "seeds")},
            "dispatch": [dispatch],
        }

    def create_table(self, table: str, columns: Mapping[str, str]) -> None:
        listed = ", ".join(f"{spark_name(name)} {spark_type(type_)}" for name, type_ in columns.items())
        self.execute(f"create table {RAW_SCHEMA}.{spark_name(table)} ({listed}) using {self.file_format}")

    def empty_table(self, table: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Makes the table anew: neither format changes a column's type as freely as the tests want."""
        self.execute(f"drop table {RAW_SCHEMA}.{spark_name(table)}")
        self.create_table(table, new)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
        table = table.replace('"', "`")
        types = {row["col_name"]: row["data_type"] for row in self.query(f"describe table {table}")}
        values = ", ".join(
            "("
            + ", ".join(
                f"cast({'null' if value is None else spark_literal(value)} as {types[name]})"
                for name, value in zip(columns, row, strict=True)
            )
            + ")"
            for row in rows
        )
        listed = ", ".join(spark_name(name) for name in columns)
        self.execute(f"insert into {table} ({listed}) values {values}")
