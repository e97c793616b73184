from __future__ import annotations

from flask.testing import FlaskClient

from contract.formats import explanations
from contract.formats.keys import Keys, bucket_of
from contract.settings.settings import ModelSettings
from tests.support.builders import Lists
from tests.support.fakes import FakeRedis, serve

LISTS: Lists = {54: [(1, 2.5), (2, 2.25), (3, 2.0)], 88: [(1, 1.0)]}


def test_each_item_says_what_made_it(client: FlaskClient, fake: FakeRedis) -> None:
    pointer = serve(fake, LISTS, settings=ModelSettings(k=3, depth=6, explain_depth=2))
    why = explanations.encode([[(7, 0.75), (8, 0.25)], [(8, 1.0)], [(7, 0.5)]])
    fake.hset(Keys().why(pointer.generation, bucket_of(54, pointer.n_user_buckets)), {"54": why})
    answer = client.get("/users/54/recommendations?explain=true&exclude=1").get_json()
    assert [item["because"] for item in answer["items"]] == [[{"item_id": 8, "share": 1}], [{"item_id": 7, "share": 0.5}]]
    batch = client.post("/recommendations/batch", json={"user_ids": [54, 88], "explain": True, "k": 1}).get_json()["results"]
    assert batch[0]["items"][0]["because"] == [{"item_id": 7, "share": 0.75}, {"item_id": 8, "share": 0.25}]
    assert batch[1]["items"][0]["because"] == []


def test_a_generation_without_explanations_says_so(client: FlaskClient, fake: FakeRedis) -> None:
    serve(fake, LISTS)
    single = client.post("/recommendations", json={"user_id": 54, "explain": True})
    batch = client.post("/recommendations/batch", json={"user_ids": [54], "explain": True})
    for answer in (single, batch):
        assert (answer.status_code, answer.get_json()["error"]) == (409, "No explanations")
        assert "LARDER_EXPLAIN_DEPTH" in answer.get_json()["detail"]


def test_the_prior_has_a_share_of_its_own(client: FlaskClient, fake: FakeRedis) -> None:
    """Beside the seen items, some of which take away; not there where it is 0."""
    pointer = serve(fake, LISTS, settings=ModelSettings(k=3, depth=6, explain_depth=2))
    why = explanations.encode([[(7, 1.5), (8, -0.75)], [(8, 1.0)], []], [], [0.25, 0.0, 1.0])
    fake.hset(Keys().why(pointer.generation, bucket_of(54, pointer.n_user_buckets)), {"54": why})
    items = client.get("/users/54/recommendations?explain=true").get_json()["items"]
    assert [item.get("prior") for item in items] == [0.25, None, 1]
    assert items[0]["because"] == [{"item_id": 7, "share": 1.5}, {"item_id": 8, "share": -0.75}]
    assert "prior" not in str(client.get("/users/54/recommendations").get_json())
    left = client.get("/users/54/recommendations?explain=true&exclude=1,2").get_json()["items"]
    assert [item["prior"] for item in left] == [1]
