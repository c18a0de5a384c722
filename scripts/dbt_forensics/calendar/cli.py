"""`dbt-forensics calendar`: a thin command over the days of a calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from dbt_forensics.calendar.days import holidays_of, with_days, years_of
from dbt_forensics.errors import ForensicsError
from dbt_forensics.terminal import tell


@click.command()
@click.option("--country", required=True, help="Its code in ISO 3166, as DE.")
@click.option(
    "--subdivision", help="The code of a part of it, as BY; else what is a holiday everywhere in it."
)
@click.option("--years", help="As 2026 or 2025-2027; else from three years ago to the next one.")
@click.option(
    "--out", help="The seed to write, as seeds/forensics_calendar.csv; its lines stay. Else it is printed."
)
def calendar(country: str, subdivision: str | None, years: str | None, out: str | None) -> None:
    """Write the public holidays of a country as the seed forensics_calendar: each is compared with its like."""
    this_year = datetime.now(UTC).year
    days = holidays_of(country, subdivision, years_of(years or f"{this_year - 3}-{this_year + 1}"))
    if out is None:
        tell(with_days("", days)[0].removesuffix("\n"))
        return
    path = Path(out)
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after, added = with_days(before, days)
        path.write_text(after, encoding="utf-8", newline="\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ForensicsError(f"{out} cannot be written: {error}.") from error
    tell(f"{out} has {added} more days. Run dbt build.")
