"""The report's JSON document, schema version 1, as docs/report-json.md describes it.

Numbers that are values of metrics are text, so that no digit is lost; counts are numbers; times are UTC as text.
"""

from typing import TypedDict

from dbt_forensics.document.masking import Dimensions, ShownRow

#: A line of the scorecard: its columns follow the verdicts and kinds that there are.
ScorecardLine = dict[str, str | int | bool | None]


class Scoped(TypedDict):
    """What was asked for; None where not given."""

    since: str | None
    until: str | None
    stream: str | None
    incident: str | None


class UnrankedFinding(TypedDict):
    """What matters, before it has its place among the others."""

    kind: str
    severity: str
    stream: str
    quantity: int
    title: str
    detail: str
    section: str


class Finding(UnrankedFinding):
    """What matters; ``section`` is where in the HTML its evidence is."""

    rank: int


class OpenQuestion(TypedDict):
    """What people have to answer."""

    stream: str
    question: str


class StreamSettings(TypedDict):
    """What a stream declares of time and conflicts."""

    window: str
    expected_delay: str
    allowed_lateness: str
    on_conflict: str
    too_late: str


class Reconciliation(TypedDict):
    """Whether every row on record has a verdict."""

    rows: int
    rows_with_a_verdict: int
    holds: bool


class Surge(TypedDict):
    """A batch in which late rows, duplicates or rows from the future are a multiple of what is usual."""

    what: str
    batch_id: str | None
    ingested_at: str
    rows: int
    affected_rows: int
    share: str
    usual_share: str


class StreamHealth(TypedDict):
    """The health of a stream."""

    stream: str
    relation: str
    settings: StreamSettings
    rows: int
    batches: int
    first_ingested_at: str | None
    last_ingested_at: str | None
    verdicts: dict[str, int]
    reconciles: Reconciliation
    timeliness: dict[str, int]
    broken_rules: dict[str, int]
    surges: list[Surge]


class Watch(TypedDict):
    """What a model of the user's publishes and is watched."""

    stream: str
    metric: str
    relation: str
    window: str


class Detection(TypedDict):
    """What a detector saw."""

    stream: str
    detector: str
    subject: str | None
    severity: str
    window_start: str
    window_end: str
    observed: str | None
    expected: str | None
    evidence: dict[str, object]
    first_detected_at: str
    resolved_at: str | None
    is_open: bool


class Moment(TypedDict):
    """What happened in an incident, and when."""

    occurred_at: str
    event_kind: str
    detector: str | None
    description: str | None


class ImpactedValue(TypedDict):
    """A value that an incident concerns."""

    stream: str
    metric: str
    window_start: str
    dimensions: Dimensions
    cause: str
    change: str | None
    before: str | None
    after: str | None


class ImpactedWindow(TypedDict):
    """A window that an incident concerns."""

    stream: str
    health: str
    window_start: str
    expected_rows: str | None
    rows: int


class Reader(TypedDict):
    """A model or an exposure that reads a stream."""

    kind: str
    name: str
    owner: str | None


class Impact(TypedDict):
    """What an incident concerns; of values and windows the largest, with how many there are."""

    value_count: int
    values: list[ImpactedValue]
    window_count: int
    windows: list[ImpactedWindow]
    readers: list[Reader]


class ActionTaken(TypedDict):
    """What was done on a stream since an incident of it opened."""

    action_id: str
    kind: str
    status: str
    reason: str
    owner: str
    rows: int
    applied_at: str | None


class Block(TypedDict, total=False):
    """A paragraph of a runbook, or its code."""

    text: str
    code: str


class RunbookStep(TypedDict):
    """A section of a runbook."""

    step: str
    blocks: list[Block]


class Incident(TypedDict):
    """An incident; ``id`` is its place in the HTML."""

    id: str
    incident_id: str
    stream: str
    kind: str
    name: str
    meaning: str
    severity: str
    status: str
    owner: str | None
    window: str
    window_start: str
    window_end: str
    first_event_at: str | None
    first_arrived_at: str | None
    opened_at: str
    resolved_at: str | None
    times_reopened: int
    detections: list[Detection]
    timeline: list[Moment]
    impact: Impact
    rows: list[ShownRow]
    actions: list[ActionTaken]
    remains: list[str]
    runbook: list[RunbookStep]


class Incidents(TypedDict):
    """The incidents within the scope."""

    total: int
    open: int
    shown: int
    items: list[Incident]


class Published(TypedDict):
    """What was shown first after the window was over; all but ``at`` are None if nothing was."""

    at: str
    version: int | None
    value: str | None
    input_count: int | None


class Now(TypedDict):
    """What is shown now."""

    recorded_from: str
    version: int
    value: str | None
    input_count: int | None
    is_settled: bool


class RowBehind(ShownRow):
    """A row behind a change, with the effect of its ledger entry."""

    effect: int
    effective_at: str


class Cause(TypedDict):
    """A cause of a change, with a sample of the rows behind it."""

    cause: str
    change: str
    events: int
    first_arrived_at: str | None
    last_arrived_at: str | None
    rows: list[RowBehind]


class SumCheck(TypedDict):
    """Whether the causes of a change add up to it."""

    causes_add_up_to: str
    difference: str
    holds: bool


class ChangedVersion(TypedDict):
    """A version since the published one, with its causes."""

    version: int
    recorded_from: str
    previous_value: str | None
    value: str | None
    input_count: int | None
    origin: str
    is_settled: bool
    causes: dict[str, str | None]


class ShownVersion(TypedDict):
    """A version, for the chart."""

    version: int
    recorded_from: str
    value: str | None
    input_count: int | None
    is_settled: bool


class Change(TypedDict):
    """A value that moved after it was published; ``id`` is its place in the HTML."""

    id: str
    stream: str
    metric: str
    window_start: str
    window_end: str
    window: str
    dimensions: Dimensions
    kind: str
    published: Published
    now: Now
    difference: str
    causes: list[Cause]
    sum_check: SumCheck
    versions: list[ChangedVersion]
    history: list[ShownVersion]


class ChangeCount(TypedDict):
    """How many windows of a metric changed, and in how many of them the value moved."""

    stream: str
    metric: str
    kind: str
    windows: int
    moved: int


class Changes(TypedDict):
    """The values that moved after they were published, the most important first."""

    total: int
    shown: int
    restated: int
    corrected: int
    grown: int
    counts: list[ChangeCount]
    items: list[Change]


class BatchVersion(TypedDict):
    """What a batch was when it was sealed."""

    recorded_at: str
    rows: int
    digest: str


class LosingBatch(TypedDict):
    """A batch that lost rows after they were recorded."""

    stream: str
    batch_id: str | None
    kind: str
    rows_at_first: int
    rows_now: int
    vanished_rows: int
    missing_rows: int
    first_vanished_at: str
    last_vanished_at: str
    first_event_time: str | None
    last_event_time: str | None
    versions: list[BatchVersion]


class LosingBatches(TypedDict):
    """The batches that lost rows after they were recorded."""

    total: int
    shown: int
    deleted: int
    rewritten: int
    reduced: int
    restored: int
    missing_rows: int
    items: list[LosingBatch]


class Drift(TypedDict):
    """A column that came, went or changed its type."""

    stream: str
    column: str
    kind: str
    before: str | None
    after: str | None
    recorded_at: str


class Losers(TypedDict):
    """The rows that do not count, of one verdict and cause."""

    stream: str
    verdict: str
    cause: str
    rows: int
    samples: list[ShownRow]


class Length(TypedDict):
    """An allowed lateness, and the rows that it lets in."""

    length: str
    rows: int
    covered_rows: int
    covered_share: str | None


class Age(TypedDict):
    """How complete a metric's values were at an age of their windows."""

    age_hours: int
    windows: int
    value_share: str | None
    input_share: str | None
    final_share: str | None


class Curve(TypedDict):
    """How a metric's values settle."""

    metric: str
    curve: list[Age]


class Estimate(TypedDict):
    """What an open window will be."""

    metric: str
    window_start: str
    dimensions: Dimensions
    value: str | None
    estimate: str | None
    estimate_low: str | None
    estimate_high: str | None
    basis_count: int
    basis: str


class Estimates(TypedDict):
    """What the open windows of a stream will be."""

    total: int
    shown: int
    items: list[Estimate]


class Settling(TypedDict):
    """How complete the values of a stream were at each age, and what open windows will be."""

    stream: str
    window: str
    allowed_lateness: Length | None
    suggested_lateness: Length | None
    metrics: list[Curve]
    estimates: Estimates


class Window(TypedDict):
    """A window of a stream."""

    window_start: str
    rows: int
    expected_rows: str | None
    completeness: str | None
    late_share: str | None
    health: str
    is_settled: bool


class Windows(TypedDict):
    """The latest windows of a stream, and how many of them are in which health."""

    stream: str
    window: str
    health: dict[str, int]
    late_share: str | None
    duplicate_share: str | None
    quarantined_share: str | None
    items: list[Window]


class ChainHead(TypedDict):
    """The head of a stream's chain of seals."""

    stream: str
    recorded_at: str
    head: str


class DigestVersion(TypedDict):
    """How many batches of a stream are sealed with a version of the digest."""

    stream: str
    digest_version: int
    batches: int


class Facts(TypedDict):
    """What a report is about, before any of it is judged."""

    project: str
    recorded_at: str | None
    scope: Scoped
    streams: list[StreamHealth]
    watches: list[Watch]
    incidents: Incidents
    changes: Changes
    batches: LosingBatches
    schema_drift: list[Drift]
    losers: list[Losers]
    settling: list[Settling]
    windows: list[Windows]
    chain_heads: list[ChainHead]
    versions: dict[str, str | list[DigestVersion]]


class Report(Facts):
    """The report."""

    schema_version: int
    headline: str
    findings: list[Finding]
    open_questions: list[OpenQuestion]
