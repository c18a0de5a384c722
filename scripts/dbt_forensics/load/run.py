"""Loads files, each in one transaction: its rows, its rejected records and its entry in the log, or nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.compute as pc

from dbt_forensics.errors import ForensicsError
from dbt_forensics.load import files as source
from dbt_forensics.load.create import first_columns
from dbt_forensics.load.files import Fingerprint, SourceFile
from dbt_forensics.load.log import Earlier, Load, LoadLog
from dbt_forensics.load.model import Parsed, RefusedError
from dbt_forensics.load.parquet import read_parquet
from dbt_forensics.load.readers import read_text
from dbt_forensics.load.rows import Judged, judged, only, with_given
from dbt_forensics.load.target import Target, new_columns
from dbt_forensics.load.windows import WindowGuard, refusal
from dbt_forensics.sql import in_list
from dbt_forensics.writing import EngineError, TableColumn, WritingWarehouse

#: Called with a file and how many more bytes of it were read; each is read twice.
Progress = Callable[[SourceFile, int], None]


@dataclass(frozen=True)
class LoadOptions:
    """What a user asks of a run.

    Attributes:
        create: Whether a table that does not exist is made from the first file.
        force: Whether files of another shape are taken.
        dry_run: Whether nothing is written.
        again: Whether a file lands again whose rows are gone from the table.
        allow: Names of guards of windows to pass.
        landed_before: What a file is whose content landed before under another path: ``copy`` (it is known), ``return``
            (it lands), or None: a copy under another name, and refused under its own if others have come since.
    """

    create: bool = False
    force: bool = False
    dry_run: bool = False
    again: bool = False
    allow: frozenset[str] = frozenset()
    landed_before: str | None = None


@dataclass
class Outcome:
    """What became of a file. read = accepted + duplicate + rejected.

    Attributes:
        file: The file.
        status: landed, grown (its new lines landed), repaired (lines that were rejected before landed), restored (rows
            that were gone landed again), known (nothing is new), empty or refused.
        load_id: The load, and the batch of its rows; None if nothing was written.
        digest: Of its content.
        read: Its records.
        accepted: Those that landed now.
        duplicate: Those that landed before.
        rejected: Reason to count.
        refused: Why the file was not loaded as a whole.
        missing: The columns of the table that the file does not have.
        same_as: Under which name its content, or its beginning, landed, if that is another one.
    """

    file: SourceFile
    status: str = "landed"
    load_id: str | None = None
    digest: str | None = None
    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    refused: str | None = None
    missing: list[str] = field(default_factory=list)
    same_as: str | None = None


class Loader:
    """Loads files into one table.

    Args:
        warehouse: The session; read-only for a dry run.
        target: The table.
        options: What the user asks.
        progress: Is told how far it is.
        guard: Knows the windows that rows may not fall into; None if there are none.
    """

    def __init__(
        self,
        warehouse: WritingWarehouse,
        target: Target,
        options: LoadOptions,
        progress: Progress = lambda *_: None,
        guard: WindowGuard | None = None,
    ) -> None:
        if not target.columns and not options.create:
            raise ForensicsError(
                f"{target.name} does not exist: create it, or let --create make it from the first file."
            )
        self._warehouse = warehouse
        self._target = target
        self._options = options
        self._progress = progress
        self._guard = guard
        self._given = warehouse.given_time()
        self._last = datetime.min
        self._known_log: LoadLog | None = None
        target.shape(options.force)  # a type that cannot be written is found before the first file

    def load(self, files: Iterable[SourceFile]) -> Iterator[Outcome]:
        """Loads one file after the other and gives what became of each.

        A file that is refused stops none of the others.
        """
        if not self._options.dry_run:
            self._warehouse.prepare_load()
        for file in files:
            attempt = _Attempt(file, self._next_time())
            try:
                outcome, self._target = self._in_transaction(attempt)
            except (RefusedError, EngineError) as error:
                why = (
                    str(error)
                    if isinstance(error, RefusedError)
                    else f"The engine did not take it ({error})."
                )
                outcome = self._refused(attempt, why)
            self._last = attempt.at
            yield outcome

    def _in_transaction(self, attempt: _Attempt) -> tuple[Outcome, Target]:
        file = attempt.file
        if file.problem:
            raise RefusedError(file.problem)
        before = source.state(file.path)
        attempt.size = before.size
        if not self._target.columns and source.is_empty(
            file
        ):  # no table can be made from it, and none is needed
            return Outcome(file, "empty", digest=hashlib.sha256().hexdigest()), self._target
        log = self._log()
        dry = self._options.dry_run
        with nullcontext() if dry else self._warehouse.transaction():
            if not dry:
                self._warehouse.lock(f"dbt_forensics load {self._target.name}")
                target = self._made(file)
                self._complete(log)
            else:
                target = replace(self._target, columns=self._columns(file))
            if log.exists():
                attempt.number, attempt.at = log.next(attempt.at)
            outcome = _Load(
                self._warehouse, target, self._options, log if log.exists() else None, self._guard, attempt
            ).run(lambda size: self._progress(file, size))
            if source.state(file.path) != before:
                raise source.changed()
        return outcome, target

    def _log(self) -> LoadLog:
        """A log that was complete stays so; one that is made is only there when the transaction has ended."""
        if self._known_log is None:
            log = LoadLog(self._warehouse, self._target)
            if not log.is_complete():
                return log
            self._known_log = log
        return self._known_log

    def _complete(self, log: LoadLog) -> None:
        if not log.is_complete():
            self._warehouse.lock(f"dbt_forensics log {self._target.place[1]}")
            log.create()

    def _refused(self, attempt: _Attempt, why: str) -> Outcome:
        """Writes down that a file came, in a transaction of its own: that of its rows has left nothing."""
        digest = attempt.found.digest if attempt.found else None
        outcome = Outcome(attempt.file, "refused", digest=digest, refused=why)
        if self._options.dry_run:
            return outcome
        log = self._log()
        try:
            with self._warehouse.transaction():
                self._warehouse.lock(f"dbt_forensics load {self._target.name}")
                self._warehouse.make_schema(self._target.place)
                self._complete(log)
                outcome.load_id = log.refuse(attempt.file, attempt.size, attempt.found, attempt.at, why)
        except EngineError as error:
            outcome.refused = f"{why} That it came could not be written down ({error})."
        return outcome

    def _columns(self, file: SourceFile) -> tuple[TableColumn, ...]:
        if self._target.columns:
            return self._target.columns
        return tuple(new_columns(*first_columns(file), self._target))

    def _made(self, file: SourceFile) -> Target:
        if self._target.columns:
            return self._target
        there = tuple(self._warehouse.columns(self._target.place))
        if there:  # another process has made it meanwhile
            return replace(self._target, columns=there)
        columns = self._columns(file)
        listed = ", ".join(f"{self._warehouse.identifier(one.name)} {one.data_type}" for one in columns)
        self._warehouse.make_schema(self._target.place)
        self._warehouse.execute(f"create table {self._warehouse.table(self._target.place)} ({listed})")
        return replace(self._target, columns=tuple(self._warehouse.columns(self._target.place)))

    def _next_time(self) -> datetime:
        """When the next file is loaded, UTC: files have the order in which they were loaded, so each is later."""
        now = self._given or datetime.now(timezone.utc).replace(tzinfo=None)
        return max(now, self._last + timedelta(microseconds=1)) if self._last > datetime.min else now


@dataclass
class _Attempt:
    """What is known of a file while it is loaded; it is still there when the file is refused.

    Attributes:
        file: The file.
        at: When it is loaded, UTC.
        number: The number of the load.
        size: Its size on disk, once it was looked at.
        found: Its content, once it was read.
    """

    file: SourceFile
    at: datetime
    number: int | None = None
    size: int | None = None
    found: Fingerprint | None = None


class _Load:
    """One file, inside its transaction."""

    def __init__(
        self,
        warehouse: WritingWarehouse,
        target: Target,
        options: LoadOptions,
        log: LoadLog | None,
        guard: WindowGuard | None,
        attempt: _Attempt,
    ) -> None:
        self._warehouse, self._target, self._options, self._log = warehouse, target, options, log
        self._guard, self._attempt, self._file = guard, attempt, attempt.file
        self._windows: dict[str, set[datetime]] = {}
        self._shape = target.shape(options.force).with_keys(attempt.file.keys())
        self._types = {column.name: column.data_type for column in target.columns}
        self._there: set[str] = set()
        self._last_line = 0
        self._restored = 0

    def run(self, progress: source.Progress) -> Outcome:
        log, file, loaded_at = self._log, self._file, self._attempt.at
        sizes = log.sizes(file.name) if log and file.format != "parquet" else []
        with source.content(file, progress) as chunks:
            found = source.fingerprint(chunks, sizes)
        self._attempt.found = found
        outcome = Outcome(file, digest=found.digest)
        if found.size == 0 and file.format != "parquet":
            outcome.status = "empty"
            return outcome
        earlier, is_gone = self._compared(log, found)
        is_same = earlier is not None and earlier.content_bytes == found.size
        if earlier and earlier.file_name != file.name:
            outcome.same_as = earlier.file_name
        if earlier and is_same and not is_gone and not earlier.open_lines:
            outcome.status, outcome.read, outcome.duplicate = "known", earlier.read_count, earlier.read_count
            return outcome
        load = Load(f"{loaded_at:%Y%m%dT%H%M%S.%f}-{found.digest[:8]}", loaded_at, 0, 0)
        self._take(found, earlier, load, is_gone, outcome, progress)
        overrides = self._pass_windows()
        if earlier:
            again = "repaired" if outcome.accepted else "known"
            outcome.status = "restored" if is_gone else again if is_same else "grown"
        if log and earlier and is_gone and not self._options.dry_run:
            log.restore(earlier.loads, loaded_at, overrides)
        if is_same and (is_gone or not outcome.accepted):
            return outcome
        outcome.load_id = load.load_id
        if outcome.read and not (earlier and self._is_json):  # what landed before may have had a value
            outcome.missing = self._shape.lacking(self._there)
        if log and not self._options.dry_run:
            log.record(
                load.load_id,
                file,
                self._attempt.size,
                found,
                last_line=self._last_line,
                extends_load_id=earlier.load_id if earlier else None,
                read_count=outcome.read,
                accepted_count=outcome.accepted - self._restored,
                duplicate_count=outcome.duplicate + self._restored,
                rejected_count=outcome.rejected.total(),
                rejected_by_reason=json.dumps(dict(outcome.rejected), sort_keys=True),
                load_number=self._attempt.number,
                loaded_at=loaded_at,
                overrides=overrides,
                status=outcome.status,
                missing_columns=", ".join(outcome.missing) or None,
            )
        return outcome

    def _compared(self, log: LoadLog | None, found: Fingerprint) -> tuple[Earlier | None, bool]:
        """Returns the content that the file is compared with, and whether its rows are gone and wanted back."""
        if log is None:
            return None, False
        if not self._options.again:
            return log.earlier(self._file, found, self._options.landed_before), False
        landed = log.latest(self._file, found)
        if landed and self._are_gone(landed):
            return landed, True
        return log.earlier(self._file, found, self._options.landed_before or "copy"), False

    def _pass_windows(self) -> str | None:
        """Looks whether the rows that were landed may be where they are. Returns the guards that were passed.

        Raises:
            RefusedError: They may not; the transaction ends with nothing.
        """
        if self._guard is None:
            return None
        against = self._guard.against(self._windows)
        if why := refusal(against, self._options.allow):
            raise RefusedError(why)
        return ", ".join(sorted(against)) or None

    def _are_gone(self, earlier: Earlier) -> bool:
        """Looks whether the rows that a content landed are in the table.

        Raises:
            RefusedError: A part of them is, so that to land it again would double it.
        """
        if "batch_id" not in self._target.filled:
            raise RefusedError(
                "Whether its rows are gone cannot be told: the loader fills no batch_id of this table."
            )
        column = self._warehouse.identifier(self._target.filled["batch_id"])
        loads = in_list(load.load_id for load in earlier.loads)
        (row,) = self._warehouse.query(
            f"select count(*) as row_count from {self._warehouse.table(self._target.place)} where {column} in {loads}"
        )
        left, landed = int(row["row_count"]), sum(load.accepted for load in earlier.loads)
        if 0 < left < landed:
            raise RefusedError(
                f"{left:,} of the {landed:,} rows that it landed are still in the table, with {column} in {loads}: "
                "take them out first, or compare them with the file in a table of its own (--create)."
            )
        return left == 0 and landed > 0

    def _take(
        self,
        found: Fingerprint,
        earlier: Earlier | None,
        load: Load,
        is_gone: bool,
        outcome: Outcome,
        progress: source.Progress,
    ) -> None:
        """Reads the rows, lands those that are new or gone, and counts."""
        skip = earlier.content_bytes if earlier and not earlier.open_lines and not is_gone else 0
        self._last_line = earlier.last_line if earlier else 0
        if skip and earlier:
            outcome.read = outcome.duplicate = earlier.read_count
        # A record that was rejected may go on: it is tried again as it is now.
        is_whole = earlier is not None and not is_gone and earlier.last_line not in earlier.open_lines
        known = earlier.content_bytes if earlier and is_whole and not skip else 0
        for parsed in self._stretches(found, skip, known, progress):
            outcome.read += len(parsed.lines) + len(parsed.rejected)
            self._there |= self._has(parsed)
            rows = judged(with_given(parsed, self._shape, takes_null=self._is_json), self._shape)
            self._last_line = max(
                [self._last_line, *rows.lines[-1:], *(one.line for one in rows.rejected[-1:])]
            )
            if earlier and not skip:
                rows = self._without_known(rows, earlier, load, is_gone, outcome)
            elif self._log and not self._options.dry_run:
                self._log.reject(load.load_id, rows.rejected)
            outcome.accepted += len(rows.lines)
            outcome.rejected.update(one.counted_as for one in rows.rejected)
            self._append(rows, load, earlier if is_gone else None)

    def _without_known(
        self, rows: Judged, earlier: Earlier, load: Load, is_gone: bool, outcome: Outcome
    ) -> Judged:
        """Leaves out what landed before, unless it is gone; records that were rejected before are tried again."""
        lines = [*rows.lines, *(one.line for one in rows.rejected)]
        new = {line for line in lines if line > earlier.last_line}
        wanted = (
            set(lines) if is_gone else {line for line in lines if line in new or line in earlier.open_lines}
        )
        outcome.duplicate += len(lines) - len(wanted)
        rest = only(rows, wanted)
        if self._log and not self._options.dry_run:
            self._log.reject(load.load_id, only(rest, new).rejected)
            for one in rest.rejected:
                if one.line == earlier.last_line and one.line in earlier.open_lines:  # it may have gone on
                    self._log.reject_again(earlier.open_lines[one.line], one)
            repaired = [line for line in rest.lines if line in earlier.open_lines]
            landed_by = earlier.loads[-1] if is_gone else load
            self._log.repair(landed_by.load_id, ((earlier.open_lines[line], line) for line in repaired))
        return rest

    @property
    def _is_json(self) -> bool:
        return self._file.format in ("json", "jsonl")

    def _has(self, parsed: Parsed) -> set[str]:
        """Returns the columns that a stretch has: of JSON, where a key may be missing, those with a value."""
        return {
            name
            for name, values in parsed.columns.items()
            if not self._is_json or values.null_count < len(values)
        }

    def _stretches(
        self, found: Fingerprint, skip: int, known: int, progress: source.Progress
    ) -> Iterator[Parsed]:
        file = self._file
        if file.format == "parquet":
            yield from read_parquet(file.path, self._shape, progress)
            return
        digest = hashlib.sha256()

        def hashed(chunks: Iterable[bytes]) -> Iterator[bytes]:
            for chunk in chunks:
                digest.update(chunk)
                yield chunk

        with source.content(file, progress) as chunks:
            yield from read_text(file.format, hashed(chunks), self._shape, skip, known)
        if digest.hexdigest() != found.digest:
            raise source.changed()

    def _append(self, rows: Judged, load: Load, gone: Earlier | None) -> None:
        """Lands rows: those that are gone as they were, with the load that they came with."""
        if not rows.lines:
            return
        loads = [(gone.landed_by(line) or load) if gone else load for line in rows.lines]
        if gone:
            self._restored += sum(one is not load for one in loads)
        if self._guard is not None:
            for stream, windows in self._guard.windows(rows.columns).items():
                self._windows.setdefault(stream, set()).update(windows)
        columns = dict(rows.columns)
        for role, name in self._target.filled.items():
            if gone and role == "batch_id" and name in columns:
                raise RefusedError(
                    "Whether its rows are gone cannot be told: it brings batch ids of its own."
                )
            values = pa.array(
                [self._filled(role, name, one) for one in loads] if gone else [self._filled(role, name, load)]
            )
            values = values if gone else values.take(pa.array([0] * len(loads)))
            columns[name] = pc.coalesce(columns[name], values) if name in columns else values
        for column in self._target.columns:  # what the file does not say is NULL, and no default
            if column.has_default and column.is_nullable and column.name in self._shape.types:
                columns.setdefault(column.name, pa.nulls(len(loads), pa.string()))
        if not self._options.dry_run:
            listed = [(name, self._types[name]) for name in columns]
            self._warehouse.append(self._warehouse.table(self._target.place), listed, pa.table(columns))

    def _filled(self, role: str, name: str, load: Load) -> str:
        if role == "batch_id":
            return load.load_id
        zone = "+00" if self._types[name] in ("timestamp with time zone", "timestamptz") else ""
        return f"{load.loaded_at:%Y-%m-%d %H:%M:%S.%f}{zone}"


def totals(outcomes: Sequence[Outcome]) -> Outcome:
    """Returns the counts of all files as those of one."""
    rejected: Counter[str] = Counter()
    for outcome in outcomes:
        rejected.update(outcome.rejected)
    return Outcome(
        outcomes[0].file,
        "total",
        read=sum(one.read for one in outcomes),
        accepted=sum(one.accepted for one in outcomes),
        duplicate=sum(one.duplicate for one in outcomes),
        rejected=rejected,
    )
