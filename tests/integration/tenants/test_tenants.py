"""Three catalogues on one trainer service and one worker: one has a source that can't be read."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import requests

from contract.formats.keys import Keys
from contract.formats.states import RunState
from contract.store.generations import Generations
from contract.store.runs import Runs
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services, await_that


def table(folder: Path, name: str, users: int) -> str:
    """A table of a file of tenants, with interactions of its own; the user `both` is everybody's."""
    met = [("both" if user == 1 else f"{name}-u{user}", (user * step) % 11) for user in range(1, users) for step in range(1, 5)]
    rows = [f"{user},{name}-i{item},{1_700_000_000 + at}" for at, (user, item) in enumerate(met)]
    (folder / f"{name}.csv").write_text("user,item,timestamp\n" + "\n".join(rows) + "\n")
    return f'[{name}]\ninteractions = "{folder}/{name}.csv"\n'


@pytest.mark.long
def test_each_has_its_own_lists_and_one_that_fails_delays_nobody(services: Callable[..., Services], tmp_path: Path) -> None:
    file = tmp_path / "tenants.toml"
    text = '[broken]\ninteractions = "/no/such/file.csv"\n' + table(tmp_path, "shop-a", 30) + table(tmp_path, "shop-b", 20)
    file.write_text(text)
    stack = services(tenants=file, evaluate=False, erasure_secret="a secret of many letters 0123456789")

    def generations(name: str) -> Generations:
        return Generations(stack.redis, Keys(name))

    def served(name: str) -> int:
        pointer = await_that(lambda: generations(name).current(), lambda: f"{name} is served; logs:\n{stack.logs()}")
        return pointer.n_users

    stack.start("worker")
    stack.start("trainer", "serve")
    assert (served("shop-a"), served("shop-b")) == (29, 19)

    def failed() -> bool:
        latest = Runs(stack.redis, Keys("broken")).latest()
        return latest is not None and latest.state == RunState.FAILED

    await_that(failed, lambda: f"the run of the broken one has failed; logs:\n{stack.logs()}")
    assert generations("broken").current() is None
    keys = [key.decode() for key in stack.redis.scan_iter("shop-a:recs:*")]
    assert keys
    fields = [cast("bytes", field) for key in keys for field in stack.redis.hkeys(key)]
    assert all(field == b"both" or field.startswith(b"shop-a-u") for field in fields)
    assert [path.name for path in (tmp_path / "artifacts").iterdir() if path.name.startswith("shop")]
    assert not list(stack.redis.scan_iter("larder:*:gen:*"))

    file.write_text(text + table(tmp_path, "later", 12))  # nothing is restarted
    assert served("later") == 11

    lists_through_the_api_and_an_erasure(stack, file)

    shown = stack.run("tenants")
    assert shown.returncode == 0, shown.stderr
    assert all(name in shown.stdout for name in ("broken", "shop-a", "shop-b", "later", "failed"))
    one = stack.run("--tenant", "shop-b", "status")
    assert "19" in one.stdout
    none = stack.run("status")
    assert none.returncode == 2
    assert "which tenant?" in none.stderr
    assert stack.run("health").returncode == 0
    file.write_text("[broken")  # what runs goes on, and nobody is to restart it
    assert stack.run("health").returncode == 0

    def workers() -> set[bytes]:
        (listed,) = stack.redis.scan_iter("rq:workers:*:tenants-score")
        return cast("set[bytes]", stack.redis.smembers(listed))

    before = workers()
    os.kill(int(next(iter(before)).rsplit(b".", 2)[1]), signal.SIGKILL)
    await_that(lambda: workers() - before, lambda: f"another worker stands in for the one that died; logs:\n{stack.logs()}")


def lists_through_the_api_and_an_erasure(stack: Services, file: Path) -> None:
    with ApiProcess(stack.settings.redis_url, LARDER_TENANTS=str(file), LARDER_API_WORKERS="1") as api:

        def listed(tenant: str, user: str = "both") -> list[str] | None:
            answer = requests.post(f"{api.url}/t/{tenant}/recommendations", json={"user_id": user, "k": 3}, timeout=15)
            return None if answer.status_code == 404 else [item["item_id"] for item in answer.json()["items"]]

        for tenant in ("shop-a", "shop-b"):
            found = listed(tenant)
            assert found
            assert all(item.startswith(f"{tenant}-i") for item in found)
        assert listed("shop-b", "shop-a-u2") is None
        before = listed("shop-b")
        erased = stack.run("--tenant", "shop-a", "erase", "both", "--yes")
        assert erased.returncode == 0, erased.stdout + erased.stderr
        assert (listed("shop-a"), listed("shop-b")) == (None, before)


@pytest.mark.parametrize(("arguments", "words"), [(("tenants",), "names no file"), (("--tenant", "a", "status"), "there are no tenants")])
def test_without_tenants_nobody_names_one(services: Callable[..., Services], arguments: tuple[str, ...], words: str) -> None:
    answer = services().run(*arguments)
    assert answer.returncode == 2
    assert words in answer.stderr
