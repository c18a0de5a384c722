"""Warehouses that nobody can reach from here: their adapters render SQL, and a stand-in answers what the macros ask.

The stand-in knows which relations exist, their columns, and for each query of the package one row that makes the macros
take the longest way. It never sees the SQL of a model: that is compiled, and parsed by the tests.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

import agate
import yaml

os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
os.environ["DBT_DATABRICKS_LOCAL_CREDENTIALS"] = "{}"

PACKAGE = Path(__file__).resolve().parents[2]
DIALECTS = ("snowflake", "bigquery", "redshift", "databricks")
COMMON = {"schema": "analytics", "threads": 1}
PROFILES: dict[str, dict[str, Any]] = {
    "snowflake": {
        "account": "none",
        "user": "none",
        "password": "none",
        "database": "DB",
        "warehouse": "none",
    },
    "bigquery": {"method": "oauth", "project": "nowhere"},
    "redshift": {"host": "nowhere.invalid", "user": "none", "password": "none", "port": 5439, "dbname": "db"},
    "databricks": {"host": "nowhere.invalid", "http_path": "/none", "token": "none", "catalog": "main"},
}
# The types of a raw table's columns, as each adapter names them.
TYPES: dict[str, dict[str, str]] = {
    "snowflake": {
        "text": "character varying(16777216)",
        "amount": "NUMBER(18,2)",
        "count": "NUMBER(38,0)",
        "ratio": "FLOAT",
        "flag": "BOOLEAN",
        "day": "DATE",
        "clock": "TIME",
        "time": "TIMESTAMP_NTZ",
        "instant": "TIMESTAMP_TZ",
        "tree": "VARIANT",
        "bytes": "BINARY",
    },
    "bigquery": {
        "text": "STRING",
        "amount": "NUMERIC",
        "count": "INT64",
        "ratio": "FLOAT64",
        "flag": "BOOLEAN",
        "day": "DATE",
        "clock": "TIME",
        "time": "DATETIME",
        "instant": "TIMESTAMP",
        "tree": "JSON",
        "bytes": "BYTES",
    },
    "redshift": {
        "text": "character varying(256)",
        "amount": "numeric(18,2)",
        "count": "bigint",
        "ratio": "double precision",
        "flag": "boolean",
        "day": "date",
        "clock": "time without time zone",
        "time": "timestamp without time zone",
        "instant": "timestamp with time zone",
        "tree": "super",
        "bytes": "binary varying",
    },
    "databricks": {
        "text": "string",
        "amount": "decimal(18,2)",
        "count": "bigint",
        "ratio": "double",
        "flag": "boolean",
        "day": "date",
        "time": "timestamp_ntz",
        "instant": "timestamp",
    },
}
STREAM = {
    "relation": "source.raw.orders",
    "event_id": "event_id",
    "entity_id": "count",
    "event_time": "instant",
    "ingested_at": "time",
    "batch_id": "batch",
    "sequence_number": "seq",
    "on_conflict": "last_wins",
    "backcast": {"every": "batch"},
    "rules": {"amount_is_positive": "amount >= 0"},
    "metrics": {
        "revenue": {"agg": "sum", "expr": "amount", "where": "flag", "dimensions": ["text"]},
        "orders": {"agg": "count"},
        "basket": {"agg": "avg", "expr": "amount"},
    },
}
# Without ids of events and batches, and with times as text, which is another way through the capture.
BARE = {"relation": "source.raw.orders", "event_time": "text", "ingested_at": "day", "window": "hour"}
THEN, NOW = datetime(2026, 1, 5, 12), datetime(2026, 1, 6, 6)


@dataclass
class Compiled:
    """What dbt made of a project: {file name: SQL} of its nodes, and the queries that the macros sent."""

    files: dict[str, str]
    queries: list[str]
    log: str
    success: bool


class StandIn:
    """Answers an adapter's questions. `built`: whether the package's own relations exist already, and hold rows."""

    def __init__(self, dialect: str, built: bool) -> None:
        self.dialect = dialect
        self.built = built
        self.queries: list[str] = []

    def columns(self, adapter: Any) -> list[Any]:
        types = {"event_id": "text", "batch": "text", "seq": "amount"}
        types.update({name: name for name in TYPES[self.dialect]})
        return [self._column(adapter, name, TYPES[self.dialect][kind]) for name, kind in types.items()]

    def _column(self, adapter: Any, name: str, data_type: str) -> Any:
        name = name.upper() if self.dialect == "snowflake" else name
        sized = re.fullmatch(r"(.+?)\((\d+)(?:,(\d+))?\)", data_type)
        if sized is None or self.dialect == "databricks":
            return adapter.Column(name, data_type)
        kind, size, scale = sized.groups()
        if scale is None:
            return adapter.Column(name, kind, char_size=int(size))
        return adapter.Column(name, kind, None, int(size), int(scale))

    def rows(self, query: str) -> agate.Table:
        """One answer for each kind of question that the package asks."""
        self.queries.append(query)
        count = 7 if self.built else 0
        asked = " ".join(query.split())
        answers: list[tuple[str, Sequence[Sequence[Any]]]] = [
            (r"^select typeof", [("TIMESTAMP_NTZ",)]),
            (r"^select current_timezone\(\)", [("UTC", THEN, "2.000000001")]),
            (r"^select count\(\*\), min\(min_ingested_at\)", [(7, THEN, NOW)]),
            (r"^select min\(min_ingested_at\), max", [(THEN, NOW)]),
            (r"^select min\(min_ingested_at\)", [(THEN,)]),
            (r"^select count\(\*\) from", [(count,)]),
            (r"^select max\(recorded_at\)", [(THEN if self.built else None,)]),
            (r"^select stream, max\(recorded_at\)", [("orders", NOW), ("bare", NOW)]),
            (
                r"^select stream, definitions, max",
                [("orders", json.dumps({"revenue": "an older digest"}), THEN)] if self.built else [],
            ),
            # A column that was dropped, one that changed its family, and one that stays.
            (
                r"^select column_name, data_type",
                [("LOST" if self.dialect == "snowflake" else "lost", TYPES[self.dialect]["text"])]
                if self.built
                else [],
            ),
            (r"^select distinct column_name, data_type", []),
            (r"from .*max\(max_ingested_at\)|max\(max_ingested_at\).* from", [(THEN,)]),
        ]
        for pattern, rows in answers:
            if re.search(pattern, asked, re.IGNORECASE):
                row = rows[0] if rows else (None, None, None)
                kinds = {int: agate.Number, datetime: agate.DateTime}
                types = [kinds.get(type(value), agate.Text)() for value in row]
                return agate.Table(rows, [f"c{n}" for n in range(len(row))], types)
        raise AssertionError(f"The stand-in does not know this question: {asked}")

    @contextmanager
    def instead_of(self, dialect: str) -> Iterator[None]:
        """Puts this in place of an adapter's ways to its warehouse."""
        from dbt.adapters.base import BaseAdapter
        from dbt.adapters.contracts.connection import AdapterResponse
        from dbt.adapters.factory import FACTORY

        FACTORY.load_plugin(dialect)
        kind = FACTORY.get_adapter_class_by_name(dialect)

        def execute(adapter: Any, sql: str, *_: Any, **__: Any) -> Any:
            return AdapterResponse("OK"), self.rows(sql)

        def get_relation(adapter: Any, database: str, schema: str, identifier: str, **_: Any) -> Any:
            if not self.built and "forensics__" in identifier:
                return None
            return adapter.Relation.create(
                database=database, schema=schema, identifier=identifier, type="table"
            )

        replaced = {
            "execute": execute,
            "get_relation": get_relation,
            "get_columns_in_relation": lambda adapter, relation: self.columns(adapter),
            "cleanup_connections": lambda adapter: None,
            "release_connection": lambda *_, **__: None,
        }
        with (
            mock.patch.multiple(kind, **replaced),
            mock.patch.object(BaseAdapter, "connection_named", return_value=nullcontext()),
        ):
            yield


def compiled(
    dialect: str,
    folder: Path,
    *,
    built: bool = True,
    models: Mapping[str, str] | None = None,
    streams: Mapping[str, Any] | None = None,
    command: Sequence[str] = ("compile",),
    package: Path = PACKAGE,
) -> Compiled:
    """Runs dbt on a consumer of the package with the dummy profile of a warehouse."""
    from dbt.cli.main import dbtRunner

    folder.mkdir(parents=True, exist_ok=True)
    declared = {"orders": STREAM, "bare": BARE} if streams is None else streams
    _write(
        folder,
        {
            "dbt_project.yml": {
                "name": "consumer",
                "version": "1.0.0",
                "config-version": 2,
                "profile": "consumer",
                "vars": {"forensics_streams": declared},
            },
            "profiles.yml": {
                "consumer": {
                    "target": "dummy",
                    "outputs": {"dummy": {"type": dialect, **COMMON, **PROFILES[dialect]}},
                }
            },
            "packages.yml": {"packages": [{"local": str(package)}]},
            "models/sources.yml": {
                "sources": [
                    {"name": "raw", "schema": "raw", "tables": [{"name": "orders"}, {"name": "given"}]}
                ]
            },
        },
    )
    for name, text in (models or {}).items():
        (folder / "models" / name).write_text(text, encoding="utf-8")
    quiet = ["--log-level", "none", "--log-level-file", "none", "--no-partial-parse", "--no-populate-cache"]
    places = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    messages: list[str] = []
    stand_in = StandIn(dialect, built)
    runner = dbtRunner(
        callbacks=[lambda event: messages.append(event.info.msg) if event.info.level != "debug" else None]
    )
    here = Path.cwd()
    try:
        if not (folder / "dbt_packages").exists():
            assert runner.invoke(["--log-level", "none", "deps", *places]).success
        with stand_in.instead_of(dialect):
            outcome = runner.invoke([*quiet, *command, *places])
    finally:
        os.chdir(here)
        from dbt.adapters.factory import reset_adapters

        reset_adapters()
    if outcome.exception is not None:
        messages.append(str(outcome.exception))
    results = getattr(outcome.result, "results", None) or []
    files = {f"{one.node.name}.sql": one.node.compiled_code for one in results if one.node.compiled_code}
    return Compiled(files, stand_in.queries, "\n".join(messages), outcome.success)


def _write(folder: Path, files: Mapping[str, Any]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
