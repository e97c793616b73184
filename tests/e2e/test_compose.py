"""The stack in containers, from its first list to its removal. The tests share one stack and run in this order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from contract.formats.keys import Keys
from contract.settings.settings import Settings
from tests.e2e.compose import ASK_TIMEOUT_S, Compose, until

pytestmark = pytest.mark.timeout(900)  # the first test waits for the images

SERVICES = {"api", "redis", "trainer", "worker"}
MAX_IMAGE_MB = {"api": 100, "worker": 400, "trainer": 900}  # above the base image
BASE_IMAGE = "python:3.13-slim"
KNOWN_USER = 54
# Where Redis, artifacts and ports are is the compose file's own business.
FIXED = {"queue_url", "artifacts", "api_host", "api_port"}


def test_up_returns_once_lists_are_served(compose_stack: Compose) -> None:
    answer = compose_stack.ask(KNOWN_USER)
    assert answer.status_code == 200, answer.text
    assert requests.get(f"{compose_stack.url}/health/ready", timeout=ASK_TIMEOUT_S).status_code == 200


def test_a_known_user_gets_ten_items_best_first(compose_stack: Compose) -> None:
    body = compose_stack.ask(KNOWN_USER).json()
    items = body["items"]
    assert body["user_id"] == KNOWN_USER
    assert body["generation"]
    assert body["trained_at"]
    assert [item["rank"] for item in items] == list(range(1, 11))
    assert [item["score"] for item in items] == sorted((item["score"] for item in items), reverse=True)
    assert len({item["item_id"] for item in items}) == 10


def test_an_unknown_user_is_told_so(compose_stack: Compose) -> None:
    answer = compose_stack.ask(10**9)
    assert answer.status_code == 404
    assert answer.json()["error"] == "User not found"


@pytest.mark.parametrize("body", [None, b"", b"not json", b"[]", b"{}", b'{"user": 54}'])
def test_a_request_without_a_user_is_refused(compose_stack: Compose, body: bytes | None) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{compose_stack.url}/recommendations", data=body, headers=headers, timeout=ASK_TIMEOUT_S)
    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid request data"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/recommendations", 405)])
def test_errors_of_the_framework_are_json_too(compose_stack: Compose, method: str, path: str, status: int) -> None:
    answer = requests.request(method, compose_stack.url + path, timeout=ASK_TIMEOUT_S)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] in ("application/json", "application/problem+json")
    assert answer.json()["error"]


def test_containers_can_do_no_more_than_they_need(compose_stack: Compose) -> None:
    containers = compose_stack.inspect(*compose_stack.containers())
    assert {container["Config"]["Labels"]["com.docker.compose.service"] for container in containers} == SERVICES
    for container in containers:
        service, host = container["Config"]["Labels"]["com.docker.compose.service"], container["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert not host["CapAdd"], service
        assert not host["Privileged"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        published = {port for port, bindings in container["NetworkSettings"]["Ports"].items() if bindings}
        assert published == ({"5000/tcp"} if service == "api" else set()), service
        users = compose_stack.run("docker", "top", container["Id"], "-eo", "uid,pid,args").splitlines()[1:]
        assert users, service
        assert all(line.split()[0] != "0" for line in users), f"{service}: {users}"


def test_images_stay_small(compose_stack: Compose) -> None:
    base = compose_stack.inspect(BASE_IMAGE)[0]["Size"]
    sizes = {name: compose_stack.inspect(f"{compose_stack.project}-{name}")[0]["Size"] - base for name in MAX_IMAGE_MB}
    print({name: f"{size / 1e6:.0f} MB above {BASE_IMAGE}" for name, size in sizes.items()})
    assert {name for name, size in sizes.items() if size > MAX_IMAGE_MB[name] * 1e6} == set()


def test_every_setting_reaches_a_service_that_uses_it(compose_stack: Compose) -> None:
    services = json.loads(compose_stack.compose("config", "--format", "json"))["services"]
    expected = {f"LARDER_{name.upper()}" for name in set(Settings.model_fields) - FIXED}
    reached = {name for service in SERVICES - {"redis"} for name in services[service]["environment"] if name.startswith("LARDER_")}
    assert reached == expected


def test_redis_keeps_everything_and_keeps_it_small(compose_stack: Compose) -> None:
    wanted = {
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
        "hash-max-listpack-value": "2048",
        "hash-max-listpack-entries": "512",
    }
    assert {name: compose_stack.redis("CONFIG", "GET", name).splitlines()[1] for name in wanted} == wanted
    assert int(compose_stack.redis("CONFIG", "GET", "maxmemory").splitlines()[1]) > 0


def test_workers_scale(compose_stack: Compose) -> None:
    compose_stack.up("--no-recreate", "--scale", "worker=3")
    workers = compose_stack.inspect(*compose_stack.containers("worker"))
    assert [worker["State"]["Health"]["Status"] for worker in workers] == ["healthy"] * 3


def test_retraining_swaps_while_a_client_asks(compose_stack: Compose, tmp_path: Path) -> None:
    before = compose_stack.generation()
    with compose_stack.client(KNOWN_USER) as client:
        until("a first answer", lambda: client.generations == [before])
        compose_stack.stack("--var", str(tmp_path), "retrain")  # not one that `make up` may have started here
        until("the new generation", lambda: len(client.generations) > 1)
        n_answers = client.n_answers
        until("answers after the swap", lambda: client.n_answers > n_answers + 20)
    assert client.failures == []
    assert client.generations == [before, compose_stack.generation()]


def test_going_back_takes_one_command_and_holds_until_it_is_released(compose_stack: Compose, tmp_path: Path) -> None:
    def stack(*arguments: str) -> str:
        return compose_stack.stack("--var", str(tmp_path), *arguments)

    newest = compose_stack.generation()
    assert "is served now in place of" in stack("rollback")
    older = compose_stack.generation()
    assert older != newest
    assert "held" in stack("status")
    assert "as it should be" in stack("verify")
    stack("release")
    stack("promote", newest)
    assert compose_stack.generation() == newest


def test_the_schedule_reaches_the_container(compose_stack: Compose) -> None:
    assert "-01-01 03:00" in compose_stack.trainer("status")


def test_an_erased_user_has_no_list(compose_stack: Compose) -> None:
    assert compose_stack.ask(100).status_code == 200
    assert "generation" in compose_stack.trainer("erase", "--yes", "100")
    assert compose_stack.ask(100).status_code == 404
    assert "as it should be" in compose_stack.trainer("verify")


def test_a_killed_worker_costs_no_list(compose_stack: Compose) -> None:
    """SIGKILL to one container while the shards of a larger table are being scored; the others finish the run."""
    before = compose_stack.generation()
    killed = compose_stack.containers("worker")[0]
    run = compose_stack.trainer("run", "--force", "--interactions", "/data/many.csv").split()[1]  # "run ID is queued ..."
    until("a first shard", lambda: compose_stack.redis("HLEN", Keys().shards(run)) != "0")
    compose_stack.run("docker", "kill", "--signal", "KILL", killed)
    assert compose_stack.generation() == before, "the run ended before the worker was killed: give it more users"
    until("the promotion", lambda: compose_stack.generation() == run)
    state = compose_stack.inspect(killed)[0]["State"]
    assert state["ExitCode"] == 137
    until("their lists", lambda: all(compose_stack.ask(user).status_code == 200 for user in (1, 10_000, 20_000)))  # in half a second
    compose_stack.up("--no-recreate", "--scale", "worker=3")


def test_lists_survive_a_restart_of_redis(compose_stack: Compose) -> None:
    before = compose_stack.ask(KNOWN_USER).json()
    compose_stack.compose("restart", "redis")
    until("the same list again", lambda: compose_stack.ask(KNOWN_USER).json() == before)


def test_services_stop_gracefully(compose_stack: Compose) -> None:
    compose_stack.up("--no-recreate", "--scale", "worker=3")  # all are back after the restart of Redis
    for service in ("worker", "trainer", "api"):
        compose_stack.compose("stop", service)
    stopped = [*compose_stack.containers("worker"), *compose_stack.containers("trainer"), *compose_stack.containers("api")]
    codes = {container["Name"].strip("/"): container["State"]["ExitCode"] for container in compose_stack.inspect(*stopped)}
    failed = {name: compose_stack.run("sh", "-c", f"docker logs --tail 40 {name} 2>&1") for name, code in codes.items() if code}
    assert failed == {}
    assert len(codes) == 5


def test_down_leaves_nothing(compose_stack: Compose) -> None:
    compose_stack.down()
    assert compose_stack.leftovers() == dict.fromkeys(("container", "volume", "network", "image"), "")
