"""The project keeps its own rules; and each check does find a planted fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mutants.mutants import MUTANTS, Mutant
from mutants.run import planted
from structure import checks

ROOT = Path(__file__).resolve().parents[2]
CHECKS = [
    checks.engine_words_outside_adapters,
    checks.clock_reads_outside_the_clock,
    checks.settings_read_outside_config,
    checks.undescribed_macros,
    checks.undescribed_models,
    checks.missing_grains,
    checks.versions,
    checks.machine_traces,
    checks.broken_links,
    checks.detector_pages,
    checks.sql_that_consumers_would_run,
    checks.nodes_that_take_no_turn,
    checks.inputs_that_are_not_written,
    checks.tests_that_need_more_than_is_built,
    checks.import_circles,
    checks.imports_of_the_report,
]

DESCRIBED = """
macros:
  - name: late_rows
    description: Rows that came late.
    arguments:
      - {name: stream, description: The stream.}
      - {name: after, description: The time.}
"""
VERSIONED = {
    "dbt_project.yml": "name: x\nversion: 1.2.3\n",
    "pyproject.toml": '[project]\nversion = "1.2.3"\n',
    "CHANGELOG.md": "# Changelog\n\n## 1.2.3 (2026-01-05)\n\n## 1.2.2\n",
}


DETECTORS = {
    "macros/health/detectors.sql": "('late', 'share', 0.2, 'low'), ('gone', 'rows', 1, 'high'),",
    "docs/detect.md": "| [late](detectors/late.md) | Late. | `share: 0.2` | low |",
    "docs/detectors/late.md": "# Late\n\nLate.\n\n"
    + "\n\n".join(f"## {section}\n\nText." for section in checks.SECTIONS)
    + "\n  late: {share: 0.2, severity: low, enabled: true}\n[x](../detect.md#work-on-a-detection)\n",
}


#: What is wrong with the second of them: it has no page.
GONE = ["gone: docs/detect.md does not have it with its defaults", "gone: no page"]


def late_page(old: str, new: str) -> dict[str, str]:
    page = DETECTORS["docs/detectors/late.md"]
    assert old in page
    return {**DETECTORS, "docs/detectors/late.md": page.replace(old, new)}


MODULES = {
    "scripts/dbt_forensics/b.py": "import dbt_forensics.a",
    "scripts/dbt_forensics/c/__init__.py": "",
    "scripts/dbt_forensics/c/cli.py": "import dbt_forensics.b\nfrom dbt_forensics import c",
}


def late_rows(signature: str) -> dict[str, str]:
    return {"macros/x.sql": f"{{%- macro {signature} -%}}{{%- endmacro -%}}", "macros/_macros.yml": DESCRIBED}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_project_keeps_the_rule(check: Callable[[Path], list[str]]) -> None:
    problems = check(ROOT)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("check", "files", "problems"),
    [
        (
            checks.engine_words_outside_adapters,
            {"models/a.sql": "{% if target.type == 'x' %}", "macros/adapters/b.sql": "adapter.dispatch('x')"},
            ["models/a.sql: target.type"],
        ),
        (
            checks.engine_words_outside_adapters,
            {
                "tests/generic/a.sql": "{% macro duckdb__x() %}",
                "macros/b.sql": "{# as duckdb__x #} -- postgres__x",
            },
            ["tests/generic/a.sql: duckdb__"],
        ),
        (
            checks.clock_reads_outside_the_clock,
            {
                "models/a.sql": "select Current_Timestamp, now() as n",
                "macros/config/clock.sql": "run_started_at",
            },
            ["models/a.sql: Current_Timestamp", "models/a.sql: now("],
        ),
        (
            checks.settings_read_outside_config,
            {
                "models/a.sql": "{{ var ('x') }} {{ variance(1) }}",
                "macros/config/a.sql": "{{ env_var('x') }}",
            },
            ["models/a.sql: var ("],
        ),
        (checks.undescribed_macros, late_rows("late_rows(stream, after='),(')"), []),
        (
            checks.undescribed_macros,
            late_rows("late_rows(stream, before=[1, 2])"),
            ["macros/x.sql: late_rows takes ['stream', 'before'], described are ['stream', 'after']"],
        ),
        (
            checks.undescribed_macros,
            late_rows("early_rows()"),
            ["macros/x.sql: early_rows has no description"],
        ),
        (checks.undescribed_macros, late_rows("_early_rows()"), []),
        (
            checks.undescribed_macros,
            {
                "macros/x.sql": "{% macro a(b) %}{#- A. -#}{% endmacro %}{% macro c() %}1{# C. #}{% endmacro %}",
                "macros/_macros.yml": "macros: [{name: a, docs: {show: false}}, {name: c, docs: {show: false}}]",
            },
            ["macros/x.sql: c has no comment"],
        ),
        (
            checks.undescribed_macros,
            {"tests/generic/a.sql": "{% test is_x(model) %}{% endtest %}"},
            ["tests/generic/a.sql: test_is_x has no description"],
        ),
        (
            checks.undescribed_models,
            {
                "models/a/forensics__a.sql": "",
                "models/a/int_forensics__b.sql": "",
                "models/a/_a.yml": "models: [{name: forensics__a, description: A, columns: [{name: c}]}, {name: z}]",
                "snapshots/forensics__s.sql": "",
                "snapshots/_s.yml": "snapshots: [{name: forensics__s, description: S}]",
            },
            [
                "models/a/forensics__a.sql: no description of c",
                "models/a/int_forensics__b.sql: no description",
                "z is described and does not exist",
                "snapshots/forensics__s.sql: no columns described",
            ],
        ),
        (
            checks.missing_grains,
            {
                "models/a.sql": "-- One row per row.\nselect 1",
                "models/b.sql": "\n-- One row per row.",
                "snapshots/c.sql": "{% snapshot c %}\n-- One row per row.",
                "snapshots/d.sql": "{% snapshot d %}\nselect 1 -- One row per row.",
            },
            ["models/b.sql: ", "snapshots/d.sql: {% snapshot d %}"],
        ),
        (checks.versions, VERSIONED, []),
        (
            checks.versions,
            {**VERSIONED, "CHANGELOG.md": "## [1.3.0]\n"},
            ["dbt_project.yml: 1.2.3", "pyproject.toml: 1.2.3", "CHANGELOG.md: 1.3.0"],
        ),
        (
            checks.machine_traces,
            {"a.txt": "https://files.python" + "hosted.org/x", "b/c.md": "see /ro" + "ot/x", "d.md": "/root"},
            ["a.txt: https://files.python" + "hosted", "b/c.md: /ro" + "ot/"],
        ),
        (
            checks.broken_links,
            {
                "a.md": "[b](docs/b.md) [c](docs/c.md) [y](https://y.example/z)\n\n```\n[d](d.md)\n```\n",
                "docs/b.md": "# A heading: yes\n\n[a](../a.md) [here](#a-heading-yes) [b](#no) [a](../a.md#b)",
            },
            ["a.md: docs/c.md", "docs/b.md: #no", "docs/b.md: ../a.md#b"],
        ),
        (checks.detector_pages, DETECTORS, GONE),
        (
            checks.detector_pages,
            {**DETECTORS, "docs/detectors/x.md": "# X"},
            ["x: no such detector", *GONE],
        ),
        (
            checks.detector_pages,
            late_page("## Contain", "## Containment"),
            [f"late: the sections are {', '.join(checks.SECTIONS).replace('Contain', 'Containment')}", *GONE],
        ),
        (checks.detector_pages, late_page("Late.\n", ""), ["late: a section says nothing", *GONE]),
        (
            checks.detector_pages,
            late_page("Recover\n\nText.", "Recover"),
            ["late: a section says nothing", *GONE],
        ),
        (checks.detector_pages, late_page("share: 0.2", "share: 0.3"), ["late: other defaults", *GONE]),
        (
            checks.detector_pages,
            late_page("../detect.md", "detect.md"),
            ["late: no link to what all detectors share", *GONE],
        ),
        (
            checks.sql_that_consumers_would_run,
            {"tests/a.sql": "", "tests/generic/b.sql": "", "tests/functional/c.sql": ""},
            ["tests/functional/c.sql"],
        ),
        (
            checks.inputs_that_are_not_written,
            {
                "models/a.sql": "'ephemeral' {{ _input('b') }} {{ _input('c') }}",
                "models/b.sql": "'ephemeral'",
                "models/log.sql": "_write_inputs(['a', 'b', 'd']) {{ ref('a') }} {{ ref('table') }}",
                "models/d.sql": "'ephemeral'",
            },
            [
                "log: c is not written",
                "log: d is written for nobody",
                "log: a is written before b",
            ],
        ),
        (
            checks.nodes_that_take_no_turn,
            {
                "models/a.sql": "{{ config(materialized='table') }} {%- do dbt_forensics.take_turn() %}",
                "models/b.sql": "{{ config(materialized='table') }}",
                "models/c.sql": "select {{ dbt_forensics.concluded_at() }}",
                "models/d.sql": "select 1",
                "snapshots/e.sql": "{% snapshot e %}",
            },
            ["models/b.sql", "models/c.sql", "snapshots/e.sql"],
        ),
        (
            checks.tests_that_need_more_than_is_built,
            {
                "models/a.sql": "select 1",
                "models/b.sql": "{{ ref('a') }}",
                "models/c.sql": "{{ ref('a') }}",
                "tests/one.sql": "{{ ref('a') }} {{ ref('b') }}",
                "tests/two.sql": "{{ ref('a') }} {{ ref('b') }} {{ dbt_forensics.is_built_here() }}",
                "tests/three.sql": "{{ ref('b') }}",
                "tests/generic/four.sql": "{{ ref('b') }}",
                "tests/generic/five.sql": "{{ model }}",
            },
            ["tests/generic/four.sql", "tests/one.sql"],
        ),
        (checks.import_circles, {**MODULES, "scripts/dbt_forensics/a.py": "import sys"}, []),
        (
            checks.import_circles,
            {**MODULES, "scripts/dbt_forensics/a.py": "def f():\n    from dbt_forensics.c import cli"},
            ["dbt_forensics.a imports dbt_forensics.c.cli imports dbt_forensics.b imports dbt_forensics.a"],
        ),
        (
            checks.import_circles,
            {
                "scripts/dbt_forensics/a/b.py": "from . import c",
                "scripts/dbt_forensics/a/c.py": "from .b import x",
            },
            ["dbt_forensics.a.b imports dbt_forensics.a.c imports dbt_forensics.a.b"],
        ),
        (
            checks.imports_of_the_report,
            {
                "scripts/dbt_forensics/report/__init__.py": "",
                "scripts/dbt_forensics/report/a.py": "",
                "scripts/dbt_forensics/report/b.py": "from dbt_forensics.report.a import x",
                "scripts/dbt_forensics/trace.py": "def f():\n    from dbt_forensics.report import a",
                "scripts/dbt_forensics/cli.py": "COMMANDS = {'report': 'dbt_forensics.report.cli:report'}",
                "lab/forensics_lab/demo.py": "import dbt_forensics.report.a",
                "lab/forensics_lab/run.py": "import dbt_forensics.report.b",
            },
            [
                "dbt_forensics.trace: dbt_forensics.report.a",
                "forensics_lab.run: dbt_forensics.report.b",
            ],
        ),
    ],
)
def test_the_check_finds_a_planted_fault(
    check: Callable[[Path], list[str]], files: dict[str, str], problems: list[str], tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert check(tmp_path) == problems


def test_every_check_has_a_planted_fault() -> None:
    planted = test_the_check_finds_a_planted_fault.pytestmark[0].args[1]
    assert {check for check, _, problems in planted if problems} == set(CHECKS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_each_planted_fault_can_be_planted(mutant: Mutant) -> None:
    planted(mutant, (ROOT / mutant.file).read_text(encoding="utf-8"))


def test_every_append_only_table_is_sealed_and_moves_the_clock() -> None:
    """All but the seals themselves, and the names of builds; the clock goes on from whatever a build recorded."""
    appended = {
        file.stem
        for folder in ("models", "snapshots")
        for file in (ROOT / folder).rglob("*.sql")
        if "assert_keeps_history(" in file.read_text(encoding="utf-8")
    }
    sealed = (ROOT / "macros/seals/sealed_tables.sql").read_text(encoding="utf-8")
    clock = (ROOT / "macros/config/build.sql").read_text(encoding="utf-8")
    by_people = {"forensics__action_log", "int_forensics__action_rows", "forensics__outbox"}
    assert [name for name in appended - {"forensics__seals"} if f"'{name}'" not in sealed] == []
    assert [name for name in appended - by_people if f"'{name}'" not in clock] == []
