"""Whether texts fit a column's type, and the one form in which both engines take them.

A value fits if the type holds it as it stands: nothing is rounded, cut or guessed. (`real` and `double` hold the
nearest number that they have, as always, but of a whole number: that is a count or a key.) What the usual value looks
like is decided for a whole column at a time.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dbt_forensics.load.model import JsonObject
from dbt_forensics.load.types import ColumnType

_LEAP = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DATE = (
    r"(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    rf"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6}0*)?)?"
_UTC = r"(?: ?(?:Z|[+-]00(?::?00)?))?"
_ZONE = r" ?[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?"
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_MOMENT = re.compile(rf"({_DATE})(?:[T ]({_TIME}))({_ZONE})")
_EXPONENT = re.compile(rf"({_NUMBER})[eE][+-]?[0-9]{{1,4}}")
_WRITTEN_WHOLE = re.compile(r"[+-]?[0-9]+(?:\.0*)?")
#: PostgreSQL takes more digits; a longer number is no number that anybody meant.
_MOST_DIGITS = 1000

Fitted = tuple["pa.StringArray", "pa.BooleanArray"]


def fitted(values: pa.StringArray, to: ColumnType) -> Fitted:
    """Returns the values in the form that is written, and which of them fit.

    Args:
        values: Text or NULL.
        to: What the column takes. NULL fits every type.
    """
    if to.kind == "text":
        if to.length is None:
            return values, _all(values)
        return values, pc.fill_null(pc.less_equal(pc.utf8_length(values), to.length), True)
    written, fits = _KINDS[to.kind](values, to)
    if to.kind.startswith("time") and to.length is not None:
        # Digits of a second that the engine would round away.
        finer = pc.match_substring_regex(values, rf"\.[0-9]{{{to.length}}}0*[1-9]")
        fits = pc.and_(fits, pc.fill_null(pc.invert(finer), True))
    return written, fits


def is_same_value(one: str | None, other: str | None, to: ColumnType) -> bool:
    """Returns whether two texts are the same value of a column: 5 and 05 are, in a column of numbers."""
    written, fits = fitted(pa.array([one, other], pa.string()), to)
    first, second = written.to_pylist()
    if first is None or second is None or first == second or not all(fits.to_pylist()):
        return first is second if first is None or second is None else bool(first == second)
    if to.kind in ("whole", "number"):
        return Decimal(first) == Decimal(second)
    if to.kind in ("real", "double"):
        return float(first) == float(second)
    if to.kind.startswith("time"):
        return _moment(first) == _moment(second)
    return to.kind == "uuid" and first.lower() == second.lower()


def _moment(text: str) -> str:
    """A time with what may be left out at its end: midnight, seconds, their fraction."""
    whole, _, fraction = text.removesuffix("+00").partition(".")
    whole += {0: " 00:00:00", 1: ":00"}.get(whole.count(":"), "")
    return whole + fraction.rstrip("0")


def _all(values: pa.StringArray) -> pa.BooleanArray:
    return pa.array([True]).take(pa.nulls(len(values), pa.int64()).fill_null(0))


def _matches(values: pa.StringArray, pattern: str) -> pa.BooleanArray:
    return pc.fill_null(pc.match_substring_regex(values, rf"\A(?:{pattern})\z"), True)


def _usually(
    values: pa.StringArray,
    pattern: str,
    usual: Callable[[pa.StringArray], pa.StringArray],
    odd: Callable[[str], str | None],
) -> Fitted:
    """Converts what matches all at once, and the rest one by one: `odd` returns None for what does not fit."""
    plain = _matches(values, pattern)
    if pc.all(plain).as_py() is not False:
        return usual(values), plain
    # What a file repeats is looked at once.
    rest = values.filter(pc.invert(plain)).dictionary_encode()
    known = [odd(text) for text in rest.dictionary.to_pylist()]
    found = pa.array(known, pa.string()).take(rest.indices)
    written = pc.replace_with_mask(usual(pc.if_else(plain, values, None)), pc.invert(plain), found)
    return written, pc.or_(plain, pc.is_valid(written))


def _same(values: pa.StringArray) -> pa.StringArray:
    return values


def _whole(values: pa.StringArray, to: ColumnType) -> Fitted:
    def odd(text: str) -> str | None:
        # 5.0 and 5e0 are whole: many a JSON writer has no whole numbers.
        number = _exact(text)
        if number is None or number != number.to_integral_value() or not to.least <= number <= to.most:
            return None
        return f"{int(number)}"

    digits = len(str(to.most)) - 1
    return _usually(values, f"{'-?' if to.least else ''}[0-9]{{1,{digits}}}", _same, odd)


def _number(values: pa.StringArray, to: ColumnType) -> Fitted:
    def odd(text: str) -> str | None:
        number = _exact(text)
        if number is None:
            return None
        written = f"{number:f}"
        whole, _, fraction = written.lstrip("-").partition(".")
        if to.precision is not None and (
            len(whole.lstrip("0")) > to.precision - to.scale or len(fraction.rstrip("0")) > to.scale
        ):
            return None
        return written if len(written) <= _MOST_DIGITS else None

    if to.precision is None:
        return _usually(values, r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?", _same, odd)
    whole = to.precision - to.scale
    fraction = rf"(?:\.[0-9]{{1,{to.scale}}})?" if to.scale else ""
    usual = rf"-?[0-9]{{1,{whole}}}{fraction}" if whole else rf"-?0{fraction}"
    return _usually(values, usual, _same, odd)


def _exact(text: str) -> Decimal | None:
    """Reads a number exactly; None if it is none, or is absurdly long."""
    if len(text) > _MOST_DIGITS or not (re.fullmatch(_NUMBER, text) or _EXPONENT.fullmatch(text)):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number == 0 or abs(number.adjusted()) <= _MOST_DIGITS else None


def _float(values: pa.StringArray, to: ColumnType) -> Fitted:
    least, most = (
        (1.401298464324817e-45, 3.4028235e38) if to.kind == "real" else (5e-324, 1.7976931348623157e308)
    )
    special = {
        "nan": "NaN",
        "inf": "Infinity",
        "infinity": "Infinity",
        "-inf": "-Infinity",
        "-infinity": "-Infinity",
    }

    def odd(text: str) -> str | None:
        if text.lower() in special:
            return special[text.lower()]
        if not (re.fullmatch(_NUMBER, text) or _EXPONENT.fullmatch(text)) or len(text) > _MOST_DIGITS:
            return None
        number = float(text)
        is_zero = not text.lower().partition("e")[0].strip("+-0.")
        if (
            _WRITTEN_WHOLE.fullmatch(text)
            and math.isfinite(number)
            and not _is_held(Decimal(text), number, to)
        ):
            return None
        return repr(number) if is_zero or (math.isfinite(number) and least <= abs(number) <= most) else None

    digits = 7 if to.kind == "real" else 15
    return _usually(values, rf"-?[0-9]{{1,{digits}}}(?:\.[0-9]{{1,15}})?", _same, odd)


def _is_held(whole: Decimal, number: float, to: ColumnType) -> bool:
    """Whether a float is a whole number, or is written so: its shortest text has zeros where it has other digits."""
    if to.kind == "double":
        return whole in (Decimal(number), Decimal(repr(number)))
    single = pa.scalar(number, pa.float32())
    held = single.as_py()
    return math.isfinite(held) and whole in (Decimal(held), Decimal(single.cast(pa.string()).as_py()))


def _boolean(values: pa.StringArray, to: ColumnType) -> Fitted:
    words = {
        "true": "true",
        "t": "true",
        "1": "true",
        "yes": "true",
        "false": "false",
        "f": "false",
        "0": "false",
    }
    return _usually(values, "true|false", _same, lambda text: {**words, "no": "false"}.get(text.lower()))


def _date(values: pa.StringArray, to: ColumnType) -> Fitted:
    def odd(text: str) -> str | None:
        # A day that was written as a time is a day if it is midnight, in UTC.
        given = re.fullmatch(rf"({_DATE})[T ]00:00(?::00(?:\.0+)?)?{_UTC}", text)
        return given[1] if given and not text.startswith("0000") else None

    written, fits = _usually(values, _DATE, _same, odd)
    return written, _has_year(written, fits)


def _has_year(values: pa.StringArray, fits: pa.BooleanArray) -> pa.BooleanArray:
    return pc.and_(fits, pc.fill_null(pc.invert(pc.starts_with(values, "0000")), True))


def _clock_time(values: pa.StringArray, to: ColumnType) -> Fitted:
    return values, _matches(values, _TIME)


def _timestamp(values: pa.StringArray, to: ColumnType) -> Fitted:
    def usual(given: pa.StringArray) -> pa.StringArray:
        # Both engines read a space; one zone at most is left, and it is none.
        plain = pc.replace_substring_regex(given, r" ?(?:Z|[+-]00(?::?00)?)\z", "")
        return pc.replace_substring(plain, "T", " ", max_replacements=1)

    def odd(text: str) -> str | None:
        given = _MOMENT.fullmatch(text)
        if given is None:
            return None
        day, time, zone = given.groups()
        zone = zone.strip().replace(":", "")
        ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:] or 0))
        clock, _, fraction = time.partition(".")
        try:
            moment = datetime.fromisoformat(f"{day} {clock}") + (ahead if zone[0] == "-" else -ahead)
        except (OverflowError, ValueError):  # before the year 1, or after 9999
            return None
        return moment.isoformat(sep=" ", timespec="seconds") + (f".{fraction[:6]}" if fraction else "")

    written, fits = _usually(values, rf"{_DATE}(?:[T ]{_TIME}{_UTC})?", usual, odd)
    fits = _has_year(written, fits)
    if to.kind == "timestamptz":
        midnight = pc.if_else(pc.equal(pc.utf8_length(written), 10), " 00:00", "")
        written = pc.binary_join_element_wise(written, midnight, "+00", "")
    return written, fits


def _uuid(values: pa.StringArray, to: ColumnType) -> Fitted:
    return values, _matches(values, "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _json(values: pa.StringArray, to: ColumnType) -> Fitted:
    # jsonb keeps one of two equal keys, which json keeps both.
    pairs = _unlike if to.words == "jsonb" else None

    def is_json(text: str) -> bool:
        try:
            found = json.loads(
                text, parse_int=str, parse_float=str, parse_constant=_no_constant, object_pairs_hook=pairs
            )
            # No engine's JSON has NUL or half characters.
            return "\\u" not in text or "\0" not in _written(found)
        except (ValueError, RecursionError):
            return False

    return values, pa.array([text is None or is_json(text) for text in values.to_pylist()], pa.bool_())


def _unlike(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(pairs)
    return found


def _written(value: Any) -> str:
    """Returns the texts of a value, one after the other; UnicodeError if one has half a character."""
    if isinstance(value, str):
        value.encode()
        return value
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    return "".join(map(_written, parts))


def _no_constant(name: str) -> None:
    raise ValueError(name)


_KINDS: dict[str, Callable[[pa.StringArray, ColumnType], Fitted]] = {
    "whole": _whole,
    "number": _number,
    "real": _float,
    "double": _float,
    "boolean": _boolean,
    "date": _date,
    "time": _clock_time,
    "timestamp": _timestamp,
    "timestamptz": _timestamp,
    "uuid": _uuid,
    "json": _json,
}
