"""`trainer items` on a real Redis: revisions, and availability in the answers of a real gunicorn."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from contract.formats.keys import Keys
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue, ItemsPointer
from tests.support.builders import items_pointer
from tests.support.generation_maker import make_generation, settings_for
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services, await_that
from trainer.run.shards import write_popular

BAR_S = 2.0
DEADLINE_S = 5 * BAR_S
KEYS = Keys()


def write(catalogue: Catalogue, title: str, unavailable: tuple[str, ...] = ()) -> int:
    revision = catalogue.begin()
    catalogue.write(revision, 1, [("1", f'{{"title":"{title}"}}')], unavailable)
    return revision


@pytest.fixture
def catalogue(store_redis: Redis) -> Catalogue:
    return Catalogue(store_redis, KEYS)


def test_a_revision_is_written_unseen_then_switched_to(catalogue: Catalogue, store_redis: Redis) -> None:
    assert (catalogue.current(), catalogue.unavailable()) == (None, [])
    first = write(catalogue, "a", ("7", "é"))
    assert catalogue.current() is None
    assert catalogue.switch(items_pointer(first, n_unavailable=2))
    assert (catalogue.current(), catalogue.unavailable()) == (items_pointer(first, n_unavailable=2), ["7", "é"])
    second = write(catalogue, "b")
    assert catalogue.current() == items_pointer(first, n_unavailable=2)
    assert catalogue.switch(items_pointer(second))
    assert catalogue.unavailable() == []
    assert store_redis.hget(KEYS.items(str(second), 0), "1") == b'{"title":"b"}'


def test_what_was_read_earlier_never_replaces_what_was_read_later(catalogue: Catalogue) -> None:
    by_a_run = write(catalogue, "as it was when the run began")
    by_command = write(catalogue, "as it was an hour later")
    assert catalogue.switch(items_pointer(by_command))
    assert not catalogue.switch(items_pointer(by_a_run, made_by="run"))
    assert catalogue.current() == items_pointer(by_command)
    assert catalogue.switch(items_pointer(by_command)), "again is no harm"


def test_a_revision_that_was_left_goes_after_the_grace_and_the_current_one_stays(catalogue: Catalogue, store_redis: Redis) -> None:
    revisions = [write(catalogue, "x", ("1",)) for _ in range(3)]
    assert catalogue.switch(items_pointer(revisions[0], n_unavailable=1))
    assert catalogue.switch(items_pointer(revisions[1], n_unavailable=1))
    assert catalogue.prune(3600, 3600) == []
    assert catalogue.prune(0, 3600) == [revisions[0]], "the third may yet be switched to"
    assert catalogue.prune(0, 0) == [revisions[2]]
    assert catalogue.prune(0, 0) == []
    kept = {KEYS.items(str(revisions[1]), 0).encode(), KEYS.unavailable(str(revisions[1])).encode()}
    found = {key for key in store_redis.keys("larder:*") if b"{ctl}" not in key}
    assert found == kept
    assert not catalogue.switch(items_pointer(revisions[0])), "a late writer changes nothing"


def items_file(path: Path, unavailable: set[int], extra: str = "") -> Path:
    rows = [f"{item},Title {item}{extra},{'A|B' if item % 2 else 'C'},{'no' if item in unavailable else 'yes'}" for item in range(150)]
    path.write_text("itemID,title,categories,available\n" + "\n".join(rows) + "\n")
    return path


def test_an_unavailable_item_disappears_from_every_answer(
    services: Callable[..., Services], redis_server: str, store_redis: Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = services()
    settings = settings_for(redis_server, f"file://{tmp_path}/artifacts", explain_depth=1)
    make_generation(store_redis, settings, "g1")
    write_popular(Generations(store_redis, KEYS), "g1", list(range(12)), dict.fromkeys(range(12), 7))
    path = tmp_path / "items.csv"
    with ApiProcess(redis_server) as api, ThreadPoolExecutor(8) as clients:
        stored = api.ask(1, k=12).json()["items"]
        assert len(stored) == 12
        gone = [item["item_id"] for item in stored[:3]] + [0, 1, 2]
        session = {"items": [{"item_id": item["item_id"]} for item in stored[3:6]], "k": 12}

        def answers() -> list[Any]:
            """Of every route that recommends, each asked several times, for there are two processes."""
            asked: list[Callable[[], Any]] = [
                lambda: [api.ask(1, k=5).json()],
                lambda: [api.ask(1, k=12).json()],
                lambda: [api.ask(1, k=5, offset=1, explain=True, include=["metadata"]).json()],
                lambda: [api.get("/users/1/recommendations?k=5").json()],
                lambda: [api.get("/users/nobody/recommendations?fallback=popular&k=12").json()],
                lambda: api.post("/recommendations/batch", {"user_ids": [1, 2, 3, 4, 5]}).json()["results"],
                lambda: [api.get("/popular?k=12").json()],
                lambda: [api.get(f"/items/{stored[4]['item_id']}/similar").json()],
                lambda: [api.post("/recommendations/session", session).json()],
            ]
            return [answer for found in clients.map(lambda ask: ask(), asked * 4) for answer in found]

        def is_listed(item_ids: list[int]) -> bool:
            return any(item["item_id"] in item_ids for answer in answers() for item in answer["items"])

        assert is_listed(gone)
        ran = stack.run("items", "--items", str(items_file(path, set(gone))))
        switched = time.monotonic()
        assert ran.returncode == 0, ran.stderr
        assert "150 items" in ran.stdout
        assert f"{len(set(gone)):,} ids are in no list" in ran.stdout
        await_that(lambda: not is_listed(gone), "no answer lists what is unavailable", DEADLINE_S)
        with capsys.disabled():
            print(f"\nunavailable items were in no answer {time.monotonic() - switched:.2f} s after `trainer items` (bar: {BAR_S:.0f} s)")
        for _ in range(5):
            assert not is_listed(gone), "and none comes back"

        found = api.get("/items?q=title&category=C&k=3").json()["items"]
        assert [item["metadata"]["title"].partition(" ")[0] for item in found] == ["Title"] * 3
        assert not {item["item_id"] for item in api.get("/items?q=title&k=150").json()["items"]} & set(gone)

        left = [item["item_id"] for item in stored if item["item_id"] not in gone]
        filled = api.ask(1, k=5).json()
        assert [item["item_id"] for item in filled["items"]] == left[:5], "filled from the stored depth"
        assert "short" not in filled
        run_out = api.ask(1, k=12).json()
        assert ([item["item_id"] for item in run_out["items"]], run_out["short"]) == (left, True)
        described = api.ask(1, k=1, include=["metadata"]).json()["items"][0]
        assert described["metadata"]["title"] == f"Title {described['item_id']}"
        assert api.get(f"/items/{gone[0]}").json()["available"] is False

        assert stack.run("items", "--items", str(items_file(path, set(), " II"))).returncode == 0
        back = [item["item_id"] for item in stored]
        await_that(lambda: [item["item_id"] for item in api.ask(1, k=12).json()["items"]] == back, "they are back", DEADLINE_S)
        await_that(lambda: api.get(f"/items/{gone[0]}").json()["metadata"]["title"].endswith(" II"), "with their new titles", DEADLINE_S)
    assert stack.generations.history() != []
    assert len(stack.generations.ids()) == 1, "nothing was trained"


@pytest.mark.long
def test_what_runs_do_with_items(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services(time_column="")
    catalogue = Catalogue(stack.redis, stack.keys)
    data = tmp_path / "interactions.csv"
    data.write_text("userID,itemID,rating\n" + "".join(f"{user},{user % 7 + step},1\n" for user in range(20) for step in range(4)))

    def train(*arguments: str) -> ItemsPointer | None:
        ran = stack.run("run", "--here", "--wait", "--force", *arguments)
        assert ran.returncode == 0, ran.stderr
        return catalogue.current()

    stack.start("worker")
    built_in = train()
    assert built_in is not None
    assert (built_in.n_items, built_in.made_by, built_in.source) == (9_066, "run", "movielens-small")
    own = train("--interactions", str(data))
    assert own is not None
    assert (own.n_items, own.made_by) == (0, "run"), "titles of other data must not stay"

    path = items_file(tmp_path / "items.csv", {3})
    told = stack.run("items", "--items", str(path)).stdout
    assert "LARDER_ITEMS" in told
    by_command = catalogue.current()
    assert by_command is not None
    assert (by_command.n_items, by_command.n_unavailable, by_command.made_by) == (150, 1, "command")
    assert train("--interactions", str(data)) == by_command, "a run without items leaves them alone"
    with_file = train("--interactions", str(data), "--items", str(path), "--exclude-items", "5,6")
    assert with_file is not None
    assert (with_file.n_unavailable, with_file.made_by, with_file.source) == (3, "run", str(path))


@pytest.mark.long
def test_items_that_know_too_little_change_nothing(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services(time_column="", evaluate="false")
    catalogue = Catalogue(stack.redis, stack.keys)
    stack.start("worker")
    data, path = tmp_path / "interactions.csv", tmp_path / "items.csv"
    data.write_text("userID,itemID,rating\n" + "".join(f"{user},{user % 7 + step},1\n" for user in range(20) for step in range(4)))
    path.write_text("itemID,title\n" + "".join(f"{item}.0,Title {item}\n" for item in range(10)) + ",nobody\n3,Another 3\n")
    run = ("run", "--here", "--wait", "--interactions", str(data), "--items", str(path))
    ran = stack.run(*run)
    assert ran.returncode == 0, ran.stderr
    assert "items: 1 rows were left out: 1 with no id" in ran.stdout
    doubled = "1 items stand on rows that differ, and the last row counts (item '3', lines 5 and 13: title 'Title 3' and 'Another 3')"
    assert f"items: {doubled}" in " ".join(ran.stdout.split())
    first, generation = catalogue.current(), stack.generations.current()
    assert first is not None
    assert generation is not None
    manifest = stack.generations.manifest(generation.generation)
    assert manifest.reading["items"] == {"source": str(path), "items": 10, "dropped": {"no id": 1}, "doubled": doubled, "known": 10}

    path.write_text("itemID,title,available\n")
    for arguments in (("items", "--items", str(path)), run):
        refused = stack.run(*arguments)
        assert (refused.returncode, "names no item" in refused.stderr) == (3, True), refused.stderr
    path.write_text("itemID,available\nx3,no\n")
    assert "none of the 1 ids of" in stack.run("items", "--items", str(path)).stderr
    path.write_text("itemID,title,available\n3.0,three,yes\n3.0,three,no\n")
    assert "only 1 of the 10 items of generation" in stack.run("items", "--items", str(path)).stderr
    assert catalogue.current() == first

    waits = stack.run(*run, "--force", "--review")
    assert "waits for you" in waits.stdout, waits.stderr
    assert catalogue.current() == first, "a run under review changes nothing that is served"
    meant = stack.run("items", "--items", str(path), "--force")
    assert "1 of the 10 items of generation" in meant.stdout
    assert "(item '3', lines 2 and 3: available 'True' and 'False')" in meant.stdout
    assert "1 of them are in no list from now on" in meant.stdout
    assert catalogue.unavailable() == ["3"]


@pytest.mark.long
def test_bad_items_change_nothing(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services(interactions="/nowhere/interactions.csv")
    bad = tmp_path / "items.csv"
    bad.write_text("itemID,available\n1,yes\n2,perhaps\n")
    for arguments, code, told in (
        (("--items", str(bad)), 3, f"larder: {bad}: column 'available' holds 1 value(s)"),
        (("--items", str(tmp_path / "none.csv")), 3, "there is no file"),
        (("--exclude-items", f"{tmp_path}/none.txt"), 3, "can't be read"),
        ((), 3, "brings no items: name a file with --items or LARDER_ITEMS"),
        (("--items", str(bad), "--separator", "123456789"), 2, "--separator='123456789'"),
    ):
        ran = stack.run("items", *arguments)
        assert (ran.returncode, told in ran.stderr) == (code, True), ran.stderr
        assert "Traceback" not in ran.stderr
    assert Catalogue(stack.redis, stack.keys).current() is None
