"""What `init` guesses from columns and rows, and the YAML that it writes."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dbt_forensics.init.guess import Guess, guess_stream, slug
from dbt_forensics.init.lateness import measure_lateness
from dbt_forensics.init.look import Look
from dbt_forensics.init.profile import as_time, profiles
from dbt_forensics.init.render import render_stream
from dbt_forensics.warehouse import Column

START = datetime(2026, 1, 5)


def shop_rows(count: int = 200) -> list[dict[str, Any]]:
    """Events every ten minutes, loaded hourly; every 50th is sent twice."""
    rows = []
    for number in range(count):
        happened = START + timedelta(minutes=10 * number)
        loaded = happened.replace(minute=0) + timedelta(hours=1, minutes=5)
        rows.append(
            {
                "event_id": f"e{number - (number % 50 == 49)}",
                "customer_id": number % 17,
                "event_type": ("placed", "paid")[number % 2],
                "occurred_at": happened,
                "updated_at": happened + timedelta(days=2),
                "_loaded_at": loaded,
                "_load_id": f"load_{loaded:%d%H}",
                "seq": number,
                "schema_version": "v1",
                "business_unit": ("north", "south")[number % 2],
                "amount": Decimal(number),
                "discount": Decimal(number) - 5,
                "fee_total": Decimal(-number),
                "currency": "EUR",
                "customer_email": "a@example.org",
                "is_gift": number % 2 == 0,
                "note": None,
            }
        )
    return rows


def guessed(rows: list[dict[str, Any]]) -> Guess:
    return guess_stream(profiles([Column(name, "any") for name in rows[0]], rows), rows)


def columns_of(guess: Guess) -> dict[str, str]:
    return {role: choice.column for role, choice in guess.roles.items()}


def test_a_shop() -> None:
    guess = guessed(shop_rows())
    assert columns_of(guess) == {
        "event_time": "occurred_at",
        "ingested_at": "_loaded_at",
        "event_id": "event_id",
        "sequence_number": "seq",
        "schema_version": "schema_version",
        "batch_id": "_load_id",
        "entity_id": "customer_id",
        "event_type": "event_type",
        "tenant": "business_unit",
    }
    assert [choice.column for choice in guess.metrics] == ["amount", "fee_total"]
    assert [choice.column for choice in guess.rules] == ["amount"]
    assert [choice.column for choice in guess.dimensions] == ["currency"]
    assert [choice.column for choice in guess.personal] == ["customer_email"]
    assert all(choice.why for choice in guess.roles.values())


def test_data_decides_between_two_times_without_telling_names() -> None:
    rows = [{"a": START + timedelta(hours=n, days=2), "b": START + timedelta(hours=n)} for n in range(9)]
    guess = guessed(rows)
    assert (guess.roles["event_time"].column, guess.roles["ingested_at"].column) == ("b", "a")


def test_one_time_only_is_both_and_is_said() -> None:
    guess = guessed([{"id": n, "at": START + timedelta(hours=n)} for n in range(9)])
    assert guess.roles["event_time"].column == guess.roles["ingested_at"].column == "at"
    assert "lateness cannot be seen" in guess.notes[0]


def test_no_id_and_no_time() -> None:
    guess = guessed([{"what": "x", "size": 3.5} for _ in range(9)])
    assert guess.roles == {}
    assert "derived from the content" in guess.notes[-1]


def test_an_id_that_hardly_differs_is_none() -> None:
    assert "event_id" not in guessed([{"id": n % 2, "at": START} for n in range(100)]).roles


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-01-05T10:00:00Z", datetime(2026, 1, 5, 10)),
        ("2026-01-05 10:00:00+02:00", datetime(2026, 1, 5, 8)),
        (datetime(2026, 1, 5, 10, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 1, 5, 9)),
        (date(2026, 1, 5), datetime(2026, 1, 5)),
        ("2026-13-05", None),
        ("20260105", None),
        (5, None),
        (None, None),
    ],
)
def test_what_reads_as_a_time(value: Any, time: datetime | None) -> None:
    assert as_time(value) == time


def test_lateness_of_hourly_loads() -> None:
    pairs = [(row["occurred_at"], row["_loaded_at"]) for row in shop_rows(2000)]
    lateness = measure_lateness(pairs)
    assert lateness is not None
    assert (lateness.window, lateness.expected_delay) == ("day", timedelta(hours=2))
    assert lateness.on_time_share == 1.0


def test_lateness_of_a_tail() -> None:
    pairs = [(START + timedelta(minutes=n), START + timedelta(minutes=n + 30)) for n in range(1000)]
    pairs += [(START, START + timedelta(days=1, hours=40))] * 5
    lateness = measure_lateness(pairs)
    assert lateness is not None
    assert (lateness.expected_delay, lateness.allowed_lateness) == (timedelta(hours=1), timedelta(days=2))
    assert lateness.late_share == 1.0


def test_dates_are_measured_from_the_end_of_their_day() -> None:
    lateness = measure_lateness([(START, START + timedelta(hours=25))] * 10)
    assert lateness is not None
    assert lateness.expected_delay == timedelta(hours=2)


def test_a_fast_and_dense_stream_is_watched_by_the_hour() -> None:
    pairs = [(START + timedelta(seconds=n), START + timedelta(seconds=n + 5)) for n in range(4000)]
    lateness = measure_lateness(pairs)
    assert lateness is not None
    assert (lateness.window, lateness.expected_delay) == ("hour", timedelta(minutes=5))
    assert measure_lateness([]) is None


@pytest.mark.parametrize("time", [datetime.min, datetime.max, datetime(9999, 12, 31)])
def test_impossible_times_do_no_harm(time: datetime) -> None:
    assert measure_lateness([(time, START), (START, time)]) is not None


def written(
    rows: list[dict[str, Any]], path: str = "source.shop.order_events", is_declared: bool = True
) -> str:
    times = measure_lateness((row["occurred_at"], row["_loaded_at"]) for row in rows)
    return render_stream(Look(path, is_declared, len(rows), len(rows), guessed(rows), times))


def test_the_yaml_says_what_was_guessed() -> None:
    text = written(shop_rows())
    stream = yaml.safe_load(text)["vars"]["forensics_streams"]["order_events"]
    assert stream["relation"] == "source.shop.order_events"
    assert stream["event_id"] == "event_id"
    assert stream["expected_delay"] == {"count": 2, "period": "hour"}
    assert stream["personal_data"] == ["customer_email"]
    assert stream["rules"] == {"amount_is_not_negative": "amount >= 0"}
    assert stream["metrics"] == {
        "events": {"agg": "count"},
        "amount": {"agg": "sum", "expr": "amount", "dimensions": ["currency"]},
        "fee_total": {"agg": "sum", "expr": "fee_total", "dimensions": ["currency"]},
    }
    guesses = [
        line
        for line in text.splitlines()
        if line.startswith("      ") and ": " in line and "metrics" not in line
    ]
    assert sum("  # " in line for line in guesses) >= len(guesses) - 5


def test_names_that_are_no_plain_words_are_quoted_for_yaml_and_for_sql() -> None:
    names = {"amount": 'Gross "Amount": €', "event_id": "Event Id", "customer_email": "yes email"}
    rows = [{names.get(name, name): value for name, value in row.items()} for row in shop_rows()]
    stream = yaml.safe_load(written(rows))["vars"]["forensics_streams"]["order_events"]
    assert stream["event_id"] == "Event Id"
    assert stream["metrics"]["gross_amount"]["expr"] == '"Gross ""Amount"": €"'
    assert stream["personal_data"] == ["yes email"]


def test_an_undeclared_table_comes_with_its_declaration() -> None:
    text = written(shop_rows(), "source.raw.order_events", is_declared=False)
    declaration = next(line for line in text.splitlines() if "sources:" in line)
    assert yaml.safe_load(declaration.lstrip("# ")) == {
        "sources": [{"name": "raw", "schema": "raw", "tables": [{"name": "order_events"}]}]
    }


@given(st.text())
def test_a_slug_is_a_name_that_the_package_takes(name: str) -> None:
    assert slug(name)[0].isalpha()
    assert slug(name).replace("_", "").isalnum()
    assert slug(name).isascii()


@pytest.mark.parametrize(("every", "event_time"), [(4, "occurred_at"), (1, "updated_at")])
def test_a_time_counts_where_most_rows_have_it(every: int, event_time: str) -> None:
    """One row in four without it is no reason to take another column; a column that most rows leave empty is one."""
    rows = shop_rows()
    for number, row in enumerate(rows):
        if (number % 4 == 0) == (every == 4):
            row["occurred_at"] = None
    assert columns_of(guessed(rows))["event_time"] == event_time


def order_rows(
    arrival: str, loaded: datetime | None, days: int = 4, repeats: int = 0
) -> list[dict[str, Any]]:
    """A row an hour, each under its own id but for some; all loaded at one time, or an hour after their event."""
    rows = []
    for number in range(24 * days + 1):
        happened = START + timedelta(hours=number)
        name = f"e{max(number, repeats)}"
        rows.append({"id": name, "occurred_at": happened, arrival: loaded or happened + timedelta(hours=1)})
    return rows


@pytest.mark.parametrize(
    ("rows", "writes"),
    [
        (order_rows("loaded_at", START + timedelta(days=9), days=5), "replace"),
        (order_rows("loaded_at", START + timedelta(days=9), days=5, repeats=1), None),
        (order_rows("loaded_at", START + timedelta(days=9), days=4), None),
        (order_rows("loaded_at", None, days=5), None),
        (order_rows("updated_at", None, days=5), "merge"),
        (order_rows("updated_at", None, days=5, repeats=1), None),
    ],
    ids=[
        "one load",
        "one load with a repeat",
        "too few rows",
        "appended",
        "upserted",
        "updated with a repeat",
    ],
)
def test_how_a_source_writes_shows_in_its_relation(rows: list[dict[str, Any]], writes: str | None) -> None:
    found = guessed(rows).writes
    assert (found.column if found else None) == writes
