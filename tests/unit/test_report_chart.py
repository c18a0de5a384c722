"""The waterfall: what it draws, and that it is only text where it shows data."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree

from dbt_forensics.report.chart import timeline, waterfall

STEPS = [("late", Decimal(20)), ("source deleted", Decimal(-30))]


def bars(svg: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(width)) for x, width in re.findall(r'<rect x="([\d.]+)"[^>]* width="([\d.]+)"', svg)
    ]


def test_steps_hang_between_before_and_after() -> None:
    before, late, deleted, now = bars(waterfall(Decimal(100), STEPS, "x").svg)
    scale = before[1] / 100
    assert late == (round(before[0] + before[1], 1), round(20 * scale, 1))
    assert abs(deleted[1] - 30 * scale) < 0.2
    assert abs(now[1] - 90 * scale) < 0.2


def test_the_axis_starts_at_zero_unless_the_steps_would_be_too_thin() -> None:
    assert waterfall(Decimal(100), STEPS, "x").axis_start is None
    assert waterfall(Decimal(100000), STEPS, "x").axis_start == Decimal(100000) - 10 - Decimal(15)


def test_no_value_breaks_it() -> None:
    for before in ("0", "-5", "1e30", "0.000000001"):
        for steps in ([], [("late", Decimal(0))], [("late", Decimal(before) * -2)]):
            assert all(
                0 <= x <= 500 and 0 < width <= 251
                for x, width in bars(waterfall(Decimal(before), steps, "x").svg)
            )


def test_labels_are_escaped_and_short() -> None:
    svg = waterfall(Decimal(1), [("<b>" + "x" * 50, Decimal(1))], '"><script>').svg
    assert "<b>" not in svg
    assert "<script>" not in svg
    assert "x" * 20 not in svg


START = datetime(2026, 1, 5, 12)


def shown(*values: str | None, hours: int = 6) -> list[tuple[datetime, Decimal | None, bool]]:
    return [
        (START + timedelta(hours=hours * n), None if value is None else Decimal(value), n > 0)
        for n, value in enumerate(values)
    ]


def test_a_value_steps_at_each_version() -> None:
    svg = str(timeline(shown("150", "205", "177.5"), "x"))
    (line,) = re.findall(r'<path d="([^"]*)" class="line"', svg)
    assert line == "M150.0 126.0H263.0V16.0H376.0V71.0H400.0"
    assert re.findall(r'class="(open|settled)"', svg) == ["open", "settled", "settled"]
    texts = re.findall(r"<text[^>]*>([^<]*)<", svg)
    assert texts == ["205", "150", "177.50", "2026-01-05 12:00", "2026-01-06 00:00"]


def test_a_value_that_was_none_leaves_a_gap() -> None:
    svg = str(timeline(shown("1", None, "3"), "x"))
    (line,) = re.findall(r'<path d="([^"]*)" class="line"', svg)
    assert line.count("M") == 2
    assert svg.count("<circle") == 2


def test_no_history_breaks_the_line() -> None:
    many = shown(*(str(n % 7) for n in range(500)), hours=1)
    histories = [
        shown("5"),
        shown(None),
        shown("1e30", "-1e30"),
        shown("0", "0"),
        shown("3", "4", hours=0),
        many,
    ]
    for history in histories:
        svg = str(timeline(history, '"><script>'))
        root = ElementTree.fromstring(svg)
        numbers = [float(n) for d in re.findall(r' d="([^"]*)"', svg) for n in re.findall(r"-?[0-9.]+", d)]
        assert all(0 <= n <= 500 for n in numbers)
        assert root.get("aria-label") == '"><script>'
    assert str(timeline(many, "x")).count("<circle") == 2
