"""Warehouses that nobody can reach from here: their adapters render SQL, and a stand-in answers what the macros ask.

The stand-in knows which relations exist, their columns, and for each query of the package one row that makes the macros
take the longest way. It never sees the SQL of a model: that is compiled, and parsed by the tests.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cache
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
# Every role, every way to add up, and rules that name columns which are gone or have become something else.
STREAM = {
    "relation": "source.raw.orders",
    "event_id": "event_id",
    "entity_id": "count",
    "event_type": "text",
    "event_time": "instant",
    "ingested_at": "time",
    "batch_id": "batch",
    "sequence_number": "seq",
    "schema_version": "version",
    "tenant": "upper(text)",
    "on_conflict": "last_wins",
    "too_late": "exclude",
    "backcast": {"every": "batch"},
    "rules": {
        "amount_is_positive": "amount >= 0",
        "lost_is_not_empty": "lost <> ''",
        "was_something_else": "was_number >= 0 and was_flag and was_time <= time",
    },
    "metrics": {
        "revenue": {"agg": "sum", "expr": "amount", "where": "flag", "dimensions": ["text"]},
        "orders": {"agg": "count"},
        "basket": {"agg": "avg", "expr": "amount"},
        "customers": {"agg": "count_distinct", "expr": "count"},
        "least": {"agg": "min", "expr": "amount"},
        "most": {"agg": "max", "expr": "amount"},
        "per_customer": {"agg": "ratio", "numerator": "orders", "denominator": "customers"},
    },
}
# Without ids of events and batches, and with times as text, which is another way through the capture.
BARE = {
    "relation": "source.raw.orders",
    "event_time": "text",
    "ingested_at": "day",
    "window": "hour",
    "backcast": {"every": "day"},
    "metrics": {"rows": {"agg": "count"}},
}
STREAMS: dict[str, dict[str, Any]] = {"orders": STREAM, "bare": BARE}
WATCHES = {
    "shown": {
        "relation": "source.raw.orders",
        "window_start": "day",
        "dimensions": ["text"],
        "value": "amount",
        "metric": "orders.revenue",
    },
    "alone": {"relation": "source.raw.orders", "window_start": "time", "value": "amount", "window": "hour"},
}
BEFORE, THEN, NOW = datetime(2026, 1, 2, 12), datetime(2026, 1, 5, 12), datetime(2026, 1, 6, 6)
# What a consumer writes with the macros that are public, and the tests that ship with the package.
MODELS = {
    "late_rows": "{{ dbt_forensics.late_rows("
    "source('raw', 'orders'), 'instant', 'time', 'day', {'count': 1, 'period': 'hour'}, {'count': 1, 'period': 'day'}"
    ") }}",
    "deduplicate": "{{ dbt_forensics.deduplicate(source('raw', 'orders'), ['event_id'], ['time', 'seq']) }}",
    "deduplicate_losers": "{{ dbt_forensics.deduplicate("
    "source('raw', 'orders'), ['event_id'], ['time', 'seq'], output='losers', content=['amount', 'text']"
    ") }}",
    "metric_as_of": "{{ dbt_forensics.metric_as_of('revenue', as_of='2026-01-05 12:00:00', stream='orders') }}",
    "verdicts_as_of": "{{ dbt_forensics.verdicts_as_of('orders', as_of='2026-01-05 12:00:00') }}",
    "events_as_of": "{{ dbt_forensics.events_as_of('orders', as_of='2026-01-05 12:00:00') }}",
    "versioned_aggregate": "{{ config(materialized='table') }}{{ dbt_forensics.versioned_aggregate("
    "source('raw', 'orders'), metric='revenue', agg='sum', expr='amount', event_time='instant', dimensions=['text']"
    ") }}",
    "estimates_as_of": "{{ dbt_forensics.estimates_as_of(as_of='2026-01-05 12:00:00') }}",
    "row_digest": "{%- set orders = source('raw', 'orders') -%}"
    "select {{ dbt_forensics.row_digest(orders) }} as digest from {{ orders }}",
}
NEWEST = {"event_time": "instant", "ingested_at": "time"}
TESTS: list[Any] = [
    "accounts_for_every_row",
    "is_append_only",
    "explains_every_change",
    {"arrived_within": {**NEWEST, "count": 1, "period": "hour"}},
    {"arrives_by": {**NEWEST, "count": 1, "period": "day"}},
    {"counts_each_event_once": {"per": "text"}},
    "does_not_restate_settled_windows",
    {"has_no_conflicting_duplicates": {"event_id": "event_id", "content": ["amount"], "per": "batch"}},
    {"has_no_missing_windows": {"event_time": "time", "grain": "hour"}},
    {"has_no_open_actions": {"stream": "orders"}},
    "has_no_open_incidents",
    {"is_reproducible_as_of": {"metric": "revenue", "as_of": "2026-01-05 12:00:00"}},
    {"null_share_below": {"column_name": "amount", "share": 0.5, "per": "text"}},
    {
        "reconciles_with": {
            "metric": "revenue",
            "window_start": "day",
            "value": "amount",
            "dimensions": ["text"],
        }
    },
    {"row_count_within": {"min_rows": 1, "per": "text"}},
    {"schema_is_as_declared": {"columns": {"amount": "numeric"}}},
    {"sequence_is_contiguous": {"column_name": "count", "per": "text"}},
]

# What exists of the package when dbt compiles: nothing, what a first build has made so far, or all of it.
STATES = ("nothing built", "first build", "later build")


@dataclass
class Compiled:
    """What dbt made of a project: {file name: SQL} of its nodes, and the queries that the macros sent."""

    files: dict[str, str]
    queries: list[str]
    log: str
    success: bool


class StandIn:
    """Answers an adapter's questions. `definitions`: of the metrics of `orders`, as a build would have left them."""

    def __init__(self, dialect: str, state: str, definitions: str | None = None) -> None:
        self.dialect = dialect
        self.state = state
        self.definitions = definitions
        self.queries: list[str] = []
        self.made: set[str] = set()  # nodes that are done

    def columns(self, adapter: Any) -> list[Any]:
        types = {
            "event_id": "text",
            "batch": "text",
            "seq": "amount",
            "version": "count",
            "was_number": "text",
            "was_flag": "text",
            "was_time": "text",
            "renamed": "amount",
        }
        types.update({name: name for name in TYPES[self.dialect]})
        return [self._column(adapter, name, TYPES[self.dialect][kind]) for name, kind in types.items()]

    def _column(self, adapter: Any, name: str, data_type: str) -> Any:
        sized = re.fullmatch(r"(.+?)\((\d+)(?:,(\d+))?\)", data_type)
        if sized is None or self.dialect == "databricks":
            return adapter.Column(self._named(name), data_type)
        kind, size, scale = sized.groups()
        if scale is None:
            return adapter.Column(self._named(name), kind, char_size=int(size))
        return adapter.Column(self._named(name), kind, None, int(size), int(scale))

    def _named(self, name: str) -> str:
        return name.upper() if self.dialect == "snowflake" else name

    def exists(self, identifier: str) -> bool:
        """A table of the package exists once it was built, and everything else does."""
        if "forensics__" not in identifier or self.state == "later build":
            return True
        return self.state == "first build" and identifier in self.made

    def columns_before(self) -> list[tuple[str, str, int, bool, datetime]]:
        """As earlier builds found them: one that is gone, three that were of another family, one that was renamed."""
        types = TYPES[self.dialect]
        names = [
            ("lost", "text", 31, False, BEFORE),
            ("was_number", "amount", 32, False, BEFORE),
            ("was_flag", "flag", 33, False, BEFORE),
            ("was_time", "time", 34, False, BEFORE),
            ("old_name", "amount", 35, False, BEFORE),
            ("lost", "text", 31, True, THEN),
            ("old_name", "amount", 35, True, THEN),
            ("renamed", "amount", 35, False, THEN),
        ]
        return [(self._named(name), types[kind].lower(), *rest) for name, kind, *rest in names]

    def build(self) -> dict[str, Any]:
        """The row of int_forensics__build."""
        last = THEN if self.state == "later build" else None
        times = {"clock_at": NOW, "recorded_at": NOW, "last_entry_at": last, "last_seal_at": last}
        return {
            "turn": 1,
            "invocation_id": "this",
            "started_at": NOW,
            **times,
            "identities": self.identities(),
        }

    def identities(self) -> str:
        """One stream had another event id at earlier builds, and one had another name."""
        names = {"relation": STREAMS["orders"]["relation"], "names": {"event_id": "the_id"}}
        return json.dumps({"orders": names, "former": names} if self.state == "later build" else {})

    def rows(self, query: str) -> agate.Table:
        """One answer for each kind of question that the package asks."""
        self.queries.append(query)
        asked = " ".join(query.split())
        before = self.columns_before() if self.state == "later build" else []
        session = [("2026-01-01 00:00:00, 2026-07-01 00:00:00", THEN, "2.000000001")]
        older = {
            name: json.dumps(dict.fromkeys(of["metrics"], "an older digest")) for name, of in STREAMS.items()
        }
        definitions = [
            ("orders", self.definitions or older["orders"], THEN, THEN),
            ("bare", older["bare"], THEN, THEN),
        ]
        answers: list[tuple[str, Sequence[Any]]] = [
            # How the session is set.
            (r"select typeof\(to_variant\(.*", [("TIMESTAMP_NTZ",)]),
            (r"select concat_ws\(', ', cast\(timestamp_seconds\(.*", session),
            # The horizon, the batches in it and how far they reach, and rows of other columns among them.
            (r"select .*max\(arrival\).* as arrivals where arrival <= .*", [(NOW,)]),
            (r"select min\(min_ingested_at\) from .* and max_ingested_at >= .*", [(THEN,)]),
            (r"select min\(min_ingested_at\), max\(max_ingested_at\) from \S+", [(THEN, NOW)]),
            (
                r"select count\(\*\), min\(min_ingested_at\), max\(max_ingested_at\), .*",
                [(7, THEN, NOW, None)],
            ),
            (r"select count\(\*\) from .*", [(7 if self.state == "later build" else 0,)]),
            # The clock, and whose turn it is.
            (r"with previous as \(.* as identities from previous .*", [self.build()]),
            (r"select turn, invocation_id, .*", [self.build()]),
            (r"select max\(recorded_at\) from .*", [(THEN,)]),
            (r"select max\(recorded_from\) from .*", [(THEN,)]),
            (r"select identities from .*", [(self.identities(),)]),
            (r"select recorded_at, clock_at from .*", [(NOW, NOW)]),
            (r"select distinct stream from .*", [(stream,) for stream in STREAMS]),
            (r"with orders_raw as .* as former_count, .*", [(0, 7)]),
            # What is held, and what is sealed.
            (r"select stream, entry_number, .*", []),
            (r"select stream from .* where difference = 'unread'", []),
            (r"select stream, config_key, reason from .*", []),
            (r"select coalesce\(sum\(effect\), 0\) from .*", [(7,)]),
            (r"select stream, sum\(sealed_count\) from .*", [(stream, 7) for stream in STREAMS]),
            (r"select sealed_table, stream, max\(rows_recorded_at\), .*", []),
            (r".*select distinct found.sealed_table from found.*", []),
            (r"select max\(last_entry_at\) from .*", [(THEN,)]),
            (r"select clock_at from .*", []),
            (r"select 1 from .*", []),
            # Columns as they were.
            (
                r".*select column_name, data_type, column_position, is_dropped, dbt_valid_from, .*",
                [(*row, None) for row in before],
            ),
            (
                r"select column_name, data_type, stream, is_dropped, dbt_valid_from, dbt_valid_to from .*",
                [(name, type_, "orders", is_dropped, at, None) for name, type_, _, is_dropped, at in before],
            ),
            # Metrics: those of one stream are known, that of the other was defined otherwise; both have new entries.
            (
                r"select '\w+' as stream, .*max\(recorded_at\) .*from .*",
                [(stream, NOW) for stream in STREAMS],
            ),
            (r"select stream, definitions, max\(ledger_to\), max\(recorded_from\) from .*", definitions),
            (r"select min\(event_time\), max\(event_time\) from .*", [(THEN, NOW)]),
            # Watches: how far the stream of the truth has come; and no key that a watched relation shows twice.
            (r"select max\(latest_event_time\) from .*", [(NOW,)]),
            (r"select window_start, dimensions, count\(\*\) as times from .*", []),
            # What is not profiled yet.
            (r"select stream, max\(recorded_at\) from .*", [(stream, NOW) for stream in STREAMS]),
            (
                r"select stream, min\(case when entry_number = 1 .*",
                [(stream, THEN, NOW, NOW, 7) for stream in STREAMS],
            ),
        ]
        for pattern, rows in answers:
            if re.fullmatch(pattern, asked, re.IGNORECASE):
                row = rows[0] if rows else (None, None, None)
                kinds = {int: agate.Number, bool: agate.Boolean, datetime: agate.DateTime}
                values = row.values() if isinstance(row, dict) else row
                types = [kinds.get(type(value), agate.Text)() for value in values]
                names = row.keys() if isinstance(row, dict) else [f"c{n}" for n in range(len(row))]
                listed = [one.values() if isinstance(one, dict) else one for one in rows]
                return agate.Table(listed, list(names), types)
        raise AssertionError(f"The stand-in does not know this question: {asked}")

    @contextmanager
    def instead_of(self) -> Iterator[None]:
        """Puts this in place of an adapter's ways to its warehouse."""
        from dbt.adapters.base import BaseAdapter
        from dbt.adapters.contracts.connection import AdapterResponse
        from dbt.adapters.factory import FACTORY

        FACTORY.load_plugin(self.dialect)
        kind = FACTORY.get_adapter_class_by_name(self.dialect)

        def execute(adapter: Any, sql: str, *_: Any, **__: Any) -> Any:
            return AdapterResponse("OK"), self.rows(sql)

        def get_relation(adapter: Any, database: str, schema: str, identifier: str, **_: Any) -> Any:
            if not self.exists(identifier):
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


class Project:
    """A consumer of the package with the dummy profile of a warehouse. dbt parses it once, since that takes longest."""

    def __init__(self, dialect: str, folder: Path) -> None:
        self.dialect = dialect
        self.folder = folder
        self._parsed: Any = None
        self._states: dict[str, Compiled] = {}

    def nodes(self, state: str) -> Compiled:
        """All nodes, as dbt compiles them in one of STATES."""
        if state not in self._states:
            definitions = None
            if state == "later build":
                log = self.nodes("first build").files["int_forensics__metric_log.sql"]
                written = set(re.findall(r'\{"\w+": "[0-9a-f]{32}"[^{}]*\}', log))
                (definitions,) = [text for text in written if set(json.loads(text)) == set(STREAM["metrics"])]
            self._states[state] = self._run(StandIn(self.dialect, state, definitions), "compile")
        return self._states[state]

    def rendered(self, text: str) -> str:
        """What dbt makes of SQL with macros."""
        found = self._run(StandIn(self.dialect, "later build"), "compile", "--inline", text)
        assert found.success, found.log
        return "".join(found.files.values())

    def _run(self, stand_in: StandIn, *command: str) -> Compiled:
        from dbt.adapters.factory import reset_adapters
        from dbt.cli.main import dbtRunner

        messages: list[str] = []

        def listen(event: Any) -> None:
            if event.info.name == "NodeFinished":
                stand_in.made.add(event.data.node_info.node_name)
            if event.info.level != "debug":
                messages.append(event.info.msg)

        here = Path.cwd()
        quiet = [
            "--log-level",
            "none",
            "--log-level-file",
            "none",
            "--no-partial-parse",
            "--no-populate-cache",
        ]
        places = ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]
        try:
            with stand_in.instead_of():
                if self._parsed is None:
                    self._write()
                    parsed = dbtRunner(callbacks=[listen]).invoke([*quiet, "parse", *places])
                    if not parsed.success:
                        return Compiled({}, [], "\n".join([*messages, str(parsed.exception)]), False)
                    self._parsed = parsed.result
                # Compiling leaves its results in the nodes.
                runner = dbtRunner(manifest=self._parsed.deepcopy(), callbacks=[listen])
                outcome = runner.invoke([*quiet, *command, "--threads", "1", *places])
        finally:
            os.chdir(here)
            reset_adapters()
        if outcome.exception is not None:
            messages.append(str(outcome.exception))
        results = getattr(outcome.result, "results", None) or []
        files = {f"{one.node.name}.sql": one.node.compiled_code for one in results if one.node.compiled_code}
        return Compiled(files, stand_in.queries, "\n".join(messages), outcome.success)

    def _write(self) -> None:
        checks = [
            {f"dbt_forensics.{name}": {"arguments": arguments}}
            for test in TESTS
            for name, arguments in (
                test.items() if isinstance(test, dict) else [(test, {"stream": "orders"})]
            )
        ]
        files: dict[str, Any] = {
            "dbt_project.yml": {
                "name": "consumer",
                "version": "1.0.0",
                "config-version": 2,
                "profile": "consumer",
                "vars": {"forensics_streams": STREAMS, "forensics_watches": WATCHES},
            },
            "profiles.yml": {
                "consumer": {
                    "target": "dummy",
                    "outputs": {"dummy": {"type": self.dialect, **COMMON, **PROFILES[self.dialect]}},
                }
            },
            "packages.yml": {"packages": [{"local": str(PACKAGE)}]},
            "models/sources.yml": {
                "sources": [
                    {"name": "raw", "schema": "raw", "tables": [{"name": "orders", "data_tests": checks}]}
                ]
            },
        }
        for name, content in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        for name, text in MODELS.items():
            (self.folder / "models" / f"{name}.sql").write_text(text, encoding="utf-8")
        # What `dbt deps` does with a local package.
        (self.folder / "dbt_packages").mkdir()
        (self.folder / "dbt_packages" / PACKAGE.name).symlink_to(PACKAGE, target_is_directory=True)


@cache
def project(dialect: str) -> Project:
    """The one project of a warehouse in these tests."""
    folder = Path(tempfile.mkdtemp(prefix=f"dbt_forensics_{dialect}_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Project(dialect, folder)
