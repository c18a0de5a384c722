"""The primitives of macros/adapters/primitives.sql mean the same on every engine: one decision table for all of them.

The inputs stand in a real table, one column each, so that types are named as the engine's adapter names them and
nothing is folded as a constant. dbt renders every expression in one `dbt compile` per engine; each is then run by
itself, once in UTC and once in a session of another time zone, so that one that fails is told by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from harness.engines import Engine, Postgres
from harness.project import Consumer

pytestmark = pytest.mark.engines_differ

OTHER_TIME_ZONE = "Asia/Kathmandu"  # +05:45
CONTROL = [chr(code) for code in range(0x01, 0x20)]
RTL = "\u202eevil\u202c \u05e9\u05dc\u05d5\u05dd"
EMOJI = "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301"


@dataclass(frozen=True)
class Case:
    """`call` is Jinja: `v` is the input column, `type` its type, `w` the second one, `name` a text, `f` the package."""

    call: str
    given: tuple[tuple[str, ...], tuple[str, ...]]  # SQL of the input columns, on DuckDB and on PostgreSQL
    expected: Any
    why: str
    rows: tuple[str, ...] = ()  # for aggregates: SQL of the one input column's rows, in place of `given`
    name: str = ""


CASES: list[Case] = []


def case(
    call: str,
    given: str | tuple[str, str],
    expected: Any,
    why: str,
    *,
    other: str | None = None,
    name: str = "",
) -> None:
    """Adds a case; `given` is SQL for both engines, or one for each."""
    both = (given, given) if isinstance(given, str) else given
    inputs = tuple((sql, other) if other else (sql,) for sql in both)
    CASES.append(Case(call, (inputs[0], inputs[1]), expected, why, name=name))


def aggregate(call: str, rows: list[str], expected: Any, why: str) -> None:
    CASES.append(Case(call, ((), ()), expected, why, rows=tuple(rows)))


def literal(text: str) -> tuple[str, str]:
    """A text as SQL on both engines, whatever characters it has."""
    codes = "".join(f" || chr({ord(character)})" for character in text)
    return f"('' {codes})", f"(cast('' as text) {codes})"


def texts(given: str) -> str:
    return f"cast('{given}' as varchar)"


# canonical_text: the one form of a value


def canonical(given: str | tuple[str, str], expected: str | None, why: str) -> None:
    case("f.canonical_text(v, type)", given, expected, why)


for type_ in ("smallint", "integer", "bigint"):
    canonical(f"cast(-7 as {type_})", "-7", f"a {type_}")
    canonical(f"cast(100 as {type_})", "100", f"a {type_}'s zeros count")
canonical("cast(0 as bigint)", "0", "zero")
canonical(
    "cast(-9223372036854775807 as bigint)", "-9223372036854775807", "a large integer, to the last digit"
)
canonical("cast(1.50 as decimal(18, 2))", "1.5", "a decimal without trailing zeros")
canonical("cast(100 as decimal(18, 2))", "100", "a whole decimal keeps its zeros before the point")
canonical("cast(-0.10 as decimal(18, 2))", "-0.1", "a negative decimal")
canonical("cast(0 as decimal(18, 2))", "0", "zero with a scale")
canonical("cast(-0.00 as decimal(18, 2))", "0", "no negative zero")
canonical("cast(1000 as decimal(18, 0))", "1000", "a decimal without scale keeps its zeros")
canonical(
    "cast('12345678901234567890123456789.123456789' as decimal(38, 9))",
    "12345678901234567890123456789.123456789",
    "38 digits, exactly",
)
canonical("cast('0.000000001' as decimal(38, 9))", "0.000000001", "nine digits after the point")

for number, expected in {
    "1.5": "1.5",
    "100": "100",
    "-100.25": "-100.25",
    "0.1": "0.1",
    "0": "0",
    "-0.0": "0",
    "1e22": "10000000000000000000000",
    "-1e22": "-10000000000000000000000",
    "1.2e-07": "0.00000012",
    "-1.2e-07": "-0.00000012",
    "123456789012345680": "123456789012345680",
    "1e15": "1000000000000000",
    "1e16": "10000000000000000",
    "1.2345e+20": "123450000000000000000",
    "0.0001": "0.0001",
    "0.00001": "0.00001",
    "12345.678901": "12345.678901",
    "0.30000000000000004": "0.30000000000000004",
    "5e-324": "0." + "0" * 323 + "5",
    "1.7976931348623157e308": "17976931348623157" + "0" * 292,
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
}.items():
    canonical(f"cast('{number}' as double precision)", expected, f"a double, {number}: shortest, no exponent")
for number, expected in {
    "0.1": "0.1",
    "1.5": "1.5",
    "16777216": "16777216",
    "1e10": "10000000000",
    "3.4028235e38": "34028235" + "0" * 31,
    "1.2e-07": "0.00000012",
    "-0.0": "0",
    "NaN": "NaN",
    "-Infinity": "-Infinity",
}.items():
    canonical(
        f"cast('{number}' as real)", expected, f"a real, {number}: its own shortest form, not the double's"
    )

canonical("cast(true as boolean)", "true", "a boolean")
canonical("cast(false as boolean)", "false", "a boolean")
canonical("cast('2024-02-29' as date)", "2024-02-29", "a date")
canonical("cast('0001-01-01' as date)", "0001-01-01", "the first date")
canonical("cast('9999-12-31' as date)", "9999-12-31", "the last date of four digits")
canonical("cast('2024-03-10 01:02:03' as timestamp)", "2024-03-10T01:02:03", "a timestamp: ISO with T")
canonical("cast('2024-03-10 00:00:00' as timestamp)", "2024-03-10T00:00:00", "midnight is written")
canonical(
    "cast('2024-03-10 01:02:03.5' as timestamp)", "2024-03-10T01:02:03.5", "a fraction without trailing zeros"
)
canonical("cast('2024-03-10 01:02:03.000001' as timestamp)", "2024-03-10T01:02:03.000001", "a microsecond")
canonical(
    "cast('2024-03-10 01:02:03.120000' as timestamp)", "2024-03-10T01:02:03.12", "a fraction ends in no zero"
)
canonical("cast('0001-01-01 00:00:00' as timestamp)", "0001-01-01T00:00:00", "the year 0001 has four digits")
canonical(
    "cast('2024-03-10 12:00:00+00' as timestamp with time zone)", "2024-03-10T12:00:00", "an instant, in UTC"
)
canonical(
    "cast('2024-03-10 12:00:00.25+05:45' as timestamp with time zone)",
    "2024-03-10T06:15:00.25",
    "an instant given in another zone, in UTC",
)
canonical("cast('' as varchar)", "", "an empty text is not NULL")
canonical("cast('  Ab ' as varchar)", "  Ab ", "white space and letter case count")
canonical("cast('1.50' as varchar)", "1.50", "a text that looks like a number is a text")
canonical(literal(RTL), RTL, "right-to-left text")
canonical("cast('12:30:00' as time)", "12:30:00", "a time of day")
canonical(
    "cast('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' as uuid)", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a uuid"
)
for type_ in (
    "bigint",
    "decimal(18, 2)",
    "double precision",
    "real",
    "boolean",
    "date",
    "timestamp",
    "timestamp with time zone",
    "varchar",
):
    canonical(f"cast(null as {type_})", None, f"NULL stays NULL ({type_})")


# json_text: a text as a JSON string


def as_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def json_text(text: str, why: str) -> None:
    case("f.json_text(v)", literal(text), as_json(text), why)


json_text("", "an empty text")
json_text('say "hi"', "quotes")
json_text("back\\slash", "a backslash")
json_text("/slash/", "a slash is not escaped")
json_text("'); drop table x; --", "SQL is just text")
json_text("{{ 1 / 0 }} {% raw %}", "Jinja is just text")
json_text(RTL, "right-to-left text and its marks are not escaped")
json_text(EMOJI, "an emoji of several code points, and a combining accent: not normalised")
json_text("\u2028\u2029\u00a0\ufeff", "separators that JavaScript escapes and JSON does not")
json_text("\x7f", "delete is no control character to JSON")
json_text("a\\u001Fb", "the six characters of an escape, literally")
json_text("a\\u001Fb\x1f", "the same beside a real one")
json_text('\\\\"\\', "backslashes and quotes in a row")
json_text("\r\n\t\b\f", "the control characters with a short escape")
for character in CONTROL:
    json_text(f"<{character}>", f"control character {ord(character):#04x}: small letters")
json_text("".join(CONTROL), "all control characters at once")
json_text("\x0b\x0b\x1a\x1f\x0e\x0f", "those whose number has a letter")
case("f.json_text(v)", "cast(null as varchar)", None, "NULL stays NULL")


# canonical_json_array: the same texts in a list, NULL as null

case("f.canonical_json_array([v, w])", "cast(null as varchar)", '[null,""]', "NULL is null", other=texts(""))
for character in CONTROL:
    case(
        "f.canonical_json_array([v])",
        literal(character),
        f"[{as_json(character)}]",
        f"control character {ord(character):#04x}",
    )


# comma_separated: texts as they are, NULL as nothing

case("f.comma_separated([v, w, v])", texts("x"), "x,y,x", "commas between", other=texts("y"))
case("f.comma_separated([v, w])", "cast(null as varchar)", ",y", "NULL is nothing", other=texts("y"))
case("f.comma_separated([v, w])", texts(","), ",,y", "a comma is not escaped", other=texts("y"))
case("f.comma_separated([v])", "cast(null as varchar)", "", "never NULL")


# canonical_json: an object, names sorted by their bytes, NULLs left out

case("f.canonical_json({})", "1", "{}", "no field")
case("f.canonical_json({'a': v})", texts("x"), '{"a":"x"}', "one field")
case("f.canonical_json({'a': v})", "cast(null as varchar)", "{}", "NULL is left out")
case("f.canonical_json({'a': v})", texts(""), '{"a":""}', "an empty text is not")
case(
    "f.canonical_json({'b': v, 'a': w})",
    texts("x"),
    '{"a":"y","b":"x"}',
    "names are sorted",
    other=texts("y"),
)
case(
    "f.canonical_json({'a': v, 'b': w})", "cast(null as varchar)", '{"b":"y"}', "NULL first", other=texts("y")
)
case(
    "f.canonical_json({'a': v, 'b': w})", texts("x"), '{"a":"x"}', "NULL last", other="cast(null as varchar)"
)
case(
    "f.canonical_json({'a': v, 'b': w})",
    "cast(null as varchar)",
    "{}",
    "all NULL",
    other="cast(null as varchar)",
)
case(
    "f.canonical_json({'b': v, 'B': w, 'a': v, '_': w, '1': v})",
    texts("x"),
    '{"1":"x","B":"y","_":"y","a":"x","b":"x"}',
    "sorted by bytes: capitals before small letters",
    other=texts("y"),
)
case(
    "f.canonical_json({'é': v, 'z': w})",
    texts("x"),
    '{"z":"y","é":"x"}',
    "beyond ASCII last",
    other=texts("y"),
)
for name, why in {
    "a b": "a space in a name",
    'a"b': "a quote in a name",
    "a'b": "an apostrophe in a name",
    "a\\b": "a backslash in a name",
    "a/b~c": "a slash and a tilde in a name",
    "a.b": "a dot in a name",
    "ünï": "letters beyond ASCII in a name",
    "order": "a reserved word as a name",
    "a\tb": "a tab in a name",
    "%s": "a percent sign in a name",
}.items():
    case("f.canonical_json({name: v})", texts("x"), f'{{{as_json(name)}:"x"}}', why, name=name)
    case(
        "f.canonical_json({name: v, 'zz': w})",
        texts("x"),
        f'{{{as_json(name)}:"x"}}',
        f"{why}, beside a NULL",
        other="cast(null as varchar)",
        name=name,
    )
for text, why in {
    "\x1f": "a control character whose number has a letter",
    "\x01": "a control character",
    "\\u00e9": "six characters that look like an escape",
    '\n"\\': "what JSON escapes",
    "}},{": "brackets",
}.items():
    case(
        "f.canonical_json({'a': v, 'b': w})",
        literal(text),
        f'{{"a":{as_json(text)},"b":"y"}}',
        why,
        other=texts("y"),
    )


# json_value: the value of one name

for name, why in {
    "amount": "a plain name",
    "Amount": "letter case counts",
    "a/b": "a slash",
    "a~b": "a tilde",
    "~1": "a tilde that looks like an escaped slash",
    'a"b': "a quote",
    "a'b": "an apostrophe",
    "a b": "a space",
    "a.b": "a dot",
    "$.a": "what looks like a path",
    "$": "a dollar sign",
    "0": "a number",
    "": "no character at all",
    "ünï ש": "letters beyond ASCII",
    "a[0]": "brackets",
    "a\\b": "a backslash",
    "*": "an asterisk",
    "%s {{ x }}": "what other languages would fill in",
}.items():
    found = json.dumps({name: "found", "zz": "other", f"{name}x": "longer"}, ensure_ascii=False)
    case("f.json_value(v, name)", literal(found), "found", f"a name with {why}", name=name)
case("f.json_value(v, 'a')", texts('{"b":"x"}'), None, "no such name")
case("f.json_value(v, 'a')", texts("{}"), None, "an empty object")
case("f.json_value(v, 'a')", "cast(null as varchar)", None, "NULL has no names")
case("f.json_value(v, 'a')", texts('{"a":""}'), "", "an empty text is not NULL")
for text in (
    'say "hi"',
    "back\\slash",
    "".join(CONTROL),
    EMOJI,
    RTL,
    "null",
    "'; --",
    "\\u001F",
    "a\nb",
    "1.50",
):
    case("f.json_value(f.canonical_json({'a': v}), 'a')", literal(text), text, f"there and back: {text!r}")


# typed_value: back from the canonical text


def round_trip(given: str | tuple[str, str], why: str) -> None:
    case(
        "'case when ' ~ v ~ ' is not distinct from ' ~ f.typed_value(f.canonical_text(v, type), type)"
        " ~ \" then 'same' else 'differs' end\"",
        given,
        "same",
        f"there and back: {why}",
    )


for type_, values in {
    "smallint": ["0", "-32768", "32767", "9999", "10000"],
    "integer": ["0", "-1", "2147483647", "-2147483648", "999999999", "1000000000"],
    "bigint": ["9223372036854775807", "-9223372036854775808", "999999999999999999", "1000000000000000000"],
    "decimal(18, 2)": ["1.50", "-0.01", "0", "9999999999999999.99"],
    "decimal(38, 9)": ["12345678901234567890123456789.123456789", "-0.000000001"],
    "double precision": ["0.1", "1e22", "1.2e-07", "1.7976931348623157e308", "5e-324", "0", "-2.5"],
    "real": ["0.1", "3.4028235e38", "1.2e-07"],
    "boolean": ["true", "false"],
    "date": ["2024-02-29", "0001-01-01", "9999-12-31"],
    "timestamp": ["2024-02-29 23:59:59.999999", "0001-01-01 00:00:00", "9999-12-31 23:59:59"],
    "timestamp with time zone": ["2024-03-31 01:30:00+00", "2024-03-10 12:00:00.25+05:45"],
    "varchar": ["", " a ", "NULL"],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "time": ["12:30:00"],
}.items():
    for value in values:
        round_trip(f"cast('{value}' as {type_})", f"{value!r} as {type_}")
    round_trip(f"cast(null as {type_})", f"NULL as {type_}")
for value in ("NaN", "Infinity", "-Infinity"):
    for type_ in ("double precision", "real"):
        round_trip(f"cast('{value}' as {type_})", f"{value} as {type_}")


def unfit(text: str, type_: str, why: str) -> None:
    case(
        "f.typed_value(v, other_type)",
        literal(text),
        None,
        f"{text!r} as {type_}: {why}",
        other=f"cast(null as {type_})",
    )


for type_ in (
    "smallint",
    "integer",
    "bigint",
    "decimal(18, 2)",
    "double precision",
    "real",
    "boolean",
    "date",
    "timestamp",
    "timestamp with time zone",
):
    for text in ("", "abc", "'; --", "{{ x }}", "1.2.3", "--1", "\x01"):
        unfit(text, type_, "no value of the type")
for type_ in ("date", "timestamp", "timestamp with time zone"):
    for text in ("2023-02-29", "2024-13-01", "24:00", "20240310", "yesterday", "now"):
        unfit(text, type_, "no such day")
unfit("99999", "smallint", "too large")
unfit("99999999999", "integer", "too large")
unfit("99999999999999999999", "bigint", "too large")
unfit("yes", "boolean", "not a canonical boolean")
unfit("1.5", "integer", "not whole")


# utc_timestamp: a timestamp in UTC, or NULL


def utc(given: str | tuple[str, str], expected: str | None, why: str) -> None:
    case("'cast(' ~ f.utc_timestamp(v, type) ~ ' as varchar)'", given, expected, why)


utc("cast('2024-03-10 01:02:03.5' as timestamp)", "2024-03-10 01:02:03.5", "a timestamp is taken as it is")
utc("cast('2024-03-10' as date)", "2024-03-10 00:00:00", "a date is its midnight")
utc("cast('2024-03-10 12:00:00+05:45' as timestamp with time zone)", "2024-03-10 06:15:00", "an instant")
utc("cast(null as timestamp)", None, "NULL")
utc("cast(null as varchar)", None, "NULL text")
for text, expected, why in (
    ("2024-03-10 01:02:03", "2024-03-10 01:02:03", "without a zone: UTC"),
    ("2024-03-10T01:02:03", "2024-03-10 01:02:03", "with T"),
    ("2024-03-10T01:02:03Z", "2024-03-10 01:02:03", "with Z"),
    ("2024-03-10T01:02:03z", "2024-03-10 01:02:03", "with a small z"),
    ("2024-03-10T01:02:03+02:00", "2024-03-09 23:02:03", "with an offset"),
    ("2024-03-10T01:02:03+0530", "2024-03-09 19:32:03", "with an offset without colon"),
    ("2024-03-10T01:02:03-03", "2024-03-10 04:02:03", "with an offset of hours"),
    ("2024-03-10 01:02:03 +02:00", "2024-03-09 23:02:03", "with a space before the offset"),
    ("2024-03-10 01:02:03-00:00", "2024-03-10 01:02:03", "with the offset nought, negative"),
    ("2024-03-10T01:02:03+14:00", "2024-03-09 11:02:03", "the largest offset there is"),
    ("2024-03-10T01:02:03.123456Z", "2024-03-10 01:02:03.123456", "with microseconds"),
    ("2024-03-10T01:02:03.1", "2024-03-10 01:02:03.1", "with one digit of a fraction"),
    ("2024-03-10T01:02", "2024-03-10 01:02:00", "without seconds"),
    ("2024-03-10T01:02Z", "2024-03-10 01:02:00", "without seconds, with Z"),
    ("2024-03-10 01:02+02:00", "2024-03-09 23:02:00", "without seconds, with an offset"),
    ("2024-03-10", "2024-03-10 00:00:00", "a day"),
    ("2024-02-29", "2024-02-29 00:00:00", "a leap day"),
    ("2000-02-29", "2000-02-29 00:00:00", "a leap day of a century"),
    ("2024-12-31T23:59:59.999999", "2024-12-31 23:59:59.999999", "the last microsecond of a year"),
    ("0001-01-01 00:00:00", "0001-01-01 00:00:00", "the year 0001"),
    ("9999-12-31 23:59:59", "9999-12-31 23:59:59", "the year 9999"),
    ("2024-03-31T02:30:00", "2024-03-31 02:30:00", "an hour that European clocks skip is there in UTC"),
    ("2023-02-29", None, "no leap year"),
    ("2100-02-29", None, "no leap year of a century"),
    ("2024-02-30", None, "no such day"),
    ("2024-02-30T01:02:03Z", None, "no such day, with a zone"),
    ("2024-04-31", None, "no such day"),
    ("2024-00-10", None, "no such month"),
    ("2024-13-10", None, "no such month"),
    ("2024-03-00", None, "no such day"),
    ("2024-03-10 24:00:00", None, "no such hour"),
    ("2024-03-10 24:00", None, "no such hour"),
    ("2024-03-10 25:00:00", None, "no such hour"),
    ("2024-03-10 12:60:00", None, "no such minute"),
    ("2024-03-10 12:00:60", None, "no such second"),
    ("0000-01-01", None, "there is no year 0000"),
    ("10000-01-01", None, "a year of five digits"),
    ("-2024-01-01", None, "a negative year"),
    ("2024-03-10 (BC)", None, "before Christ"),
    ("2024-03-10 BC", None, "before Christ"),
    ("2024-03-10T", None, "half a time"),
    ("2024-03-10T01", None, "an hour alone"),
    ("2024-03-10T01:02:03+25:00", None, "no such offset"),
    ("2024-03-10T01:02:03 Europe/Berlin", None, "a named zone"),
    ("2024-03-10T01:02:03 UTC", None, "a named zone"),
    ("", None, "an empty text"),
    (" ", None, "a blank"),
    ("garbage", None, "no time"),
    ("now", None, "a word that some engines read as a time"),
    ("today", None, "a word that some engines read as a time"),
    ("infinity", None, "a word that some engines read as a time"),
    ("-infinity", None, "a word that some engines read as a time"),
    ("epoch", None, "a word that some engines read as a time"),
    ("03/10/2024", None, "not ISO"),
    ("20240310", None, "digits alone"),
    ("1710032523", None, "seconds since 1970: a number is not read as a time"),
    ("2024-3-1", None, "not ISO: digits are missing"),
    ("2024-03-10 01:02:03; drop table x", None, "SQL is just text"),
    ("２０２４-03-10", None, "digits of another script"),
):
    utc(literal(text), expected, f"{text!r}: {why}")


# exact_number: numeric(38, 9), or NULL


def exact(given: str | tuple[str, str], expected: str | None, why: str) -> None:
    case("'cast(' ~ f.exact_number(v) ~ ' as varchar)'", given, expected, why)


exact("cast(1 as integer)", "1.000000000", "an integer")
exact("cast(9223372036854775807 as bigint)", "9223372036854775807.000000000", "a large integer")
exact("cast(1.50 as decimal(18, 2))", "1.500000000", "a decimal")
exact("cast('0.123456789' as decimal(38, 9))", "0.123456789", "nine digits")
exact(
    "cast('99999999999999999999.999999999' as decimal(38, 9))",
    "99999999999999999999.999999999",
    "just below 1e20",
)
exact("cast('100000000000000000000' as decimal(38, 9))", None, "1e20")
exact("cast('-100000000000000000000' as decimal(38, 9))", None, "-1e20")
exact(
    "cast('-99999999999999999999.999999999' as decimal(38, 9))",
    "-99999999999999999999.999999999",
    "just above -1e20",
)
exact("cast('0.1' as double precision)", "0.100000000", "a double")
exact("cast('-0.0' as double precision)", "0.000000000", "no negative zero")
exact("cast('1e19' as double precision)", "10000000000000000000.000000000", "a large double")
exact("cast('1e22' as double precision)", None, "a double beyond 1e20")
exact("cast('1e308' as double precision)", None, "a double far beyond")
exact("cast('5e-324' as double precision)", "0.000000000", "a double below what nine digits hold")
exact(
    "cast('1.0000000005' as double precision)", "1.000000001", "a double is rounded at nine digits, half up"
)
exact("cast('NaN' as double precision)", None, "not a number")
exact("cast('Infinity' as double precision)", None, "infinity")
exact("cast('-Infinity' as double precision)", None, "minus infinity")
for number, digits in (
    ("8996782.7", "8996782.700000000"),
    ("68694936.1", "68694936.100000000"),
    ("287276929.17", "287276929.170000000"),
    ("123456789012.34", "123456789012.340000000"),
):
    exact(
        f"cast('{number}' as double precision)",
        digits,
        f"a double is what it shows: {number}, not the next float times 1e9",
    )
exact("cast('0.1' as real)", "0.100000000", "a real is what it shows, not its double")
exact("cast(null as double precision)", None, "NULL")
exact("cast(null as varchar)", None, "NULL text")
for text, expected, why in (
    ("1.5", "1.500000000", "a number as text"),
    ("-1.5", "-1.500000000", "a negative one"),
    ("+1.5", "1.500000000", "a plus sign"),
    (" 1.5 ", "1.500000000", "blanks around"),
    ("1.", "1.000000000", "a point at the end"),
    (".5", "0.500000000", "a point at the start"),
    ("1e3", "1000.000000000", "an exponent"),
    ("1E+3", "1000.000000000", "an exponent with sign"),
    ("1e-3", "0.001000000", "a negative exponent"),
    ("0.0000000005", "0.000000001", "rounded half away from zero"),
    ("-0.0000000005", "-0.000000001", "rounded half away from zero, negative"),
    ("0.0000000004", "0.000000000", "rounded down"),
    ("-0", "0.000000000", "no negative zero"),
    ("99999999999999999999", "99999999999999999999.000000000", "twenty digits"),
    ("100000000000000000000", None, "1e20"),
    ("1e20", None, "1e20"),
    ("1e999", None, "far beyond"),
    ("1" + "0" * 400, None, "four hundred digits"),
    ("0." + "0" * 400 + "1", "0.000000000", "four hundred digits after the point"),
    ("0" * 50 + "7", "7.000000000", "leading zeros"),
    ("", None, "an empty text"),
    (" ", None, "a blank"),
    ("abc", None, "no number"),
    ("1,5", None, "a comma"),
    ("1 000", None, "a blank within"),
    ("1_000", None, "an underscore"),
    ("0x10", None, "hexadecimal"),
    ("1e", None, "an exponent without number"),
    ("e5", None, "an exponent without mantissa"),
    (".", None, "a point alone"),
    ("-", None, "a sign alone"),
    ("--1", None, "two signs"),
    ("NaN", None, "not a number"),
    ("Infinity", None, "infinity"),
    ("inf", None, "infinity"),
    ("true", None, "a boolean is no number"),
    ("1; drop table x", None, "SQL is just text"),
    ("１", None, "a digit of another script"),
    ("$1", None, "a currency"),
    ("50%", None, "a percentage"),
):
    exact(literal(text), expected, f"{text[:30]!r}: {why}")


# exact_ratio: the same of two decimal numbers

for numerator, denominator, expected, why in (
    ("1", "3", "0.333333333", "rounded down"),
    ("2", "3", "0.666666667", "rounded up"),
    ("-1", "3", "-0.333333333", "a negative number"),
    ("1", "-3", "-0.333333333", "a negative denominator"),
    ("-1.5", "-0.5", "3.000000000", "both"),
    ("0", "-7.25", "0.000000000", "nothing"),
    ("0.000000001", "2", "0.000000001", "half a last digit, away from zero"),
    ("-0.000000001", "2", "-0.000000001", "and so below it"),
    ("9999999999999999999.999999999", "0.000000001", "9999999999999999999999999999.000000000", "very large"),
    ("0.000000001", "9999999999999999999.999999999", "0.000000000", "very small"),
    ("12345678901.123456789", "0.3", "41152263003.744855963", "many digits"),
):
    case(
        "'cast(cast(' ~ f.exact_ratio(v, w) ~ ' as numeric(38, 9)) as varchar)'",
        f"cast('{numerator}' as numeric(38, 9))",
        expected,
        f"{numerator} / {denominator}: {why}",
        other=f"cast('{denominator}' as numeric(38, 9))",
    )

# exact_quotient: rounded half away from zero, without floats

for numerator, denominator, expected, why in (
    ("1", 3, "0.333333333", "rounded down"),
    ("2", 3, "0.666666667", "rounded up"),
    ("-1", 3, "-0.333333333", "negative, rounded to zero"),
    ("-2", 3, "-0.666666667", "negative, rounded away from zero"),
    ("0.000000001", 2, "0.000000001", "a half goes away from zero"),
    ("-0.000000001", 2, "-0.000000001", "a negative half goes away from zero"),
    ("0.000000003", 2, "0.000000002", "a half goes up, not to even"),
    ("0.000000001", 3, "0.000000000", "below a half"),
    ("0", 7, "0.000000000", "zero"),
    ("150", 1, "150.000000000", "by one"),
    ("0.1", 3, "0.033333333", "a fraction"),
    ("100.05", 2, "50.025000000", "exact"),
    ("12345678901234567890.123456789", 7, "1763668414462081127.160493827", "no float has so many digits"),
    ("99999999999999999999.999999999", 1, "99999999999999999999.999999999", "the largest"),
    ("-99999999999999999999.999999999", 2, "-50000000000000000000.000000000", "the smallest, halved"),
    ("99999999999999999999.999999999", 10**18, "100.000000000", "by a count larger than any"),
    ("1", 1000000000, "0.000000001", "the last digit"),
    ("1", 2000000001, "0.000000000", "less than half of the last digit"),
):
    case(
        "'cast(cast(' ~ f.exact_quotient(v, w) ~ ' as numeric(38, 9)) as varchar)'",
        f"cast('{numerator}' as numeric(38, 9))",
        expected,
        f"{numerator} / {denominator}: {why}",
        other=f"cast({denominator} as bigint)",
    )
case(
    "'cast(' ~ f.exact_quotient(v, w) ~ ' as varchar)'",
    "cast(null as numeric(38, 9))",
    None,
    "NULL",
    other="cast(2 as bigint)",
)


# digest_word, set_digest: the arithmetic of digests

for digest, number, word in (
    ("0" * 32, 1, 0),
    ("f" * 32, 1, 2**60 - 1),
    ("f" * 32, 2, 2**60 - 1),
    ("000000000000001" + "0" * 17, 1, 1),
    ("0" * 16 + "000000000000001" + "0", 2, 1),
    ("0123456789abcdeffedcba9876543210", 1, 0x0123456789ABCDE),
    ("0123456789abcdeffedcba9876543210", 2, 0xFEDCBA987654321),
    ("800000000000000" + "0" * 17, 1, 2**59),
):
    case(f"f.digest_word(v, {number})", texts(digest), word, f"word {number} of {digest}")
case("f.digest_word(v, 1)", "cast(null as varchar)", None, "no digest")


def words(*digests: str) -> str:
    """What set_digest says of these digests."""
    sums = [sum(int(digest[start : start + 15], 16) for digest in digests) % 2**60 for start in (0, 16)]
    return "-".join(str(number) for number in (len(digests), *sums))


A, B, C = "0123456789abcdeffedcba9876543210", "f" * 32, "d41d8cd98f00b204e9800998ecf8427e"
for digests, why in (
    ([A], "one row"),
    ([A, B, C], "three rows"),
    ([C, A, B], "the same in another order"),
    ([A, A], "a pair does not cancel"),
    ([A, A, B, B], "two pairs do not cancel"),
    ([A, B, B], "one row changed"),
    ([B] * 50, "sums beyond the modulus"),
):
    aggregate("f.set_digest(v)", [f"'{digest}'" for digest in digests], words(*digests), why)
aggregate("f.set_digest(v)", ["cast(null as varchar)"], "0-0-0", "nothing but NULL")
aggregate("f.set_digest(v)", [f"'{A}'", "cast(null as varchar)"], words(A), "NULL is no row")


# first_ten: the smallest distinct values, as a JSON array

letters = "abcdefghijklmnop"
for values, ten, why in (
    (["b", "a"], ["a", "b"], "sorted"),
    (["a", "a", "b"], ["a", "b"], "each once"),
    (list(reversed(letters)), list(letters[:10]), "the ten smallest of sixteen"),
    (list(letters[:10]) * 2, list(letters[:10]), "ten, each twice"),
    (['a"b', "a\\b"], ['a"b', "a\\b"], "what JSON escapes"),
    (["10", "9"], ["10", "9"], "as text"),
    ([""], [""], "an empty text"),
    (["ü", "z"], ["z", "ü"], "beyond ASCII"),
    (["b", "B", "a"], ["B", "a", "b"], "by their bytes"),
):
    rows = [literal(value)[1] for value in values]
    aggregate("f.first_ten(v)", rows, json.dumps(ten, ensure_ascii=False, separators=(",", ":")), why)
aggregate("f.first_ten(v)", [literal("\x1f")[1]], '["\\u001f"]', "a control character, in small letters")
aggregate("f.first_ten(v)", ["'a'", "cast(null as varchar)"], '["a"]', "NULL is no value")
aggregate("f.first_ten(v)", ["cast(null as varchar)"], None, "of no value")


# elapsed_seconds: signed, with fractions

for start, end, seconds, why in (
    ("2024-03-10 00:00:00", "2024-03-10 00:00:01", "1.000000000", "a second"),
    ("2024-03-10 00:00:00", "2024-03-10 00:00:00", "0.000000000", "none"),
    ("2024-03-10 00:00:01", "2024-03-10 00:00:00", "-1.000000000", "back"),
    ("2024-03-10 00:00:00", "2024-03-10 00:00:00.000001", "0.000001000", "a microsecond"),
    ("2024-03-10 00:00:00.9", "2024-03-10 00:00:01.1", "0.200000000", "elapsed time, not crossed boundaries"),
    ("2024-02-28 00:00:00", "2024-03-01 00:00:00", "172800.000000000", "over a leap day"),
    ("2024-03-31 00:00:00", "2024-04-01 00:00:00", "86400.000000000", "no daylight saving in UTC"),
    ("1900-01-01 00:00:00", "2199-12-31 23:59:59.999999", "9467107199.999999000", "three centuries, exactly"),
    ("0001-01-01 00:00:00", "9999-12-31 00:00:00", "315537811200.000000000", "all years of four digits"),
):
    case(
        "'cast(' ~ f.elapsed_seconds(v, w) ~ ' as varchar)'",
        f"cast('{start}' as timestamp)",
        seconds,
        f"{start} to {end}: {why}",
        other=f"cast('{end}' as timestamp)",
    )
case(
    "f.elapsed_seconds(v, w)",
    "cast(null as timestamp)",
    None,
    "NULL",
    other="cast('2024-03-10' as timestamp)",
)


# time_plus, time_trunc: of a timestamp or a date

for call, given, time, why in (
    (
        "time_plus('microsecond', 1, v)",
        "2024-02-28 23:59:59.999999",
        "2024-02-29 00:00:00",
        "a microsecond on",
    ),
    ("time_plus('minute', -90, v)", "2024-03-01 00:30:00.25", "2024-02-29 23:00:00.25", "minutes back"),
    (
        "time_plus('hour', 24, v)",
        "2024-03-30 12:00:00.000001",
        "2024-03-31 12:00:00.000001",
        "hours, to the digit",
    ),
    ("time_plus('day', 1, v)", "2024-03-30 02:30:00", "2024-03-31 02:30:00", "no daylight saving in UTC"),
    ("time_plus('day', 70, v)", "2024-01-01", "2024-03-11 00:00:00", "a date, days on"),
    ("time_plus('hour', -1, v)", "2024-01-01", "2023-12-31 23:00:00", "a date, an hour back"),
    ("time_trunc('hour', v)", "1969-12-31 23:59:59.999999", "1969-12-31 23:00:00", "an hour before 1970"),
    ("time_trunc('day', v)", "0001-01-01 23:59:59", "0001-01-01 00:00:00", "the first day"),
    ("time_trunc('day', v)", "9999-12-31 00:00:00", "9999-12-31 00:00:00", "the last day, at its start"),
    ("time_trunc('hour', v)", "2024-02-29", "2024-02-29 00:00:00", "the hour of a date"),
    ("time_trunc('day', v)", "2024-02-29", "2024-02-29 00:00:00", "the day of a date"),
):
    case(
        f"f.{call} ~ ' = ' ~ w",
        f"cast('{given}' as {'timestamp' if ':' in given else 'date'})",
        True,
        f"{call} of {given}: {why}",
        other=f"cast('{time}' as timestamp)",
    )


# byte_order, hash_of

SORTED_BY_BYTES = "A,B,Z,_,a,a b,a-b,ab,b,z,\u00e4,\u05d0"
shuffled = ["z", "\u00e4", "a b", "B", "ab", "a", "_", "Z", "\u05d0", "A", "a-b", "b"]
aggregate(
    "\"string_agg(v, ',' order by \" ~ f.byte_order('v') ~ ')'",
    [f"'{text}'" for text in shuffled],
    SORTED_BY_BYTES,
    "capitals before small letters, accents last",
)
case(
    "f.hash_of([v, w]) ~ ' = ' ~ f.hash_of([v, w])",
    "cast(null as varchar)",
    True,
    "NULLs hash alike",
    other=texts("a"),
)
case("f.hash_of([v, w]) ~ ' = ' ~ f.hash_of([w, v])", texts("a"), False, "the order counts", other=texts("b"))
case(
    "f.hash_of([v, w]) ~ ' = ' ~ f.hash_of([w, v])",
    texts(""),
    False,
    "NULL is not empty",
    other="cast(null as varchar)",
)


def case_id(this: Case) -> str:
    primitive = this.call.split("f.", 1)[1].split("(")[0]
    why = this.why.encode("unicode_escape").decode()
    return f"{primitive}, {why}" + (f" ({this.name.encode('unicode_escape').decode()})" if this.name else "")


# Text that sorts as in a language, a before B: on PostgreSQL data may be so, on DuckDB none is unless asked for.
LANGUAGE_ORDER = ("", ' collate "und-x-icu"')
SEPARATOR = "\n-- next\n"
TYPES_OF_INPUTS = """
{%- set f = dbt_forensics -%}
{%- set types = {} -%}
{%- for column in adapter.get_columns_in_relation(source('raw', 'given')) -%}
    {%- do types.update({column.name: column.data_type}) -%}
{%- endfor -%}
"""


def position_of(engine: Engine) -> int:
    return 1 if isinstance(engine, Postgres) else 0


def rendered(engine: Engine, folder: Any) -> list[str]:
    """The SQL of every case's expression on an engine, over a table raw.given that has its inputs."""
    position = position_of(engine)
    inputs, lines = [], [TYPES_OF_INPUTS]
    for number, this in enumerate(CASES):
        names = [f"c{number}", f"o{number}"]
        inputs += [f"{sql} as {name}" for sql, name in zip(this.given[position], names, strict=False)]
        values = {"v": "v" if this.rows else names[0], "w": names[1], "name": this.name}
        sets = "".join(f"{{%- set {key} = {json.dumps(value)} -%}}" for key, value in values.items())
        sets += "{%- set type = types.get(v) -%}{%- set other_type = types.get(w) -%}"
        lines.append(sets + "{{ " + this.call + " }}")
    engine.execute("create table raw.given as select " + ", ".join(inputs))
    consumer = Consumer(
        engine, folder, sources={"raw": ["given"]}, models={"cases.sql": SEPARATOR.join(lines)}
    )
    consumer.dbt(["compile", "--select", "cases"])
    compiled = next(folder.glob("target/compiled/**/cases.sql")).read_text(encoding="utf-8")
    return compiled.split(SEPARATOR.strip("\n"))[1:]


def answers(
    engine: Engine, expressions: list[str], time_zone: str, cases: Sequence[Case] = CASES
) -> list[Any]:
    """The value of every case, or the error that the engine gave instead."""
    position = position_of(engine)
    scope = "global " if position == 0 else ""
    engine.execute(f"set {scope}timezone = '{time_zone}'")
    found: list[Any] = []
    for this, expression in zip(cases, expressions, strict=True):
        given = "raw.given"
        if this.rows:
            rows = " union all ".join(
                f"select cast({row} as varchar){LANGUAGE_ORDER[position]} as v" for row in this.rows
            )
            given = f"({rows}) as t"
        try:
            (row,) = engine.query(f"select {expression.strip()} as answer from {given}")
            found.append(row["answer"])
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


@pytest.fixture(scope="module")
def answered(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[Any]]]:
    with new_engine() as engine:
        expressions = rendered(engine, tmp_path_factory.mktemp("primitives"))
        yield {zone: answers(engine, expressions, zone) for zone in ("UTC", OTHER_TIME_ZONE)}


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case_id(this) for this in CASES])
def test_the_primitive_means_what_it_says(answered: dict[str, list[Any]], number: int) -> None:
    expected = CASES[number].expected
    assert {zone: found[number] for zone, found in answered.items()} == dict.fromkeys(answered, expected)
