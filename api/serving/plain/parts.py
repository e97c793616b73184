"""What the application gives to the worker, for questions that take no thread (threadless.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.lists.breaker import Breaker
from api.lists.pointers import Pointers
from api.serving.middleware import Middleware
from api.serving.plain.fast_lane import FastLane
from api.serving.proxy_headers import ProxyHeaders

PLAIN = "larder.plain"  # of Flask's extensions
ARMS = "larder.arms"  # the same: what tells Redis of the arms of an experiment; begins after the fork, and is closed with the worker
SENDER = "larder.impressions"  # the same: what is to be closed with the worker, where lists that are shown are kept

TENANTS = "larder.tenants"  # the same, of several applications: closes what theirs have of both


@dataclass(frozen=True, slots=True)
class PlainParts:
    """What the application gives to the worker."""

    lane: FastLane
    middleware: Middleware
    outermost: Any
    breaker: Breaker
    pointers: Pointers

    def apply(self, environ: dict[str, Any]) -> None:
        if isinstance(self.outermost, ProxyHeaders):
            self.outermost.apply(environ)
