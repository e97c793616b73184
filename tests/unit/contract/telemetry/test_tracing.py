"""Spans, and what hands them on; a collector that is away; nothing at all where nobody asks for traces."""

from __future__ import annotations

import logging
import subprocess
import sys
import time

import pytest

from contract.errors import SettingsError
from contract.settings.drivers import DRIVERS, Driver
from contract.settings.settings import Settings
from contract.telemetry import tracing
from contract.telemetry.tracing import Stages, carrier, note, span, trace_id, traced
from tests.support.servers.otlp_server import OtlpServer


def settings(address: str) -> Settings:
    return Settings.from_environ({}, otlp_endpoint=address)


def test_spans_hang_on_what_was_handed_on() -> None:
    with OtlpServer() as server:
        with traced(settings(server.url), "one", "run", {}), span("dispatch", shards=2):
            handed, here = carrier(), trace_id()
            note(left=True)
        with traced(settings(server.url + "/"), "two", "shard", handed, job="j"):
            pass
    dispatch, run, shard = server.spans
    assert (run.service, run.name, run.parent) == ("one", "run", "")
    assert (dispatch.name, dispatch.parent) == ("dispatch", run.id)
    assert dispatch.attributes == {"larder.shards": 2, "larder.left": True}
    assert (shard.service, shard.parent, shard.attributes) == ("two", dispatch.id, {"larder.job": "j"})
    assert {each.trace for each in server.spans} == {here}


@pytest.mark.parametrize(
    ("traceparent", "sampled"),
    [(f"00-{'a' * 32}-{'b' * 16}-01", True), (f"00-{'a' * 32}-{'b' * 16}-00", False), (f"00-{'a' * 32}-{'b' * 16}-03", True), ("", False),
     (f"00-{'a' * 31}-{'b' * 16}-01", False), (f"00-{'A' * 32}-{'b' * 16}-01", False), (f"00-{'a' * 32}-{'b' * 16}-01\n", False),
     (f"00-{'0' * 32}-{'b' * 16}-01", False), (f"00-{'a' * 32}-{'0' * 16}-01", False), (f"ff-{'a' * 32}-{'b' * 16}-01", False),
     (f"00-{'a' * 32}-{'b' * 16}-01-more", False), (f"01-{'a' * 32}-{'b' * 16}-01-more", True), (f"01-{'a' * 32}-{'b' * 16}-01", True)],
)  # fmt: skip
def test_what_comes_with_a_request_is_handed_on_if_it_is_sampled(traceparent: str, sampled: bool) -> None:
    with tracing.handed(traceparent):
        assert carrier() == ({"traceparent": traceparent} if sampled else {})
    assert carrier() == {}


def test_what_goes_wrong_is_the_spans_and_goes_on() -> None:
    with OtlpServer() as server, pytest.raises(ZeroDivisionError), traced(settings(server.url), "one", "run", {}):
        print(1 / 0)
    assert [each.name for each in server.spans] == ["run"]
    assert not tracing.carrier(), "the span has ended"


def test_stages_follow_each_other() -> None:
    with OtlpServer() as server, traced(settings(server.url), "one", "run", {}):
        stages = Stages()
        assert [stages.at(name) for name in ("load", "load", "fit")] == [True, False, True]
        stages.end()
    load, fit, run = server.spans
    assert [(each.name, each.parent) for each in (load, fit)] == [("load", run.id), ("fit", run.id)]


def test_a_collector_that_is_away_costs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with OtlpServer() as server:
        gone = server.url
    began = time.monotonic()
    with caplog.at_level(logging.WARNING), traced(settings(gone), "one", "run", {}):
        pass
    assert time.monotonic() - began < 10 * tracing.TIMEOUT_S, "it does not wait for ever"
    assert [record.getMessage() for record in caplog.records] == [f"1 spans are lost: {gone} does not take them"]


def test_without_an_endpoint_nothing_is_imported() -> None:
    """redis-py looks whether OpenTelemetry's SDK is there, so its own modules may be in memory: what sends is not."""
    code = (
        "import sys, worker.jobs, trainer.jobs, contract.queue.leases\n"
        "from contract.settings.settings import Settings\n"
        "from contract.telemetry.tracing import carrier, span, traced, trace_id\n"
        "with traced(Settings(), 'one', 'run', {}), span('part'):\n"
        "    assert carrier() == {} and trace_id() == ''\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.exporter', 'google.protobuf'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.strip() == "[]"


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DRIVERS, tracing.DRIVER, Driver("no_such_module.at_all", {}))
    tracing.check(settings(""))
    with pytest.raises(SettingsError, match=r"LARDER_OTLP_ENDPOINT: it needs the driver tracing.*LARDER_DRIVERS=tracing"):
        tracing.check(settings("http://collector:4318"))


@pytest.mark.parametrize("address", ["collector:4318", "http://", "ftp://collector", "http://collector:port", "http://collector:0"])
def test_an_address_is_a_web_address(address: str) -> None:
    with pytest.raises(SettingsError, match="LARDER_OTLP_ENDPOINT"):
        Settings.from_environ({"LARDER_OTLP_ENDPOINT": address})
