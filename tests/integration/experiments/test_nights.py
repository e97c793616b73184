"""An experiment of models over two nights, by real runs and workers: each arm has a generation of its own, and nobody changes sides."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from api.app import create_app
from contract.formats.manifest import Manifest
from tests.support.servers.services import Services

USERS = range(1, 41)
MODELS = {"model=ease": "ease", "model=sar": "sar"}


@pytest.mark.long
def test_two_nights_of_two_models(services: Callable[..., Services]) -> None:
    made = services(interactions="synthetic:300x80x6000", shard_target_s=60, pointer_ttl_ms=0, similar_depth=4)
    made.start("worker")

    def larder(*arguments: str) -> str:
        result = made.run(*arguments)
        assert result.returncode == 0, result.stderr + made.logs()
        return result.stdout

    def night() -> dict[str, Manifest]:
        """What each arm serves, after a run."""
        larder("run", "--here", "--wait", "--force")
        status = json.loads(larder("experiment", "status", "--json"))
        return {row["arm"]: made.generations.manifest(row["generation"]) for row in status["arms"]}

    def answers() -> dict[int, tuple[str, str]]:
        found = {user: client.post("/recommendations", json={"user_id": user}).get_json() for user in USERS}
        return {user: (answer["arm"], answer["generation"]) for user, answer in found.items() if "arm" in answer}

    larder("run", "--here", "--wait")
    client = create_app(made.settings).test_client()
    said = larder("experiment", "start", "--arms", "model=sar,model=ease")
    assert said.startswith("The experiment begins with the next run")
    assert json.loads(larder("experiment", "status", "--json"))["began_at"] is None
    assert answers() == {}
    first = night()
    before = answers()
    assert {arm: manifest.settings.model for arm, manifest in first.items()} == MODELS
    assert before.keys() == set(USERS)
    assert set(before.values()) == {(arm, manifest.generation) for arm, manifest in first.items()}
    second = night()
    after = answers()
    assert {user: arm for user, (arm, _) in after.items()} == {user: arm for user, (arm, _) in before.items()}
    assert set(after.values()) == {(arm, manifest.generation) for arm, manifest in second.items()}
    assert not {generation for _, generation in before.values()} & {generation for _, generation in after.values()}
    for arm, manifest in second.items():
        assert manifest.digest == first[arm].digest
        assert made.generations.verdict(manifest.generation).against == first[arm].generation
        assert made.run("verify", manifest.generation, "--sample", "50").returncode == 0
    larder("experiment", "promote", "model=ease")
    larder("run", "--here", "--wait", "--force", "--model", "ease")
    alone = made.generations.current()
    assert alone is not None
    assert made.generations.manifest(alone.generation).digest == second["model=ease"].digest
    assert answers() == {}
