"""Feeds that are unlike each other: what a seed makes of volume, rhythm, lateness, cadence and names of columns.

A feed is healthy: it has retries, corrections, rows that are late, clocks that are a little ahead, quiet nights
and weekends, days that are busier than others. What is wrong with it is put in by `forensics_lab.inject`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from dbt_forensics.errors import ForensicsError
from forensics_lab.document import Line
from forensics_lab.package import KEYS

Rows = npt.NDArray[Any]

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NO_TIME = np.iinfo(np.int64).min  # a time that is not there; and what is never taken away again
NEVER = np.iinfo(np.int64).max
MISSING = -1
#: A row of a raw table. Times are seconds after the feed's start; the row is in the table from `visible` to `gone`.
ROW = np.dtype(
    [
        ("event", "i8"),
        ("entity", "i8"),
        ("occurred", "i8"),
        ("arrived", "i8"),
        ("batch", "i8"),
        ("seq", "i8"),
        ("version", "i8"),
        ("cents", "i8"),
        ("note", "i8"),
        ("channel", "i8"),
        ("code", "i8"),
        ("visible", "i8"),
        ("gone", "i8"),
    ]
)
MIN_ROWS_A_DAY = 150

_NAMES = {
    "event": ("event_id", "id", "message_id", "evt", "uuid", "Key"),
    "entity": ("customer_id", "device", "account", "user_ref", "sensor id"),
    "occurred": ("occurred_at", "event_ts", "happened_at", "created", "measuredAt"),
    "arrived": ("_loaded_at", "ingested_at", "_airbyte_extracted_at", "landed", "received_ts"),
    "batch": ("_load_id", "file_name", "batch", "_batch_id", "delivery"),
    "seq": ("seq", "sequence_no", "offset_in_source", "counter"),
    "version": ("schema_version", "v", "contract", "shape"),
    "cents": ("amount", "price", "reading", "total_value", "kwh"),
    "note": ("note", "comment", "remark", "free text"),
    "channel": ("channel", "source_system", "origin", "app"),
    "code": ("code", "status_code", "reason", "flag"),
}
#: How a loader writes its table, in dlt's words.
WRITES = ("append", "merge", "replace")
_FEEDS = (
    "orders",
    "payments",
    "clicks",
    "shipments",
    "meters",
    "logins",
    "tickets",
    "sensors",
    "claims",
    "rides",
)


@dataclass(frozen=True)
class Feed:
    """A healthy feed.

    Attributes:
        name: Of the stream and of its raw table.
        seed: Of its rows.
        start: When the first event may happen (UTC).
        days: How long it is.
        rows_a_day: On an average day.
        window: `day` or `hour`.
        load_hours: A load arrives every so many hours.
        peak_hour: When most happens.
        amplitude: How much of it: 0 is the same at all hours, near 1 leaves almost nothing for the night.
        weekend: What a Saturday or Sunday has of a weekday's rows.
        growth: What the last day has more than the first, as a share.
        entities: How many there are.
        prompt_minutes: The median delay of rows that are not late.
        late_share: Of the rows, the share with a delay of hours.
        late_hours: Its median.
        retry_share: Rows that come twice.
        correction_share: Rows that come again with another amount.
        null_share: Of notes that are not there.
        expected_delay_hours: As the stream declares it.
        allowed_lateness_days: As the stream declares it.
        on_conflict: As the stream declares it.
        columns: The name of each column, by role.
        nature: What is unusual about it: a key of `forensics_lab.natures`, or `plain`.
        writes: How its loader writes: one of `WRITES`.
        month_start: What the first day of a month has of another day's rows.
        holidays: Days, from 0, that have a third of the rows.
        open_hours: Only within these hours of the day, local time, something happens.
        closed_sundays: On Sundays nothing happens.
        zone: Whose hours these are, and whose days: an IANA name.
        dirty_share: Of the rows, the share whose clock is wrong, some by hours.
        deltas: A correction is a row of its own, with the difference.
        tenants: How many tenants share it.
        declares: What the stream says of how it is written, where that is not so.
        surprises: Days, from 0, that nobody can know yet: the first two of a kind.
    """

    name: str
    seed: int
    start: datetime
    days: int
    rows_a_day: int
    window: str
    load_hours: int
    peak_hour: int
    amplitude: float
    weekend: float
    growth: float
    entities: int
    prompt_minutes: float
    late_share: float
    late_hours: float
    retry_share: float
    correction_share: float
    null_share: float
    expected_delay_hours: int
    allowed_lateness_days: int
    on_conflict: str
    columns: Mapping[str, str] = field(default_factory=dict)
    nature: str = "plain"
    writes: str = "append"
    month_start: float = 1.0
    holidays: tuple[int, ...] = ()
    open_hours: tuple[int, int] = (0, 24)
    closed_sundays: bool = False
    zone: str = "UTC"
    dirty_share: float = 0.0
    deltas: bool = False
    tenants: int = 0
    declares: str = ""
    surprises: tuple[int, ...] = ()

    def time(self, seconds: int) -> datetime:
        """A time of the rows as a time (UTC)."""
        return self.start + timedelta(seconds=int(seconds))

    @property
    def window_seconds(self) -> int:
        """The length of a window."""
        return DAY if self.window == "day" else HOUR

    @property
    def deadline_seconds(self) -> int:
        """How long after the end of a window its rows are still on time."""
        return self.expected_delay_hours * HOUR

    @property
    def loads(self) -> int:
        """How many loads there are."""
        return self.days * 24 // self.load_hours + 1

    def load_times(self) -> npt.NDArray[np.int64]:
        """When each load arrives; some minutes after the hour."""
        generator = np.random.default_rng([self.seed, 3])
        return np.arange(self.loads) * self.load_hours * HOUR + generator.integers(30, 9 * MINUTE, self.loads)

    def stream(self) -> dict[str, Any]:
        """The stream's declaration, without its relation."""
        name = {role: c if c.isidentifier() else f'"{c}"' for role, c in self.columns.items()}
        total = {"agg": "sum", "expr": name["cents"]}
        declared = {
            "event_id": name["event"],
            "entity_id": name["entity"],
            "event_time": name["occurred"],
            "ingested_at": name["arrived"],
            "batch_id": name["batch"],
            "sequence_number": name["seq"],
            "schema_version": name["version"],
            "window": self.window,
            "expected_delay": {"count": self.expected_delay_hours, "period": "hour"},
            "allowed_lateness": {"count": self.allowed_lateness_days, "period": "day"},
            "on_conflict": self.on_conflict,
            "metrics": {"total": total},
        }
        if not self.deltas:
            declared["rules"] = {"is_not_negative": f"{name['cents']} >= 0"}
        said = {"writes": self.declares or self.writes, "zone": self.zone}
        usual = {"writes": "append", "zone": "UTC"}
        declared |= {key: said[key] for key in KEYS & said.keys() if said[key] != usual[key]}
        if self.tenants:
            declared["tenant"] = name["tenant"]
            declared["metrics"] = {"total": {**total, "dimensions": [name["tenant"]]}}
        return declared

    def rows_a_load(self, day: int) -> float:
        """How many rows a load has on a day of the feed, on average."""
        is_weekend = (self.start.weekday() + day) % 7 >= 5
        usual = self.rows_a_day * 7 / (5 + 2 * self.weekend)
        return usual * (self.weekend if is_weekend else 1) * self.load_hours / 24

    def as_json(self) -> Line:
        """The feed for a file."""
        return {**asdict(self), "start": str(self.start)}

    @classmethod
    def of_json(cls, document: Line) -> Feed:
        """A feed from a file."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**{**given, "start": datetime.fromisoformat(document["start"])})


def make_feeds(seed: int, count: int, rows: int, days: int) -> list[Feed]:
    """Feeds of which each is unlike the others; the same seed gives the same feeds.

    Args:
        seed: 0 or more.
        count: How many.
        rows: How many rows they have together, about.
        days: How long each is.

    Raises:
        ForensicsError: So many feeds and days cannot have so few rows.
    """
    if rows < MIN_ROWS_A_DAY * count * days:
        raise ForensicsError(
            f"{rows} rows are too few for {count} feeds of {days} days: give at least {MIN_ROWS_A_DAY * count * days}."
        )
    generator = np.random.default_rng([seed, 1])
    start = datetime(2026, 1, 5) + timedelta(days=seed // 10 * 17 % 250)  # ten seeds can be run together
    parts = np.exp(generator.normal(0, 0.5, count))
    spare = rows / days - MIN_ROWS_A_DAY * count
    volumes = MIN_ROWS_A_DAY + parts / parts.sum() * spare
    names = generator.permutation(
        np.array([f"{name}_{n}" for n in range(-(-count // len(_FEEDS))) for name in _FEEDS])
    )
    feeds = []
    for number in range(count):
        volume = int(volumes[number])
        is_hourly = volume >= 700 and generator.random() < 0.25
        large = [hours for hours in (1, 2, 3, 6) if volume * hours / 24 >= 70]
        cadences = large if large and generator.random() < 0.85 else [1, 2, 3, 6]
        load_hours = 1 if is_hourly else int(generator.choice(cadences[:3]))
        feeds.append(
            Feed(
                name=str(names[number]),
                seed=int(generator.integers(0, 2**31)),
                start=start,
                days=days,
                rows_a_day=volume,
                window="hour" if is_hourly else "day",
                load_hours=load_hours,
                peak_hour=int(generator.integers(8, 21)),
                amplitude=float(generator.uniform(0.1, 0.4 if is_hourly else 0.85)),
                weekend=float(generator.choice([1.0, 1.2, 0.7, 0.4])),
                growth=float(generator.uniform(-0.15, 0.3)),
                entities=int(volume / generator.choice([0.5, 2, 10, 25])),
                prompt_minutes=float(generator.uniform(1, 20)),
                late_share=float(generator.choice([0.005, 0.02, 0.06])),
                late_hours=float(generator.uniform(3, 14)),
                retry_share=float(generator.choice([0, 0.005, 0.02])),
                correction_share=float(generator.choice([0, 0.003, 0.01])),
                null_share=float(generator.choice([0, 0.1, 0.3])),
                expected_delay_hours=load_hours + int(generator.integers(1, 3)),
                allowed_lateness_days=int(generator.integers(2, 4)),
                on_conflict=str(generator.choice(["first_wins", "last_wins"])),
                columns={role: str(generator.choice(np.array(words))) for role, words in _NAMES.items()},
            )
        )
    return feeds


def healthy_rows(feed: Feed) -> Rows:
    """All rows of a feed in the order in which they arrive."""
    generator = np.random.default_rng([feed.seed, 2])
    rows = _events(feed, generator)
    late = generator.random(len(rows)) < feed.late_share
    delay = feed.prompt_minutes * MINUTE * np.exp(generator.normal(0, 0.6, len(rows)))
    delay[late] = feed.late_hours * HOUR * np.exp(generator.normal(0, 0.7, int(late.sum())))
    # The rows of one load are those that were at the source when it ran.
    arrive(feed, rows, rows["occurred"] + delay.astype(np.int64))

    ahead = generator.random(len(rows)) < 0.001
    rows["occurred"][ahead] += generator.integers(10 * MINUTE, 40 * MINUTE, int(ahead.sum()))
    if feed.dirty_share:
        dirty = generator.random(len(rows)) < feed.dirty_share
        rows["occurred"][dirty] += generator.integers(-5 * HOUR, 5 * HOUR, int(dirty.sum()))
    retried = rows[generator.random(len(rows)) < feed.retry_share]
    arrive(feed, retried, retried["arrived"] + generator.integers(1, 2 * HOUR, len(retried)))
    corrected = rows[generator.random(len(rows)) < feed.correction_share]
    arrive(feed, corrected, corrected["arrived"] + generator.integers(1, 12 * HOUR, len(corrected)))
    corrected["cents"] += 1 + corrected["cents"] // 10
    if feed.deltas:
        corrected["cents"] = corrected["cents"] // 11 * generator.choice([-1, 1], len(corrected)) * 2
        corrected["event"] = len(rows) + 1 + np.arange(len(corrected))
        corrected["seq"] = MISSING
    found = np.concatenate([rows, retried, corrected])
    found = found[found["batch"] < feed.loads]
    return in_order(found)


def in_order(rows: Rows) -> Rows:
    """Rows in the order in which they arrive."""
    return rows[np.lexsort((rows["event"], rows["arrived"]))]


def replaced_at(feed: Feed, rows: Rows) -> npt.NDArray[np.int64]:
    """When the feed's loader replaces each row: where it merges, a row goes when its event comes again."""
    found = np.full(len(rows), NEVER)
    if feed.writes != "append":
        order = np.lexsort((rows["arrived"], rows["visible"], rows["event"]))
        event = rows["event"][order]
        follows = np.flatnonzero((event[1:] == event[:-1]) & (event[1:] > 0))
        found[order[follows]] = rows["visible"][order[follows + 1]]
    return found


def written(feed: Feed, rows: Rows) -> Rows:
    """Rows as the feed's loader leaves them in its table."""
    found = rows.copy()
    found["gone"] = np.minimum(rows["gone"], replaced_at(feed, rows))
    return found


def arrive(feed: Feed, rows: Rows, ready: npt.NDArray[np.int64]) -> None:
    """Gives rows that are ready at the source from these times on the loads that bring them, in place."""
    times = feed.load_times()
    batch = np.searchsorted(times, ready, side="left")
    rows["batch"] = batch
    rows["arrived"] = times[np.minimum(batch, len(times) - 1)]
    rows["visible"] = rows["arrived"]


def _events(feed: Feed, generator: np.random.Generator) -> Rows:
    hours = np.arange(24)
    by_hour = 1 + feed.amplitude * np.cos((hours - feed.peak_hour) * 2 * np.pi / 24)
    by_hour /= by_hour.sum()
    weekday = (feed.start.weekday() + np.arange(feed.days)) % 7
    by_weekday = np.where(weekday >= 5, feed.weekend, 1.0) / (5 + 2 * feed.weekend) * 7
    trend = 1 + feed.growth * np.arange(feed.days) / feed.days
    busy = np.exp(generator.normal(0, 0.04, feed.days))
    expected = (feed.rows_a_day * by_weekday * trend * busy)[:, None] * by_hour[None, :]
    expected *= _calendar(feed)
    counts = generator.poisson(expected).ravel()
    total = int(counts.sum())
    rows = np.zeros(total, dtype=ROW)
    rows["occurred"] = np.sort(
        np.repeat(np.arange(feed.days * 24), counts) * HOUR + generator.integers(0, HOUR, total)
    )
    rows["event"] = 1 + np.arange(total)
    # Some are heard of more often than others, but none of all the time.
    rows["entity"] = (feed.entities * generator.random(total) ** 1.3).astype(np.int64)
    rows["seq"] = _numbers(rows["entity"])
    rows["version"] = 1
    rows["cents"] = np.clip(np.exp(generator.normal(np.log(3000), 0.5, total)), 100, 100_000).astype(np.int64)
    rows["note"] = np.where(generator.random(total) < feed.null_share, MISSING, rows["event"] % 90)
    rows["channel"] = rows["event"] % 3
    rows["code"] = rows["event"] % 7
    rows["gone"] = NEVER
    return rows


def _calendar(feed: Feed) -> npt.NDArray[np.float64]:
    """What each hour of each day has of an ordinary one: months, holidays, closing hours."""
    dates = [feed.start + timedelta(days=day) for day in range(feed.days)]
    by_day = np.ones((feed.days, 1))
    by_day[[date.day == 1 for date in dates]] = feed.month_start
    by_day[list(feed.holidays)] /= 3
    zone, hour = ZoneInfo(feed.zone), timedelta(hours=1)
    ahead = [(zone.utcoffset(date + 12 * hour) or timedelta()) // hour for date in dates]
    local = np.arange(24)[None, :] + np.array(ahead)[:, None]
    first, end = feed.open_hours
    is_open = (local >= first) & (local < end)
    if feed.closed_sundays:
        is_open &= np.array([date.weekday() != 6 for date in dates])[:, None]
    found: npt.NDArray[np.float64] = by_day * is_open
    return found


def _numbers(entity: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers of each entity's events, from 1, in the order of the events."""
    order = np.argsort(entity, kind="stable")
    grouped = entity[order]
    numbers = np.empty(len(grouped), dtype=np.int64)
    numbers[order] = np.arange(len(grouped)) - np.searchsorted(grouped, grouped) + 1
    return numbers
