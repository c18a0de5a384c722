"""Plays a world in a warehouse: loads each step into the raw tables and builds after some of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from harness.engines import Engine, Postgres, Row
from harness.project import Consumer
from property import promises
from property.histories import BUILT_AT, ORDINARY, STREAMS, TABLES, Circumstances, World, stream_config
from property.oracle import Build

#: How a payload column's canonical text becomes the value that the generator put in.
PAYLOAD_TYPES: dict[str, Callable[[str], Any]] = {
    "amount": Decimal,
    "paid": Decimal,
    "size": int,
    "is_test": lambda text: {"true": True, "false": False}[text],
    "settled_at": lambda text: datetime.fromisoformat(text).replace(tzinfo=timezone.utc),
}


#: What a build shows, and the macros that give it again for a time, over all streams and metrics.
SHOWN = {
    "events_then": "select * from analytics.forensics__verdicts",
    "metrics_then": "select * from analytics.forensics__metric_versions where is_current",
}
AT_ANY_TIME = "1999-01-01 00:00:00.000000"
AS_OF = {
    "events_then": "\nunion all\n".join(
        f"select * from ({{{{ dbt_forensics.verdicts_as_of('{name}', '{AT_ANY_TIME}') }}}}) as t"
        for name in STREAMS
    ),
    "metrics_then": "\nunion all\n".join(
        f"select * from ({{{{ dbt_forensics.metric_as_of('{metric}', '{AT_ANY_TIME}', stream='{name}') }}}}) as t"
        for name, (_, stream) in STREAMS.items()
        for metric in stream.metrics
    ),
}

TIMES = [str(time) for time in (*BUILT_AT, BUILT_AT[2] + timedelta(hours=15))]
#: The values of a stream's metrics that history and ledger do not give again, of each build and between builds.
REPRODUCED = """
{%- set stream = dbt_forensics.streams()['NAME'] %}
{%- set relation = dbt_forensics.stream_relation(stream) %}
{%- set ledger, history = ref('forensics__ledger'), ref('forensics__event_history') %}
{%- set log = ref('int_forensics__metric_log') %}
{%- if execute %}
{%- for time in TIMES %}
{%- set outer = loop %}
{%- for metric in stream.metrics %}
select '{{ time }}' as time_asked, found.* from (
{{ dbt_forensics.irreproducible_values_as_of(stream, metric, "timestamp '" ~ time ~ "'", ledger, history, log) }}
) as found
{{ 'union all' if not (loop.last and outer.last) }}
{%- endfor %}
{%- endfor %}
{%- endif %}
"""


#: Another session, by engine.
SESSION = {
    "duckdb": {"TimeZone": "Asia/Kathmandu", "Calendar": "buddhist"},
    "postgres": {"timezone": "Asia/Kathmandu", "datestyle": "SQL, DMY", "extra_float_digits": "-5"},
}
#: What projects set for every node, and what is refused.
HARMLESS = {
    "models": {
        "+persist_docs": {"relation": True, "columns": True},
        "+lookback": 2,
        "+post-hook": "select 1",
    },
    "snapshots": {
        "+on_schema_change": "sync_all_columns",
        "+event_time": "recorded_at",
        "+check_cols": "all",
    },
    "query-comment": {"comment": "nightly", "append": True},
}
REFUSED = {"models": {"+full_refresh": True}}
#: Ways to build that record nothing: the command, what the project sets, and how it ends.
ATTEMPTS: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "empty": (("build", "--empty"), {}, "success"),
    "sample": (("build", "--sample", "1 day"), {}, "success"),
    "half": (("snapshot",), {}, "failure"),
    "refused setting": (("build",), REFUSED, "failure"),
}


class Player:
    """A consumer project whose raw tables follow a world."""

    def __init__(self, engine: Engine, folder: Path, world: World) -> None:
        self.world = world
        self.cadence: list[int] = []
        self.step: int | None = None
        #: Whether builds were killed: the one that is run again at the same clock records microseconds later.
        self.was_killed = False
        #: The columns of each raw table as they are, and their types.
        self.columns: dict[str, dict[str, str]] = {}
        #: What each build showed when it had ended, by its step.
        self.shown: dict[int, dict[str, list[Row]]] = {}
        self._compiled: dict[tuple[str, int], str] = {}
        self.consumer = Consumer(
            engine,
            folder,
            streams={name: stream_config(table, stream) for name, (table, stream) in STREAMS.items()},
            sources={"shop": [table.name for table in TABLES]},
            vars={"forensics_verify_horizon": {"count": 30, "period": "day"}},
            files={
                **{f"analyses/{name}.sql": sql for name, sql in AS_OF.items()},
                **{
                    f"analyses/{name}_reproduced.sql": REPRODUCED.replace("NAME", name).replace(
                        "TIMES", str(TIMES)
                    )
                    for name in STREAMS
                },
            },
        )

    def load(self, step: int) -> None:
        """Brings the raw tables to their state after this step."""
        now = self.world.circumstances[step]
        for table in map(self.world.table, TABLES):
            before, types = self.columns.get(table.name, {}), table.columns(step)
            # What no build has seen is on record as it is spelt first.
            seen = {name for name in types if {name, name.upper()} & before.keys()}
            names = {name: now.spelt(name) if name in seen else name for name in types}
            new = {names[name]: now.type_of(kind) for name, kind in types.items()}
            if before and all(names[name] in before for name in seen):
                self.consumer.engine.empty_table(table.name, before, new)
            else:
                self.consumer.execute(f"drop table if exists raw.{table.name}")
                self.consumer.create_table(table.name, new)
            self.columns[table.name] = new
            rows = [table.as_columns(row) for row in self.world.states[table.name][step]]
            self.consumer.insert(table.name, [{names[name]: row[name] for name in row} for row in rows])
        self.step = step

    def enter(self, now: Circumstances) -> None:
        """Sets session and project as they are at a build, and tries what is to record nothing."""
        engine, session = self.consumer.engine, SESSION[self.consumer.engine.name] if now.session else {}
        if isinstance(engine, Postgres):
            engine.execute(f"alter database {engine.database} reset all")
            for name, value in session.items():
                engine.execute(f"alter database {engine.database} set {name} = '{value}'")
        else:
            output = engine.output() | ({"settings": session} if session else {})
            profile = {"consumer": {"target": engine.name, "outputs": {engine.name: output}}}
            self.consumer.write("profiles.yml", yaml.safe_dump(profile))
        assert self.step is not None
        as_of = json.dumps({"forensics_as_of": str(BUILT_AT[self.step] - timedelta(minutes=30))})
        for attempt in now.attempts:
            arguments, self.consumer.project, outcome = ATTEMPTS[attempt]
            self.consumer.dbt([*arguments, "--vars", as_of], expect=outcome)
        self.consumer.project = HARMLESS if now.settings else {}

    def build(self, step: int) -> None:
        self.load(step)
        if set(self.world.circumstances) != {ORDINARY}:
            self.enter(self.world.circumstances[step])
        self.consumer.build(as_of=str(BUILT_AT[step]))
        self.cadence.append(step)
        self.shown[step] = {name: self.consumer.query(sql) for name, sql in SHOWN.items()}

    def play(self, cadence: Sequence[int]) -> Player:
        for step in cadence:
            self.build(step)
        return self

    def recorded(self, name: str) -> promises.Recorded:
        recorded = promises.read(self.consumer, STREAMS[name][1], PAYLOAD_TYPES)
        if self.was_killed:
            for row in (row for rows in recorded.tables.values() for row in rows):
                row.update({column: _without_microseconds(row[column]) for column in _KNOWN_AT & row.keys()})
        return recorded

    def builds(self, name: str) -> list[Build]:
        return self.world.builds(STREAMS[name][0], self.cadence)

    def analysis(self, name: str) -> str:
        """The SQL of an analysis: those of a kind are compiled once after a build, as dbt takes seconds for it."""
        builds = len(self.cadence)
        if (name, builds) not in self._compiled:
            names = list(AS_OF) if name in AS_OF else [f"{stream}_reproduced" for stream in STREAMS]
            self.consumer.dbt(["compile", "--select", *names])
            folder = self.consumer.folder / "target/compiled/consumer/analyses"
            self._compiled |= {(one, builds): (folder / f"{one}.sql").read_text("utf-8") for one in names}
        return self._compiled[name, builds]

    def irreproducible(self, stream: str) -> list[Row]:
        """The values of any time that ledger and history do not give again."""
        return self.consumer.query(self.analysis(f"{stream}_reproduced"))

    def as_of(self, name: str, moments: Iterable[datetime]) -> Iterator[list[Row]]:
        """What a macro of AS_OF gives at each time."""
        sql = self.analysis(name)
        for moment in moments:
            yield self.consumer.query(sql.replace(AT_ANY_TIME, str(moment)))

    def differs_as_of(self, name: str, after: timedelta = timedelta(0)) -> list[str]:
        """The rows in which a macro of AS_OF and what the builds showed differ, at the time of each and `after` it."""
        found = []
        moments = [BUILT_AT[step] + after for step in self.cadence]
        for step, rows in zip(self.cadence, self.as_of(name, moments), strict=True):
            then, shown = _as_text(rows), _as_text(self.shown[step][name])
            found += [f"step {step}: not shown then: {row}" for row in (then - shown).elements()]
            found += [f"step {step}: missing: {row}" for row in (shown - then).elements()]
        return found

    def violations(self) -> dict[str, list[str]]:
        """All violations of all streams, by stream and promise."""
        return {
            f"{name}: {promise}": violations
            for name in STREAMS
            for promise, violations in promises.all_violations(self.recorded(name), self.builds(name)).items()
        }


#: Columns with the time of a build.
_KNOWN_AT = {"recorded_at", "recorded_from", "recorded_to", "effective_at"}


def _without_microseconds(time: datetime | None) -> datetime | None:
    return time.replace(microsecond=0) if time and time.microsecond < 1000 else time


#: What a relation as of a time leaves out, since it says what came later, or adds.
_NOT_COMPARED = {"recorded_to", "is_current", "as_of"}


def _as_text(rows: Iterable[Row]) -> Counter[str]:
    return Counter(
        json.dumps({k: v for k, v in row.items() if k not in _NOT_COMPARED}, sort_keys=True, default=str)
        for row in rows
    )


def report(violations: dict[str, list[str]], each: int = 5) -> str:
    """The violations in words that fit on a screen."""
    lines = []
    for promise, found in violations.items():
        lines.append(f"{promise}: {len(found)} violations")
        lines += [f"    {violation}" for violation in found[:each]]
    return "\n".join(lines)
