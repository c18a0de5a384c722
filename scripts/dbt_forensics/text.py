"""How values read in a terminal, in Markdown and in HTML. Every function is pure."""

import unicodedata
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import overload

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def visible(value: object) -> str:
    """Returns text in which what cannot be seen is spelled out, so that no value can hide or disguise itself.

    Control characters, zero-width characters and those that turn the reading direction become ``<U+202E>``; a line
    break or tab becomes a space.
    """
    return "".join(
        " "
        if char in "\n\r\t"
        else f"<U+{ord(char):04X}>"
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else char
        for char in str(value)
    )


def plain(value: Decimal) -> str:
    """Returns an exact number without exponent and without trailing zeros."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def number(value: str | int | Decimal | None) -> str:
    """Returns a number with thousands separators and, if it has decimals, at least two of them; ``–`` for None."""
    if value is None:
        return "–"
    whole, _, fraction = plain(Decimal(value)).partition(".")
    return f"{'-' if whole == '-0' else ''}{int(whole):,}" + (f".{fraction:0<2}" if fraction else "")


def signed(value: str | int | Decimal | None) -> str:
    """Returns a change with its sign, ``–`` for None."""
    text = number(value)
    return text if value is None or text.startswith("-") or text == "0" else f"+{text}"


def rounded(value: str | Decimal | None) -> str:
    """Returns a number to four significant digits, for what is only an estimate; ``–`` for None."""
    return number(None if value is None else Context(prec=4).plus(Decimal(value)))


def percent(part: str | Decimal, whole: str | Decimal | None) -> str:
    """Returns a change relative to what it started from, such as ``-11.2 %``; empty where there was nothing."""
    if whole is None or Decimal(whole) == 0:
        return ""
    share = Decimal(part) / abs(Decimal(whole)) * 100
    return "0 %" if share == 0 else f"{share:+,.1f} %"


def share(part: str | Decimal | None) -> str:
    """Returns a share of a whole, such as ``99.97 %``; ``–`` for None. Only what is everything reads ``100 %``."""
    if part is None:
        return "–"
    hundredth = (Decimal(part) * 100).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    if hundredth == 100 != Decimal(part) * 100:
        hundredth = Decimal("99.99") if Decimal(part) < 1 else Decimal("100.01")
    return f"{hundredth.normalize():f} %"


def count(quantity: int, noun: str, plural: str | None = None) -> str:
    """Returns ``1 row`` or ``2 rows``."""
    return f"{quantity:,} {noun if quantity == 1 else plural or noun + 's'}"


def duration(seconds: int | float | Decimal) -> str:
    """Returns a length of time in its two largest units, such as ``2 d 3 h``; signed where it is negative."""
    rest = abs(int(seconds))
    parts = []
    for unit, size in _UNITS:
        quantity, rest = divmod(rest, size)
        if quantity:
            parts.append(f"{quantity} {unit}")
    return ("-" if seconds < 0 else "") + (" ".join(parts[:2]) or "0 s")


def age(hours: int) -> str:
    """Returns how old a window is, from its end, such as ``3 d``."""
    return duration(3600 * hours) if hours else "its end"


def long_duration(length: timedelta) -> str:
    """Returns a configured length of time in words, such as ``3 days``."""
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0 and seconds:
            return count(seconds // size, unit)
    return count(seconds, "second")


@overload
def iso(time: datetime) -> str: ...
@overload
def iso(time: None) -> None: ...
@overload
def iso(time: datetime | None) -> str | None: ...
def iso(time: datetime | None) -> str | None:
    """Returns a UTC time as the reports' JSON has it, such as ``2026-01-05T10:00:00Z``."""
    return None if time is None else time.isoformat() + "Z"


def moment(time: str | None) -> str:
    """Returns a UTC time of the reports' JSON as people read it, to the second; ``–`` for None."""
    return "–" if time is None else time[:19].replace("T", " ").removesuffix(":00")


def window_name(start: str, window: str) -> str:
    """Returns a window as people name it: its day, or its day and hour."""
    return moment(start)[:10] if window == "day" else moment(start)[:16]
