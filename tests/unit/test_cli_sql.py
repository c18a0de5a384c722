"""Values as SQL: literals that read back as the value, on a real engine."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import identifier, in_list, literal
from dbt_forensics.streams import relation_parts

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"))
CONNECTION = duckdb.connect()


@given(TEXT)
def test_text_reads_back(value: str) -> None:
    assert CONNECTION.execute(f"select {literal(value)}").fetchone() == (value,)


@pytest.mark.parametrize("value", ["'); drop table x; --", "{{ x }}", "\\'", "%s", "''", "a\nb", "\u202e"])
def test_what_looks_like_code_is_a_value(value: str) -> None:
    assert CONNECTION.execute(f"select {literal(value)}").fetchone() == (value,)


@given(st.decimals(-(10**28), 10**28, places=9))
def test_exact_numbers_read_back(value: Decimal) -> None:
    row = CONNECTION.execute(f"select cast({literal(value)} as decimal(38, 9))").fetchone()
    assert row == (value,)


def test_times_and_nothing() -> None:
    time = datetime(2026, 1, 5, 12, 0, 0, 1)
    assert CONNECTION.execute(f"select {literal(time)}, {literal(None)}").fetchone() == (time, None)


@given(st.lists(TEXT, max_size=5), TEXT)
def test_in_a_list(values: list[str], value: str) -> None:
    row = CONNECTION.execute(f"select coalesce({literal(value)} in {in_list(values)}, false)").fetchone()
    assert row == (value in values,)


@pytest.mark.parametrize("value", ["a\x00b", Decimal("NaN"), Decimal("Infinity")])
def test_what_no_literal_can_say_is_refused_in_words(value: str | Decimal) -> None:
    with pytest.raises(ForensicsError, match="cannot be looked up"):
        literal(value)


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1))
def test_identifiers_read_back(name: str) -> None:
    found = CONNECTION.execute(f"select 1 as {identifier(name)}").description
    assert found is not None
    assert found[0][0] == name


@pytest.mark.parametrize(
    ("path", "parts", "version"),
    [
        ("source.shop.orders", ["source", "shop", "orders"], None),
        ('source.shop."order.events"', ["source", "shop", "order.events"], None),
        ("ref.orders", ["ref", "orders"], None),
        ("ref.orders.v2", ["ref", "orders"], "2"),
        ("ref.other.orders.v12", ["ref", "other", "orders"], "12"),
        ('ref.other."v2"', ["ref", "other", "v2"], None),
        ("ref.v2", ["ref", "v2"], None),
        ("raw.v1", ["raw", "v1"], None),
        ('source.shop."orders', ['source.shop."orders'], None),
    ],
)
def test_a_relation_is_named_by_parts(path: str, parts: list[str], version: str | None) -> None:
    assert relation_parts(path) == (parts, version)
