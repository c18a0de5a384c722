"""How numbers and times stand in a JSON document: exact. Pure."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from dbt_forensics.text import iso, plain


def number(value: Any) -> str | None:
    """Returns an exact number as the JSON has it: text, so that no digit is lost."""
    return None if value is None else plain(Decimal(str(value)))


def earliest(times: Iterable[datetime | None]) -> str | None:
    """Returns the earliest of some times as the JSON has it, or None if there is none."""
    return iso(min((time for time in times if time is not None), default=None))


def latest(times: Iterable[datetime | None]) -> str | None:
    """Returns the latest of some times as the JSON has it, or None if there is none."""
    return iso(max((time for time in times if time is not None), default=None))
