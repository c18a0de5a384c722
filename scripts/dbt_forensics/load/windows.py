"""What speaks against landing rows in a window: values of it were published as final, or somebody is acting on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from dbt_forensics.errors import ForensicsError
from dbt_forensics.load.fits import fitted
from dbt_forensics.load.target import Target, plain_column
from dbt_forensics.load.types import column_type
from dbt_forensics.sql import literal
from dbt_forensics.streams import Stream
from dbt_forensics.writing import WritingWarehouse

#: Every override, and what it lets pass.
OVERRIDES = {
    "open": "an action is applied, and not verified yet, in windows of its rows",
    "settled": "windows of its rows are settled: what was published changes after the fact",
}
_MOST_NAMED = 5
Windows = Mapping[str, Collection[datetime]]


@dataclass(frozen=True)
class WindowGuard:
    """Knows the windows of the streams that read a raw table.

    Attributes:
        warehouse: A session; what it asks may be asked inside a transaction.
        streams: Each stream with the column of its event time.
        actions: ``forensics__actions`` as SQL.
        action_rows: ``int_forensics__action_rows`` as SQL.
        batches: ``forensics__batch_history`` as SQL.
    """

    warehouse: WritingWarehouse
    streams: tuple[tuple[Stream, str], ...]
    actions: str
    action_rows: str
    batches: str

    def windows(self, columns: Mapping[str, pa.StringArray]) -> dict[str, set[datetime]]:
        """Returns the starts of the windows that rows are in, by stream."""
        return {
            stream.name: window_starts(columns[column], stream.window)
            for stream, column in self.streams
            if column in columns
        }

    def against(self, windows: Windows) -> dict[str, str]:
        """Returns what speaks against rows in these windows: the override to a sentence."""
        found: dict[str, list[str]] = {}
        for stream, _ in self.streams:
            starts = windows.get(stream.name, ())
            for action_id, acted_on in sorted(self._open(stream).items()):
                if hit := sorted(acted_on.intersection(starts)):
                    found.setdefault("open", []).append(
                        f"action {action_id} is applied and not verified in {_named(stream, hit)}"
                    )
            latest = self._latest(stream)
            if latest and (hit := sorted(start for start in starts if _settles_at(stream, start) <= latest)):
                found.setdefault("settled", []).append(
                    f"{_named(stream, hit)} {'is' if len(hit) == 1 else 'are'} settled"
                )
        return {name: "; ".join(words) for name, words in found.items()}

    def _open(self, stream: Stream) -> dict[str, set[datetime]]:
        found: dict[str, set[datetime]] = {}
        for row in self.warehouse.query(
            f"select distinct states.action_id, of_action.window_start from {self.actions} as states"
            f" inner join {self.action_rows} as of_action on states.action_id = of_action.action_id"
            f" where states.status = 'applied' and states.stream = {literal(stream.name)}"
            " and of_action.window_start is not null"
        ):
            found.setdefault(row["action_id"], set()).add(row["window_start"])
        return found

    def _latest(self, stream: Stream) -> datetime | None:
        (row,) = self.warehouse.query(
            f"select max(latest_event_time) as latest from {self.batches}"
            f" where dbt_valid_to is null and stream = {literal(stream.name)}"
        )
        return row["latest"]  # type: ignore[no-any-return]


def find_guard(warehouse: WritingWarehouse, target: Target) -> WindowGuard | None:
    """Returns what guards the windows of a raw table; None where no stream reads it, or nothing was built yet."""
    streams = []
    for stream in warehouse.streams().values():
        if stream.relation.startswith("source.") and warehouse.place(stream.relation) == target.place:
            column = plain_column(stream.roles["event_time"], target.columns)
            if column is not None:
                streams.append((stream, column))
    if not streams:
        return None
    try:
        return WindowGuard(
            warehouse,
            tuple(streams),
            warehouse.relation("forensics__actions"),
            warehouse.relation("int_forensics__action_rows"),
            warehouse.relation("forensics__batch_history"),
        )
    except ForensicsError:
        return None


def window_starts(times: pa.StringArray, window: str) -> set[datetime]:
    """Returns the starts of the windows of some times as text; what is no time, or cannot be one, is in none.

    Args:
        times: ISO 8601, without zone in UTC.
        window: ``hour`` or ``day``.
    """
    as_time = column_type("timestamp")
    assert as_time is not None
    written, fits = fitted(times, as_time)
    starts = pc.utf8_slice_codeunits(written, 0, 13 if window == "hour" else 10)
    usable = pc.and_(fits, pc.is_valid(written))
    found = (datetime.fromisoformat(text) for text in pc.unique(starts.filter(usable)).to_pylist())
    return {start for start in found if 1900 <= start.year < 2200}


def refusal(against: Mapping[str, str], allowed: Iterable[str]) -> str | None:
    """Returns why rows may not land, as a sentence; None if everything that speaks against it is allowed."""
    left = {name: words for name, words in against.items() if name not in set(allowed)}
    if not left:
        return None
    options = " ".join(f"--allow-{name}" for name in left)
    why = "; ".join(left.values())
    return f"Its rows fall into windows that are closed to it: {why}. To load it all the same: {options}."


def _settles_at(stream: Stream, start: datetime) -> datetime:
    length = timedelta(hours=1) if stream.window == "hour" else timedelta(days=1)
    return start + length + stream.allowed_lateness + stream.expected_delay


def _named(stream: Stream, starts: Collection[datetime]) -> str:
    shape = "%Y-%m-%d %H:%M" if stream.window == "hour" else "%Y-%m-%d"
    named = ", ".join(f"{start:{shape}}" for start in list(starts)[:_MOST_NAMED])
    more = f" and {len(starts) - _MOST_NAMED} more" if len(starts) > _MOST_NAMED else ""
    return f"{'window' if len(starts) == 1 else 'windows'} {named}{more} of stream {stream.name}"
