"""What an answer stands on is of one moment, whatever comes in between."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from api.lists.items_view import ItemsView
from api.lists.pinning import pinned_to
from api.lists.store import Store
from contract.formats.keys import Keys
from tests.support.builders import Lists
from tests.support.fakes import Clock, FakeRedis, serve
from tests.unit.api.lists.test_items_view import stock

LISTS: Lists = {54: [(1, 2.0), (2, 1.0)]}
KEYS = Keys()


def test_an_answer_keeps_to_the_items_of_its_beginning(
    client: FlaskClient, store: Store, fake: FakeRedis, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(fake, LISTS, k=2, depth=2, n_item_buckets=1)
    stock(fake, [], 1, {1: b'{"title":"old"}', 2: b'{"title":"old"}'})
    read = store.user_list

    def read_while_items_change(*asked: object) -> object:
        found = read(*asked)  # type: ignore[arg-type]
        stock(fake, [2], 2, {1: b'{"title":"new"}'})
        clock.now_s += 1
        assert store.pointers.current().unavailable == {2}, "another thread has seen them"
        return found

    monkeypatch.setattr(store, "user_list", read_while_items_change)
    before = client.get("/users/54/recommendations?include=metadata")
    monkeypatch.undo()
    after = client.get("/users/54/recommendations?include=metadata")
    shown = [[(item["item_id"], item["metadata"]) for item in answer.get_json()["items"]] for answer in (before, after)]
    assert shown == [[(1, {"title": "old"}), (2, {"title": "old"})], [(1, {"title": "new"})]]
    assert [answer.headers["ETag"] for answer in (before, after)] == ['W/"g1.1"', 'W/"g1.2"']


@pytest.mark.parametrize("is_served", [True, False])
def test_a_generation_that_is_named_first_of_all_is_without_what_is_unavailable(store: Store, fake: FakeRedis, is_served: bool) -> None:
    pointer = serve(fake, LISTS)
    if not is_served:
        del fake.strings[KEYS.current]
    stock(fake, [2])
    with pinned_to(store, pointer) as view:
        assert store.pointers.current() is view
        found = store.user_list(view, 54)
    assert found is not None
    assert found[1].item_ids == [1]


def test_nobody_goes_back_to_items_that_another_thread_has_left(store: Store, fake: FakeRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that goes on without the items that another one reads, and is the last to say what is current."""
    serve(fake, LISTS)
    older, newer = ItemsView(b"1"), ItemsView(b"2")

    class Raced:
        seen = iter([older])

        def update(self, *_read: object) -> None:
            """The other thread does."""

        @property
        def current(self) -> ItemsView:
            return next(self.seen, newer)

    monkeypatch.setattr(store.pointers, "_items", Raced())
    assert store.pointers.current().items is newer
    young = store.pointers.young()
    assert young is not None
    assert young.items is newer
