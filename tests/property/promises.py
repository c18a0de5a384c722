"""The promises as functions over what a build left in the warehouse: each returns the violations that it found.

They read the public relations only. `Recorded` is one stream's share of them, with each captured row brought to
the form that the oracle uses, so that rows can be compared whatever their keys are.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from property.oracle import (
    VERDICTS,
    Build,
    Captured,
    Raw,
    Record,
    Stream,
    delivered,
    identity,
    projected,
    record,
    window_start,
)

RowId = tuple[Any, ...]  # identity and ordinal
Row = dict[str, Any]


class Warehouse(Protocol):
    def query(self, sql: str) -> list[Row]: ...


RELATIONS = (
    "event_history",
    "batch_history",
    "schema_history",
    "vanished_rows",
    "ledger",
    "verdicts",
    "batches",
    "metric_versions",
    "metric_changes",
)


def contents(warehouse: Warehouse, relations: Iterable[str] = RELATIONS) -> dict[str, Counter[str]]:
    """Every row of the public relations, as text: for saying whether anything at all is different."""
    return {
        relation: Counter(
            json.dumps(row, sort_keys=True, default=str)
            for row in warehouse.query(f"select * from analytics.forensics__{relation}")
        )
        for relation in relations
    }


def differences(before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]]) -> list[str]:
    return [
        f"{relation}: {sign} {row}"
        for relation in before
        for sign, rows in (
            ("-", before[relation] - after[relation]),
            ("+", after[relation] - before[relation]),
        )
        for row in rows.elements()
    ]


# What a stream left behind


@dataclass
class Recorded:
    """The relations of one stream."""

    stream: Stream
    tables: dict[str, list[Row]]
    raw_of: dict[str, Raw]  # row_key -> the row
    id_of: dict[str, RowId]  # row_key -> identity and ordinal

    def __getitem__(self, relation: str) -> list[Row]:
        return self.tables[relation]


def read(
    warehouse: Warehouse, stream: Stream, payload_types: Mapping[str, Callable[[str], Any]] | None = None
) -> Recorded:
    """Reads one stream's relations. `payload_types`: how a payload column's text becomes a value; default: text."""
    tables = {
        relation: warehouse.query(
            f"select * from analytics.forensics__{relation} where stream = '{stream.name}'"
        )
        for relation in RELATIONS
    }
    types = payload_types or {}
    raw_of, id_of = {}, {}
    for row in tables["event_history"]:
        payload = json.loads(row["payload"])
        raw = Raw(
            event_id=row["event_id"],
            entity_id=row["entity_id"],
            event_type=row["event_type"],
            event_time=row["event_time"],
            ingested_at=row["ingested_at"],
            batch_id=row["batch_id"],
            sequence_number=row["sequence_number"],
            schema_version=row["schema_version"],
            tenant=row["tenant"],
            payload=tuple((name, types.get(name, str)(text)) for name, text in payload.items()),
        )
        raw_of[row["row_key"]] = raw
        id_of[row["row_key"]] = (identity(raw), row["ordinal"])
    return Recorded(stream, tables, raw_of, id_of)


def expected_of(recorded: Recorded, builds: Sequence[Build]) -> Record:
    """What the oracle says to the same builds; ties of the total order fall as the warehouse's row keys do."""
    key_of = {row_id: key for key, row_id in recorded.id_of.items()}
    return record(recorded.stream, builds, row_key=lambda row: key_of.get(row_id(row), ""))


def row_id(row: Captured) -> RowId:
    return (identity(row.raw), row.ordinal)


def _compared(what: str, found: Iterable[Any], expected: Iterable[Any]) -> list[str]:
    """What is in one multiset and not in the other, in words."""
    left, right = Counter(found), Counter(expected)
    return [f"{what}: not expected: {item}" for item in (left - right).elements()] + [
        f"{what}: missing: {item}" for item in (right - left).elements()
    ]


# Promise 1: nothing is lost


def nothing_is_lost(recorded: Recorded, builds: Sequence[Build]) -> list[str]:
    """Every row that was present at a build is in the history, once, and has a verdict; the counts reconcile."""
    most: Counter[Any] = Counter()
    for build in builds:
        most |= Counter(identity(raw) for raw in build.rows)
    violations = [
        f"history: never there: {row_id}" for row_id in recorded.id_of.values() if row_id[1] > most[row_id[0]]
    ]
    violations += _compared("history", set(recorded.id_of.values()), recorded.id_of.values())
    kept: dict[Any, list[Raw]] = defaultdict(list)
    for raw in recorded.raw_of.values():
        kept[delivered(raw)].append(raw)
    missing: Counter[Any] = Counter()
    for build in builds:
        for key, count in Counter(identity(raw) for raw in build.rows).items():
            # A row that lost columns in its relation is kept as it was before.
            like = sum(projected(raw, build.columns) == key[-1] for raw in kept[key[:-1]])
            missing[key] = max(missing[key], count - like)
    violations += [f"history: missing: {key}" for key in missing.elements()]

    keys = [row["row_key"] for row in recorded["event_history"]]
    violations += _compared("verdicts", (row["row_key"] for row in recorded["verdicts"]), keys)
    violations += _compared("rows with an entry", {row["row_key"] for row in recorded["ledger"]}, keys)
    violations += [
        f"verdict of {recorded.id_of.get(row['row_key'])}: {row['verdict']!r}"
        for row in recorded["verdicts"]
        if row["verdict"] not in VERDICTS
    ]

    rows_of = Counter(row["batch_id"] for row in recorded["event_history"])
    violations += _compared("batches", (row["batch_id"] for row in recorded["batches"]), set(rows_of))
    for row in recorded["batches"]:
        verdicts = sum(row[f"{verdict}_count"] for verdict in VERDICTS)
        if not row["row_count"] == verdicts == rows_of[row["batch_id"]]:
            violations.append(
                f"batch {row['batch_id']}: {rows_of[row['batch_id']]} rows in the history, "
                f"{row['row_count']} counted, {verdicts} with a verdict"
            )
    return violations


# Promise 2: every change is explained


def every_change_is_explained(recorded: Recorded) -> list[str]:
    """For every version the changes add up to the difference from the version before, exactly."""
    violations = []
    changes: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for change in recorded["metric_changes"]:
        changes[_version_key(change)].append(change)
        if change["cause"] == "unexplained":
            violations.append(f"unexplained: {change}")
    versions: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for version in recorded["metric_versions"]:
        versions[_version_key(version)[:-1]].append(version)
    for key, history in versions.items():
        history.sort(key=lambda version: version["version"])
        before: Row | None = None
        for number, version in enumerate(history, 1):
            of_version = changes.pop((*key, version["version"]), [])
            explained = sum((change["change"] for change in of_version), Decimal(0))
            previous = version["previous_value"]
            if explained != (version["value"] or 0) - (previous or 0):
                violations.append(
                    f"{key} version {number}: {explained} does not make {previous} {version['value']}"
                )
            if version["version"] != number or previous != (before and before["value"]):
                violations.append(f"{key} version {number}: does not follow on the one before")
            if before and not before["recorded_to"] == version["recorded_from"] > before["recorded_from"]:
                violations.append(f"{key} version {number}: its interval does not follow on the one before")
            if version["is_current"] != (number == len(history)):
                violations.append(f"{key} version {number}: is_current is {version['is_current']}")
            before = version
    violations += [f"changes without a version: {key}" for key in changes]
    return violations


def _version_key(row: Row) -> tuple[Any, ...]:
    return (row["metric"], row["window_start"], dimensions_of(row), row["version"])


def dimensions_of(row: Row) -> tuple[tuple[str, str], ...]:
    """The dimensions that have a value, in order."""
    return tuple(sorted((k, str(v)) for k, v in json.loads(row["dimensions"]).items() if v is not None))


# Promise 3: as-of is true


def as_of_is_true(recorded: Recorded) -> list[str]:
    """Each published value is what history and ledger give when they are read as of its time."""
    entries = sorted(recorded["ledger"], key=lambda entry: entry["recorded_at"])
    versions = [v for v in recorded["metric_versions"] if v["origin"] == "published"]
    versions.sort(key=lambda version: version["recorded_from"])
    violations, place = [], 0
    counted: Counter[str] = Counter()
    groups: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for version in versions:
        while place < len(entries) and entries[place]["recorded_at"] <= version["recorded_from"]:
            key = entries[place]["row_key"]
            counted[key] += entries[place]["effect"]
            for group in _groups(recorded, recorded.raw_of[key]):
                groups[group][key] = counted[key]
            place += 1
        metric = recorded.stream.metrics[version["metric"]]
        rows = groups[(version["metric"], version["window_start"], dimensions_of(version))]
        inputs = [recorded.raw_of[key] for key, counts in rows.items() if counts]
        value = metric.value((raw, 1) for raw in inputs)
        if (version["value"], version["input_count"]) != (value, len(inputs)):
            violations.append(
                f"{_version_key(version)}: {version['value']} of {version['input_count']} inputs was published, "
                f"{value} of {len(inputs)} is what the ledger gives"
            )
    return violations


def _groups(recorded: Recorded, raw: Raw) -> Iterable[tuple[Any, ...]]:
    for name, metric in recorded.stream.metrics.items():
        if raw.event_time and metric.takes(raw):
            dimensions = {name: _as_text(raw.get(name)) for name in metric.dimensions}
            given = tuple(sorted((k, v) for k, v in dimensions.items() if v is not None))
            yield (name, window_start(recorded.stream, raw.event_time), given)


def _as_text(value: Any) -> str | None:
    """The canonical text of a dimension's value."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


# Promise 4: tampering shows


def tampering_shows(recorded: Recorded, expected: Record) -> list[str]:
    """What vanished, what came back and what is new in a sealed batch is found, to the row."""
    violations = _compared(
        "vanished rows",
        (
            (recorded.id_of[v["row_key"]], v["vanished_at"], v["returned_at"])
            for v in recorded["vanished_rows"]
        ),
        ((row_id(v.row), v.vanished_at, v.returned_at) for v in expected.vanished),
    )
    violations += _compared(
        "presence in the source",
        ((recorded.id_of[row["row_key"]], row["is_in_source"]) for row in recorded["verdicts"]),
        ((row_id(row), row.in_source) for row in expected.history),
    )
    violations += _compared(
        "captured at",
        ((recorded.id_of[row["row_key"]], row["recorded_at"]) for row in recorded["event_history"]),
        ((row_id(row), row.recorded_at) for row in expected.history),
    )
    sizes: dict[str, list[int]] = defaultdict(list)
    for seal in sorted(recorded["batch_history"], key=lambda seal: seal["dbt_valid_from"]):
        sizes[seal["batch_id"]].append(seal["row_count"])
    found = ((batch, tuple(of_batch)) for batch, of_batch in sizes.items())
    return violations + _compared(
        "versions of batches", found, ((b, tuple(s)) for b, s in expected.batch_sizes.items())
    )


def ledger_balances(recorded: Recorded) -> list[str]:
    """Per row the effects add up to 0 or 1, and to its verdict; per event id at most one row counts."""
    effects: Counter[str] = Counter()
    for entry in recorded["ledger"]:
        effects[entry["row_key"]] += entry["effect"]
    violations = [f"effects of {key} add up to {n}" for key, n in effects.items() if n not in (0, 1)]
    per_event: Counter[str] = Counter()
    for row in recorded["verdicts"]:
        if not row["is_counted"] == (row["verdict"] == "accepted") == (effects[row["row_key"]] == 1):
            violations.append(f"{row['row_key']}: {row['verdict']}, with effect {effects[row['row_key']]}")
        per_event[row["event_id"]] += row["is_counted"]
    return violations + [f"{n} rows of event {event_id} count" for event_id, n in per_event.items() if n > 1]


# The oracle agrees


def verdicts_agree(recorded: Recorded, expected: Record) -> list[str]:
    def lost_to(row: Row) -> Any:
        return recorded.id_of.get(row["lost_to_row_key"])

    return _compared(
        "verdict, timeliness, winner",
        (
            (recorded.id_of[row["row_key"]], row["verdict"], row["timeliness"], lost_to(row))
            for row in recorded["verdicts"]
        ),
        (
            (row_id(row), row.verdict, row.timeliness, row.lost_to and row_id(row.lost_to))
            for row in expected.history
        ),
    )


def ledgers_agree(recorded: Recorded, expected: Record) -> list[str]:
    return _compared(
        "entry",
        (
            (
                recorded.id_of[entry["row_key"]],
                entry["effect"],
                entry["verdict"],
                entry["cause"],
                entry["recorded_at"],
                entry["effective_at"],
            )
            for entry in recorded["ledger"]
        ),
        (
            (row_id(e.row), e.effect, e.verdict, e.cause, e.recorded_at, e.effective_at)
            for e in expected.entries
        ),
    )


def versions_agree(recorded: Recorded, expected: Record) -> list[str]:
    """Versions, values, inputs and changes by cause are those of the oracle."""
    changes: dict[tuple[Any, ...], dict[str, tuple[Decimal, int]]] = defaultdict(dict)
    samples: dict[tuple[Any, ...], dict[str, list[str]]] = defaultdict(dict)
    for row in recorded["metric_changes"]:
        changes[_version_key(row)][row["cause"]] = (row["change"], row["event_count"])
        samples[_version_key(row)][row["cause"]] = json.loads(row["sample_event_ids"] or "[]")
    found = {
        _version_key(row): (
            row["value"],
            row["previous_value"],
            row["input_count"],
            row["recorded_from"],
            row["origin"],
            tuple(sorted(changes[_version_key(row)].items())),
        )
        for row in recorded["metric_versions"]
    }
    wanted = {}
    violations = []
    for v in expected.versions:
        given = tuple(
            sorted((name, text) for name, value in v.dimensions if (text := _as_text(value)) is not None)
        )
        key = (v.metric, v.window_start, given, v.version)
        causes = {cause: (c.change, len(c.event_ids)) for cause, c in v.changes.items()}
        wanted[key] = (
            v.value,
            v.previous_value,
            v.input_count,
            v.recorded_from,
            v.origin,
            tuple(sorted(causes.items())),
        )
        for cause, sample in samples[key].items():
            known = v.changes[cause].event_ids if cause in v.changes else frozenset()
            if len(set(sample)) != min(10, len(known)) or not set(sample) <= known:
                violations.append(f"sample events of {key}, {cause}: {sample}, of {len(known)}")
    return violations + _compared("version", found.items(), wanted.items())


def batches_agree(recorded: Recorded, expected: Record) -> list[str]:
    return _compared(
        "batch counts",
        (
            (row["batch_id"], *(row[f"{verdict}_count"] for verdict in VERDICTS))
            for row in recorded["batches"]
        ),
        (
            (batch, *(counts[verdict] for verdict in VERDICTS))
            for batch, counts in expected.batch_counts().items()
        ),
    )


# Promise 5: blind to cadence


def final_verdicts(recorded: Recorded) -> dict[RowId, str]:
    return {recorded.id_of[r["row_key"]]: r["verdict"] for r in recorded["verdicts"] if r["is_in_source"]}


def current_values(recorded: Recorded) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The current value of each metric and window that has inputs."""
    return {
        _version_key(row)[:-1]: (row["value"], row["input_count"], row["inputs_digest"])
        for row in recorded["metric_versions"]
        if row["is_current"] and row["input_count"]
    }


def all_violations(recorded: Recorded, builds: Sequence[Build]) -> dict[str, list[str]]:
    """Every promise that one stream's relations can be held to, with what breaks it."""
    expected = expected_of(recorded, builds)
    found = {
        "1 nothing is lost": nothing_is_lost(recorded, builds),
        "2 every change is explained": every_change_is_explained(recorded),
        "3 as-of is true": as_of_is_true(recorded),
        "4 tampering shows": tampering_shows(recorded, expected),
        "the ledger balances": ledger_balances(recorded),
        "the oracle's verdicts": verdicts_agree(recorded, expected),
        "the oracle's ledger": ledgers_agree(recorded, expected),
        "the oracle's versions": versions_agree(recorded, expected),
        "the oracle's batches": batches_agree(recorded, expected),
    }
    return {promise: violations for promise, violations in found.items() if violations}
