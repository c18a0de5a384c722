"""Whether a file is one for this table, and which of its columns is which of the table's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from dbt_forensics.load.fits import fitted
from dbt_forensics.load.model import RefusedError
from dbt_forensics.load.types import SUPPORTED, ColumnType
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
        given: Columns that the names of the file's folders give, with the value of all its rows.
        not_null: Those that take no NULL: the required ones, and those with a default for who does not name them.
        others: Columns of the table that nothing can be loaded into, with their types in the engine's words.
    """

    types: Mapping[str, ColumnType]
    required: frozenset[str] = frozenset()
    roles: Mapping[str, str] = field(default_factory=dict)
    filled: frozenset[str] = frozenset()
    is_forced: bool = False
    given: Mapping[str, str | None] = field(default_factory=dict)
    not_null: frozenset[str] = frozenset()
    others: Mapping[str, str] = field(default_factory=dict)

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
            lacking = [name for name in unknown if self._other(name) is None]
            if lacking:
                raise RefusedError(
                    f"{self._compared(names)}: the table has no {_listed(lacking)}; add it to the table, or load with "
                    "--force to leave it out."
                )
            raise RefusedError(
                f"{self._compared(names)}: the table's {_listed(unknown)} has the type {self._other(unknown[0])}, and "
                f"dbt-forensics load writes {SUPPORTED}; change the column, or load with --force to leave it out."
            )
        there = {*columns, *self.filled, *self.given}
        missing = [f"{column} ({role})" for role, column in self.roles.items() if column not in there]
        missing += [
            f"{name} (not null)" for name in self.types if name in self.required and name not in there
        ]
        if missing:
            raise RefusedError(
                f"{self._compared(names)}: {_listed(missing)} is missing; check that it is the right file."
            )

    def _other(self, name: str) -> str | None:
        return next(
            (words for other, words in self.others.items() if other.casefold() == name.casefold()), None
        )

    def with_keys(self, keys: Mapping[str, str | None]) -> Shape:
        """Returns the shape of a file whose folders are named with keys.

        Raises:
            RefusedError: The table does not have one of them, or it is no value of its column.
        """
        given: dict[str, str | None] = {}
        for key, value in keys.items():
            column = self.column(key)
            if column is None and not self.is_forced:
                raise RefusedError(
                    f"Its folder is named {visible(key)}=…, and the table has no column {visible(key)}: add it to the "
                    "table, or load with --force to leave it out."
                )
            if column is None:
                continue
            if column in given:
                raise RefusedError(f"Two of its folders name the column {column}: rename one.")
            if value is not None and not fitted(pa.array([value]), self.types[column])[1][0].as_py():
                raise RefusedError(
                    f"Its folder is named {visible(key)}={visible(value)[:60]}, and the column {column} has the type "
                    f"{self.types[column].words}: that value does not fit it without being changed."
                )
            given[column] = value
        return replace(self, given=given)

    def lacking(self, columns: Collection[str]) -> list[str]:
        """Returns the columns of the table that nothing gives a value to."""
        return [name for name in self.types if name not in {*columns, *self.filled, *self.given}]

    def expected(self) -> str:
        """Returns the columns that a file may have, as words."""
        return _listed([name for name in self.types if name not in self.filled])

    def _compared(self, names: Sequence[str]) -> str:
        return f"Expected the columns {self.expected()}; found {_listed(names) or 'none'}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(visible(name)[:60] for name in names[:_MOST_NAMED]) + more
