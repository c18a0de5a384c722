"""Which changes matter most. Pure: rows in, rows out, the same order for the same rows."""

from collections.abc import Sequence
from decimal import Decimal

from dbt_forensics.warehouse import Row

KINDS = ("restated", "corrected", "grown")


def kind(changed: Row) -> str:
    """Returns what kind of change a published window went through.

    ``restated``: it changed after it was settled; ``corrected``: before that, but not only because more rows arrived;
    ``grown``: before that, because more rows arrived.
    """
    if changed["is_restated"]:
        return "restated"
    return "corrected" if changed["is_corrected"] else "grown"


def difference(changed: Row) -> Decimal:
    """Returns by how much the value moved; a value that was not published, or of no inputs, counts as 0."""
    return Decimal(changed["value"] or 0) - Decimal(changed["previous_value"] or 0)


def ranked(changed: Sequence[Row]) -> list[Row]:
    """Returns changed windows, the most important first.

    Unexplained changes come first, then by kind, then by how far the value moved in proportion to the largest value
    that the same metric had among these windows (so that revenue in cents does not push aside a count of orders).
    Ties are broken by name and time, the latest window first.
    """
    largest: dict[tuple[str, str], Decimal] = {}
    for row in changed:
        size = max(abs(Decimal(row[key] or 0)) for key in ("value", "previous_value"))
        metric = (row["stream"], row["metric"])
        largest[metric] = max(size, largest.get(metric, Decimal(0)))

    def importance(row: Row) -> tuple[bool, int, Decimal]:
        scale = largest[row["stream"], row["metric"]] or Decimal(1)
        return (not row["is_unexplained"], KINDS.index(kind(row)), -abs(difference(row)) / scale)

    by_name = sorted(changed, key=lambda row: (row["stream"], row["metric"], row["dimensions"]))
    by_time = sorted(by_name, key=lambda row: row["window_start"], reverse=True)
    return sorted(by_time, key=importance)
