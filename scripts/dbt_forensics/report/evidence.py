"""What a report is made of: the rows that queries returned, before any of it is judged or put into words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dbt_forensics.streams import Stream
from dbt_forensics.warehouse import Row


@dataclass(frozen=True)
class Scope:
    """What a report is about.

    Attributes:
        since: Compare with what was published then; None compares with what was first published.
        until: Leave out what was recorded later; None leaves out nothing.
        stream: Only this stream; None means all.
        incident: Only this incident; None means those that are open, or were open since ``since``.
        detail: How many changes, and how many rewritten batches, are shown one by one.
        samples: How many rows are shown behind each cause.
    """

    since: datetime | None = None
    until: datetime | None = None
    stream: str | None = None
    incident: str | None = None
    detail: int = 50
    samples: int = 5


@dataclass
class Evidence:
    """The rows behind a report, by question. Every row has its ``stream``.

    Attributes:
        project: Name of the dbt project.
        versions: Versions of the software that produced the report.
        streams: The declared streams.
        watches: What stands for a stream where the values of a watch are looked up, by the watch's name.
        verdicts: Rows by stream, verdict, cause and timeliness.
        captured: Rows in the history by stream.
        loads: Rows, late rows, duplicates and conflicts by batch.
        changed: Metric windows whose value or inputs changed after they were published.
        metric_versions: Every version of the changed windows that are shown in detail.
        metric_changes: The causes of those after the published one.
        rows_behind: Ledger entries behind these causes, with their events.
        vanished: Rows that the source no longer has, by batch.
        batch_versions: Seals of the batches that lost rows.
        columns: The schema history.
        losers: Examples of rows that do not count, with the reason.
        chain_heads: Head of each stream's chain of seals.
        digest_versions: Versions of the digest in use, by stream.
        settling: How complete settled windows were, by metric and age.
        lateness: The configured allowed_lateness and the suggested one, with the share of rows that they let in.
        estimates: What open windows will be, by value.
        incidents: The incidents within the scope.
        detections: What they are made of, each with its ``incident_id``.
        timeline: Their moments, in order.
        impact: What they concern, the largest changes first, with how many there are of the kind.
        incident_rows: The rows that their detections name as examples.
        actions: What people did on the streams.
        windows: The latest expected windows of each stream, with their health.
        pages: The detector's page of each kind of incident, by kind and heading; before the first one is ``Meaning``.
    """

    project: str
    versions: Mapping[str, str]
    streams: Mapping[str, Stream]
    verdicts: list[Row] = field(default_factory=list)
    captured: list[Row] = field(default_factory=list)
    loads: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    metric_versions: list[Row] = field(default_factory=list)
    metric_changes: list[Row] = field(default_factory=list)
    rows_behind: list[Row] = field(default_factory=list)
    vanished: list[Row] = field(default_factory=list)
    batch_versions: list[Row] = field(default_factory=list)
    columns: list[Row] = field(default_factory=list)
    losers: list[Row] = field(default_factory=list)
    chain_heads: list[Row] = field(default_factory=list)
    digest_versions: list[Row] = field(default_factory=list)
    watches: Mapping[str, Stream] = field(default_factory=dict)
    settling: list[Row] = field(default_factory=list)
    lateness: list[Row] = field(default_factory=list)
    estimates: list[Row] = field(default_factory=list)
    incidents: list[Row] = field(default_factory=list)
    detections: list[Row] = field(default_factory=list)
    timeline: list[Row] = field(default_factory=list)
    impact: list[Row] = field(default_factory=list)
    incident_rows: list[Row] = field(default_factory=list)
    actions: list[Row] = field(default_factory=list)
    windows: list[Row] = field(default_factory=list)
    pages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def stream_of(self, row: Row) -> Stream:
        """Returns the stream of a metric's row, or what stands for it where the metric is a watch."""
        found = self.streams.get(row["stream"])
        return self.watches[row["metric"]] if found is None else found
