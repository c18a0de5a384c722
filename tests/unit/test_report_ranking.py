"""Which changes and findings come first."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dbt_forensics.report.assemble import assemble
from dbt_forensics.report.evidence import Evidence, Scope
from dbt_forensics.report.findings import findings
from dbt_forensics.report.ranking import difference, kind, ranked
from unit.report_evidence import at, changed_row, clean_evidence, eventful_evidence, load_row


def test_kinds_of_change() -> None:
    assert kind(changed_row("m", "{}", "1", "2", restated=1, corrected=1)) == "restated"
    assert kind(changed_row("m", "{}", "1", "2", corrected=1)) == "corrected"
    assert kind(changed_row("m", "{}", "1", "2")) == "grown"


def test_a_value_that_was_not_published_counts_as_nothing() -> None:
    assert difference(changed_row("m", "{}", None, "-3")) == -3


def test_unexplained_first_then_kind_then_how_far_the_value_moved() -> None:
    rows = [
        changed_row("revenue_in_cents", "{}", "1000000", "1010000", restated=1),  # 1 % of the largest
        changed_row("orders", "{}", "10", "5", restated=1),  # 50 %
        changed_row("orders", "{}", "10", "1", corrected=1),
        changed_row("orders", "{}", "10", "0"),
        changed_row("orders", '{"a":"b"}', "10", "11", unexplained=1),
    ]
    order = [rows[4], rows[1], rows[0], rows[2], rows[3]]
    assert ranked(rows) == order
    for seed in range(20):
        shuffled = random.Random(seed).sample(rows, len(rows))
        assert ranked(shuffled) == order


def test_of_equal_changes_the_latest_window_comes_first() -> None:
    rows = [changed_row("m", "{}", "1", "2", window=at(day)) for day in ("03", "05", "04")]
    assert [row["window_start"].day for row in ranked(rows)] == [5, 4, 3]


def report(evidence: Evidence, **scope: Any) -> dict[str, Any]:
    return assemble(evidence, Scope(**scope))


def test_nothing_to_find_is_said_in_words() -> None:
    document = report(clean_evidence())
    assert document["findings"] == []
    assert (
        document["headline"]
        == "Nothing that was published has changed, and every row on record is accounted for."
    )


def test_findings_are_ranked_and_numbered() -> None:
    found = report(eventful_evidence())["findings"]
    assert [finding["rank"] for finding in found] == list(range(1, len(found) + 1))
    assert [finding["kind"] for finding in found] == [
        "unexplained_changes",
        "restated_values",
        "lost_rows",
        "open_incidents",
        "conflicts",
        "quarantine",
        "late_surges",
        "corrected_values",
        "schema_drift",
    ]


def test_every_finding_leads_to_its_evidence() -> None:
    document = report(eventful_evidence())
    sections = {"changes", "batches", "schema", "losers", "health"}
    shown = {change["id"] for change in document["changes"]["items"]}
    shown |= {incident["id"] for incident in document["incidents"]["items"]}
    assert {finding["section"] for finding in document["findings"]} <= sections | shown


def test_rows_without_a_verdict_are_the_first_finding() -> None:
    evidence = eventful_evidence()
    evidence.captured[0]["row_count"] = 11
    document = report(evidence)
    assert document["findings"][0]["kind"] == "rows_not_accounted_for"
    assert document["findings"][0]["quantity"] == 2
    assert not document["streams"][0]["reconciles"]["holds"]


def test_causes_that_do_not_add_up_are_found() -> None:
    evidence = eventful_evidence()
    evidence.metric_changes = [row for row in evidence.metric_changes if row["cause"] != "too_late"]
    document = report(evidence)
    check = document["changes"]["items"][0]["sum_check"]
    assert check == {"causes_add_up_to": "-30", "difference": "-23", "holds": False}
    assert document["findings"][0]["kind"] == "unexplained_changes"


def test_the_detail_is_bounded_and_the_rest_is_counted() -> None:
    changes = report(eventful_evidence(), detail=1)["changes"]
    assert (changes["total"], changes["shown"], len(changes["items"])) == (3, 1, 1)
    assert sum(item["windows"] for item in changes["counts"]) == 3


@pytest.mark.parametrize(
    ("late", "rows", "is_surge"),
    [(100, 500, True), (99, 500, False), (50, 250, True), (49, 100, False)],
)
def test_a_surge_is_fifty_rows_and_a_fifth_of_its_batch(late: int, rows: int, is_surge: bool) -> None:
    evidence = clean_evidence()
    evidence.loads = [load_row("b", rows, late=late), *(load_row(f"l{n}", 1000) for n in range(20))]
    surges = report(evidence)["streams"][0]["surges"]
    assert [surge["batch_id"] for surge in surges] == (["b"] if is_surge else [])


def test_what_is_usual_is_no_surge() -> None:
    evidence = clean_evidence()
    evidence.loads = [load_row(f"l{n}", 1000, duplicates=300) for n in range(20)]
    assert report(evidence)["streams"][0]["surges"] == []


@pytest.mark.parametrize(
    ("counts", "missing", "what"),
    [([5, 0], 5, "deleted"), ([5, 5], 2, "rewritten"), ([5, 3], 2, "reduced"), ([5, 4, 5], 0, "restored")],
)
def test_what_happened_to_a_batch(counts: list[int], missing: int, what: str) -> None:
    evidence = eventful_evidence()
    evidence.vanished[0]["missing_count"] = missing
    seal = evidence.batch_versions[0]
    evidence.batch_versions = [{**seal, "row_count": rows} for rows in counts]
    assert report(evidence)["batches"]["items"][0]["kind"] == what


def test_drift_counts_what_differs_from_the_first_build() -> None:
    drift = report(eventful_evidence())["schema_drift"]
    assert [(item["kind"], item["before"], item["after"]) for item in drift] == [
        ("added", None, "text"),
        ("type_changed", "numeric(18,2)", "text"),
        ("dropped", "text", None),
    ]
    assert report(eventful_evidence(), since=at("08 10:00"))["schema_drift"] == []


def test_the_causes_that_a_finding_names_add_up() -> None:
    document = report(eventful_evidence())
    (finding,) = [one for one in document["findings"] if one["kind"] == "restated_values"]
    (change,) = [one for one in document["changes"]["items"] if one["id"] == finding["section"]]
    assert "other cause" not in finding["detail"]
    named = [
        ("late", "100"),
        ("correction", "-30"),
        ("source_deleted", "20"),
        ("too_late", "7"),
        ("release", "-2.5"),
    ]
    change["causes"] = [{**change["causes"][0], "cause": cause, "change": size} for cause, size in named]
    (finding,) = [one for one in findings(document) if one["kind"] == "restated_values"]
    assert finding["detail"].startswith("Because of +100 from late rows")
    assert "; +4.50 from 2 other causes." in finding["detail"]


def test_a_value_that_only_grew_is_a_finding_of_low_severity() -> None:
    document = report(eventful_evidence())
    for item in [*document["changes"]["items"], *document["changes"]["counts"]]:
        item["kind"] = "grown"
    found = {finding["kind"]: finding["severity"] for finding in findings(document)}
    assert found["grown_values"] == "low"
    assert not {"restated_values", "corrected_values"} & set(found)
