"""`larder experiment` on a real Redis."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from redis import Redis

from contract.audit import newest_changes
from contract.errors import GateError, GenerationError, SettingsError
from tests.integration.experiments.served import KEYS, two_served_and_one_waiting
from trainer.cli.experiments.commands import experiment


@pytest.fixture
def url(store_redis: Redis, redis_server: str) -> str:
    two_served_and_one_waiting(store_redis)
    return redis_server


def call(url: str, *arguments: str) -> str:
    """What it prints; what it raises is raised."""
    result = CliRunner().invoke(experiment, arguments, env={"LARDER_REDIS_URL": url, "COLUMNS": "250"})
    if result.exception is not None:
        raise result.exception
    return " ".join(result.output.split())


def test_from_begin_to_end(url: str, store_redis: Redis) -> None:
    assert call(url, "status").startswith("No experiment runs.")
    assert call(url, "status", "--json") == "null"
    assert call(url, "start", "--arms", "current=90,g3=10").startswith("The experiment runs: g3 10 %, current 90 %.")
    shown = json.loads(call(url, "status", "--json"))
    none = {"answers": 0, "errors": 0.0, "empty": 0.0}
    assert shown["arms"] == [
        {"arm": "g3", "percent": 10.0, "generation": "g3", "state": "complete", **none},
        {"arm": "current", "percent": 90.0, "generation": "g2", "state": "current", **none},
    ]
    table = call(url, "status")
    assert f"Experiment {shown['id']}" in table
    assert "salt" not in table + json.dumps(shown)
    assert call(url, "share", "--arms", "current=50,g3=50") == "The shares are now: g3 50 %, current 50 %"
    with pytest.raises(GateError):
        call(url, "promote", "g3")
    assert call(url, "promote", "g3", "--force") == "The experiment is over: everybody gets g3"
    assert call(url, "start", "--arms", "current=50,g1=50").startswith("The experiment runs")
    assert call(url, "stop") == "The experiment is over: everybody gets g3"
    told = [
        (change.what, change.before.partition(": ")[2], change.after.partition(": ")[2]) for change in newest_changes(store_redis, KEYS, 9)
    ]
    assert told[::-1][:4] == [
        ("experiment", "", "g3 10 %, current 90 %"),
        ("experiment", "", "g3 50 %, current 50 %"),
        ("promote", "", ""),
        ("experiment", "g3 50 %, current 50 %", ""),
    ]


def test_to_end_by_itself_it_needs_events_and_impressions(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = ("start", "--arms", "current=90,g3=10", "--stop-when-worse", "clicks")
    monkeypatch.setenv("LARDER_API_WRITE_KEYS", "w" * 20)
    monkeypatch.setenv("LARDER_IMPRESSIONS", "0.5")
    with pytest.raises(SettingsError, match="set LARDER_EVENTS=true and LARDER_IMPRESSIONS"):
        call(url, *begin)
    monkeypatch.setenv("LARDER_EVENTS", "true")
    said = call(url, *begin)
    assert "Warning: LARDER_FALLBACK is not set here." in said
    assert "Warning: arm g3 knows events until 2026-01-02" in said
    assert "The experiment runs: g3 10 %" in said


def test_what_can_not_be_is_said(url: str) -> None:
    with pytest.raises(SettingsError, match="the shares add up to 95 %"):
        call(url, "start", "--arms", "current=90,g3=5")
    with pytest.raises(SettingsError, match="--stop-when-worse needs to know who was shown what"):
        call(url, "start", "--arms", "current=90,g3=10", "--stop-when-worse", "clicks")
    with pytest.raises(GenerationError, match="generation g9 is unknown, so it can't be an arm"):
        call(url, "start", "--arms", "current=90,g9=10")
    with pytest.raises(GenerationError, match=r"no experiment runs: `.*promote g3` promotes a generation"):
        call(url, "promote", "g3")
    with pytest.raises(GenerationError, match="no experiment runs"):
        call(url, "stop")
