"""A waterfall of causes, and a value over knowledge time, as small SVGs.

Their colours come from the page's style sheet and say nothing that form does not say too; their numbers are also
in tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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


_TOP, _HEIGHT, _BOTTOM, _TAIL = 16, 110, 34, 24
#: Of more versions than these only the first and the last are marked.
_MOST_MARKS = 60


def timeline(shown: Sequence[tuple[datetime, Decimal | None, bool]], name: str) -> Markup:
    """Draws what a value showed over time: a line that steps at each version, marked hollow before it was settled.

    Args:
        shown: For each version the time from which it was shown, its value, and whether its window was settled.
        name: What the picture shows, for those who cannot see it.
    """
    values = [value for _, value, _ in shown if value is not None] or [Decimal(0)]
    low, high = min(values), max(values)
    start, end = shown[0][0], shown[-1][0]
    length = (end - start).total_seconds() or 1.0
    right = _LABELS + _PLOT

    def across(time: datetime) -> float:
        return _LABELS + (time - start).total_seconds() / length * (right - _LABELS - _TAIL)

    def down(value: Decimal) -> float:
        return _TOP + (float((high - value) / (high - low)) * _HEIGHT if high > low else _HEIGHT / 2)

    parts = [_level(down(value), number(value), right) for value in dict.fromkeys((high, low))]
    places = [(across(time), None if value is None else down(value)) for time, value, _ in shown]
    path, before = [], None
    for (x, y), (until, _) in zip(places, [*places[1:], (float(right), None)], strict=True):
        if y is not None:
            path.append(
                f"{'M' if before is None else 'V'}{f'{x:.1f} ' if before is None else ''}{y:.1f}H{until:.1f}"
            )
        before = y
    parts.append(Markup('<path d="{}" class="line"/>').format("".join(path)))
    for number_of, ((x, y), (_, _, is_settled)) in enumerate(zip(places, shown, strict=True)):
        if y is not None and (len(places) <= _MOST_MARKS or number_of in (0, len(places) - 1)):
            mark = '<circle cx="{:.1f}" cy="{:.1f}" r="4.5" class="{}"/>'
            parts.append(Markup(mark.format(x, y, "settled" if is_settled else "open")))
    if places[-1][1] is not None:
        text = '<text x="{}" y="{:.1f}" class="value">{}</text>'
        parts.append(Markup(text.format(right + 8, places[-1][1] + 4, number(shown[-1][1]))))
    foot = _TOP + _HEIGHT + _BOTTOM
    times = [(across(start), "start", start), (across(end), "middle", end)][: 1 if start == end else 2]
    for x, anchor, time in times:
        text = '<text x="{:.1f}" y="{}" text-anchor="{}">{:%Y-%m-%d %H:%M}</text>'
        parts.append(Markup(text.format(x, foot - 8, anchor, time)))
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _LABELS + _PLOT + _VALUES, foot, name, Markup("").join(parts)
    )


def _level(y: float, text: str, right: int) -> Markup:
    return Markup(
        '<text x="{}" y="{:.1f}" class="label">{}</text><path d="M{} {:.1f}H{}" class="grid"/>'
    ).format(_LABELS - 10, y + 4, text, _LABELS, y, right)


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
