"""The versions of a value: what is put together, what adds up, and how it reads."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dbt_forensics.errors import ForensicsError
from dbt_forensics.explain.collect import Question, stream_of
from dbt_forensics.explain.render import render_explanation
from dbt_forensics.explain.story import MOST_VALUES, story
from dbt_forensics.streams import stream, watched_stream
from unit.report_evidence import STREAM, at

EUR, USD = '{"currency":"EUR"}', '{"currency":"USD"}'


def version(
    number: int, day: str, value: str | None, before: str | None, dimensions: str = EUR
) -> dict[str, Any]:
    return {
        "metric": "revenue",
        "window_start": at("05"),
        "window_end": at("06"),
        "dimensions": dimensions,
        "version": number,
        "recorded_from": at(day),
        "previous_value": None if before is None else Decimal(before),
        "value": None if value is None else Decimal(value),
        "input_count": number,
        "origin": "published",
        "is_settled": number > 1,
    }


def change(
    of: dict[str, Any], cause: str, amount: str | None, ids: str = '["e1"]', events: int = 1
) -> dict[str, Any]:
    return {
        **of,
        "cause": cause,
        "change": None if amount is None else Decimal(amount),
        "event_count": events,
        "sample_event_ids": ids,
        "first_arrived_at": at("05 10:00"),
        "last_arrived_at": at("05 11:00"),
    }


FIRST, SECOND = version(1, "05 12:00", "150", None), version(2, "08 10:00", "127.5", "150")
OTHER = version(1, "05 12:00", "9", None, USD)
CHANGES = [
    change(FIRST, "on_time", "150", '["e1","e2"]', 12),
    change(SECOND, "late", "7.5"),
    change(SECOND, "source_deleted", "-30"),
    change(OTHER, "on_time", "9"),
]


def told(
    versions: list[dict[str, Any]], changes: list[dict[str, Any]], **wanted: str | None
) -> dict[str, Any]:
    found = story(stream(STREAM), wanted, versions, changes)
    return {"metric": "revenue", "stream": "orders", "window": "day", "as_of": None, **found}


def checks(document: dict[str, Any]) -> list[bool]:
    return [v["sum_check"]["holds"] for value in document["values"] for v in value["versions"]]


def test_each_value_has_its_versions_and_causes() -> None:
    document = told([FIRST, SECOND, OTHER], CHANGES)
    assert document["add_up"]
    assert [(v["dimensions"], v["value"], len(v["versions"])) for v in document["values"]] == [
        ({"currency": "EUR"}, "127.5", 2),
        ({"currency": "USD"}, "9", 1),
    ]
    first, second = document["values"][0]["versions"]
    assert (first["recorded_to"], second["recorded_to"]) == ("2026-01-08T10:00:00Z", None)
    assert [(c["cause"], c["change"]) for c in second["causes"]] == [
        ("late", "7.5"),
        ("source_deleted", "-30"),
    ]
    assert second["difference"] == second["sum_check"]["causes_add_up_to"] == "-22.5"


@pytest.mark.parametrize(
    ("versions", "changes", "expected", "words"),
    [
        ([FIRST], [change(FIRST, "on_time", "149.999999999")], [False], "IT DOES NOT ADD UP"),
        ([FIRST], [], [False], "Sum check: nothing = 0, but 150 less 0 is +150: IT DOES NOT ADD UP"),
        ([FIRST], [change(FIRST, "unexplained", "150")], [False], "a part of it is UNEXPLAINED"),
        ([version(1, "05", None, None)], [change(FIRST, "on_time", None)], [False], "UNEXPLAINED"),
        ([version(1, "05", None, None)], [change(FIRST, "on_time", "0")], [True], "it adds up"),
        ([SECOND], CHANGES, [False], "IT DOES NOT FOLLOW"),
        ([FIRST, version(2, "08", "1", "149")], CHANGES, [True, False], "IT DOES NOT FOLLOW"),
    ],
)
def test_what_does_not_add_up_is_said(
    versions: list[dict[str, Any]], changes: list[dict[str, Any]], expected: list[bool], words: str
) -> None:
    document = told(versions, changes)
    assert checks(document) == expected
    assert document["add_up"] == all(expected)
    assert words in render_explanation(document, 300)


def test_dimensions_narrow_it() -> None:
    assert [v["value"] for v in told([FIRST, OTHER], CHANGES, currency="USD")["values"]] == ["9"]
    none = version(1, "05 12:00", "3", None, "{}")
    assert [
        v["value"] for v in told([FIRST, none], [change(none, "late", "3")], currency=None)["values"]
    ] == ["3"]
    assert told([FIRST], CHANGES, currency="eur")["values"] == []


def test_of_many_values_those_that_moved_most_or_do_not_add_up() -> None:
    versions, changes = [], []
    for n in range(MOST_VALUES + 10):
        dimensions = f'{{"currency":"c{n:02}"}}'
        first, second = version(1, "05", "1", None, dimensions), version(2, "06", str(n), "1", dimensions)
        versions += [first, second]
        changes += [change(first, "on_time", "1"), change(second, "late", str(n - 1 if n != 3 else 9))]
    document = told(versions, changes)
    assert (document["total"], len(document["values"]), document["add_up"]) == (30, MOST_VALUES, False)
    shown = [value["dimensions"]["currency"] for value in document["values"]]
    assert shown == ["c03", *(f"c{n}" for n in range(11, 30))]
    assert "20 of 30 values of this window" in render_explanation(document, 200)


def test_it_reads_in_a_terminal() -> None:
    for width in (80, 160):
        text = render_explanation(told([FIRST, SECOND, OTHER], CHANGES), width)
        assert max(len(line) for line in text.splitlines()) <= width
        words = " ".join(text.split())
        assert "revenue currency EUR of 2026-01-05 in stream orders: 127.50 now, 2 versions." in words
        assert "Sum check: +7.50 -30 = -22.50, which is 127.50 less 150: it adds up." in words
        assert "and 10 more" in words


def test_a_terminal_takes_no_orders_from_values() -> None:
    of = version(1, "05", "1", None, '{"currency":"\\u001b[31m"}')
    text = render_explanation(told([of], [change(of, "on_time", "1", '["\\u202e[bold]"]')]), 300)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<U+001B>[31m" in text
    assert "<U+202E>[bold]" in text


def test_personal_ids_and_dimensions_are_masked() -> None:
    personal = stream({**STREAM, "personal_data": ["currency", STREAM["event_id"]]})
    document = {
        "metric": "m",
        "stream": "s",
        "window": "day",
        "as_of": None,
        **story(personal, {}, [FIRST], CHANGES),
    }
    text = render_explanation(document, 200)
    assert "EUR" not in text
    assert "e1" not in text
    assert text.count("(masked)") == 3


def test_the_one_stream_that_has_the_metric() -> None:
    one, two = stream(STREAM), stream({**STREAM, "name": "other"})
    asked = Question("revenue", at("05"))
    assert stream_of(asked, {"orders": one}) is one
    assert stream_of(Question("revenue", at("05"), "other"), {"orders": one, "other": two}) is two
    with pytest.raises(ForensicsError, match="give --stream with one of orders, other") as error:
        stream_of(asked, {"orders": one, "other": two})
    assert error.value.exit_code == 2


def test_what_is_personal_in_a_stream_is_so_in_a_watched_value() -> None:
    personal = stream({**STREAM, "personal_data": ["currency", STREAM["event_id"]]})
    watch = {"daily": {"relation": "ref.daily", "dimensions": ["currency"], "window": "day", "metric": None}}
    watched = watched_stream("watched", watch, {"orders": personal, "other": stream(STREAM)})
    assert watched.is_personal("event_id")
    assert watched.is_personal("currency")
    assert not watched_stream(
        "watched", watch, {"orders": stream({**STREAM, "personal_data": []})}
    ).is_personal("event_id")
    assert stream_of(Question("daily", at("05")), {"orders": personal, "watched": watched}) is watched
