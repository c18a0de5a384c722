"""The one door to the warehouse: through dbt's own profile, manifest and adapter, and only to read.

The door that writes is :mod:`dbt_forensics.writing`; it opens its session with :func:`session` too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt_forensics import __version__, sql
from dbt_forensics.errors import ForensicsError
from dbt_forensics.streams import Stream, relation_parts, stream

if TYPE_CHECKING:
    from dbt.adapters.base.impl import BaseAdapter
    from dbt.adapters.base.relation import BaseRelation
    from dbt.contracts.graph.manifest import Manifest

Row = dict[str, Any]
PACKAGE = "dbt_forensics"
_REFERABLE = ("model", "seed", "snapshot")
# How a session is told that it only reads, where the engine has a way to enforce it.
_READ_ONLY_SESSION = {"postgres": "set session characteristics as transaction read only"}


@dataclass(frozen=True)
class DbtOptions:
    """dbt's own options of the same names; what is None is left to dbt."""

    project_dir: str | None = None
    profiles_dir: str | None = None
    profile: str | None = None
    target: str | None = None
    vars: str | None = None

    def arguments(self) -> list[str]:
        """Returns them as arguments of a dbt command."""
        given = (
            ("--project-dir", self.project_dir),
            ("--profiles-dir", self.profiles_dir),
            ("--profile", self.profile),
            ("--target", self.target),
            ("--vars", self.vars),
        )
        return [part for option, value in given if value is not None for part in (option, value)]


@dataclass(frozen=True)
class Column:
    """A column of a relation: its name as the engine stores it, and its type in the engine's words."""

    name: str
    data_type: str


class Warehouse:
    """A read-only session on the project's target; get one from :func:`open_warehouse`."""

    def __init__(self, adapter: BaseAdapter, manifest: Manifest) -> None:
        self._adapter = adapter
        self._manifest = manifest

    @property
    def project(self) -> str:
        """The name of the root project."""
        return str(self._adapter.config.project_name)

    @property
    def target(self) -> str:
        """The name of the target in the profile."""
        return str(self._adapter.config.target_name)

    def versions(self) -> dict[str, str]:
        """Returns the versions of what produces an answer: the toolkit, dbt and the adapter."""
        from importlib.metadata import version

        engine = self._adapter.type()
        return {
            PACKAGE: __version__,
            "dbt-core": version("dbt-core"),
            f"dbt-{engine}": version(f"dbt-{engine}"),
        }

    def streams(self) -> dict[str, Stream]:
        """Returns the declared streams by name, as the package completes and validates them.

        Raises:
            ForensicsError: The configuration is wrong; the sentence is the package's own.
        """
        return {name: stream(completed) for name, completed in self.macro("streams").items()}

    def macro(self, name: str, **arguments: Any) -> Any:
        """Runs a macro of the package, or of dbt, and returns what it returns."""
        with errors_as_sentences():
            return self._adapter.execute_macro(name, project=self._home(name), kwargs=arguments)

    def query(self, statement: str) -> list[Row]:
        """Returns the rows of a query as dictionaries: exact numbers as Decimal, times as naive datetime."""
        with errors_as_sentences():
            _, cursor = _connections(self._adapter).add_query(statement)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def documentation(self, path: str) -> str:
        """Returns a page of the package's documentation as the project has installed it; '' where it is not there.

        Args:
            path: Below ``docs``.
        """
        page = Path(self._adapter.config.load_dependencies()[PACKAGE].project_root) / "docs" / path
        return page.read_text(encoding="utf-8") if page.is_file() else ""

    def is_built(self) -> bool:
        """Returns whether the package's models exist in the target."""
        return self._existing(self._node("forensics__ledger")) is not None

    def relation(self, name: str) -> str:
        """Returns a model or snapshot of the package as SQL, wherever the project has put it.

        Raises:
            ForensicsError: It has not been built.
        """
        found = self._existing(self._node(name))
        if found is None:
            raise ForensicsError(
                f"{name} does not exist in target '{self._adapter.config.target_name}': run dbt build first."
            )
        return str(found)

    def raw_relation(self, path: str) -> tuple[str, list[Column]]:
        """Returns a relation that a user names, as SQL and with its columns.

        Args:
            path: ``source.<source>.<table>``, ``ref.<model>``, ``ref.<package>.<model>`` or ``<schema>.<table>``.

        Raises:
            ForensicsError: dbt does not know it, or it does not exist.
        """
        parts, version = relation_parts(path)
        if parts[0] == "source" and len(parts) == 3:
            found = self._wanted(self._source(parts[1], parts[2]))
        elif parts[0] == "ref" and len(parts) in (2, 3):
            found = self._wanted(self._model(parts[-1], parts[1] if len(parts) == 3 else None, version))
        elif len(parts) == 2:
            database = self._adapter.config.credentials.database
            found = self._adapter.get_relation(database=database, schema=parts[0], identifier=parts[1])
        else:
            raise ForensicsError(
                f"'{path}' is not a relation: write source.<source>.<table>, ref.<model> or <schema>.<table>."
            )
        columns = self.macro("column_types", relation=found) if found is not None else {}
        if not columns:
            raise ForensicsError(f"{path} does not exist in the warehouse: create it or load it first.")
        return str(found), [Column(name, data_type) for name, data_type in columns.items()]

    def dbt_path(self, path: str) -> str | None:
        """Returns how a stream names a relation: by the source or model that dbt knows it by, or None if by none."""
        parts, _ = relation_parts(path)
        if parts[0] in ("source", "ref"):
            return path
        for source in self._manifest.sources.values():
            if [source.schema, source.identifier] == parts:
                return f"source.{source.source_name}.{source.name}"
        for node in self._manifest.nodes.values():
            if node.resource_type in _REFERABLE and [node.schema, node.alias] == parts:
                return f"ref.{node.name}"
        return None

    def identifier(self, name: str) -> str:
        """Returns a column name quoted as the adapter quotes."""
        return sql.identifier(name, self._adapter.quote("")[:1])

    def _home(self, macro: str) -> str | None:
        return PACKAGE if f"macro.{PACKAGE}.{macro}" in self._manifest.macros else None

    def _wanted(self, node: Any) -> BaseRelation:
        """Returns the relation that dbt takes a node for, which may be a file."""
        with errors_as_sentences():
            wanted: BaseRelation = self._adapter.Relation.create_from(self._adapter.config, node)
        return wanted

    def _existing(self, node: Any) -> BaseRelation | None:
        """Returns a node's relation if the warehouse has it."""
        wanted = self._wanted(node)
        with errors_as_sentences():
            found: BaseRelation | None = self._adapter.get_relation(
                database=wanted.database, schema=wanted.schema, identifier=wanted.identifier
            )
        return found

    def _node(self, name: str) -> Any:
        for kind in ("model", "snapshot"):
            node = self._manifest.nodes.get(f"{kind}.{PACKAGE}.{name}")
            if node is not None:
                return node
        raise ForensicsError(
            f"The project has no {name}: add the package {PACKAGE} to packages.yml and run dbt deps, "
            "or enable its models if the project disables them."
        )

    def _source(self, name: str, table: str) -> Any:
        for source in self._manifest.sources.values():
            if (source.source_name, source.name) == (name, table):
                return source
        raise ForensicsError(
            f"The project declares no source '{name}' with a table '{table}': declare it in its YAML."
        )

    def _model(self, name: str, package: str | None, version: str | None) -> Any:
        for node in self._manifest.nodes.values():
            if (
                node.name == name
                and node.resource_type in _REFERABLE
                and package in (None, node.package_name)
                and _is_version(node, version)
            ):
                return node
        raise ForensicsError(
            f"The project has no model, seed or snapshot '{name}': check the name with dbt ls."
        )


def _is_version(node: Any, version: str | None) -> bool:
    """Returns whether a node is this version of its model; without one the latest, or what has no versions."""
    given = getattr(node, "version", None)
    return str(given) == version if version else given == getattr(node, "latest_version", None)


@contextmanager
def open_warehouse(options: DbtOptions) -> Iterator[Warehouse]:
    """Parses the user's project with dbt and opens a read-only session on its target.

    Every connection is closed at the end, so that a DuckDB file is free again. As in dbt, a relative path in the
    profile starts from the project's folder.

    Args:
        options: What the user gave for dbt.

    Raises:
        ForensicsError: The project or profile cannot be used, or the warehouse cannot be reached.
    """
    with session(options, read_only=True) as (adapter, manifest):
        yield Warehouse(adapter, manifest)


@contextmanager
def session(options: DbtOptions, *, read_only: bool) -> Iterator[tuple[BaseAdapter, Manifest]]:
    """Parses the user's project with dbt and opens a session on its target; see :func:`open_warehouse`."""
    from dbt.adapters.factory import get_adapter_by_type
    from dbt.cli.main import dbtRunner

    quiet = ["--quiet", "--log-level", "none", "--log-level-file", "none", "--no-send-anonymous-usage-stats"]
    parsed = dbtRunner().invoke(["parse", *quiet, "--no-write-json", *options.arguments()])
    if not parsed.success:
        raise ForensicsError(_why_unparsed(parsed.exception))
    manifest: Manifest = parsed.result  # type: ignore[assignment]
    # What macros see as `graph`.
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    adapter: BaseAdapter = get_adapter_by_type(str(manifest.metadata.adapter_type))  # type: ignore[no-untyped-call]
    if read_only:
        _make_read_only(adapter.config.credentials)
    try:
        with (
            _working_in(adapter.config.project_root),
            errors_as_sentences(),
            adapter.connection_named("dbt-forensics"),
        ):
            _begin(adapter, _READ_ONLY_SESSION.get(adapter.type(), "select 1") if read_only else "select 1")
            yield adapter, manifest
    finally:
        _close(adapter)


def _why_unparsed(error: BaseException | None) -> str:
    from dbt.cli.exceptions import DbtUsageException
    from dbt.exceptions import DbtProjectError
    from dbt_common.exceptions import DbtBaseException

    if isinstance(error, (DbtUsageException, DbtProjectError)):
        where = "run it in the dbt project's folder, or give --project-dir and --profiles-dir"
        return f"{sentence(error).rstrip('.')}: {where}."
    if isinstance(error, DbtBaseException):
        return sentence(error)
    reason = sentence(error) if error else "no reason given"
    return f"dbt cannot parse the project ({reason}): run dbt parse to see why."


def sentence(error: BaseException | str) -> str:
    """Returns an error of dbt or of an engine as one line, without dbt's headings and call stacks."""
    text = str(getattr(error, "msg", None) or error)
    lines = []
    for line in text.splitlines():
        if line.lstrip().startswith(("> in macro", "> called by", "compiled code at", "LINE ")):
            break
        lines.append(line.strip())
    return " ".join(line for line in lines if line) or type(error).__name__


def _close(adapter: BaseAdapter) -> None:
    """Closes every connection, also that of dbt-duckdb, which otherwise keeps its file until the process ends."""
    from dbt.adapters.factory import reset_adapters

    adapter.cleanup_connections()
    reset_adapters()  # type: ignore[no-untyped-call]
    close_all = getattr(adapter.connections, "close_all_connections", None)
    if close_all is not None:
        close_all()


def _connections(adapter: BaseAdapter) -> Any:
    return adapter.connections


@contextmanager
def _working_in(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _make_read_only(credentials: Any) -> None:
    """Opens a DuckDB file for reading only: nothing can be written, and other readers are not locked out."""
    if credentials.type == "duckdb" and not credentials.path.startswith(":memory:"):
        options: Mapping[str, Any] = credentials.config_options or {}
        credentials.config_options = {**options, "access_mode": "read_only"}


def _begin(adapter: BaseAdapter, statement: str) -> None:
    """Makes the first contact, where drivers still raise errors of their own."""
    try:
        _connections(adapter).begin()
        _connections(adapter).add_query(statement)
        _connections(adapter).commit()
    except Exception as error:
        raise ForensicsError(
            f"The warehouse cannot be opened ({sentence(error)}): check the profile with dbt debug, and that no other "
            "process holds the database."
        ) from error


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """Raises an error of dbt as one sentence."""
    from dbt_common.exceptions import DbtBaseException

    try:
        yield
    except DbtBaseException as error:
        raise ForensicsError(sentence(error)) from error
