"""The waterfall: what it draws, and that it is only text where it shows data."""

from __future__ import annotations

import re
from decimal import Decimal

from dbt_forensics.report.chart import waterfall

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
