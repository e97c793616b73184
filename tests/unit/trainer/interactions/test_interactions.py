"""Interactions: validated at the door, and what was dropped is counted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from contract.errors import DataError
from contract.formats.keys import bucket_of
from trainer.interactions.interactions import from_frame, from_frames
from trainer.interactions.limits import MAX_WEIGHT, TIMES


def frame(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"user": ["u1", "u2", "u1"], "item": ["a", "b", "b"], "weight": [1.0, 2.0, 3.0], **columns})


def refusal(*frames: pl.DataFrame) -> str:
    with pytest.raises(DataError) as caught:
        from_frames(frames, "events.csv")
    return str(caught.value)


def test_columns_are_positions_of_ids() -> None:
    made = from_frame(frame(time=[10, 30, 20]), "a test")
    rows = zip(made.user_idx.tolist(), made.item_idx.tolist(), strict=True)
    assert [(made.user_ids[user], made.item_ids[item]) for user, item in rows] == [("u1", "a"), ("u2", "b"), ("u1", "b")]
    assert made.item_ids == ["a", "b"]
    assert made.time is not None
    assert (made.weight.tolist(), made.time.tolist()) == ([1, 2, 3], [10, 30, 20])
    assert [array.dtype.str for array in (made.user_idx, made.item_idx, made.weight, made.time)] == ["<i4", "<i4", "<f4", "<i8"]
    assert (made.source, dict(made.dropped)) == ("a test", {})
    assert made.data_until == "1970-01-01T00:00:30Z"


def test_users_are_in_order_of_bucket() -> None:
    users = list(range(500))
    made = from_frame(pl.DataFrame({"user": users, "item": users, "weight": [1.0] * 500}), "a test")
    n_buckets = len(made.bucket_ends)
    buckets = [bucket_of(user, n_buckets) for user in made.user_ids]
    assert n_buckets > 1
    assert buckets == sorted(buckets)
    assert made.bucket_ends.tolist() == np.searchsorted(buckets, np.arange(n_buckets), "right").tolist()
    assert [made.user_ids[user] for user in made.user_idx] == users


def test_several_frames_are_one_table() -> None:
    whole = frame(time=[10, 30, 20])
    made, parts = from_frame(whole, "a test"), from_frames(iter([whole[:1], whole[1:1], whole[1:]]), "a test")
    assert (made.user_ids, made.item_ids) == (parts.user_ids, parts.item_ids)
    for name in ("user_idx", "item_idx", "weight", "time", "bucket_ends"):
        np.testing.assert_array_equal(getattr(made, name), getattr(parts, name))


def test_ids_that_are_text_in_a_later_frame_make_all_of_them_text() -> None:
    one = pl.DataFrame({"user": ["1", "2"], "item": ["1", "2"], "weight": [1.0, 1.0]})
    made = from_frames([one, one.with_columns(pl.Series("user", ["1", "054"]))], "a test")
    assert sorted(map(str, made.user_ids)) == sorted(made.user_ids, key=str) == ["054", "1", "2"]
    assert made.item_ids == [1, 2]
    assert [made.user_ids[user] for user in made.user_idx] == ["1", "2", "1", "054"]


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf"), 1e-60])
def test_rows_without_a_positive_weight_are_dropped_and_counted(bad: float) -> None:
    made = from_frame(frame(weight=[1.0, bad, 3.0]), "a test")
    assert (made.weight.tolist(), dict(made.dropped)) == ([1, 3], {"weight not positive": 1})
    assert made.user_ids == ["u1"]


@pytest.mark.parametrize("column", ["user", "item", "weight"])
def test_rows_without_a_value_are_dropped_and_counted(column: str) -> None:
    whole = frame()
    made = from_frame(whole.with_columns(pl.Series(column, [*whole[column][:2], None])), "a test")
    assert (made.weight.tolist(), dict(made.dropped)) == ([1, 2], {"missing value": 1})


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_rows_without_a_time_are_dropped_and_counted(missing: float | None) -> None:
    made = from_frame(frame(time=pl.Series([1.9, missing, 7.0], dtype=pl.Float64)), "a test")
    assert made.time is not None
    assert (made.time.tolist(), dict(made.dropped)) == ([1, 7], {"missing value": 1})


def test_the_count_of_dropped_rows_is_over_all_frames() -> None:
    made = from_frames([frame(weight=[0.0, 1.0, None]), frame(weight=[-1.0, None, None]), frame()], "a test")
    assert dict(made.dropped) == {"weight not positive": 2, "missing value": 3}


def test_when_nothing_is_left_the_reasons_are_counted() -> None:
    message = refusal(frame(weight=[0.0, None, -1.0]))
    assert message == "events.csv: no interaction is left of 3 rows: 1 with missing value, 2 with weight not positive"
    assert refusal(frame()[:0]) == "events.csv: no interaction is left of 0 rows"
    assert refusal() == "events.csv: no interaction is left of 0 rows"


def test_the_heaviest_weight_is_accepted_and_anything_above_is_not() -> None:
    assert from_frame(frame(weight=[1.0, MAX_WEIGHT / 2, 1.0]), "a test").weight.max() == np.float32(MAX_WEIGHT / 2)
    assert "weights above 1e+15" in refusal(frame(weight=[1.0, 1e16, 1.0]))
    assert "a weight is inf" in refusal(frame(weight=[1.0, 1e300, 1.0]))


@pytest.mark.parametrize("wrong", [1_700_000_000_000, -1_000_000_000_000, TIMES[0] - 1, TIMES[1] + 1, 2**62])
@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64])
def test_times_outside_the_calendar_are_refused(wrong: int, dtype: type[pl.DataType]) -> None:
    message = refusal(frame(time=pl.Series([1, wrong, 3]).cast(dtype)))
    assert message.startswith(f"events.csv: a time is {wrong:.15g}, outside the years 1 to 9999")
    assert "divide milliseconds by 1000" in message


def test_the_first_and_the_last_second_of_the_calendar_are_times() -> None:
    made = from_frame(frame(time=[*TIMES, 0]), "a test")
    assert made.data_until == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("times", "until"),
    [
        ([datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 5, 4, 3, 2, 1, 999, tzinfo=UTC), None], "2021-05-04T03:02:01Z"),
        ([datetime(1960, 1, 1), None, None], "1960-01-01T00:00:00Z"),
        ([date(2020, 1, 1), date(2021, 5, 4), None], "2021-05-04T00:00:00Z"),
    ],
    ids=["with zone", "before 1970", "date"],
)
def test_columns_of_dates_are_times(times: list[Any], until: str) -> None:
    made = from_frame(frame(time=times), "a test")
    assert made.data_until == until
    assert made.dropped["missing value"] == times.count(None)


def test_a_table_without_times_has_none() -> None:
    made = from_frame(frame(), "a test")
    assert made.time is None
    assert made.data_until is None


def test_weights_may_be_integers() -> None:
    assert from_frame(frame(weight=[1, 0, 7]), "a test").weight.tolist() == [1, 7]
