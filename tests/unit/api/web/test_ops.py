"""Prometheus' rules and Grafana's dashboard ask for what /metrics exports, and lead to sections that exist."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import Metric

from api.metrics.counters import Metrics
from tests.support.manual.reference import Reference
from tests.support.paths import ROOT
from tests.support.tools import require

RULES = ROOT / "ops" / "prometheus-rules.yml"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def exported() -> set[str]:
    """Names of all series that the API may export: those of its counters, and those that the collector's source names."""
    metrics = Metrics()
    metrics.observe("/x", "GET", "200", 0.1)
    metrics.impressions("kept", 1)
    families: list[Metric] = list(metrics.registry().collect())
    return {sample.name for family in families for sample in family.samples} | read_at_a_scrape()


def read_at_a_scrape() -> set[str]:
    source = (ROOT / "api" / "metrics" / "collector.py").read_text()
    short = {f"larder_{name}" for name in re.findall(r'_(?:gauge|by_state)\(\s*"(\w+)"', source)}
    return short | set(re.findall(r'"(larder_\w+)"', source))


def expressions() -> list[str]:
    rules: dict[str, Any] = yaml.safe_load(RULES.read_text())
    dashboard: dict[str, Any] = json.loads((ROOT / "ops" / "grafana-dashboard.json").read_text())
    alarms = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(alarms) >= 10
    assert len(panels) >= 10
    return alarms + panels


def test_every_metric_that_is_named_exists() -> None:
    known = exported()
    named = {name for text in expressions() for name in re.findall(r"\blarder_\w+", text)}
    assert named - known == set()


def test_every_metric_has_a_row_in_the_reference_and_every_row_a_metric() -> None:
    told = {name.partition("{")[0] for name in Reference("docs/api.md").heads("Metrics")}
    counted = {f"{one.name}_total" if one.type == "counter" else one.name for one in Metrics().registry().collect()}
    families = counted | read_at_a_scrape()
    assert families - told == set()
    assert told - families == set()


def test_every_rule_leads_to_a_section() -> None:
    rules = yaml.safe_load(RULES.read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        slug = rule["annotations"]["runbook_url"].removeprefix("http://localhost:5000/runbook#")
        assert f'<a id="{slug}"></a>' in RUNBOOK, rule["alert"]
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket", "note")


def test_promtool_takes_the_rules() -> None:
    subprocess.run([require("promtool"), "check", "rules", str(RULES)], check=True, timeout=60)


def rings(alarm: str, series: dict[str, str], folder: Path) -> bool:
    """Whether Prometheus raises the alarm after two hours of these series, in its notation, a minute a step."""
    given = [{"series": name, "values": values} for name, values in series.items()]
    asked = {"interval": "1m", "input_series": given, "alert_rule_test": [{"eval_time": "2h", "alertname": alarm, "exp_alerts": []}]}
    told = folder / "alarm.yml"
    told.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [asked]}))
    done = subprocess.run([require("promtool"), "test", "rules", str(told)], check=False, capture_output=True, text=True, timeout=60)
    said = done.stdout + done.stderr
    assert done.returncode == 0 or f'alertname="{alarm}"' in said, said
    return done.returncode != 0


@pytest.mark.parametrize(("method", "route"), [("POST", "/recommendations"), ("GET", "/users/<user_id>/recommendations")])
@pytest.mark.parametrize(("fast", "slow"), [(1000, False), (900, True)])
def test_slow_lists_are_an_alarm_by_whichever_route(tmp_path: Path, method: str, route: str, fast: int, slow: bool) -> None:
    bucket = f'larder_request_seconds_bucket{{job="larder",instance="a",route="{route}",method="{method}",status="200",le='
    series = {f'{bucket}"0.1"}}': f"0+{fast}x120", f'{bucket}"1.0"}}': "0+1000x120", f'{bucket}"+Inf"}}': "0+1000x120"}
    assert rings("LarderSlow", series, tmp_path) is slow


@pytest.mark.parametrize(
    ("unknown", "asked", "in_batches", "many"),
    [(60, 100, 0, True), (40, 100, 0, False), (600, 10, 990, True), (60, 10, 990, False), (600, 0, 1000, True)],
)
def test_many_unknown_users_are_an_alarm_beside_all_who_are_asked_for(
    tmp_path: Path, unknown: int, asked: int, in_batches: int, many: bool
) -> None:
    count = 'larder_request_seconds_count{job="larder",instance="a",route="/recommendations",method="POST",status="200"}'
    series = {
        'larder_unknown_users_total{job="larder",instance="a"}': f"0+{unknown}x120",
        'larder_batch_users_total{job="larder",instance="a"}': f"0+{in_batches}x120",
    }
    if asked:
        series[count] = f"0+{asked}x120"
    assert rings("LarderUnknownUsers", series, tmp_path) is many


def test_the_compose_file_mounts_what_exists() -> None:
    services = yaml.safe_load((ROOT / "ops" / "docker-compose.monitoring.yml").read_text())["services"]
    assert all(service["profiles"] == ["monitoring"] for service in services.values())
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith("./") or (ROOT / source).is_file(), source
