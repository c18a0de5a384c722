"""The tamper campaign: every kind of tampering with an append-only table, and who finds it, as docs/digest.md says.

One record per engine is built and tested. Each kind is then done in a transaction, the SQL of the tests that ship is
run, and the transaction is rolled back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dbt_forensics.seal.heads import Chains, chains_of, export, verify
from dbt_forensics.warehouse import DbtOptions, open_warehouse
from functional.tampered import BUILT_AT, Record, Row, row
from functional.test_command_on_the_worked_example import run
from harness.engines import Engine
from harness.project import PACKAGE

Engines = Callable[[], AbstractContextManager[Engine]]

PAGE = (PACKAGE / "docs" / "digest.md").read_text(encoding="utf-8")
(
    HISTORY,
    BATCHES,
    COLUMNS,
    PRESENCE,
    LEDGER,
    LOG,
    WATCHES,
    PROFILE,
    DETECTIONS,
    ACTS,
    ACTION_ROWS,
    OUTBOX,
    SEALS,
) = (
    f"analytics.{name}"
    for name in (
        "forensics__event_history",
        "forensics__batch_history",
        "forensics__schema_history",
        "int_forensics__presence_changes",
        "forensics__ledger",
        "int_forensics__metric_log",
        "int_forensics__watch_log",
        "int_forensics__row_profile",
        "int_forensics__detection_log",
        "forensics__action_log",
        "int_forensics__action_rows",
        "forensics__outbox",
        "forensics__seals",
    )
)
ALL = (
    HISTORY,
    BATCHES,
    COLUMNS,
    PRESENCE,
    LEDGER,
    LOG,
    WATCHES,
    PROFILE,
    DETECTIONS,
    ACTS,
    ACTION_ROWS,
    OUTBOX,
    SEALS,
)
BUILD = "analytics.int_forensics__build"
NO_SEAL = "rows of a time that no seal covers"
# The tests, in short.
HOLD, CHAINED, FOLLOW = "seals_hold", "seals_are_chained", "versions_follow"
CONTENT, SEALED, ENTRY = (
    "history_is_untampered",
    "history_matches_its_seals",
    "every_captured_row_has_an_entry",
)
ONCE, ADDS_UP, AGAIN = "rows_and_events_count_at_most_once", "changes_add_up", "values_are_reproducible"


@dataclass(frozen=True)
class Kind:
    row: str  # of the table in docs/digest.md
    what: str
    sql: str
    found_by: set[str]
    then: str = ""  # one of STEPS, for what SQL alone cannot say


def set_to(table: str, assignment: str, where: str) -> str:
    return f"update {table} set {assignment} where {where}"


def twice(table: str, where: str) -> str:
    return f"insert into {table} select * from {table} where {where}"


def slipped_in(table: str, where: str, *assignments: str) -> str:
    """Copies of rows, each with other values, put in beside them."""
    copy = f"create temporary table copied as select * from {table} where {where}"
    steps = [f"update copied set {one}; insert into {table} select * from copied" for one in assignments]
    return "; ".join([copy, *steps, "drop table copied"])


def of_orders(event: str) -> str:
    return f"stream = 'orders' and event_id = '{event}'"


LAST = f"timestamp '{BUILT_AT[2]}'"
LATER = "timestamp '2026-01-09 00:00:00'"
FIRST_ENTRY = of_orders("e1") + " and entry_number = 1 and effect = 1"
BATCH = "stream = 'orders' and batch_id = 'b1'"
CORRECTED = "stream = 'orders' and metric = 'revenue' and cause = 'correction'"
ACT = "action_id = 'a1' and act = 'applied'"

CONTENT_ROW = "The content of a captured row is changed"
BESIDE_ROW = "Something else of a captured row is changed"
HISTORY_GONE = "A captured row is deleted"
HISTORY_MORE = "A row is put among the captured ones, or one stands twice"
BATCH_SEAL = "A seal of a batch is changed"
BATCH_REST = "Something else of a batch's version is changed"
BATCH_GONE = "A batch's version is deleted or put in"
VERSION_END = "The end of a version of a batch or a column is changed"
REST = "A row of any other append-only table is changed, deleted or put in, or the table is emptied"
SEAL_ROW = "A row of `forensics__seals` is changed, deleted or put in"
SEALS_GONE = "All rows of `forensics__seals` are deleted"
UNSEALED_ROW = (
    "A row is put in with the time of a build whose rows are not sealed yet (one that was killed, or recorded nothing),"
    " or such a build is put into `int_forensics__build` with it"
)
LATER_ROW = "A row is put in with a time after the last seal"
REMADE = "Rows are changed, and all seals from there on are made again"
CUT_OFF = "The last builds are cut off, with their seals"
ACT_FORGED = "An act is put in, dated after the day before the last seal"
ACT_OPEN = "An act is changed or deleted before a build has sealed it"

KINDS = [
    # The history
    Kind(CONTENT_ROW, "payload", set_to(HISTORY, "payload = '{}'", of_orders("e7")), {CONTENT, AGAIN}),
    Kind(CONTENT_ROW, "no payload", set_to(HISTORY, "payload = null", of_orders("e7")), {CONTENT, AGAIN}),
    Kind(CONTENT_ROW, "event_id", set_to(HISTORY, "event_id = 'x'", of_orders("e7")), {CONTENT}),
    Kind(CONTENT_ROW, "event_time", set_to(HISTORY, f"event_time = {LAST}", of_orders("e7")), {CONTENT}),
    Kind(
        CONTENT_ROW,
        "row_key",
        set_to(HISTORY, "row_key = md5('x')", of_orders("e7")),
        {CONTENT, HOLD, SEALED, ENTRY, AGAIN},
    ),
    Kind(BESIDE_ROW, "ordinal", set_to(HISTORY, "ordinal = null", of_orders("e7")), {HOLD, CONTENT}),
    Kind(BESIDE_ROW, "recorded_at", set_to(HISTORY, "recorded_at = effective_at", of_orders("e1")), {HOLD}),
    Kind(BESIDE_ROW, "effective_at", set_to(HISTORY, "effective_at = recorded_at", of_orders("e1")), {HOLD}),
    Kind(BESIDE_ROW, "broken_rule", set_to(HISTORY, "broken_rule = 'x'", of_orders("e7")), {HOLD}),
    Kind(BESIDE_ROW, "no broken_rule", set_to(HISTORY, "broken_rule = null", of_orders("e5")), {HOLD}),
    Kind(BESIDE_ROW, "shape_digest", set_to(HISTORY, "shape_digest = null", of_orders("e7")), {HOLD}),
    Kind(HISTORY_GONE, "one row", f"delete from {HISTORY} where {of_orders('e7')}", {HOLD, SEALED, AGAIN}),
    Kind(HISTORY_GONE, "a vanished row", f"delete from {HISTORY} where {of_orders('e3')}", {HOLD}),
    Kind(HISTORY_GONE, "all rows", f"delete from {HISTORY}", {HOLD, SEALED, AGAIN}),
    Kind(HISTORY_MORE, "twice", twice(HISTORY, of_orders("e7")), {HOLD, SEALED, AGAIN}),
    Kind(HISTORY_MORE, "forged, with its true key", "", {HOLD, SEALED, ENTRY}, "forge"),
    Kind(
        HISTORY_MORE,
        "forged, under a batch that was never sealed",
        "",
        {HOLD, SEALED, ENTRY},
        "forge a batch",
    ),
    # The batches and their chain
    Kind(BATCH_SEAL, "row_count", set_to(BATCHES, "row_count = 3", BATCH), {HOLD, CHAINED, SEALED}),
    Kind(BATCH_SEAL, "digest", set_to(BATCHES, "batch_digest = '0-0-0'", BATCH), {HOLD, CHAINED, SEALED}),
    Kind(BATCH_SEAL, "seal", set_to(BATCHES, "seal = md5('x')", BATCH), {HOLD, CHAINED}),
    Kind(BATCH_SEAL, "previous_seal", set_to(BATCHES, "previous_seal = null", BATCH), {HOLD, CHAINED}),
    Kind(
        BATCH_SEAL, "stream", set_to(BATCHES, "stream = 'payments'", BATCH), {HOLD, CHAINED, SEALED, FOLLOW}
    ),
    *(
        Kind(BATCH_REST, name, set_to(BATCHES, f"{name} = null", BATCH), {HOLD})
        for name in (
            "max_ingested_at",
            "fingerprint",
            "latest_event_time",
            "digest_version",
            "dbt_valid_from",
        )
    ),
    Kind(
        BATCH_GONE,
        "deleted in the middle",
        f"delete from {BATCHES} where stream = 'orders' and batch_id = 'b3'",
        {HOLD, CHAINED, SEALED},
    ),
    Kind(
        BATCH_GONE,
        "the last one deleted",
        f"delete from {BATCHES} where stream = 'orders' and batch_id = 'b4'",
        {HOLD, SEALED},
    ),
    Kind(BATCH_GONE, "twice", twice(BATCHES, BATCH), {HOLD, CHAINED, FOLLOW}),
    Kind(BATCH_GONE, "all deleted", f"delete from {BATCHES}", {HOLD, SEALED}),
    Kind(
        VERSION_END,
        "a batch's opened again",
        set_to(BATCHES, "dbt_valid_to = null", "dbt_valid_to is not null"),
        {FOLLOW, SEALED},
    ),
    Kind(VERSION_END, "a batch's closed", set_to(BATCHES, f"dbt_valid_to = {LAST}", BATCH), {FOLLOW, SEALED}),
    Kind(
        VERSION_END,
        "a batch's moved",
        set_to(BATCHES, f"dbt_valid_to = {LATER}", "dbt_valid_to is not null"),
        {FOLLOW},
    ),
    Kind(
        VERSION_END,
        "a column's closed",
        set_to(COLUMNS, f"dbt_valid_to = {LAST}", "column_name = 'amount'"),
        {FOLLOW},
    ),
    # The columns seen
    Kind(REST, "schema: type", set_to(COLUMNS, "data_type = 'text'", "column_name = 'amount'"), {HOLD}),
    Kind(REST, "schema: dropped", set_to(COLUMNS, "is_dropped = true", "column_name = 'amount'"), {HOLD}),
    Kind(REST, "schema: deleted", f"delete from {COLUMNS} where column_name = 'note'", {HOLD}),
    Kind(REST, "schema: put in", slipped_in(COLUMNS, "column_name = 'note'", "column_name = 'x'"), {HOLD}),
    # What came and went
    Kind(REST, "presence: back", set_to(PRESENCE, "presence_change = 1", "1 = 1"), {HOLD, SEALED}),
    Kind(REST, "presence: another row", set_to(PRESENCE, "row_key = md5('x')", "1 = 1"), {HOLD, SEALED}),
    Kind(REST, "presence: emptied", f"delete from {PRESENCE}", {HOLD, SEALED}),
    Kind(REST, "presence: put in", slipped_in(PRESENCE, "1 = 1", "presence_change = 1"), {HOLD, SEALED}),
    # The ledger
    *(
        Kind(REST, f"ledger: {name}", set_to(LEDGER, f"{name} = {value}", FIRST_ENTRY), {HOLD, *others})
        for name, value, others in (
            ("cause", "'late'", ()),
            ("recorded_at", "effective_at", ()),
            ("effective_at", "recorded_at", ()),
            ("other_row_key", "row_key", ()),
            ("action_id", "'x'", ()),
            ("timeliness", "'late'", ()),
            ("event_time", "ingested_at", ()),
            ("event_id", "'x'", ()),
            ("verdict", "null", (ONCE,)),
            ("effect", "0", (ONCE, AGAIN)),
            ("entry_number", "2", (ONCE, ENTRY)),
        )
    ),
    Kind(
        REST,
        "ledger: a pair slipped in",
        slipped_in(
            LEDGER,
            FIRST_ENTRY,
            "entry_number = 2, effect = -1, verdict = 'withdrawn', cause = 'source_deleted'",
            "entry_number = 3, effect = 1, verdict = 'accepted', cause = 'correction'",
        ),
        {HOLD},
    ),
    Kind(
        REST,
        "ledger: an entry deleted",
        f"delete from {LEDGER} where {of_orders('e7')}",
        {HOLD, ENTRY, AGAIN},
    ),
    Kind(REST, "ledger: an entry twice", twice(LEDGER, of_orders("e5")), {HOLD}),
    # The metrics and the watched model
    *(
        Kind(REST, f"metric log: {what}", set_to(LOG, what, CORRECTED), {HOLD, *others})
        for what, others in (
            ("cause = 'late'", ()),
            (f"recorded_from = {LATER}", ()),
            ("sample_event_ids = null", ()),
            ("event_count = 9", ()),
            ("is_settled = not is_settled", ()),
            ("definition_digest = md5('x')", ()),
            ("value = null", (ADDS_UP, AGAIN)),
            ("value = value + 1", (ADDS_UP, AGAIN)),
            ("change = change + 1", (ADDS_UP,)),
            ("digest_word_1 = 0", (AGAIN,)),
        )
    ),
    Kind(
        REST,
        "metric log: 0 becomes unknown",
        set_to(LOG, "value = null", "cause = 'withdrawal'"),
        {HOLD},
    ),
    Kind(
        REST,
        "metric log: value lowered in one of two cause rows",
        set_to(LOG, "value = value - 1", "cause = 'source_deleted'"),
        {HOLD, AGAIN},
    ),
    Kind(REST, "metric log: a version deleted", f"delete from {LOG} where {CORRECTED}", {HOLD, AGAIN}),
    Kind(REST, "metric log: twice", twice(LOG, CORRECTED), {HOLD, ADDS_UP}),
    Kind(REST, "watch log: value", set_to(WATCHES, "value = value + 1", "version = 3"), {HOLD, ADDS_UP}),
    Kind(REST, "watch log: emptied", f"delete from {WATCHES}", {HOLD}),
    # Health
    Kind(REST, "row profile: doubled", twice(PROFILE, "1 = 1"), {HOLD}),
    Kind(
        REST, "row profile: a count", set_to(PROFILE, "row_count = row_count + 1", "measure = 'rows'"), {HOLD}
    ),
    Kind(REST, "row profile: emptied", f"delete from {PROFILE}", {HOLD}),
    Kind(REST, "detection log: emptied", f"delete from {DETECTIONS}", {HOLD}),
    Kind(REST, "detection log: severity", set_to(DETECTIONS, "severity = 'low'", "1 = 1"), {HOLD}),
    Kind(REST, "detection log: closed", slipped_in(DETECTIONS, "change = 1", "change = -1"), {HOLD}),
    # What people did
    Kind(REST, "acts: owner", set_to(ACTS, "owner = 'bob'", ACT), {HOLD}),
    Kind(REST, "acts: reason", set_to(ACTS, "reason = null", ACT), {HOLD}),
    Kind(REST, "acts: deleted", f"delete from {ACTS} where {ACT}", {HOLD}),
    Kind(REST, "acts: emptied", f"delete from {ACTS}", {HOLD}),
    Kind(
        REST,
        "acts: put in, dated before",
        slipped_in(ACTS, ACT, "recorded_at = timestamp '2026-01-06 00:00:00'"),
        {HOLD},
    ),
    Kind(REST, "action rows: another row", set_to(ACTION_ROWS, "row_key = md5('x')", "1 = 1"), {HOLD}),
    Kind(REST, "action rows: emptied", f"delete from {ACTION_ROWS}", {HOLD}),
    Kind(REST, "outbox: payload", set_to(OUTBOX, "payload = '{}'", "1 = 1"), {HOLD}),
    Kind(REST, "outbox: emptied", f"delete from {OUTBOX}", {HOLD}),
    # The seals
    Kind(SEAL_ROW, "digest", set_to(SEALS, "digest = '0-0-0'", f"recorded_at = {LAST}"), {HOLD}),
    Kind(SEAL_ROW, "the last build's deleted", f"delete from {SEALS} where recorded_at = {LAST}", {HOLD}),
    Kind(
        SEAL_ROW,
        "one in the middle deleted",
        f"delete from {SEALS} where recorded_at < {LAST} and sealed_table = 'forensics__ledger'",
        {HOLD},
    ),
    Kind(SEAL_ROW, "the last build's twice", twice(SEALS, f"recorded_at = {LAST}"), {HOLD}),
    Kind(SEALS_GONE, "all deleted", f"delete from {SEALS}", {HOLD}),
    Kind(SEAL_ROW, "its time", set_to(SEALS, "recorded_at = null", f"recorded_at = {LAST}"), {HOLD}),
    # What seals cannot tell, or only once
    Kind(
        LATER_ROW,
        "an entry",
        slipped_in(LEDGER, of_orders("e7"), f"recorded_at = {LATER}, entry_number = 2, effect = 0"),
        {HOLD, ONCE},
    ),
    Kind(
        LATER_ROW,
        "a detection",
        slipped_in(DETECTIONS, "change = 1", f"recorded_at = {LATER}, change = -1"),
        {HOLD},
    ),
    Kind(
        UNSEALED_ROW,
        "a column, and a build",
        slipped_in(COLUMNS, "column_name = 'note'", f"recorded_at = {LATER}")
        + f"; update {BUILD} set recorded_at = {LATER}",
        {HOLD, FOLLOW},
    ),
    Kind(
        REMADE, "an entry's cause", set_to(LEDGER, "cause = 'late'", FIRST_ENTRY), set(), "remake the seals"
    ),
    Kind(
        REMADE,
        "the metrics' sample ids",
        set_to(LOG, "sample_event_ids = null", "1 = 1"),
        set(),
        "remake the seals",
    ),
    Kind(CUT_OFF, "the last one", "", set(), "cut off"),
    Kind(ACT_FORGED, "now", slipped_in(ACTS, ACT, f"recorded_at = {LATER}, action_id = 'x'"), set()),
    Kind(
        ACT_OPEN,
        "changed",
        slipped_in(ACTS, ACT, f"recorded_at = {LATER}")
        + "; "
        + set_to(ACTS, "owner = 'bob'", f"recorded_at = {LATER}"),
        set(),
    ),
]


class Campaign:
    """A record, what was exported of it, and the page's own digests."""

    def __init__(self, record: Record) -> None:
        self.record = record
        (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
        self.spec: dict[str, Any] = {}
        exec(block, self.spec)
        folder = str(record.consumer.folder)
        record.engine.release()
        with open_warehouse(DbtOptions(project_dir=folder, profiles_dir=folder)) as warehouse:
            asked = chains_of(warehouse)
            contents = asked.contents("the time")
        self.chains = Chains(record.query, asked.heads, lambda time: contents.replace("the time", time))
        self.exported = export(self.chains, "consumer", "dev")

    def done(self, kind: Kind) -> None:
        if kind.sql:
            self.record.execute(kind.sql)
        if kind.then:
            {
                "forge": self.forge,
                "forge a batch": lambda: self.forge(batch="b9"),
                "remake the seals": self.remake,
                "cut off": self.cut_off,
            }[kind.then]()

    def forge(self, batch: str = "b4") -> None:
        """Puts a row into the history whose key is what it must be."""
        (row,) = self.record.query(f"select * from {HISTORY} where {of_orders('e7')}")
        forged = {**row, "event_id": "forged", "batch_id": batch, "recorded_at": row["recorded_at"]}
        key = self.spec["row_key"](forged)
        self.record.execute(
            slipped_in(
                HISTORY, of_orders("e7"), f"event_id = 'forged', batch_id = '{batch}', row_key = '{key}'"
            )
        )

    def groups(self) -> dict[tuple[str, str, Any], list[str]]:
        """The digests of the rows of each table, by what has a seal of its own."""
        digests: dict[tuple[str, str, Any], list[str]] = {}
        for table in ALL[:-1]:
            name = table.removeprefix("analytics.")
            texts = self.text_columns(name)
            for kept in self.record.query(f"select * from {table}"):
                group = (name, kept["stream"], self.spec["rows_recorded_at"](kept))
                digests.setdefault(group, []).append(self.spec["sealed_row_digest"](name, kept, texts))
        return digests

    def text_columns(self, table: str) -> set[str]:
        columns = self.record.query(
            "select column_name, lower(data_type) as data_type from information_schema.columns"
            f" where table_schema = 'analytics' and table_name = '{table}'"
        )
        return {
            column["column_name"]
            for column in columns
            if column["data_type"] in ("varchar", "text", "character varying")
        }

    def remake(self) -> None:
        """Makes every seal again, from the first to the last, as the page says."""
        digests, head = self.groups(), self.spec["md5"]("forensics__seals")
        builds: dict[Any, list[Row]] = {}
        for one in self.record.query(f"select * from {SEALS} order by recorded_at"):
            builds.setdefault(one["recorded_at"], []).append(one)
        for time, seals in builds.items():
            for one in seals:
                rows = digests[one["sealed_table"], one["stream"], one["rows_recorded_at"]]
                one.update(digest=self.spec["set_digest"](rows), row_count=len(rows), previous_seal=head)
                one["seal"] = self.spec["table_seal"](one)
                self.record.execute(
                    f"update {SEALS} set digest = '{one['digest']}', row_count = {one['row_count']},"
                    f" previous_seal = '{head}', seal = '{one['seal']}' where sealed_table = '{one['sealed_table']}'"
                    f" and stream = '{one['stream']}' and rows_recorded_at = timestamp '{one['rows_recorded_at']}'"
                    f" and recorded_at = timestamp '{time}'"
                )
            head = self.spec["head"]([one["seal"] for one in seals])

    def cut_off(self) -> None:
        """Takes out whatever the last build wrote, and opens the versions that it ended."""
        for table in ALL:
            time = "recorded_from" if table in (LOG, WATCHES) else "recorded_at"
            self.record.execute(f"delete from {table} where {time} >= {LAST}")
        for table in (BATCHES, COLUMNS):
            self.record.execute(set_to(table, "dbt_valid_to = null", f"dbt_valid_to >= {LAST}"))

    def is_as_exported(self) -> bool:
        return not verify(self.chains, [self.exported], "dev")["broken"]


@pytest.fixture(scope="module")
def campaign(new_engine: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    with new_engine() as engine:
        yield Campaign(Record(engine, tmp_path_factory.mktemp("tampered")))


def promised(row: str) -> str:
    """Who finds a kind, as the page's table says."""
    (cell,) = re.findall(rf"^\| {re.escape(row)} \| (.*?) \|", PAGE, re.MULTILINE)
    return str(cell)


def test_nothing_is_found_on_a_sound_record(campaign: Campaign) -> None:
    assert campaign.record.failures() == {}
    assert campaign.is_as_exported()
    assert {table: campaign.record.count(table) > 0 for table in ALL} == dict.fromkeys(ALL, True)


def test_every_kind_of_tampering_is_found_as_the_page_says(campaign: Campaign) -> None:
    assert len(KINDS) >= 60
    assert {table for table in ALL if not any(table in kind.sql for kind in KINDS)} == set()
    wrong: dict[Any, Any] = {}
    for kind in KINDS:
        with campaign.record.changed_by():
            campaign.done(kind)
            found = {name.removeprefix("forensics__") for name in campaign.record.failures()}
            is_as_exported = campaign.is_as_exported()
        said = promised(kind.row)
        named = set(re.findall(r"`forensics__(\w+)`", said))
        if found != kind.found_by or not named <= found or ("exported head" in said and is_as_exported):
            wrong[kind.row, kind.what] = (sorted(found), is_as_exported, said)
        if not found and "exported head" not in said and not said.startswith("nothing"):
            wrong[kind.row, kind.what] = "found by nothing, and the page does not say so"
    assert wrong == {}
    rows = re.findall(r"^\| (.*?) \|.*\|$", PAGE[PAGE.index("| what happens |") :], re.MULTILINE)[1:]
    assert set(rows) - {kind.row for kind in KINDS} == {
        "A row of a raw relation is deleted, put in or rewritten after it was captured"
    }


OTHERWISE = {
    "text": "coalesce({0}, '') || 'x'",
    "integer": "coalesce({0}, 0) + 1",
    "number": "coalesce({0}, 0) + 1",
    "time": "case when {0} is null then timestamp '2026-01-01 00:00:00' else {0} + interval '1 second' end",
    "boolean": "not coalesce({0}, false)",
}


def kind_of(data_type: str) -> str:
    """The word for a type of either engine."""
    words = {
        "timestamp": "time",
        "boolean": "boolean",
        "numeric": "number",
        "decimal": "number",
        "varchar": "text",
    }
    words |= {"character": "text", "text": "text", "bigint": "integer", "integer": "integer"}
    (word,) = {word for start, word in words.items() if data_type.lower().startswith(start)}
    return word


def test_no_column_is_left_out(campaign: Campaign) -> None:
    """Another value in any column that the engine lists is found; one column of each table is changed at a time."""
    record = campaign.record
    columns: dict[str, list[str]] = {
        table: [
            f"{row['column_name']} = {OTHERWISE[kind_of(row['data_type'])].format(row['column_name'])}"
            for row in record.query(
                "select column_name, data_type from information_schema.columns where table_schema = 'analytics'"
                f" and table_name = '{table.removeprefix('analytics.')}' order by ordinal_position"
            )
        ]
        for table in ALL
    }
    assert sum(len(listed) for listed in columns.values()) > 180
    missed = []
    for assignment in columns.pop(SEALS):
        with record.changed_by(f"update {SEALS} set {assignment}"):
            missed += [] if record.failures(f"forensics__{HOLD}") else [assignment]
    while columns:
        changed = {table: columns[table].pop() for table in columns}
        with record.changed_by(
            *(f"update {table} set {assignment}" for table, assignment in changed.items())
        ):
            found = record.failures(f"forensics__{HOLD}", f"forensics__{CONTENT}", f"forensics__{FOLLOW}")
        named = {row["sealed_table"] for row in found.get(f"forensics__{HOLD}", ())}
        named |= {row["history"] for row in found.get(f"forensics__{FOLLOW}", ())}
        named |= {"forensics__event_history"} if f"forensics__{CONTENT}" in found else set()
        missed += [one for one in changed.items() if one[0].removeprefix("analytics.") not in named]
        columns = {table: left for table, left in columns.items() if left}
    assert missed == []


def test_the_page_makes_the_seals(campaign: Campaign) -> None:
    """docs/digest.md is enough to make every seal again: doing so changes none of them."""
    before = campaign.record.query(f"select * from {SEALS} order by seal")
    with campaign.record.changed_by():
        campaign.remake()
        assert campaign.record.query(f"select * from {SEALS} order by seal") == before


def test_heads_are_exported_and_verified(campaign: Campaign, tmp_path: Path) -> None:
    consumer, file = campaign.record.consumer, tmp_path / "seals.jsonl"
    printed = run(consumer, "seal", "export")
    assert (printed.code, printed.json) == (0, {**campaign.exported, "target": campaign.record.engine.name})
    assert run(consumer, "seal", "export", "--file", str(file)).code == 0
    assert (file.read_text(encoding="utf-8"), run(consumer, "seal", "verify", str(file)).out) == (
        printed.out,
        "The record is what it was at each of 1 export.\n",
    )
    head = next(one for one in printed.json["heads"] if one["name"] == "forensics__ledger")
    file.write_text(printed.out + printed.out.replace(head["head"], "0" * 32), encoding="utf-8")
    rewritten = run(consumer, "seal", "verify", str(file), "--json")
    assert (rewritten.code, [one["name"] for one in rewritten.json["broken"]]) == (1, ["forensics__ledger"])
    file.write_text("heads\n", encoding="utf-8")
    assert run(consumer, "seal", "verify", str(file)).code == 2


def test_what_is_left_without_a_seal_is_sealed_by_the_next_build(campaign: Campaign) -> None:
    """The last test on the record, for it builds on. What was put in among what is sealed is never sealed."""
    record, consumer = campaign.record, campaign.record.consumer
    early = "timestamp '2026-01-08 06:00:00'"  # its transaction ended after the build of that noon
    consumer.execute(slipped_in(ACTS, ACT, f"recorded_at = {early}, action_id = 'a3'"))
    consumer.insert("orders", [row("e9", "a", "08 13:00", "08 14:00", "b5", 2)])
    consumer.build_killed("after:forensics__ledger", as_of="2026-01-09 12:00:00")
    left = record.failures(f"forensics__{HOLD}")[f"forensics__{HOLD}"]
    assert {(one["sealed_table"], str(one["rows_recorded_at"])) for one in left} == {
        ("forensics__event_history", "2026-01-09 12:00:00"),
        ("forensics__batch_history", "2026-01-09 12:00:00"),
        ("forensics__ledger", "2026-01-09 12:00:00"),
    }
    assert {one["problem"] for one in left} == {NO_SEAL}
    consumer.execute(twice(PROFILE, "1 = 1"))
    # After the last seal, and before the build that was killed: a time of no build, and the time of one.
    of_no_build = "timestamp '2026-01-09 06:00:00'"
    consumer.execute(slipped_in(DETECTIONS, "change = 1", f"recorded_at = {of_no_build}, change = -1"))
    consumer.execute(slipped_in(COLUMNS, "column_name = 'note'", f"recorded_at = {of_no_build}"))
    consumer.execute(slipped_in(PROFILE, "1 = 1", f"recorded_at = {of_no_build}"))
    consumer.execute(slipped_in(PRESENCE, "1 = 1", "recorded_at = timestamp '2026-01-07 12:00:00'"))
    consumer.build(as_of="2026-01-09 12:00:00")
    found = record.failures(f"forensics__{HOLD}")[f"forensics__{HOLD}"]
    assert {(one["sealed_table"], one["problem"]) for one in found} == {
        ("int_forensics__row_profile", "rows were added"),
        ("int_forensics__row_profile", NO_SEAL),
        ("int_forensics__detection_log", NO_SEAL),
        ("forensics__schema_history", NO_SEAL),
        ("int_forensics__presence_changes", NO_SEAL),
    }
    assert {str(one["rows_recorded_at"])[:10] for one in found if one["problem"] != NO_SEAL} == {
        "2026-01-06",
        "2026-01-07",
        "2026-01-08",
    }
    sealed = record.query(f"select sealed_table, rows_recorded_at from {SEALS} where recorded_at > {LAST}")
    times = {(one["sealed_table"], str(one["rows_recorded_at"])) for one in sealed}
    assert {
        ("forensics__event_history", "2026-01-09 12:00:00"),
        ("forensics__action_log", "2026-01-08 06:00:00"),
    } < times
    assert campaign.is_as_exported()

    # All seals are deleted: what they sealed is never sealed again.
    consumer.execute(f"delete from {SEALS}")
    consumer.build(as_of="2026-01-10 12:00:00")
    found = record.failures(f"forensics__{HOLD}")[f"forensics__{HOLD}"]
    assert {one["problem"] for one in found} == {NO_SEAL}
    assert {one["sealed_table"] for one in found} == {
        table.removeprefix("analytics.") for table in ALL if table not in (ACTS, ACTION_ROWS, OUTBOX, SEALS)
    }
    assert not campaign.is_as_exported()
