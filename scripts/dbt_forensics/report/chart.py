"""A waterfall of causes as a small SVG. Its colours come from the page's style sheet; its numbers are also text."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup, escape

from dbt_forensics.text import number, signed, visible

_ROW, _LABELS, _PLOT, _VALUES = 28, 150, 250, 100


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

    def place(level: Decimal) -> float:
        return _LABELS + float((level - start) / (end - start)) * _PLOT

    foot = place(start if is_cut else Decimal(0))
    bars = [_bar(0, "Published", "total", foot, place(before), number(before))]
    for line, (label, change) in enumerate(steps, 1):
        kind = "down" if change < 0 else "up"
        bars.append(_bar(line, label, kind, place(levels[line - 1]), place(levels[line]), signed(change)))
    bars.append(_bar(len(steps) + 1, "Now", "total", foot, place(levels[-1]), number(levels[-1])))
    height, width = _ROW * len(bars), _LABELS + _PLOT + _VALUES
    svg = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        width, height, name, Markup("").join(bars)
    )
    return Waterfall(svg, start if is_cut else None)


def _axis(levels: Sequence[Decimal]) -> tuple[Decimal, Decimal, bool]:
    """Returns where the axis starts and ends, and whether it leaves zero out because the steps would be too thin."""
    low, high = min(levels), max(levels)
    span = high - low
    if span and low > 0 and span < high / 4:
        return low - span / 2, high, True
    low, high = min(low, Decimal(0)), max(high, Decimal(0))
    return (low, high, False) if high > low else (Decimal(0), Decimal(1), False)


def _bar(line: int, label: str, kind: str, left: float, right: float, value: str) -> Markup:
    left, right = min(left, right), max(left, right)
    middle = _ROW * line + _ROW / 2
    short = visible(label)
    short = short if len(short) <= 20 else short[:19] + "…"
    return Markup(
        '<text x="{}" y="{}" class="label">{}</text><rect x="{}" y="{}" width="{}" height="{}" class="{}"/>'
        '<text x="{}" y="{}" class="value">{}</text>'
    ).format(
        _LABELS - 10,
        f"{middle + 4:.0f}",
        escape(short),
        f"{left:.1f}",
        _ROW * line + 5,
        f"{max(right - left, 1.5):.1f}",
        _ROW - 10,
        kind,
        f"{right + 8:.1f}",
        f"{middle + 4:.0f}",
        value,
    )
