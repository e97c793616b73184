"""What answers showed, by the answers themselves; and that nothing of it is loaded where it is off."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from api.impressions import sampling
from api.impressions import shown as shown_module
from api.impressions.sampling import SamplingMiddleware
from api.impressions.shown import AT_ONCE_BYTES, shown
from api.metrics.counters import Metrics
from contract.formats.events import Impression, decode_impression
from tests.support.paths import ROOT

ITEMS = [{"item_id": 318, "score": 0.5, "rank": 1, "metadata": {"rank": 9}}, {"item_id": 50, "score": 0.25, "rank": 2, "source": "popular"}]


def of(answer: object) -> list[Impression]:
    return shown("r", 1700, json.dumps(answer).encode())


def test_a_users_list() -> None:
    answer = {"user_id": 54, "source": "personalized", "items": ITEMS, "generation": "g1", "trained_at": "x"}
    (found,) = of(answer)
    assert found == Impression("r", 1700, 54, "g1", "", "personalized", [318, 50], [1, 2])
    assert decode_impression(found.encode()) == found
    assert decode_impression(json.dumps([*found, "of a later version"]).encode()) == found
    assert of(answer | {"arm": "b"})[0].arm == "b"
    assert of(answer | {"items": []}) == []


def test_a_batch_tells_of_each_user_who_got_a_list() -> None:
    one = {"user_id": "ann", "source": "personalized", "items": ITEMS}
    other = {"user_id": "bob", "source": "popular", "items": ITEMS[1:], "arm": "b", "generation": "g2"}
    found = of({"generation": "g1", "arm": "a", "results": [one, {"user_id": "cid", "problem": {}}, other]})
    assert [(each.user_id, each.generation, each.arm, each.item_ids, each.ranks) for each in found] == [
        ("ann", "g1", "a", [318, 50], [1, 2]), ("bob", "g2", "b", [50], [2]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("route", "status", "drawn", "n"),
    [
        ("/recommendations", "200 OK", 0.3, 1), ("/recommendations/batch", "200 OK", 0.3, 1), ("/recommendations", "200 OK", 0.5, 0),
        ("/recommendations", "404 NOT FOUND", 0.3, 0), ("/items/<item_id>/similar", "200 OK", 0.3, 0),
        ("/recommendations", "304 NOT MODIFIED", 0.3, 0),
    ],
)  # fmt: skip
def test_a_share_of_answers_with_lists_by_chance(monkeypatch: pytest.MonkeyPatch, route: str, status: str, drawn: float, n: int) -> None:
    monkeypatch.setattr(sampling, "random", lambda: drawn)
    kept: list[tuple[str, bytes, bool]] = []
    told: list[str] = []

    def start_response(status: str, *_: Any) -> Any:
        told.append(status)

    sampled = SamplingMiddleware(lambda _environ, _start: (), Metrics(), share=0.5, keep=lambda *given: kept.append(given))
    environ = {"REQUEST_METHOD": "POST", "HTTP_X_REQUEST_ID": "mine"}
    body = sampled.respond(environ, start_response, 0.0, route, status, [], None, (part for part in (b"ab", b"c")))
    assert b"".join(body) == b"abc"
    assert kept == [("mine", b"abc", False)] * n
    assert told == [status]


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("k=3", [False]), ("arm=b", []), ("k=3&generation=", [True]), ("generation=g1&offset=3", [True]), ("generation=g1&arm=b", []),
        ("charm=b", [False]), ("%61rm=b", []),
    ],
)  # fmt: skip
def test_what_a_request_names_itself_is_not_what_its_user_gets(query: str, kept: list[bool]) -> None:
    found: list[bool] = []
    sampled = SamplingMiddleware(lambda _environ, _start: (), Metrics(), share=1, keep=lambda *given: found.append(given[2]))
    environ = {"REQUEST_METHOD": "GET", "QUERY_STRING": query}
    sampled.respond(environ, lambda *_: print, 0.0, "/users/<user_id>/recommendations", "200 OK", [], None, (b"a",))
    assert found == kept


def test_of_pinned_answers_only_further_pages_were_shown() -> None:
    first = {"user_id": 54, "source": "personalized", "items": ITEMS, "generation": "g1"}
    further = first | {"user_id": 55, "items": ITEMS[1:]}
    for answer, users in ((first, []), (further, [55]), ({"generation": "g1", "results": [first, further]}, [55])):
        assert [one.user_id for one in shown("r", 1700, json.dumps(answer).encode(), further_only=True)] == users


def compact(answer: object) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


LONG = [{"item_id": f'"items":[ {n}', "score": 0.5, "rank": n + 1, "metadata": {"items": [{}], "results": []}} for n in range(40)]
LONG_LIST = {"user_id": '"results":[', "source": "personalized", "items": LONG, "short": True, "generation": "g1"}


@pytest.mark.parametrize(
    "answer",
    [
        LONG_LIST,
        {"generation": "g1", "trained_at": "x", "results": [LONG_LIST, {"user_id": 7, "problem": {"items": 1}}, LONG_LIST | {"arm": "b"}]},
        {"generation": "g1", "results": [], "arm": "a"},
        LONG_LIST | {"items": []},
    ],
)
def test_a_long_answer_is_read_piece_by_piece_and_tells_the_same(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    at_once = shown("r", 1700, compact(answer))
    monkeypatch.setattr(shown_module, "AT_ONCE_BYTES", 8)
    assert shown("r", 1700, compact(answer)) == at_once


@pytest.mark.parametrize("body", [b'{"items":[{}{}]}', b'{"items":[{}', b'{"items":[7]}', b"[" * 9, b'{"items":[{}]', b'{"items":[,]}'])
def test_a_long_text_that_is_no_answer_is_refused(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(shown_module, "AT_ONCE_BYTES", 8)
    with pytest.raises((ValueError, IndexError, TypeError)):
        shown("r", 1700, body)


def test_other_threads_go_on_while_a_long_answer_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured by what is read between two moments at which it lets others go first."""
    body = compact({"generation": "g1", "results": [LONG_LIST] * 300})
    assert len(body) > 4 * AT_ONCE_BYTES
    pauses, read, longest = [0], [0], [0]
    piece = shown_module._piece

    def counted(text: str, at: int) -> tuple[object, int]:
        found, end = piece(text, at)
        read[0] += end - at
        longest[0] = max(longest[0], read[0])
        return found, end

    def slept(_seconds: float) -> None:
        pauses[0] += 1
        read[0] = 0

    monkeypatch.setattr(shown_module, "_piece", counted)
    monkeypatch.setattr("api.impressions.shown.time.sleep", slept)
    assert len(shown("r", 1700, body)) == 300
    assert pauses[0] > len(body) / AT_ONCE_BYTES
    assert longest[0] < AT_ONCE_BYTES


def test_off_is_not_loaded() -> None:
    code = (
        "import sys; from api.app import create_app; from contract.settings.settings import Settings; create_app(Settings(impressions={}));"
        "print(sorted(name for name in sys.modules if name.startswith(('api.impressions', 'contract.store.streams.impressions'))))"
    )

    def loaded(share: float) -> str:
        return subprocess.run([sys.executable, "-c", code.format(share)], capture_output=True, text=True, check=True, cwd=ROOT).stdout

    assert loaded(0) == "[]\n"
    assert "api.impressions.sender" in loaded(0.1)


def test_an_interleaved_list_is_one_of_each_arm_with_the_ranks_of_its_picks() -> None:
    items = [{"item_id": 5, "rank": 1, "arm": "g1"}, {"item_id": 6, "rank": 2, "arm": "current"}, {"item_id": 7, "rank": 3, "arm": "g1"}]
    answer = {
        "user_id": 54,
        "source": "personalized",
        "items": [*items, {"item_id": 8, "rank": 4}],
        "generation": "g2",
        "arm": "interleaved",
    }
    assert [(each.generation, each.arm, each.item_ids, each.ranks) for each in of(answer)] == [
        ("g1", "g1", [5, 7], [1, 3]), ("g2", "current", [6], [2]), ("g2", "", [8], [4]),
    ]  # fmt: skip
    long = {**answer, "items": [{**item, "metadata": {"text": "x" * AT_ONCE_BYTES}} for item in items]}
    for told in (long, {"generation": "g2", "results": [long]}):
        body = json.dumps(told, separators=(",", ":")).encode()
        assert len(body) > AT_ONCE_BYTES
        assert [each.item_ids for each in shown("r", 1700, body)] == [[5, 7], [6]]
