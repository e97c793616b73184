"""Artifacts in a real object store: whole or not there, fetched once a host, scrubbed, removed; and a run from end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from redis import Redis

from contract.artifacts import mirror, object_store
from contract.artifacts.artifact import artifacts_in, folder_of, has_artifact, open_artifact, remove_artifact
from contract.artifacts.artifact_writer import ArtifactWriter
from contract.artifacts.object_store import ObjectStore, address_of
from contract.errors import ArtifactError, TakenOverError
from contract.formats.keys import Keys
from contract.formats.manifest import Manifest
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from tests.support.models.fitting import interactions_of
from tests.support.models.samples import many
from tests.support.servers.flaky_front import WAYS, FlakyFront
from tests.support.servers.object_server import ObjectServer
from tests.support.servers.services import Services, await_that
from trainer.erasure.scrub import scrub
from trainer.run.pipeline import make_artifact
from trainer.run.spec import RunSpec

SECRET = "a secret of the tests"


@pytest.fixture
def host(place: str, tmp_path: Path) -> Callable[[str], str]:
    """The address of this test's own place in the store, as a host of this name has it: with its own copies."""
    return lambda name: f"{place}?cache={tmp_path}/{name}"


def settings_at(url: str, **more: object) -> Settings:
    return Settings.from_environ({}, artifacts=url, evaluate=False, depth=12, k=5, similar_depth=4, erasure_secret=SECRET, **more)


def make(url: str, generation: str, token: int = 0) -> Manifest:
    return make_artifact(RunSpec(generation, settings_at(url), token), interactions_of(many()), lambda *_: None)


def objects(url: str) -> list[str]:
    return [key for name in mirror.names(url) for key in ObjectStore(address_of(url).url).keys(name)]


def test_another_host_reads_what_one_has_written(host: Callable[[str], str]) -> None:
    made = make(host("a"), "g1")
    there = open_artifact(host("b"), "g1")
    assert there.manifest == made
    here = open_artifact(host("a"), "g1")
    for name, values in here.arrays.items():
        assert np.array_equal(values, there[name]), name
    assert folder_of(host("b")) != folder_of(host("a"))
    assert artifacts_in(host("c")) == ["g1"]
    assert has_artifact(host("c"), "g1")
    assert not has_artifact(host("c"), "g2")
    with pytest.raises(ArtifactError, match="there is no artifact s3://"):
        open_artifact(host("b"), "g2")


def test_arrays_are_fetched_once(host: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    make(host("a"), "g1")
    open_artifact(host("b"), "g1")
    monkeypatch.setattr(ObjectStore, "download", lambda *_: pytest.fail("fetched again"))
    open_artifact(host("b"), "g1")


def test_a_fetch_that_was_cut_short_goes_on_where_it_was(host: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = make(host("a"), "g1")
    fetched: list[str] = []
    download = ObjectStore.download

    def die_at_the_fourth(self: ObjectStore, key: str, path: Path) -> int:
        fetched.append(key)
        if len(fetched) == 4:
            path.write_bytes(b"half")
            raise KeyboardInterrupt
        return download(self, key, path)

    monkeypatch.setattr(ObjectStore, "download", die_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        open_artifact(host("b"), "g1")
    open_artifact(host("b"), "g1")
    assert len(fetched) == len(manifest.arrays) + 1


def test_an_object_of_many_chunks_comes_whole_and_a_full_disk_is_one_sentence(place: str, tmp_path: Path) -> None:
    whole, store = np.random.default_rng(1).bytes(5 * object_store._STEP + 1), ObjectStore(address_of(place).url)
    (tmp_path / "whole").write_bytes(whole)
    store.upload("g1/whole", tmp_path / "whole")
    assert store.download("g1/whole", tmp_path / "came") == crc32(whole)
    assert (tmp_path / "came").read_bytes() == whole
    with pytest.raises(ArtifactError, match="No space left"):
        store.download("g1/whole", Path("/dev/full"))


def test_bytes_that_are_not_what_the_manifest_says_are_refused(host: Callable[[str], str]) -> None:
    make(host("a"), "g1")
    key = next(key for key in objects(host("a")) if "/indices-" in key)
    whole = ObjectStore(address_of(host("a")).url).get(key)
    assert whole is not None
    for wrong in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        ObjectStore(address_of(host("a")).url).put(key, wrong)
        with pytest.raises(ArtifactError, match="is not what the manifest says"):
            open_artifact(host("b"), "g1")
    ObjectStore(address_of(host("a")).url).put(key, whole)
    open_artifact(host("b"), "g1")


def test_of_two_trainers_of_a_run_the_later_one_stays(host: Callable[[str], str]) -> None:
    late = ArtifactWriter(host("a"), "g1", 1)
    manifest = make(host("b"), "g1", 2)
    late.put({name: np.zeros(spec.shape, spec.dtype) for name, spec in manifest.arrays.items()})
    with pytest.raises(TakenOverError):
        late.finish(manifest)
    assert open_artifact(host("c"), "g1").manifest.arrays == manifest.arrays
    make(host("a"), "g1", 3)
    assert open_artifact(host("c"), "g1").manifest.token == 3


def test_erased_users_leave_the_store_and_every_copy_that_is_opened(host: Callable[[str], str], store_redis: Redis) -> None:
    make(host("a"), "g1")
    before = set(objects(host("a")))
    user = open_artifact(host("b"), "g1").ids("user_ids")[3]
    erasure = Erasure(store_redis, Keys(), SECRET)
    erasure.add(user)
    assert scrub(host("a"), "g1", erasure) == [3]
    after = set(objects(host("a")))
    assert len(after) == len(before)
    assert {key.rpartition("-")[0] for key in before - after} == {f"g1/{name}" for name in ("affinity", "indices", "unity", "user_ids")}
    assert user not in open_artifact(host("b"), "g1").ids("user_ids")
    assert open_artifact(host("b"), "g1").manifest.erased == (3,)


def test_copies_are_bounded_and_those_of_removed_artifacts_go(host: Callable[[str], str]) -> None:
    for name in ("g1", "g2", "g3"):
        make(host("a"), name)
    small = f"{host('b')}&cache_gb=0.0000001"
    for name in ("g1", "g2"):
        open_artifact(small, name)
    assert [path.name for path in folder_of(small).glob("g*")] == ["g2"]
    remove_artifact(host("a"), "g2")
    assert artifacts_in(host("a")) == ["g1", "g3"]
    open_artifact(host("b"), "g3")
    assert [path.name for path in folder_of(small).glob("g*")] == ["g3"]


def test_a_store_that_refuses_is_one_sentence(host: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "_TRIES", {"max_retries": 0})
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(ArtifactError, match=r"^s3://larder/\S+ can't be used: \w+: [^\n]*$"):
        open_artifact(host("a"), "g1")


@pytest.mark.long
def test_a_store_that_fails_one_request_in_twenty_costs_only_time(
    host: Callable[[str], str], object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is that fails: what was not done is done again, and what was done without a word is found done."""
    with FlakyFront(object_server.port) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        names = list[str]()
        while any(front.failed[way] < 2 for way in WAYS):
            names.append(f"g{len(names)}")
            made = make(host("a"), names[-1])
            there = open_artifact(host("b"), names[-1])
            assert there.manifest == made
            assert artifacts_in(host("b")) == sorted(names)
        for name in names:
            remove_artifact(host("a"), name)
        assert artifacts_in(host("b")) == []


@pytest.mark.parametrize(
    "url", ["s3://", "s3://b/p?cache=relative", "s3://b?cache_gb=0", "s3://b?cache_gb=x", "s3://b?region=eu", "s3://b#x"]
)
def test_a_bad_address_is_refused(url: str) -> None:
    with pytest.raises(ArtifactError, match="expected s3"):
        address_of(url)


@pytest.mark.long
def test_a_run_a_worker_on_another_host_an_erasure_and_retention(
    services: Callable[..., Services], host: Callable[[str], str], tmp_path: Path
) -> None:
    stack = services(erasure_secret=SECRET, keep_generations=0, grace_s=5, job_timeout_s=10)
    stack.environ["LARDER_ARTIFACTS"] = host("trainer")
    data = tmp_path / "events.csv"
    data.write_text("user,item\n" + "".join(f"u{n % 40},i{n * 7 % 30}\n" for n in range(600)))
    stack.environ["LARDER_INTERACTIONS"] = str(data)
    stack.start("worker", LARDER_ARTIFACTS=host("worker"))
    service = stack.start("trainer", "serve")
    names = [await_that(lambda: stack.generations.current(), f"a first run\n{stack.logs()}").generation]
    for _ in range(2):
        ran = stack.run("run", "--wait")
        assert ran.returncode == 0, ran.stdout + ran.stderr + stack.logs()
        pointer = stack.generations.current()
        assert pointer is not None
        names.append(pointer.generation)
    assert (folder_of(host("worker")) / names[-1]).is_dir()
    assert "obstore" not in Path(f"/proc/{service.pid}/maps").read_text()  # the service forks
    verified = stack.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    erased = stack.run("erase", "u3", "--yes")
    assert erased.returncode == 0, erased.stdout + erased.stderr
    assert "u3" not in open_artifact(host("reader"), names[-1]).ids("user_ids")
    await_that(lambda: names[0] not in artifacts_in(host("reader")), "the oldest artifact leaves the store", 120)
