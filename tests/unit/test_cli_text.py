"""How values read."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dbt_forensics import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0"), ("-0.000", "0"), ("1234567.500000000", "1,234,567.50"), ("-0.5", "-0.50"), ("1E+3", "1,000"),
        ("0.000000001", "0.000000001"), (None, "–"), (12, "12"),
    ],
)  # fmt: skip
def test_numbers(value: str | int | None, shown: str) -> None:
    assert text.number(value) == shown


@given(st.decimals(-(10**29), 10**29, places=9))
def test_no_digit_of_a_number_is_lost(value: Decimal) -> None:
    assert Decimal(text.number(value).replace(",", "")) == value
    assert Decimal(text.signed(value).replace(",", "")) == value


@pytest.mark.parametrize(("value", "shown"), [("3", "+3"), ("-3", "-3"), ("0", "0"), (None, "–")])
def test_changes(value: str | None, shown: str) -> None:
    assert text.signed(value) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [("-23", "205", "-11.2 %"), ("1", "-4", "+25.0 %"), ("0", "3", "0 %"), ("1", "0", ""), ("1", None, "")],
)
def test_percent(part: str, whole: str | None, shown: str) -> None:
    assert text.percent(part, whole) == shown


@pytest.mark.parametrize(
    ("part", "shown"),
    [("1", "100 %"), ("0.99999", "99.99 %"), ("1.00001", "100.01 %"), ("0.9997", "99.97 %"), (None, "–")],
)
def test_only_what_is_everything_reads_as_all_of_it(part: str | None, shown: str) -> None:
    assert text.share(part) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59.9, "59 s"), (3600, "1 h"), (183_600, "2 d 3 h"), (-90, "-1 min 30 s")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(), "0 seconds"),
    ],
)
def test_configured_durations(length: timedelta, shown: str) -> None:
    assert text.long_duration(length) == shown


@given(st.text())
@example("\u202e a \u2066 b \u200b c")
def test_nothing_invisible_stays(value: str) -> None:
    assert not set(text.visible(value)) & {"\x00", "\n", "\r", "\x1b", "\u200b", "\u202e", "\u2066", "\ufeff"}


def test_times() -> None:
    assert text.moment("2026-01-05T10:00:00Z") == "2026-01-05 10:00"
    assert text.moment("2026-01-05T10:00:07.123456Z") == "2026-01-05 10:00:07"
    assert text.moment(None) == "–"
    assert text.window_name("2026-01-05T14:00:00Z", "hour") == "2026-01-05 14:00"
    assert text.window_name("2026-01-05T00:00:00Z", "day") == "2026-01-05"
