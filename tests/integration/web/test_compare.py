"""Two generations side by side, as a browser asks for them: any two that are remembered, and their lists while both are kept."""

from __future__ import annotations

import csv
import re
from io import StringIO

import pytest
from flask.testing import FlaskClient
from redis import Redis

from api.app import create_app
from contract.formats.keys import Keys
from contract.formats.verdict import Verdict
from contract.settings.settings import Settings
from contract.store.history import History, RunRecord
from tests.support.builders import make_manifest, promote_lists
from tests.support.generation_maker import evaluation

KEYS = Keys()
TITLES = {1: {"title": "Alien"}, 2: {"title": "Brazil <b>"}, 3: {"title": "Casablanca"}, 4: {"title": "Dune"}}


@pytest.fixture
def client(store_redis: Redis, redis_server: str) -> FlaskClient:
    """g1, then g2, which is served; g0 is remembered and its lists are gone."""
    gone = make_manifest("g0", trained_at="2026-01-01T00:00:00Z", evaluation=evaluation(0.3, 0.05))
    History(store_redis, KEYS).add(RunRecord.of(gone, Verdict(), 1.0))
    first = {54: [(1, 3.0), (2, 2.0), (4, 1.0)], 7: [(1, 3.0), (2, 2.0), (4, 1.0)], 9: [(1, 1.0)]}
    promote_lists(store_redis, KEYS, first, generation="g1", metadata=TITLES, evaluation=evaluation(0.1, 0.05))
    second = {54: [(2, 3.0), (3, 2.0), (1, 1.0)], 7: [(1, 3.0), (2, 2.0), (4, 1.0)]}
    later = {"trained_at": "2026-01-03T00:00:00Z", "evaluation": evaluation(0.2, 0.06)}
    promote_lists(store_redis, KEYS, second, generation="g2", metadata=TITLES, **later)
    return create_app(Settings.from_environ({"LARDER_REDIS_URL": redis_server, "LARDER_POINTER_TTL_MS": "0"})).test_client()


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_the_served_one_is_beside_the_one_before_by_itself(client: FlaskClient) -> None:
    page = client.get("/compare").text
    assert re.findall(r'value="(\w+)" selected', page) == ["g1", "g2"]
    text = text_of(client, "/compare")
    assert "nDCG@10 0.1000 0.2000 +0.1000" in text
    assert "Of 2 users with a list in both, 50.0 % see the same first 3 items in the same order" in text
    assert "On average 83.3 % of the items are the same" in text
    assert "Casablanca – 1" in text, "gained"
    assert "Dune 2 1" in text, "lost"
    assert "User 54: 2 of 3 in common" in text
    assert "Dune only left" in text
    assert "Casablanca only right" in text
    assert "<b>" not in page


def test_a_user_is_shown_who_was_asked_for(client: FlaskClient) -> None:
    assert "User 7: 3 of 3 in common (asked for)" in text_of(client, "/compare?a=g1&b=g2&user=7")
    assert "User 9 does not have a list in both." in text_of(client, "/compare?a=g1&b=g2&user=9")


def test_what_is_remembered_alone_has_figures_and_no_lists(client: FlaskClient) -> None:
    text = text_of(client, "/compare?a=g0&b=g2")
    assert "nDCG@10 0.3000 0.2000 −0.1000" in text
    assert "those of g0 are not kept" in text
    assert client.get("/compare?a=g9&b=g2").status_code == 404
    assert client.get("/compare", query_string={"a": "<script>"}).status_code == 404


def test_the_tables_are_given_as_csv_that_runs_no_formula(client: FlaskClient, store_redis: Redis) -> None:
    titles = {**TITLES, 3: {"title": '=HYPERLINK("x")'}}
    promote_lists(store_redis, KEYS, {54: [(3, 3.0)], 7: [(1, 3.0)]}, generation="g3", metadata=titles, evaluation=evaluation(0.05, 0.06))
    answer = client.get("/compare.csv?a=g1&b=g3")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(StringIO(answer.text, newline="")))
    found = {(row["table"], row["name"]): row for row in rows}
    assert (found["runs", "run"]["left"], found["runs", "run"]["right"]) == ("g1", "g3")
    ndcg = found["measures", "nDCG@10"]
    assert [float(ndcg[name]) for name in ("left", "right", "change")] == [0.1, 0.05, -0.05]
    assert found["listed more often", "3"]["title"] == '\'=HYPERLINK("x")'
    assert 'href="/compare.csv?a=g1&amp;b=g3"' in client.get("/compare?a=g1&b=g3").text
    assert client.get("/compare.csv?a=g1&b=nothing").status_code == 404


def test_the_card_is_given_as_csv(client: FlaskClient) -> None:
    answer = client.get("/cards/g2/card.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="g2.csv"'
    found = {(row["table"], row["name"]): row for row in csv.DictReader(StringIO(answer.text, newline=""))}
    assert found["Timeline", "state"]["value"] == "current"
    assert (found["How good", "nDCG"]["value"], found["How good", "nDCG"]["popularity"]) == ("0.2", "0.06")
    assert found["Settings", "k"]["value"].isdecimal()
    assert 'href="/cards/g2/card.csv"' in client.get("/cards/g2").text
    assert client.get("/cards/nothing/card.csv").status_code == 404
