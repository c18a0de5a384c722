"""What the design says, in plain Python: the reference that the SQL is compared with.

Written from the design and its worked example, and for reading: nothing here is fast, and nothing here
was taken from the SQL. One call of `record` plays all builds of one stream.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

Value = Decimal | None

#: Non-additive measures are attributed by applying the causes in this order.
CAUSES = (
    "definition_changed",
    "on_time",
    "late",
    "too_late",
    "rewritten",
    "correction",
    "source_deleted",
    "withdrawal",
    "erasure",
    "replay",
    "release",
    "revert",
    "unexplained",
)
VERDICTS = (
    "accepted",
    "duplicate",
    "conflict",
    "superseded",
    "withdrawn",
    "quarantined",
    "pending",
)
LARGEST_NUMBER = Decimal(10) ** 29  # numeric(38, 9) has 29 digits before the point


# What goes in


@dataclass(frozen=True)
class Raw:
    """One row of the raw relation, as its stream maps it."""

    event_id: str | None
    entity_id: str | None = None
    event_type: str | None = None
    event_time: datetime | None = None
    ingested_at: datetime | None = None
    batch_id: str | None = None
    sequence_number: Decimal | None = None
    schema_version: str | None = None
    tenant: str | None = None
    payload: tuple[tuple[str, Any], ...] = ()  # every payload column of the relation, NULL or not

    def __getitem__(self, column: str) -> Any:
        payload = dict(self.payload)
        return payload[column] if column in payload else getattr(self, column)

    def get(self, column: str) -> Any:
        """Like [], but NULL for a payload column that the relation did not have."""
        return dict(self.payload).get(column, getattr(self, column, None))


@dataclass(frozen=True)
class Metric:
    """A metric twice: as SQL for the stream's configuration, as Python for the oracle."""

    agg: str  # sum | count | avg | count_distinct | min | max | ratio
    expr: tuple[str, Callable[[Raw], Any]] | None = None
    where: tuple[str, Callable[[Raw], bool | None]] | None = None
    dimensions: tuple[str, ...] = ()
    parts: tuple[tuple[str, Metric], ...] = ()  # numerator and denominator of a ratio, with their names

    def takes(self, raw: Raw) -> bool:
        """Whether the row is an input."""
        if self.agg == "ratio":
            return any(metric.takes(raw) for _, metric in self.parts)
        return self.where is None or self.where[1](raw) is True

    def value(self, rows: Iterable[tuple[Raw, int]]) -> Value:
        """The value of inputs, each with how often it counts."""
        counted = [(raw, n) for raw, n in rows if n and self.takes(raw)]
        if self.agg == "count":
            return Decimal(sum(n for _, n in counted))
        if self.agg == "ratio":
            above, below = (metric.value(counted) for _, metric in self.parts)
            return None if not below else quotient(above or Decimal(0), below)
        assert self.expr is not None
        found = [(value, n) for raw, n in counted if (value := self.expr[1](raw)) is not None]
        if self.agg == "count_distinct":
            return Decimal(len({value for value, _ in found}))
        if self.agg in ("min", "max"):
            return {"min": min, "max": max}[self.agg]((value for value, _ in found), default=None)
        total = sum((value * n for value, n in found), Decimal(0))
        numbers = sum(n for _, n in found)
        if self.agg == "sum":
            return total
        return quotient(total, Decimal(numbers)) if numbers else None

    def config(self) -> dict[str, Any]:
        """The metric as the user writes it."""
        config: dict[str, Any] = {"agg": self.agg}
        if self.parts:
            (above, _), (below, _) = self.parts
            return {**config, "numerator": above, "denominator": below}
        if self.expr:
            config["expr"] = self.expr[0]
        if self.where:
            config["where"] = self.where[0]
        if self.dimensions:
            config["dimensions"] = list(self.dimensions)
        return config


@dataclass(frozen=True)
class Stream:
    """What the oracle needs to know of a stream's configuration."""

    name: str
    window: str = "day"
    expected_delay: timedelta = timedelta(hours=1)
    clock_skew: timedelta = timedelta(minutes=5)
    allowed_lateness: timedelta = timedelta(days=3)
    on_conflict: str = "first_wins"
    too_late: str = "include"
    backcast: str = "none"
    rules: Mapping[str, tuple[str, Callable[[Raw], bool | None]]] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)


@dataclass(frozen=True)
class Build:
    """One run: the rows that the relation has then, and other metrics than the stream's if they changed."""

    as_of: datetime
    rows: Sequence[Raw]
    metrics: Mapping[str, Metric] | None = None

    @property
    def columns(self) -> set[str]:
        """The payload columns that the relation has."""
        return {name for name, _ in self.rows[0].payload} if self.rows else set()


# What comes out


@dataclass(eq=False)
class Captured:
    """A row of the history. Two are the same row only if they are the same object."""

    raw: Raw
    batch_id: str
    ordinal: int
    rule: str | None
    timeliness: str | None
    recorded_at: datetime
    came_at: datetime  # when it was captured, or came back last
    row_key: str = ""
    in_source: bool = True
    verdict: str | None = None
    lost_to: Captured | None = None
    counts: bool = False

    @property
    def takes_part(self) -> bool:
        """Whether it is among the rows of which one survives."""
        return self.in_source and self.rule is None and self.verdict != "pending"

    @property
    def delivery(self) -> tuple[Any, ...]:
        """What it has in common with the rows among which it can be rewritten in place."""
        return (self.raw.event_id, self.batch_id, self.raw.ingested_at if self.raw.batch_id is None else None)


@dataclass(frozen=True)
class Entry:
    row: Captured
    effect: int
    verdict: str
    cause: str
    other: Captured | None
    recorded_at: datetime
    effective_at: datetime


@dataclass(frozen=True)
class Change:
    change: Decimal
    event_ids: frozenset[str]


@dataclass(frozen=True)
class Version:
    metric: str
    window_start: datetime
    dimensions: tuple[tuple[str, str | None], ...]
    version: int
    value: Value
    previous_value: Value
    input_count: int
    recorded_from: datetime
    origin: str
    changes: Mapping[str, Change]


@dataclass
class Vanished:
    row: Captured
    vanished_at: datetime
    returned_at: datetime | None = None


@dataclass
class Record:
    """All that one stream's builds left behind."""

    history: list[Captured] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    vanished: list[Vanished] = field(default_factory=list)
    batch_sizes: dict[str, list[int]] = field(default_factory=dict)  # per batch, one size per version

    def current_versions(self) -> dict[tuple[Any, ...], Version]:
        return {(v.metric, v.window_start, v.dimensions): v for v in self.versions}

    def batch_counts(self) -> dict[str, Counter[str]]:
        """Per batch: how many captured rows have each verdict."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self.history:
            counts[row.batch_id][str(row.verdict)] += 1
        return dict(counts)


# The words of the design, one function each


def window_start(stream: Stream, time: datetime) -> datetime:
    hour = time.hour if stream.window == "hour" else 0
    return time.replace(hour=hour, minute=0, second=0, microsecond=0)


def window_length(stream: Stream) -> timedelta:
    return timedelta(hours=1) if stream.window == "hour" else timedelta(days=1)


def is_plausible(time: datetime) -> bool:
    return 1900 <= time.year < 2200


def timeliness(stream: Stream, raw: Raw) -> str | None:
    """A property of the row alone: neither the clock nor other rows matter."""
    if raw.event_time is None or raw.ingested_at is None:
        return None
    if not is_plausible(raw.event_time) or not is_plausible(raw.ingested_at):
        return None
    if raw.event_time > raw.ingested_at + stream.clock_skew:
        return "future"
    deadline = window_start(stream, raw.event_time) + window_length(stream) + stream.expected_delay
    if raw.ingested_at < deadline:
        return "on_time"
    return "late" if raw.ingested_at < deadline + stream.allowed_lateness else "too_late"


def broken_rule(stream: Stream, metrics: Mapping[str, Metric], raw: Raw) -> str | None:
    """The first broken rule; one whose result is NULL is not broken."""
    if raw.event_id is None:
        return "event_id_is_not_null"
    if raw.event_time is None:
        return "event_time_is_not_null"
    if raw.ingested_at is None:
        return "ingested_at_is_not_null"
    if not is_plausible(raw.event_time):
        return "event_time_is_plausible"
    if not is_plausible(raw.ingested_at):
        return "ingested_at_is_plausible"
    for name, metric in metrics.items():
        if metric.expr and metric.agg in ("sum", "avg", "min", "max"):
            number = metric.expr[1](raw)
            if number is not None and (not number.is_finite() or abs(number) >= LARGEST_NUMBER):
                return f"{name}_is_a_number"
    for name, (_, holds) in stream.rules.items():
        if holds(raw) is False:
            return name
    return None


def batch_of(raw: Raw) -> str:
    """The batch that the row names, else the hour of its arrival."""
    if raw.batch_id is not None:
        return raw.batch_id
    if raw.ingested_at is None:
        return "unknown"
    return raw.ingested_at.replace(minute=0, second=0, microsecond=0).isoformat()


def identity(raw: Raw) -> tuple[Any, ...]:
    """What makes two rows of a batch identical: everything, where a NULL is as good as no column."""
    return (
        batch_of(raw),
        raw.event_id,
        raw.entity_id,
        raw.event_type,
        raw.event_time,
        raw.ingested_at,
        raw.sequence_number,
        raw.schema_version,
        raw.tenant,
        tuple(sorted((name, value) for name, value in raw.payload if value is not None)),
    )


def delivered(raw: Raw) -> tuple[Any, ...]:
    """Who and when, without what: the part of a row's identity that a change of columns leaves as it is."""
    return identity(raw)[:-1]


def projected(raw: Raw, columns: Iterable[str]) -> tuple[Any, ...]:
    """What is left of a row's payload in a relation with these columns."""
    kept = set(columns)
    return tuple(sorted((name, value) for name, value in raw.payload if value is not None and name in kept))


def shape(raw: Raw) -> tuple[Any, ...]:
    """Which columns the row's source had: those of the relation, and the version that the row itself names."""
    return (frozenset(name for name, _ in raw.payload), raw.schema_version)


def same_content(one: Raw, other: Raw) -> bool:
    """Same event but for its delivery. Rows of different shapes are compared over what both say."""
    if one.event_time != other.event_time:
        return False
    left, right = dict(one.payload), dict(other.payload)
    for role in ("entity_id", "event_type", "tenant"):
        left[f"role {role}"], right[f"role {role}"] = getattr(one, role), getattr(other, role)
    if shape(one) == shape(other):
        return left == right
    said_by_both = [name for name in left if left[name] is not None and right.get(name) is not None]
    return all(left[name] == right[name] for name in said_by_both)


@dataclass
class Outcome:
    """What becomes of a row when all present rows of its event id are processed in order."""

    verdict: str
    lost_to: Captured | None = None
    counted_once: bool = False


def processed_in_order(stream: Stream, rows: Sequence[Captured]) -> dict[Captured, Outcome]:
    """The final word on each row of one event id. `rows` are those that take part, in the total order."""
    outcomes: dict[Captured, Outcome] = {}
    current: list[Captured] = []  # the row that counts, then its duplicates
    for row in rows:
        if not current:
            outcomes[row] = Outcome("accepted", counted_once=True)
            current = [row]
        elif stream.on_conflict == "first_wins":
            verdict = "duplicate" if same_content(row.raw, current[0].raw) else "conflict"
            outcomes[row] = Outcome(verdict, lost_to=current[0])
        elif all(same_content(row.raw, like.raw) for like in current):
            outcomes[row] = Outcome("duplicate", lost_to=current[0])
            current.append(row)
        else:
            outcomes[current[0]] = Outcome("superseded", lost_to=row, counted_once=True)
            outcomes[row] = Outcome("accepted", counted_once=True)
            current = [row]
    return outcomes


# The play


def record(
    stream: Stream,
    builds: Iterable[Build],
    row_key: Callable[[Captured], str] | None = None,
) -> Record:
    """Plays the builds of one stream, from an empty warehouse.

    Args:
        row_key: the key that breaks ties of the total order (ingested_at, batch_id, ordinal, row_key). Which of
            two digests is the smaller is no matter of design, so a comparison passes the warehouse's own.
    """
    return _Play(stream, row_key or (lambda row: repr(identity(row.raw)))).run(builds)


@dataclass
class _Group:
    """The running state of one metric in one window and combination of dimensions."""

    inputs: Counter[Captured] = field(default_factory=Counter)

    def apply(self, effect: int, row: Captured) -> None:
        self.inputs[row] += effect

    def input_rows(self) -> dict[Captured, int]:
        return {row: n for row, n in self.inputs.items() if n}

    def value(self, metric: Metric) -> Value:
        return metric.value((row.raw, n) for row, n in self.inputs.items())


def quotient(above: Decimal, below: Decimal) -> Decimal:
    """Nine digits after the point, rounded half away from zero."""
    with localcontext() as context:
        context.prec = 60
        return (above / below).quantize(Decimal("1e-9"), rounding=ROUND_HALF_UP)


@dataclass
class _Places:
    """Which of an event's rows stand in the place of others: rewritten in place, in the batch in which they came."""

    rows: Sequence[Captured]
    new: set[Captured]
    now: datetime

    def is_rewritten(self, row: Captured) -> bool:
        """It went, and one that came later is there."""
        there = (other for other in self.rows if other.in_source and other.delivery == row.delivery)
        return not row.in_source and any(other.came_at > row.came_at for other in there)

    def is_rewrite(self, row: Captured) -> bool:
        """It came just now, where one went whose place nobody has taken since."""
        beside = [other for other in self.rows if other.delivery == row.delivery]
        left = [other.came_at for other in beside if not other.in_source and other not in self.new]
        stayed = [other.came_at for other in beside if other.in_source and other.came_at < self.now]
        return bool(left) and row.came_at == self.now and max(stayed, default=max(left)) <= max(left)


class _Play:
    def __init__(self, stream: Stream, row_key: Callable[[Captured], str]) -> None:
        self.stream = stream
        self.row_key = row_key
        self.record = Record()
        self.rows: dict[tuple[tuple[Any, ...], int], Captured] = {}
        self.batches: dict[str, Counter[tuple[Any, ...]]] = {}  # what each batch says now
        self.by_event: dict[str | None, list[Captured]] = defaultdict(list)
        self.groups: dict[tuple[Any, ...], _Group] = defaultdict(_Group)
        self.latest: dict[tuple[Any, ...], Version] = {}
        self.metrics: Mapping[str, Metric] = stream.metrics
        self.is_first_build = True

    def run(self, builds: Iterable[Build]) -> Record:
        last: datetime | None = None
        for build in builds:
            now = build.as_of
            if last is not None and now <= last:
                now = last + timedelta(microseconds=1)
            before = len(self.record.entries)
            metrics = build.metrics if build.metrics is not None else self.stream.metrics
            for event_id in self.capture(build.rows, build.columns, metrics, now):
                self.decide(event_id, now)
            entries = self.record.entries[before:]
            self.publish(entries, metrics, now)
            if entries:
                last = now
                self.is_first_build = False
        return self.record

    # Capture: which rows are new, gone or back

    def capture(
        self, rows: Sequence[Raw], columns: set[str], metrics: Mapping[str, Metric], now: datetime
    ) -> list[str | None]:
        """Takes the rows in; returns the event ids whose rows came, went or came back."""
        present: dict[Captured, None] = {}
        touched: dict[str | None, None] = {}
        for raw, ordinal, row in self.matched(rows, columns):
            if row is None:
                row = Captured(
                    raw=raw,
                    batch_id=batch_of(raw),
                    ordinal=ordinal,
                    rule=broken_rule(self.stream, metrics, raw),
                    timeliness=timeliness(self.stream, raw),
                    recorded_at=now,
                    came_at=now,
                )
                row.row_key = self.row_key(row)
                self.rows[identity(raw), ordinal] = row
                self.by_event[raw.event_id].append(row)
                self.record.history.append(row)
                touched[raw.event_id] = None
            elif not row.in_source:
                row.in_source, row.came_at = True, now
                absence = next(v for v in reversed(self.record.vanished) if v.row is row)
                absence.returned_at = now
                touched[raw.event_id] = None
            present[row] = None
        gone = {row for row in self.record.history if row.in_source and row not in present}
        for row in self.record.history:
            if row in gone:
                row.in_source = False
                self.record.vanished.append(Vanished(row, now))
                touched[row.raw.event_id] = None
        batches: dict[str, Counter[tuple[Any, ...]]] = {batch: Counter() for batch in self.batches}
        for raw in rows:
            batches.setdefault(batch_of(raw), Counter())[identity(raw)] += 1
        for batch, contents in batches.items():
            if contents != self.batches.get(batch):
                self.record.batch_sizes.setdefault(batch, []).append(contents.total())
        self.batches = batches
        return list(touched)

    def matched(self, rows: Sequence[Raw], columns: set[str]) -> list[tuple[Raw, int, Captured | None]]:
        """Each raw row with its ordinal among identical ones, and the captured row that it is, if there is one.

        A row is the one that was captured if it says the same, or the same but for columns that the relation lost.
        """
        seen: Counter[tuple[Any, ...]] = Counter()
        found: list[tuple[Raw, int, Captured | None]] = []
        for raw in rows:
            seen[identity(raw)] += 1
            ordinal = seen[identity(raw)]
            found.append((raw, ordinal, self.rows.get((identity(raw), ordinal))))
        taken = {row for _, _, row in found if row}
        reshaped: dict[tuple[Any, ...], list[Captured]] = defaultdict(list)
        for row in sorted(self.record.history, key=lambda row: (row.ordinal, row.row_key), reverse=True):
            if row not in taken and {name for name, _ in row.raw.payload} != columns:
                reshaped[delivered(row.raw), projected(row.raw, columns)].append(row)
        for place, (raw, ordinal, row) in enumerate(found):
            alike = reshaped.get((delivered(raw), projected(raw, columns)))
            if row is None and alike:
                found[place] = (raw, ordinal, alike.pop())
        return found

    # Ledger: one event id at a time

    def decide(self, event_id: str | None, now: datetime) -> None:
        rows = self.by_event[event_id]
        new = {row for row in rows if row.verdict is None}
        had_gone = any(row.verdict == "withdrawn" and not row.in_source for row in rows)
        for row in rows:
            if row not in new:
                continue
            if row.rule is not None:
                self.enter(row, 0, "quarantined", f"rule:{row.rule}", None, now)
            elif row.timeliness == "too_late" and self.stream.too_late == "exclude":
                self.enter(row, 0, "pending", "too_late", None, now)
        in_order = sorted((row for row in rows if row.takes_part), key=self.position)
        outcomes = processed_in_order(self.stream, in_order)
        winner = next((row for row in in_order if outcomes[row].verdict == "accepted"), None)
        loser = next((row for row in rows if row.counts and row is not winner), None)
        places = _Places(rows, new, now)
        exchange = "rewritten" if winner and places.is_rewrite(winner) else "correction"
        if loser and not loser.in_source:
            came_now = winner is not None and winner.came_at == now
            cause = exchange if came_now else "source_deleted"
            cause = "rewritten" if places.is_rewritten(loser) else cause
            self.enter(loser, -1, "withdrawn", cause, None, now)

        for place, row in enumerate(in_order):
            outcome = outcomes[row]
            takes_over = outcome.counted_once and place > 0
            cause = "correction"
            if row in new:
                # The first row of an event counts for what it is. Any other one corrects, and so does a first one when
                # a row that counted makes room, or has gone before.
                is_growth = not (takes_over or loser or had_gone)
                cause = self.timely_cause(row) if is_growth else "correction"
            elif loser and not takes_over and places.is_rewritten(loser):
                cause = "rewritten"
            elif row.came_at == now and not loser:
                cause = "source_deleted"  # it is back: its deletion is over
            cause = "rewritten" if places.is_rewrite(row) else cause
            if row is loser:
                self.enter(row, -1, "superseded", exchange, outcome.lost_to, now)

            # A new version of a row that did not count counts only if it is the last word.
            stands_in = loser is not None and not loser.in_source and loser.delivery == row.delivery
            is_silent = places.is_rewrite(row) and not stands_in
            if outcome.verdict == "accepted" and not row.counts:
                self.enter(row, 1, "accepted", cause, None, now)
            elif outcome.counted_once and row in new and not is_silent:
                self.enter(row, 1, "accepted", cause, None, now)
                self.enter(row, -1, "superseded", "correction", outcome.lost_to, now)
            if not row.counts and (row.verdict, row.lost_to) != (outcome.verdict, outcome.lost_to):
                # It does not count, and is told so under another verdict, or has lost to another row than before.
                cause = "correction" if outcome.verdict == "superseded" else outcome.verdict
                self.enter(row, 0, outcome.verdict, cause, outcome.lost_to, now)

    def position(self, row: Captured) -> tuple[Any, ...]:
        return (row.raw.ingested_at, row.batch_id, row.ordinal, row.row_key)

    @staticmethod
    def timely_cause(row: Captured) -> str:
        return "on_time" if row.timeliness == "future" else str(row.timeliness)

    def enter(
        self, row: Captured, effect: int, verdict: str, cause: str, other: Captured | None, now: datetime
    ) -> None:
        known = other.raw.ingested_at if effect == -1 and other else row.raw.ingested_at
        effective_at = known if self.is_first_build and known is not None else now
        self.record.entries.append(Entry(row, effect, verdict, cause, other, now, effective_at))
        row.verdict, row.lost_to = verdict, other
        row.counts = effect == 1 or (row.counts and effect == 0)

    # Metrics: versions and the causes of each

    def publish(self, entries: Sequence[Entry], metrics: Mapping[str, Metric], now: datetime) -> None:
        redefined = {
            name for name, metric in metrics.items() if name in self.metrics and metric != self.metrics[name]
        }
        for name, metric in metrics.items():
            if name in redefined:
                self.redefine(name, metric, entries, now)
            elif self.is_first_build and self.stream.backcast != "none":
                for cut_off, part in self.cut_offs(entries):
                    self.write_versions(name, metric, part, cut_off, "reconstructed")
            else:
                self.write_versions(name, metric, entries, now, "published")
        self.metrics = metrics

    def cut_offs(self, entries: Sequence[Entry]) -> list[tuple[datetime, list[Entry]]]:
        """The times at which the past is reconstructed, each with the entries that became effective up to it."""
        every = self.stream.backcast
        arrivals = [row.raw.ingested_at for row in self.record.history if row.raw.ingested_at]
        if every == "batch":
            last_of: dict[str, datetime] = {}
            for row in self.record.history:
                if row.raw.ingested_at:
                    last_of[row.batch_id] = max(row.raw.ingested_at, last_of.get(row.batch_id, datetime.min))
            ends = sorted(set(last_of.values()))
        else:
            period = timedelta(hours=1) if every == "hour" else timedelta(days=1)
            starts = {a.replace(minute=0, second=0, microsecond=0) for a in arrivals}
            ends = sorted({(s if every == "hour" else s.replace(hour=0)) + period for s in starts})
        parts, left = [], list(entries)
        for end in ends:
            due = [e for e in left if e.effective_at < end or (every == "batch" and e.effective_at == end)]
            left = [e for e in left if e not in due]
            parts.append((end, due))
        return parts

    def write_versions(
        self, name: str, metric: Metric, entries: Sequence[Entry], now: datetime, origin: str
    ) -> None:
        by_group: dict[tuple[Any, ...], list[Entry]] = defaultdict(list)
        for entry in entries:
            if entry.effect and self.is_input(metric, entry.row):
                by_group[self.group_of(name, metric, entry.row)].append(entry)
        for key, mine in by_group.items():
            group = self.groups[key]
            before_value, before_inputs = group.value(metric), group.input_rows()
            changes = self.attributed(group, metric, mine)
            if (before_value, before_inputs) != (group.value(metric), group.input_rows()):
                self.add_version(key, group, metric, changes, now, origin)

    def redefine(self, name: str, metric: Metric, entries: Sequence[Entry], now: datetime) -> None:
        """A changed definition: what counted before is taken anew, then what this build decided is added."""
        old = {key: group for key, group in self.groups.items() if key[0] == name}
        new: dict[tuple[Any, ...], _Group] = defaultdict(_Group)
        by_group: dict[tuple[Any, ...], list[Entry]] = defaultdict(list)
        for row, counted in self.counted_before(entries).items():
            if counted and self.is_input(metric, row):
                new[self.group_of(name, metric, row)].apply(1, row)
        for entry in entries:
            if entry.effect and self.is_input(metric, entry.row):
                by_group[self.group_of(name, metric, entry.row)].append(entry)
        for key in {**old, **new, **by_group}:
            before = old.get(key, _Group())
            group = self.groups[key] = new[key]
            redefined = (group.value(metric) or 0) - (before.value(self.metrics[name]) or 0)
            affected = frozenset(
                str(row.raw.event_id) for row in {**before.input_rows(), **group.input_rows()}
            )
            was = (before.value(self.metrics[name]), before.input_rows())
            changes = {"definition_changed": Change(Decimal(redefined), affected)}
            changes |= self.attributed(group, metric, by_group.get(key, []))
            if was != (group.value(metric), group.input_rows()):
                self.add_version(key, group, metric, changes, now, "published")

    def counted_before(self, entries: Sequence[Entry]) -> dict[Captured, int]:
        counted = Counter({row: int(row.counts) for row in self.record.history})
        for entry in entries:
            counted[entry.row] -= entry.effect
        return counted

    def attributed(self, group: _Group, metric: Metric, entries: Sequence[Entry]) -> dict[str, Change]:
        """Applies the entries to the group, cause by cause in the fixed order."""
        changes: dict[str, Change] = {}
        for cause in sorted({entry.cause for entry in entries}, key=CAUSES.index):
            before = group.value(metric) or Decimal(0)
            mine = [entry for entry in entries if entry.cause == cause]
            for entry in mine:
                group.apply(entry.effect, entry.row)
            change = (group.value(metric) or Decimal(0)) - before
            changes[cause] = Change(change, frozenset(str(entry.row.raw.event_id) for entry in mine))
        return changes

    def add_version(
        self,
        key: tuple[Any, ...],
        group: _Group,
        metric: Metric,
        changes: Mapping[str, Change],
        now: datetime,
        origin: str,
    ) -> None:
        earlier = self.latest.get(key)
        self.latest[key] = Version(
            metric=key[0],
            window_start=key[1],
            dimensions=key[2],
            version=earlier.version + 1 if earlier else 1,
            value=group.value(metric),
            previous_value=earlier.value if earlier else None,
            input_count=sum(group.inputs.values()),
            recorded_from=now,
            origin=origin,
            changes=dict(changes),
        )
        self.record.versions.append(self.latest[key])

    def is_input(self, metric: Metric, row: Captured) -> bool:
        return metric.takes(row.raw)

    def group_of(self, name: str, metric: Metric, row: Captured) -> tuple[Any, ...]:
        assert row.raw.event_time is not None, "only rows with a time count"
        dimensions = tuple((d, row.raw.get(d)) for d in metric.dimensions)
        return (name, window_start(self.stream, row.raw.event_time), dimensions)
