"""Feeds on disk: `world.json` (how each is, what was put in) and a Parquet file of rows per feed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from dbt_forensics.errors import ForensicsError
from forensics_lab.breaking import ColumnChange, Publication, Withdrawal
from forensics_lab.feeds import DAY, ROW, Feed, healthy_rows, make_feeds
from forensics_lab.inject import Broken, Injection, Order, inject, plan

FORMAT_VERSION = 3
WARM_DAYS = 30
BUILD_HOUR = 9


@dataclass(frozen=True)
class World:
    """Feeds that start at one time and are built together.

    Attributes:
        seed: What made them.
        feeds: With what was put in.
    """

    seed: int
    feeds: list[Broken]

    @property
    def start(self) -> datetime:
        """When the first event may happen."""
        return self.feeds[0].feed.start

    @property
    def days(self) -> int:
        """How long it is."""
        return min(broken.feed.days for broken in self.feeds)

    def builds(self, every_hours: int = 24, warm_days: int = WARM_DAYS) -> list[timedelta]:
        """When builds run, from the start: once after the days in which nothing happens, then at a cadence."""
        first, last = timedelta(days=warm_days, hours=BUILD_HOUR), timedelta(days=self.days)
        count = int((last - first) / timedelta(hours=every_hours)) + 1
        return [first + number * timedelta(hours=every_hours) for number in range(count)]


def make_world(seed: int, count: int, rows: int, days: int) -> World:
    """A world of healthy feeds.

    Raises:
        ForensicsError: So many feeds and days cannot have so few rows, or the days are too few to break any.
    """
    if days < WARM_DAYS + 8:
        raise ForensicsError(f"{days} days are too few: give at least {WARM_DAYS + 8}.")
    return World(seed, [Broken(feed, healthy_rows(feed)) for feed in make_feeds(seed, count, rows, days)])


def break_world(world: World, seed: int, orders: Iterable[Order] | None = None, clean: int = 1) -> World:
    """A world with failures in it.

    Args:
        world: The world, which stays as it is.
        seed: The same seed puts in the same.
        orders: What to put in; `forensics_lab.inject.plan` decides if none is given.
        clean: How many feeds it leaves alone.

    Raises:
        ForensicsError: There is no such kind, severity, feed or day.
    """
    feeds = [broken.feed for broken in world.feeds]
    wanted = plan(feeds, seed, WARM_DAYS + 1, clean) if orders is None else list(orders)
    for order in wanted:
        if order.feed not in {feed.name for feed in feeds}:
            raise ForensicsError(
                f"There is no feed {order.feed}: give one of {', '.join(f.name for f in feeds)}."
            )
    return World(world.seed, [inject(one, wanted, seed) for one in world.feeds])


def write_world(folder: Path, world: World) -> None:
    """Writes a world into a folder, which is made if needed.

    Raises:
        ForensicsError: The folder holds something else.
    """
    if folder.exists() and not {path.name for path in folder.iterdir()} <= {"world.json", "feeds"}:
        raise ForensicsError(
            f"The folder {folder} holds something else than feeds of the lab: name another one."
        )
    (folder / "feeds").mkdir(parents=True, exist_ok=True)
    for old in (folder / "feeds").glob("*.parquet"):
        old.unlink()
    for broken in world.feeds:
        table = pa.table({name: pa.array(broken.rows[name]) for name in ROW.names or ()})
        pyarrow.parquet.write_table(table, folder / "feeds" / f"{broken.feed.name}.parquet")
    document = {
        "format_version": FORMAT_VERSION,
        "seed": world.seed,
        "feeds": [broken.feed.as_json() for broken in world.feeds],
        "changes": {
            broken.feed.name: [asdict(change) for change in broken.changes] for broken in world.feeds
        },
        "publications": {
            broken.feed.name: [asdict(wrong) for wrong in broken.publications] for broken in world.feeds
        },
        "withdrawals": {
            broken.feed.name: [asdict(one) for one in broken.withdrawals] for broken in world.feeds
        },
        "injections": [injection.as_json() for broken in world.feeds for injection in broken.injections],
    }
    (folder / "world.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read_world(folder: Path) -> World:
    """Returns a world that `write_world` has written.

    Raises:
        ForensicsError: There is none, or another version of the lab wrote it.
    """
    path = folder / "world.json"
    if not path.exists():
        raise ForensicsError(
            f"There are no feeds in {folder}: make some with python -m forensics_lab generate --feeds 6."
        )
    document = json.loads(path.read_text(encoding="utf-8"))
    if document["format_version"] != FORMAT_VERSION:
        raise ForensicsError(f"The feeds in {folder} are of another version of the lab: generate them again.")
    feeds = []
    for line in document["feeds"]:
        feed = Feed.of_json(line)
        table = pyarrow.parquet.read_table(folder / "feeds" / f"{feed.name}.parquet")
        rows = np.zeros(table.num_rows, dtype=ROW)
        for name in ROW.names or ():
            rows[name] = table.column(name).to_numpy()
        changes = [ColumnChange(**change) for change in document["changes"][feed.name]]
        injections = [
            Injection(**{**line, "consequences": tuple(line["consequences"])})
            for line in document["injections"]
            if line["feed"] == feed.name
        ]
        publications = [Publication(**wrong) for wrong in document["publications"][feed.name]]
        withdrawals = [Withdrawal(**one) for one in document["withdrawals"][feed.name]]
        feeds.append(Broken(feed, rows, changes, injections, publications, withdrawals))
    return World(document["seed"], feeds)


__all__ = [
    "DAY",
    "FORMAT_VERSION",
    "WARM_DAYS",
    "World",
    "break_world",
    "make_world",
    "read_world",
    "write_world",
]
