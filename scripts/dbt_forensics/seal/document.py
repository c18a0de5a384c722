"""The JSON documents of `dbt-forensics seal`."""

from typing import TypedDict


class Head(TypedDict):
    """The head of a chain, or what stands for the content of a table."""

    chain: str
    name: str
    recorded_at: str
    head: str


class Export(TypedDict):
    """The heads of all chains at one time."""

    dbt_forensics_seals: int
    project: str
    target: str
    recorded_at: str
    heads: list[Head]


class BrokenChain(TypedDict):
    """What is not as it was when it was exported."""

    chain: str
    name: str
    problem: str
    exported_at: str
    last_held_at: str | None


class Verification(TypedDict):
    """What is not as it was at any of the exports."""

    target: str
    exports: int
    broken: list[BrokenChain]
