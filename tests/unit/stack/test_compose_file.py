"""docker-compose.yml as YAML: who gets which setting. What Docker makes of it is for the end-to-end tests."""

from __future__ import annotations

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from contract.settings.settings import Settings
from tests.support.paths import ROOT


class Strict(yaml.SafeLoader):  # type: ignore[misc]
    """A key that stands twice is an error, as it is for Docker."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = [self.construct_object(key) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(names) == len(set(names)), f"twice: {sorted({name for name in names if names.count(name) > 1})}"
        return super().construct_mapping(node, deep)


SERVICES: dict[str, dict[str, Any]] = yaml.load((ROOT / "docker-compose.yml").read_text(), Strict)["services"]
FIXED = {"queue_url", "artifacts", "api_host", "api_port"}
KEYS = {f"LARDER_API_{which}_KEYS{file}" for which in ("READ", "ADMIN", "WRITE") for file in ("", "_FILE")}


def environment(service: str) -> set[str]:
    return set(SERVICES[service]["environment"])


def test_every_setting_reaches_a_service() -> None:
    reached = environment("trainer") | environment("worker") | environment("api")
    assert {name for name in reached if name.startswith("LARDER_")} == {
        f"LARDER_{name.upper()}" for name in set(Settings.model_fields) - FIXED
    }


def test_the_trainer_knows_what_its_warnings_of_an_experiment_speak_of() -> None:
    assert environment("trainer") >= {"LARDER_FALLBACK", "LARDER_EVENTS", "LARDER_FRESH", "LARDER_FRESH_DAYS"}


@pytest.mark.parametrize(
    ("secrets", "owners"),
    [
        (KEYS, {"api"}),
        ({"LARDER_ERASURE_SECRET"}, {"trainer", "worker"}),
        ({"PGPASSWORD", "MYSQL_PWD", "AWS_SECRET_ACCESS_KEY", "LARDER_NOTICE_SECRET"}, {"trainer"}),
    ],
)
def test_each_service_gets_its_own_secrets(secrets: set[str], owners: set[str]) -> None:
    assert {service for service in SERVICES if secrets & environment(service)} == owners
    assert all(secrets <= environment(owner) for owner in owners)


def test_nothing_but_the_api_is_published_and_that_on_this_machine() -> None:
    ports = {service: found["ports"] for service, found in SERVICES.items() if "ports" in found}
    assert ports == {"api": ["${API_ADDRESS:-127.0.0.1}:${LARDER_API_PORT:-5000}:5000"]}


@pytest.mark.parametrize("service", ["trainer", "worker", "api"])
def test_what_an_image_copies_is_not_ignored(service: str) -> None:
    """.dockerignore names what an image may contain; a COPY of anything else would end the build."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [line.split()[1:-1] for line in (ROOT / service / "Dockerfile").read_text().splitlines() if line.startswith("COPY ")]
    sources = {source for words in copied for source in words if not words[0].startswith("--from")}
    assert sources
    assert sources <= allowed
    assert all(list(ROOT.glob(source)) for source in sources)
