"""Versions of the API: /v1 in front of a path names the one that there is, and so does no version. What may change within one: docs/api.md.

What will go says so in its answers: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and a link to what comes instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

VERSION_PATH = "/v1"
VERSIONED = "larder.versioned"  # in the environ of a request whose path names the version


@dataclass(frozen=True, slots=True)
class Deprecation:
    """`since` when a route is deprecated, and from when on it may be gone; `instead`: the path of what does the same."""

    since: date
    gone: date
    instead: str

    def headers(self, root: str) -> dict[str, str]:
        return {
            "Deprecation": f"@{int(_midnight(self.since).timestamp())}",
            "Sunset": format_datetime(_midnight(self.gone), usegmt=True),
            "Link": f'<{root}{self.instead}>; rel="successor-version"',
        }


def take_version(environ: WSGIEnvironment) -> None:
    """Move a version from the path to SCRIPT_NAME, so that every link in the answer keeps it."""
    path: str = environ["PATH_INFO"]
    if path.startswith(f"{VERSION_PATH}/"):
        environ["PATH_INFO"] = path[len(VERSION_PATH) :]
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + VERSION_PATH
        environ[VERSIONED] = True


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
