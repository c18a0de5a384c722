"""The holidays of a country as a seed: what is written, what stays, and what is refused."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from dbt_forensics.calendar.days import holidays_of, with_days, years_of
from dbt_forensics.cli import cli
from dbt_forensics.errors import ForensicsError


class Known(dict[date, str]):
    """What the library gives."""

    default_language = "de"


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the library holidays: two days a year, one of them with two names."""

    def country_holidays(
        country: str, subdiv: str | None = None, years: range = range(0), language: str | None = None
    ) -> Known:
        if country != "DE" or subdiv not in (None, "BY"):
            raise NotImplementedError
        found = Known()
        for year in years:
            found[date(year, 1, 1)] = "Neujahr" if language == "de" else "New Year"
            found[date(year, 5, 1)] = "Erster Mai; Christi Himmelfahrt" if year == 2008 else "Erster Mai"
            if subdiv == "BY":
                found[date(year, 1, 6)] = "Heilige Drei Könige"
        return found

    monkeypatch.setitem(sys.modules, "holidays", SimpleNamespace(country_holidays=country_holidays))


def run(*arguments: str) -> Any:
    outcome = CliRunner().invoke(cli, ["calendar", *arguments])
    if isinstance(outcome.exception, ForensicsError):
        raise outcome.exception
    return outcome


@pytest.mark.usefixtures("library")
def test_it_prints_a_calendar() -> None:
    outcome = run("--country", "DE", "--years", "2026")
    assert outcome.output == "date,name,stream\n2026-01-01,Neujahr,\n2026-05-01,Erster Mai,\n"


@pytest.mark.usefixtures("library")
def test_a_day_with_two_names_is_there_twice_and_a_part_of_a_country_has_its_own() -> None:
    assert [name for _, name, _ in holidays_of("DE", "BY", years_of("2008-2008"))] == [
        *("Neujahr", "Heilige Drei Könige", "Christi Himmelfahrt", "Erster Mai")
    ]


@pytest.mark.usefixtures("library")
def test_what_stands_in_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "forensics_calendar.csv"
    path.write_text("name,date\nSale,2026-07-01\nNeujahr,2026-01-01", encoding="utf-8")
    for added in (1, 0):
        assert (
            f" has {added} more days." in run("--country", "DE", "--years", "2026", "--out", str(path)).output
        )
        assert (
            path.read_text("utf-8")
            == "name,date\nSale,2026-07-01\nNeujahr,2026-01-01\nErster Mai,2026-05-01\n"
        )


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--country", "XX"), "does not know XX"),
        (("--country", "DE", "--subdivision", "QQ"), "does not know DE with the part QQ"),
        (("--country", "DE", "--years", "last"), "--years is 'last'"),
        (("--country", "DE", "--years", "2027-2025"), "--years is '2027-2025'"),
        (("--country", "DE", "--years", "1900-2026"), "a hundred at most"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ForensicsError, match=sentence):
        run(*arguments)


def test_a_library_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ForensicsError, match="pip install holidays"):
        run("--country", "DE")


def test_another_file_is_not_written_into() -> None:
    with pytest.raises(ForensicsError, match="has the columns id, amount; a calendar has date, name, stream"):
        with_days("id,amount\n1,2\n", [])


def test_the_library_knows_the_names_of_the_country_in_its_own_language() -> None:
    pytest.importorskip("holidays", reason="an extra: make setup installs it")
    assert ("2026-12-25", "Erster Weihnachtstag", "") in holidays_of("DE", None, range(2026, 2027))
