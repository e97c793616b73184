"""What `make up` can tell before anything is installed, since an install takes a minute: standard library only."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from pathlib import Path

MIN_KEY_LENGTH = 16  # as api.http.api_keys has it
KEYS = ("LARDER_API_READ_KEYS", "LARDER_API_ADMIN_KEYS", "LARDER_API_WRITE_KEYS")
PORT, HOST = "LARDER_API_PORT", "LARDER_API_HOST"


def what_is_wrong(environ: Mapping[str, str], root: Path) -> str:
    """The first thing that `up` would refuse; "" where there is none, or where a stack of this checkout may hold the port itself."""
    for name in KEYS:
        if any(0 < len(key.strip()) < MIN_KEY_LENGTH for key in environ.get(name, "").split(",")):
            return f"{name}: a key has at least {MIN_KEY_LENGTH} characters"
    port = environ.get(PORT, "5000")
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        return f"{PORT}: a port is a number from 1 to 65535, and this is {port[:40]!r}"
    if (root / "var" / "run").is_dir():
        return ""
    host = environ.get(HOST, "127.0.0.1")
    if not _is_taken(host, int(port)):
        return ""
    free = next((one for one in range(int(port) + 1, 65536) if not _is_taken(host, one)), 5001)
    return f"port {port} is taken: free it, or choose another, as in `make up {PORT}={free}`"


def _is_taken(host: str, port: int) -> bool:
    """Other reasons why the API could not listen are told by `up` itself."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    except TypeError:  # a host that is not ASCII and can not be a name
        pass
    return False
