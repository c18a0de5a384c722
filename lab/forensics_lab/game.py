"""A game day: a copy of one's own stream with a failure in it, and the list of what was put in.

The stream's relation is only read. Its rows become rows of the lab, each of which knows the row that it was made of;
what a failure changes of them is changed in the copy, and everything else is as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from dbt_forensics.errors import ForensicsError
from dbt_forensics.sql import literal
from dbt_forensics.streams import Stream
from dbt_forensics.warehouse import DbtOptions, Warehouse, session
from forensics_lab.breaking import NothingToBreakError
from forensics_lab.document import Line
from forensics_lab.feeds import DAY, HOUR, MISSING, NEVER, NO_TIME, ROW, Feed, Rows
from forensics_lab.inject import Broken, Order, inject

#: What a copy can show: the rows as they are after it. Columns and models of one's own are left alone.
GAME_KINDS = (
    "retry_storm",
    "conflicting_rows",
    "load_repeated",
    "stale_file",
    "held_back",
    "clocks_ahead",
    "local_time",
    "window_lost",
    "load_cut_off",
    "rows_lost",
    "few_rows",
    "many_rows",
    "no_values",
    "out_of_range",
    "no_times",
    "one_entity",
    "load_rewritten",
    "load_deleted",
    "rows_slipped_in",
    "settled_day_restated",
    "table_truncated",
    "bad_push",
)
_DAYS_TRIED = 7
#: Where ids are numbers, those of the lab are beyond this one.
FIRST_NUMBER = 1_000_000_000
_GAME_ROW = np.dtype([*ROW.descr, ("origin", "i8")])
#: Roles of rows by the roles of streams.
_ROLES = {
    "event": "event_id",
    "entity": "entity_id",
    "occurred": "event_time",
    "arrived": "ingested_at",
    "batch": "batch_id",
    "seq": "sequence_number",
}


@dataclass(frozen=True)
class Source:
    """A stream and where its rows are read.

    Attributes:
        stream: As the project declares it.
        relation: Its relation, or a file with its rows, as SQL of DuckDB.
        database: The DuckDB file of the project's target; None if rows come from a file.
    """

    stream: Stream
    relation: str
    database: Path | None


def find(options: DbtOptions, name: str, file: Path | None = None) -> Source:
    """A stream of a dbt project.

    Args:
        options: The project, as dbt finds it.
        name: Of the stream.
        file: With its rows, as Parquet or CSV, where the target is not DuckDB.

    Raises:
        ForensicsError: There is no such stream, or its rows are neither in a DuckDB file nor in a file.
    """
    with session(options, read_only=True) as (adapter, manifest):
        warehouse = Warehouse(adapter, manifest)
        streams = warehouse.streams()
        if name not in streams:
            raise ForensicsError(f"There is no stream {name}: give one of {', '.join(streams)}.")
        if file is not None:
            return Source(streams[name], literal(str(file.resolve())), None)
        if adapter.type() != "duckdb":
            raise ForensicsError(
                f"The target is {adapter.type()}: export the relation to Parquet or CSV, and give it as --file."
            )
        relation, _ = warehouse.raw_relation(streams[name].relation)
        return Source(streams[name], relation, Path(str(adapter.config.credentials.path)).resolve())


def play(
    source: Source, kind: str, severity: str, out: str, seed: int = 1, day: datetime | None = None
) -> Line:
    """Writes a broken copy of a stream's relation; returns the line of the list, which it writes to `<out>.json`.

    Args:
        source: Of `find`.
        kind: One of `GAME_KINDS`.
        severity: mild, medium or severe.
        out: A new file that ends in .parquet or .csv, or a new table of the target's DuckDB file: <schema>.<table>.
        seed: The same seed puts in the same.
        day: On which day; the last ones are tried if none is given.

    Raises:
        ForensicsError: There is something at `out`, or the stream cannot have this failure.
    """
    is_file = out.endswith((".parquet", ".csv"))
    if is_file and Path(out).exists():
        raise ForensicsError(f"{out} exists: name a new file.")
    if not is_file and (source.database is None or out.count(".") != 1):
        raise ForensicsError(f"{out} is neither a .parquet or .csv file nor a <schema>.<table> of DuckDB.")
    path = str(source.database) if source.database else ":memory:"
    try:
        with duckdb.connect(path, read_only=is_file and source.database is not None) as connection:
            connection.execute("set TimeZone = 'UTC'")
            own = _read(connection, source, seed)
            broken = _put(own, kind, severity, seed, day)
            select = _copy(connection, source, own, broken)
            if is_file:
                connection.execute(f"copy ({select}) to {literal(out)}")
            else:
                schema, table = out.split(".")
                connection.execute(f'create table "{schema}"."{table}" as {select}')
    except duckdb.Error as error:
        raise ForensicsError(f"The copy of {source.stream.name} could not be made: {error}") from error
    line = {**broken.injections[0].as_json(), "relation": source.relation, "out": out}
    Path(f"{out}.json").write_text(json.dumps(line, indent=1) + "\n", encoding="utf-8")
    return line


@dataclass(frozen=True)
class _Own:
    """A stream's rows as rows of the lab; `texts` are the values that numbers of the rows stand for, by role."""

    feed: Feed
    rows: Rows
    columns: Mapping[str, str]
    texts: Mapping[str, list[Any]]


def _read(connection: duckdb.DuckDBPyConnection, source: Source, seed: int) -> _Own:
    stream = source.stream
    described = connection.execute(f"describe select * from {source.relation}").fetchall()
    types = {name.casefold(): name for name, *_ in described}
    given = {role: stream.roles[theirs] for role, theirs in _ROLES.items() if theirs in stream.roles}
    columns = {
        role: types[name]
        for role, sql in given.items()
        if (name := sql.strip().strip('"').casefold()) in types
    }
    given |= {role: f'"{name}"' for role, name in columns.items()}
    numbers = {
        name for name, data_type, *_ in described if data_type.startswith(("DEC", "DOU", "INT", "BIG"))
    }
    measured = [str(metric["expr"]).strip('"') for metric in stream.metrics.values() if metric.get("expr")]
    if amounts := [name for name in measured if name in numbers]:
        columns["cents"] = amounts[0]
    payload = [
        name
        for name in stream.payload_columns([name for name, *_ in described])
        if name != columns.get("cents")
    ]
    columns |= dict(zip(("note", "channel", "code"), payload * 3, strict=False))
    times = [f"cast({given[role]} as timestamp)" for role in ("occurred", "arrived")]
    hour = f"date_trunc('hour', {times[1]})"
    values = {
        "event": f"cast({given.get('event', 'row_number() over ()')} as varchar)",
        "entity": f"cast({given.get('entity', 'null')} as varchar)",
        "occurred": times[0],
        "arrived": times[1],
        "batch": f"cast({given.get('batch', hour)} as varchar)",
        "seq": f"cast({given.get('seq', 'null')} as bigint)",
        "cents": f'try_cast(round(100 * "{columns["cents"]}") as bigint)' if "cents" in columns else "null",
        **{role: f'"{columns[role]}" is not null' for role in ("note", "channel", "code") if role in columns},
    }
    listed = ", ".join(f"{sql} as lab_{role}" for role, sql in values.items())
    connection.execute(
        f"create temporary table lab_source as select *, row_number() over () - 1 as lab_place, {listed} "
        f"from {source.relation}"
    )
    read = connection.sql("select * from lab_source order by lab_place").to_arrow_table()
    return _as_rows(stream, read, columns, seed)


def _as_rows(stream: Stream, read: pa.Table, columns: Mapping[str, str], seed: int) -> _Own:
    def of(role: str) -> np.ndarray[Any, Any]:
        return np.asarray(read.column(f"lab_{role}").to_numpy(zero_copy_only=False))

    def seconds(role: str) -> np.ndarray[Any, Any]:
        return np.asarray(of(role).astype("datetime64[s]"))

    arrived = seconds("arrived")
    if not len(arrived) or np.isnat(arrived).any():
        raise ForensicsError(f"{stream.name} has no rows, or rows without {stream.roles['ingested_at']}.")
    occurred = seconds("occurred")
    first = min(arrived.min(), occurred[~np.isnat(occurred)].min(initial=arrived.min()))
    start = first.astype("datetime64[D]").astype(datetime)
    rows = np.zeros(len(arrived), dtype=_GAME_ROW)
    origin = np.datetime64(start, "s")
    rows["arrived"] = rows["visible"] = (arrived - origin).astype(np.int64)
    known = ~np.isnat(occurred)
    rows["occurred"] = NO_TIME
    rows["occurred"][known] = (occurred[known] - origin).astype(np.int64)
    texts: dict[str, list[Any]] = {}
    for role in ("event", "entity", "batch"):
        # Numbers from 1 on, in the order of arrival: a load of the lab is the one after another.
        codes: dict[Any, int] = {}
        values = of(role)
        for place in np.argsort(arrived, kind="stable"):
            value = values[place]
            rows[role][place] = MISSING if value is None else codes.setdefault(value, len(codes) + 1)
        texts[role] = [None, *codes]
    seq = read.column("lab_seq").to_pylist()
    rows["seq"] = [MISSING if value is None else value for value in seq]
    cents = read.column("lab_cents").to_pylist()
    rows["cents"] = [MISSING if value is None else int(value) for value in cents]
    for role in ("note", "channel", "code"):
        rows[role] = np.where(of(role).astype(bool), 1, MISSING) if role in columns else 1
    rows["version"], rows["gone"], rows["origin"] = 1, NEVER, np.arange(len(rows))
    return _Own(_feed(stream, rows, datetime(start.year, start.month, start.day), seed), rows, columns, texts)


def _feed(stream: Stream, rows: Rows, start: datetime, seed: int) -> Feed:
    """What the lab must know of a feed to break it, from its rows."""
    _, places = np.unique(rows["batch"], return_index=True)
    gaps = np.diff(np.sort(rows["arrived"][places]))
    days = int(rows["arrived"].max() // DAY) + 1
    hours = (rows["occurred"][rows["occurred"] != NO_TIME] % DAY) // HOUR
    return Feed(
        name=stream.name,
        seed=seed,
        start=start,
        days=days,
        rows_a_day=max(1, len(rows) // days),
        window=stream.window,
        load_hours=max(1, round(float(np.median(gaps)) / HOUR)) if len(gaps) else 24,
        peak_hour=int(np.bincount(hours, minlength=24).argmax()),
        amplitude=0.0,
        weekend=1.0,
        growth=0.0,
        entities=max(1, int(rows["entity"].max())),
        prompt_minutes=0.0,
        late_share=0.0,
        late_hours=0.0,
        retry_share=0.0,
        correction_share=0.0,
        null_share=0.0,
        expected_delay_hours=-(-stream.expected_delay // timedelta(hours=1)),
        allowed_lateness_days=-(-stream.allowed_lateness // timedelta(days=1)),
        on_conflict=stream.on_conflict,
        columns={role: role for role in ("note", "channel", "code")},
    )


def _put(own: _Own, kind: str, severity: str, seed: int, day: datetime | None) -> Broken:
    if kind not in GAME_KINDS:
        raise ForensicsError(
            f"{kind} cannot be put into a copy of a stream: give one of {', '.join(GAME_KINDS)}."
        )
    last = own.feed.days - 2
    days = [(day - own.feed.start).days] if day else list(range(last, max(0, last - _DAYS_TRIED), -1))
    for number in days:
        try:
            broken = inject(Broken(own.feed, own.rows), [Order(kind, severity, own.feed.name, number)], seed)
        except (NothingToBreakError, ValueError):
            continue
        if broken.injections:
            return broken
    raise ForensicsError(
        f"{kind} cannot happen to {own.feed.name} then: its loads are too small, or nothing came. Name another --day."
    )


def _copy(connection: duckdb.DuckDBPyConnection, source: Source, own: _Own, broken: Broken) -> str:
    """The rows of the copy as a query: of each what was changed, and the rest as it was."""
    rows = broken.rows[broken.rows["gone"] == NEVER]
    before = own.rows[rows["origin"]]
    start = literal(str(own.feed.start))
    types = dict(connection.execute("select column_name, column_type from (describe lab_source)").fetchall())
    listed = {name: f'source."{name}"' for name in types if not name.startswith("lab_")}
    patches: dict[str, pa.Array] = {"lab_origin": pa.array(rows["origin"])}
    for role, column in own.columns.items():
        changed = rows[role] != before[role]
        if not changed.any():
            continue
        patches[f"lab_{role}_changed"] = pa.array(changed)
        patches[f"lab_{role}"] = pa.array(_values(own, role, rows[role]))
        value = f"patch.lab_{role}"
        if role in ("occurred", "arrived"):
            value = f"timestamp {start} + to_seconds({value})"
        elif role in ("note", "channel", "code"):
            value = "null"
        listed[column] = (
            f"case when patch.lab_{role}_changed then cast({value} as {types[column]}) "
            f'else source."{column}" end as "{column}"'
        )
    for role in ("event", "occurred", "arrived"):
        if role not in own.columns and (rows[role] != before[role]).any():
            raise ForensicsError(
                f"{source.stream.name} has no column that is its {_ROLES[role]}, which this failure changes."
            )
    connection.register("lab_patch", pa.table(patches))
    return (
        f"select {', '.join(listed.values())} from lab_patch as patch "
        "inner join lab_source as source on patch.lab_origin = source.lab_place"
    )


def _values(own: _Own, role: str, numbers: np.ndarray[Any, Any]) -> list[Any]:
    """What numbers of rows stand for; what is not of the stream gets a name of the lab's."""
    if role in ("occurred", "seq"):
        empty = NO_TIME if role == "occurred" else MISSING
        return [None if number == empty else int(number) for number in numbers]
    if role == "cents":
        return [None if number == MISSING else float(number) / 100 for number in numbers]
    if role not in own.texts:
        return [int(number) for number in numbers]
    texts = own.texts[role]
    is_number = all(str(text).isdigit() for text in texts[1:100])

    def text(number: int) -> Any:
        if number == MISSING or number < len(texts):
            return None if number == MISSING else texts[number]
        return str(FIRST_NUMBER + number) if is_number else f"lab-{role}-{number}"

    return [text(int(number)) for number in numbers]


__all__ = ["GAME_KINDS", "Source", "find", "play"]
