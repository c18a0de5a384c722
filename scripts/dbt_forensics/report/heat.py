"""The calendar of a stream's windows, for the dashboard. Pure."""

from datetime import datetime, timedelta
from typing import TypedDict

from dbt_forensics.report.document import Window, Windows

#: What stands in a cell, so that no reader depends on colour.
SIGNS = {"healthy": "✓", "low": "▼", "high": "▲", "missing": "✕", "resting": "–", "unknown": "?", "open": "…"}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKS, DAYS = 12, 14


class CalendarRow(TypedDict):
    """A week or a day: its name, and a window for each column, None where there is none."""

    name: str
    cells: list[Window | None]


class Calendar(TypedDict):
    """The latest windows of a stream as rows and columns."""

    columns: tuple[str, ...]
    rows: list[CalendarRow]


def heat(stream: Windows) -> Calendar:
    """Returns the latest windows of a stream as rows and columns: weeks of days, or days of hours.

    Args:
        stream: An item of ``windows`` in the report's JSON document.

    Returns:
        ``columns``, and ``rows`` with ``name`` and a cell for each column: the window, or None where there is none.
    """
    is_daily = stream["window"] == "day"
    found: dict[datetime, dict[int, Window]] = {}
    for window in stream["items"]:
        start = datetime.fromisoformat(window["window_start"].removesuffix("Z"))
        day = start.replace(hour=0)
        row = day - timedelta(days=day.weekday()) if is_daily else day
        found.setdefault(row, {})[day.weekday() if is_daily else start.hour] = window
    columns = WEEKDAYS if is_daily else tuple(f"{hour:02}" for hour in range(24))
    shown = sorted(found)[-(WEEKS if is_daily else DAYS) :]
    return {
        "columns": columns,
        "rows": [
            {"name": f"{row:%Y-%m-%d}", "cells": [found[row].get(place) for place in range(len(columns))]}
            for row in shown
        ],
    }
