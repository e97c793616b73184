"""The fit, against numbers worked out by hand, and what must not change its result."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from contract.artifacts.artifact import open_artifact
from contract.artifacts.artifact_writer import ArtifactWriter
from contract.formats.manifest import Manifest
from contract.settings.settings import ModelSettings, Settings
from engine.arrays import Array
from engine.fit import rows as sar
from engine.fit.similarity_kernels import SIMILARITIES
from tests.support.models.fitting import LAYOUTS, Event, Layout, Memory, by_id, interactions_of, lists_of, rows_of, score_all
from tests.support.models.samples import BY_HAND, DAY_S, many
from trainer.fitting.fit_model import sar_rows
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec


def test_decay() -> None:
    """Half-life of ten days: weights halve every ten; a pair's events add up; an old row is kept as powers of two."""
    now = 1_000 * DAY_S
    events: list[Event] = [
        ("new", "a", 4.0, now),
        ("new", "b", 2.0, now - 10 * DAY_S),  # 1
        ("new", "c", 8.0, now - 20 * DAY_S),  # 2
        ("new", "c", 3.0, now),  # and 3 more
        ("old", "a", 6.0, now - 30 * DAY_S),  # 6 / 8
        ("old", "b", 6.0, now - 50 * DAY_S),  # 6 / 32
    ]
    interactions = interactions_of(events)
    rows = rows_of(interactions, ModelSettings(time_decay_days=10))
    at = {user: slice(*rows.indptr[row : row + 2]) for row, user in enumerate(interactions.user_ids)}
    assert rows.affinity[at["new"]].tolist() == [4, 1, 5]
    assert rows.unity[at["new"]].tolist() == [1, 1 / 2, 1 + 1 / 4]
    assert rows.affinity[at["old"]].tolist() == [6, 6 / 4]  # times 2 ** -3
    assert rows.unity[at["old"]].tolist() == [1, 1 / 4]
    assert dict(zip(interactions.user_ids, rows.exponent.tolist(), strict=True)) == {"new": 0, "old": -3}
    assert (rows.weight_min, rows.weight_max) == (6 / 32, 5)


def test_what_comes_after_the_moment_has_its_age() -> None:
    now = 1_000 * DAY_S
    time = np.array([now + 30 * DAY_S, now, now - 10 * DAY_S], np.int64)
    columns = np.zeros(3, np.int32), np.arange(3, dtype=np.int32), np.full(3, 4, np.float32), time
    rows = sar.fit_rows(*columns, 1, ModelSettings(time_decay_days=10), now)
    assert rows.affinity.tolist() == [4, 4, 2]
    assert rows.unity.tolist() == [1, 1, 1 / 2]
    assert rows.exponent.tolist() == [0]


@pytest.mark.parametrize(("half_life", "times"), [(0.0, True), (10.0, False)])
def test_no_decay(half_life: float, times: bool) -> None:
    events: list[Event] = [("u", "a", 4.0, 0), ("u", "b", 2.0, 100 * DAY_S)]
    rows = rows_of(interactions_of(events, times=times), ModelSettings(time_decay_days=half_life))
    assert rows.affinity.tolist() == [4, 2]
    assert rows.exponent.tolist() == [0]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_normalised_scores(layout: Layout) -> None:
    """u1 weighs a 4 and b 2. With jaccard: P(c) = 4 / 2 + 2 / 4, P(d) = 4 / 4 + 2 / 3. Q: a and b 1.75, c 0.75, d 7 / 12.

    Weights go from 1 to 5: lo = 7 / 12 · 1, hi = 1.75 · 5; score = (P - lo) / (hi - lo) · 4 + 1.
    """
    interactions, lo, hi = interactions_of(BY_HAND), 7 / 12, 8.75
    expected = {"c": (2.5 - lo) / (hi - lo) * 4 + 1, "d": (5 / 3 - lo) / (hi - lo) * 4 + 1}  # 1.938776 and 1.530612
    normalised = by_id(interactions, lists_of(interactions, ModelSettings(time_decay_days=0), layout))["u1"]
    assert [item for item, _ in normalised] == ["c", "d"]
    assert dict(normalised) == pytest.approx(expected, rel=1e-6)
    plain = by_id(interactions, lists_of(interactions, ModelSettings(time_decay_days=0, normalize=False), layout))["u1"]
    assert dict(plain) == pytest.approx({"c": 2.5, "d": 5 / 3})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_equal_weights_keep_the_order_of_the_sums(layout: Layout) -> None:
    """On a scale that is one point every score is the same; the ranks are still SAR's, not those of the ids.

    Jaccard: u4 knows z, whose likeness to y is 2 / (4 + 2 - 2), and to a 1 / 4.
    """
    events: list[Event] = [
        (user, item, 1.0, 0) for user, items in {"u1": "yz", "u2": "yz", "u3": "az", "u4": "z"}.items() for item in items
    ]
    interactions = interactions_of(events, times=False)
    assert by_id(interactions, lists_of(interactions, ModelSettings(), layout))["u4"] == [("y", 1.0), ("a", 1.0)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_checkerboard(layout: Layout) -> None:
    """Even users know even items and odd users odd ones, each all but one: that one is the whole list."""
    n = 140  # items: three tiles
    events: list[Event] = [(user, item, 1.0, 0) for user in range(n) for item in range(user % 2, n, 2) if item != user]
    interactions = interactions_of(events)
    for name in ("jaccard", "cosine", "cooccurrence", "lift", "inclusion index"):
        lists = by_id(interactions, lists_of(interactions, ModelSettings(similarity=name), layout))
        assert {user: [item for item, _ in entries] for user, entries in lists.items()} == {user: [user] for user in range(n)}


def artifact_of(events: list[Event], folder: Path, run: str, **options: object) -> tuple[Manifest, dict[str, bytes]]:
    settings = Settings.from_environ({"LARDER_ARTIFACTS": folder.as_uri(), "LARDER_EVALUATE": "no"}, **options)
    manifest = make_artifact(RunSpec(run, settings), interactions_of(events), lambda *_: None)
    return manifest, {name: array.tobytes() for name, array in open_artifact(settings.artifacts, run).arrays.items()}


def test_the_order_of_the_input_changes_nothing(tmp_path: Path) -> None:
    events = many()
    turned = events[::-1]
    shuffled = random.Random(1).sample(events, len(events))
    manifest, arrays = artifact_of(events, tmp_path, "g1")
    for run, other in (("g2", turned), ("g3", shuffled)):
        again, same = artifact_of(other, tmp_path, run)
        assert same == arrays
        assert again.digest == manifest.digest
        assert again.model_copy(update={"generation": "g1", "trained_at": manifest.trained_at}) == manifest


def test_the_digest_tells_runs_apart(tmp_path: Path) -> None:
    events = many()
    heavier = [(events[0][0], events[0][1], events[0][2] + 1, events[0][3]), *events[1:]]
    renamed: list[Event] = [(user, item + 1000 if isinstance(item, int) else item, *rest) for user, item, *rest in events]  # type: ignore[misc]
    digests = [
        artifact_of(events, tmp_path, "g1")[0].digest,
        artifact_of(heavier, tmp_path, "g2")[0].digest,
        artifact_of(renamed, tmp_path, "g3")[0].digest,
        artifact_of(events, tmp_path, "g4", similarity="cosine")[0].digest,
        artifact_of(events, tmp_path, "g5", k=5)[0].digest,
    ]
    assert len(set(digests)) == len(digests)


def test_dense_and_sparse_lists_are_the_same_bytes() -> None:
    interactions = interactions_of(many())
    for name in SIMILARITIES:
        dense, sparse = (lists_of(interactions, ModelSettings(similarity=name), layout) for layout in LAYOUTS)
        assert dense.lengths.tobytes() == sparse.lengths.tobytes()
        assert dense.items.tobytes() == sparse.items.tobytes()
        assert dense.scores.tobytes() == sparse.scores.tobytes()


def test_all_neighbors_are_exact_sar() -> None:
    interactions, exact = interactions_of(many()), ModelSettings()
    rows, memory = rows_of(interactions, exact), Memory()
    kept = exact.model_copy(update={"neighbors": 149})
    sar.fit_similarity(rows, 150, kept, memory.allocate, threads=1, limit_bytes=1e9, report=lambda *_: None)
    assert score_all(rows, memory, 150, exact).items.tobytes() == lists_of(interactions, exact).items.tobytes()


def test_nothing_in_common(tmp_path: Path) -> None:
    """A threshold that no pair reaches: an empty similarity, which is written, opened and scored all the same."""
    manifest, arrays = artifact_of(BY_HAND, tmp_path, "g1", threshold=9)
    assert manifest.similarity_layout == "sparse"
    assert (arrays["similarity_indices"], arrays["similarity_data"]) == (b"", b"")
    artifact = open_artifact(tmp_path.as_uri(), "g1")
    rows = rows_of(interactions_of(BY_HAND), manifest.settings)
    assert score_all(rows, Memory(artifact.arrays), 4, manifest.settings).lengths.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("normalize", [True, False])
def test_rows_of_several_threads_in_mapped_arrays_are_the_same_bytes(tmp_path: Path, *, normalize: bool) -> None:
    interactions, model = interactions_of(many() * 2), ModelSettings(normalize=normalize)
    plain, writer, made = rows_of(interactions, model), ArtifactWriter(f"file://{tmp_path}", "g"), dict[str, Array]()

    def create(name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:
        made[name] = writer.create(name, dtype, shape)
        return made[name]

    mapped = sar_rows(interactions, model, threads=3, allocate=create)
    assert set(made) == {"indices", "affinity"} | ({"unity"} if normalize else set())
    assert all(made[name] is getattr(mapped, name) for name in made)
    for name in ("indptr", "indices", "affinity", "unity", "exponent"):
        assert getattr(mapped, name).tobytes() == getattr(plain, name).tobytes()
    assert (mapped.weight_min, mapped.weight_max) == (plain.weight_min, plain.weight_max)
    writer.put(mapped.arrays(normalize))  # those that are there already stay
    assert all(made[name].tobytes() == getattr(plain, name).tobytes() for name in made)
