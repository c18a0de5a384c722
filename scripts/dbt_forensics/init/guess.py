"""Guesses what the columns of a relation are, and says why. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbt_forensics.init.profile import Profile

_EVENT_TIME = (
    "occurred",
    "happened",
    "event",
    "ordered",
    "placed",
    "timestamp",
    "ts",
    "time",
    "created",
    "date",
    "at",
)
_INGESTED_AT = (
    "ingested",
    "loaded",
    "load",
    "received",
    "arrived",
    "landed",
    "extracted",
    "synced",
    "updated",
    "modified",
    "inserted",
    "etl",
    "dw",
)
_ENTITY = (
    "entity", "customer", "user", "account", "client", "member", "subscriber", "patient", "device", "sensor",
    "visitor", "session", "order", "product",
)  # fmt: skip
_BATCH = ("load", "batch", "file", "filename", "job", "run")
_SEQUENCE = ("seq", "sequence", "offset", "lsn", "position")
_TENANT = ("tenant", "organisation", "organization", "org", "company", "unit", "workspace", "store", "site")
_AMOUNT = (
    "amount", "revenue", "price", "total", "value", "cost", "fee", "tax", "quantity", "qty", "magnitude", "duration",
    "balance",
)  # fmt: skip
_PERSONAL = (
    "email", "mail", "phone", "mobile", "firstname", "lastname", "surname", "fullname", "address", "street", "ip",
    "birth", "birthday", "birthdate", "ssn", "iban", "passport",
)  # fmt: skip
_CHANGED = ("updated", "modified", "changed", "upserted", "merged")
#: A relation says nothing about how it is written with fewer rows, or events of fewer days.
_FEWEST_ROWS = 100
_FEWEST_DAYS = 3
_IDENTIFIER = ("id", "uuid", "guid", "key", "no", "number", "code", "version")


@dataclass(frozen=True)
class Choice:
    """A guess: what was chosen, and why."""

    column: str
    why: str


@dataclass
class Guess:
    """A stream as guessed.

    Attributes:
        roles: What each role is, with the reason; a role that no column fits is not there.
        writes: How the source seems to write the relation; None where it seems to append.
        metrics: Columns that look like amounts.
        dimensions: Columns that amounts must not be added up across.
        personal: Columns that look like personal data.
        rules: Amounts of which none is negative in the sample.
        notes: What the owner should know.
    """

    roles: dict[str, Choice] = field(default_factory=dict)
    writes: Choice | None = None
    metrics: list[Choice] = field(default_factory=list)
    dimensions: list[Choice] = field(default_factory=list)
    personal: list[Choice] = field(default_factory=list)
    rules: list[Choice] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def guess_stream(columns: Sequence[Profile], rows: Sequence[Mapping[str, Any]]) -> Guess:
    """Returns what the columns seem to be; each column gets one role at most.

    Args:
        columns: Profiles of the columns.
        rows: The sample that they were made from.
    """
    guess = Guess()
    _times(guess, columns)
    free = _Free(guess, columns)
    free.choose("event_id", _event_id)
    free.choose("sequence_number", _sequence_number)
    free.choose("schema_version", _schema_version)
    free.choose("batch_id", lambda column: _batch_id(column, guess, rows))
    free.choose("entity_id", _entity_id)
    free.choose("event_type", _event_type)
    free.choose("tenant", _tenant)
    for column in free.left():
        _content(guess, column)
    guess.writes = _writes(guess, {column.name: column for column in columns})
    if "event_id" not in guess.roles:
        guess.notes.append(
            "No column tells events apart: event ids are derived from the content, so equal rows are duplicates."
        )
    return guess


class _Free:
    """The columns that no role has been found for yet."""

    def __init__(self, guess: Guess, columns: Sequence[Profile]) -> None:
        self._guess = guess
        self._columns = columns

    def left(self) -> list[Profile]:
        taken = {choice.column for choice in self._guess.roles.values()}
        return [column for column in self._columns if column.name not in taken]

    def choose(self, role: str, judge: Callable[[Profile], tuple[float, str] | None]) -> None:
        """Gives a role to the column that is judged highest; the first of equals."""
        judged = [(verdict, column) for column in self.left() if (verdict := judge(column)) is not None]
        if judged:
            (_, why), column = max(judged, key=lambda item: item[0][0])
            self._guess.roles[role] = Choice(column.name, why)


def _times(guess: Guess, columns: Sequence[Profile]) -> None:
    times = [column for column in columns if column.kind == "time" and column.fill > 0.5]
    pairs = [
        (_pair_score(event, arrival), event, arrival)
        for event in times
        for arrival in times
        if event is not arrival
    ]
    if pairs:
        _, event, arrival = max(pairs, key=lambda pair: pair[0])
        order = _share_in_order(event, arrival)
        guess.roles["event_time"] = Choice(
            event.name, f"a time, and {order:.0%} of the rows have {arrival.name} at or after it"
        )
        guess.roles["ingested_at"] = Choice(
            arrival.name,
            f"a time with {arrival.distinct:,} different values in {arrival.row_count:,} rows, as loads have",
        )
    elif times:
        why = "the only time"
        guess.roles["event_time"] = guess.roles["ingested_at"] = Choice(times[0].name, why)
        guess.notes.append("There is no time of arrival: lateness cannot be seen. Have the loader add one.")


def _writes(guess: Guess, columns: Mapping[str, Profile]) -> Choice | None:
    """A relation shows how it is written where each event has one row: appended rows keep the time of their load."""
    if not {"event_time", "ingested_at", "event_id"} <= set(guess.roles):
        return None
    event, arrival, event_id = (
        columns[guess.roles[role].column] for role in ("event_time", "ingested_at", "event_id")
    )
    if event is arrival or event_id.distinct < len(event_id.values) or len(event_id.values) < _FEWEST_ROWS:
        return None
    days = (max(event.values) - min(event.values)).days
    if arrival.distinct == 1 and days >= _FEWEST_DAYS:
        return Choice("replace", f"all rows have one {arrival.name}, while their events are of {days:,} days")
    if set(arrival.words) & set(_CHANGED):
        return Choice(
            "merge", f"no {event_id.name} repeats, and {arrival.name} is named like the time of a change"
        )
    return None


def _pair_score(event: Profile, arrival: Profile) -> float:
    return (
        _rank(event, _EVENT_TIME) - _rank(event, _INGESTED_AT)
        + _rank(arrival, _INGESTED_AT) - _rank(arrival, _EVENT_TIME) / 2
        + 2 * _share_in_order(event, arrival)
        + (event.uniqueness - arrival.uniqueness)
    )  # fmt: skip


def _share_in_order(event: Profile, arrival: Profile) -> float:
    pairs = [pair for pair in zip(event.cells, arrival.cells, strict=True) if None not in pair]
    return sum(later >= earlier for earlier, later in pairs) / len(pairs) if pairs else 0.0


def _rank(column: Profile, words: Sequence[str]) -> float:
    """Returns 1 for a name with the first of some words, less for later ones, 0 for none of them."""
    return max(
        (1 - place / (2 * len(words)) for place, word in enumerate(words) if word in column.words),
        default=0.0,
    )


def _event_id(column: Profile) -> tuple[float, str] | None:
    is_named = bool({"id", "uuid", "guid", "key"} & set(column.words))
    is_exact = column.words in (["event", "id"], ["id"], ["uuid"], ["event", "uuid"])
    if (
        column.kind == "flag"
        or column.kind == "time"
        or not is_named
        or column.uniqueness < 0.3
        or column.fill < 0.5
    ):
        return None
    if any(isinstance(value, float) for value in column.values):
        return None
    why = event_id_reason(len(column.values), column.distinct)
    return column.uniqueness + (1 if is_exact else 0) + (0.5 if "event" in column.words else 0), why


def event_id_reason(values: int, distinct: int) -> str:
    """Returns why a column is the event id: its name, and how many of its values repeat."""
    if values == distinct:
        return "named so, and no value repeats"
    return (
        f"named so; {1 - distinct / values:.1%} of the values are repeats, which are retries or corrections"
    )


def _sequence_number(column: Profile) -> tuple[float, str] | None:
    score = _rank(column, _SEQUENCE)
    return (score, "named so, and a number") if score and column.kind == "number" else None


def _schema_version(column: Profile) -> tuple[float, str] | None:
    if "version" not in column.words or column.distinct > 20 or not column.values:
        return None
    return (1.0 + ("schema" in column.words), f"named so, with {_some(column)}")


def _batch_id(column: Profile, guess: Guess, rows: Sequence[Mapping[str, Any]]) -> tuple[float, str] | None:
    score = _rank(column, _BATCH)
    if not score or column.kind == "time" or "ingested_at" not in guess.roles or column.uniqueness > 0.9:
        return None
    arrivals: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        arrivals[str(row[column.name])].add(str(row[guess.roles["ingested_at"].column]))
    together = sum(len(times) == 1 for times in arrivals.values()) / len(arrivals)
    return score + together, f"named so; {together:.0%} of its values have one time of arrival"


def _entity_id(column: Profile) -> tuple[float, str] | None:
    score = _rank(column, _ENTITY)
    if (
        not score
        or column.kind in ("time", "flag")
        or column.distinct < 2
        or not set(column.words) & {"id", *_IDENTIFIER}
    ):
        return None
    return score, f"named so, with {column.distinct:,} different values in {column.row_count:,} rows"


def _event_type(column: Profile) -> tuple[float, str] | None:
    words = set(column.words)
    if (
        column.kind != "text"
        or not words & {"type", "event", "action", "kind"}
        or not 1 <= column.distinct <= 100
    ):
        return None
    return ("type" in words) + ("event" in words), f"named so, with {_some(column)}"


def _tenant(column: Profile) -> tuple[float, str] | None:
    score = _rank(column, _TENANT)
    if (
        not score
        or column.kind in ("time", "flag")
        or not 1 <= column.distinct <= max(50, column.row_count // 10)
    ):
        return None
    return score, f"named so, with {_some(column)}"


def _content(guess: Guess, column: Profile) -> None:
    words = set(column.words)
    if words & set(_PERSONAL) or {"first", "name"} <= words or {"last", "name"} <= words:
        guess.personal.append(Choice(column.name, "by its name"))
    elif column.kind == "number" and _rank(column, _AMOUNT) and not words & set(_IDENTIFIER):
        guess.metrics.append(Choice(column.name, "a number, and named like an amount"))
        if min(column.values) >= 0:
            guess.rules.append(Choice(column.name, f"none of {len(column.values):,} is negative"))
    elif "currency" in words and column.kind == "text" and column.distinct <= 50:
        guess.dimensions.append(Choice(column.name, f"{_some(column)}, which must not be added up together"))


def _some(column: Profile) -> str:
    quantity = column.distinct
    return "one value" if quantity == 1 else f"{quantity:,} different values"


def slug(name: str) -> str:
    """Returns a name that the package takes for a stream, rule or metric."""
    text = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return text if re.match(r"[a-z]", text) else f"s_{text}".rstrip("_")
