"""Every type that the engine itself lists: one text per value in any session, and the very value again from that text.

The catalog says which types there are; a type without a value here fails the first test, so that none is forgotten.
Expressions are rendered by one `dbt compile` per engine and run under several sessions, each behind the statements
of fix_session(), as the package's own are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines import Engine, Postgres
from harness.project import Consumer

pytestmark = pytest.mark.engines_differ

ODD = "'a,b \"c\" \\ d''e {[(=:)]} NULL'"

#: SQL of one or more values of each type of DuckDB's catalog.
DUCKDB: dict[str, list[str]] = {
    "BOOLEAN": ["true"],
    "TINYINT": ["cast(-5 as tinyint)"],
    "SMALLINT": ["cast(-5 as smallint)"],
    "INTEGER": ["-5"],
    "BIGINT": ["cast(9223372036854775807 as bigint)"],
    "HUGEINT": ["cast('-170141183460469231731687303715884105727' as hugeint)"],
    "UTINYINT": ["cast(255 as utinyint)"],
    "USMALLINT": ["cast(65535 as usmallint)"],
    "UINTEGER": ["cast(4294967295 as uinteger)"],
    "UBIGINT": ["cast('18446744073709551615' as ubigint)"],
    "UHUGEINT": ["cast('340282366920938463463374607431768211455' as uhugeint)"],
    "BIGNUM": ["cast('12345678901234567890123456789012345678901234567890' as bignum)"],
    "DECIMAL": ["cast('1.50' as decimal(10, 2))", "cast('5' as decimal(10, 0))"],
    "DOUBLE": ["cast('0.30000000000000004' as double)", "cast('1e300' as double)"],
    "FLOAT": ["cast('0.1' as float)"],
    "VARCHAR": [ODD],
    "ENUM": ["cast('It''s, B' as enum('a', 'It''s, B'))"],
    "DATE": ["date '2026-01-05'", "cast('infinity' as date)"],
    "TIME": ["time '10:00:00.123456'"],
    "TIME_NS": ["cast('10:00:00.123456789' as time_ns)"],
    "TIME WITH TIME ZONE": ["cast('10:00:00.5+05:45' as timetz)"],
    "TIMESTAMP": [
        "timestamp '2026-01-05 10:00:00.5'",
        "timestamp 'infinity'",
        "timestamp '0044-03-15 (BC) 10:00:00'",
    ],
    "TIMESTAMP_S": ["cast('2026-01-05 10:00:00' as timestamp_s)"],
    "TIMESTAMP_MS": ["cast('2026-01-05 10:00:00.123' as timestamp_ms)"],
    "TIMESTAMP_NS": ["cast('2026-01-05 10:00:00.123456789' as timestamp_ns)"],
    "TIMESTAMP WITH TIME ZONE": ["timestamptz '2026-01-05 10:00:00.5+02'"],
    "TIMESTAMPTZ_NS": ["cast('2026-01-05 10:00:00.123456789+02' as timestamptz_ns)"],
    "INTERVAL": ["interval '1 year 2 months 3 days 04:05:06.789'", "interval '-1 day'"],
    "BLOB": ["cast('\\xAA\\x00,''' as blob)"],
    "BIT": ["cast('0101' as bit)"],
    "UUID": ["cast('6fd43a3e-2d9e-4a3b-8d3e-0c6c2a6d1f11' as uuid)"],
    "GEOMETRY": ["cast('POINT(1 2)' as geometry)"],
    "NULL": [],
    "LIST": [
        f"[{ODD}, null, '', 'NULL', ' x ']",
        "[timestamptz '2026-01-05 10:00:00+02', null]",
        "[timestamp '2026-01-05 10:00:00']",
        "[cast('1.50' as decimal(10, 2))]",
        "[[1], []]",
        "[interval '1 day']",
        "cast([] as timestamptz[])",
    ],
    "ARRAY": [
        "cast(['a,b', null] as varchar[2])",
        "cast([timestamptz '2026-01-05 10:00:00+02'] as timestamptz[1])",
    ],
    "STRUCT": [
        f"{{'A': {ODD}, 'b c': timestamptz '2026-01-05 10:00:00+02', 'd': cast(0.1 as double)}}",
        "{'e': [null, {'f': ''}]}",
    ],
    "TUPLE": ["row(1, 'a,b', timestamptz '2026-01-05 10:00:00+02')"],
    "MAP": [
        f"map {{{ODD}: timestamptz '2026-01-05 10:00:00+02'}}",
        "map {timestamptz '2026-01-05 10:00:00+02': 1}",
    ],
    "UNION": [
        "cast(union_value(s := '5') as union(n integer, s varchar))",
        "cast(union_value(n := 5) as union(n integer, s varchar))",
        "[cast(union_value(t := timestamptz '2026-01-05 10:00:00+02') as union(n integer, t timestamptz))]",
    ],
    "VARIANT": ["cast(5 as variant)", "cast('5' as variant)"],
}
#: No table can have a column of it.
DUCKDB_WITHOUT_VALUES = {"TYPE"}
#: Their text does not say all: a metric that names such a column is refused.
NOT_READ_BACK = {"VARIANT"}

#: SQL of a value of each base, range and multirange type of PostgreSQL's catalog.
POSTGRES: dict[str, str] = {
    "aclitem": "'forensics=r/forensics'",
    "bit": "'101'",
    "bool": "'true'",
    "box": "'(2,2),(0.1,0.30000000000000004)'",
    "bpchar": "'ab  '",
    "bytea": "'\\x00ff27'",
    "char": "'x'",
    "cid": "'7'",
    "cidr": "'10.0.0.0/8'",
    "circle": "'<(0.1,2),3>'",
    "date": "'2026-01-05'",
    "daterange": "'[2026-01-05,infinity)'",
    "datemultirange": "'{[2026-01-05,2026-01-07)}'",
    "float4": "'0.1'",
    "float8": "'0.30000000000000004'",
    "inet": "'10.0.0.1/24'",
    "int2": "'-5'",
    "int4": "'-5'",
    "int8": "'9223372036854775807'",
    "int2vector": "'1 2'",
    "int4range": "'[1,5)'",
    "int4multirange": "'{[1,5),[7,8)}'",
    "int8range": "'[1,)'",
    "int8multirange": "'{[1,5)}'",
    "interval": "'-1 year 2 months -3 days 04:05:06.789'",
    "json": "'{\"a\": [1, 2.50]}'",
    "jsonb": "'{\"a\": [1, 2.50]}'",
    "jsonpath": "'$.\"a\"'",
    "line": "'{1,-1,0.1}'",
    "lseg": "'[(0.1,0),(1,1)]'",
    "macaddr": "'08:00:2b:01:02:03'",
    "macaddr8": "'08:00:2b:01:02:03:04:05'",
    "money": "'-1234.56'",
    "name": "'it''s'",
    "numeric": "'1.50'",
    "nummultirange": "'{[1.50,2)}'",
    "numrange": "'[1.50,2)'",
    "oid": "'26'",
    "oidvector": "'1 2'",
    "path": "'[(0.1,0),(1,1)]'",
    "pg_lsn": "'16/B374D848'",
    "pg_snapshot": "'10:20:10,14,15'",
    "point": "'(0.1,0.30000000000000004)'",
    "polygon": "'((0.1,0),(1,1),(2,0))'",
    "refcursor": "'c'",
    "regclass": "'raw.\"Odd name\"'",
    "regcollation": "'pg_catalog.\"C\"'",
    "regconfig": "'english'",
    "regdictionary": "'simple'",
    "regnamespace": "'raw'",
    "regoper": "'pg_catalog.|/'",
    "regoperator": "'+(integer,integer)'",
    "regproc": "'pg_typeof'",
    "regprocedure": "'raw.half(double precision)'",
    "regrole": "'forensics'",
    "regtype": "'raw.\"Mood\"'",
    "text": ODD,
    "tid": "'(1,2)'",
    "time": "'10:00:00.123456'",
    "timetz": "'10:00:00.5+05:45'",
    "timestamp": "'2026-01-05 10:00:00.5'",
    "timestamptz": "'2026-01-05 10:00:00.5+02'",
    "tsmultirange": "'{[2026-01-05 10:00:00,2026-01-06 10:00:00)}'",
    "tsrange": "'[2026-01-05 10:00:00,)'",
    "tstzmultirange": "'{[2026-01-05 10:00:00+02,2026-01-06 10:00:00+02)}'",
    "tstzrange": "'[2026-01-05 10:00:00+02,infinity)'",
    "tsquery": "'''fat'' & ''rat'''",
    "tsvector": "'''a b'':1 ''fat'':2'",
    "txid_snapshot": "'10:20:10,14,15'",
    "uuid": "'6fd43a3e-2d9e-4a3b-8d3e-0c6c2a6d1f11'",
    "varbit": "'1011'",
    "varchar": "'1.50'",
    "xid": "'7'",
    "xid8": "'7'",
    "xml": "'<a b=\"1\">x</a>'",
}
#: No value of it can be written, or no operator of the name exists alone.
POSTGRES_WITHOUT_VALUES = {
    "pg_node_tree",
    "pg_ndistinct",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "gtsvector",
}
MADE = """
create type raw."Mood" as enum ('It''s, B', 'a');
create type raw.at_place as (at timestamptz, "The size" double precision, took interval, body bytea, note text);
create domain raw.tags as text[];
create domain raw.price as numeric(10, 2) check (value >= 0);
create table raw."Odd name" (id integer);
create function raw.half(double precision) returns double precision language sql as 'select $1 / 2';
"""
#: Values of types that users make, and of types with a size.
POSTGRES_MADE = {
    'raw."Mood"': "'It''s, B'",
    'raw."Mood"[]': "array['It''s, B', null]",
    "raw.at_place": f"row('2026-01-05 10:00:00+02', 0.30000000000000004, interval '1 day 2 hours', '\\x00ff', {ODD})",
    "raw.at_place[]": "array[row('2026-01-05 10:00:00+02', 0.1, interval '-1 month', '\\x27', null)]",
    "raw.tags": f"array[{ODD}, null, 'NULL', '']",
    "raw.price": "1.50",
    "numeric(18, 2)": "1.50",
    "character(5)": "'ab'",
    "bit(3)": "'101'",
    "timestamp(0)": "'infinity'",
    "integer[]": "array[[1, 2], [3, null]]",
    "bit varying(8)": "'1'",
}
#: Types that have no equality, or whose arrays cannot be made, are compared as text alone.
SESSIONS: dict[str, list[dict[str, str]]] = {
    "duckdb": [
        {},
        {"TimeZone": "Asia/Kathmandu", "Calendar": "buddhist", "integer_division": "true"},
        {"TimeZone": "America/New_York", "ieee_floating_point_ops": "false"},
    ],
    "postgres": [
        {},
        {
            "timezone": "Asia/Kathmandu",
            "datestyle": "SQL, DMY",
            "intervalstyle": "iso_8601",
            "bytea_output": "escape",
            "extra_float_digits": "-5",
            "search_path": "raw, pg_catalog",
            "xmloption": "document",
            "quote_all_identifiers": "on",
        },
        {
            "timezone": "America/New_York",
            "datestyle": "German, YMD",
            "intervalstyle": "sql_standard",
            "extra_float_digits": "0",
            "array_nulls": "off",
            "lc_monetary": "C.UTF-8",
            "search_path": "",
        },
    ],
}


@dataclass
class Told:
    """A value: its column, type, text in each session, and whether it came back from its text in each."""

    type: str
    value: str
    texts: list[Any]
    came_back: list[Any]
    reads_back: bool


def duckdb_columns(engine: Engine) -> list[tuple[str, str]]:
    """(the type as the catalog lists it, SQL of a value)."""
    found = engine.query(
        "select distinct logical_type as t from duckdb_types() where database_name = 'system'"
    )
    listed = {row["t"] for row in found} - DUCKDB_WITHOUT_VALUES
    assert listed <= DUCKDB.keys(), listed - DUCKDB.keys()
    return [(type_, value) for type_ in sorted(DUCKDB) for value in DUCKDB[type_]]


def postgres_columns(engine: Engine) -> list[tuple[str, str]]:
    engine.execute(MADE)
    found = engine.query(
        "select t.typname as t, format_type(a.oid, null) as arrays"
        " from pg_type as t left join pg_type as a on t.typarray = a.oid"
        " where t.typnamespace = 'pg_catalog'::regnamespace and t.typtype in ('b', 'r', 'm')"
        " and not exists (select 1 from pg_type as e where e.typarray = t.oid)"
    )
    arrays = {row["t"]: row["arrays"] for row in found if row["t"] not in POSTGRES_WITHOUT_VALUES}
    assert arrays.keys() <= POSTGRES.keys(), arrays.keys() - POSTGRES.keys()
    columns = [(name, f"cast({POSTGRES[name]} as pg_catalog.{json.dumps(name)})") for name in sorted(arrays)]
    columns += [
        (array, f"cast(array[cast({POSTGRES[name]} as pg_catalog.{json.dumps(name)}), null] as {array})")
        for name, array in sorted(arrays.items())
        if array and not name.startswith("reg")
    ]
    return columns + [(type_, f"cast({value} as {type_})") for type_, value in POSTGRES_MADE.items()]


SEPARATOR = "\n-- next\n"


@pytest.fixture(scope="module")
def told(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Told]]:
    with new_engine() as engine:
        folder = tmp_path_factory.mktemp("types")
        is_postgres = isinstance(engine, Postgres)
        columns = postgres_columns(engine) if is_postgres else duckdb_columns(engine)
        selected = ", ".join(f"{value} as c{number}" for number, (_, value) in enumerate(columns))
        engine.execute(f"create table raw.given as select {selected}")
        types = "{%- set f = dbt_forensics -%}{%- set types = f.column_types(source('raw', 'given')) -%}"
        lines = [types + "{{ f.fix_session() }}"]
        for number in range(len(columns)):
            lines.append(
                f"{{%- set v, type = 'c{number}', types['c{number}'] -%}}{{%- set text = f.canonical_text(v, type) -%}}"
                "{%- set value = f.typed_value('told_text', type) if f.reads_back(type) else 'null' -%}"
                "{#- Without a scale 1.50 and 1.5 are one number. -#}"
                "{%- set seen = f.canonical_text(v, type) if type == 'numeric' else v -%}"
                "select told_text, {{ f.canonical_text(value, type) }} = told_text"
                " and cast({{ value }} as varchar) = cast({{ seen }} as varchar), {{ f.reads_back(type) | lower }}"
                " from (select {{ v }}, {{ text }} as told_text from raw.given) as given"
            )
        consumer = Consumer(
            engine, folder, sources={"raw": ["given"]}, models={"cases.sql": SEPARATOR.join(lines)}
        )
        consumer.dbt(["compile", "--select", "cases"])
        compiled = next(folder.glob("target/compiled/**/cases.sql")).read_text(encoding="utf-8")
        fixing, *queries = compiled.split(SEPARATOR.strip("\n"))
        found = [Told(type_, value, [], [], True) for type_, value in columns]
        for session in SESSIONS[engine.name]:
            engine.release()  # a session of its own
            for name, value in session.items():
                engine.execute(f"set {name} = '{value}'" if is_postgres else f"set global {name} = '{value}'")
            cursor = engine.connection.cursor()
            cursor.execute("begin")
            cursor.execute(fixing)
            for query, column in zip(queries, found, strict=True):
                cursor.execute(query)
                row = cursor.fetchone()
                column.texts.append(row[0])
                column.came_back.append(row[1])
                column.reads_back = row[2]
            cursor.execute("rollback")
        yield found


def test_every_value_has_one_text_in_any_session(told: list[Told]) -> None:
    several = {value.value: value.texts for value in told if len(set(value.texts)) > 1}
    assert several == {}
    assert len(told) > 30


#: Texts that keys are made of: another one would make every row with such a value a new row.
PINNED = {
    "INTERVAL": "1 year 2 months 3 days 04:05:06.789",
    "BLOB": "\\xAA\\x00,\\x27",
    "BIT": "0101",
    "TIME WITH TIME ZONE": "10:00:00.5+05:45",
    "TIMESTAMP_NS": "2026-01-05T10:00:00.123456789",
    "MAP": "{'a,b \"c\" \\\\ d\\'e {[(=:)]} NULL'='2026-01-05 08:00:00+00'}",
    "interval": "-10 mons -3 days +04:05:06.789",
    "bytea": "\\x00ff27",
    "money": "-$1,234.56",
    "timetz": "10:00:00.5+05:45",
    "tstzrange": '["2026-01-05 08:00:00+00",infinity)',
    "point": "(0.1,0.30000000000000004)",
}


def test_the_text_of_a_value_is_what_it_was(told: list[Told]) -> None:
    texts = {value.type: value.texts[0] for value in reversed(told)}
    found = {type_: texts[type_] for type_ in PINNED if type_ in texts}
    assert found == {type_: PINNED[type_] for type_ in found}
    assert len(found) > 5


def test_every_value_comes_back_from_its_text(told: list[Told]) -> None:
    lost = {v.value: (v.texts, v.came_back) for v in told if v.reads_back and not all(v.came_back)}
    assert lost == {}
    assert {v.type for v in told if not v.reads_back} <= NOT_READ_BACK


# In builds

HAPPENED = "timestamp '2026-01-05 09:00:00'"
#: Columns whose text a session decides: type, and two values.
BY_SESSION = {
    "duckdb": {
        "seen": ("timestamptz", "timestamptz '2026-01-05 09:00:00+02'"),
        "times": ("timestamptz[]", "[timestamptz '2026-01-05 09:00:00+02']"),
        "place": (
            "struct(t timestamptz, n varchar)",
            "{'t': timestamptz '2026-01-05 09:00:00+02', 'n': 'a'}",
        ),
        "by_time": ("map(timestamptz, integer)", "map {timestamptz '2026-01-05 09:00:00+02': 1}"),
        "either": ("union(n integer, s varchar)", "union_value(s := '5')"),
    },
    "postgres": {
        "seen": ("timestamptz", "timestamptz '2026-01-05 09:00:00+02'"),
        "times": ("timestamptz[]", "array[timestamptz '2026-01-05 09:00:00+02']"),
        "place": (
            'raw."Place"',
            "row(timestamptz '2026-01-05 09:00:00+02', interval '1 day 2 hours', '\\x00ff')",
        ),
        "took": ("interval", "interval '1 day 2 hours'"),
        "body": ("bytea", "'\\x00ff'"),
        "during": ("tstzrange", "tstzrange(timestamptz '2026-01-05 09:00:00+02', null)"),
        "price": ("money", "'12.50'"),
    },
}
OTHER_SESSION = {
    "duckdb": {"TimeZone": "Asia/Kathmandu", "Calendar": "buddhist"},
    "postgres": SESSIONS["postgres"][1] | {"search_path": "public"},
}


def in_other_session(consumer: Consumer) -> None:
    """From now on, dbt's sessions are set otherwise: by its profile, or for the whole database."""
    engine = consumer.engine
    if isinstance(engine, Postgres):
        for name, value in OTHER_SESSION["postgres"].items():
            engine.execute(f"alter database {engine.database} set {name} = '{value}'")
    else:
        output = {**engine.output(), "settings": OTHER_SESSION["duckdb"]}
        profiles = {"consumer": {"target": engine.name, "outputs": {engine.name: output}}}
        consumer.write("profiles.yml", yaml.safe_dump(profiles))


@pytest.mark.gate
def test_metrics_and_batches_in_another_session(engine: Engine, tmp_path: Path) -> None:
    """What is on record is found again, and metrics see what rules saw: lists have lengths, truths are 0 and 1."""
    length = "array_length(tags, 1)" if isinstance(engine, Postgres) else "len(tags)"
    hour = "cast(extract(hour from seen) as integer)"
    tags = "array['a,b', 'NULL']" if isinstance(engine, Postgres) else "['a,b', 'NULL']"
    stream = {
        "relation": "source.raw.o",
        "event_id": "id",
        "event_time": "happened",
        "ingested_at": "loaded",
        "batch_id": "b",
        "rules": {"has_two_tags": f"{length} = 2", "is_at_seven": f"{hour} = 7"},
        "metrics": {
            "tags": {"agg": "sum", "expr": length},
            "share": {"agg": "avg", "expr": "is_paid"},
            "tenths": {"agg": "sum", "expr": "tenth"},
            "at_seven": {"agg": "count", "where": f"{hour} = 7", "dimensions": ["times"]},
        },
    }
    consumer = Consumer(engine, tmp_path, streams={"o": stream}, sources={"raw": ["o"]})
    given = BY_SESSION[engine.name]
    if isinstance(engine, Postgres):
        engine.execute('create type raw."Place" as (seen timestamptz, took interval, body bytea)')
    types = {"id": "integer", "happened": "timestamp", "loaded": "timestamp", "b": "varchar"}
    types |= {"tags": "varchar[]" if engine.name == "duckdb" else "text[]", "is_paid": "boolean"}
    types |= {"tenth": "double precision", **{name: type_ for name, (type_, _) in given.items()}}
    engine.execute(f"create table raw.o ({', '.join(f'{name} {type_}' for name, type_ in types.items())})")

    def insert(id: int, batch: str, is_paid: str) -> None:
        values = [str(id), HAPPENED, f"timestamp '2026-01-05 1{batch[1]}:00:00'", f"'{batch}'", tags, is_paid]
        engine.execute(
            f"insert into raw.o values ({', '.join([*values, '0.1', *(v for _, v in given.values())])})"
        )

    def on_record() -> tuple[Any, ...]:
        return (
            engine.query(
                "select count(*) as n, count(distinct payload) as p from analytics.forensics__event_history"
            ),
            engine.query("select event_id from analytics.forensics__vanished_rows"),
            {
                row["metric"]: (row["value"], row["dimensions"])
                for row in engine.query("select * from analytics.forensics__metric_versions where is_current")
            },
        )

    insert(1, "b1", "true")
    insert(2, "b1", "false")
    insert(3, "b2", "false")
    consumer.build(as_of="2026-01-05 14:00:00")
    rows, vanished, values = on_record()
    # Rows 1 and 2 differ in is_paid.
    assert (rows, vanished) == ([{"n": 3, "p": 2}], [])
    assert {name: value for name, (value, _) in values.items()} == {
        "tags": 6,
        "share": Decimal("0.333333333"),
        "tenths": Decimal("0.3"),
        "at_seven": 3,
    }
    dimensions = values["at_seven"][1]
    assert "07:00:00+00" in dimensions
    in_other_session(consumer)
    insert(4, "b1", "true")
    consumer.build(as_of="2026-01-05 15:00:00")
    consumer.build(as_of="2026-01-05 16:00:00", vars={"forensics_verify": "full"})
    rows, vanished, values = on_record()
    assert (rows, vanished) == ([{"n": 4, "p": 2}], [])
    assert values == {
        "tags": (8, "{}"),
        "share": (Decimal("0.5"), "{}"),
        "tenths": (Decimal("0.4"), "{}"),
        "at_seven": (4, dimensions),
    }
    seals = engine.query(
        "select batch_id, count(*) as n from analytics.forensics__batch_history group by 1 order by 1"
    )
    assert seals == [{"batch_id": "b1", "n": 2}, {"batch_id": "b2", "n": 1}]


@pytest.mark.gate
def test_expressions_see_what_they_saw_at_first(engine: Engine, tmp_path: Path) -> None:
    """A column gets another type, then other capitals, and goes: the same ids and values, then unknown ones."""
    stream = {
        "relation": "source.raw.o",
        "event_id": "cast(id as varchar) || '@' || cast(v as varchar)",
        "event_time": "happened",
        "ingested_at": "loaded",
        "batch_id": "b",
        "metrics": {
            "total": {"agg": "sum", "expr": "v + amount"},
            "sevens": {"agg": "count", "where": "cast(amount as varchar) = '7'"},
            "rows": {"agg": "count", "dimensions": ["kind"]},
        },
    }
    consumer = Consumer(engine, tmp_path, streams={"o": stream}, sources={"raw": ["o"]})
    times = {"happened": "timestamp", "loaded": "timestamp", "b": "varchar"}
    consumer.create_table(
        "o", {"id": "integer", "v": "integer", "amount": "integer", "kind": "integer", **times}
    )

    def insert(hour: int, names: Callable[[str], str] = str, **given: Any) -> None:
        times = {"happened": "2026-01-05 09:00:00", "loaded": f"2026-01-05 {hour}:00:00", "b": f"b{hour}"}
        consumer.insert("o", [{names(name): value for name, value in {**given, **times}.items()}])

    def on_record() -> tuple[Any, ...]:
        events = engine.query(
            "select event_id, batch_id, verdict from analytics.forensics__verdicts order by 2, 1"
        )
        values = engine.query(
            "select metric, dimensions, value, unknown_reason is not null as has_reason"
            " from analytics.forensics__metric_versions where is_current and input_count > 0 order by 1, 2"
        )
        return (
            [(row["event_id"], row["batch_id"], row["verdict"]) for row in events],
            {row["metric"] + row["dimensions"]: row["value"] for row in values if not row["has_reason"]},
            [row["metric"] for row in values if row["has_reason"] and row["value"] is None],
            engine.query("select * from analytics.forensics__vanished_rows"),
        )

    insert(10, id=9, v=1, amount=7, kind=1)
    consumer.build(as_of="2026-01-05 10:30:00")
    events = [("9@1", "b10", "accepted")]
    values = {"total{}": 8, "sevens{}": 1, 'rows{"kind":"1"}': 1}
    assert on_record() == (events, values, [], [])

    for column, type_ in (
        ("id", "varchar"),
        ("v", "numeric(10, 2)"),
        ("amount", "numeric(10, 2)"),
        ("kind", "varchar"),
    ):
        engine.execute(f"alter table raw.o alter column {column} type {type_}")
    insert(11, id="9", v="1", amount="7", kind="1")
    insert(11, id="8", v="2", amount="7.5", kind="new")
    insert(11, id="8", v="2.5", amount="1", kind="1")
    consumer.build(as_of="2026-01-05 11:30:00", vars={"forensics_verify": "full"})
    events += [("8@2", "b11", "accepted"), ("9@1", "b11", "duplicate")]
    held = (None, "b11", "quarantined")
    values |= {"total{}": Decimal("17.5"), 'rows{"kind":"new"}': 1}
    assert on_record() == (sorted([*events, held], key=order_of), values, [], [])
    rules = engine.query(
        "select broken_rule from analytics.forensics__event_history where broken_rule is not null"
    )
    assert rules == [{"broken_rule": "v_keeps_its_type"}]

    listed = ", ".join(f'{name} as "{name.upper()}"' for name in ("id", "v", "amount", "kind", *times))
    engine.execute(f"create table raw.respelt as select {listed} from raw.o")
    engine.execute("drop table raw.o")
    engine.execute("alter table raw.respelt rename to o")
    insert(12, str.upper, id="7", v="3", amount="7.00", kind="1")
    consumer.build(as_of="2026-01-05 12:30:00", vars={"forensics_verify": "full"})
    events.append(("7@3", "b12", "accepted"))
    values |= {"total{}": Decimal("27.5"), "sevens{}": 2, 'rows{"kind":"1"}': 2}
    assert on_record() == (sorted([*events, held], key=order_of), values, [], [])
    names = engine.query(
        "select distinct column_name as name from analytics.forensics__schema_history order by 1"
    )
    assert [row["name"] for row in names] == ["amount", "b", "happened", "id", "kind", "loaded", "v"]

    engine.execute('alter table raw.o drop column "AMOUNT"')
    insert(13, str.upper, id="6", v="4", kind="1")
    consumer.build(as_of="2026-01-05 13:30:00", vars={"forensics_verify": "full"})
    events.append(("6@4", "b13", "accepted"))
    assert on_record() == (
        sorted([*events, held], key=order_of),
        {'rows{"kind":"1"}': 3, 'rows{"kind":"new"}': 1},
        ["sevens", "total"],
        [],
    )
    found = engine.query(
        "select evidence from analytics.forensics__detections where detector = 'schema_drift'"
    )
    assert '{"change":"dropped","what":["amount"],"metrics":["sevens","total"]}' in [
        row["evidence"] for row in found
    ]
    consumer.dbt(["test"])


def order_of(event: tuple[str | None, str, str]) -> tuple[str, bool, str]:
    """By batch, then by id; NULL last."""
    return event[1], event[0] is None, event[0] or ""


@pytest.mark.gate
def test_a_value_that_is_withdrawn_counts_as_said(engine: Engine, tmp_path: Path) -> None:
    """While a column comes: the same verdicts whether a build ran between the rows (`two`) or not (`one`)."""
    stream = {"event_id": "id", "event_time": "happened", "ingested_at": "loaded", "batch_id": "b"}
    streams = {name: {"relation": f"source.raw.{name}", **stream} for name in ("one", "two")}
    consumer = Consumer(engine, tmp_path, streams=streams, sources={"raw": ["one", "two"]})
    columns = {
        "id": "varchar",
        "happened": "timestamp",
        "loaded": "timestamp",
        "b": "varchar",
        "amount": "integer",
    }

    def insert(table: str, minute: int, rows: dict[str, dict[str, Any]]) -> None:
        times = {"happened": "2026-01-05 09:00:00", "loaded": f"2026-01-05 10:{minute}:00", "b": f"b{minute}"}
        consumer.insert(table, [{"id": id, **times, **row} for id, row in rows.items()])

    before = {"lost": {"amount": 5}, "found": {"amount": None}, "came": {"amount": 1}, "both": {"amount": 5}}
    during: dict[str, dict[str, Any]] = {
        "lost": {},
        "found": {"amount": 5},
        "came": {"amount": 1, "note": "a"},
        "both": {"note": "a"},
        "said": {"note": "a"},
    }
    for table in streams:
        consumer.create_table(table, columns)
        insert(table, 10, {"usual": {"amount": 1}})
    insert("two", 20, before)
    consumer.build(as_of="2026-01-05 10:25:00")
    insert("one", 20, before)
    for table in streams:
        engine.execute(f"alter table raw.{table} add column note varchar")
        insert(table, 30, during)
    insert("one", 40, {"said": {}})
    consumer.build(as_of="2026-01-05 10:45:00")
    insert("two", 40, {"said": {}})
    consumer.build(as_of="2026-01-05 10:50:00")
    verdicts: dict[str, dict[str, str]] = {}
    for row in engine.query("select * from analytics.forensics__verdicts where batch_id in ('b30', 'b40')"):
        if row["event_id"] != "said" or row["batch_id"] == "b40":
            verdicts.setdefault(row["stream"], {})[row["event_id"]] = row["verdict"]
    expected = {
        "lost": "conflict",
        "found": "conflict",
        "came": "duplicate",
        "both": "conflict",
        "said": "conflict",
    }
    assert verdicts == {"one": expected, "two": expected}


@pytest.mark.parametrize(
    ("table", "settings", "refusal"),
    [
        (
            "v variant",
            {},
            "stream 'o', key 'metrics': found an expression with the column v, of the type VARIANT",
        ),
        (
            "v varchar",
            {"default_collation": "nocase"},
            "the DuckDB session, key 'default_collation': found nocase",
        ),
    ],
)
def test_what_falsifies_is_refused(
    engine: Engine, tmp_path: Path, table: str, settings: dict[str, str], refusal: str
) -> None:
    if isinstance(engine, Postgres):
        pytest.skip("PostgreSQL reads every type back, and has no setting that makes two ids one")
    stream = {"relation": "source.raw.o", "event_time": "at_time", "ingested_at": "at_time"}
    stream |= {"metrics": {"m": {"agg": "count", "where": "v is not null"}}}
    consumer = Consumer(engine, tmp_path, streams={"o": stream}, sources={"raw": ["o"]})
    engine.execute(f"create table raw.o (at_time timestamp, {table})")
    output = {**engine.output(), "settings": settings}
    profiles = {"consumer": {"target": engine.name, "outputs": {engine.name: output}}}
    consumer.write("profiles.yml", yaml.safe_dump(profiles))
    # A setting of the session is every stream's; a column is one stream's, which is left out.
    run = consumer.dbt(
        ["run", "--select", "int_forensics__dirty_batches"], expect="failure" if settings else "success"
    )
    assert refusal in " ".join(run.log.split())
    if not settings:
        left_out = engine.query("select stream, difference from analytics.int_forensics__dirty_batches")
        assert left_out == [{"stream": "o", "difference": "unread"}]
