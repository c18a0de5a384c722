"""Which texts fit which type of column, and as what they are written."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dbt_forensics.load.fits import fitted, is_same_value
from dbt_forensics.load.types import column_type

#: Type to: text, and what is written; None is a rejection.
CASES: dict[str, dict[str, str | None]] = {
    "integer": {
        "1": "1",
        "-2147483648": "-2147483648",
        "2147483647": "2147483647",
        "2147483648": None,
        "5.0": "5",
        "1e3": "1000",
        "+3": "3",
        "5.5": None,
        "": None,
        " 5": None,
        "0x10": None,
        "٣": None,
        "1_000": None,
        "9" * 500: None,
    },
    "utinyint": {"255": "255", "256": None, "-1": None},
    "numeric(5,2)": {
        "1.10": "1.10",
        "999.99": "999.99",
        "1000": None,
        "1.101": None,
        "1.100": "1.100",
        ".5": "0.5",
        "1e2": "100",
        "1e3": None,
        "0001.5": "1.5",
        "NaN": None,
        "-": None,
        "1,5": None,
    },
    "numeric(2,2)": {"0.99": "0.99", "1.0": None},
    "numeric": {"1" * 40: "1" * 40, "1e999999": None, "1e9999": None, "infinity": None},
    "double precision": {
        "1.5": "1.5",
        "1e400": None,
        "1e-400": None,
        "0e-400": "0.0",
        "nan": "NaN",
        "-inf": "-Infinity",
        "x": None,
    },
    "real": {"1e38": "1e+38", "1e39": None, "1e-46": None},
    "boolean": {"true": "true", "F": "false", "1": "true", "0": "false", "No": "false", "2": None, "": None},
    "date": {
        "2024-02-29": "2024-02-29",
        "2023-02-29": None,
        "1900-02-29": None,
        "2000-02-29": "2000-02-29",
        "0000-01-01": None,
        "2026-04-31": None,
        "2026-01-05T00:00:00Z": "2026-01-05",
        "2026-01-05T10:00:00Z": None,
        "05.01.2026": None,
    },
    "timestamp": {
        "2026-01-05": "2026-01-05",
        "2026-01-05T10:00:00Z": "2026-01-05 10:00:00",
        "2026-01-05 10:00": "2026-01-05 10:00",
        "2026-01-05T10:00:00.123456000+00:00": "2026-01-05 10:00:00.123456000",
        "2026-01-05T10:00:00.1234567Z": None,
        "2026-01-05T10:00:00+02:00": "2026-01-05 08:00:00",
        "2026-01-05T23:30:00.5-0130": "2026-01-06 01:00:00.5",
        "0001-01-01T00:00:00+01:00": None,
        "9999-12-31T23:59:59-01:00": None,
        "2026-01-05T24:00:00": None,
        "2026-01-05T10:00:60": None,
        "1767607200": None,
        "infinity": None,
        "yesterday": None,
    },
    "timestamp with time zone": {
        "2026-01-05": "2026-01-05 00:00+00",
        "2026-01-05T10:00:00Z": "2026-01-05 10:00:00+00",
        "2026-01-05T10:00:00+02:00": "2026-01-05 08:00:00+00",
    },
    "timestamp(3) without time zone": {
        "2026-01-05T10:00:00.123Z": "2026-01-05 10:00:00.123",
        "2026-01-05T10:00:00.123000Z": "2026-01-05 10:00:00.123000",
        "2026-01-05T10:00:00.1234Z": None,
        "2026-01-05": "2026-01-05",
    },
    "time": {"10:00": "10:00", "25:00": None},
    "uuid": {
        "123e4567-e89b-12d3-a456-426614174000": "123e4567-e89b-12d3-a456-426614174000",
        "123e4567": None,
    },
    "jsonb": {'{"a": [1.10]}': '{"a": [1.10]}', "{": None, "NaN": None, '"\\u0000"': None, '"\\ud800"': None},
    "character varying(3)": {"äöü": "äöü", "abcd": None, "": ""},
    "text": {"": "", "x" * 1_000_000: "x" * 1_000_000},
}


@pytest.mark.parametrize("words", CASES)
def test_values(words: str) -> None:
    to = column_type(words)
    assert to is not None
    given = [*CASES[words], None]
    written, fits = fitted(pa.array(given, pa.string()), to)
    found = {
        text: value if does_fit else None
        for text, value, does_fit in zip(given, written.to_pylist(), fits.to_pylist(), strict=True)
    }
    assert found == {**CASES[words], None: None}
    assert fits[-1].as_py() is True
    # One by one and all at once are the same.
    for text, value in CASES[words].items():
        one, does_fit = fitted(pa.array([text], pa.string()), to)
        assert (one[0].as_py() if does_fit[0].as_py() else None) == value


@pytest.mark.parametrize(
    "words", ["integer[]", "struct(a integer)", "interval", "bytea", "blob", "inet", "user-defined"]
)
def test_types_that_are_not_written(words: str) -> None:
    assert column_type(words) is None


def test_nothing_fits_everything() -> None:
    for words in CASES:
        to = column_type(words)
        assert to is not None
        for values in (pa.array([], pa.string()), pa.array([None, None], pa.string())):
            written, fits = fitted(values, to)
            assert written.to_pylist() == values.to_pylist()
            assert fits.to_pylist() == [True] * len(values)


@pytest.mark.parametrize(
    ("words", "one", "other", "is_same"),
    [
        ("integer", "5", "05", True),
        ("integer", "5.0", "5", True),
        ("integer", "5", "6", False),
        ("numeric(10,2)", "1.1", "1.10", True),
        ("double precision", "1e1", "10", True),
        ("text", "5", "05", False),
        ("date", "2026-01-05", "2026-01-05T00:00:00Z", True),
        ("timestamp", "2026-01-05", "2026-01-05 00:00:00.000", True),
        ("timestamp", "2026-01-05 10:00", "2026-01-05T10:00:00.0Z", True),
        ("timestamp", "2026-01-05 10:00", "2026-01-05 10:00:00.5", False),
        ("timestamp", "2026-01-05 10:00", "2026-01-05", False),
        ("timestamp with time zone", "2026-01-05T10:00:00Z", "2026-01-05 11:00:00+01:00", True),
        ("time", "10:00", "10:00:00.000", True),
        ("time", "10:00", "10:01", False),
        ("uuid", "123E4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000", True),
        ("boolean", "1", "true", True),
        ("integer", "x", "5", False),
        ("integer", None, None, True),
        ("integer", None, "5", False),
    ],
)
def test_the_same_value_in_other_words(words: str, one: str | None, other: str | None, is_same: bool) -> None:
    to = column_type(words)
    assert to is not None
    assert is_same_value(one, other, to) is is_same
    assert is_same_value(other, one, to) is is_same
