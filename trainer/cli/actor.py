"""Who asks for something, as it is recorded beside what was done."""

from __future__ import annotations

import getpass
import os
import socket


def who_asks() -> str:
    """User and host. A container's user may have no name: then its number."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
