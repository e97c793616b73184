"""The operating system's view: which processes belong to the stack, and making sure that none stays.

Supervisor knows only its own children. Work-horses of RQ leave their parent's process group, and a supervisord that was killed
leaves everything behind; so the stack's processes are found by what they inherit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import psutil

from stack.paths import StackPaths
from stack.redis_server import NAMES
from stack.supervision.supervisor_client import mark


def of_stack(places: StackPaths) -> list[psutil.Process]:
    """Every living process of the stack."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        if process.pid != os.getpid() and _belongs(process, places):
            found[process.pid] = process
            for child in _children(process):
                found[child.pid] = child
    return list(found.values())


def alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a zombie that nobody has reaped does not."""
    return [process for process in processes if _runs(process)]


def end(processes: Iterable[psutil.Process], patience_s: float = 5.0) -> list[str]:
    """Ask, wait, then kill; names of those that were still there to be asked."""
    asked = alive(processes)
    names = [name_of(process) for process in asked]
    for process in asked:
        _quietly(process.terminate)
    psutil.wait_procs(asked, timeout=patience_s)
    left = alive(asked)
    for process in left:
        _quietly(process.kill)
    psutil.wait_procs(left, timeout=patience_s)
    return names


def name_of(process: psutil.Process) -> str:
    try:
        return f"{process.name()} ({process.pid})"
    except psutil.Error:
        return str(process.pid)


def holder_of(port: int) -> str:
    """Who listens on `port`, as "name (pid 1)"; empty where the system does not say, as for another user's process."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return ""
    return ""


def _belongs(process: psutil.Process, places: StackPaths) -> bool:
    try:
        # Redis rewrites its title over its environment, so it is known by the folder that it works in.
        if process.name().startswith(NAMES):
            return bool(process.cwd() == str(places.redis.resolve()))
        return bool(process.environ().get("SUPERVISOR_SERVER_URL") == mark(places))
    except (psutil.Error, OSError):
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        children: list[psutil.Process] = process.children(recursive=True)
    except psutil.Error:
        return []
    return children


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _quietly(action: Callable[[], object]) -> None:
    try:
        action()
    except psutil.Error:  # it ended meanwhile
        return
