"""The thread that sends lists that were shown: it begins when it can, goes on whatever comes, and sends the last ones."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from redis import Redis

from api.impressions import sender
from api.impressions.sender import DROPPED, KEPT, MAX_HELD_BYTES, Sender
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store.streams.impressions import impressions_in
from contract.store.streams.stream import NOTHING
from tests.support.servers.services import await_that

BODY = b'{"user_id":1,"source":"personalized","items":[{"item_id":5,"score":0.5,"rank":1}],"generation":"g1"}\n'


class Counts(dict[str, int]):
    def __call__(self, outcome: str, n: int) -> None:
        self[outcome] = self.get(outcome, 0) + n


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def made(redis_server: str, store_redis: Redis, counts: Counts, monkeypatch: pytest.MonkeyPatch) -> Sender:
    """`store_redis`: empty."""
    monkeypatch.setattr(sender, "GATHER_S", 0.01)
    monkeypatch.setattr(sender, "PAUSE_S", 0.01)
    return Sender(Settings(redis_url=redis_server), counts)


def sent(redis: Redis) -> list[str]:
    return [one.request_id for _, one in impressions_in(redis, Keys()).read(NOTHING, 100_000)]


def put_two(made: Sender) -> None:
    made.put("a", BODY)
    made.put("b", BODY)


def without_threads(act: Callable[[], None]) -> None:
    """No thread gets a stack of more than there are addresses."""
    usual = threading.stack_size(2**47)
    try:
        act()
    finally:
        threading.stack_size(usual)


def test_where_no_thread_can_be_started_answers_go_out_and_the_next_one_tries_again(
    made: Sender, store_redis: Redis, counts: Counts, caplog: pytest.LogCaptureFixture
) -> None:
    without_threads(lambda: put_two(made))
    assert caplog.text.count("no thread can be started") == 1
    made.put("c", BODY)
    made.close()
    assert (sent(store_redis), counts) == (["a", "b", "c"], {KEPT: 3})


def test_where_no_thread_could_be_started_until_all_is_full_it_tries_again_all_the_same(
    made: Sender, store_redis: Redis, counts: Counts
) -> None:
    without_threads(lambda: made.put("full", BODY + b" " * (MAX_HELD_BYTES - len(BODY))))
    made.put("too much", BODY)
    made.close()
    assert (sent(store_redis), counts) == (["full"], {KEPT: 1, DROPPED: 1})


def test_the_first_answer_of_a_process_that_ends_at_once_is_sent(made: Sender, store_redis: Redis, counts: Counts) -> None:
    made.put("only", BODY)
    made.close()
    assert (sent(store_redis), counts) == (["only"], {KEPT: 1})


@pytest.mark.parametrize(
    "bad",
    [
        b"[1]", b"[" * 60_000, b'{"items":7}', b"\xff", b'{"items":[{"item_id":1,"rank":1}]}',
        BODY.replace(b'"user_id":1', b'"user_id":"\\ud800"'),  # can't be encoded again
    ],
)  # fmt: skip
def test_what_is_no_answer_ends_no_thread_and_is_told_once(
    made: Sender, store_redis: Redis, counts: Counts, caplog: pytest.LogCaptureFixture, bad: bytes
) -> None:
    for n in (1, 2):
        made.put("bad", bad)
        await_that(lambda n=n: counts.get(DROPPED, 0) == n, "it is dropped")  # type: ignore[misc]
    made.put("good", BODY)
    made.close()
    assert (sent(store_redis), counts) == (["good"], {KEPT: 1, DROPPED: 2})
    assert len(caplog.records) == 1


def test_a_first_page_that_is_pinned_is_not_in_the_sample(made: Sender, store_redis: Redis, counts: Counts) -> None:
    made.put("a try", BODY, True)
    made.put("page 2", BODY.replace(b'"rank":1', b'"rank":11'), True)
    made.close()
    assert (sent(store_redis), counts) == (["page 2"], {KEPT: 1})


def test_what_could_not_be_sent_before_the_end_counts_as_dropped(
    made: Sender, store_redis: Redis, counts: Counts, caplog: pytest.LogCaptureFixture
) -> None:
    without_threads(lambda: put_two(made))
    made.close()
    assert (sent(store_redis), counts) == ([], {DROPPED: 2})
    assert "2 answers were not sent before the end of the process" in caplog.text
