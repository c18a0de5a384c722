"""Rules about the project's own files. Each check takes the project's root and returns what breaks it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

import jinja2
import yaml

SQL_FOLDERS = ("macros", "models", "snapshots", "analyses", "tests")

ENGINE = re.compile(
    r"target\.(type|adapter)|adapter\.(dispatch|type)\b"
    r"|\b(default|duckdb|postgres|redshift|snowflake|bigquery|spark|databricks|clickhouse|trino|athena)__"
)
CLOCK = re.compile(
    r"\b(current_(timestamp|date|time)\b|localtime(stamp)?|(clock|statement|transaction)_timestamp|getdate|sysdate"
    r"|run_started_at|modules\.datetime|(now|today)\s*\()",
    re.IGNORECASE,
)
SETTING = re.compile(r"\b(var|env_var)\s*\(")
# Written so that this file does not match itself.
MACHINE = re.compile(
    r"https?://[a-z.]*(pyp[i]|pythonhoste[d]|npmj[s]|debia[n])"
    r"|/far[m]/|/roo[t]/|/wor[k]/(main|shared|steering)|/tm[p]/v/"
)
COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
# A snapshot may say it as its block's first line, so that it stands in the compiled query too.
GRAIN = re.compile(r"(\{%-?\s*snapshot\s+\w+\s*-?%\}\s*)?-- One row per ")
MACRO = re.compile(r"\{%-?\s*(macro|test)\s+((\w+)\s*\(.*?)-?%\}", re.DOTALL)


def project_files(root: Path) -> list[Path]:
    """The files that are, or could be, committed."""
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
        return sorted(root / name for name in names if name and (root / name).is_file())
    return sorted(path for path in root.rglob("*") if path.is_file())


def sql_files(root: Path, *folders: str) -> Iterator[tuple[str, str]]:
    """Path below the root, and text, of the package's SQL in these folders (all if none is named)."""
    for path in project_files(root):
        name = path.relative_to(root).as_posix()
        if path.suffix == ".sql" and name.split("/")[0] in (folders or SQL_FOLDERS):
            yield name, path.read_text(encoding="utf-8")


def descriptions(root: Path, kind: str) -> dict[str, dict[str, Any]]:
    """The entries of one kind (models, snapshots, macros) in the package's .yml files, by name."""
    found: dict[str, dict[str, Any]] = {}
    for path in project_files(root):
        if path.suffix == ".yml" and path.relative_to(root).parts[0] in SQL_FOLDERS:
            entries = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get(kind, [])
            found.update({entry["name"]: entry for entry in entries})
    return found


def public_macros(root: Path) -> Iterator[tuple[str, str, list[str]]]:
    """File, name and arguments of what the package offers: macros, generic tests, snapshot strategies."""
    environment = jinja2.Environment(autoescape=False)
    for name, text in sql_files(root, "macros", "tests"):
        if Path(name).name.startswith("_"):
            continue
        for kind, signature, macro in MACRO.findall(text):
            # `<engine>__name` implements a primitive; the primitive is what is described.
            if macro.startswith("_") or "__" in macro:
                continue
            (node,) = environment.parse(f"{{% macro {signature}%}}{{% endmacro %}}").find_all(
                jinja2.nodes.Macro
            )
            yield name, f"test_{macro}" if kind == "test" else macro, [arg.name for arg in node.args]


def _uses(root: Path, pattern: re.Pattern[str], allowed: Callable[[str], bool]) -> list[str]:
    return [
        f"{name}: {match.group()}"
        for name, text in sql_files(root)
        if not allowed(name)
        for match in pattern.finditer(COMMENT.sub("", text))
    ]


def engine_words_outside_adapters(root: Path) -> list[str]:
    return _uses(root, ENGINE, lambda name: name.startswith("macros/adapters/"))


def clock_reads_outside_the_clock(root: Path) -> list[str]:
    return _uses(root, CLOCK, lambda name: name == "macros/config/clock.sql")


def settings_read_outside_config(root: Path) -> list[str]:
    return _uses(root, SETTING, lambda name: name.startswith("macros/config/"))


def undescribed_macros(root: Path) -> list[str]:
    """Macros that are for users and not described in YAML, arguments included; and others that no comment describes."""
    described = descriptions(root, "macros")
    texts = dict(sql_files(root, "macros", "tests"))
    problems = []
    for file, macro, arguments in public_macros(root):
        entry = described.get(macro, {})
        if entry.get("docs", {}).get("show") is False:
            if not re.search(rf"macro\s+{macro}\s*\(.*?-?%\}}\s*\{{#", texts[file], re.DOTALL):
                problems.append(f"{file}: {macro} has no comment")
            continue
        if not entry.get("description"):
            problems.append(f"{file}: {macro} has no description")
            continue
        listed = entry.get("arguments") or entry.get("meta", {}).get("arguments", [])
        documented = [a["name"] for a in listed if a.get("description")]
        if documented != arguments:
            problems.append(f"{file}: {macro} takes {arguments}, described are {documented}")
    return problems


def undescribed_models(root: Path) -> list[str]:
    problems = []
    for kind in ("models", "snapshots"):
        described = descriptions(root, kind)
        for file, _ in sql_files(root, kind):
            name = Path(file).stem
            entry = described.pop(name, {})
            columns = entry.get("columns", [])
            if not entry.get("description"):
                problems.append(f"{file}: no description")
            if name.startswith("forensics__") and not columns:
                problems.append(f"{file}: no columns described")
            problems += [
                f"{file}: no description of {c['name']}" for c in columns if not c.get("description")
            ]
        problems += [f"{name} is described and does not exist" for name in described]
    return problems


def missing_grains(root: Path) -> list[str]:
    return [
        f"{name}: {text.splitlines()[0] if text else 'empty'}"
        for name, text in sql_files(root, "models", "snapshots")
        if not GRAIN.match(text)
    ]


def versions(root: Path) -> list[str]:
    """Every place that says a version, if they do not all say the same."""
    places = {
        "dbt_project.yml": r"^version:\s*[\"']?([^\"'\s]+)",
        "pyproject.toml": r"^version = \"([^\"]+)\"",
        "CHANGELOG.md": r"^## \[?v?(\d[^\]\s]*)",
    }
    found = {}
    for name, pattern in places.items():
        text = (root / name).read_text(encoding="utf-8") if (root / name).exists() else ""
        match = re.search(pattern, text, re.MULTILINE)
        found[name] = match.group(1) if match else "none"
    return [] if len(set(found.values())) == 1 else [f"{name}: {version}" for name, version in found.items()]


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(root: Path) -> list[str]:
    """Links of pages to files that are not there, or to headings that these do not have."""
    problems = []
    for page in project_files(root):
        if page.suffix != ".md":
            continue
        prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)]+)\)", prose):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            leads = link.startswith(("http:", "https:")) or (
                target.exists() and (not anchor or anchor in _anchors(target))
            )
            if not leads:
                problems.append(f"{page.relative_to(root).as_posix()}: {link}")
    return problems


#: The sections of a detector's page, in their order.
SECTIONS = [
    "Symptoms",
    "How it is found",
    "What it does not find",
    "Settings",
    "Contain",
    "Recover",
    "Verify",
    "Prevent",
]


def detector_pages(root: Path) -> list[str]:
    """Each detector has a page in the one form, with the defaults that the code has, and a line in docs/detect.md."""
    listed = (root / "macros/health/detectors.sql").read_text(encoding="utf-8")
    detectors = re.findall(r"\('(\w+)', '(\w+)', ([\d.]+), '(\w+)'\)", listed)
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (root / "docs/detectors").glob("*.md")}
    overview = (root / "docs/detect.md").read_text(encoding="utf-8")
    problems = [
        f"{name}: no such detector" for name in sorted(pages.keys() - {name for name, *_ in detectors})
    ]
    for name, threshold, default, severity in detectors:
        if not re.search(
            rf"^\| \[{name}\]\(detectors/{name}.md\) \|.*\| `{threshold}: {default}` \| {severity} \|$",
            overview,
            re.MULTILINE,
        ):
            problems.append(f"{name}: docs/detect.md does not have it with its defaults")
        if name not in pages:
            problems.append(f"{name}: no page")
            continue
        meaning, *sections = re.split(r"^## ", pages[name], flags=re.MULTILINE)
        texts = dict(section.split("\n", 1) for section in sections)
        if list(texts) != SECTIONS:
            problems.append(f"{name}: the sections are {', '.join(texts)}")
        if not meaning.partition("\n")[2].strip() or not all(text.strip() for text in texts.values()):
            problems.append(f"{name}: a section says nothing")
        if f"  {name}: {{{threshold}: {default}, severity: {severity}, enabled: true}}" not in pages[name]:
            problems.append(f"{name}: other defaults")
        if "(../detect.md#work-on-a-detection)" not in pages[name]:
            problems.append(f"{name}: no link to what all detectors share")
    return problems


def machine_traces(root: Path) -> list[str]:
    """Registry hosts, and paths of the machine where the file was written."""
    problems = []
    for path in project_files(root):
        text = path.read_bytes().decode("utf-8", errors="ignore")
        problems += [
            f"{path.relative_to(root).as_posix()}: {match.group()}" for match in MACHINE.finditer(text)
        ]
    return problems


def sql_that_consumers_would_run(root: Path) -> list[str]:
    """dbt runs every .sql under tests/ in each consumer's build: only contracts may be there."""
    return [
        name
        for name, _ in sql_files(root, "tests")
        if len(parts := name.split("/")) > 2 and parts[1] != "generic"
    ]


def nodes_that_take_no_turn(root: Path) -> list[str]:
    """Nodes that record, or look at what is recorded while dbt writes their query, and do not ask whose turn it is.

    What is ephemeral is written into a node that asks.
    """
    asks = re.compile(
        r"materialized='(table|append_only)'|{% snapshot |dbt_forensics[.](concluded_at|recorded_at)\("
    )
    return [
        name
        for name, sql in sql_files(root, "models", "snapshots")
        if asks.search(sql)
        and not re.search(r"take_turn\(\)|int_forensics__build|assert_settings\('ephemeral'\)", sql + name)
    ]


def tests_that_need_more_than_is_built(root: Path) -> list[str]:
    """Shipped tests that a first build of some node and its parents would run, and that read what it has not built."""
    reads = {Path(name).stem: _refs(sql) for name, sql in sql_files(root, "models", "snapshots")}

    def built_with(node: str) -> set[str]:
        return {node}.union(*(built_with(parent) for parent in reads[node] if parent in reads))

    parts = [built_with(node) for node in reads]
    found = []
    for name, sql in sql_files(root, "tests"):
        of_any_model = name.startswith("tests/generic/")
        needed = _refs(sql)
        ways = [part for part in parts if (of_any_model or part & needed) and not needed <= part]
        if needed and ways and "is_built_here(" not in sql:
            found.append(name)
    return found


def _refs(sql: str) -> set[str]:
    return set(re.findall(r"ref\('(\w+)'\)", sql))


_TYPE_ONLY = "if TYPE_CHECKING:\n    from rich.console import Console\n"
_TO_A_TERMINAL = re.compile(
    r"^\s*(?:from rich\b|import rich\b|print\(|click\.secho\(|sys\.std(?:out|err)\.write|click\.echo\((?!render_)).*",
    re.MULTILINE,
)


def other_ways_to_a_terminal(root: Path) -> list[str]:
    """Where the command writes to a terminal without terminal.py, which takes nothing for markup."""
    folder = root / "scripts" / "dbt_forensics"
    return [
        f"{path.relative_to(root).as_posix()}: {match.group().strip()}"
        for path in sorted(folder.rglob("*.py"))
        if path.name != "terminal.py"
        for match in _TO_A_TERMINAL.finditer(path.read_text(encoding="utf-8").replace(_TYPE_ONLY, ""))
    ]


def _imports(root: Path) -> dict[str, list[str]]:
    """The modules that each module of the toolkit imports, anywhere in it.

    The commands that cli.py names as text are imported when they are asked for, and none of them asks for cli.py.
    """
    files = {
        ".".join(path.relative_to(folder).with_suffix("").parts): path
        for folder in (root / "scripts", root / "lab")
        for path in project_files(root)
        if path.suffix == ".py" and folder in path.parents
    }
    modules = {name.removesuffix(".__init__"): path for name, path in files.items()}
    found: dict[str, list[str]] = {}
    for name, path in modules.items():
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        named: list[str] = []
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                source = resolve_name("." * node.level + (node.module or ""), package)
                inner = [f"{source}.{alias.name}" for alias in node.names]
                named += [one if one in modules else source for one in inner]
        found[name] = sorted(modules.keys() & set(named))
    return found


def import_circles(root: Path) -> list[str]:
    """A circle of modules that import each other, if there is one."""
    try:
        TopologicalSorter(_imports(root)).prepare()
    except CycleError as error:
        return [" imports ".join(reversed(error.args[1]))]
    return []


def imports_of_the_report(root: Path) -> list[str]:
    """Modules that import the report: nothing is built on it but its command, and the demo, which writes one."""
    return [
        f"{name}: {imported}"
        for name, imports in sorted(_imports(root).items())
        for imported in imports
        if imported.startswith("dbt_forensics.report") and not name.startswith("dbt_forensics.report")
        if name != "forensics_lab.demo"
    ]


def inputs_that_are_not_written(root: Path) -> list[str]:
    """Lists of _write_inputs() that lack what the node selects from, have more, or have it before its own inputs."""
    texts = {Path(name).stem: sql for name, sql in sql_files(root, "models")}
    reads = {name: re.findall(r"_input\('(\w+)'\)", sql) for name, sql in texts.items()}
    problems = []
    for name, sql in texts.items():
        listed = re.search(r"_write_inputs\(\[(.*?)\]\)", sql, re.DOTALL)
        if listed is None:
            continue
        order = re.findall(r"'(\w+)'", listed.group(1))
        needed = {read for read in re.findall(r"ref\('(\w+)'\)", sql) if "'ephemeral'" in texts.get(read, "")}
        needed |= {read for one in order for read in reads[one]}
        problems += [f"{name}: {one} is not written" for one in sorted(needed - set(order))]
        problems += [f"{name}: {one} is written for nobody" for one in order if one not in needed]
        problems += [
            f"{name}: {one} is written before {read}"
            for place, one in enumerate(order)
            for read in reads[one]
            if read in order[place:]
        ]
    return problems
