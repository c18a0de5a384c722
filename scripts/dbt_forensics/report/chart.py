"""A waterfall of causes, a value over knowledge time, and a settling curve, drawn by matplotlib as SVG for the page.

Their colours are the page's own, light or dark, and say nothing that form does not say too; their numbers are also in
tables. The same data gives the same bytes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from dbt_forensics.text import number, signed, visible

#: Stand-ins in the drawing, and what the page's style sheet calls them.
_COLORS = {
    "#010101": "var(--ink)",
    "#020202": "var(--line)",
    "#030303": "var(--total)",
    "#040404": "var(--up)",
    "#050505": "var(--down)",
    "#060606": "var(--paper)",
}
_INK, _LINE, _TOTAL, _UP, _DOWN, _PAPER = _COLORS
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.id": None,
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _LINE,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
    "legend.frameon": False,
}
#: Inches; the page scales the picture to its column.
_WIDTH, _ROW, _HEIGHT = 5.0, 0.3, 1.9
#: Of more versions than these only the first and the last are marked.
_MOST_MARKS = 60


@dataclass(frozen=True)
class Waterfall:
    """An SVG picture and what a caption has to say about it.

    Attributes:
        svg: The picture.
        axis_start: Where the axis begins if not at zero, else None.
    """

    svg: Markup
    axis_start: Decimal | None


def waterfall(before: Decimal, steps: Sequence[tuple[str, Decimal]], name: str) -> Waterfall:
    """Draws how a value became another one, step by step.

    Args:
        before: The value at first.
        steps: What changed it, and by how much, in order.
        name: What the picture shows, for those who cannot see it.
    """
    levels = [before]
    for _, change in steps:
        levels.append(levels[-1] + change)
    start, end, is_cut = _axis(levels)
    foot = start if is_cut else Decimal(0)
    bars = [("Published", foot, before, _TOTAL, number(before))]
    for (label, change), left, right in zip(steps, levels, levels[1:], strict=False):
        bars.append((label, left, right, _DOWN if change < 0 else _UP, signed(change)))
    bars.append(("Now", foot, levels[-1], _TOTAL, number(levels[-1])))

    def draw(axes: Axes) -> None:
        for line, (_, left, right, color, text) in enumerate(bars):
            # In widths of the axis, so that no number is too large for the drawing.
            low, high = (float((level - start) / (end - start)) for level in sorted((left, right)))
            fill = _PAPER if color == _DOWN else color
            axes.barh(line, high - low, left=low, height=0.6, color=fill, ec=color, lw=1.5, clip_on=False)
            axes.annotate(text, (high, line), xytext=(6, 0), textcoords="offset points", va="center")
        axes.set(xlim=(-0.01, 1.28), ylim=(len(bars) - 0.4, -0.6), xticks=[])
        axes.set_yticks(range(len(bars)), [_short(label) for label, *_ in bars])
        axes.tick_params(length=0)

    return Waterfall(_drawn(draw, 0.1 + _ROW * len(bars), name), start if is_cut else None)


def _axis(levels: Sequence[Decimal]) -> tuple[Decimal, Decimal, bool]:
    """Returns where the axis starts and ends, and whether it leaves zero out because the steps would be too thin."""
    low, high = min(levels), max(levels)
    span = high - low
    if span and low > 0 and span < high / 4:
        return low - span / 2, high, True
    low, high = min(low, Decimal(0)), max(high, Decimal(0))
    return (low, high, False) if high > low else (Decimal(0), Decimal(1), False)


def timeline(shown: Sequence[tuple[datetime, Decimal | None, bool]], name: str) -> Markup:
    """Draws what a value showed over time: a line that steps at each version, marked hollow before it was settled.

    Args:
        shown: For each version the time from which it was shown, its value, and whether its window was settled.
        name: What the picture shows, for those who cannot see it.
    """
    values = [value for _, value, _ in shown if value is not None] or [Decimal(0)]
    low, high = min(values), max(values)
    span = high - low or Decimal(1)
    times = [float(date2num(time)) for time, _, _ in shown]
    length = times[-1] - times[0]
    heights = [float("nan") if value is None else float((value - low) / span) for _, value, _ in shown]

    def draw(axes: Axes) -> None:
        axes.step([*times, times[-1] + length / 12], [*heights, heights[-1]], where="post", color=_UP)
        for place, (time, height, (_, _, is_settled)) in enumerate(zip(times, heights, shown, strict=True)):
            if len(times) <= _MOST_MARKS or place in (0, len(times) - 1):
                axes.plot(time, height, "o", mec=_UP, mfc=_UP if is_settled else _PAPER, clip_on=False)
        axes.set_yticks(*_ticks({0.0: low, float((high - low) / span): high}))
        axes.set_ylim(-0.15, 1.15)
        axes.grid(axis="y", linestyle=":")
        axes.tick_params(length=0)
        axes.annotate(
            _level(shown[-1][1]),
            (1, 0.0 if heights[-1] != heights[-1] else heights[-1]),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
        if length:
            locator = AutoDateLocator(minticks=2, maxticks=5)
            axes.xaxis.set_major_locator(locator)
            axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        else:
            axes.set_xticks([times[0]], [f"{shown[0][0]:%Y-%m-%d %H:%M}"])

    return _drawn(draw, _HEIGHT, name)


def settling(curve: Sequence[tuple[str, Decimal | None, Decimal | None]], name: str) -> Markup:
    """Draws how complete values were at each age: a line with dots, and with crosses how many were final.

    Args:
        curve: For each age, the youngest first, its name, the share of the final value that was shown, and the share of
            values that were final.
        name: What the picture shows, for those who cannot see it.
    """
    places = range(len(curve))

    def draw(axes: Axes) -> None:
        for which, label, style, color in [(1, "value shown", "o-", _UP), (2, "values final", "x--", _DOWN)]:
            shares = [float("nan") if age[which] is None else 100 * float(age[which] or 0) for age in curve]
            axes.plot(places, shares, style, color=color, label=label)
        axes.set_xticks(places, [age for age, _, _ in curve])
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:g} %")
        axes.grid(axis="y", linestyle=":")
        axes.tick_params(length=0)
        axes.legend(loc="best")

    return _drawn(draw, _HEIGHT, name)


def _ticks(levels: dict[float, Decimal]) -> tuple[list[float], list[str]]:
    return list(levels), [_level(level) for level in levels.values()]


def _level(value: Decimal | None) -> str:
    """A number that leaves room for the picture; all of its digits are in the table."""
    text = number(value)
    return text if value is None or len(text) <= 14 else f"{value:.4g}"


def _short(label: str) -> str:
    short = visible(label)
    return short if len(short) <= 20 else short[:19] + "…"


def _drawn(draw: Callable[[Axes], None], height: float, name: str) -> Markup:
    """Returns a picture as an SVG element for a page: without prolog and ids of its own, in the page's colours."""
    text = StringIO()
    # The ids of marks are made from a salt: another for each picture, since a page has one name for one thing.
    with rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained", frameon=False)
        draw(figure.subplots(subplot_kw={"frame_on": False}))
        FigureCanvasSVG(figure).print_svg(text, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    svg = text.getvalue()
    svg = re.sub(
        r"<metadata>.*?</metadata>|<style.*?</style>", "", svg[svg.index("<svg") + 5 :], flags=re.DOTALL
    )
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><").strip()
    for stand_in, color in _COLORS.items():
        svg = svg.replace(stand_in, color)
    # What matplotlib writes is markup, with every text in it escaped.
    return Markup('<svg role="img" aria-label="{}" ').format(name) + Markup(svg)
