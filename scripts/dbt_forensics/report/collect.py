"""Asks the warehouse for the evidence behind a report."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from dbt_forensics.errors import ForensicsError
from dbt_forensics.report.changed_windows import CHANGED_WINDOWS
from dbt_forensics.report.evidence import Evidence, Scope
from dbt_forensics.report.ranking import ranked
from dbt_forensics.sql import in_list, literal
from dbt_forensics.streams import Stream, no_such_stream, watched_stream
from dbt_forensics.warehouse import Row, Warehouse

# What a report shows of a row. Not every column: the engine would compute what nobody reads.
_EVENT = ", ".join(
    f"events.{column}"
    for column in (
        *(
            "stream",
            "row_key",
            "event_id",
            "entity_id",
            "event_type",
            "batch_id",
            "event_time",
            "ingested_at",
            "tenant",
        ),
        *(
            "payload",
            "window_start",
            "verdict",
            "cause",
            "timeliness",
            "lateness_seconds",
            "reason",
            "is_in_source",
        ),
    )
)
_GROWTH = ("on_time", "late", "too_late")


def collect(warehouse: Warehouse, scope: Scope) -> Evidence:
    """Returns the evidence for a report.

    Args:
        warehouse: Where the package has been built.
        scope: What the report is about.

    Raises:
        ForensicsError: Nothing has been built, or the stream is not declared.
    """
    streams = warehouse.streams()
    if scope.stream is not None and scope.stream not in streams:
        raise no_such_stream(scope.stream, streams)
    chosen = {name: stream for name, stream in streams.items() if scope.stream in (None, name)}
    found = Evidence(warehouse.project, warehouse.versions(), chosen)
    if scope.stream is None:
        watched, watches = warehouse.macro("watched_stream"), warehouse.macro("watches")
        found.watches = {
            name: watched_stream(watched, {name: watch}, streams) for name, watch in watches.items()
        }
    queries = _EvidenceQueries(warehouse, scope, list(chosen))
    found.verdicts = queries.verdicts()
    found.captured = queries.captured()
    found.loads = queries.loads()
    for stream in chosen.values():
        found.changed += queries.changed(stream)
    for name, stream in found.watches.items():
        found.changed += queries.changed(stream, name)
    shown = ranked(found.changed)[: scope.detail]
    found.metric_versions = queries.metric_versions(shown)
    found.metric_changes = queries.metric_changes(shown)
    found.rows_behind = queries.rows_behind(found.metric_changes)
    found.vanished = queries.vanished()
    found.batch_versions = queries.batch_versions()
    found.columns = queries.columns()
    found.losers = queries.losers()
    found.chain_heads = queries.chain_heads()
    found.digest_versions = queries.digest_versions()
    found.settling = queries.settling()
    found.lateness = queries.lateness()
    found.estimates = queries.estimates()
    found.windows = queries.windows()
    found.actions = queries.actions()
    found.incidents = queries.incidents()
    if scope.incident is not None and not found.incidents:
        raise ForensicsError(
            f"There is no incident '{scope.incident}': forensics__incidents lists those that there are."
        )
    found.detections = queries.detections(found.incidents)
    found.timeline = queries.timeline(found.incidents)
    found.impact = queries.impact(found.incidents)
    found.incident_rows = queries.incident_rows(found.detections)
    found.pages = {row["kind"]: _page(warehouse, row["kind"]) for row in found.incidents}
    return found


def _page(warehouse: Warehouse, kind: str) -> dict[str, str]:
    """The detector's page of a kind of incident, by heading; what stands before the first one is its meaning."""
    _, _, text = warehouse.documentation(f"detectors/{kind}.md").partition("\n")
    sections = (part.partition("\n") for part in f"Meaning\n{text}".split("\n## "))
    return {heading.strip(): section.strip() for heading, _, section in sections}


class _EvidenceQueries:
    """The queries, all within one scope."""

    def __init__(self, warehouse: Warehouse, scope: Scope, streams: list[str]) -> None:
        self._warehouse = warehouse
        self._scope = scope
        self._streams = in_list(streams)

    def _rows(self, text: str, *names: str, **values: str) -> list[Row]:
        relations = {name: self._warehouse.relation(f"forensics__{name}") for name in names}
        return self._warehouse.query(text.format(streams=self._streams, **relations, **values))

    def _within(self, column: str, since: bool = False) -> str:
        """The condition that a time is within the scope; its beginning matters to what happened, not to what exists."""
        bounds: list[tuple[str, datetime | None]] = [("<=", self._scope.until)]
        if since:
            bounds.append((">", self._scope.since))
        return " and ".join(
            [f"{column} {sign} {literal(time)}" for sign, time in bounds if time] or ["1 = 1"]
        )

    def _after(self, column: str, delay: timedelta) -> str:
        seconds = int(delay.total_seconds())
        added = self._warehouse.macro(
            "dateadd", datepart="second", interval=seconds, from_date_or_timestamp=column
        )
        return str(added).strip()

    def verdicts(self) -> list[Row]:
        return self._rows(
            """
            select
                stream, verdict, cause, timeliness, count(*) as row_count, sum(is_counted_number) as counted_count,
                min(ingested_at) as first_ingested_at, max(ingested_at) as last_ingested_at
            from (
                select events.*, case when is_counted then 1 else 0 end as is_counted_number
                from {verdicts} as events
                where stream in {streams} and {within}
            ) as events
            group by stream, verdict, cause, timeliness
            order by stream, verdict, cause, timeliness
            """,
            "verdicts",
            within=self._within("recorded_at"),
        )

    def captured(self) -> list[Row]:
        return self._rows(
            """
            select stream, count(*) as row_count, max(recorded_at) as recorded_at
            from {event_history}
            where stream in {streams} and {within}
            group by stream
            order by stream
            """,
            "event_history",
            within=self._within("recorded_at"),
        )

    def loads(self) -> list[Row]:
        return self._rows(
            """
            select
                stream, batch_id, count(*) as row_count, min(ingested_at) as first_ingested_at,
                sum(
                    case
                        when timeliness in ('late', 'too_late') and verdict not in ('duplicate', 'conflict') then 1
                        else 0
                    end
                ) as late_count,
                sum(case when timeliness = 'future' then 1 else 0 end) as future_count,
                sum(case when verdict = 'duplicate' then 1 else 0 end) as duplicate_count
            from {verdicts}
            where stream in {streams} and {within}
            group by stream, batch_id
            order by stream, batch_id
            """,
            "verdicts",
            within=self._within("recorded_at", since=True),
        )

    def changed(self, stream: Stream, watch: str | None = None) -> list[Row]:
        """The windows of a stream, or a watch, that are not as they were first published, or as the scope begins.

        First published: as of the first moment at which anything of the stream was published and the window had
        been over for as long as the expected delay. Restated: by something that came after the window had settled,
        not by what had arrived before and was only recorded later.
        """
        since = literal(self._scope.since)
        return self._rows(
            CHANGED_WINDOWS,
            "metric_versions",
            "metric_changes",
            stream=literal(stream.name),
            of_metric=f"metric = {literal(watch)}" if watch else "1 = 1",
            within=self._within("recorded_from"),
            deadline=self._after("window_end", stream.expected_delay),
            settles_at=self._after("window_end", stream.expected_delay + stream.allowed_lateness),
            growth=in_list(_GROWTH),
            published_at=f"case when first_moment < {since} then {since} else first_moment end",
        )

    def metric_versions(self, shown: Sequence[Row]) -> list[Row]:
        return self._rows(
            """
            select * from {metric_versions}
            where {keys} and {within}
            order by stream, metric, window_start, dimensions, version
            """,
            "metric_versions",
            keys=_keys(shown, from_the_first=True),
            within=self._within("recorded_from"),
        )

    def metric_changes(self, shown: Sequence[Row]) -> list[Row]:
        return self._rows(
            """
            select * from {metric_changes}
            where {keys} and {within}
            order by stream, metric, window_start, dimensions, version, cause
            """,
            "metric_changes",
            keys=_keys(shown),
            within=self._within("recorded_from"),
        )

    def rows_behind(self, changes: Iterable[Row]) -> list[Row]:
        """The ledger entries of the sample events of some metric changes, with the rows that they are about."""
        samples: dict[str, set[str]] = {}
        for change in changes:
            event_ids = json.loads(change["sample_event_ids"] or "[]")
            samples.setdefault(change["stream"], set()).update(
                name for name in event_ids if "\x00" not in name
            )
        chosen = " or ".join(
            f"(stream = {literal(stream)} and event_id in {in_list(sorted(event_ids))})"
            for stream, event_ids in sorted(samples.items())
        )
        return self._rows(
            """
            with events as (
                select * from {verdicts} where {chosen}
            ),
            entries as (
                select * from {ledger} where effect <> 0 and ({chosen})
            )
            select entries.effect, entries.cause as entry_cause, entries.effective_at, {columns}
            from entries
            inner join events on entries.stream = events.stream and entries.row_key = events.row_key
            order by entries.stream, entries.event_id, entries.effective_at, entries.row_key, entries.entry_number
            """,
            "ledger",
            "verdicts",
            chosen=chosen or "1 = 0",
            columns=_EVENT,
        )

    def vanished(self) -> list[Row]:
        return self._rows(
            """
            select
                stream, batch_id, count(distinct row_key) as vanished_count,
                sum(case when returned_at is null then 1 else 0 end) as missing_count,
                min(vanished_at) as first_vanished_at, max(vanished_at) as last_vanished_at,
                min(event_time) as first_event_time, max(event_time) as last_event_time
            from {vanished_rows}
            where stream in {streams} and {within}
            group by stream, batch_id
            order by stream, batch_id
            """,
            "vanished_rows",
            within=self._within("vanished_at", since=True),
        )

    def batch_versions(self) -> list[Row]:
        return self._rows(
            """
            with losing_batches as (
                select distinct stream, batch_id from {vanished_rows} where stream in {streams} and {vanished_within}
            )
            select seals.stream, seals.batch_id, seals.row_count, seals.batch_digest, seals.recorded_at
            from {batch_history} as seals
            inner join losing_batches
                on seals.stream = losing_batches.stream and seals.batch_id = losing_batches.batch_id
            where {within}
            order by seals.stream, seals.batch_id, seals.recorded_at
            """,
            "batch_history",
            "vanished_rows",
            vanished_within=self._within("vanished_at", since=True),
            within=self._within("seals.recorded_at"),
        )

    def columns(self) -> list[Row]:
        return self._rows(
            """
            select stream, column_name, data_type, column_position, is_dropped, recorded_at
            from {schema_history}
            where stream in {streams} and {within}
            order by stream, column_name, recorded_at
            """,
            "schema_history",
            within=self._within("recorded_at"),
        )

    def losers(self) -> list[Row]:
        return self._rows(
            """
            with losers as (
                select
                    {columns}, events.lost_to_row_key,
                    row_number() over (
                        partition by stream, verdict, cause order by ingested_at desc, batch_id, ordinal, row_key
                    ) as place
                from {verdicts} as events
                where stream in {streams} and not is_counted and {within}
            )
            select losers.*, winners.batch_id as winner_batch_id, winners.ingested_at as winner_ingested_at
            from losers
            left join {event_history} as winners
                on losers.stream = winners.stream and losers.lost_to_row_key = winners.row_key
            where losers.place <= {samples}
            order by losers.stream, losers.verdict, losers.cause, losers.place
            """,
            "verdicts",
            "event_history",
            within=self._within("recorded_at", since=True),
            columns=_EVENT,
            samples=str(self._scope.samples),
        )

    def chain_heads(self) -> list[Row]:
        heads = self._warehouse.macro(
            "chain_heads", seals=self._warehouse.relation("forensics__batch_history")
        )
        return self._rows(
            "select stream, head, recorded_at from ({heads}) as heads where stream in {streams} order by stream",
            heads=str(heads),
        )

    def digest_versions(self) -> list[Row]:
        return self._rows(
            """
            select stream, digest_version, count(*) as batch_count
            from {batch_history}
            where stream in {streams} and dbt_valid_to is null
            group by stream, digest_version
            order by stream, digest_version
            """,
            "batch_history",
        )

    def settling(self) -> list[Row]:
        return self._rows(
            "select * from {settling} where stream in {streams} order by stream, metric, age_hours",
            "settling",
        )

    def lateness(self) -> list[Row]:
        return self._rows(
            """
            select * from {lateness}
            where stream in {streams} and (is_configured or is_suggested)
            order by stream, lateness_seconds
            """,
            "lateness",
        )

    def incidents(self) -> list[Row]:
        """The incident that was asked for, or those that are open, or were at any time since the scope begins."""
        scope = self._scope
        if scope.incident is not None:
            chosen = f"incident_id = {literal(scope.incident)}"
        elif scope.since is not None:
            chosen = f"(resolved_at is null or resolved_at > {literal(scope.since)})"
        elif scope.until is not None:
            chosen = f"(resolved_at is null or resolved_at > {literal(scope.until)})"
        else:
            chosen = "resolved_at is null"
        return self._rows(
            """
            select * from {incidents}
            where stream in {streams} and {chosen} and {within}
            order by stream, window_start, incident_id
            """,
            "incidents",
            chosen=chosen,
            within=self._within("opened_at"),
        )

    def detections(self, incidents: Sequence[Row]) -> list[Row]:
        return self._rows(
            """
            select * from {members}
            where incident_id in {chosen} and {within}
            order by incident_id, first_detected_at, detection_id
            """,
            members=self._warehouse.relation("int_forensics__incident_members"),
            chosen=_ids(incidents),
            within=self._within("first_detected_at"),
        )

    def timeline(self, incidents: Sequence[Row]) -> list[Row]:
        return self._rows(
            """
            select * from {incident_timeline}
            where incident_id in {chosen} and {within}
            order by incident_id, occurred_at, event_kind, detector, description
            """,
            "incident_timeline",
            chosen=_ids(incidents),
            within=self._within("occurred_at"),
        )

    def impact(self, incidents: Sequence[Row]) -> list[Row]:
        return self._rows(
            """
            select * from (
                select
                    impact.*, count(*) over (partition by incident_id, kind) as of_kind,
                    row_number() over (
                        partition by incident_id, kind
                        order by abs(change) desc, window_start, name, dimensions, cause
                    ) as place
                from {incident_impact} as impact
                where incident_id in {chosen}
            ) as impact
            where place <= {detail}
            order by incident_id, kind, place
            """,
            "incident_impact",
            chosen=_ids(incidents),
            detail=str(min(self._scope.detail, 20)),
        )

    def incident_rows(self, detections: Iterable[Row]) -> list[Row]:
        """The rows of the events that detections name as examples: a few of each."""
        samples: dict[str, set[str]] = {}
        for row in detections:
            event_ids = json.loads(row["evidence"] or "{}").get("sample_event_ids", [])[: self._scope.samples]
            samples.setdefault(row["stream"], set()).update(one for one in event_ids if "\x00" not in one)
        chosen = " or ".join(
            f"(stream = {literal(stream)} and event_id in {in_list(sorted(event_ids))})"
            for stream, event_ids in sorted(samples.items())
            if event_ids
        )
        return self._rows(
            """
            select {columns}
            from {verdicts} as events
            where {chosen}
            order by stream, event_id, ingested_at, batch_id, row_key
            """,
            "verdicts",
            columns=_EVENT,
            chosen=chosen or "1 = 0",
        )

    def actions(self) -> list[Row]:
        return self._rows(
            "select * from {actions} where stream in {streams} and {within} order by planned_at, action_id",
            "actions",
            within=self._within("planned_at"),
        )

    def windows(self) -> list[Row]:
        """The latest windows of each stream: two weeks of hours, or as many days."""
        return self._rows(
            """
            select * from (
                select
                    windows.*,
                    row_number() over (partition by stream order by window_start desc) as windows_since
                from {windows} as windows
                where stream in {streams} and {within}
            ) as windows
            where windows_since <= 336
            order by stream, window_start
            """,
            "windows",
            within=self._within("window_start"),
        )

    def estimates(self) -> list[Row]:
        return self._rows(
            """
            select * from {estimates} where stream in {streams} and estimate is not null
            order by stream, metric, window_start desc, dimensions
            """,
            "estimates",
        )


def _ids(incidents: Sequence[Row]) -> str:
    return in_list([row["incident_id"] for row in incidents])


def _keys(shown: Sequence[Row], from_the_first: bool = False) -> str:
    """The condition for what was recorded about some changed windows: after they were published, or ever."""
    parts = [
        f"(stream = {literal(row['stream'])} and metric = {literal(row['metric'])}"
        f" and window_start = {literal(row['window_start'])} and dimensions = {literal(row['dimensions'])}"
        f" and version > {0 if from_the_first else row['published_version']} and version <= {row['version']})"
        for row in shown
    ]
    return f"({' or '.join(parts) or '1 = 0'})"
