"""Whether a file is one for this table, and which of its columns is which of the table's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dbt_forensics.load.model import RefusedError
from dbt_forensics.load.types import ColumnType
from dbt_forensics.text import visible

_MOST_NAMED = 20


@dataclass(frozen=True)
class Shape:
    """What rows must look like.

    Attributes:
        types: The table's columns, in their order.
        required: Those that must have a value.
        roles: Columns that the stream cannot do without, by role.
        filled: Columns that the loader fills where the file has no value.
        is_forced: Whether files of another shape are taken.
    """

    types: Mapping[str, ColumnType]
    required: frozenset[str] = frozenset()
    roles: Mapping[str, str] = field(default_factory=dict)
    filled: frozenset[str] = frozenset()
    is_forced: bool = False

    def column(self, name: str) -> str | None:
        """Returns the table's column for a name in a file: the same, or the only one that differs in case."""
        if name in self.types:
            return name
        alike = [column for column in self.types if column.casefold() == name.casefold()]
        return alike[0] if len(alike) == 1 else None

    def columns(self, names: Sequence[str]) -> list[str | None]:
        """Returns the table's column for each name.

        Raises:
            RefusedError: Two names are the same column.
        """
        found = [self.column(name) for name in names]
        twice = sorted({name for name in found if name is not None and found.count(name) > 1})
        if twice:
            raise RefusedError(f"Two of its columns are {twice[0]}, in different spelling: rename one.")
        return found

    def check(self, names: Iterable[str]) -> None:
        """Compares the names of a file's columns with the table's.

        Raises:
            RefusedError: They are another file's; the sentence has what was expected and what was found.
        """
        names = list(names)
        columns = [self.column(name) for name in names]
        unknown = [name for name, column in zip(names, columns, strict=True) if column is None]
        if len(unknown) == len(names):
            raise RefusedError(
                f"{self._compared(names)}: none of them is a column of the table; check that it is the right file."
            )
        if self.is_forced:
            return
        if unknown:
            raise RefusedError(
                f"{self._compared(names)}: the table has no {_listed(unknown)}; add it to the table, or load with "
                "--force to leave it out."
            )
        missing = [
            f"{column} ({role})"
            for role, column in self.roles.items()
            if column not in columns and column not in self.filled
        ]
        missing += [
            f"{name} (not null)"
            for name in self.types
            if name in self.required and name not in columns and name not in self.filled
        ]
        if missing:
            raise RefusedError(
                f"{self._compared(names)}: {_listed(missing)} is missing; check that it is the right file."
            )

    def expected(self) -> str:
        """Returns the columns that a file may have, as words."""
        return _listed([name for name in self.types if name not in self.filled])

    def _compared(self, names: Sequence[str]) -> str:
        return f"Expected the columns {self.expected()}; found {_listed(names) or 'none'}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(visible(name)[:60] for name in names[:_MOST_NAMED]) + more
