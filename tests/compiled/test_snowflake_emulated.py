"""The primitives of macros/adapters/snowflake.sql on an emulator, as far as it goes.

fakesnow translates Snowflake's SQL and runs it on DuckDB. It knows neither hexadecimal numbers, nor formats of
times, nor all of JSON, so that only some primitives can be tried on it, with the decision table that every engine has
to meet.
That proves their logic and not the warehouse: Snowflake remains *compiled, not executed*.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import fakesnow
import pytest
import snowflake.connector
import warehouses

sys.path.append(str(warehouses.PACKAGE / "tests" / "functional"))
from test_primitives import CASES, SEPARATOR, case_id

PRIMITIVES = ("json_text", "canonical_json", "exact_number", "elapsed_seconds", "hash_of")
NUMBERS = [
    number
    for number, this in enumerate(CASES)
    if this.call.split("f.", 1)[1].split("(")[0] in PRIMITIVES and "json_value" not in this.call
]


@pytest.fixture(scope="module")
def answered() -> dict[int, Any]:
    lines = ["{%- set f = dbt_forensics -%}"]
    for number in NUMBERS:
        values = {"v": "c0", "w": "o0", "name": CASES[number].name}
        sets = "".join(f"{{%- set {key} = {json.dumps(value)} -%}}" for key, value in values.items())
        lines.append(sets + "{{ " + CASES[number].call + " }}")
    expressions = (
        warehouses.project("snowflake").rendered(SEPARATOR.join(lines)).split(SEPARATOR.strip("\n"))[1:]
    )
    answers: dict[int, Any] = {}
    with fakesnow.patch():
        cursor = snowflake.connector.connect(database="DB", schema="PUBLIC").cursor()
        for number, expression in zip(NUMBERS, expressions, strict=True):
            given = ", ".join(
                f"{sql} as {name}" for sql, name in zip(CASES[number].given[1], ("c0", "o0"), strict=False)
            )
            try:
                cursor.execute(f"select {expression.strip()} as answer from (select {given}) as given")
                answers[number] = cursor.fetchone()[0]
            except Exception as error:
                answers[number] = f"{type(error).__name__}: {error}"
    return answers


@pytest.mark.parametrize("number", NUMBERS, ids=[case_id(CASES[number]) for number in NUMBERS])
def test_the_primitive_of_snowflake_means_the_same(answered: dict[int, Any], number: int) -> None:
    assert answered[number] == CASES[number].expected


def test_the_emulator_is_asked_all_that_it_can_answer() -> None:
    asked = {re.search(r"f\.(\w+)", CASES[number].call).group(1) for number in NUMBERS}
    assert asked == set(PRIMITIVES)
