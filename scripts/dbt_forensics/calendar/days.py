"""The public holidays of a country as rows of the seed forensics_calendar. Reads no database."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date

from dbt_forensics.errors import ForensicsError

COLUMNS = ("date", "name", "stream")
Day = tuple[str, str, str]


def years_of(text: str) -> range:
    """Returns the years that an option names: ``2026`` or ``2025-2027``.

    Raises:
        ForensicsError: It names none, or more than a hundred.
    """
    first, _, last = text.partition("-")
    last = last or first
    if not (first.isdecimal() and last.isdecimal() and len(first) == len(last) == 4 and first <= last):
        raise ForensicsError(
            f"--years is '{text}': write a year, as 2026, or the first and the last, as 2025-2027."
        )
    years = range(int(first), int(last) + 1)
    if len(years) > 100:
        raise ForensicsError(f"--years names {len(years)} years: a hundred at most.")
    return years


def holidays_of(country: str, subdivision: str | None, years: range) -> list[Day]:
    """Returns the public holidays of a country, in order; a day with two names is there twice.

    Args:
        country: Its code in ISO 3166, as DE.
        subdivision: The code of a part of it, as BY; None means what is a holiday everywhere in it.
        years: Of which years.

    Raises:
        ForensicsError: The library holidays is not installed, or does not know the country or the part of it.
    """
    try:
        import holidays
    except ImportError as missing:
        raise ForensicsError(
            "The calendar needs the library holidays, which is not installed: pip install holidays."
        ) from missing
    try:
        # In the language of the country: the library's own choice is that of who runs it.
        language = getattr(holidays.country_holidays(country), "default_language", None)
        found = holidays.country_holidays(country, subdiv=subdivision, years=years, language=language)
    except NotImplementedError as unknown:
        named = country if subdivision is None else f"{country} with the part {subdivision}"
        raise ForensicsError(
            f"The library holidays does not know {named}: give codes of ISO 3166, as --country DE --subdivision BY."
        ) from unknown
    return sorted(
        {(day.isoformat(), name, "") for day, names in found.items() for name in _names(day, names)}
    )


def _names(day: date, names: str) -> list[str]:
    """The library writes several names of a day as one text."""
    return [name.strip() for name in names.split(";") if name.strip()]


def with_days(text: str, days: Iterable[Day]) -> tuple[str, int]:
    """Returns a calendar with more days, and how many: what it had stays, line by line, and is not added again.

    Args:
        text: The seed as it is; empty where there is none.
        days: What to add.

    Raises:
        ForensicsError: It is no calendar: it lacks a column, or has others.
    """
    rows = list(csv.reader(io.StringIO(text)))
    header = tuple(name.strip().lower() for name in rows[0]) if rows else COLUMNS
    if not {"date", "name"} <= set(header) <= set(COLUMNS):
        raise ForensicsError(
            f"The file has the columns {', '.join(header)}; a calendar has {', '.join(COLUMNS)}."
        )
    places = {name: header.index(name) for name in header}
    known = {(row[places["date"]], row[places["name"]]) for row in rows[1:] if len(row) == len(header)}
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    if not rows:
        writer.writerow(COLUMNS)
    added = [dict(zip(COLUMNS, day, strict=True)) for day in days if day[:2] not in known]
    writer.writerows([day[name] for name in header] for day in added)
    return text + ("\n" if text and not text.endswith("\n") else "") + written.getvalue(), len(added)
