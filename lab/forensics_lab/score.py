"""How well the detectors did: what was put in beside what they said.

A sighting (a detection as it was at one build) counts for a failure if it is of the failure's stream, of the failure's
detector at a build after its first bad arrival, or of one of its consequences at a build after the first arrival
concerned, and its windows or its times of arrival overlap the failure's. A failure is found if its own detector is
among them: consequences explain a detection, they find nothing. A detection of which no sighting counts for any failure
is a false alarm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import wraps
from math import inf
from statistics import mean, median
from typing import Any

import click

from forensics_lab.document import Line, Run

DAYS_A_MONTH = 30.4
#: After these nothing is left of a failure: its incident must be over.
WHOLE_REPAIRS = ("the rows come", "restored", "corrected", "taken back", "shown rightly")
#: What a day that nobody can know yet may set off, once or twice.
SURPRISED = ("volume_anomaly", "missing_window", "partial_batch", "freshness")


@dataclass(frozen=True)
class Thresholds:
    """What a score must reach.

    Attributes:
        recall: Of each kind at medium severity.
        precision: Over all detections.
        false_alarms: At most so many per week of a stream in which nothing is wrong, of each way to write.
        dated: The share of what was found that is dated right.
        ended: The share of what was repaired that is over at the first build after the repair.
        incidents: At most so many per failure.
    """

    recall: float = 0.95
    precision: float = 0.95
    false_alarms: float = 0.1
    dated: float = 0.95
    ended: float = 0.95
    incidents: float = 1.2


def threshold_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command an option for each threshold, and all of them as one argument."""
    wanted = {
        "recall": ("min", "Of each kind at medium severity."),
        "precision": ("min", "Over all detections."),
        "false_alarms": ("max", "Per week of a clean stream, of each way to write."),
        "dated": ("min", "Of what was found: the share that is dated right."),
        "ended": ("min", "Of what was repaired: the share that is over at the next build."),
        "incidents": ("max", "Per failure."),
    }

    @wraps(command)
    def with_thresholds(**given: Any) -> None:
        thresholds = Thresholds(**{name: given.pop(name) for name in wanted})
        command(**given, thresholds=thresholds)

    options: Callable[..., None] = with_thresholds
    for name, (bound, help_text) in reversed(wanted.items()):
        flag, default = f"--{bound}-{name.replace('_', '-')}", getattr(Thresholds, name)
        options = click.option(flag, name, default=default, show_default=True, help=help_text)(options)
    return options


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
        dated: Of those found: how many are dated right, and are in no older incident.
        repaired: Of those found: how many somebody repaired, so that nothing is left of it, with a build after that.
        ended: Of these: how many were over at the first build after it.
        to_end: The median number of builds from the repair, or from when it passed, to the end.
        never_ended: How many were still open at the last build, though they had been repaired or had passed.
        false_endings: How often all of a failure was closed before it was over, and opened again.
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
    dated: int = 0
    repaired: int = 0
    ended: int = 0
    to_end: float | None = None
    never_ended: int = 0
    false_endings: int = 0

    @property
    def recall(self) -> float:
        """The share that was found."""
        return self.found / self.count


@dataclass(frozen=True)
class WayScore:
    """Of the streams of one way to write and one nature in which nothing is wrong.

    Attributes:
        writes: How their loaders write.
        nature: What is unusual about them.
        weeks: All of their weeks together.
        alarms: Detections in them.
    """

    writes: str
    nature: str
    weeks: float
    alarms: int


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
        ways: The clean streams by way to write and nature.
        healthy_silence: Windows without any event that are called healthy although the feed was dead.
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
    ways: list[WayScore] = field(default_factory=list)
    healthy_silence: int = 0

    @property
    def dated(self) -> float:
        """The share of what was found that is dated right."""
        return _share(sum(line.dated for line in self.kinds), sum(line.found for line in self.kinds))

    @property
    def ended(self) -> float:
        """The share of what was repaired that was over at the first build after it."""
        return _share(sum(line.ended for line in self.kinds), sum(line.repaired for line in self.kinds))

    @property
    def incidents_a_failure(self) -> float:
        """In how many incidents a failure is, on average, of those found."""
        found = [(line.incidents, line.found) for line in self.kinds if line.incidents is not None]
        return sum(many * count for many, count in found) / (sum(count for _, count in found) or 1)

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
        for writes in sorted({way.writes for way in self.ways}):
            ways = [way for way in self.ways if way.writes == writes]
            weekly = sum(way.alarms for way in ways) / (sum(way.weeks for way in ways) or 1)
            if weekly > thresholds.false_alarms:
                found.append(
                    f"{writes}: {weekly:.3f} false alarms per stream-week, at most {thresholds.false_alarms} wanted"
                )
        if self.dated < thresholds.dated:
            found.append(f"{self.dated:.3f} are dated right, wanted {thresholds.dated}")
        if self.ended < thresholds.ended:
            found.append(f"{self.ended:.3f} end with the repair, wanted {thresholds.ended}")
        if self.incidents_a_failure > thresholds.incidents:
            found.append(
                f"{self.incidents_a_failure:.2f} incidents per failure, at most {thresholds.incidents} wanted"
            )
        if self.healthy_silence:
            found.append(f"{self.healthy_silence} windows of dead feeds are called healthy, wanted 0")
        return found

    def as_json(self) -> Line:
        """The score for a file."""
        kinds = [{**asdict(line), "recall": line.recall} for line in self.kinds]
        return {
            **asdict(self),
            "kinds": kinds,
            "precision": self.precision,
            "false_alarms_per_stream_week": self.alarms_a_week,
            "dated": self.dated,
            "ended": self.ended,
            "incidents_per_failure": self.incidents_a_failure,
        }


@dataclass
class _Outcome:
    """A failure, the earliest sighting of its own detector, and all that was seen of it."""

    failure: Line
    builds: Sequence[str]
    load_hours: int
    sighting: Line | None = None
    incidents: set[str] = field(default_factory=set)
    detections: dict[str, list[Line]] = field(default_factory=dict)
    is_dated: bool = False

    @property
    def over_at(self) -> str | None:
        """When it was repaired, or had passed."""
        over_at = self.failure.get("repaired_at")
        return None if over_at is None else str(over_at)

    @property
    def is_repaired(self) -> bool:
        """Whether somebody repaired it, and nothing that is wrong stayed."""
        return self.over_at is not None and self.failure["repair"] in WHOLE_REPAIRS


def score_runs(runs: Iterable[Run]) -> Score:
    """Scores runs.

    Args:
        runs: What `forensics_lab.run.run_worlds` returned, or run.json has.
    """
    outcomes: list[_Outcome] = []
    false_alarms: list[Line] = []
    weeks: dict[tuple[str, str], float] = defaultdict(float)
    alarms: dict[tuple[str, str], int] = defaultdict(int)
    detections = explained = incidents = incidents_explained = healthy_silence = 0
    for run in runs:
        feeds = {stream["stream"]: stream.get("feed", {}) for stream in run["streams"]}
        failures: dict[str, list[_Outcome]] = defaultdict(list)
        for failure in run["injections"]:
            load_hours = feeds[failure["stream"]].get("load_hours", 24)
            failures[failure["stream"]].append(_Outcome(failure, run["builds"], load_hours))
        ways = {
            name: (feed.get("writes", "append"), feed.get("nature", "plain")) for name, feed in feeds.items()
        }
        for name in feeds.keys() - {name for name, found in failures.items() if found}:
            weeks[ways[name]] += run["days"] / 7
        known = _by_stream(run["incidents"], feeds.keys())
        holding: set[str] = set()
        for name, sightings in _by_detection(run["sightings"]).items():
            of_stream = failures[sightings[0]["stream"]]
            accounting = [one for one in of_stream if any(counts(seen, one.failure) for seen in sightings)]
            # Of failures that only arrived together, one that the windows name has it.
            named = [one for one in accounting if any(_in_windows(seen, one.failure) for seen in sightings)]
            for outcome in accounting:
                _sees(outcome, sightings)
            for outcome in named or accounting:
                outcome.detections[name] = sightings
                outcome.incidents |= _incidents_of(sightings[-1], known)
            if not accounting and _is_surprise(sightings[0], feeds[sightings[0]["stream"]]):
                continue
            detections += 1
            if accounting:
                explained += 1
                holding |= _incidents_of(sightings[-1], known)
            else:
                false_alarms.append(sightings[0])
                if not of_stream:
                    alarms[ways[sightings[0]["stream"]]] += 1
        for of_stream in failures.values():
            for outcome in of_stream:
                outcome.is_dated = _is_dated(outcome, of_stream, known)
            outcomes += of_stream
        incidents += sum(len(of_stream) for of_stream in known.values())
        incidents_explained += len(holding)
        healthy_silence += sum(
            line["window_start"] < outcome.failure["window_to"]
            and outcome.failure["window_from"] <= line["window_start"]
            for line in run.get("silent", ())
            for outcome in failures[line["stream"]]
            if outcome.failure["kind"] in ("feed_dies", "window_lost")
        )
    return Score(
        kinds=_kind_scores(outcomes),
        detections=detections,
        explained=explained,
        clean_stream_weeks=round(sum(weeks.values()), 1),
        clean_alarms=sum(alarms.values()),
        incidents=incidents,
        incidents_explained=incidents_explained,
        missed=[outcome.failure for outcome in outcomes if outcome.sighting is None],
        false_alarms=false_alarms,
        ways=[WayScore(*way, round(count, 1), alarms[way]) for way, count in sorted(weeks.items())],
        healthy_silence=healthy_silence,
    )


def _is_surprise(sighting: Line, feed: Line) -> bool:
    """Whether it is about a day of which there were less than two before: neither right nor wrong."""
    if sighting["detector"] not in SURPRISED or not sighting["window_start"]:
        return False
    first = datetime.fromisoformat(sighting["window_start"]) - datetime.fromisoformat(
        feed.get("start", "2000-01-01")
    )
    return first.days in feed.get("surprises", ())


def _sees(outcome: _Outcome, sightings: Sequence[Line]) -> None:
    """Keeps the first sighting of a failure's own detector."""
    for sighting in sightings:
        if sighting["detector"] != outcome.failure["detector"] or not counts(sighting, outcome.failure):
            continue
        before = outcome.sighting
        if before is None or sighting["recorded_at"] < before["recorded_at"]:
            outcome.sighting = sighting


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
    if _in_windows(sighting, failure):
        return True
    first = sighting["first_arrived_at"]
    last = sighting["last_arrived_at"] or first
    return first is not None and first <= failure["arrived_to"] and failure["arrived_from"] <= last


def _in_windows(sighting: Line, failure: Line) -> bool:
    start, end = sighting["window_start"], sighting["window_end"]
    return bool(start) and start < failure["window_to"] and failure["window_from"] < end


def told(run: Run, name: str = "") -> list[str]:
    """What was put into each stream, and what was said: when each detection opened (+), changed (~), closed (-).

    Args:
        run: What run.json has.
        name: Of the streams, or a part of it; all of them if empty.
    """
    lines = []
    by_detection = _by_detection(run["sightings"])
    for stream in sorted(one["stream"] for one in run["streams"] if name in one["stream"]):
        lines.append(stream)
        failures = [failure for failure in run["injections"] if failure["stream"] == stream]
        for failure in failures:
            over = f"; {failure['repair']} {failure['repaired_at']}" if failure.get("repaired_at") else ""
            span = f"{failure['window_from']} to {failure['window_to']}"
            lines.append(f"  put in {failure['kind']}: {span}, bad {failure['first_bad_at']}{over}")
        for seen in sorted(by_detection.values(), key=lambda seen: str(seen[0]["recorded_at"])):
            last = seen[-1]
            if last["stream"] != stream:
                continue
            of = {failure["kind"] for failure in failures if any(counts(one, failure) for one in seen)}
            steps = " ".join(f"{'-~+'[one['change'] + 1]}{one['recorded_at'][:10]}" for one in seen)
            what = " ".join(filter(None, [last["severity"], last["detector"], last["subject"]]))
            span = f"{last['window_start']} to {last['window_end']}" if last["window_start"] else "no windows"
            incident = f"incident {(last.get('incident_id') or 'none')[:8]}"
            lines.append(f"    {what}: {span}; {steps}; {incident}; {', '.join(sorted(of)) or 'FALSE ALARM'}")
    return lines


def table(score: Score) -> str:
    """The score as a table in Markdown."""
    by_kind: dict[str, dict[str, KindScore]] = defaultdict(dict)
    for line in score.kinds:
        by_kind[line.kind][line.severity] = line
    lines = [
        "| kind | detector | mild | medium | severe | recall, medium | severity matched | builds | hours | incidents "
        "| dated | ended | to end | false endings |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, found in sorted(by_kind.items()):
        cells = [
            f"{found[name].found} of {found[name].count}" if name in found else ""
            for name in ("mild", "medium", "severe")
        ]
        medium = found.get("medium")
        every = list(found.values())
        all_found = sum(line.found for line in every)
        matched = sum(line.severity_matched for line in every)
        recall = f"{medium.recall:.3f}" if medium else ""
        when = (medium.builds, medium.hours, medium.incidents) if medium else (None, None, None)
        dated = f"{sum(line.dated for line in every)} of {all_found}" if all_found else ""
        repaired, never = sum(line.repaired for line in every), sum(line.never_ended for line in every)
        ended = f"{sum(line.ended for line in every)} of {repaired}" if repaired else ""
        to_end = _number(medium.to_end if medium else None) + (f" ({never} open)" if never else "")
        lines.append(
            f"| {kind} | {every[0].detector} | {' | '.join(cells)} | {recall} | "
            f"{f'{matched / all_found:.2f}' if all_found else ''} | {' | '.join(map(_number, when))} | "
            f"{dated} | {ended} | {to_end} | {sum(line.false_endings for line in every) or ''} |"
        )
    lines += ["", "| writes | nature | stream-months | false alarms | a month |", "|---|---|---|---|---|"]
    for way in score.ways:
        months = way.weeks * 7 / DAYS_A_MONTH
        lines.append(
            f"| {way.writes} | {way.nature} | {months:.1f} | {way.alarms} | {way.alarms / months:.2f} |"
        )
    lines += [
        "",
        f"{score.detections} detections, {score.explained} of which a failure accounts for: "
        f"precision {score.precision:.3f}. "
        f"{score.clean_alarms} false alarms in {score.clean_stream_weeks:.0f} weeks of clean streams: "
        f"{score.alarms_a_week:.3f} per stream-week. "
        f"{score.incidents} incidents, {score.incidents_explained} of which hold what a failure accounts for; "
        f"{score.incidents_a_failure:.2f} per failure. {score.dated:.3f} of what was found is dated right, "
        f"{score.ended:.3f} of what was repaired is over at the next build. "
        f"{score.healthy_silence} windows of dead feeds are called healthy.",
    ]
    return "\n".join(lines)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _by_stream(incidents: Iterable[Line], streams: Collection[str]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for incident in incidents:
        if incident["stream"] in streams:
            found[incident["stream"]].append(incident)
    return found


def _incidents_of(sighting: Line, known: Mapping[str, Sequence[Line]]) -> set[str]:
    """The incident that a detection is in; where that was not kept, the one that its windows are in."""
    if "incident_id" in sighting:
        return {sighting["incident_id"]} - {None}
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


def _is_dated(outcome: _Outcome, others: Sequence[_Outcome], known: Mapping[str, Sequence[Line]]) -> bool:
    """Whether what was found begins where the failure does, and its incident not with something else before it.

    It begins with the load: what arrived first is of that load, or, of what is missing, the window is concerned.
    """
    seen, failure = outcome.sighting, outcome.failure
    if seen is None:
        return False
    first = seen["first_arrived_at"]
    begun = max(failure["first_bad_at"], failure["arrived_from"])
    # What is done to the table itself is dated by the build that finds it.
    last = max(
        [_later(begun, outcome.load_hours), *[build for build in outcome.builds if build >= begun][:1]]
    )
    is_of_load = first is not None and failure["arrived_from"] <= first <= last
    is_of_window = failure["window_from"] <= (seen["window_start"] or "") < failure["window_to"]
    held_by = _incidents_of(seen, known)
    opened = [one["opened_at"] for one in known.get(seen["stream"], ()) if one["incident_id"] in held_by]
    # An incident may be older where another failure, of the same incident, was not over yet.
    begins = [failure["arrived_from"]] + [
        other.failure["arrived_from"]
        for other in others
        if other.incidents & held_by
        and other.failure["arrived_from"] <= failure["arrived_to"]
        and failure["arrived_from"] <= (other.over_at or other.failure["arrived_to"])
    ]
    return (is_of_load or is_of_window) and all(at >= min(begins) for at in opened)


def _later(time: str, hours: int) -> str:
    return str(datetime.fromisoformat(time) + timedelta(hours=hours))


def _own_courses(outcome: _Outcome, others: Sequence[_Outcome]) -> list[list[Line]]:
    """What was seen of a failure, but for what another one keeps open that is over later, or never."""
    over_at = outcome.over_at
    held = {
        name
        for other in others
        if other is not outcome and other.failure["stream"] == outcome.failure["stream"]
        if over_at is not None and (other.over_at is None or other.over_at > over_at)
        for name in other.detections
    }
    return [sightings for name, sightings in outcome.detections.items() if name not in held]


def _closed_at(sightings: Sequence[Line]) -> str | None:
    """When a detection was closed for the last time; None if it is open."""
    if sum(seen["change"] for seen in sightings) > 0:
        return None
    return max(str(seen["recorded_at"]) for seen in sightings if seen["change"] < 0)


def _to_end(outcome: _Outcome, courses: Sequence[Sequence[Line]]) -> float | None:
    """Builds from the repair to the end; infinite if it has none, None if that cannot be told."""
    over_at = outcome.over_at
    if over_at is None or not courses or outcome.builds[-1] < over_at:
        return None
    ends = [_closed_at(sightings) for sightings in courses]
    if None in ends:
        return inf
    last = max(end for end in ends if end is not None)
    return sum(over_at <= build <= last for build in outcome.builds)


def _false_endings(outcome: _Outcome, courses: Sequence[Sequence[Line]]) -> int:
    """How often nothing of it was open before it was over, and something was again later."""
    by_build: dict[str, int] = defaultdict(int)
    for sightings in courses:
        for seen in sightings:
            by_build[seen["recorded_at"]] += seen["change"]
    times = sorted(by_build)
    sums = [sum(by_build[time] for time in times[: place + 1]) for place in range(len(times))]
    return sum(
        here <= 0 < after and (outcome.over_at is None or time < outcome.over_at)
        for time, here, after in zip(times, sums, sums[1:], strict=False)
    )


def _kind_scores(outcomes: Sequence[_Outcome]) -> list[KindScore]:
    groups: dict[tuple[str, str], list[_Outcome]] = defaultdict(list)
    by_stream: dict[str, list[_Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.failure["kind"], outcome.failure["severity"]].append(outcome)
        by_stream[outcome.failure["stream"]].append(outcome)
    found = []
    for (kind, severity), members in sorted(groups.items()):
        seen = [(one.failure, one.sighting, one.builds) for one in members if one.sighting is not None]
        counts = [len(one.incidents) for one in members if one.sighting and one.incidents]
        courses = [
            (one, _own_courses(one, by_stream[one.failure["stream"]])) for one in members if one.sighting
        ]
        ends = [(one, to_end) for one, own in courses if (to_end := _to_end(one, own)) is not None]
        finite = [to_end for _, to_end in ends if to_end < inf]
        found.append(
            KindScore(
                kind=kind,
                severity=severity,
                detector=members[0].failure["detector"],
                count=len(members),
                found=len(seen),
                severity_matched=sum(s["severity"] == failure["expected_severity"] for failure, s, _ in seen),
                builds=median(_builds(failure, s, builds) for failure, s, builds in seen) if seen else None,
                hours=round(median(_hours(failure, s) for failure, s, _ in seen), 1) if seen else None,
                incidents=round(mean(counts), 2) if counts else None,
                dated=sum(one.is_dated for one in members),
                repaired=sum(one.is_repaired for one, _ in ends),
                ended=sum(one.is_repaired and to_end <= 1 for one, to_end in ends),
                to_end=median(finite) if finite else None,
                never_ended=len(ends) - len(finite),
                false_endings=sum(_false_endings(one, own) for one, own in courses),
            )
        )
    return found


def _builds(failure: Line, sighting: Line, builds: Sequence[str]) -> int:
    return sum(failure["first_bad_at"] <= build <= sighting["recorded_at"] for build in builds)


def _hours(failure: Line, sighting: Line) -> float:
    seen, bad = (datetime.fromisoformat(text) for text in (sighting["recorded_at"], failure["first_bad_at"]))
    return (seen - bad).total_seconds() / 3600
