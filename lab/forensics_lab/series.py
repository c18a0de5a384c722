"""Series as servers, roads, shops and people make them, with the stretches that somebody would want to hear of.

What the detectors of values are scored on. A series is made of points at a step of five minutes to an hour, some of
which are missing; a stream has a row for each, and a metric of its windows. Families differ in what they are (a gauge,
a count, bursts, an on/off process), in noise (autocorrelated, heavy tails), seasons, drift and holidays, and in what
happens to them. Some of what happens has no label, as in the world: bursts that are common for the series, jobs at odd
times, slow moves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Minutes = npt.NDArray[np.int64]

HOUR = 60
DAY = 24 * HOUR
#: A Monday.
EPOCH = datetime(2026, 1, 5)


@dataclass(frozen=True)
class Series:
    """One series.

    Attributes:
        name: Its family and seed.
        agg: How a window of it is made: `avg` or `sum`.
        start: Of its first point.
        at: Minutes after the start, ascending, of the points that came.
        value: Their values.
        labels: Stretches that are abnormal, as half-open ranges of minutes after the start.
        minutes: Its length.
    """

    name: str
    agg: str
    start: datetime
    at: Minutes
    value: Floats
    labels: tuple[tuple[int, int], ...]
    minutes: int

    def windows(self, length: int) -> tuple[Minutes, Floats]:
        """The number (from the day of the start on) and the value of each window with a point.

        Args:
            length: Of a window in minutes: 60 or 1440.
        """
        place = (self.at + self.offset) // length
        numbers, where = np.unique(place, return_inverse=True)
        sums: Floats = np.bincount(where, weights=self.value).astype(np.float64)
        counts = np.bincount(where) if self.agg == "avg" else np.ones(len(numbers))
        return numbers.astype(np.int64), np.round(sums / counts, 6)

    @property
    def offset(self) -> int:
        """Minutes from the midnight before the start to the start."""
        return self.start.hour * HOUR + self.start.minute

    def labelled(self, length: int) -> list[tuple[int, int]]:
        """The labels as first and last window, by number."""
        return [
            ((first + self.offset) // length, (last - 1 + self.offset) // length)
            for first, last in self.labels
        ]


@dataclass(frozen=True)
class _Frame:
    """The points that there may be, and the dice."""

    dice: np.random.Generator
    step: int
    days: int
    start: datetime

    @property
    def at(self) -> Minutes:
        return np.arange(0, self.days * DAY, self.step, dtype=np.int64)

    @property
    def clock(self) -> Floats:
        """Minutes since a Monday's midnight."""
        first = int((self.start - EPOCH).total_seconds()) // 60
        return ((self.at + first) % (7 * DAY)).astype(np.float64)

    def daily(self, amplitude: float, sharp: float = 1.0) -> Floats:
        """A rhythm of the day around 1, never below 0."""
        peak = self.dice.uniform(10, 20) * HOUR
        wave = np.cos(2 * np.pi * (self.clock % DAY - peak) / DAY)
        second = np.cos(4 * np.pi * (self.clock % DAY - self.dice.uniform(0, 12) * HOUR) / DAY)
        return np.maximum(1 + amplitude * (np.sign(wave) * np.abs(wave) ** sharp * 0.8 + 0.2 * second), 0.02)

    def weekly(self, weekend: float) -> Floats:
        """1 on weekdays, the share of a weekend on Saturdays and Sundays."""
        return np.where(self.clock >= 5 * DAY, weekend, 1.0)

    def drifting(self, hours: float) -> Floats:
        """Autocorrelated noise with deviation 1 that forgets in so many hours."""
        count = len(self.at)
        keep = float(np.exp(-self.step / (hours * HOUR)))
        noise = self.dice.normal(size=count) * np.sqrt(1 - keep**2)
        out = np.empty(count)
        last = self.dice.normal()
        for place in range(count):
            last = keep * last + noise[place]
            out[place] = last
        return out

    def heavy(self, tail: float) -> Floats:
        """Noise around 0 with heavy tails: Student's, with so many degrees."""
        return self.dice.standard_t(tail, size=len(self.at))

    def bursts(self, a_day: float, size: float, hours: float) -> Floats:
        """Bursts without a label: at random times, of heavy-tailed sizes, fading within hours."""
        out = np.zeros(len(self.at))
        for _ in range(self.dice.poisson(a_day * self.days)):
            begin = int(self.dice.integers(0, len(self.at)))
            length = max(1, int(self.dice.exponential(hours) * HOUR / self.step))
            shape = np.exp(-np.arange(4 * length) / length)
            end = min(begin + len(shape), len(self.at))
            out[begin:end] += min(size * (self.dice.pareto(3.0) + 0.3), 6 * size) * shape[: end - begin]
        return out

    def events(self, count: int, from_share: float = 0.3) -> list[int]:
        """So many minutes at which something happens, apart from each other, none near the begin."""
        length = self.days * DAY
        room = (1 - from_share) * length / count
        return [
            int(from_share * length + number * room + self.dice.uniform(0.1, 0.75) * room)
            for number in range(count)
        ]

    def between(self, begin: int, hours: float) -> npt.NDArray[np.bool_]:
        """Which points are within so many hours after a time."""
        return (self.at >= begin) & (self.at < begin + hours * HOUR)


def _labels(frame: _Frame, events: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """As people label: a tenth of the series for all events together, around the begin of each."""
    half = int(0.05 * frame.days * DAY / len(events))
    return tuple((max(0, event - half), min(frame.days * DAY, event + half)) for event in events)


def _finish(
    name: str, frame: _Frame, values: Floats, events: Sequence[int], agg: str, missing: float = 0.0
) -> Series:
    """Takes points away, single ones and stretches, and gives the rest its labels."""
    kept = frame.dice.random(len(frame.at)) >= missing
    if missing and frame.dice.random() < 0.5:
        gap = frame.dice.uniform(0.1, 0.9) * frame.days * DAY
        kept &= ~frame.between(int(gap), frame.dice.uniform(2, 20))
    return Series(
        name,
        agg,
        frame.start,
        frame.at[kept],
        np.round(values[kept], 4),
        _labels(frame, events),
        frame.days * DAY,
    )


def _frame(dice: np.random.Generator, step: int, days: int) -> _Frame:
    start = EPOCH + timedelta(minutes=int(dice.integers(0, 21 * DAY // 5)) * 5)
    return _Frame(dice, step, days, start)


def _cpu(name: str, dice: np.random.Generator) -> Series:
    """A server's load: a low or a middling level, spikes, and a change for good or for a day."""
    frame = _frame(dice, 5, 14)
    level = float(dice.choice([0.15, 2.0, 40.0]))
    noise = level * dice.uniform(0.02, 0.15)
    values = level * np.ones(len(frame.at)) + noise * (0.6 * frame.drifting(2) + 0.5 * frame.heavy(4))
    if dice.random() < 0.4:
        values = values * frame.daily(dice.uniform(0.05, 0.3))
    values = values + frame.bursts(1.5, 6 * noise, 0.4)
    events = frame.events(int(dice.integers(1, 3)))
    for event in events:
        kind = dice.choice(["spike", "shift", "dip", "day"])
        size = noise * dice.uniform(2, 12)
        if kind == "spike":
            values[frame.between(event, dice.uniform(0.3, 3))] += 3 * size
        elif kind == "shift":
            values[frame.at >= event] += size * (1 if dice.random() < 0.7 else -0.3)
        elif kind == "dip":
            values[frame.between(event, dice.uniform(0.5, 8))] *= dice.uniform(0.05, 0.5)
        else:
            values[frame.between(event, dice.uniform(12, 36))] += size
    return _finish(name, frame, np.maximum(values, 0), events, "avg", 0.002)


def _network(name: str, dice: np.random.Generator) -> Series:
    """Bytes of a host: little, with jobs at regular hours and heavy bursts."""
    frame = _frame(dice, 5, 14)
    base = np.exp(0.5 * frame.heavy(5) + 0.4 * frame.drifting(6)) * 1e5
    period = float(dice.choice([1, 2, 6, 24])) * HOUR
    jitter = dice.integers(0, 4) * 5
    job = ((frame.at + jitter) % period < dice.choice([5, 10, 30])).astype(float)
    values = base + job * 1e6 * np.exp(0.3 * frame.heavy(6)) + frame.bursts(1.5, 1e6, 0.4)
    events = frame.events(int(dice.integers(1, 3)))
    for event in events:
        if dice.random() < 0.75:
            values[frame.between(event, dice.uniform(0.4, 5))] += 1e6 * dice.uniform(2, 10)
        else:
            values[frame.between(event, dice.uniform(8, 30))] *= 0.1
    return _finish(name, frame, values, events, "avg", 0.002)


def _disk(name: str, dice: np.random.Generator) -> Series:
    """Writes that are on or off: zero most of the time."""
    frame = _frame(dice, 5, 14)
    on = dice.random(len(frame.at)) < dice.uniform(0.02, 0.15)
    values = np.where(on, np.exp(dice.normal(0, 0.8, len(frame.at))) * 1e6, 0.0)
    events = frame.events(int(dice.integers(1, 3)))
    for event in events:
        part = frame.between(event, dice.uniform(1, 10))
        values[part] += 1e6 * dice.uniform(2, 12)
    return _finish(name, frame, values, events, "avg")


def _requests(name: str, dice: np.random.Generator) -> Series:
    """Requests to a load balancer: counts with a rhythm."""
    frame = _frame(dice, 5, 14)
    rate = dice.uniform(8, 120) * frame.daily(dice.uniform(0.2, 0.7)) * frame.weekly(dice.uniform(0.6, 1.0))
    rate = rate * np.exp(0.12 * frame.drifting(3)) + frame.bursts(1.0, 60, 0.4)
    events = frame.events(int(dice.integers(1, 3)))
    for event in events:
        factor = dice.uniform(2, 6) if dice.random() < 0.7 else dice.uniform(0.05, 0.5)
        rate[frame.between(event, dice.uniform(0.5, 6))] *= factor
    return _finish(name, frame, dice.poisson(rate).astype(float), events, "sum", 0.001)


def _clicks(name: str, dice: np.random.Generator) -> Series:
    """What a click costs: hourly, noisy around a level, with spikes that everybody is used to."""
    frame = _frame(dice, HOUR, int(dice.integers(60, 75)))
    values = dice.uniform(0.05, 0.5) * np.exp(0.25 * frame.heavy(4) * 0.6 + 0.15 * frame.drifting(24))
    values = values * frame.daily(dice.uniform(0.05, 0.25))
    values = values * (1 + frame.bursts(0.4, 1.0, 1.0))
    events = frame.events(int(dice.integers(1, 4)))
    for event in events:
        if dice.random() < 0.7:
            values[frame.between(event, dice.uniform(1, 4))] *= dice.uniform(2.5, 9)
        else:
            values[frame.between(event, dice.uniform(12, 72))] *= dice.choice([0.3, 2.0, 2.6])
    return _finish(name, frame, values, events, "avg", 0.02)


def _temperature(name: str, dice: np.random.Generator) -> Series:
    """An office: slow moves, a rhythm of the day, weeks without a reading."""
    frame = _frame(dice, HOUR, int(dice.integers(180, 300)))
    values = 70 + 2.5 * frame.drifting(24 * 20) + 1.2 * frame.drifting(30) + 1.5 * (frame.daily(0.8) - 1)
    values = values + 0.25 * frame.heavy(5)
    events = frame.events(2)
    for event in events:
        values[frame.between(event, dice.uniform(10, 60))] -= dice.uniform(4, 12) * (
            1 if dice.random() < 0.7 else -1
        )
    return _finish(name, frame, values, events, "avg", 0.01)


def _machine(name: str, dice: np.random.Generator) -> Series:
    """The heat of a machine: long moves, stops, and what comes before a failure."""
    frame = _frame(dice, 5, int(dice.integers(60, 80)))
    values = (
        90 + 5 * frame.drifting(60) + 2 * frame.drifting(4) + 0.4 * frame.heavy(4) + frame.bursts(0.25, -6, 3)
    )
    events = frame.events(int(dice.integers(2, 5)))
    for event in events:
        fall = dice.uniform(15, 60)
        part = frame.between(event, dice.uniform(4, 40))
        values[part] -= fall * (1 - np.exp(-(frame.at[part] - event) / 60))
    return _finish(name, frame, values, events, "avg", 0.002)


def _rides(name: str, dice: np.random.Generator) -> Series:
    """Rides of a town: strong rhythms of day and week; holidays, a marathon, a storm."""
    frame = _frame(dice, 30, int(dice.integers(150, 220)))
    rate = 15000 * frame.daily(0.7) * frame.weekly(dice.uniform(0.85, 1.1))
    rate = rate * np.exp(0.04 * frame.drifting(30) + 0.08 * frame.drifting(24 * 30) + 0.02 * frame.heavy(6))
    events = [
        event // DAY * DAY + DAY - frame.start.hour * HOUR for event in frame.events(int(dice.integers(3, 6)))
    ]
    for event in events:
        rate[frame.between(event, 24)] *= dice.choice([0.35, 0.6, 0.7, 0.75, 1.3])
    return _finish(name, frame, np.round(rate), events, "sum")


def _traffic(name: str, dice: np.random.Generator) -> Series:
    """A road's speed, occupancy or travel time: sensors that report when they like, jams of every size."""
    frame = _frame(dice, int(dice.choice([5, 10, 15])), int(dice.integers(12, 24)))
    rush = frame.daily(0.5, 1.5) * frame.weekly(0.6)
    if dice.random() < 0.5:
        values = 75 - 6 * rush + 2 * frame.heavy(4) - frame.bursts(1.5, 10, 0.6)
        sign, unit = -1, 10.0
    else:
        values = 8 * rush + np.abs(2 * frame.heavy(4)) + frame.bursts(1.5, 10, 0.6)
        sign, unit = 1, 9.0
    events = frame.events(int(dice.integers(1, 4)))
    for event in events:
        values[frame.between(event, dice.uniform(1, 5))] += sign * unit * dice.uniform(1.5, 5)
    return _finish(name, frame, np.maximum(values, 0), events, "avg", 0.4)


def _mentions(name: str, dice: np.random.Generator) -> Series:
    """How often a company is named: counts with a rhythm, bursts of every size all the time."""
    frame = _frame(dice, 5, int(dice.integers(45, 58)))
    rate = np.exp(dice.uniform(1, 4.5)) * frame.daily(0.6) * frame.weekly(dice.uniform(0.5, 0.95))
    rate = rate * np.exp(0.25 * frame.drifting(8))
    rate = rate * (1 + frame.bursts(1.0, 1.2, 0.8))
    events = frame.events(int(dice.integers(2, 5)), 0.15)
    for event in events:
        part = frame.between(event, 24)
        fade = np.exp(-(frame.at[part] - event) / (dice.uniform(0.5, 3.5) * HOUR))
        rate[part] = rate[part] * (1 + dice.uniform(1.5, 12) * fade)
    noisy = dice.gamma(4, 1 / 4, len(rate)) * rate
    return _finish(name, frame, dice.poisson(noisy).astype(float), events, "sum", 0.001)


def _latency(name: str, dice: np.random.Generator) -> Series:
    """How long requests take: noise with a heavy tail, worse for some hours."""
    frame = _frame(dice, 5, 14)
    values = 45 * np.exp(0.1 * frame.heavy(3) + 0.04 * frame.drifting(5))
    events = frame.events(int(dice.integers(1, 4)))
    for event in events:
        part = frame.between(event, dice.uniform(0.5, 8))
        values[part] = values[part] * (
            1 + dice.uniform(0.1, 0.7) * np.abs(dice.normal(1, 0.5, int(part.sum())))
        )
    return _finish(name, frame, values, events, "avg", 0.002)


def _keys(name: str, dice: np.random.Generator) -> Series:
    """How somebody types, while somebody types: irregular, and another person for a day or more."""
    frame = _frame(dice, 30, int(dice.integers(40, 80)))
    values = 0.2 + 0.02 * frame.heavy(5) + 0.012 * frame.drifting(12)
    events = frame.events(2)
    for event in events:
        values[frame.between(event, dice.uniform(10, 60))] += dice.uniform(0.02, 0.08)
    return _finish(name, frame, np.maximum(values, 0), events, "avg", 0.5)


def _schedule(name: str, dice: np.random.Generator) -> Series:
    """A machine that works by a timetable, until it does not."""
    frame = _frame(dice, 5, int(dice.integers(28, 62)))
    hour = frame.clock % DAY / HOUR
    works = (hour >= 7) & (hour < dice.choice([16, 20, 22]))
    values = np.where(works, 60, 15) + 4 * frame.heavy(5) + 3 * frame.drifting(2)
    event = int(dice.uniform(0.6, 0.9) * frame.days * DAY)
    kind = dice.choice(["stuck", "off", "always"])
    after = frame.between(event, 24 * dice.uniform(1, 10))
    noise = frame.heavy(5)[after]
    if kind == "stuck":
        values[after] = values[np.argmax(after)]
    else:
        values[after] = 5 + np.abs(noise) if kind == "off" else 60 + 4 * noise
    return _finish(name, frame, np.clip(values, 0, 100), [event], "avg", 0.002)


def _growth(name: str, dice: np.random.Generator) -> Series:
    """A business that grows, with payday bumps, and a price or a tracking change that moves its level for good."""
    frame = _frame(dice, HOUR, int(dice.integers(90, 180)))
    rate = dice.uniform(20, 400) * frame.daily(0.8) * frame.weekly(dice.uniform(0.3, 1.3))
    rate = rate * np.exp(dice.uniform(-0.002, 0.006) * frame.at / DAY) * np.exp(0.1 * frame.drifting(20))
    events = frame.events(int(dice.integers(1, 3)))
    for event in events:
        if dice.random() < 0.6:
            rate[frame.at >= event] *= dice.choice([0.5, 0.65, 1.5, 2.0])
        else:
            rate[frame.between(event, dice.uniform(4, 30))] *= dice.choice([0.0, 0.2, 0.4, 3.0])
    return _finish(name, frame, dice.poisson(rate).astype(float), events, "sum")


FAMILIES: dict[str, Callable[[str, np.random.Generator], Series]] = {
    "cpu": _cpu,
    "network": _network,
    "disk": _disk,
    "requests": _requests,
    "clicks": _clicks,
    "temperature": _temperature,
    "machine": _machine,
    "rides": _rides,
    "traffic": _traffic,
    "mentions": _mentions,
    "latency": _latency,
    "keys": _keys,
    "schedule": _schedule,
    "growth": _growth,
}
#: How many series of each family a set has: most are of servers, roads and people.
SHARES = {"cpu": 5, "network": 3, "disk": 2, "requests": 2, "clicks": 5, "traffic": 6, "mentions": 8}


def make_series(seed: int) -> list[Series]:
    """A set of series, the same for the same seed: one of each family, and more of the common ones."""
    return [
        make(f"{family}_{seed}_{number}", np.random.default_rng([seed, place, number]))
        for place, (family, make) in enumerate(FAMILIES.items())
        for number in range(SHARES.get(family, 1))
    ]
