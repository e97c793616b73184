"""A notice is posted signed, or given to a command; tries are bounded, and nothing that a target does goes further."""

from __future__ import annotations

import hmac
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contract.errors import SettingsError
from contract.settings.settings import Settings
from trainer.notices import tell as telling
from trainer.notices.happened import Notice
from trainer.notices.tell import SIGNATURE, tell

NOTICE = Notice("promoted", "20260102-030405-ab12", 1_767_323_045_000, by="ops", how="run")


class Target(ThreadingHTTPServer):
    """Answers with each of `answers` in turn, then with 204; keeps what was posted."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?key=hush"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        target = self.server
        assert isinstance(target, Target)
        target.posted.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        code = target.answers.pop(0) if target.answers else 204
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at what was posted."""


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_what_is_posted_is_signed(target: Target) -> None:
    assert tell(target.url, NOTICE, "shop", "s3cret")
    (path, headers, body), *more = target.posted
    assert (path, more) == ("/hook?key=hush", [])
    assert json.loads(body) == {
        "id": "promoted:20260102-030405-ab12:1767323045000",
        "event": "promoted",
        "namespace": "shop",
        "generation": "20260102-030405-ab12",
        "at_ms": 1_767_323_045_000,
        "by": "ops",
        "how": "run",
        "reason": "",
    }
    at, _, made = headers[SIGNATURE].partition(",v1=")
    assert made == hmac.digest(b"s3cret", f"{at.removeprefix('t=')}.".encode() + body, "sha256").hex()


def test_without_a_secret_nothing_is_signed(target: Target) -> None:
    assert tell(target.url, NOTICE, "shop", "")
    assert SIGNATURE not in target.posted[0][1]


@pytest.mark.parametrize("code", [500, 404, 302])
def test_what_is_not_taken_is_tried_again_and_nothing_is_followed(target: Target, code: int) -> None:
    target.answers = [code, code]
    assert tell(target.url, NOTICE, "shop", "", (0, 0))
    assert [path for path, *_ in target.posted] == ["/hook?key=hush"] * 3


def test_tries_are_bounded_and_the_log_has_no_secret(target: Target, caplog: pytest.LogCaptureFixture) -> None:
    target.answers = [503] * 9
    assert not tell(target.url, NOTICE, "shop", "s3cret", (0, 0))
    assert len(target.posted) == 3
    assert "3 tries failed" in caplog.text
    assert "hush" not in caplog.text
    assert not tell("http://127.0.0.1:1/hush", NOTICE, "shop", "", ())
    assert "127.0.0.1: ConnectionError" in caplog.text
    assert "hush" not in caplog.text


def test_a_command_reads_it(tmp_path: Path) -> None:
    script = tmp_path / "told.py"
    script.write_text("import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())")
    assert tell(f"{sys.executable} {script} '{tmp_path}/a b; c'", NOTICE, "shop", "s3cret")
    assert json.loads((tmp_path / "a b; c").read_text())["event"] == "promoted"


def test_commands_that_fail(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "COMMAND_S", 0.01)
    for command, reason in (
        (f"{sys.executable} -c 'raise SystemExit(3)'", ""),
        ("/no/such/command", "No such file"),
        (f"{sys.executable} -c 'import time; time.sleep(60)'", "took longer"),
    ):
        assert not tell(command, NOTICE, "shop", "", ())
        assert reason in caplog.text


@pytest.mark.parametrize("target", ["ftp://host/x", "https:///x", "curl 'x"])
def test_what_is_neither_an_address_nor_a_command_is_refused(target: str) -> None:
    with pytest.raises(SettingsError, match="LARDER_ON_FAILED"):
        Settings.from_environ({"LARDER_ON_FAILED": target})
