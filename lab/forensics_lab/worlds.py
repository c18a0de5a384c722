"""Feeds on disk: `world.json` (how each is, what was put in) and a Parquet file of rows per feed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from dbt_forensics.errors import ForensicsError
from forensics_lab import natures
from forensics_lab.breaking import ColumnChange, Publication, Withdrawal
from forensics_lab.feeds import DAY, ROW, Feed, healthy_rows, make_feeds
from forensics_lab.inject import Broken, Injection, Order, inject, plan
from forensics_lab.kinds import KINDS

FORMAT_VERSION = 4
WARM_DAYS = 30
BUILD_HOUR = 9


@dataclass(frozen=True)
class World:
    """Feeds that start at one time and are built together.

    Attributes:
        seed: What made them.
        feeds: With what was put in.
        warm_days: What the first build records; nothing is wrong in them.
    """

    seed: int
    feeds: list[Broken]
    warm_days: int = WARM_DAYS

    @property
    def start(self) -> datetime:
        """When the first event may happen."""
        return self.feeds[0].feed.start

    @property
    def days(self) -> int:
        """How long it is."""
        return min(broken.feed.days for broken in self.feeds)

    def builds(self, every_hours: int = 24) -> list[timedelta]:
        """When builds run, from the start: once after the days in which nothing happens, then at a cadence."""
        first, last = timedelta(days=self.warm_days, hours=BUILD_HOUR), timedelta(days=self.days)
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


def make_nasty_world(seed: int, clean: int = 4, broken: int = 4) -> World:
    """A world of healthy feeds as unlike what detectors expect as those of the world are: see `natures`.

    Args:
        seed: Other natures with each.
        clean: How many feeds nothing is to be put into.
        broken: How many feeds have a story, which `break_world` puts in.
    """
    feeds = natures.make_nasty_feeds(seed, clean, broken)
    return World(seed, [Broken(feed, healthy_rows(feed)) for feed in feeds], natures.WARM_DAYS)


def break_world(world: World, seed: int, orders: Iterable[Order] | None = None, clean: int = 1) -> World:
    """A world with failures in it.

    Args:
        world: The world, which stays as it is.
        seed: The same seed puts in the same.
        orders: What to put in. If none is given, the stories of the feeds, or what `forensics_lab.inject.plan` decides.
        clean: How many feeds it leaves alone.

    Raises:
        ForensicsError: There is no such kind, severity, feed or day.
    """
    feeds = [broken.feed for broken in world.feeds]
    wanted = list(orders or ())
    if orders is None:
        wanted = _told(feeds) or plan(feeds, seed, world.warm_days + 1, clean)
    for order in wanted:
        if order.feed not in {feed.name for feed in feeds}:
            raise ForensicsError(
                f"There is no feed {order.feed}: give one of {', '.join(f.name for f in feeds)}."
            )
    return replace(world, feeds=[inject(one, wanted, seed) for one in world.feeds])


def _told(feeds: Sequence[Feed]) -> list[Order]:
    """What the stories of feeds put in, of what the package has detectors for."""
    return [
        Order(kind, "medium", feed.name, natures.WARM_DAYS + day, repaired)
        for feed in feeds
        if (story := natures.story(feed))
        for kind, day, repaired in story.failures
        if KINDS[kind].is_looked_for
    ]


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
        "warm_days": world.warm_days,
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
    return World(document["seed"], feeds, document["warm_days"])


__all__ = [
    "DAY",
    "FORMAT_VERSION",
    "WARM_DAYS",
    "World",
    "break_world",
    "make_nasty_world",
    "make_world",
    "read_world",
    "write_world",
]
