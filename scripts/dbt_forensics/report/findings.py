"""What in a report matters, in plain words and in order. Pure: reads the JSON document only."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from dbt_forensics.document.words import cause_in_words
from dbt_forensics.report.document import (
    Change,
    ChangeCount,
    Drift,
    Facts,
    Finding,
    Incident,
    LosingBatch,
    OpenQuestion,
    StreamHealth,
    UnrankedFinding,
    Watch,
)
from dbt_forensics.report.words import change_in_words, drift_in_words
from dbt_forensics.text import count, moment, signed, visible

# Every kind of finding, the most important first: its severity, and how a headline counts it (one, many).
KINDS = {
    "rows_not_accounted_for": ("critical", "row without a verdict", "rows without a verdict"),
    "unexplained_changes": ("critical", "change that nothing explains", "changes that nothing explains"),
    "restated_values": ("high", "settled value changed", "settled values changed"),
    "lost_rows": ("high", "recorded row is gone from the source", "recorded rows are gone from the source"),
    "conflicts": ("medium", "row is in conflict", "rows are in conflict"),
    "quarantine": ("medium", "row is in quarantine", "rows are in quarantine"),
    "open_incidents": ("high", "incident is open", "incidents are open"),
    "late_surges": ("medium", "batch came unusually late", "batches came unusually late"),
    "future_surges": ("medium", "batch came from the future", "batches came from the future"),
    "corrected_values": ("medium", "published value was corrected", "published values were corrected"),
    "schema_drift": ("medium", "column changed", "columns changed"),
    "pending": ("medium", "row waits to be admitted", "rows wait to be admitted"),
    "grown_values": ("low", "published value grew", "published values grew"),
    "retry_surges": ("low", "batch was mostly retries", "batches were mostly retries"),
}
_ORDER = list(KINDS)
_SEVERITIES = ("critical", "high", "medium", "low")


def findings(document: Facts) -> list[Finding]:
    """Returns the findings of a report, the most severe first, numbered from 1.

    Args:
        document: The report's facts.
    """
    found: list[UnrankedFinding] = []
    for stream in document["streams"]:
        name = stream["stream"]
        changes = [item for item in document["changes"]["items"] if item["stream"] == name]
        counts = [item for item in document["changes"]["counts"] if item["stream"] == name]
        found += _unaccounted(stream)
        found += _unexplained(name, changes)
        found += _changed_values(name, changes, counts)
        found += _lost_rows(name, [item for item in document["batches"]["items"] if item["stream"] == name])
        found += _verdicts(stream)
        found += _open_incidents(name, document["incidents"]["items"])
        found += _surges(stream)
        found += _drift(name, [item for item in document["schema_drift"] if item["stream"] == name])
    for watch in document["watches"]:
        changes = [item for item in document["changes"]["items"] if _is_of(item, watch)]
        counts = [item for item in document["changes"]["counts"] if _is_of(item, watch)]
        found += _unexplained(watch["stream"], changes)
        found += _changed_values(watch["stream"], changes, counts)
    found.sort(key=_importance)
    return [{"rank": rank, **finding} for rank, finding in enumerate(found, 1)]


def _importance(finding: UnrankedFinding) -> tuple[int, int, int, str]:
    severity, kind = _SEVERITIES.index(finding["severity"]), _ORDER.index(finding["kind"])
    return (severity, kind, -finding["quantity"], finding["stream"])


def headline(found: Sequence[Finding]) -> str:
    """Returns the answer of a report in one sentence: the three kinds of finding that matter most, counted."""
    if not found:
        return "Nothing that was published has changed, and every row on record is accounted for."
    quantities: Counter[str] = Counter()
    for finding in found:
        quantities[finding["kind"]] += finding["quantity"]
    kinds = list(quantities)
    parts = [count(quantities[kind], *KINDS[kind][1:]) for kind in kinds[:3]]
    if len(kinds) > 3:
        return f"{', '.join(parts)}; {count(len(kinds) - 3, 'more kind')} of finding."
    return ", ".join(parts) + "."


def open_questions(document: Facts) -> list[OpenQuestion]:
    """Returns what the evidence does not answer, and people have to."""
    return [
        {"stream": stream["stream"], "question": question}
        for stream in document["streams"]
        for question in _questions(stream, document)
    ]


def _finding(kind: str, quantity: int, stream: str, title: str, detail: str, section: str) -> UnrankedFinding:
    return {
        "kind": kind,
        "severity": KINDS[kind][0],
        "stream": stream,
        "quantity": quantity,
        "title": title,
        "detail": detail,
        "section": section,
    }


def _is_of(item: Change | ChangeCount, watch: Watch) -> bool:
    return bool((item["stream"], item["metric"]) == (watch["stream"], watch["metric"]))


def _unaccounted(stream: StreamHealth) -> Iterator[UnrankedFinding]:
    name, check = stream["stream"], stream["reconciles"]
    if not check["holds"]:
        gap = abs(check["rows"] - check["rows_with_a_verdict"])
        title = (
            f"{count(check['rows'], 'row')} on record, but {check['rows_with_a_verdict']:,} with a verdict."
        )
        detail = "A build may have been cut off: run dbt build again, then dbt test."
        yield _finding("rows_not_accounted_for", gap, name, title, detail, "health")


def _unexplained(name: str, changes: Sequence[Change]) -> Iterator[UnrankedFinding]:
    odd = [
        change
        for change in changes
        if not change["sum_check"]["holds"]
        or any(cause["cause"] == "unexplained" for cause in change["causes"])
    ]
    if odd:
        title = f"{count(len(odd), 'change')} without a full explanation."
        detail = (
            f"First: {change_in_words(odd[0])}. Something changed values without going through the ledger."
        )
        yield _finding("unexplained_changes", len(odd), name, title, detail, odd[0]["id"])


def _changed_values(
    stream: str, changes: Sequence[Change], counts: Sequence[ChangeCount]
) -> Iterator[UnrankedFinding]:
    for kind in ("restated", "corrected", "grown"):
        moved = sum(item["moved"] for item in counts if item["kind"] == kind)
        shown = [change for change in changes if change["kind"] == kind and change["difference"] != "0"]
        if not shown:
            continue
        top = shown[0]
        causes = sorted(top["causes"], key=lambda cause: -abs(Decimal(cause["change"])))
        why = "; ".join(
            f"{signed(cause['change'])} from {cause_in_words(cause['cause'])} ({count(cause['events'], 'event')})"
            for cause in causes[:3]
        )
        # What is listed adds up to what changed.
        if others := causes[3:]:
            rest = sum(Decimal(cause["change"]) for cause in others)
            why += f"; {signed(rest)} from {count(len(others), 'other cause')}"
        when = "after" if kind == "restated" else "before"
        more = (
            f" {count(moved - 1, 'more value')} changed like it, {when} being settled." if moved > 1 else ""
        )
        title = f"{change_in_words(top)}."
        yield _finding(f"{kind}_values", moved, stream, title, f"Because of {why}.{more}", top["id"])


def _lost_rows(stream: str, batches: Sequence[LosingBatch]) -> Iterator[UnrankedFinding]:
    lost = [batch for batch in batches if batch["missing_rows"]]
    if not lost:
        return
    rows = sum(batch["missing_rows"] for batch in lost)
    kinds = Counter(batch["kind"] for batch in lost)
    parts = ", ".join(f"{count(kinds[kind], 'batch', 'batches')} {kind}" for kind in sorted(kinds))
    top = lost[0]
    title = f"{count(rows, *KINDS['lost_rows'][1:])} ({parts})."
    detail = (
        f"Most in batch {visible(top['batch_id'])}: {count(top['rows_at_first'], 'row')} at first,"
        f" {top['missing_rows']:,} of them missing; found {moment(top['last_vanished_at'])}."
        " They are kept on record."
    )
    yield _finding("lost_rows", rows, stream, title, detail, "batches")


def _verdicts(stream: StreamHealth) -> Iterator[UnrankedFinding]:
    name, verdicts = stream["stream"], stream["verdicts"]
    if rows := verdicts["conflict"]:
        title = f"{count(rows, 'row')} with an event id that was taken, and other content."
        detail = f"The stream counts the {_kept(stream)} row of an event id; the others do not count."
        yield _finding("conflicts", rows, name, title, detail, "losers")
    if rows := verdicts["quarantined"]:
        rules = ", ".join(f"{rule} ({broken:,})" for rule, broken in stream["broken_rules"].items())
        yield _finding(
            "quarantine", rows, name, f"{count(rows, 'row')} in quarantine.", f"Broken: {rules}.", "losers"
        )
    if rows := verdicts["pending"]:
        title = f"{count(rows, 'row')} arrived too late and wait to be admitted."
        yield _finding("pending", rows, name, title, "They do not count until someone admits them.", "losers")


def _open_incidents(stream: str, incidents: Sequence[Incident]) -> Iterator[UnrankedFinding]:
    opened = [item for item in incidents if item["stream"] == stream and item["resolved_at"] is None]
    if not opened:
        return
    top = opened[0]
    title = f"{count(len(opened), *KINDS['open_incidents'][1:])}, the worst: {top['name']}."
    detail = f"{top['meaning']} Opened {moment(top['opened_at'])}."
    if top["owner"]:
        detail += f" Owner: {visible(top['owner'])}."
    found = _finding("open_incidents", len(opened), stream, title, detail, top["id"])
    yield {**found, "severity": top["severity"]}


def _surges(stream: StreamHealth) -> Iterator[UnrankedFinding]:
    for what, kind, words in (
        ("late", "late_surges", "late rows"),
        ("future", "future_surges", "rows from the future"),
        ("duplicate", "retry_surges", "rows that had come before"),
    ):
        surges = [surge for surge in stream["surges"] if surge["what"] == what]
        if not surges:
            continue
        top = surges[0]
        title = f"Batch {visible(top['batch_id'])} brought {top['affected_rows']:,} {words}."
        more = f" {count(len(surges) - 1, 'more batch', 'more batches')} like it." if len(surges) > 1 else ""
        detail = (
            f"{_share(top['share'])} of its rows, where {_share(top['usual_share'])} is usual;"
            f" loaded {moment(top['ingested_at'])}.{more}"
        )
        yield _finding(kind, len(surges), stream["stream"], title, detail, "health")


def _drift(stream: str, drift: Sequence[Drift]) -> Iterator[UnrankedFinding]:
    if drift:
        parts = [f"{visible(item['column'])} {drift_in_words(item)}" for item in drift[:5]]
        parts += [f"and {len(drift) - 5:,} more"] if len(drift) > 5 else []
        title = f"The shape of the source changed: {count(len(drift), 'change')} of columns."
        yield _finding("schema_drift", len(drift), stream, title, f"{'; '.join(parts)}.", "schema")


def _questions(stream: StreamHealth, document: Facts) -> Iterable[str]:
    name, verdicts = stream["stream"], stream["verdicts"]
    if verdicts["quarantined"]:
        yield f"What is true of the {count(verdicts['quarantined'], 'row')} in quarantine, and should they count?"
    if verdicts["pending"]:
        yield f"Should the {count(verdicts['pending'], 'row')} that arrived too late be admitted?"
    if verdicts["conflict"]:
        yield f"Is the {_kept(stream)} row of each conflicting event id the true one? The stream counts that one."
    if any(batch["stream"] == name and batch["missing_rows"] for batch in document["batches"]["items"]):
        yield "Did the owner of the source mean to delete or rewrite the rows that are gone?"
    items = [change for change in document["changes"]["items"] if change["stream"] == name]
    unsettled = [change for change in items if not change["now"]["is_settled"]]
    if unsettled:
        yield f"Is it over? {count(len(unsettled), 'changed value')} shown here may still move: not settled yet."


def _kept(stream: StreamHealth) -> str:
    return str(stream["settings"]["on_conflict"]).removesuffix("_wins")


def _share(text: str) -> str:
    return f"{Decimal(text) * 100:.0f} %"
