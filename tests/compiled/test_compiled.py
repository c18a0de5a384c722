"""Warehouses that are compiled and not executed: what dbt writes for them is SQL of their dialect, as parsers know it.

A parser knows the grammar and not the server. What a warehouse's documentation says it lacks, and no parser minds, is
looked for by name: GAPS is exactly what is left of that, and docs/engines.md says the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlfluff
import sqlglot
import warehouses
from sqlfluff.api.simple import APIParsingError
from sqlfluff.core import FluffConfig
from sqlglot import exp
from warehouses import DIALECTS, PACKAGE, TYPES, Compiled

SEPARATOR = "-- next"
SLOW_FROM = 1_000  # characters: the second parser takes seconds for what is longer
# Functions that the parser has no class for. Each is in the warehouse's documentation.
DOCUMENTED = {
    "snowflake": {"hash", "hex_encode"},
    "bigquery": {"st_astext", "st_geogfromtext"},
    "redshift": {"can_json_parse", "fnv_hash", "from_hex", "json_serialize", "strtol"},
    "databricks": {"conv", "timestamp_micros", "xxhash64"},
}
# What the documentation does not allow: {warehouse: {what: files}}.
GAPS: dict[str, dict[str, set[str]]] = {
    "snowflake": {},
    "bigquery": {"a range of intervals": {"forensics__events.sql"}},
    "redshift": {
        "a frame by range": {
            "forensics__events.sql",
            "forensics__ledger.sql",
            "int_forensics__metric_log.sql",
        }
    },
    "databricks": {},
}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("warehouses")


@cache
def project(dialect: str, built: bool, folder: Path) -> Compiled:
    return warehouses.compiled(dialect, folder / f"{dialect}-{built}", built=built)


def lacking(tree: exp.Expression, dialect: str) -> Iterator[str]:
    """What a statement uses that the warehouse's documentation does not have."""
    for select in tree.find_all(exp.Select):
        if select.args.get("windows") and dialect in ("snowflake", "redshift"):
            yield "a named window"
        bare = not (select.args.get("from") or select.args.get("from_"))
        if bare and select.args.get("where") and dialect == "bigquery":
            yield "a condition without a relation"
    for window in tree.find_all(exp.Window):
        spec = window.args.get("spec")
        is_aggregate = isinstance(window.this, exp.AggFunc) and not isinstance(
            window.this, exp.Lag | exp.Lead
        )
        if dialect == "redshift" and window.args.get("order") and is_aggregate and spec is None:
            yield "an ordered window without a frame"
        if spec is not None and str(spec.args.get("kind")).lower() == "range":
            if dialect == "redshift":
                yield "a frame by range"
            elif dialect == "bigquery" and spec.find(exp.Interval):
                yield "a range of intervals"
    for lag in tree.find_all(exp.Lag):
        if lag.args.get("default") and dialect == "redshift":
            yield "a default of lag"
    if dialect == "redshift":
        for kind in (exp.NullSafeEQ, exp.NullSafeNEQ, exp.Filter, exp.ArrayAgg, exp.JSONExtract, exp.TryCast):
            if tree.find(kind):
                yield kind.__name__
    for union in tree.find_all(exp.Union):
        if union.args.get("distinct") and dialect in ("bigquery", "redshift"):
            yield "a union without all"


@pytest.mark.parametrize("built", [False, True], ids=["first build", "later build"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_node_is_sql_of_the_dialect(dialect: str, built: bool, folders: Path) -> None:
    found = project(dialect, built, folders)
    assert found.success, found.log
    statements = dict(found.files) | {f"query {n}": sql for n, sql in enumerate(found.queries)}
    names = {Path(name).name for name in found.files}
    assert {"forensics__ledger.sql", "int_forensics__metric_log.sql", "forensics__event_history.sql"} <= names
    for name, sql in statements.items():
        try:
            trees = sqlglot.parse(sql, dialect=dialect)
        except sqlglot.errors.SqlglotError as error:
            pytest.fail(f"{name}: {error}")
        for tree in trees:
            assert tree is not None, name
            assert not tree.find(exp.Command), f"{name}: {tree.find(exp.Command)}"
            unknown = {call.name.lower() for call in tree.find_all(exp.Anonymous)} - DOCUMENTED[dialect]
            assert not unknown, f"{name}: {unknown}"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_warehouse_lacks_is_known(dialect: str, folders: Path) -> None:
    found = defaultdict(set)
    for built in (False, True):
        for name, sql in project(dialect, built, folders).files.items():
            for tree in sqlglot.parse(sql, dialect=dialect):
                for gap in lacking(tree, dialect):
                    found[gap].add(Path(name).name)
    assert dict(found) == GAPS[dialect]


@pytest.mark.parametrize(
    ("dialect", "sql", "gap"),
    [
        ("bigquery", "select 1 as a where 1 = 0", "a condition without a relation"),
        ("redshift", "select sum(a) over w from t window w as (partition by b)", "a named window"),
        ("redshift", "select first_value(a) over (order by b) from t", "an ordered window without a frame"),
        ("redshift", "select lag(a, 1, 0) over (order by b) from t", "a default of lag"),
        ("redshift", "select a is not distinct from b from t", "NullSafeEQ"),
        ("redshift", "select a from t union select a from s", "a union without all"),
        (
            "redshift",
            "select sum(a) over (order by b range between 1 following and 1 following) from t",
            "a frame by range",
        ),
        (
            "bigquery",
            "select max(a) over (order by b range between unbounded preceding and interval 1 day preceding) from t",
            "a range of intervals",
        ),
    ],
)
def test_the_search_for_what_is_lacking_finds_it(dialect: str, sql: str, gap: str) -> None:
    assert gap in set(lacking(sqlglot.parse_one(sql, dialect=dialect), dialect))


def primitives() -> dict[str, list[str]]:
    """{name: arguments} of the primitives that are dispatched, from the file that says what they mean."""
    text = (PACKAGE / "macros/adapters/primitives.sql").read_text(encoding="utf-8")
    found = {}
    for name, signature, body in re.findall(
        r"\{% macro (\w+)\((.*?)\) %\}(.*?)\{% endmacro %\}", text, re.DOTALL
    ):
        if "adapter.dispatch" in body:
            found[name] = re.findall(r"(\w+)(?:=[^,]+)?", re.sub(r"=[^,]*", "", signature))
    return found


# How each primitive is called, with `column`, and its type where it takes one.
CALLS = {
    "canonical_text": "f.canonical_text(column, type)",
    "json_text": "f.json_text('word')",
    "canonical_json": "f.canonical_json({'a b': 'word', 'it\\'s': 'other', 'back\\\\slash': 'word'}, {'r': 'other'})",
    "canonical_json_array": "f.canonical_json_array(['word', 'other'])",
    "json_value": "f.json_value('word', 'it\\'s \\\\ a \"name\"')",
    "typed_value": "f.typed_value('word', type)",
    "utc_timestamp": "f.utc_timestamp(column, type)",
    "exact_number": "f.exact_number(column)",
    "digest_word": "f.digest_word('word', 2)",
    "hash_of": "f.hash_of(['word', column])",
    "first_ten": "f.first_ten('word', \"other = 'x'\")",
    "exact_quotient": "f.exact_quotient('amount', 'many')",
    "exact_ratio": "f.exact_ratio('amount', 'many')",
    "elapsed_seconds": "f.elapsed_seconds('earlier', 'later')",
    "byte_order": "f.byte_order('word')",
    "is_same": "f.is_same('word', 'other')",
    "time_plus": "f.time_plus('hour', -3, 'earlier')",
    "text_literal": "f.text_literal('it\\'s \\\\ \\' or 1 = 1 -- \\n${x} {{ x }}')",
    "quoted": "f.quoted('a \"strange name')",
}
# No expressions: a statement, dbt's config, a check, and a part of a select.
OTHERS = {"gather_statistics", "row_store_indexes", "assert_session", "from_nothing"}
READ_WITH_TYPE = {"canonical_text", "typed_value", "utc_timestamp", "exact_number", "hash_of"}


def test_every_primitive_is_called() -> None:
    assert set(CALLS) | OTHERS >= set(primitives())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_primitive_is_an_expression_of_the_dialect(dialect: str, folders: Path) -> None:
    known = primitives()
    named, lines = [], ["{%- set f = dbt_forensics -%}"]
    for name, call in CALLS.items():
        if name not in known:
            continue
        for kind, data_type in TYPES[dialect].items() if name in READ_WITH_TYPE else [("text", "")]:
            if name == "utc_timestamp" and kind not in ("text", "day", "time", "instant"):
                continue
            named.append(f"{name} of {kind}")
            lines.append(
                f"{{%- set column = 'c_{kind}' -%}}{{%- set type = '{data_type}' -%}}{{{{ {call} }}}}"
            )
    found = warehouses.compiled(
        dialect,
        folders / f"{dialect}-primitives",
        models={"cases.sql": f"\n{SEPARATOR}\n".join(lines)},
        streams={},
        command=("compile", "--select", "cases"),
    )
    assert found.success, found.log
    (sql,) = [text for name, text in found.files.items() if name.endswith("cases.sql")]
    expressions = sql.split(SEPARATOR)[1:]
    assert len(expressions) == len(named)
    config = FluffConfig(overrides={"dialect": dialect, "templater": "raw", "max_parse_depth": 0})
    for name, expression in zip(named, expressions, strict=True):
        statement = f"select {expression.strip()} as answer from given"
        try:
            tree = sqlglot.parse_one(statement, dialect=dialect)
        except sqlglot.errors.SqlglotError as error:
            pytest.fail(f"{name}: {error}\n{statement}")
        # A literal or a name that ended too early would leave more than one column behind.
        assert len(tree.expressions) == 1, f"{name}: {statement}"
        assert not list(lacking(tree, dialect)), f"{name}: {statement}"
        unknown = {call.name.lower() for call in tree.find_all(exp.Anonymous)} - DOCUMENTED[dialect]
        assert not unknown, f"{name}: {unknown}"
        if len(statement) < SLOW_FROM:
            try:
                sqlfluff.parse(statement, config=config)
            except APIParsingError as error:
                pytest.fail(f"{name}: {error}\n{statement}")
