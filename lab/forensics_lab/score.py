"""How well the detectors did: what was put in beside what they said.

A sighting (a detection as it was at one build) counts for a failure if it is of the failure's stream, of the failure's
detector at a build after its first bad arrival, or of one of its consequences at a build after the first arrival
concerned, and its windows or its times of arrival overlap the failure's. A failure is found if its own detector is
among them: consequences explain a detection, they find nothing. A detection of which no sighting counts for any failure
is a false alarm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from statistics import mean, median

from forensics_lab.document import Line, Run


@dataclass(frozen=True)
class Thresholds:
    """What a score must reach.

    Attributes:
        recall: Of each kind at medium severity.
        precision: Over all detections.
        false_alarms: At most so many per week of a stream in which nothing is wrong.
    """

    recall: float = 0.95
    precision: float = 0.95
    false_alarms: float = 0.1


@dataclass(frozen=True)
class KindScore:
    """Of the failures of one kind and severity.

    Attributes:
        kind: What was put in.
        severity: mild, medium or severe.
        detector: Which must see it.
        count: How many were put in.
        found: How many of them it saw.
        severity_matched: Of those found: how many were as severe as expected.
        builds: The median number of builds from the first bad arrival to the sighting; 1 is the next one.
        hours: The median time from the first bad arrival.
        incidents: Of those found: in how many incidents all that was seen of one is, on average; 1 is as it should be.
    """

    kind: str
    severity: str
    detector: str
    count: int
    found: int
    severity_matched: int
    builds: float | None
    hours: float | None
    incidents: float | None = None

    @property
    def recall(self) -> float:
        """The share that was found."""
        return self.found / self.count


@dataclass(frozen=True)
class Score:
    """The score of one or more runs.

    Attributes:
        kinds: By kind and severity.
        detections: How many there are.
        explained: How many of them a failure accounts for.
        clean_stream_weeks: Weeks of streams in which nothing is wrong, over all of them.
        clean_alarms: Detections in these.
        incidents: How many there are, those of watched models aside.
        incidents_explained: How many of them hold a detection that a failure accounts for.
        missed: The failures that were not found.
        false_alarms: The detections that no failure accounts for, in any stream.
    """

    kinds: list[KindScore]
    detections: int
    explained: int
    clean_stream_weeks: float
    clean_alarms: int
    incidents: int = 0
    incidents_explained: int = 0
    missed: list[Line] = field(default_factory=list)
    false_alarms: list[Line] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """The share of the detections that a failure accounts for."""
        return self.explained / self.detections if self.detections else 1.0

    @property
    def alarms_a_week(self) -> float:
        """False alarms per week of a stream in which nothing is wrong."""
        return self.clean_alarms / self.clean_stream_weeks if self.clean_stream_weeks else 0.0

    def problems(self, thresholds: Thresholds) -> list[str]:
        """What is under the thresholds, in words."""
        found = [
            f"{line.kind}: recall {line.recall:.3f} at medium severity, wanted {thresholds.recall}"
            for line in self.kinds
            if line.severity == "medium" and line.recall < thresholds.recall
        ]
        if self.precision < thresholds.precision:
            found.append(f"precision {self.precision:.3f}, wanted {thresholds.precision}")
        if self.alarms_a_week > thresholds.false_alarms:
            found.append(
                f"{self.alarms_a_week:.3f} false alarms per stream-week, at most {thresholds.false_alarms} wanted"
            )
        return found

    def as_json(self) -> Line:
        """The score for a file."""
        kinds = [{**asdict(line), "recall": line.recall} for line in self.kinds]
        return {
            **asdict(self),
            "kinds": kinds,
            "precision": self.precision,
            "false_alarms_per_stream_week": self.alarms_a_week,
        }


@dataclass
class _Outcome:
    """A failure and the earliest sighting of its own detector."""

    failure: Line
    sighting: Line | None = None
    incidents: set[str] = field(default_factory=set)


def score_runs(runs: Iterable[Run]) -> Score:
    """Scores runs.

    Args:
        runs: What `forensics_lab.run.run_worlds` returned, or run.json has.
    """
    outcomes: list[tuple[_Outcome, Sequence[str]]] = []
    false_alarms: list[Line] = []
    detections = explained = clean_alarms = incidents = incidents_explained = 0
    clean_weeks = 0.0
    for run in runs:
        failures: dict[str, list[_Outcome]] = defaultdict(list)
        for failure in run["injections"]:
            failures[failure["stream"]].append(_Outcome(failure))
        known = _by_stream(run["incidents"], {stream["stream"] for stream in run["streams"]})
        holding: set[str] = set()
        for sightings in _by_detection(run["sightings"]).values():
            counts_for = False
            for sighting in sightings:
                for outcome in failures[sighting["stream"]]:
                    if not counts(sighting, outcome.failure):
                        continue
                    counts_for = True
                    outcome.incidents |= _incidents_of(sighting, known)
                    is_own = sighting["detector"] == outcome.failure["detector"]
                    before = outcome.sighting
                    if is_own and (before is None or sighting["recorded_at"] < before["recorded_at"]):
                        outcome.sighting = sighting
            detections += 1
            explained += counts_for
            if counts_for:
                holding |= _incidents_of(sightings[-1], known)
            if not counts_for:
                false_alarms.append(sightings[0])
                clean_alarms += not failures[sightings[0]["stream"]]
        incidents += sum(len(of_stream) for of_stream in known.values())
        incidents_explained += len(holding)
        clean = [stream for stream in run["streams"] if not failures[stream["stream"]]]
        clean_weeks += len(clean) * run["days"] / 7
        outcomes += [(outcome, run["builds"]) for found in failures.values() for outcome in found]
    return Score(
        kinds=_kind_scores(outcomes),
        detections=detections,
        explained=explained,
        clean_stream_weeks=round(clean_weeks, 1),
        clean_alarms=clean_alarms,
        incidents=incidents,
        incidents_explained=incidents_explained,
        missed=[outcome.failure for outcome, _ in outcomes if outcome.sighting is None],
        false_alarms=false_alarms,
    )


def counts(sighting: Line, failure: Line) -> bool:
    """Whether a sighting counts for a failure."""
    if sighting["stream"] != failure["stream"] or (sighting["change"] < 0 and not sighting.get("is_first")):
        return False
    is_own = sighting["detector"] == failure["detector"]
    if not is_own and sighting["detector"] not in failure["consequences"]:
        return False
    # What is held back is missing before it comes.
    if sighting["recorded_at"] < failure["first_bad_at" if is_own else "arrived_from"]:
        return False
    if sighting["window_start"] < failure["window_to"] and failure["window_from"] < sighting["window_end"]:
        return True
    first = sighting["first_arrived_at"]
    last = sighting["last_arrived_at"] or first
    return first is not None and first <= failure["arrived_to"] and failure["arrived_from"] <= last


def table(score: Score) -> str:
    """The score as a table in Markdown."""
    by_kind: dict[str, dict[str, KindScore]] = defaultdict(dict)
    for line in score.kinds:
        by_kind[line.kind][line.severity] = line
    lines = [
        "| kind | detector | mild | medium | severe | recall, medium | severity matched | builds | hours | incidents |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, found in sorted(by_kind.items()):
        cells = [
            f"{found[name].found} of {found[name].count}" if name in found else ""
            for name in ("mild", "medium", "severe")
        ]
        medium = found.get("medium")
        all_found = sum(line.found for line in found.values())
        matched = sum(line.severity_matched for line in found.values())
        recall = f"{medium.recall:.3f}" if medium else ""
        when = (medium.builds, medium.hours, medium.incidents) if medium else (None, None, None)
        detector = next(iter(found.values())).detector
        lines.append(
            f"| {kind} | {detector} | {' | '.join(cells)} | {recall} | "
            f"{f'{matched / all_found:.2f}' if all_found else ''} | {' | '.join(map(_number, when))} |"
        )
    lines += [
        "",
        f"{score.detections} detections, {score.explained} of which a failure accounts for: "
        f"precision {score.precision:.3f}. "
        f"{score.clean_alarms} false alarms in {score.clean_stream_weeks:.0f} weeks of clean streams: "
        f"{score.alarms_a_week:.3f} per stream-week. "
        f"{score.incidents} incidents, {score.incidents_explained} of which hold what a failure accounts for.",
    ]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _by_stream(incidents: Iterable[Line], streams: Collection[str]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for incident in incidents:
        if incident["stream"] in streams:
            found[incident["stream"]].append(incident)
    return found


def _incidents_of(sighting: Line, known: Mapping[str, Sequence[Line]]) -> set[str]:
    """The incident that a detection is in: those of a stream do not overlap."""
    return {
        incident["incident_id"]
        for incident in known.get(sighting["stream"], ())
        if incident["window_start"]
        <= sighting["window_start"]
        <= sighting["window_end"]
        <= incident["window_end"]
    }


def _by_detection(sightings: Iterable[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for sighting in sightings:
        key = sighting["detection_id"]
        # What is over when it is seen first is only on record as closed.
        found[key].append({**sighting, "is_first": not found[key]})
    return found


def _kind_scores(outcomes: Iterable[tuple[_Outcome, Sequence[str]]]) -> list[KindScore]:
    groups: dict[tuple[str, str], list[tuple[_Outcome, Sequence[str]]]] = defaultdict(list)
    for outcome, builds in outcomes:
        groups[outcome.failure["kind"], outcome.failure["severity"]].append((outcome, builds))
    found = []
    for (kind, severity), members in sorted(groups.items()):
        seen = [
            (outcome.failure, outcome.sighting, builds)
            for outcome, builds in members
            if outcome.sighting is not None
        ]
        counts = [len(outcome.incidents) for outcome, _ in members if outcome.sighting and outcome.incidents]
        found.append(
            KindScore(
                kind=kind,
                severity=severity,
                detector=members[0][0].failure["detector"],
                count=len(members),
                found=len(seen),
                severity_matched=sum(s["severity"] == failure["expected_severity"] for failure, s, _ in seen),
                builds=median(_builds(failure, s, builds) for failure, s, builds in seen) if seen else None,
                hours=round(median(_hours(failure, s) for failure, s, _ in seen), 1) if seen else None,
                incidents=round(mean(counts), 2) if counts else None,
            )
        )
    return found


def _builds(failure: Line, sighting: Line, builds: Sequence[str]) -> int:
    return sum(failure["first_bad_at"] <= build <= sighting["recorded_at"] for build in builds)


def _hours(failure: Line, sighting: Line) -> float:
    seen, bad = (datetime.fromisoformat(text) for text in (sighting["recorded_at"], failure["first_bad_at"]))
    return (seen - bad).total_seconds() / 3600
