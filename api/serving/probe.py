"""`python -m api.serving.probe`: exit code 0 if the API on this machine is ready. For container health checks, so it imports little."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT_S = 3


def is_ready(port: int, host: str) -> bool:
    connection = HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    address = os.environ.get("LARDER_API_HOST", "0.0.0.0")  # noqa: S104 (what the server listens on)
    sys.exit(not is_ready(int(os.environ.get("LARDER_API_PORT", "5000")), "127.0.0.1" if address == "0.0.0.0" else address))  # noqa: S104
