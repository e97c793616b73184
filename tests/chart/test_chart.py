"""The chart for Kubernetes, as Helm makes it and as Kubernetes' own schemas read it. `make chart` runs this; it needs helm on PATH."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from contract import VERSION
from tests.support.paths import ROOT
from tests.support.tools import require
from tools.chart_services import services

CHART = ROOT / "ops/helm/larder"
VALUES = sorted(path.stem for path in (CHART / "ci").glob("*.yaml"))
TRIAL = CHART / "ci/trial.yaml"
IMAGES = {"api", "worker", "trainer"}


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([require("helm"), *arguments], capture_output=True, text=True, check=False, timeout=60)


def template(values: Path, *arguments: str) -> list[dict[str, Any]]:
    done = helm("template", "rel", str(CHART), "--namespace", "shop", "--values", str(values), *arguments)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def refused(*arguments: str) -> str:
    done = helm("template", "rel", str(CHART), *arguments)
    assert done.returncode != 0
    return done.stderr


def pods(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Specs of pods by the names of what makes them."""
    found = {d["metadata"]["name"]: d["spec"]["template"]["spec"] for d in documents if "template" in d.get("spec", {})}
    return found | {d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] == "Pod"}


def environment(documents: list[dict[str, Any]], part: str) -> dict[str, Any]:
    variables = pods(documents)[f"rel-larder-{part}"]["containers"][0]["env"]
    assert len({variable["name"] for variable in variables}) == len(variables), "no variable twice"
    return {variable["name"]: variable.get("value") or variable["valueFrom"]["secretKeyRef"] for variable in variables}


@pytest.mark.parametrize("values", VALUES)
def test_helm_has_nothing_to_say_against_it(values: str) -> None:
    done = helm("lint", "--strict", str(CHART), "--values", str(CHART / f"ci/{values}.yaml"))
    assert done.returncode == 0, done.stdout
    assert not [line for line in done.stdout.splitlines() if line.startswith(("[WARNING]", "[ERROR]"))]


@pytest.mark.parametrize("upgrade", [(), ("--is-upgrade",)], ids=["install", "upgrade"])
@pytest.mark.parametrize("values", VALUES)
def test_kubernetes_knows_every_field(values: str, upgrade: tuple[str, ...], tmp_path: Path) -> None:
    made = tmp_path / "made.yaml"
    made.write_text(yaml.safe_dump_all(template(CHART / f"ci/{values}.yaml", *upgrade)))
    check: list[str | Path] = [Path(sys.executable).parent / "kubernetes-validate", "--strict", "--kubernetes-version", "1.37", made]
    done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("values", VALUES)
def test_every_pod_is_as_closed_as_a_container_of_compose(values: str) -> None:
    for name, spec in pods(template(CHART / f"ci/{values}.yaml", "--is-upgrade")).items():
        assert spec["enableServiceLinks"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec.get("automountServiceAccountToken") is False or "-upgrade-" in name
        for container in (*spec["containers"], *spec.get("initContainers", [])):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_services_get_the_settings_and_secrets_that_compose_gives_them() -> None:
    documents = template(CHART / "ci/production.yaml")
    for part, names in services().items():
        found = environment(documents, part)
        secrets = {name for name, value in found.items() if isinstance(value, dict)}
        assert secrets == set(names["secrets"]) - {"LARDER_INTERACTIONS"}, "which the values say"
        assert {name for name in found if name not in secrets} <= {*names["settings"], "LARDER_ARTIFACTS", "LARDER_API_KEYS_FILE"}
    assert environment(documents, "trainer")["LARDER_CRON"] == "0 3 * * *"
    assert environment(documents, "trainer")["LARDER_ARTIFACTS"] == "s3://shop/larder?cache_gb=40&cache=/var/lib/larder/copies"


def test_the_list_of_settings_is_that_of_compose() -> None:
    assert json.loads((CHART / "files/services.json").read_text()) == services(), "run `make docs`"


def test_numbers_and_switches_reach_a_service_as_they_were_written(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(
        TRIAL.read_text()
        + 'settings: { LARDER_EVENTS_MAX_MB: 12000000, LARDER_NORMALIZE: false, LARDER_BOOSTS: "a\\"b", LARDER_RIDGE: 0.5 }\n'
    )
    documents = template(values)
    trainer = environment(documents, "trainer")
    assert trainer["LARDER_NORMALIZE"] == "false"
    assert trainer["LARDER_BOOSTS"] == 'a"b'
    assert trainer["LARDER_RIDGE"] == "0.5"
    assert environment(documents, "api")["LARDER_EVENTS_MAX_MB"] == "12000000"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("settings.LARDER_DEPHT=3", "settings.LARDER_DEPHT: no service has such a setting"),
        ("settings.LARDER_API_READ_KEYS=x", "is a secret: put it into a Secret"),
        ("settings.LARDER_REDIS_URL=redis://a:1", "say it as redis.url"),
        ("settings.LARDER_ARTIFACTS=s3://a/b", "say it as artifacts.url"),
        ("redis.url=redis://a:1", "exclude each other"),
        ("redis.url=redis://:password@a:1", "/redis/url"),
        ("artifacts.url=s3://a/b?cache=/c", "/artifacts/url"),
        ("api.replica=3", "'replica' not allowed"),
        ("api.ingress.enabled=true", "/api/ingress/host"),
    ],
)
def test_what_would_not_work_is_refused_before_anything_changes(setting: str, said: str) -> None:
    assert said in refused("--values", str(TRIAL), "--set", setting)


def test_a_redis_must_be_named() -> None:
    assert "no Redis is named" in refused()


def test_an_upgrade_brings_the_api_first_then_the_workers() -> None:
    documents = template(CHART / "ci/production.yaml", "--is-upgrade")
    jobs = {d["metadata"]["name"]: d for d in documents if d["kind"] == "Job"}
    weights = {name: int(job["metadata"]["annotations"]["helm.sh/hook-weight"]) for name, job in jobs.items()}
    assert sorted(weights, key=lambda name: weights[name]) == ["rel-larder-upgrade-api", "rel-larder-upgrade-worker"]
    for part in ("api", "worker"):
        spec = jobs[f"rel-larder-upgrade-{part}"]["spec"]["template"]["spec"]
        image = pods(documents)[f"rel-larder-{part}"]["containers"][0]["image"]
        assert spec["initContainers"][0]["command"][-2:] == [f"deployment/rel-larder-{part}", f"{part}={image}"]
    assert not [d for d in template(CHART / "ci/production.yaml") if d["kind"] == "Job"], "an install has nothing to order"
    assert not [d for d in template(CHART / "ci/sentinel.yaml", "--is-upgrade") if d["kind"] == "Job"], "it is switched off"


def test_selectors_hold_what_never_changes_and_find_their_pods() -> None:
    for document in template(CHART / "ci/trial.yaml"):
        if document["kind"] in ("Deployment", "StatefulSet"):
            selector = document["spec"]["selector"]["matchLabels"]
            assert selector.items() <= document["spec"]["template"]["metadata"]["labels"].items()
            assert not {"app.kubernetes.io/version", "helm.sh/chart"} & set(selector)


def test_the_version_of_the_chart_is_that_of_larder() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == VERSION
