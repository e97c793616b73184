"""Which item an event belongs to, against a join that looks at every pair."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.outcomes.attribution import attribute


class One(NamedTuple):
    request_id: str
    user_id: str
    item_id: str
    second: int


ONES = st.builds(One, st.sampled_from(["", "r1", "r2"]), st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 12))
ANSWERS = ONES.map(lambda one: one._replace(request_id=one.request_id or "r0"))


PAIRS = {user + item: number for number, (user, item) in enumerate(product("ab", "xyz"))}


def joined(shown: list[One], done: list[One], window_s: int) -> tuple[dict[int, int], dict[int, int]]:
    schema = {"request_id": pl.String, "user_id": pl.String, "item_id": pl.String, "second": pl.Int64}

    def frame(ones: list[One], name: str) -> pl.DataFrame:
        pair = pl.concat_str("user_id", "item_id").replace_strict(PAIRS, return_dtype=pl.UInt32)
        return pl.DataFrame(ones, schema=schema, orient="row").with_row_index(name).select(name, "request_id", pair.alias("pair"), "second")

    found = attribute(frame(shown, "at"), frame(done, "event"), window_s)
    pairs = [list(part.select("event", "at").iter_rows()) for part in found]
    assert all(len(part) == len(dict(part)) for part in pairs)
    by_request, by_window = (dict(part) for part in pairs)
    return by_request, by_window


def slowly(shown: list[One], done: list[One], window_s: int) -> tuple[dict[int, int], dict[int, int]]:
    by_request, by_window = {}, {}
    for number, event in enumerate(done):
        same = [(one.second, at) for at, one in enumerate(shown) if (one.user_id, one.item_id) == (event.user_id, event.item_id)]
        if event.request_id:
            same = [(second, at) for second, at in same if shown[at].request_id == event.request_id]
            before = [found for found in same if found[0] <= event.second]
            if same:
                by_request[number] = (max(before) if before else min(same))[1]
        elif before := [found for found in same if event.second - window_s <= found[0] <= event.second]:
            by_window[number] = max(before)[1]
    return by_request, by_window


@settings(deadline=None)
@given(st.lists(ANSWERS, max_size=25), st.lists(ONES, max_size=15), st.integers(1, 6))
def test_as_a_join_that_looks_at_every_pair(shown: list[One], done: list[One], window_s: int) -> None:
    assert joined(shown, done, window_s) == slowly(shown, done, window_s)


def test_an_event_of_an_answer_that_is_not_in_the_sample_belongs_to_nothing() -> None:
    shown = [One("r1", "a", "x", 5)]
    assert joined(shown, [One("r2", "a", "x", 6), One("", "a", "x", 6), One("r1", "b", "x", 6)], 10) == ({}, {1: 0})


def test_the_window_ends_and_a_request_does_not() -> None:
    shown = [One("r1", "a", "x", 5)]
    done = [One("", "a", "x", 15), One("", "a", "x", 16), One("", "a", "x", 4), One("r1", "a", "x", 10_000), One("r1", "a", "x", 4)]
    assert joined(shown, done, 10) == ({3: 0, 4: 0}, {0: 0})
