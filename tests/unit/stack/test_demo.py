from __future__ import annotations

import io
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from redis import Redis
from rich.console import Console

from contract.errors import GenerationError, LarderError
from contract.formats import payload
from contract.formats.keys import Id, Keys, bucket_of
from contract.settings.settings import ModelSettings, Settings
from stack.demo import NEXT, ask, base_url, choose_user, curl_line, links, reading_key, session, table_of, trained_otherwise, until_ready
from tests.support.builders import make_manifest
from tests.support.paths import ROOT

N_BUCKETS = 3


class Buckets:
    """HGETALL of lists of the given lengths."""

    def __init__(self, lengths: Mapping[Id, int]) -> None:
        self._hashes: dict[str, dict[bytes, bytes]] = {}
        for user, length in lengths.items():
            key = Keys().recs("g1", bucket_of(user, N_BUCKETS))
            self._hashes.setdefault(key, {})[str(user).encode()] = payload.encode(range(length), [1.0] * length)

    def hgetall(self, key: str) -> dict[bytes, bytes]:
        return self._hashes.get(key, {})


def chosen(lengths: Mapping[Id, int], user_id_type: str = "int") -> Id:
    pointer = make_manifest("g1", k=3, n_user_buckets=N_BUCKETS, user_id_type=user_id_type).pointer()
    return choose_user(cast(Redis, Buckets(lengths)), Keys(), pointer)


def in_bucket(bucket: int, n: int) -> Sequence[int]:
    return [user for user in range(1000) if bucket_of(user, N_BUCKETS) == bucket][:n]


def test_the_smallest_id_with_a_full_list() -> None:
    first, second, third = in_bucket(0, 3)
    assert chosen({third: 3, second: 3, first: 2}) == second


def test_ids_are_compared_as_what_they_are() -> None:
    nine, ten = (next(user for user in range(start, 1000) if bucket_of(user, N_BUCKETS) == 0) for start in (9, 100))
    assert chosen({ten: 3, nine: 3}) == nine
    assert chosen({"b": 3, "a": 3}, "str") in ("a", "b")


def test_the_longest_list_where_none_is_full() -> None:
    assert chosen({in_bucket(0, 1)[0]: 1, in_bucket(1, 1)[0]: 2, in_bucket(2, 1)[0]: 1}) == in_bucket(1, 1)[0]


def test_a_generation_without_lists_is_an_error() -> None:
    with pytest.raises(GenerationError, match="holds no list"):
        chosen({})


def test_lists_that_other_settings_made_are_told_from_those_of_now() -> None:
    manifest = make_manifest(source="movielens-small", settings=ModelSettings(k=5))
    assert trained_otherwise(manifest, Settings(k=5)) == ""
    assert trained_otherwise(manifest, Settings(interactions="my.csv")) == "interactions=movielens-small (now my.csv), k=5 (now 10)"


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:5000"), ("127.0.0.1", "http://127.0.0.1:5000"), ("::", "http://[::1]:5000"), ("box", "http://box:5000")],
)
def test_the_address_as_this_machine_reaches_it(host: str, url: str) -> None:
    assert base_url(Settings(api_host=host)) == url


@pytest.mark.parametrize("user", [54, "a 'quoted' id", "ü"])
def test_the_curl_line_survives_a_shell(user: Id) -> None:
    words = shlex.split(curl_line("http://127.0.0.1:5000", user))
    assert words[:3] == ["curl", "-s", "http://127.0.0.1:5000/recommendations"]
    assert json.loads(words[-1]) == {"user_id": user, "include": ["metadata"]}


def test_no_proxy_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:1")
    with session() as client, pytest.raises(LarderError, match=r"not ready .*ConnectionError"):
        until_ready(client, "http://127.0.0.1:9", timeout_s=0.2)


class Answers(requests.Session):
    def __init__(self, status: int, body: str) -> None:
        super().__init__()
        self._status, self._body = status, body

    def request(self, *_arguments: Any, **_options: Any) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer._content = self._status, self._body.encode()
        return answer


def test_an_answer_is_shown_as_a_table() -> None:
    items = [{"item_id": 7, "score": 4.25, "rank": 1, "metadata": {"title": "Seven [1995]"}}, {"item_id": 8, "score": 4.0, "rank": 2}]
    with Answers(200, json.dumps({"user_id": 1, "generation": "g", "items": items})) as client:
        answer = ask(client, "http://x", 1)
    text = io.StringIO()
    Console(file=text, width=100).print(table_of(answer))
    assert [" ".join(line.split()) for line in text.getvalue().splitlines() if "4.2500" in line] == ["│ 1 │ Seven [1995] │ 7 │ 4.2500 │"]


def test_an_error_of_the_api_is_passed_on() -> None:
    with Answers(503, '{"error": "Store unavailable"}') as client:
        with pytest.raises(LarderError, match=r"answered 503: .*Store unavailable"):
            ask(client, "http://x", 1)
        with pytest.raises(LarderError, match=r"not ready after 0 s \(503"):
            until_ready(client, "http://x", timeout_s=0.1)


def test_the_key_that_a_list_is_asked_for_with() -> None:
    assert reading_key(Settings(api_keys_file="/keys.txt")) == ""
    assert reading_key(Settings(api_admin_keys="an-admin-key-of-16")) == "an-admin-key-of-16"
    assert (
        reading_key(Settings(api_admin_keys="an-admin-key-of-16", api_read_keys="a-key-for-reading,another-for-reading"))
        == "a-key-for-reading"
    )


def test_the_last_screen_leads_to_the_pages_the_api_and_the_tutorial(tmp_path: Path) -> None:
    told = links("http://127.0.0.1:5917", tmp_path, has_manual=False)
    assert [line.split() for line in told.splitlines()[2:]] == [
        ["pages", "http://127.0.0.1:5917/"],
        ["API", "http://127.0.0.1:5917/docs"],
        ["tutorial", str(tmp_path / "docs" / "tutorial.md")],
    ]
    assert links("http://x", ROOT, has_manual=True).endswith("  tutorial  http://x/manual/tutorial.html")
    assert (ROOT / "docs" / "tutorial.md").is_file()
    assert max(map(len, NEXT.splitlines())) <= 60, "a narrow terminal"
