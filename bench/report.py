"""What was measured, as Markdown: the goals beside what was measured, the steps, the nodes of the increment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: The nodes of detection that write; the others are views.
DETECTION = ("int_forensics__row_profile", "forensics__windows", "int_forensics__detection_log")
ENGINES = {"duckdb": "DuckDB", "postgres": "PostgreSQL"}


@dataclass
class Step:
    """The medians of one step: CPU and wall seconds, peak bytes; and the seconds of each node of its build."""

    cpu: float
    wall: float
    memory: int
    cpu_of_each: list[float]
    nodes: dict[str, float]


Steps = dict[str, Step]


@dataclass
class Results:
    """All that one run measured."""

    machine: dict[str, object]
    versions: dict[str, str]
    command: str
    steps: dict[str, dict[int, Steps]]  # engine -> rows -> step


@dataclass
class Goal:
    """A goal of issue 2 and what was measured; `also` tells what other readings of it would give."""

    words: str
    limit: float
    is_at_most: bool
    measured: float
    also: str

    @property
    def is_met(self) -> bool:
        return self.measured <= self.limit if self.is_at_most else self.measured >= self.limit


def net(steps: Steps, name: str) -> float:
    """CPU seconds of a build less those of dbt: of as many nodes that do nothing, or of one for the alternatives.

    At least a hundredth of a second, so that ratios stay ratios.
    """
    idle = steps["trivial build"] if name.startswith("package") else steps["dbt's start"]
    return max(steps[name].cpu - idle.cpu, 0.01)


def goals(steps: Steps, engine: str) -> Iterator[Goal]:
    """The goals for one engine at one number of rows."""
    copy = max(steps["bare copy"].cpu - steps["client's start"].cpu, 0.01)
    first, increment, snapshot = steps["package: first"], steps["package: 1 %"], steps["snapshot: 1 %"]
    nothing_new, trivial, start = steps["package: nothing new"], steps["trivial build"], steps["dbt's start"]
    spent = net(steps, "package: 1 %")
    yield Goal(
        "first build, × bare copy",
        3.0,
        True,
        first.cpu / copy,
        f"net of dbt {net(steps, 'package: first') / copy:.2f}",
    )
    yield Goal(
        "1 % increment net of dbt, × bare copy",
        0.15,
        True,
        spent / copy,
        f"net of a dbt with one node {(increment.cpu - start.cpu) / copy:.2f}, gross {increment.cpu / copy:.2f}",
    )
    yield Goal(
        "1 % increment net of dbt, times cheaper than dbt's check snapshot",
        13 if engine == "duckdb" else 10,
        False,
        net(steps, "snapshot: 1 %") / spent,
        f"gross {snapshot.cpu / increment.cpu:.1f}",
    )
    yield Goal("1 % increment, peak GB", 1.0, True, increment.memory / 1e9, "")
    yield Goal(
        "nothing new, × trivial build of as many nodes",
        1.4,
        True,
        nothing_new.cpu / trivial.cpu,
        f"{nothing_new.cpu - trivial.cpu:+.2f} CPU-s",
    )


def growth(sizes: dict[int, Steps]) -> Iterator[Goal]:
    """The same increment, one day, on the least and on the most rows of history."""
    least, most = min(sizes), max(sizes)
    if least == most:
        return
    day = {rows: steps.get("package: one day", steps["package: 1 %"]) for rows, steps in sizes.items()}
    net_day = {rows: max(day[rows].cpu - sizes[rows]["trivial build"].cpu, 0.01) for rows in (least, most)}
    yield Goal(
        f"one day's increment net of dbt, {most:,} rows of history ÷ {least:,}",
        1.2,
        True,
        net_day[most] / net_day[least],
        f"gross {day[most].cpu / day[least].cpu:.2f}",
    )
    detection = {rows: detecting(day[rows]) for rows in (least, most)}
    yield Goal(
        f"detection in one day's increment, {most:,} rows of history ÷ {least:,}, wall",
        1.2,
        True,
        detection[most] / detection[least],
        f"{detection[least]:.2f} of {day[least].wall:.1f} s, {detection[most]:.2f} of {day[most].wall:.1f} s",
    )


def detecting(step: Step) -> float:
    """The wall seconds of a build's nodes of detection; at least a hundredth."""
    return max(sum(step.nodes.get(name, 0) for name in DETECTION), 0.01)


def markdown(results: Results) -> str:
    """The tables of docs/performance.md."""
    described = ", ".join(f"{name} {version}".replace("_", "-") for name, version in results.versions.items())
    lines = [
        f"Machine: {results.machine['processor']}, {results.machine['cores']} cores, "
        f"{results.machine['memory_gib']} GiB, {results.machine['system']}. Versions: {described}.",
        f"Command: `{results.command}`.",
        "",
    ]
    lines += [
        "| engine | rows | goal | at most / at least | measured | | other readings |",
        "|---|--:|---|--:|--:|---|---|",
    ]
    for engine, sizes in results.steps.items():
        for rows, steps in sizes.items():
            lines += [goal_row(engine, f"{rows:,}", goal) for goal in goals(steps, engine)]
        lines += [goal_row(engine, "", goal) for goal in growth(sizes)]
    for engine, sizes in results.steps.items():
        for rows, steps in sizes.items():
            lines += ["", f"### {ENGINES[engine]}, {rows:,} raw rows", ""]
            lines += ["| step | CPU s | of each repetition | wall s | peak MiB |", "|---|--:|---|--:|--:|"]
            for name, step in steps.items():
                each = " ".join(f"{cpu:.2f}" for cpu in step.cpu_of_each)
                lines.append(
                    f"| {name} | {step.cpu:.2f} | {each} | {step.wall:.2f} | {step.memory / 2**20:,.0f} |"
                )
            lines += ["", *node_table(steps)]
    return "\n".join(lines) + "\n"


def goal_row(engine: str, rows: str, goal: Goal) -> str:
    sign, verdict = "≤" if goal.is_at_most else "≥", "met" if goal.is_met else "**missed**"
    return (
        f"| {ENGINES[engine]} | {rows} | {goal.words} | {sign} {goal.limit:g} | {goal.measured:.2f} "
        f"| {verdict} | {goal.also} |"
    )


def node_table(steps: Steps) -> list[str]:
    """The wall seconds of each node of the package's builds, the costliest of the increment first."""
    builds = {name: step.nodes for name, step in steps.items() if name.startswith("package")}
    names = sorted(builds["package: 1 %"], key=lambda node: -builds["package: 1 %"][node])
    lines = ["| node, wall s | " + " | ".join(build.removeprefix("package: ") for build in builds) + " |"]
    lines += ["|---|" + "--:|" * len(builds)]
    for node in names:
        cells = " | ".join(f"{nodes.get(node, 0):.2f}" for nodes in builds.values())
        lines.append(f"| {node} | {cells} |")
    return lines
