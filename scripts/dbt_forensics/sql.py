"""Values and names as SQL text. Nothing else in this package puts a value into a query."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from dbt_forensics.errors import ForensicsError

Value = str | int | Decimal | datetime | None


def literal(value: Value) -> str:
    """Returns a value as an SQL literal that every supported engine reads back as that value.

    Args:
        value: Text, an exact number, a naive UTC time or None. Text is quoted by doubling single quotes, which is
            all that standard SQL strings need: backslashes and percent signs are ordinary characters in them.

    Raises:
        ForensicsError: The text has a NUL byte (no engine takes one in a literal), or the number is not finite.
    """
    if value is None:
        return "null"
    if isinstance(value, datetime):
        return f"cast('{value:%Y-%m-%d %H:%M:%S.%f}' as timestamp)"
    if isinstance(value, str):
        if "\x00" in value:
            raise ForensicsError("A value with a NUL byte cannot be looked up: leave the NUL byte out.")
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, Decimal) and not value.is_finite():
        raise ForensicsError(f"The number {value} cannot be looked up: give a finite one.")
    return f"{value:f}" if isinstance(value, Decimal) else str(int(value))


def in_list(values: Iterable[Value]) -> str:
    """Returns values as the right-hand side of ``in``; of no values, one that matches nothing."""
    return "(" + (", ".join(literal(value) for value in values) or "null") + ")"


def identifier(name: str, quote: str = '"') -> str:
    """Returns a column name as a quoted identifier.

    Args:
        name: The name exactly as the engine stores it.
        quote: The engine's quote character, as its adapter uses it.
    """
    return quote + name.replace(quote, quote * 2) + quote
