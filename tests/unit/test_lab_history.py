"""The lab's core: the same seed gives the same history, and the history has what it says it has."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dbt_forensics.errors import ForensicsError
from forensics_lab import shop
from forensics_lab.history import Delete, Insert, Plan, Step, Update, steps
from forensics_lab.shop import Settings

SETTINGS = Settings(rows=40_000, seed=7, days=10)
CONTENT = [
    "customer_id",
    "event_type",
    "occurred_at",
    "business_unit",
    "amount",
    "currency",
    "status",
    "channel",
]
HOSPITALISATIONS = (
    Path(__file__).parents[3] / "shared" / "data" / "germany_hospitalisations" / "truth_lateness.parquet"
)


@pytest.fixture(scope="module")
def history() -> list[Step]:
    return list(steps(SETTINGS))


@pytest.fixture(scope="module")
def rows(history: list[Step]) -> pd.DataFrame:
    """All rows as they were inserted, with the step that made them visible."""
    frames = [
        operation.rows.to_pandas().assign(step=step.number)
        for step in history
        for operation in step.operations
        if isinstance(operation, Insert)
    ]
    return pd.concat(frames, ignore_index=True)


def injected(history: list[Step], kind: str) -> Counter[tuple[str, str]]:
    """What the manifest says of a kind, as (load, event id)."""
    return Counter(
        (str(injection.batch_id), event_id)
        for step in history
        for injection in step.injections
        if injection.kind == kind
        for event_id in injection.event_ids
    )


def found(rows: pd.DataFrame) -> dict[str, Counter[tuple[str, str]]]:
    """The same from the rows alone: what a later row of an event id is, and what is wrong with the first."""
    ordered = rows.sort_values(["event_id", "_loaded_at"], kind="stable")
    first = ordered.groupby("event_id").transform("first")
    is_later = ordered["event_id"].duplicated()
    has_other_amount = ordered["amount"] != first["amount"]
    has_other_currency = ordered["currency"] != first["currency"]
    is_ahead = ~is_later & (ordered["occurred_at"] > ordered["_loaded_at"])
    masks = {
        "retry": is_later & ~has_other_amount & ~has_other_currency,
        "correction": is_later & has_other_amount & ~has_other_currency,
        "conflict": is_later & has_other_currency & ~has_other_amount,
        "negative_amount": ordered["amount"] < 0,
        "clock_skew": is_ahead,
    }
    pairs = {kind: ordered.loc[mask, ["_load_id", "event_id"]] for kind, mask in masks.items()}
    return {
        kind: Counter(zip(pair["_load_id"], pair["event_id"], strict=True)) for kind, pair in pairs.items()
    }


@pytest.mark.parametrize("kind", ["retry", "correction", "conflict", "negative_amount"])
def test_manifest_lists_exactly_what_is_in_the_rows(
    history: list[Step], rows: pd.DataFrame, kind: str
) -> None:
    listed = injected(history, kind)
    assert listed
    assert found(rows)[kind] == listed


def test_a_row_that_the_manifest_does_not_know_is_found(history: list[Step], rows: pd.DataFrame) -> None:
    planted = pd.concat(
        [rows, rows.iloc[[100]].assign(_load_id="load_x", _loaded_at=rows["_loaded_at"].max())]
    )
    assert found(planted)["retry"] - injected(history, "retry") == Counter(
        {("load_x", rows["event_id"][100]): 1}
    )


def test_every_row_ahead_of_its_load_comes_from_a_skewed_clock(
    history: list[Step], rows: pd.DataFrame
) -> None:
    ahead = found(rows)["clock_skew"]
    assert ahead
    assert not ahead - injected(history, "clock_skew")
    future_rows = sum(
        i.details["future_rows"] for s in history for i in s.injections if i.kind == "clock_skew"
    )
    assert future_rows == int((rows["occurred_at"] - rows["_loaded_at"] > pd.Timedelta("5min")).sum())


def test_retries_are_equal_in_every_content_column(history: list[Step], rows: pd.DataFrame) -> None:
    retried = rows[rows["event_id"].isin([event_id for _, event_id in injected(history, "retry")])]
    assert (retried.groupby("event_id")[CONTENT].nunique(dropna=False) == 1).all(axis=None)
    assert (retried.groupby("event_id")["_load_id"].nunique() == 2).all()


def test_what_is_done_to_loads_in_place_is_as_planned(history: list[Step], rows: pd.DataFrame) -> None:
    plan = Plan.of(SETTINGS)
    by_step = {step.number: step for step in history}
    batch_of = {
        number: (SETTINGS.start + pd.Timedelta(hours=number)).strftime("load_%Y%m%d_%H") for number in by_step
    }

    rewrite = next(o for o in by_step[plan.rewritten_at].operations if isinstance(o, Update))
    before = rows[rows["_load_id"] == batch_of[plan.rewritten_load]].set_index("event_id")["amount"]
    assert rewrite.batch_id == batch_of[plan.rewritten_load]
    assert len(rewrite.amounts) > 3
    assert all(amount > before[event_id] for event_id, amount in rewrite.amounts.items())

    swap = next(o for o in by_step[plan.same_sum_at].operations if isinstance(o, Update))
    before = rows[rows["_load_id"] == batch_of[plan.same_sum_load]].set_index("event_id")["amount"]
    assert len(swap.amounts) > 1
    assert all(amount != before[event_id] for event_id, amount in swap.amounts.items())
    assert sum(swap.amounts.values()) == before[list(swap.amounts)].sum()

    assert Delete(batch_of[plan.deleted_load]) in by_step[plan.deleted_at].operations

    late = rows[rows["_load_id"] == batch_of[plan.late_load]]
    assert len(late) > 0
    assert (late["step"] == plan.late_visible).all()
    seen_before = rows[rows["step"] < plan.late_visible]
    assert (seen_before["_loaded_at"] > late["_loaded_at"].iloc[0]).any()


@pytest.mark.parametrize("kind", ["batch_rewritten", "batch_rewritten_same_sum", "batch_deleted"])
def test_announced_changes_of_the_paid_amount_are_those_of_the_rows(
    history: list[Step], rows: pd.DataFrame, kind: str
) -> None:
    injection = next(i for step in history for i in step.injections if i.kind == kind)
    operations = [o for step in history if step.number == injection.step for o in step.operations]
    batch = rows[(rows["_load_id"] == injection.batch_id) & (rows["status"] == "paid")]
    amounts = next((o.amounts for o in operations if isinstance(o, Update)), {})
    zero = Decimal(0) if kind == "batch_deleted" else None
    after = [
        amounts.get(event_id, amount) if zero is None else zero
        for event_id, amount in zip(batch["event_id"], batch["amount"], strict=True)
    ]
    change = (pd.Series(after, index=batch.index) - batch["amount"]).groupby(
        [batch["occurred_at"].dt.strftime("%Y-%m-%d"), batch["currency"]]
    )
    announced = {
        (c["occurred_on"], c["currency"]): Decimal(c["change"])
        for c in injection.details["paid_amount_changes"]
    }
    expected = {key: total for key, total in change.sum().items() if key in announced or total != 0}
    assert announced == expected
    assert (sum(announced.values()) == 0) == (kind == "batch_rewritten_same_sum")


def test_loads_that_are_changed_in_place_hold_plain_rows_only(history: list[Step]) -> None:
    touched = {o.batch_id for s in history for o in s.operations if isinstance(o, Update | Delete)}
    marked = {load for kind in shop.MARKS for load, _ in injected(history, kind)}
    assert len(touched) == 3
    assert not touched & marked


def test_channel_is_known_from_the_upgrade_on(history: list[Step], rows: pd.DataFrame) -> None:
    upgrade = Plan.of(SETTINGS).column_added_at
    inserts = [(s.number, o.rows) for s in history for o in s.operations if isinstance(o, Insert)]
    assert all(("channel" in table.column_names) == (number >= upgrade) for number, table in inserts)
    assert (rows["channel"].notna() == (rows["schema_version"] == 2)).all()
    assert (rows.loc[rows["step"] < upgrade, "schema_version"] == 1).all()


def test_the_number_of_rows_is_about_what_was_asked_for(rows: pd.DataFrame) -> None:
    assert 1.0 <= len(rows) / SETTINGS.rows <= 1.05
    assert set(rows["event_type"]) == set(shop.EVENT_TYPES)


def test_sequence_numbers_of_a_customer_have_no_gap_but_for_what_is_under_way(rows: pd.DataFrame) -> None:
    numbers = rows.drop_duplicates("event_id").groupby("customer_id")["seq"]
    assert numbers.apply(lambda seq: seq.is_unique).all()
    missing = (numbers.max() - numbers.count()).sum()
    assert 0 <= missing < 0.02 * len(rows)


def test_orders_follow_the_hour_and_the_weekday(rows: pd.DataFrame) -> None:
    placed = rows[(rows["event_type"] == "placed") & ~rows["event_id"].duplicated()]["occurred_at"]
    by_hour = placed.dt.hour.value_counts()
    assert by_hour[19] > 5 * by_hour[3]
    by_day = placed.dt.floor("D").value_counts()
    assert (
        by_day[pd.Timestamp("2026-01-10")] > 1.2 * by_day[pd.Timestamp("2026-01-11")]
    )  # a Saturday, a Sunday


def test_lateness_has_a_prompt_majority_and_a_heavy_tail() -> None:
    seconds = shop.lateness_seconds(np.random.default_rng(1), 400_000)
    assert 80 < np.quantile(seconds, 0.5) < 120
    assert 0.02 < (seconds > 6 * 3600).mean() < 0.04
    assert 0.003 < (seconds > 2 * 86400).mean() < 0.008
    assert seconds.min() > 0
    assert seconds.max() <= shop.LONGEST_LATENESS_SECONDS


@pytest.mark.skipif(not HOSPITALISATIONS.exists(), reason="the shared data are not here")
def test_the_tail_has_the_shape_of_recorded_reporting_delays() -> None:
    counts = pd.read_parquet(HOSPITALISATIONS).groupby("delay")["count"].sum()
    recorded = (counts.cumsum() / counts.sum()).to_numpy()
    days = np.arange(1, len(recorded) + 1)
    fitted = np.array([_lognormal(day, median=2.94, sigma=shop.LATE_SIGMA) for day in days])
    assert np.abs(fitted / fitted[-1] - recorded).max() < 0.021


def _lognormal(value: float, median: float, sigma: float) -> float:
    return 0.5 * (1 + math.erf(math.log(value / median) / sigma / math.sqrt(2)))


def test_same_seed_same_history_other_seed_other_history(history: list[Step]) -> None:
    assert list(steps(SETTINGS)) == history
    assert list(steps(replace(SETTINGS, seed=8))) != history


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"days": 7}, "7 days are too few for the failures of a week: give at least 8."),
        ({"rows": 100, "days": 8}, "100 rows are too few for 8 days: give at least 6400."),
        ({"seed": -1}, "The seed is -1: give 0 or more."),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, int], sentence: str) -> None:
    with pytest.raises(ForensicsError) as refused:
        Settings(**settings)  # type: ignore[arg-type]
    assert str(refused.value) == sentence


@pytest.mark.parametrize("seed", range(20))
def test_the_smallest_history_has_every_failure_of_the_last_week(seed: int) -> None:
    smallest = Settings(rows=shop.ROWS_PER_DAY * 8, seed=seed, days=8)
    rows_by_kind = Counter({i.kind: i.rows for step in steps(smallest) for i in step.injections})
    for kind in ("late_commit", "batch_rewritten", "batch_rewritten_same_sum", "batch_deleted"):
        assert rows_by_kind[kind] > 0, kind
