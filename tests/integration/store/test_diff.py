"""The diff of two generations whose lists a test knows, on a real Redis."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from redis import Redis
from rich.console import Console

from contract.formats.keys import Keys
from contract.formats.reports.diff import Diff
from contract.formats.shard_record import ShardRecord
from contract.formats.verdict import Verdict
from contract.store.generations import Generations
from tests.support.builders import Lists, manifest_of, promote_lists, write_lists
from tests.support.generation_maker import evaluation
from trainer.cli.show.diff_table import bars, diff_table
from trainer.inspect import compare as comparison
from trainer.inspect.compare import compare
from trainer.inspect.stored_diff import remember_diff, stored_diff

KEYS = Keys("test")
OLD = {1: [10, 11, 12, 13], 2: [10, 11, 12], 3: [10, 20, 21], 4: [], 5: [30]}
NEW = {1: [10, 11, 12, 99], 2: [11, 10, 40], 3: [50, 51, 52], 4: [], 6: [10]}


def ranked(lists: dict[int, list[int]]) -> dict[int, list[tuple[int, float]]]:
    return {user: [(item, float(100 - rank)) for rank, item in enumerate(items)] for user, items in lists.items()}


@pytest.fixture
def generations(store_redis: Redis) -> Generations:
    return Generations(store_redis, KEYS)


@pytest.fixture
def pair(store_redis: Redis, generations: Generations) -> Generations:
    """OLD is the previous generation "a", NEW the current "b"; their buckets differ in number."""
    promote_lists(store_redis, KEYS, ranked(OLD), generation="a", n_items=200, n_user_buckets=3, evaluation=evaluation(0.25, 0.125))
    promote_lists(store_redis, KEYS, ranked(NEW), generation="b", n_items=220, n_user_buckets=4, evaluation=evaluation(0.5, 0.125))
    return generations


def test_every_figure_by_hand(pair: Generations) -> None:
    found = compare(pair, "a", "b")
    assert (found.k, found.sampled, found.before.users_read, found.after.users_read) == (3, False, 5, 5)
    assert (found.users_gained, found.users_lost) == (1, 1)  # 6, and 5
    assert found.overlap is not None
    assert found.overlap.n == 4  # users 1 to 4: 1, 2/3, 0, and 1 for two empty lists
    assert found.overlap.mean == pytest.approx((1 + 2 / 3 + 0 + 1) / 4)
    assert found.overlap.bins == (1, 0, 0, 0, 0, 0, 1, 0, 0, 2)
    assert found.identical == 0.5  # 1 in its first three, and 4
    assert found.rbo is not None
    # user 1: agreement 1 at three depths and 3/4 at the fourth; user 2: 0, 1, 2/3; user 3: 0; user 4: 1
    first = 0.1 / 0.9 * (0.9 + 0.81 + 0.729 + 0.75 * 0.6561) + 0.75 * 0.6561
    second = 0.1 / 0.9 * (0.81 + 2 / 3 * 0.729) + 2 / 3 * 0.729
    assert found.rbo.mean == pytest.approx((first + second + 0 + 1) / 4)
    # first three of each list: old 10 ×3, 11 ×2, 12 ×2, 20, 21, 30; new 10 ×3, 11 ×2, 12, 40, 50, 51, 52
    assert (found.before.items_listed, found.after.items_listed) == (6, 7)
    assert (found.items_gained, found.most_gained) == (4, (40, 50, 51, 52))
    assert (found.items_lost, found.most_lost) == (3, (20, 21, 30))
    assert found.before.coverage == pytest.approx(6 / 200)
    assert found.before.head_share == pytest.approx(5 / 10)  # two items are 1 % of 200: 10, and 11
    assert found.after.head_share == pytest.approx(5 / 10)
    assert found.moved == pytest.approx((1 + 1 + 1 + 1 + 4) / 10 / 2)  # 12, 20, 21, 30, and the four that are new
    assert (found.before.mean_listed, found.after.mean_listed) == (11 / 5, 11 / 5)
    assert found.before.metrics["ndcg@10, time"] == found.before.metrics["map@10, time"] == 0.25
    assert found.after.metrics["novelty@10, time"] == 4.5
    assert (found.before.metrics["popularity ndcg@10, time"], found.after.metrics["ndcg@10, time"]) == (0.125, 0.5)


def test_two_equal_generations_differ_in_nothing(store_redis: Redis, generations: Generations) -> None:
    for name in "ab":
        promote_lists(store_redis, KEYS, ranked(OLD), generation=name)
    found = compare(generations, "a", "b")
    assert (found.identical, found.moved, found.items_gained, found.items_lost, found.users_gained, found.users_lost) == (1, 0, 0, 0, 0, 0)
    assert found.rbo is not None
    assert found.rbo.mean == pytest.approx(1)


def test_k_is_the_smaller_of_both(store_redis: Redis, generations: Generations) -> None:
    promote_lists(store_redis, KEYS, ranked(OLD), generation="a", k=2)
    promote_lists(store_redis, KEYS, ranked(NEW), generation="b", k=3)
    assert compare(generations, "a", "b").k == 2


def test_nobody_in_common(store_redis: Redis, generations: Generations) -> None:
    promote_lists(store_redis, KEYS, ranked({1: [10]}), generation="a")
    promote_lists(store_redis, KEYS, ranked({2: [10]}), generation="b")
    found = compare(generations, "a", "b")
    assert (found.overlap, found.rbo, found.identical, found.users_gained, found.users_lost) == (None, None, 0.0, 1, 1)
    assert "no user in common" in drawn(found)


def test_a_sample_is_the_same_at_every_call_and_said(store_redis: Redis, generations: Generations, monkeypatch: pytest.MonkeyPatch) -> None:
    many = {user: [user % 7, 7 + user % 3] for user in range(2000)}
    for name in "ab":
        promote_lists(store_redis, KEYS, ranked(many), generation=name, n_user_buckets=32)
    monkeypatch.setattr(comparison, "SAMPLE_USERS", 500)
    found = compare(generations, "a", "b")
    assert found.sampled
    assert 400 < found.after.users_read < 600  # 8 of 32 buckets
    assert found == compare(generations, "a", "b")
    assert found.identical == 1
    assert f"{found.after.users_read} users at every call" in " ".join(drawn(found).split())


def test_it_is_remembered_in_the_generation_and_read_back(pair: Generations) -> None:
    assert stored_diff(pair, "b") is None
    found = remember_diff(pair, "b")
    assert found is not None
    assert (found.before.generation, found.after.generation) == ("a", "b")
    assert stored_diff(pair, "b") == found == remember_diff(pair, "b")
    assert Diff.model_validate_json(found.model_dump_json()) == found


def unserved(redis: Redis, generations: Generations, lists: Lists, name: str, against: str = "") -> None:
    manifest = manifest_of(lists, name)
    generations.begin(manifest, Verdict(passed=False, because="the test says so", against=against))
    write_lists(redis, KEYS, manifest, lists)
    generations.record_shard(name, 0, ShardRecord(len(lists), len(lists), sum(map(len, lists.values())), 0))
    assert generations.promote(name, "a test") == "refused"


def test_a_generation_that_waits_is_compared_with_what_the_verdict_names_else_with_what_is_served(
    pair: Generations, store_redis: Redis
) -> None:
    befores: list[str] = []
    for name, against in (("c", "a"), ("d", "")):
        unserved(store_redis, pair, ranked(OLD), name, against)
        found = remember_diff(pair, name)
        assert found is not None
        befores.append(found.before.generation)
    assert befores == ["a", "b"]


def test_nothing_to_compare_with(store_redis: Redis, generations: Generations) -> None:
    assert remember_diff(generations, "z") is None
    promote_lists(store_redis, KEYS, ranked(OLD), generation="a")
    assert remember_diff(generations, "a") is None
    promote_lists(store_redis, KEYS, ranked(NEW), generation="b")
    store_redis.hset(KEYS.generation("a"), "state", "pruned")
    assert remember_diff(generations, "b") is None
    assert stored_diff(generations, "b") is None


def test_a_hash_that_was_removed_does_not_come_back(pair: Generations, store_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    def remove_then_compare(*arguments: str) -> Diff:
        found = compare(pair, *arguments[1:])
        store_redis.delete(KEYS.generation("b"))
        return found

    monkeypatch.setattr("trainer.inspect.stored_diff.compare", remove_then_compare)
    assert remember_diff(pair, "b") is not None
    assert not store_redis.exists(KEYS.generation("b"))


def drawn(found: Diff) -> str:
    text = io.StringIO()
    Console(file=text, width=160).print(diff_table(found))
    return text.getvalue()


@pytest.mark.parametrize(("counts", "drawn_as"), [((0, 1, 4, 8), " ▁▄█"), ((0, 1, 1000), " ▁█"), ((0, 0), "  "), ((), "")])
def test_bars_show_any_count_at_all(counts: Sequence[int], drawn_as: str) -> None:
    assert bars(tuple(counts)) == drawn_as


def test_the_table_says_what_changed(pair: Generations) -> None:
    text = drawn(compare(pair, "a", "b"))
    for part in ("+1 −1", "+4 −3", "50.0% of users", "mean 0.667", "Most listed of the items gained: 40, 50, 51, 52", "+0.2500"):
        assert part in text, part
    assert "sample" not in text
