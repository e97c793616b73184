"""The stack without Docker, from its first list to its removal.

The tests share one stack and run in this order; three at the end have stacks of their own.
"""

from __future__ import annotations

import os
import shlex
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from contract.errors import DataError, SettingsError
from contract.formats.keys import Keys
from contract.store.connections import connect
from contract.store.runs import Runs
from tests.e2e.compose import until
from tests.e2e.local import ASK_TIMEOUT_S, UP_TIMEOUT_S, LocalStack, living, mentioning

pytestmark = pytest.mark.timeout(900)


def assert_nothing_left(stack: LocalStack, family: list[psutil.Process]) -> None:
    assert living(family) == []
    assert mentioning(str(stack.places.supervisor_socket)) == []
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{stack.url}/health/live", timeout=ASK_TIMEOUT_S)


@pytest.fixture(scope="module")
def numba_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("numba")


@pytest.fixture(scope="module")
def first_up() -> dict[str, str]:
    """What the first `up` printed."""
    return {}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, numba_cache: Path, first_up: dict[str, str]) -> Iterator[LocalStack]:
    """Up, in a folder whose name has what shells and configuration files trip over."""
    made = LocalStack(tmp_path_factory.mktemp("local") / "my 50% data", numba_cache)
    try:
        first_up["text"] = made.run("up", LARDER_CRON="0 3 1 1 *")  # not before the tests are over
        yield made
    finally:
        made.run("clean")


def test_up_shows_a_list_with_titles_and_how_to_ask_for_it(stack: LocalStack, first_up: dict[str, str]) -> None:
    text = first_up["text"]
    curl = next(line.strip() for line in text.splitlines() if line.strip().startswith("curl "))
    words = shlex.split(curl)
    answer = requests.post(words[2], data=words[-1], headers={"Content-Type": "application/json"}, timeout=ASK_TIMEOUT_S)
    items = answer.json()["items"]
    assert [item["rank"] for item in items] == list(range(1, 11))
    for item in items:
        row = f"│ {item['rank']:>4} │ {item['metadata']['title']}"
        assert row in text
        assert f"{item['item_id']} │ {item['score']:.4f} │" in text
    assert "make retrain" in text


def test_up_again_joins_the_stack_that_runs(stack: LocalStack) -> None:
    before = stack.family()
    text = stack.run("up")
    assert text.startswith("Larder runs already\n")
    assert stack.generation() in text
    assert "curl " in text
    assert {process.pid for process in stack.family()} >= {before[0].pid, *(process.pid for process in stack.processes("worker"))}


def test_up_with_other_settings_is_refused(stack: LocalStack) -> None:
    text = stack.run("up", expect=SettingsError.exit_code, LARDER_K="7")
    assert text.splitlines() == ["Larder runs already, with LARDER_K=10 (you gave 7): `make down` first, then `make up` with the new value"]


def test_a_taken_port_is_one_line_and_starts_nothing(stack: LocalStack, tmp_path: Path) -> None:
    second = LocalStack(tmp_path / "var", stack.numba_cache, stack.port)
    (line,) = second.run("up", expect=SettingsError.exit_code).splitlines()
    assert line.startswith(f"port {stack.port} is taken by ")
    assert "`make up LARDER_API_PORT=" in line
    assert mentioning(str(second.places.supervisor_socket)) == []


def test_status_names_processes_workers_and_the_generation(stack: LocalStack) -> None:
    text = stack.run("status")
    rows = [line.replace("│", " ").split()[:2] for line in text.splitlines()]
    assert all([name, "running"] in rows for name in ("api", "redis", "trainer", "worker"))
    assert "worker processes respond" in text
    assert stack.generation() in text


@contextmanager
def asking(stack: LocalStack) -> Iterator[list[Any]]:
    """Asks for one user without a pause; what came instead of a whole list of one generation."""
    wrong: list[Any] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                answer = stack.ask(9)
                if answer.status_code != 200 or not answer.json()["items"]:
                    wrong.append((answer.status_code, answer.text))
            except requests.RequestException as error:
                wrong.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join()


def test_retrain_swaps_while_serving_goes_on(stack: LocalStack) -> None:
    before = stack.generation()
    with asking(stack) as wrong:
        text = stack.run("retrain", "--k", "4")
    assert text.startswith("Retraining the stack of `make up`\n")
    after = stack.generation()
    assert after != before
    assert after in text
    # Each process of the API may believe the old pointer for LARDER_POINTER_TTL_MS.
    assert len(until("a list of it", lambda: (body := stack.ask(9).json())["generation"] == after and body["items"])) == 4
    assert wrong == []


def test_going_back_takes_one_command(stack: LocalStack) -> None:
    newest = stack.generation()
    assert "is served now in place of" in stack.run("rollback")
    assert stack.generation() != newest
    listed = stack.run("generations")
    assert newest in listed
    assert "held" in stack.run("status")
    stack.run("release")
    stack.run("promote", newest)
    assert stack.generation() == newest


def test_an_erased_user_has_no_list_and_stays_away(stack: LocalStack) -> None:
    assert stack.ask(10).status_code == 200
    stack.run("erase", "--yes", "10")
    assert stack.ask(10).status_code == 404
    stack.run("retrain")
    assert stack.ask(10).status_code == 404


def test_the_next_scheduled_run_is_shown(stack: LocalStack) -> None:
    assert "-01-01 03:00" in stack.run("status")


def test_killed_workers_come_back(stack: LocalStack) -> None:
    killed = stack.processes("worker")
    for process in killed:
        process.kill()
    until("another worker", lambda: [new for new in stack.processes("worker") if new not in killed])
    stack.run("retrain")
    assert living(killed) == []


def test_a_killed_supervisor_leaves_nothing_that_up_does_not_mend(stack: LocalStack) -> None:
    generation, family = stack.generation(), stack.family()
    os.kill(family[0].pid, signal.SIGKILL)
    until("the end of supervisord", lambda: not living(family[:1]))
    text = stack.run("up")
    assert "Ended what a killed stack had left: " in text
    assert living(family) == []
    assert stack.generation() == generation


def test_down_leaves_no_process_and_up_serves_the_same_generation_again(stack: LocalStack) -> None:
    generation, family, answer = stack.generation(), stack.family(), stack.ask(9).json()
    assert "none is left" in stack.run("down")
    assert_nothing_left(stack, family)
    assert stack.run("down") == "Larder does not run\n"
    text = stack.run("up", LARDER_K="5")
    assert "load interactions" not in text
    assert "It was trained with k=10 (now 5): `make retrain`" in text
    assert stack.generation() == generation
    assert stack.ask(9).json() == answer


def test_down_in_the_middle_of_the_first_run_and_up_again(tmp_path: Path, numba_cache: Path) -> None:
    stack = LocalStack(tmp_path / ("deep" * 30) / "var", numba_cache)  # too deep for a socket
    try:
        with stack.spawn("up") as starting:
            redis = connect(stack.places.redis_url, retries=0)
            runs = Runs(redis, Keys())
            until("a socket", stack.places.redis_socket.exists)
            until("a run", lambda: (run := runs.latest()) and run.state != "queued", UP_TIMEOUT_S)
            family = stack.family()
            stack.run("down")
            output, _ = starting.communicate(timeout=UP_TIMEOUT_S)
        assert "Traceback" not in output
        assert_nothing_left(stack, family)
        assert "is promoted: 671 users" in stack.run("up")
    finally:
        stack.run("clean")
    assert not stack.places.sockets.exists()


def test_a_first_run_that_fails_says_why_and_a_better_one_follows(tmp_path: Path, numba_cache: Path) -> None:
    stack = LocalStack(tmp_path / "var", numba_cache)
    missing = tmp_path / "missing.csv"
    try:
        text = stack.run("up", expect=DataError.exit_code, LARDER_INTERACTIONS=str(missing), LARDER_JOB_RETRIES="0")
        assert str(missing) in text
        assert str(stack.places.log_of("trainer")) in "".join(text.splitlines())
        assert "Traceback" not in text
        answer = stack.ask(9)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        rows = [
            "userID,itemID,rating,timestamp",
            *(f"{user},{item},{1 + user % 5},{item}" for user in range(6) for item in range(user, 12)),
        ]
        missing.write_text("\n".join(rows) + "\n")
        assert "is promoted: 6 users" in stack.run("up", LARDER_INTERACTIONS=str(missing))
    finally:
        family = stack.family()
        stack.run("clean")
    assert_nothing_left(stack, family)
    assert not stack.var.exists()


def test_a_process_that_keeps_dying_ends_the_wait(tmp_path: Path, numba_cache: Path) -> None:
    """Not by a bad setting, which is found before anything starts: by a file that is not Redis' own."""
    stack = LocalStack(tmp_path / "var", numba_cache)
    stack.places.prepare()
    (stack.places.redis / "appendonly.aof").write_bytes(b"not a command\n")
    (stack.places.redis / "appendonlydir").write_bytes(b"not a folder\n")
    try:
        began = time.monotonic()
        text = stack.run("up", expect=1)
        assert time.monotonic() - began < UP_TIMEOUT_S
        assert "the process redis dies again and again" in text
        assert str(stack.places.log_of("redis")) in "".join(text.splitlines())
    finally:
        stack.run("clean")
    assert list(tmp_path.iterdir()) == []
