"""What macros/adapters/redshift.sql writes means what it should, as far as PostgreSQL can tell.

No Redshift can be reached from here. Its SQL is a dialect of PostgreSQL's, so that the decision table of
test_primitives.py can be run on a PostgreSQL with the few functions that only Redshift has, written here from its
documentation. That proves the logic, not the warehouse: Redshift remains *compiled, not executed*.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from test_primitives import CASES, OTHER_TIME_ZONE, SEPARATOR, TYPES_OF_INPUTS, answers, case_id

from harness.engines import Engine
from harness.project import Consumer

SHIMS = """
create function strtol(digits text, base integer) returns bigint language sql immutable as
    'select cast(cast(''x'' || lpad(digits, 16, ''0'') as bit(64)) as bigint)';
create function fnv_hash(value text, seed bigint) returns bigint language sql immutable as
    'select hashtextextended(value, seed)';
create function fnv_hash(value text) returns bigint language sql immutable as 'select hashtextextended(value, 0)';
create function json_extract_path_text(value text, name text) returns text language sql immutable as
    'select coalesce(cast(value as json) ->> name, '''')';
create function microseconds_between(earlier timestamp, later timestamp) returns bigint language sql immutable as
    'select cast((extract(epoch from later) - extract(epoch from earlier)) * 1000000 as bigint)';
"""
# What Redshift does not have (uuid), does by design otherwise (first_ten), and what is no primitive of an engine's own.
PRIMITIVES = (
    "canonical_text",
    "json_text",
    "json_value",
    "typed_value",
    "utc_timestamp",
    "exact_number",
    "exact_quotient",
    "exact_ratio",
    "digest_word",
    "elapsed_seconds",
    "hash_of",
)
NUMBERS = [
    number
    for number, this in enumerate(CASES)
    if this.call.split("f.", 1)[1].split("(")[0] in PRIMITIVES
    and not this.rows
    and "uuid" not in str(this.given)
    and "canonical_json" not in this.call
]


@pytest.fixture(scope="module")
def answered(
    engine_named: Callable[[str], AbstractContextManager[Engine]],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[dict[int, Any]]:
    if request.config.getoption("engine") == "duckdb":
        pytest.skip("PostgreSQL stands in for Redshift, and --engine duckdb was asked for")
    cases = [CASES[number] for number in NUMBERS]
    inputs, lines = [], [TYPES_OF_INPUTS]
    wrapped = ", ".join(f"'{name}': dbt_forensics.redshift__{name}" for name in PRIMITIVES)
    lines[0] += "{%- set f = {" + wrapped + "} -%}"
    for position, this in enumerate(cases):
        names = [f"c{position}", f"o{position}"]
        inputs += [f"{sql} as {name}" for sql, name in zip(this.given[1], names, strict=False)]
        values = {"v": names[0], "w": names[1], "name": this.name}
        sets = "".join(f"{{%- set {key} = {json.dumps(value)} -%}}" for key, value in values.items())
        sets += "{%- set type = types.get(v) | lower -%}{%- set other_type = types.get(w, '') | lower -%}"
        # utc_timestamp(v) of a macro called by dispatch has a default for the type; called directly it has none.
        lines.append(sets + "{{ " + this.call + " }}")
    with engine_named("postgres") as engine:
        engine.execute(SHIMS)
        engine.execute("create table raw.given as select " + ", ".join(inputs))
        folder = tmp_path_factory.mktemp("redshift")
        consumer = Consumer(
            engine, folder, sources={"raw": ["given"]}, models={"cases.sql": SEPARATOR.join(lines)}
        )
        consumer.dbt(["compile", "--select", "cases"])
        compiled = next(folder.glob("target/compiled/**/cases.sql")).read_text(encoding="utf-8")
        compiled = compiled.replace("datediff(microsecond, ", "microseconds_between(")
        expressions = compiled.split(SEPARATOR.strip("\n"))[1:]
        found = answers(engine, expressions, OTHER_TIME_ZONE, cases)
        yield dict(zip(NUMBERS, found, strict=True))


@pytest.mark.parametrize("number", NUMBERS, ids=[case_id(CASES[number]) for number in NUMBERS])
def test_the_primitive_of_redshift_means_the_same(answered: dict[int, Any], number: int) -> None:
    assert answered[number] == CASES[number].expected
