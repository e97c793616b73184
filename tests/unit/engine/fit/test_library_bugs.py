"""Where recommenders 1.2.1 is wrong: each test shows what its SAR does, and that ours is right.

The first half of a test fails on the day that the library is mended; then the test can go, and the oracle can judge that case too.
"""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from recommenders.models.sar import sar_singlenode

from contract.errors import DataError
from contract.formats.keys import Id
from contract.settings.settings import ModelSettings
from tests.support.models.fitting import LAYOUTS, Event, Layout, Memory, by_id, interactions_of, lists_of, matrix_of, rows_of, similarity_of
from tests.support.models.oracle import quiet
from tests.support.paths import ROOT
from trainer.fitting import recommenders_sar as reference
from trainer.fitting.recommenders_sar import SAR
from trainer.interactions.interactions import from_frame

DAY_S = 86400
NOW = 1_700_000_000
PLAIN = ModelSettings(similarity="cooccurrence", time_decay_days=0, normalize=False)
DECAYED = ModelSettings(similarity="jaccard", time_decay_days=1, normalize=True)

# Users 1 to 3 share items a to d; each lacks one of them.
EVENTS: list[Event] = [
    *(("u1", item, 3.0, NOW) for item in "abc"),
    *(("u2", item, 4.0, NOW) for item in "bcd"),
    *(("u3", item, 5.0, NOW) for item in "acd"),
]
OTHERS: list[Event] = [("v1", "p", 1.0, NOW), ("v1", "q", 1.0, NOW), ("v2", "p", 1.0, NOW)]


def frame(events: list[Event]) -> pd.DataFrame:
    return pd.DataFrame(events, columns=[reference.USER, reference.ITEM, reference.WEIGHT, reference.TIME])


def fitted(events: list[Event], model: ModelSettings) -> SAR:
    sar = reference.new_sar(model, decays=model.time_decay_days > 0)
    with quiet():
        sar.fit(frame(events))
    return sar


def theirs(sar: SAR, users: list[str], top_k: int = 3) -> dict[str, list[tuple[str, float]]]:
    with quiet():
        found = sar.recommend_k_items(pd.DataFrame({reference.USER: users}), top_k=top_k, remove_seen=True)
    rows: dict[str, list[tuple[str, float]]] = {user: [] for user in users}
    for user, item, score in found[[reference.USER, reference.ITEM, "prediction"]].itertuples(index=False):
        rows[user].append((item, float(score)))
    return rows


def ours(events: list[Event], model: ModelSettings, layout: Layout = "dense") -> dict[Id, list[Id]]:
    interactions = interactions_of(events)
    return {user: [item for item, _ in entries] for user, entries in by_id(interactions, lists_of(interactions, model, layout)).items()}


def test_weight_zero() -> None:
    events: list[Event] = [*EVENTS, ("u4", "a", 0.0, NOW), ("u4", "b", 2.0, NOW)]
    sar = fitted(events, PLAIN)
    with quiet():
        assert np.isnan(np.asarray(sar.score(pd.DataFrame({reference.USER: ["u4"]}), remove_seen=True))).any()
    assert [item for item, _ in theirs(sar, ["u4"], top_k=2)["u4"]] == ["c"]  # of two that were asked for, and three that exist
    # Weight 0 says nothing: the row is dropped at the door, and counted. c shares two users with b (u1, u2); a and d one.
    assert interactions_of(events).dropped == {"weight not positive": 1}
    assert ours(events, PLAIN)["u4"] == ["c", "a", "d"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("normalize", [True, False])
def test_decay_that_underflows(normalize: bool, layout: Layout) -> None:
    """u1's events are twenty years old, at a half-life of a day: 2 ** -7300 is 0 in float64."""
    long_ago = NOW - 20 * 365 * DAY_S
    events = [(user, item, weight, long_ago if user == "u1" else time) for user, item, weight, time in EVENTS]
    model = DECAYED.model_copy(update={"normalize": normalize})
    sar = fitted(events, model)
    with quiet():
        assert np.isnan(np.asarray(sar.score(pd.DataFrame({reference.USER: ["u1"]}), remove_seen=True))).any()
    rows = rows_of(interactions_of(events), model)
    assert rows.exponent.tolist().count(-7300) == 1
    assert (rows.affinity > 0).all()
    assert ours(events, model, layout)["u1"] == ["d"]


def test_negative_weight() -> None:
    events: list[Event] = [*EVENTS, ("u4", "a", -1.0, NOW), ("u4", "b", 2.0, NOW)]
    assert theirs(fitted(events, PLAIN), ["u4"])["u4"][0] == ("a", np.inf)  # an item that the user has seen
    assert interactions_of(events).dropped == {"weight not positive": 1}
    assert ours(events, PLAIN)["u4"] == ["c", "a", "d"]


def test_one_pair_twice_without_decay() -> None:
    events: list[Event] = [*EVENTS, ("u1", "a", 1.0, NOW)]
    sar = fitted(events, PLAIN)
    item = sar.item2index["a"]
    assert sar.item_similarity.toarray()[item, item] == 5  # u1 and u3 have met it: 2
    assert sar.user_affinity.toarray()[sar.user2index["u1"], item] == 4
    interactions = interactions_of(events)
    rows = rows_of(interactions, PLAIN)
    for layout in LAYOUTS:
        assert matrix_of(similarity_of(rows, 4, PLAIN, layout), 4).diagonal().tolist() == [2, 2, 3, 2]
    assert affinity_of(events, PLAIN, "u1") == {"a": 4, "b": 3, "c": 3}


def test_one_pair_twice_with_decay() -> None:
    """The library adds up the timestamps too, so the pair seems to lie in the future: unit weight 1 in place of 1 + 1/2."""
    events: list[Event] = [*EVENTS, ("u1", "a", 1.0, NOW - DAY_S)]
    sar = fitted(events, DECAYED)
    assert sar.unity_user_affinity.toarray()[sar.user2index["u1"], sar.item2index["a"]] == 1
    interactions = interactions_of(events)
    rows = rows_of(interactions, DECAYED)
    row = interactions.user_ids.index("u1")
    assert rows.unity[rows.indptr[row] : rows.indptr[row + 1]].tolist() == [1.5, 1, 1]
    assert affinity_of(events, DECAYED, "u1") == {"a": 3.5, "b": 3, "c": 3}
    assert (rows.weight_min, rows.weight_max) == (3, 5)


def affinity_of(events: list[Event], model: ModelSettings, user: str) -> dict[Id, float]:
    interactions = interactions_of(events)
    rows = rows_of(interactions, model)
    row = interactions.user_ids.index(user)
    part = slice(rows.indptr[row], rows.indptr[row + 1])
    return {interactions.item_ids[item]: value for item, value in zip(rows.indices[part], rows.affinity[part].tolist(), strict=True)}


def test_engine_recommenders_refuses_a_pair_twice() -> None:
    with pytest.raises(DataError, match="can't take a pair twice"):
        reference.fit(interactions_of([*EVENTS, ("u1", "a", 1.0, NOW)]), PLAIN, Memory().allocate)


def test_a_user_who_has_seen_everything() -> None:
    events: list[Event] = [*EVENTS, *(("u4", item, 1.0, NOW) for item in "abcd")]
    assert theirs(fitted(events, PLAIN), ["u1", "u4"])["u4"] == []  # no row at all
    for layout in LAYOUTS:
        assert ours(events, PLAIN, layout) == {"u1": ["d"], "u2": ["a"], "u3": ["b"], "u4": []}


def test_fewer_items_with_a_score_than_asked_for() -> None:
    events: list[Event] = [*EVENTS, ("u5", "x", 1.0, NOW), ("u5", "y", 1.0, NOW), ("u6", "x", 1.0, NOW)]
    library = theirs(fitted(events, PLAIN), ["u6"])["u6"]
    assert library[0][0] == "y"
    assert [score for _, score in library] == [1, 0, 0]  # padding
    for layout in LAYOUTS:
        assert ours(events, PLAIN, layout)["u6"] == ["y"]


def test_an_unknown_user() -> None:
    sar = fitted(EVENTS, PLAIN)
    with pytest.raises(ValueError, match="not in the training set"):
        theirs(sar, ["u1", "nobody"])
    pairs = pd.DataFrame({reference.USER: ["u2", "u1"], reference.ITEM: ["a", "d"]})
    right = [sar.score(pairs[pairs[reference.USER] == user])[0, sar.item2index[item]] for user, item in (("u2", "a"), ("u1", "d"))]
    assert right == [16, 12]
    assert sar.predict(pairs)["prediction"].tolist() != right  # each has the other's scores
    # Lists are made for the users that there are, each from its own row; nobody else can be named.
    assert ours(EVENTS, PLAIN) == {"u1": ["d"], "u2": ["a"], "u3": ["b"]}


def test_refit() -> None:
    """The library keeps the ids, and the clock, of its first fit."""
    sar = fitted(EVENTS, DECAYED)
    later: list[Event] = [(user, item, weight, time + 365 * DAY_S) for user, item, weight, time in EVENTS]
    with quiet():
        sar.fit(frame(later))
        assert sar.time_now == NOW
        sar.fit(frame(OTHERS))
    assert list(sar.user2index) == ["u1", "u2", "u3"]
    with pytest.raises(ValueError, match="not in the training set"):
        theirs(sar, ["v1"])
    first, second = ours(EVENTS, DECAYED), ours(OTHERS, DECAYED)
    assert first == {"u1": ["d"], "u2": ["a"], "u3": ["b"]}
    assert second == {"v1": [], "v2": ["q"]}
    assert ours(EVENTS, DECAYED) == first


def test_times_of_a_date_type() -> None:
    times = [datetime.fromtimestamp(NOW - day * DAY_S, UTC) for day in range(len(EVENTS))]
    dated = frame(EVENTS)
    dated[reference.TIME] = pd.to_datetime([time.replace(tzinfo=None) for time in times])
    with pytest.raises(TypeError):
        reference.new_sar(DECAYED, decays=True).fit(dated)
    columns: dict[str, Any] = {
        "user": [event[0] for event in EVENTS],
        "item": [event[1] for event in EVENTS],
        "weight": [event[2] for event in EVENTS],
    }
    seconds = [NOW - day * DAY_S for day in range(len(EVENTS))]
    as_dates = from_frame(pl.DataFrame({**columns, "time": times}), "dates")
    as_numbers = from_frame(pl.DataFrame({**columns, "time": seconds}), "numbers")
    assert as_dates.time is not None
    assert as_numbers.time is not None
    assert as_dates.time.tolist() == as_numbers.time.tolist() == seconds
    assert as_dates.data_until == "2023-11-14T22:13:20Z"
    assert rows_of(as_dates, DECAYED).affinity.tolist() == rows_of(as_numbers, DECAYED).affinity.tolist()


def test_numpy_2() -> None:
    """np.NaN is gone from NumPy 2; the one module that imports the library's SAR gives the name back before it does."""
    assert "np.NaN" in inspect.getsource(sar_singlenode)
    root = ROOT
    naming = [
        path.name for folder in ("contract", "trainer", "worker") for path in (root / folder).rglob("*.py") if "np.NaN" in path.read_text()
    ]
    assert naming == ["recommenders_sar.py"]


def test_normalised_scores_of_plain_co_occurrence() -> None:
    """The one similarity that the library leaves sparse: its normalisation can't handle it."""
    model = PLAIN.model_copy(update={"normalize": True})
    with pytest.raises(TypeError):
        theirs(fitted(EVENTS, model), ["u1"])
    assert ours(EVENTS, model) == {"u1": ["d"], "u2": ["a"], "u3": ["b"]}


def test_information_of_items_that_never_met() -> None:
    """log2(0): one item that a user's items never met is enough, and its score is -inf whatever the others say."""
    model = PLAIN.model_copy(update={"similarity": "mutual information"})
    # c meets a twice and b never; u4 has a and b. log2(5 · C / (f f)): a, c: 5 · 2 / (3 · 2) > 1, so it is worth listing.
    events: list[Event] = [
        *(("u1", item, 1.0, NOW) for item in "ac"),
        *(("u2", item, 1.0, NOW) for item in "ac"),
        *(("u4", item, 1.0, NOW) for item in "ab"),
        *(("u5", item, 1.0, NOW) for item in "de"),
    ]
    sar = fitted(events, model)
    assert np.isneginf(sar.item_similarity[sar.item2index["b"], sar.item2index["c"]])
    assert theirs(sar, ["u4"])["u4"] == []
    for layout in LAYOUTS:
        assert ours(events, model, layout)["u4"] == ["c"]


def test_lexicographers_mutual_information() -> None:
    """The formula multiplies element by element; the library multiplies sparse matrices, and gets another one."""
    model = PLAIN.model_copy(update={"similarity": "lexicographers mutual information"})
    # Three users, items a and b. C = [[2, 1], [1, 2]]; information log2(2 C / (f f)) = [[0, -1], [-1, 0]].
    events: list[Event] = [("u1", "a", 1.0, NOW), ("u1", "b", 1.0, NOW), ("u2", "a", 1.0, NOW), ("u3", "b", 1.0, NOW)]
    assert fitted(events, model).item_similarity.tolist() == [[-1, -2], [-2, -1]]
    rows = rows_of(interactions_of(events), model)
    for layout in LAYOUTS:
        assert matrix_of(similarity_of(rows, 2, model, layout), 2).tolist() == [[0, -1], [-1, 0]]
