"""Without a user means: as if that user had never been in the data."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import DataError
from trainer.interactions.interactions import Interactions, from_frame
from trainer.interactions.subset import without_users

EVENTS = st.lists(st.tuples(st.integers(0, 150), st.integers(0, 12), st.integers(1, 5), st.integers(0, 9)), min_size=1, max_size=300)


def interactions_of(frame: pl.DataFrame) -> Interactions:
    return from_frame(frame, "a test")


def frame_of(events: list[tuple[int, int, int, int]], as_text: bool) -> pl.DataFrame:
    columns = dict(zip(("user", "item", "weight", "time"), map(list, zip(*events, strict=True)), strict=True))
    frame = pl.DataFrame(columns).with_columns(pl.col("weight").cast(pl.Float64))
    return frame.with_columns(pl.format("u{}", "user").alias("user"), pl.format("i{}", "item").alias("item")) if as_text else frame


@settings(deadline=None)  # the first example compiles kernels
@given(EVENTS, st.sets(st.integers(0, 150)), st.booleans())
def test_equals_data_in_which_the_users_never_were(events: list[tuple[int, int, int, int]], gone: set[int], as_text: bool) -> None:
    frame = frame_of(events, as_text)
    names = {f"u{user}" if as_text else user for user in gone}
    rest = frame.filter(~pl.col("user").is_in(list(names))) if names else frame
    made = interactions_of(frame)
    positions = [at for at, user in enumerate(made.user_ids) if user in names]
    if rest.is_empty():
        with pytest.raises(DataError, match=r"all .* are of users who are left out"):
            without_users(made, positions, "erased user")
        return
    left, expected = without_users(made, positions, "erased user"), interactions_of(rest)
    assert left.user_ids == expected.user_ids
    assert left.item_ids == expected.item_ids
    for name in ("bucket_ends", "user_idx", "item_idx", "weight", "time"):
        np.testing.assert_array_equal(getattr(left, name), getattr(expected, name))
    n_gone = frame.height - rest.height
    assert left.dropped == ({"erased user": n_gone} if positions else {})
