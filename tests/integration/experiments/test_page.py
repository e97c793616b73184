"""The overview while an experiment runs, and the buttons that end it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from redis import Redis

from contract.audit import newest_changes
from contract.experiments.moves import Experiments
from contract.store.generations import Generations
from tests.integration.experiments.served import KEYS, two_served_and_one_waiting
from tests.integration.web.test_web import ADMIN, client_of, confirm, sign_in, text_of


@pytest.fixture
def experiments(store_redis: Redis) -> Experiments:
    return Experiments(two_served_and_one_waiting(store_redis))


@pytest.fixture
def admin(experiments: Experiments, redis_server: str) -> FlaskClient:
    client = client_of(redis_server, api_admin_keys=ADMIN)
    sign_in(client, ADMIN)
    return client


def test_arms_are_shown_while_it_runs(admin: FlaskClient, experiments: Experiments) -> None:
    assert "Experiment" not in text_of(admin.get("/live"))
    experiments.start({"current": 9000, "g3": 1000}, "anna")
    text = text_of(admin.get("/live"))
    assert "g3 10 % g3 none yet Promote g3 …" in text
    assert "current 90 % g2 none yet Stop current …" in text


def test_stop_leaves_what_is_served(admin: FlaskClient, experiments: Experiments, store_redis: Redis) -> None:
    path = "/change/experiment?arm=current"
    assert "No experiment runs." in text_of(admin.get(path))
    experiments.start({"current": 9000, "g3": 1000}, "anna")
    text = text_of(admin.get(path))
    assert "Everybody gets g2" in text
    assert "It runs with g3 10 %, current 90 %." in text
    assert confirm(admin, path).status_code == 303
    assert experiments.running() is None
    assert "The experiment is over, with current for everybody." in text_of(admin.get("/"))
    assert [(change.what, change.after) for change in newest_changes(store_redis, KEYS, 9)] == [("experiment", "ended with current")]


def test_a_page_that_was_made_for_another_experiment_ends_nothing(admin: FlaskClient, experiments: Experiments) -> None:
    meant = experiments.start({"current": 9000, "g3": 1000}, "anna")
    path = "/change/experiment?arm=current"
    assert meant.id in admin.get(path).text
    experiments.stop()
    experiments.start({"current": 9000, "g3": 1000}, "bob")
    late = confirm(admin, path, experiment=meant.id)
    assert (late.status_code, "Look again, then confirm." in text_of(late)) == (409, True)
    assert experiments.running() is not None
    assert confirm(admin, path).status_code == 303


def test_an_arm_is_promoted_gate_and_all(admin: FlaskClient, experiments: Experiments, store_redis: Redis) -> None:
    experiments.start({"current": 9000, "g3": 1000}, "anna")
    path = "/change/experiment?arm=g3"
    refused = confirm(admin, path)
    assert (refused.status_code, "The gate refuses generation g3" in text_of(refused)) == (409, True)
    assert experiments.running() is not None
    assert confirm(admin, path, force="1").status_code == 303
    assert (experiments.running(), [move.generation for move in Generations(store_redis, KEYS).history(1)]) == (None, ["g3"])
    assert [change.what for change in newest_changes(store_redis, KEYS, 9)] == ["experiment", "promote"]


def test_what_is_no_arm_is_refused_with_the_names(admin: FlaskClient, experiments: Experiments) -> None:
    experiments.start({"current": 9000, "g3": 1000}, "anna")
    assert "Its arms are g3, current." in text_of(admin.get("/change/experiment?arm=g1"))
    assert experiments.running() is not None


def test_nobody_ends_it_without_an_admin_key(admin: FlaskClient, experiments: Experiments, redis_server: str) -> None:
    experiments.start({"current": 9000, "g3": 1000}, "anna")
    stranger = client_of(redis_server, api_admin_keys=ADMIN)
    assert stranger.post("/change/experiment?arm=g3", data={"force": "1"}).status_code in (302, 303, 401, 403)
    assert experiments.running() is not None
