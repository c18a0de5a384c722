"""What a sample says about each column. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from functools import cached_property
from typing import Any

from dbt_forensics.warehouse import Column


@dataclass(frozen=True)
class Profile:
    """A column as a sample shows it.

    Attributes:
        name: Its name as the engine stores it.
        data_type: Its type in the engine's words.
        kind: ``time``, ``number``, ``flag`` or ``text``, by its values: text that reads as a time is a time.
        cells: Its value in each row of the sample; times as naive UTC.
    """

    name: str
    data_type: str
    kind: str
    cells: Sequence[Any]

    @property
    def row_count(self) -> int:
        """How many rows the sample has."""
        return len(self.cells)

    @cached_property
    def values(self) -> list[Any]:
        """The values in the sample, NULLs left out."""
        return [value for value in self.cells if value is not None]

    @property
    def words(self) -> list[str]:
        """The words of the name, in small letters: ``_loadedAt`` is loaded and at."""
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", self.name)
        return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]

    @property
    def fill(self) -> float:
        """The share of rows that have a value."""
        return len(self.values) / self.row_count if self.row_count else 0.0

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return len(set(map(str, self.values)))

    @property
    def uniqueness(self) -> float:
        """Different values per value: 1 if none repeats."""
        return self.distinct / len(self.values) if self.values else 0.0


def profiles(columns: Iterable[Column], rows: Sequence[Mapping[str, Any]]) -> list[Profile]:
    """Returns a profile of each column.

    Args:
        columns: The columns of a relation.
        rows: A sample of its rows.
    """
    return [_profile(column, [row[column.name] for row in rows]) for column in columns]


def as_time(value: Any) -> datetime | None:
    """Returns a value as naive UTC if it is a time, or text that is one in ISO form."""
    if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}", value):
        try:
            value = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else None


def _profile(column: Column, cells: Sequence[Any]) -> Profile:
    present = [value for value in cells if value is not None]
    times = [as_time(value) for value in present]
    if present and None not in times:
        return Profile(column.name, column.data_type, "time", [as_time(value) for value in cells])
    kind = "text"
    if present and all(isinstance(value, bool) for value in present):
        kind = "flag"
    elif present and all(
        isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) for value in present
    ):
        kind = "number"
    return Profile(column.name, column.data_type, kind, cells)
