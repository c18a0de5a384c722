"""The JSON document of `dbt-forensics load`."""

from typing import TypedDict


class Counts(TypedDict):
    """What became of records: read = accepted + duplicate + rejected."""

    read: int
    accepted: int
    duplicate: int
    rejected: int
    rejected_by_reason: dict[str, int]


class LoadedFile(Counts):
    """What became of a file."""

    file: str
    status: str
    load_id: str | None
    digest: str | None
    refused: str | None
    missing_columns: list[str]
    same_as: str | None


class Total(Counts):
    """What became of all files."""

    files: int
    refused_files: int


class Loaded(TypedDict):
    """What became of some files; ``filled`` are the columns that the loader fills, by role."""

    relation: str
    stream: str | None
    filled: dict[str, str]
    notes: list[str]
    dry_run: bool
    files: list[LoadedFile]
    total: Total
