"""A request that is copied is the request: what each language would send."""

from __future__ import annotations

import ast
import json
import shlex

import pytest

from api.web.views.explorer.pictures import picture_of
from api.web.views.explorer.snippets import asked, posted

NASTY = 'it\'s "a" $USER `id` \\ 名前/x'


@pytest.mark.parametrize("user", [54, NASTY])
def test_a_post_says_the_same_in_all_three(user: object) -> None:
    body = {"user_id": user, "k": 10, "explain": True}
    curl, python, script = posted("http://localhost:5000/v1/recommendations", body, needs_key=False)
    words = shlex.split(curl.code)
    assert words[2] == "http://localhost:5000/v1/recommendations"
    assert json.loads(words[words.index("-d") + 1]) == body
    calls = [node for node in ast.walk(ast.parse(python.code)) if isinstance(node, ast.keyword) and node.arg == "json"]
    assert [ast.literal_eval(call.value) for call in calls] == [body]
    assert json.loads(script.code.partition("JSON.stringify(")[2].partition("),\n")[0]) == body


def test_a_get_escapes_what_is_asked_for() -> None:
    curl, python, script = asked("http://localhost:5000/v1/similar", {"item_id": NASTY, "k": "5"}, needs_key=False)
    (address,) = [word for word in shlex.split(curl.code) if word.startswith("http")]
    assert address in script.code
    assert "%E5%90%8D" in address
    ast.parse(python.code)


def test_a_key_is_taken_from_the_environment() -> None:
    for snippet in [*posted("http://x/y", {}, needs_key=True), *asked("http://x/y", {"k": "1"}, needs_key=True)]:
        assert "LARDER_KEY" in snippet.code
    ast.parse(posted("http://x/y", {}, needs_key=True)[1].code)


@pytest.mark.parametrize(
    ("metadata", "address"),
    [
        ({"image": "/pictures/1.png"}, "/pictures/1.png"),
        ({"poster": "https://images.shop.example/1.png"}, "https://images.shop.example/1.png"),
        ({"poster": "https://elsewhere.example/1.png"}, ""),
        ({"image": "//elsewhere.example/1.png"}, ""),
        ({"image": "/\\elsewhere.example/1.png"}, ""),
        ({"image": "javascript:alert(1)"}, ""),
        ({"image": "http://[::1"}, ""),
        ({"image": 7, "cover": "/c.png"}, "/c.png"),
        ([], ""),
    ],
)
def test_pictures_come_from_here_or_from_where_a_setting_allows(metadata: object, address: str) -> None:
    assert picture_of(json.dumps(metadata).encode(), frozenset({"https://images.shop.example"})) == address
