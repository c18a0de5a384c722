"""Warehouses that are compiled and not executed: what dbt writes for them is SQL of their dialect, as parsers know it.

A parser knows the grammar and not the server. What a warehouse's documentation says it lacks, and no parser minds, is
looked for by name: GAPS is exactly what is left of that, and docs/engines.md says the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest
import sqlfluff
import sqlglot
from sqlfluff.api.simple import APIParsingError
from sqlfluff.core import FluffConfig
from sqlglot import exp
from warehouses import DIALECTS, PACKAGE, STATES, TYPES, project

SEPARATOR = "-- next"
SLOW_FROM = 1_000  # characters: the second parser takes seconds for what is longer
# Words that cannot be names without quotes, as the documentation lists them (without those that only SHOW minds).
WORDS = {
    "snowflake": """
        all alter and any as between by case cast check column connect constraint create cross current
        current_date current_time current_timestamp current_user delete distinct drop else exists false
        following for from full grant group having ilike in increment inner insert intersect into is join
        lateral left like localtime localtimestamp minus natural not null of on or order qualify regexp revoke
        right rlike row rows sample select set some start table tablesample then to trigger true try_cast union
        unique update using values when whenever where with
    """,
    "bigquery": """
        all and any array as asc assert_rows_modified at between by case cast collate contains create cross cube
        current default define desc distinct else end enum escape except exclude exists extract false fetch
        following for from full group grouping groups hash having if ignore in inner intersect interval into is
        join lateral left like limit lookup merge natural new no not null nulls of on or order outer over
        partition preceding proto qualify range recursive respect right rollup rows select set some struct
        tablesample then to treat true unbounded union unnest using when where window with within
    """,
    "redshift": """
        aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between
        binary blanksasnull both bytedict bzip2 case cast check collate column constraint create credentials
        cross current_date current_time current_timestamp current_user current_user_id default deferrable
        deflate defrag delta delta32k desc disable distinct do else emptyasnull enable encode encrypt encryption
        end except explicit false for foreign freeze from full globaldict256 globaldict64k grant group gzip
        having identity ignore ilike in initially inner intersect interval into is isnull join leading left like
        limit localtime localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull
        null nulls off offline offset oid old on only open or order outer overlaps parallel partition percent
        permissions pivot placing primary qualify raw readratio recover references rejectlog resort respect
        restore right select session_user similar snapshot some sysdate system table tag tdes text255 text32k
        then timestamp to top trailing true truncatecolumns union unique unnest unpivot user using verbose
        wallet when where with without
    """,
    "databricks": """
        anti cross default except false full inner intersect join lateral left minus natural null on right semi
        true union using
    """,
}
RESERVED = {dialect: frozenset(words.split()) for dialect, words in WORDS.items()}
# Functions that the parser has no class for. Each is in the warehouse's documentation.
DOCUMENTED = {
    "snowflake": {"hash", "hex_encode"},
    "bigquery": {"st_astext", "st_geogfromtext"},
    "redshift": {"can_json_parse", "fnv_hash", "from_hex", "json_serialize", "object", "strtol"},
    "databricks": {"conv", "timestamp_micros", "timestamp_seconds", "xxhash64"},
}
# To the parser these are aggregates; an order without a frame is their grammar.
FRAMELESS = (exp.Lag, exp.Lead, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile)
NOT_IN_REDSHIFT = (exp.NullSafeEQ, exp.NullSafeNEQ, exp.Filter, exp.ArrayAgg, exp.JSONExtract, exp.TryCast)
# What the documentation does not allow: {warehouse: {what: files}}.
GAPS: dict[str, dict[str, set[str]]] = {
    "snowflake": {},
    "bigquery": {
        "a range of intervals": {"forensics__verdicts.sql", "verdicts_as_of.sql", "events_as_of.sql"}
    },
    "redshift": {
        "a frame by range": {
            "forensics__verdicts.sql",
            "verdicts_as_of.sql",
            "events_as_of.sql",
            "forensics__ledger.sql",
        }
    },
    "databricks": {},
}


@dataclass
class Seen:
    """Of a statement: what the parser does not know, functions that nobody knows, and what the warehouse lacks."""

    commands: list[str]
    unknown: set[str]
    gaps: set[str]


@cache
def seen(dialect: str, sql: str) -> Seen:
    """Looks through SQL, once: most nodes are written alike whatever is built."""
    found = Seen([], set(), set())
    for tree in sqlglot.parse(sql, dialect=dialect):
        assert tree is not None, sql
        for part in tree.walk():
            if isinstance(part, exp.Command):
                found.commands.append(str(part))
            elif isinstance(part, exp.Anonymous) and part.name.lower() not in DOCUMENTED[dialect]:
                found.unknown.add(part.name.lower())
            found.gaps.update(lacking(part, dialect))
    return found


def lacking(part: exp.Expression, dialect: str) -> Iterator[str]:
    """What a part of a statement is that the warehouse's documentation does not have."""
    if isinstance(part, exp.Select):
        if part.args.get("windows") and dialect in ("snowflake", "redshift"):
            yield "a named window"
        bare = not (part.args.get("from") or part.args.get("from_"))
        if bare and part.args.get("where") and dialect == "bigquery":
            yield "a condition without a relation"
    elif isinstance(part, exp.Window):
        spec = part.args.get("spec")
        is_aggregate = isinstance(part.this, exp.AggFunc) and not isinstance(part.this, FRAMELESS)
        if dialect == "redshift" and part.args.get("order") and is_aggregate and spec is None:
            yield "an ordered window without a frame"
        if spec is not None and str(spec.args.get("kind")).lower() == "range":
            if dialect == "redshift":
                yield "a frame by range"
            elif dialect == "bigquery" and spec.find(exp.Interval):
                yield "a range of intervals"
    elif isinstance(part, exp.Lag | exp.Lead):
        if part.args.get("default") and dialect == "redshift":
            yield f"a default of {part.key}"
    elif isinstance(part, exp.Join):
        if part.side and dialect == "bigquery" and not any(_is_key(one, part) for one in _conjuncts(part)):
            yield "an outer join without an equality"
    elif isinstance(part, exp.Identifier):
        if not part.quoted and part.name.lower() in RESERVED[dialect]:
            yield f"a reserved word as a name: {part.name.lower()}"
    elif isinstance(part, exp.Union):
        if part.args.get("distinct") and dialect in ("bigquery", "redshift"):
            yield "a union without all"
    elif isinstance(part, NOT_IN_REDSHIFT) and dialect == "redshift":
        yield type(part).__name__


def _conjuncts(join: exp.Join) -> Iterator[exp.Expression]:
    """The conditions of a join that all have to hold."""
    condition = join.args.get("on")
    for one in condition.flatten() if isinstance(condition, exp.And) else [condition]:
        yield one.unnest() if one else exp.null()


def _is_key(condition: exp.Expression, join: exp.Join) -> bool:
    """Whether a condition is that something of the joined relation equals something of another."""
    if not isinstance(condition, exp.EQ):
        return False
    sides = [
        {column.table for column in side.find_all(exp.Column)} for side in (condition.left, condition.right)
    ]
    return all(sides) and [join.this.alias_or_name in side for side in sides] in (
        [True, False],
        [False, True],
    )


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_node_is_sql_of_the_dialect(dialect: str, state: str) -> None:
    found = project(dialect).nodes(state)
    assert found.success, found.log
    statements = dict(found.files) | {f"query {n}": sql for n, sql in enumerate(found.queries)}
    assert {"forensics__ledger.sql", "int_forensics__metric_log.sql", "forensics__event_history.sql"} <= set(
        found.files
    )
    for name, sql in statements.items():
        try:
            looked = seen(dialect, sql)
        except sqlglot.errors.SqlglotError as error:
            pytest.fail(f"{name}: {error}")
        assert not looked.commands, f"{name}: {looked.commands}"
        assert not looked.unknown, f"{name}: {looked.unknown}"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_warehouse_lacks_is_known(dialect: str) -> None:
    found = defaultdict(set)
    for state in STATES:
        for name, sql in project(dialect).nodes(state).files.items():
            for gap in seen(dialect, sql).gaps:
                found[gap].add(name)
    assert dict(found) == GAPS[dialect]


@pytest.mark.parametrize(
    ("dialect", "sql", "gap"),
    [
        ("bigquery", "select 1 as a where 1 = 0", "a condition without a relation"),
        ("redshift", "select sum(a) over w from t window w as (partition by b)", "a named window"),
        ("redshift", "select first_value(a) over (order by b) from t", "an ordered window without a frame"),
        ("redshift", "select lag(a, 1, 0) over (order by b) from t", "a default of lag"),
        ("redshift", "select lead(a, 1, 0) over (order by b) from t", "a default of lead"),
        ("redshift", "select a as identity from t", "a reserved word as a name: identity"),
        ("snowflake", "select a from t as sample", "a reserved word as a name: sample"),
        ("bigquery", "with hash as (select 1 as a) select a from hash", "a reserved word as a name: hash"),
        (
            "bigquery",
            "select t.a from t left join s on t.a between s.b and s.c",
            "an outer join without an equality",
        ),
        (
            "bigquery",
            "select t.a from t left join s on t.a = 1 and t.b > s.b",
            "an outer join without an equality",
        ),
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
    assert gap in seen(dialect, sql).gaps


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("redshift", "select dense_rank() over (partition by a order by b) from t"),
        ("redshift", "select coalesce(lag(a) over (order by b), 0) from t"),
        ("redshift", "select first_value(a) over (order by b rows unbounded preceding) from t"),
        ("redshift", 'select a as "identity" from t'),
        ("bigquery", "select max(a) over (order by b range between 1 preceding and current row) from t"),
        ("bigquery", "select t.a from t left join s on lower(t.a) = s.a and t.b > s.b"),
    ],
)
def test_the_search_for_what_is_lacking_passes_over_the_rest(dialect: str, sql: str) -> None:
    assert seen(dialect, sql) == Seen([], set(), set())


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
    "without_collation": "f.without_collation('word')",
    "canonical_json": "f.canonical_json({'a b': 'word', 'it\\'s': 'other', 'back\\\\slash': 'word'}, {'r': 'other'})",
    "canonical_json_array": "f.canonical_json_array(['word', 'other'])",
    "comma_separated": "f.comma_separated(['word', 'other'])",
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
    "time_trunc": "f.time_trunc('hour', 'earlier')",
    "text_literal": "f.text_literal('it\\'s \\\\ \\' or 1 = 1 -- \\n${x} {{ x }}')",
    "quoted": "f.quoted('a \"strange name')",
    "whole_row": "f.whole_row('given')",
}
# Statements, or nothing.
STATEMENTS = {
    "gather_statistics": "f.gather_statistics(ref('dbt_forensics', 'forensics__ledger'))",
    "fix_session": "f.fix_session()",
    "without_jit": "f.without_jit()",
    "without_nested_loops": "f.without_nested_loops()",
    "lock_build": "f.lock_build('dbt_forensics build x.y', true)",
    "delete_rows": "f.delete_rows(ref('dbt_forensics', 'int_forensics__build'), '1 = 0')",
}
# Neither: dbt's config, a number, a check, a part of a select, and what macros ask about types and names.
OTHERS = {"row_store_indexes", "statement_row_limit", "once_per_row", "assert_session", "from_nothing"}
OTHERS |= {
    "attempt",
    "tried_rows",
    "reads_back",
    "reads_any_text",
    "column_types",
    "tells_capitals_apart",
    "keeps_capitals",
    "relations_with_hidden_rows",
}
READ_WITH_TYPE = {"canonical_text", "typed_value", "utc_timestamp", "exact_number", "hash_of"}


def test_every_primitive_is_called() -> None:
    assert set(CALLS) | set(STATEMENTS) | OTHERS == set(primitives())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_primitive_is_an_expression_of_the_dialect(dialect: str) -> None:
    named, lines = [], ["{%- set f = dbt_forensics -%}"]
    for name, call in CALLS.items():
        for kind, data_type in TYPES[dialect].items() if name in READ_WITH_TYPE else [("text", "")]:
            if name == "utc_timestamp" and kind not in ("text", "day", "time", "instant"):
                continue
            named.append(f"{name} of {kind}")
            lines.append(
                f"{{%- set column = 'c_{kind}' -%}}{{%- set type = '{data_type}' -%}}{{{{ {call} }}}}"
            )
    expressions = project(dialect).rendered(f"\n{SEPARATOR}\n".join(lines)).split(SEPARATOR)[1:]
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
        assert seen(dialect, statement) == Seen([], set(), set()), f"{name}: {statement}"
        if len(statement) < SLOW_FROM:
            try:
                sqlfluff.parse(statement, config=config)
            except APIParsingError as error:
                pytest.fail(f"{name}: {error}\n{statement}")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_is_one_of_the_dialect(dialect: str) -> None:
    calls = [f"{{{{ {call} }}}}" for call in STATEMENTS.values()]
    text = f"{{%- set f = dbt_forensics -%}}{SEPARATOR.join(calls)}"
    for name, statement in zip(STATEMENTS, project(dialect).rendered(text).split(SEPARATOR), strict=True):
        if statement.strip():
            assert seen(dialect, statement) == Seen([], set(), set()), f"{name}: {statement}"
