"""File → trainer → queue → worker processes → Redis → gunicorn: every part the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contract.settings.settings import ModelSettings
from tests.support.golden import BEST_OF_ALL, LISTS, SCORES
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services, await_that
from trainer.fitting.recommenders_sar import ITEM, TIME, USER, WEIGHT, new_sar

TOLERANCE = 1e-5


@pytest.fixture
def notebook(services: Callable[..., Services], ml100k: Path, redis_server: str) -> Iterator[ApiProcess]:
    """The API after a run on MovieLens 100k with the notebook's settings, which are the defaults."""
    stack = services(interactions=ml100k / "u.data", separator="\\t", header="false")
    stack.start("trainer", "serve")
    stack.start("worker", LARDER_PROCESSES="2")
    result = stack.run("run", "--wait")
    assert result.returncode == 0, result.stderr + stack.logs()
    with ApiProcess(redis_server) as api:
        yield api


def lists_of(api: ApiProcess, users: list[int]) -> dict[int, dict[int, float]]:
    answers: dict[int, dict[int, float]] = {}
    for user in users:
        body: dict[str, Any] = api.ask(user).json()
        assert body["user_id"] == user
        assert [item["rank"] for item in body["items"]] == list(range(1, len(body["items"]) + 1))
        answers[user] = {item["item_id"]: item["score"] for item in body["items"]}
    return answers


@pytest.mark.ml100k
def test_the_api_answers_the_notebook_s_figures_and_the_library_s_lists(notebook: ApiProcess, ml100k: Path) -> None:
    frame = pd.read_csv(ml100k / "u.data", sep="\t", names=[USER, ITEM, WEIGHT, TIME], dtype={WEIGHT: np.float32})
    sar = new_sar(ModelSettings(), decays=True)
    sar.fit(frame)
    expected = sar.recommend_k_items(frame, top_k=10, remove_seen=True)
    served = lists_of(notebook, sorted(int(user) for user in frame[USER].unique()))
    assert len(served) == 943

    equal = 0
    for user, rows in expected.groupby(USER):
        equal += list(served[int(user)]) == rows[ITEM].tolist()
        assert list(served[int(user)].values()) == pytest.approx(rows["prediction"].tolist(), abs=TOLERANCE)
    assert equal == 943

    for user, scores in SCORES.items():
        for item, score in scores.items():
            assert served[user][item] == pytest.approx(score, abs=TOLERANCE), (user, item)
    assert list(served[88]) == list(SCORES[88])
    assert list(served[54]) == list(SCORES[54])
    assert {user: list(served[user]) for user in LISTS} == LISTS
    best = sorted(((score, user, item) for user, scores in served.items() for item, score in scores.items()), reverse=True)
    assert [(user, item) for _, user, item in best[: len(BEST_OF_ALL)]] == BEST_OF_ALL


@pytest.mark.long
def test_the_built_in_data_first_run_and_a_retrain(services: Callable[..., Services], redis_server: str) -> None:
    stack = services(alone=True, evaluate=True)  # as in the stacks: processes of their own, settings as they come
    with ApiProcess(redis_server) as api:
        before = api.ask(1)
        assert (before.status_code, before.headers["Retry-After"].isdigit()) == (503, True)
        stack.start("worker")
        stack.start("trainer", "serve")  # finds nothing promoted, and sees to it
        await_that(lambda: api.ask(1).status_code == 200, "a first run is promoted")
        result = stack.run("run", "--wait", "--k", "5")
        assert result.returncode == 0, result.stderr + stack.logs()
        await_that(lambda: len(api.ask(1).json()["items"]) == 5, "the API reads the pointer again")
        second = api.ask(1).json()
        pointer = stack.generations.current()
        assert pointer is not None
        assert (second["generation"], pointer.n_users, pointer.n_items, pointer.depth) == (pointer.generation, 671, 9066, 15)
        assert stack.generations.state(pointer.previous) == "previous"  # the first run
        titled = api.ask(1, include=["metadata"]).json()
        assert all(item["metadata"]["title"] for item in titled["items"])
        found = api.get("/items?q=toy%20story&category=Children&k=3").json()
        assert [item["metadata"]["title"] for item in found["items"]] == ["Toy Story", "Toy Story 2", "Toy Story 3"]


@pytest.mark.long
def test_same_data_and_settings_make_the_same_bytes_with_one_worker_and_with_two(services: Callable[..., Services]) -> None:
    stack = services()
    stored = []
    for processes in ("1", "2"):
        worker = stack.start("worker", LARDER_PROCESSES=processes)
        assert stack.run("run", "--here", "--wait").returncode == 0, stack.logs()
        worker.terminate()
        worker.wait(30)
        pointer = stack.generations.current()
        assert pointer is not None
        manifest = stack.generations.manifest(pointer.generation)
        buckets = [stack.redis.hgetall(stack.keys.recs(pointer.generation, b)) for b in range(manifest.n_user_buckets)]
        stored.append((manifest.digest, buckets, stack.redis.get(stack.keys.popular(pointer.generation))))
    assert stored[0] == stored[1]


@pytest.mark.long
def test_the_library_s_engine_serves_the_same_lists(services: Callable[..., Services], redis_server: str) -> None:
    stack = services(pointer_ttl_ms=0)
    stack.start("worker")
    served = []
    with ApiProcess(redis_server, LARDER_POINTER_TTL_MS="0") as api:
        for engine in ("larder", "recommenders"):
            assert stack.run("run", "--here", "--wait", "--engine", engine).returncode == 0, stack.logs()
            served.append(lists_of(api, list(range(1, 101))))
    ours, theirs = served
    equal = sum(list(ours[user]) == list(theirs[user]) for user in ours)
    assert equal >= 98  # float32 may order two items of almost equal score either way
    for user in ours:
        assert list(ours[user].values()) == pytest.approx(list(theirs[user].values()), rel=TOLERANCE)


def test_bad_data_fails_the_run_with_its_reason_and_what_is_served_stays(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services(interactions="synthetic:300x80x6000")
    stack.start("worker")
    stack.start("trainer", "serve")
    assert stack.run("run", "--wait").returncode == 0, stack.logs()
    served = stack.generations.current()
    broken = tmp_path / "broken.csv"
    broken.write_text("userID,itemID,rating,timestamp\n1,2,3,4\n1,3,many,4\n")
    result = stack.run("run", "--wait", "--interactions", str(broken))
    assert result.returncode != 0
    assert "line 3" in result.stderr
    assert "'many'" in result.stderr
    assert stack.generations.current() == served
