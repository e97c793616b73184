"""The pages on a real Redis, asked as a browser would ask them, without one."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256

import polars as pl
import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from api.app import create_app
from contract import VERSION
from contract.audit import Audit
from contract.formats import explanations, payload
from contract.formats.keys import Keys, bucket_of
from contract.queue.jobs import train_queue
from contract.settings.settings import ModelSettings, Settings
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue
from tests.support.builders import Metadata, promote_lists
from tests.support.generation_maker import evaluation
from trainer.items.items import cleaned
from trainer.items.revision import ItemsSnapshot, write_revision
from trainer.items.titles import with_titles
from worker.writer import write_names

READ, ADMIN = "read-" + "r" * 16, "admin-" + "a" * 16
TITLES: Metadata = {1: {"title": "Alien"}, 2: {"title": "Brazil <b>"}, 3: {"title": "Casablanca", "year": 1942}, 4: {"title": "Dune"}}
SCRIPT = "<script>alert(1)</script>"
PAGES = ("/", "/live", "/explore", "/explore?user=54", "/cards/g2", "/change/retrain", "/change/promote?generation=g1", "/change/rollback")


def client_of(url: str, **settings: str) -> FlaskClient:
    """In a process of its own, as far as what it caches goes."""
    variables = {f"LARDER_{name.upper()}": value for name, value in {"redis_url": url, "pointer_ttl_ms": "0", **settings}.items()}
    return create_app(Settings.from_environ(variables)).test_client()


@pytest.fixture
def generations(store_redis: Redis) -> Generations:
    """Two: g1 was served before g2. User 54 has a list in both, user 7 only in the later one."""
    keys = Keys()
    model = ModelSettings(k=3, depth=6, similar_depth=0, explain_depth=2)
    first = {54: [(1, 3.0), (2, 2.0), (4, 1.0)]}
    promote_lists(store_redis, keys, first, generation="g1", metadata=TITLES, evaluation=evaluation(0.1, 0.05), settings=model)
    lists = {54: [(2, 3.0), (1, 2.0), (3, 1.0)], 7: [(1, 1.0)]}
    made = promote_lists(store_redis, keys, lists, generation="g2", metadata=TITLES, evaluation=evaluation(0.2, 0.06), settings=model)
    store_redis.set(keys.popular("g2"), payload.encode([3, 4], [9.0, 8.0]))
    why = explanations.encode([[(4, 0.5), (3, 0.25)], [(4, 0.5)], []])
    store_redis.hset(keys.why("g2", bucket_of(54, made.n_user_buckets)), "54", why)
    return Generations(store_redis, keys)


@pytest.fixture
def open_client(generations: Generations, redis_server: str) -> FlaskClient:
    return client_of(redis_server, api_admin_keys=ADMIN)


def text_of(answer: TestResponse) -> str:
    """What a person reads, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def sign_in(client: FlaskClient, key: str, to: str = "/") -> TestResponse:
    return client.post("/sign-in", data={"key": key, "next": to})


def confirm(client: FlaskClient, path: str, **more: str) -> TestResponse:
    """Press the button of the page at `path`."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', client.get(path).text))
    return client.post(path, data={**fields, **more})


def test_the_overview(open_client: FlaskClient) -> None:
    text = text_of(open_client.get("/"))
    for part in ("g2", "g1", "nDCG 0.2000; popularity alone 0.0600", "Users, items", "No worker responds", "nDCG"):
        assert part in text, part


def test_pages_say_which_version_and_which_of_several_stacks(open_client: FlaskClient, redis_server: str) -> None:
    other = client_of(redis_server, namespace="staging")
    assert f"Larder {VERSION}." in text_of(open_client.get("/"))
    assert "Larder staging Overview" in text_of(other.get("/"))
    assert "Larder Overview" in text_of(open_client.get("/"))


def test_lists_that_lie_unpacked_are_a_note(open_client: FlaskClient, generations: Generations) -> None:
    assert "Lists lie unpacked" not in open_client.get("/").text
    limits = generations.redis.config_get("hash-max-*-value")  # of listpacks, as older servers call them ziplists
    generations.redis.hset(generations.keys.recs("g2", 0), "6", b"x" * (max(int(limit or 0) for limit in limits.values()) + 1))
    assert "Lists lie unpacked" in open_client.get("/").text


def test_the_page_and_its_live_part_say_the_same(open_client: FlaskClient) -> None:
    part = open_client.get("/live").text
    assert 'data-served="g2"' in part
    first, last = part.split("Requests and storage")[0].strip().split('<div id="tiles" data-kept>\n</div>')
    page = open_client.get("/").text
    assert first in page
    assert last in page.split('<div id="tiles">')[1]


@pytest.mark.parametrize("path", PAGES)
def test_headers_of_every_page(open_client: FlaskClient, path: str) -> None:
    sign_in(open_client, ADMIN)
    answer = open_client.get(path)
    assert answer.status_code == 200, answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    styles = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert len(styles) == (path != "/live")
    assert all(f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}';" in policy for style in styles)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert " style=" not in answer.text
    assert re.findall(r"<script(?! src=)", answer.text) == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//', answer.text) == []


def test_assets_are_kept_by_browsers(open_client: FlaskClient) -> None:
    for address in set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', open_client.get("/").text)):
        answer = open_client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert open_client.get("/assets/../app.py").status_code == 404
    assert open_client.get("/assets/nothing").status_code == 404


def test_the_api_is_as_it_was_beside_the_pages(open_client: FlaskClient) -> None:
    assert open_client.get("/users/54/recommendations").get_json()["generation"] == "g2"
    assert open_client.get("/nowhere").content_type == "application/problem+json"
    assert open_client.get("/generations/current").is_json
    assert open_client.get("/cards/none").content_type.startswith("text/html")
    assert open_client.post("/").status_code == 405
    metrics = open_client.get("/metrics").text
    assert 'route="/cards/<generation>"' in metrics
    for measure, figure in (("ndcg", 0.2), ("novelty", 4.5), ("long_tail", 0.125)):
        assert f'larder_generation_quality{{measure="{measure}"}} {figure}' in metrics
    assert "Its lists besides accuracy gini 0.75 popularity 0.3 long tail 0.125 novelty 4.5" in text_of(open_client.get("/cards/g2"))


def test_a_user_with_reasons_moves_and_what_has_gone(open_client: FlaskClient) -> None:
    text = text_of(open_client.get("/explore?user=54"))
    assert "Brazil &lt;b&gt; 2 because of Dune (50 %), Casablanca (25 %)" in text
    assert "↑ up 1" in text
    assert "↓ down 1" in text
    assert "new Casablanca" in text
    assert "Dune 4 , was at 3" in text
    assert "Dune 4 (33 %)" in text, "the history, as far as it is known"


def test_a_user_who_is_new(open_client: FlaskClient) -> None:
    assert "There is no list of this user in the generation before." in text_of(open_client.get("/explore?user=7"))


@pytest.mark.parametrize(("user", "why"), [("99", "may be mistyped"), ("nobody", "are integers"), (SCRIPT, "are integers")])
def test_a_cold_user_and_the_fallback(open_client: FlaskClient, user: str, why: str) -> None:
    answer = open_client.get("/explore", query_string={"user": user})
    text = text_of(answer)
    assert why in text
    assert "Casablanca" in text
    assert SCRIPT not in answer.text


def test_what_is_no_id_is_looked_for_in_titles_and_among_users(open_client: FlaskClient, generations: Generations) -> None:
    catalogue = Catalogue(generations.redis, generations.keys)
    snapshot = ItemsSnapshot(cleaned(pl.DataFrame({"item": ["2", "3"], "title": ["Brazil <b>", "Casablanca"]}), "a test"), frozenset())
    catalogue.switch(write_revision(catalogue, catalogue.begin(), with_titles(snapshot, Settings(), ""), "command"))
    answer = open_client.get("/explore?item=casabalnca")
    assert "Items with such a title Casablanca 3" in text_of(answer)
    assert 'href="/explore?item=3"' in answer.text
    assert "Brazil &lt;b&gt; 2" in text_of(open_client.get("/explore?item=bra"))
    assert [item["item_id"] for item in open_client.get("/items?q=bra").get_json()["items"]] == [2]
    assert "begins so" not in open_client.get("/explore?user=5").text, "this generation has no index of users"

    users = (6, 55, 540, 54)
    promote_lists(generations.redis, generations.keys, {user: [(1, 1.0)] for user in users}, generation="g3", finds_users=True)
    write_names(generations, generations.keys.names("g3"), users)
    assert "Users whose id begins so: 54 , 540 , 55 ." in text_of(open_client.get("/explore?user=5"))
    assert "begins so" not in open_client.get("/explore?user=54").text
    found = open_client.get("/users?prefix=5&k=2").get_json()
    assert (found["user_ids"], found["next"]) == ([54, 540], "540")
    last = open_client.get("/users?prefix=5&after=540").get_json()
    assert (last["user_ids"], "next" in last) == ([55], False)
    assert open_client.get("/users", query_string={"prefix": "5\xff"}).get_json()["user_ids"] == []


def test_an_item_and_a_session_without_similar_items(open_client: FlaskClient) -> None:
    text = text_of(open_client.get("/explore?item=3&session=3"))
    assert "Item 3: Casablanca" in text
    assert "year 1942" in text
    assert text.count("stores no similar items") == 2
    assert "has no item 9" in text_of(open_client.get("/explore?item=9"))


def test_a_random_user_leads_to_an_address(open_client: FlaskClient) -> None:
    found = {open_client.get("/explore?random=1").headers["Location"] for _ in range(30)}
    assert found == {"/explore?user=54", "/explore?user=7"}


def test_a_card_and_the_same_as_a_file(open_client: FlaskClient) -> None:
    page, file = open_client.get("/cards/g2"), open_client.get("/cards/g2?file")
    for part in ("nDCG 0.2000 0.0600 +0.1400", "similar_depth 0", "source a test", "interactions 4"):
        assert part in text_of(page)
        assert part in text_of(file)
    assert file.headers["Content-Disposition"] == 'attachment; filename="g2.html"'
    assert re.findall(r"<(?:link|script|img|form|nav)|href=|src=", file.text) == []
    assert "</style>" in file.text


def test_keys_open_what_they_are_for(generations: Generations, redis_server: str) -> None:
    client = client_of(redis_server, api_read_keys=READ, api_admin_keys=ADMIN)
    assert client.get("/").headers["Location"] == "/sign-in?next=/"
    assert client.get("/live").status_code == 401
    assert client.get("/", headers={"X-API-Key": "wrong"}).status_code == 401
    assert client.get("/", headers={"X-API-Key": READ}).status_code == 200
    assert client.get("/cards/g2?file").status_code == 303
    assert "<h1>Generation g2</h1>" in client.get("/cards/g2?file", headers={"X-API-Key": READ}).text
    assert "That key is not valid" in sign_in(client, "wrong").text
    answer = sign_in(client, READ, "/explore?user=54")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/explore?user=54")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert READ not in cookie
    assert client.get("/").status_code == 200
    assert client.get("/change/retrain").headers["Location"].startswith("/sign-in")
    assert client.post("/change/rollback").headers["Location"].startswith("/sign-in")
    sign_in(client, ADMIN)
    assert client.get("/change/retrain").status_code == 200
    client.post("/sign-out")
    assert client.get("/").status_code == 303


def test_a_session_is_known_to_every_process_and_ends_with_the_keys(generations: Generations, redis_server: str) -> None:
    one, another = (client_of(redis_server, api_read_keys=READ, api_admin_keys=ADMIN) for _ in range(2))
    changed = client_of(redis_server, api_read_keys=READ, api_admin_keys=f"{ADMIN}x")
    sign_in(one, READ)
    cookie = one.get_cookie("larder_session")
    assert cookie is not None
    for client, status in ((another, 200), (changed, 303)):
        client.set_cookie("larder_session", cookie.value)
        assert client.get("/").status_code == status


@pytest.mark.parametrize("address", ["https://elsewhere.example/", "//elsewhere", "/\\elsewhere", "javascript:alert(1)", "", "/\n/x"])
def test_signing_in_leads_nowhere_else(open_client: FlaskClient, address: str) -> None:
    assert sign_in(open_client, ADMIN, address).headers["Location"] == "/"


@pytest.mark.parametrize("headers", [{"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
def test_forms_of_other_sites_are_refused(open_client: FlaskClient, generations: Generations, headers: dict[str, str]) -> None:
    sign_in(open_client, ADMIN)
    refused = open_client.post("/change/rollback", headers=headers)
    assert refused.status_code == 403
    assert "The form came from another site." in refused.text
    assert open_client.post("/sign-in", data={"key": ADMIN}, headers=headers).status_code == 403
    assert open_client.post("/change/rollback", data={"token": "guessed"}).status_code == 403
    current = generations.current()
    assert current is not None
    assert current.generation == "g2"


def test_back_and_forth(open_client: FlaskClient, generations: Generations) -> None:
    sign_in(open_client, ADMIN)
    answer = confirm(open_client, "/change/rollback")
    assert answer.headers["Location"] == "/"
    text = text_of(open_client.get("/"))
    assert "Generation g1 is served now, and promotions are held." in text
    assert "Promotions are held" in text
    assert "Nothing is held" not in text_of(open_client.get("/change/release"))
    assert confirm(open_client, "/change/release").status_code == 303
    changes = Audit(generations.redis, generations.keys, 1).newest(10)
    assert [(change.what, change.by.partition(",")[0]) for change in changes] == [("release", "the page"), ("rollback", "the page")]
    assert "Nothing is held" in text_of(open_client.get("/change/release"))
    assert confirm(open_client, "/change/promote?generation=g2").status_code == 303
    served = generations.current()
    assert served is not None
    assert served.generation == "g2"
    assert generations.history(1)[0].by.startswith("the page, request ")


def test_what_has_changed_meanwhile_is_asked_again(open_client: FlaskClient, generations: Generations) -> None:
    sign_in(open_client, ADMIN)
    answer = confirm(open_client, "/change/rollback", served="g1")
    assert answer.status_code == 409
    assert "has changed since this page was made" in answer.text


def test_what_cant_be_served_is_not_offered(open_client: FlaskClient, generations: Generations) -> None:
    sign_in(open_client, ADMIN)
    assert "It is served already." in text_of(open_client.get("/change/promote?generation=g2"))
    assert open_client.get("/change/promote?generation=none").status_code == 400
    generations.redis.hset(generations.keys.generation("g1"), "state", "pruned")
    assert "It is pruned, so it can" in text_of(open_client.get("/change/promote?generation=g1"))
    assert "No generation is kept" in text_of(open_client.get("/change/rollback"))


def test_a_run_is_queued(open_client: FlaskClient, store_redis: Redis) -> None:
    sign_in(open_client, ADMIN)
    assert confirm(open_client, "/change/retrain", review="1").status_code == 303
    assert "is queued." in text_of(open_client.get("/"))
    (job,) = train_queue(store_redis, Settings()).jobs
    _run, options, forced_by, review = job.args
    assert (options, forced_by, review) == ({}, "", True)


def test_without_an_admin_key_nothing_is_offered(generations: Generations, redis_server: str) -> None:
    client = client_of(redis_server)
    text = text_of(client.get("/"))
    assert "no admin key is set" in text
    assert "Promote" not in text.replace("Promoted", "")
    assert "There is nothing to sign in to" in client.get("/sign-in").text


def test_before_the_first_generation(store_redis: Redis, redis_server: str) -> None:
    client = client_of(redis_server, api_admin_keys=ADMIN)
    assert "Nothing is served yet" in text_of(client.get("/"))
    answer = client.get("/explore")
    assert answer.status_code == 503
    assert "<h1>Nothing is served yet</h1>" in answer.text
    assert "/runbook#nothing-promoted" in answer.text
    sign_in(client, ADMIN)
    assert "nothing to roll back to" in text_of(client.get("/change/rollback"))


def test_redis_away() -> None:
    client = client_of("redis://127.0.0.1:1/0", api_admin_keys=ADMIN)
    for path in ("/", "/live"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "Redis does not answer" in text_of(answer)
    sign_in(client, ADMIN)
    for path in ("/explore?user=54", "/cards/g1", "/change/retrain", "/change/rollback"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), path
        assert "does not answer" in text_of(answer)


def test_a_generation_of_another_version_is_still_listed(open_client: FlaskClient, generations: Generations) -> None:
    key = generations.keys.generation("g1")
    generations.redis.hset(key, mapping={"manifest": '{"format": 99}', "diff": "{}", "verdict": "[]"})
    assert "g1" in text_of(open_client.get("/"))
    assert open_client.get("/cards/g1").status_code == 200
    assert open_client.get("/explore?user=54").status_code == 200


def test_what_cleaning_left_out_stands_in_the_card(open_client: FlaskClient, generations: Generations) -> None:
    key = generations.keys.generation("g2")
    manifest = json.loads(generations.redis.hget(key, "manifest") or b"{}")
    manifest["reading"] = {"rows": 1000, "left_out": {"weight is not a number": 7}, "assumed": ["times are seconds"]}
    generations.redis.hset(key, "manifest", json.dumps(manifest))
    text = text_of(open_client.get("/cards/g2"))
    assert "How the source was read rows 1,000 left out: weight is not a number 7 assumed times are seconds" in text


def test_what_speaks_against_an_item_and_the_prior_are_said(open_client: FlaskClient, generations: Generations) -> None:
    manifest = generations.manifest("g2")
    why = explanations.encode([[(4, 0.75), (3, -0.25)], [], []], [], [0.5, 1.0, 0.0])
    generations.redis.hset(generations.keys.why("g2", bucket_of(54, manifest.n_user_buckets)), "54", why)
    text = text_of(open_client.get("/explore?user=54"))
    assert "(75 %) in spite of Casablanca (−25 %) for everybody, by popularity (50 %)" in text
    assert text.count("for everybody") == 2
    assert text.count("because of") == text.count("in spite of") == 1


def test_a_rule_that_raised_a_score_is_named(open_client: FlaskClient, generations: Generations) -> None:
    manifest = generations.manifest("g2")
    why = explanations.encode([[(4, 0.5)], [(4, 0.5)], []], [1.5, 1.0, 1.0])
    generations.redis.hset(generations.keys.why("g2", bucket_of(54, manifest.n_user_buckets)), "54", why)
    text = text_of(open_client.get("/explore?user=54"))
    assert text.count("boosted ×1.5 by a rule") == text.count("by a rule") == 1


def test_the_overview_says_when_the_schedule_starts_the_next_run(open_client: FlaskClient, store_redis: Redis) -> None:
    assert "The schedule starts" not in text_of(open_client.get("/"))
    store_redis.set(Keys().due, 4070908800000)
    assert "The schedule starts the next run at 2099-01-01 00:00:00 , in" in text_of(open_client.get("/"))
