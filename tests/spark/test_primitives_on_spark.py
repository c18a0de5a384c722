"""The primitives mean on Spark what they mean elsewhere: the decision table of
tests/functional/test_primitives.py, in Spark's words.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from functional.test_primitives import CASES, SEPARATOR, Case, case_id
from harness.project import Consumer
from spark.engine import SparkEngine, SparkServer, spark_literal

#: Types that Spark does not have, and an aggregate that it names otherwise (tests/spark tests the order of
#: texts by itself); a column that Iceberg makes wider than asked.
OTHERWISE = re.compile(r"as (time|uuid)\)|string_agg")
WIDER = "" if find_spec("pysail") else "'99999' as smallint: too large"


def in_spark(sql: str) -> str:
    """SQL of an input on DuckDB as Spark writes it."""
    codes = re.fullmatch(r"\((?:''|cast\('' as text\)) *(?:\|\| chr\(\d+\) *)*\)", sql)
    if codes:
        text = "".join(chr(int(code)) for code in re.findall(r"chr\((\d+)\)", sql))
        return f"cast({spark_literal(text)} as string)"
    for theirs, ours in {
        "double precision": "double",
        "timestamp with time zone": "timestamp",
        "varchar": "string",
        "text": "string",
    }.items():
        sql = sql.replace(f"as {theirs}", f"as {ours}")
    return re.sub(r"as real\b", "as float", sql)


def is_told(this: Case) -> bool:
    return this.why != WIDER and not OTHERWISE.search(" ".join([this.call, *this.given[0], *this.rows]))


#: Sail 0.7.2 reads a decimal back from Delta's statistics where all rows have the same, and these keep fewer digits.
NO_STATISTICS = "'delta.dataSkippingNumIndexedCols' = '0'"
TOLD = [this for this in CASES if is_told(this)]
AT_ONCE = 50  # cases of one table and one query: with many more, planning takes the time
TYPES = """
{%- set f = dbt_forensics -%}
{%- set types = {} -%}
{%- for column in adapter.get_columns_in_relation(source('raw', 'given_NUMBER')) -%}
    {%- do types.update({column.name: column.data_type}) -%}
{%- endfor -%}
"""


@pytest.fixture(scope="module")
def answered(spark_server: SparkServer, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    engine = spark_server.new_engine()
    folder: Path = tmp_path_factory.mktemp("primitives")
    models, tables = {}, []
    for start in range(0, len(TOLD), AT_ONCE):
        inputs, lines = ["1 as one"], [TYPES.replace("NUMBER", str(start))]
        for number, this in enumerate(TOLD[start : start + AT_ONCE], start):
            names = [f"c{number}", f"o{number}"]
            inputs += [f"{in_spark(sql)} as {name}" for sql, name in zip(this.given[0], names, strict=False)]
            values = {"v": "v" if this.rows else names[0], "w": names[1], "name": this.name}
            sets = "".join(f"{{%- set {key} = {json.dumps(value)} -%}}" for key, value in values.items())
            sets += "{%- set type = types.get(v) -%}{%- set other_type = types.get(w) -%}"
            lines.append(sets + "{{ " + this.call.replace("as varchar)", "as string)") + " }}")
        tables.append(f"given_{start}")
        models[f"cases_{start}.sql"] = SEPARATOR.join(lines)
        engine.execute(
            f"create table raw.given_{start} using {engine.file_format} tblproperties ({NO_STATISTICS})"
            " as select " + ", ".join(inputs)
        )
    consumer = Consumer(engine, folder, sources={"raw": tables}, models=models)
    consumer.dbt(["compile", "--select", "consumer"])
    expressions: list[str] = []
    for start in range(0, len(TOLD), AT_ONCE):
        compiled = next(folder.glob(f"target/compiled/**/cases_{start}.sql")).read_text(encoding="utf-8")
        expressions += [text.strip() for text in compiled.split(SEPARATOR.strip("\n"))[1:]]
    return answers(engine, expressions)


def answers(engine: SparkEngine, expressions: list[str]) -> list[Any]:
    """The value of every case, or the error that the engine gave instead. Many at a time, as long as none fails."""
    found: dict[int, Any] = {}
    for start in range(0, len(TOLD), AT_ONCE):
        asked = [n for n in range(start, min(start + AT_ONCE, len(TOLD))) if not TOLD[n].rows]
        given = f"raw.given_{start}"
        try:
            columns = ", ".join(f"{expressions[n]} as a{n}" for n in asked)
            (row,) = engine.query(f"select 1, {columns} from {given}")
            found.update({n: row[f"a{n}"] for n in asked})
        except Exception:
            found.update({n: answer(engine, expressions[n], given) for n in asked})
    for number, this in enumerate(TOLD):
        if this.rows:
            rows = " union all ".join(f"select cast({in_spark(row)} as string) as v" for row in this.rows)
            found[number] = answer(engine, expressions[number], f"({rows}) as t")
    return [plain(found[number]) for number in range(len(TOLD))]


def plain(answer: Any) -> Any:
    """Java writes a decimal of few digits with an exponent, 0.000000001 as 1E-9."""
    is_short = isinstance(answer, str) and re.fullmatch(r"-?[0-9]E-[0-9]", answer)
    return f"{Decimal(answer):f}" if is_short else answer


def answer(engine: SparkEngine, expression: str, given: str) -> Any:
    try:
        (row,) = engine.query(f"select {expression} as answer from {given}")
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:500]
    return row["answer"]


@pytest.mark.parametrize("number", range(len(TOLD)), ids=[case_id(this) for this in TOLD])
def test_the_primitive_means_what_it_says(answered: list[Any], number: int) -> None:
    assert answered[number] == TOLD[number].expected
