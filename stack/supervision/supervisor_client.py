"""A client of supervisord: starting it, asking it, stopping it, over the socket that only this user can open."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from contract.errors import LarderError
from stack.paths import StackPaths

START_TIMEOUT_S = 20.0
UP = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")


@dataclass(frozen=True, slots=True)
class Process:
    """One program as supervisord sees it. `pid` is 0 for one that does not run."""

    name: str
    state: str
    pid: int
    uptime_s: int


class Supervisor:
    """Speaks with the supervisord of `places`."""

    def __init__(self, places: StackPaths) -> None:
        self._places = places

    def runs(self) -> bool:
        try:
            self._call("supervisor.getState")
        except LarderError:
            return False
        return True

    def spawn(self, environment: Mapping[str, str]) -> None:
        """Start supervisord as a daemon with nothing under it yet; its processes inherit `environment`."""
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._places.supervisor_config)]
        # The mark by which processes.py knows the stack's own: supervisor sets it for its children anyway.
        marked = {**environment, "SUPERVISOR_SERVER_URL": mark(self._places)}
        try:
            ran = subprocess.run(
                command,
                env=marked,
                cwd=self._places.root,
                capture_output=True,
                text=True,
                timeout=START_TIMEOUT_S,
                check=False,
                start_new_session=True,  # a Ctrl-C is for who waits, not for a daemon that is being made
            )
        except subprocess.TimeoutExpired as error:
            raise LarderError(f"supervisord did not start in {START_TIMEOUT_S:.0f} s: see {self._places.log_of('supervisord')}") from error
        if ran.returncode:
            raise LarderError(f"supervisord did not start: {(ran.stdout + ran.stderr).strip()}")
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.runs():
            if time.monotonic() > deadline:
                raise LarderError(f"supervisord does not answer: see {self._places.log_of('supervisord')}")
            time.sleep(0.05)

    def processes(self) -> list[Process]:
        """All programs, in the order of their start."""
        infos = sorted(self._call("supervisor.getAllProcessInfo"), key=lambda info: info["name"])
        return [Process(i["name"], i["statename"], i["pid"], max(0, i["now"] - i["start"]) if i["pid"] else 0) for i in infos]

    def start(self, name: str) -> None:
        """Start one program without waiting for it, unless it is up."""
        if any(process.name == name and process.state in UP for process in self.processes()):
            return
        self._call("supervisor.startProcess", name, False)

    def stop(self, name: str, wait: bool = False) -> None:
        with suppress(LarderError):  # it does not run
            self._call("supervisor.stopProcess", name, wait)

    def pid(self) -> int:
        return int(self._call("supervisor.getPID"))

    def shut_down(self) -> None:
        """Ask supervisord to stop everything and to end. It answers before it has."""
        with suppress(LarderError):  # it is shutting down already
            self._call("supervisor.shutdown")

    def _call(self, method: str, *arguments: object) -> Any:
        transport = SupervisorTransport(None, None, mark(self._places))
        try:
            with ServerProxy("http://127.0.0.1", transport=transport) as server:  # a formality: the transport has the socket
                return getattr(server, method)(*arguments)
        except Fault as fault:
            raise LarderError(f"supervisord refuses {method} ({fault.faultString}): was Larder stopped? `make up` starts it") from fault
        except (OSError, HTTPException) as error:
            raise LarderError(f"supervisord is gone ({error}): was Larder stopped? `make up` starts it") from error


def mark(places: StackPaths) -> str:
    """The value of SUPERVISOR_SERVER_URL in every process of the stack."""
    return f"unix://{places.supervisor_socket}"
