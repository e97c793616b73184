from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError

from api.lists.breaker import PAUSE_S
from api.lists.items_view import ItemsView
from api.lists.store import Store
from api.lists.view import View
from contract.errors import NothingPromotedError, PayloadError, StoreError
from contract.formats import payload
from contract.formats.ids import stored_id
from contract.formats.keys import Id, Keys, bucket_of
from contract.formats.manifest import IdType
from tests.support.fakes import Clock, FakeRedis, serve


def find(store: Store, user_id: Id) -> tuple[str, Id, list[Id]] | None:
    """Generation, id and items of a user's list."""
    seen = store.pointers.find_in_current(lambda view: store.user_list(view, user_id))
    return None if seen is None else (seen[0].pointer.generation, seen[1][0], list(seen[1][1].item_ids))


@pytest.mark.parametrize(
    ("given", "id_type", "expected"),
    [
        (54, "int", 54),
        ("54", "int", 54),
        ("-54", "int", -54),
        ("0", "int", 0),
        ("-0", "int", 0),
        (2**63 - 1, "int", 2**63 - 1),
        (-(2**63), "int", -(2**63)),
        (2**63, "int", None),
        (-(2**63) - 1, "int", None),
        (str(2**63), "int", None),
        ("9" * 5000, "int", None),
        ("054", "int", None),
        ("+54", "int", None),
        (" 54", "int", None),
        ("54\n", "int", None),
        ("5_4", "int", None),
        ("54.0", "int", None),
        ("٥٤", "int", None),
        ("5٤", "int", None),
        ("", "int", None),
        ("-", "int", None),
        (54, "str", "54"),
        ("54", "str", "54"),
        ("054", "str", "054"),
        (10**30, "str", str(10**30)),
    ],
)
def test_an_id_is_spelled_as_the_generation_spells_it(given: Id, id_type: IdType, expected: Id | None) -> None:
    found = stored_id(given, id_type)
    assert found == expected
    assert type(found) is type(expected)


def test_a_list_takes_one_round_trip_while_the_pointer_is_young(store: Store, fake: FakeRedis, clock: Clock) -> None:
    serve(fake, {54: [(300, 2.5), (294, 2.0)], 55: [(1, 1.0)]})
    find(store, 54)
    assert fake.round_trips == 2
    clock.now_s += 0.49
    assert find(store, 55) == ("g1", 55, [1])
    assert fake.round_trips == 3
    clock.now_s += 0.02
    find(store, 54)
    assert fake.round_trips == 5


def test_a_promotion_is_seen_once_the_pointer_is_old(store: Store, fake: FakeRedis, clock: Clock) -> None:
    serve(fake, {54: [(1, 1.0)]}, "g1")
    assert find(store, 54) == ("g1", 54, [1])
    serve(fake, {54: [(2, 2.0)]}, "g2")
    assert find(store, 54) == ("g1", 54, [1])
    clock.now_s += 0.5
    assert find(store, 54) == ("g2", 54, [2])


def test_a_user_who_is_missing_is_looked_for_in_a_newer_generation(store: Store, fake: FakeRedis) -> None:
    serve(fake, {54: [(1, 1.0)]}, "g1")
    store.pointers.current()
    serve(fake, {99: [(2, 2.0)]}, "g2")
    assert find(store, 99) == ("g2", 99, [2])


def test_a_pruned_generation_is_left_for_the_current_one(store: Store, fake: FakeRedis) -> None:
    serve(fake, {54: [(1, 1.0)]}, "g1")
    store.pointers.current()
    fake.hashes.clear()
    serve(fake, {54: [(2, 2.0)]}, "g2", n_user_buckets=9, user_id_type="str")
    assert find(store, "54") == ("g2", "54", [2])


def test_an_unknown_user_costs_one_look_at_the_pointer_more(store: Store, fake: FakeRedis) -> None:
    serve(fake, {54: [(1, 1.0)]})
    store.pointers.current()
    fake.round_trips = 0
    assert find(store, 99) is None
    assert fake.round_trips == 2


def test_nothing_is_promoted_yet(store: Store, fake: FakeRedis) -> None:
    with pytest.raises(NothingPromotedError):
        find(store, 54)
    serve(fake, {54: [(1, 1.0)]})
    assert find(store, 54)


def test_metadata_takes_one_round_trip(store: Store, fake: FakeRedis) -> None:
    view = View(serve(fake, {54: [(300, 2.5)]}, metadata={300: {"title": "Heat"}, 301: {"title": "Casino"}}), ItemsView())
    assert store.metadata(view, [301, 7, 300]) == [b'{"title": "Casino"}', b"{}", b'{"title": "Heat"}']
    assert fake.round_trips == 1
    assert store.metadata(view, []) == []
    assert fake.round_trips == 1


@pytest.mark.parametrize("pointer", [b"{", b"{}", b'{"generation": "g1"}'])
def test_a_pointer_that_cannot_be_read_is_an_error_that_says_so(store: Store, fake: FakeRedis, pointer: bytes) -> None:
    fake.strings[Keys().current] = pointer
    with pytest.raises(PayloadError, match="can't be read"):
        store.pointers.current()


def test_a_newer_payload_format_is_refused_before_a_list_is_read(store: Store, fake: FakeRedis) -> None:
    serve(fake, {54: [(1, 1.0)]}, payload_format=payload.READABLE_FORMATS[-1] + 1)
    with pytest.raises(PayloadError, match="upgrade the API"):
        find(store, 54)


def test_a_damaged_list_is_an_error(store: Store, fake: FakeRedis) -> None:
    pointer = serve(fake, {54: [(1, 1.0)]})
    key = Keys().recs(pointer.generation, bucket_of(54, pointer.n_user_buckets))
    fake.hashes[key]["54"] = fake.hashes[key]["54"][:-1]
    with pytest.raises(PayloadError):
        find(store, 54)


def test_a_server_that_is_away_is_asked_by_one_request_at_a_time(store: Store, fake: FakeRedis, clock: Clock) -> None:
    serve(fake, {54: [(1, 1.0)]})
    store.pointers.current()
    fake.failure = RedisConnectionError("refused")
    fake.round_trips = 0
    for _ in range(5):
        with pytest.raises(StoreError):
            find(store, 54)
    assert fake.round_trips == 1
    clock.now_s += PAUSE_S
    for _ in range(5):
        with pytest.raises(StoreError):
            find(store, 54)
    assert fake.round_trips == 2
    fake.failure = None
    with pytest.raises(StoreError):
        find(store, 54)
    clock.now_s += PAUSE_S
    assert find(store, 54)
    assert find(store, 54)


def test_a_refusal_does_not_stop_other_requests(store: Store, fake: FakeRedis) -> None:
    view = View(serve(fake, {54: [(1, 1.0)]}), ItemsView())
    fake.failure = NoPermissionError("no access to items")
    with pytest.raises(StoreError):
        store.metadata(view, [1])
    fake.failure = None
    assert find(store, 54)
