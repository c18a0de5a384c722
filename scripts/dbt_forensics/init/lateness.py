"""How late rows are, and what follows for a stream. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_USUAL = [
    *(timedelta(minutes=quantity) for quantity in (5, 15, 30)),
    *(timedelta(hours=quantity) for quantity in (1, 2, 3, 6, 12)),
    *(timedelta(days=quantity) for quantity in (1, 2, 3, 7, 14, 30, 60, 90, 180, 365)),
]
_DAY = timedelta(days=1)
Times = tuple[datetime, datetime]


@dataclass(frozen=True)
class Lateness:
    """How late rows are.

    Attributes:
        window: ``hour`` or ``day``.
        why_window: Why.
        expected_delay: The shortest usual time within which 90 % of rows arrive after their event; where events only
            have a date, after its end.
        allowed_lateness: The shortest usual time that, on top of the end of a window and the expected delay, lets in
            99.9 % of rows.
        on_time_share: The share of rows that arrive before the end of their window and the expected delay are over.
        late_share: The share that arrive before the allowed lateness is over too.
    """

    window: str
    why_window: str
    expected_delay: timedelta
    allowed_lateness: timedelta
    on_time_share: float
    late_share: float


def measure_lateness(pairs: Iterable[Times], rows_per_pair: float = 1) -> Lateness | None:
    """Returns how late rows are, or None if there are none.

    Args:
        pairs: Time of the event and time of arrival of some rows, both UTC.
        rows_per_pair: How many rows each of them stands for.
    """
    times = sorted(pairs)
    if not times:
        return None
    window, why = _window(times, rows_per_pair)
    size = timedelta(hours=1) if window == "hour" else _DAY
    after_end = [arrival - _window_end(event, size) for event, arrival in times]
    are_dates = all(event == _midnight(event) for event, _ in times)
    delays = after_end if are_dates else [arrival - event for event, arrival in times]

    def share(limit: timedelta) -> float:
        return sum(delay < limit for delay in after_end) / len(after_end)

    expected = next(
        (limit for limit in _USUAL if sum(delay < limit for delay in delays) >= 0.9 * len(delays)), _USUAL[-1]
    )
    allowed = next((limit for limit in _USUAL if share(expected + limit) >= 0.999), _USUAL[-1])
    return Lateness(window, why, expected, allowed, share(expected), share(expected + allowed))


def _window(times: Sequence[Times], rows_per_pair: float) -> tuple[str, str]:
    delays = sorted(arrival - event for event, arrival in times)
    hours = max((times[-1][0] - times[0][0]) / timedelta(hours=1), 1)
    per_hour = len(times) * rows_per_pair / hours
    if delays[len(delays) // 2] >= timedelta(minutes=5):
        return "day", "half of the rows arrive more than 5 minutes after their event, too late to watch hours"
    if per_hour < 100:
        return "day", f"there are only {per_hour:,.0f} rows an hour"
    return "hour", f"half of the rows arrive within 5 minutes, and there are {per_hour:,.0f} an hour"


def _window_end(time: datetime, size: timedelta) -> datetime:
    start = _midnight(time)
    return start + size * ((time - start) // size + 1) if time < datetime.max - _DAY else time


def _midnight(time: datetime) -> datetime:
    return datetime(time.year, time.month, time.day)
