"""An experiment over several processes of a real API: each user has one arm, whichever process answers and whatever is promoted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import requests

from contract.experiments.moves import Experiments
from contract.formats.keys import Keys
from contract.settings.settings import ModelSettings
from contract.store.generations import Generations
from tests.support.builders import Lists, promote_lists
from tests.support.servers.api_process import ASK_TIMEOUT_S, ApiProcess, until
from tests.support.servers.redis_variants import Server

KEYS = Keys()
USERS = range(30)
FIRST = {"g1": 10, "g2": 20, "g3": 30}  # the first item of each generation's lists
SETTLE_MS = 200
Said = tuple[str, str, int]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("redis")) as running:
        for name in ("g1", "g2"):
            promote(running, name)
        yield running


@pytest.fixture(scope="module")
def api(server: Server) -> Iterator[ApiProcess]:
    with ApiProcess(f"redis://127.0.0.1:{server.port}/0", LARDER_API_WORKERS="3", LARDER_POINTER_TTL_MS=str(SETTLE_MS)) as running:
        yield running


def promote(server: Server, name: str) -> None:
    lists: Lists = {user: [(FIRST[name] + item, 9.0 - item) for item in range(4)] for user in USERS}
    promote_lists(server.client, KEYS, lists, generation=name, settings=ModelSettings(k=3, depth=4, similar_depth=0))


def said(answer: requests.Response) -> Said:
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found.get("arm", ""), found["generation"], found["items"][0]["item_id"]


def ask(api: ApiProcess, **more: object) -> dict[int, Said]:
    """What each user gets, on connections of their own, which any process may have."""
    return {user: said(api.ask(user, **more)) for user in USERS}


def are_in_arms(api: ApiProcess) -> dict[int, Said] | None:
    found = ask(api)
    return found if all(arm for arm, *_ in found.values()) else None


@pytest.mark.long
def test_all_processes_agree_from_begin_to_end_and_nobody_is_mixed(server: Server, api: ApiProcess, tmp_path: Path) -> None:
    experiments = Experiments(Generations(server.client, KEYS, SETTLE_MS))
    stop, seen = Event(), list[tuple[int, Said]]()

    def watch(users: range) -> None:
        with requests.Session() as session:
            while not stop.is_set():
                for user in users:
                    answer = session.post(f"{api.url}/recommendations", json={"user_id": user}, timeout=ASK_TIMEOUT_S)
                    seen.append((user, said(answer)))

    with ThreadPoolExecutor(3) as pool:
        watching = [pool.submit(watch, range(at, len(USERS), 3)) for at in range(3)]
        try:
            experiments.start({"current": 5000, "g1": 5000}, "anna")
            arms = until("it has begun", lambda: are_in_arms(api))
            for _ in range(3):
                assert ask(api) == ask(api, exclude=[999]) == arms
            promote(server, "g3")
            until("the arm current follows", lambda: "g3" in {generation for _, generation, _ in ask(api).values()})
            assert {user: arm for user, (arm, *_) in ask(api).items()} == {user: arm for user, (arm, *_) in arms.items()}
            experiments.stop()
            until("it has ended", lambda: set(ask(api).values()) == {("", "g3", 30)})
        finally:
            stop.set()
    for one in watching:
        one.result()
    assert {generation for _, (_, generation, _) in seen} >= {"g1", "g2", "g3"}
    assert [user for user, (arm, generation, first) in seen if FIRST[generation] != first or (arm and arm != arms[user][0])] == []
    assert [user for user, (arm, generation, _) in seen if arm == "g1" and generation != "g1"] == []


def test_what_takes_no_thread_and_what_a_route_answers_are_the_same_bytes(server: Server, api: ApiProcess) -> None:
    experiments = Experiments(Generations(server.client, KEYS, SETTLE_MS))
    experiments.start({"current": 5000, "g1": 5000}, "anna")
    until("it has begun", lambda: are_in_arms(api))
    for user in USERS:
        assert api.ask(user).content == api.ask(user, offset=0).content
        plain, routed = api.get(f"/users/{user}/recommendations"), api.get(f"/users/{user}/recommendations?offset=0")
        assert (plain.content, plain.headers["ETag"]) == (routed.content, routed.headers["ETag"])
    experiments.stop()
