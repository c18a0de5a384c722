"""The pictures: what they draw, and that they are only text where they show data."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree

from dbt_forensics.report.chart import settling, timeline, waterfall

STEPS = [("late", Decimal(20)), ("source deleted", Decimal(-30))]


#: Places, in points, that are not the picture's own edges.
WIDTH = 360.0


def paths(svg: str, color: str) -> list[list[tuple[float, float]]]:
    """The corners of the shapes and lines of a color, in the order of drawing."""
    found = re.findall(rf'<path d="([^"]*)"[^>]*style="[^"]*stroke: var\(--{color}\)', svg)
    return [
        [(float(x), float(y)) for x, y in re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", path)] for path in found
    ]


def bars(svg: str) -> list[tuple[float, float]]:
    """Where each bar begins, and how long it is, from the top."""
    corners = [path for color in ("total", "up", "down") for path in paths(svg, color)]
    by_height = sorted(corners, key=lambda path: path[0][1])
    return [
        (min(x for x, _ in path), max(x for x, _ in path) - min(x for x, _ in path)) for path in by_height
    ]


def test_steps_hang_between_before_and_after() -> None:
    before, late, deleted, now = bars(waterfall(Decimal(100), STEPS, "x").svg)
    scale = before[1] / 100
    assert abs(late[0] - before[0] - before[1]) < 0.2
    assert abs(late[1] - 20 * scale) < 0.2
    assert abs(deleted[0] + deleted[1] - late[0] - late[1]) < 0.2
    assert abs(deleted[1] - 30 * scale) < 0.2
    assert abs(now[1] - 90 * scale) < 0.2


def test_the_axis_starts_at_zero_unless_the_steps_would_be_too_thin() -> None:
    assert waterfall(Decimal(100), STEPS, "x").axis_start is None
    assert waterfall(Decimal(100000), STEPS, "x").axis_start == Decimal(100000) - 10 - Decimal(15)


def test_no_value_breaks_it() -> None:
    for before in ("0", "-5", "1e30", "0.000000001"):
        for steps in ([], [("late", Decimal(0))], [("late", Decimal(before) * -2)]):
            assert all(
                0 <= x <= x + width <= WIDTH for x, width in bars(waterfall(Decimal(before), steps, "x").svg)
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


def marks(svg: str) -> list[str]:
    """How the marks of a line are filled."""
    return re.findall(r'<use [^>]*style="fill: var\(--(paper|up)\)', svg)


def test_a_value_steps_at_each_version() -> None:
    svg = str(timeline(shown("150", "205", "177.5"), "x"))
    (line,) = [path for path in paths(svg, "up") if len(path) > 2]
    assert [round(y) for _, y in line] == [
        round(line[0][1] - rise) for rise in heights(line, 0, 0, 1, 1, 0.5, 0.5, 0.5)
    ]
    assert marks(svg) == ["paper", "up", "up"]
    texts = re.findall(r"<text[^>]*>([^<]*)<", svg)
    assert {"205", "150", "177.50"} <= set(texts)
    assert any("2026" in text for text in texts)


def heights(line: list[tuple[float, float]], *shares: float) -> list[float]:
    """How high above its foot a line is at shares of its height."""
    tall = max(y for _, y in line) - min(y for _, y in line)
    return [share * tall for share in shares]


def test_a_value_that_was_none_leaves_a_gap() -> None:
    svg = str(timeline(shown("1", None, "3"), "x"))
    (line,) = re.findall(r'<path d="(M [^"]*L [^"]*)"[^>]*stroke: var\(--up\)', svg)
    assert line.count("M") == 2
    assert len(marks(svg)) == 2


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
        assert ElementTree.fromstring(svg).get("aria-label") == '"><script>'
        assert all(0 <= x <= WIDTH for path in paths(svg, "up") if len(path) < 9 for x, _ in path)
    assert len(marks(str(timeline(many, "x")))) == 2


def test_how_values_settle() -> None:
    curve = [
        ("1 h", Decimal("0.25"), None),
        ("1 d", Decimal("0.5"), Decimal(0)),
        ("3 d", Decimal(1), Decimal(1)),
    ]
    svg = str(settling(curve, '"><script>'))
    shares, _ = [path for path in paths(svg, "up") if len(path) == 3]  # and the one of the legend
    rises = [shares[0][1] - y for _, y in shares]
    assert abs(rises[2] - 3 * rises[1]) < 0.2
    assert {"1 h", "1 d", "3 d", "100 %", "value shown", "values final"} <= set(
        re.findall(r"<text[^>]*>([^<]*)<", svg)
    )
    assert ElementTree.fromstring(svg).get("aria-label") == '"><script>'
    assert "var(--down)" in svg
    assert "stroke-dasharray" in svg


def test_the_same_data_gives_the_same_bytes() -> None:
    assert timeline(shown("1", "2"), "x") == timeline(shown("1", "2"), "x")
    assert waterfall(Decimal(100), STEPS, "x") == waterfall(Decimal(100), STEPS, "x")


def test_nothing_of_a_picture_reaches_beyond_it() -> None:
    """No style of its own for the page, no prolog, no name that two pictures share."""
    svgs = [str(timeline(shown("1", "2"), "x")), str(timeline(shown("1", "2"), "y"))]
    assert not any("<style" in svg or "<!" in svg or "<?" in svg for svg in svgs)
    first, second = (set(re.findall(r'id="([^"]*)"', svg)) for svg in svgs)
    assert first
    assert not first & second
