"""Writes ops/helm/larder/files/services.json: which settings and secrets each service of the chart gets, as docker-compose.yml has them.

    python -m tools.chart_services > ops/helm/larder/files/services.json

A secret is what Settings calls one, a file of keys aside; a password or key that a library reads for itself; and an address that may
hold a password. The chart takes secrets from a Secret of Kubernetes alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from contract.settings.settings import SECRETS

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("api", "trainer", "worker")
SHARED = ("LARDER_QUEUE_URL",)  # docker-compose.yml has one Redis
BY_VALUES = {"LARDER_ARTIFACTS", "LARDER_API_KEYS_FILE"}
"""What other values of the chart say: artifacts.url and api.keysSecret."""
ADDRESSES = {"LARDER_REDIS_URL", "LARDER_QUEUE_URL", "LARDER_INTERACTIONS", "LARDER_ITEMS", "LARDER_USERS"}
"""May be given either way: in `settings`, or, with a password, in the Secret."""


def main() -> None:
    sys.stdout.write(json.dumps(services(), indent=1) + "\n")


def services() -> dict[str, dict[str, list[str]]]:
    """Names by service: `settings` and `secrets`; some addresses are both."""
    whole, objects = (_services(name) for name in ("docker-compose.yml", "docker-compose.objects.yml"))
    found = {}
    for service in SERVICES:
        names = {*whole[service]["environment"], *objects.get(service, {}).get("environment", {}), *SHARED} - BY_VALUES
        secret = {name for name in names if _is_secret(name)}
        found[service] = {"settings": sorted(names - secret), "secrets": sorted(secret | (names & ADDRESSES))}
    return found


def _services(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())["services"]
    return found


def _is_secret(name: str) -> bool:
    if name.startswith("LARDER_"):
        return name.removeprefix("LARDER_").lower() in SECRETS
    return name not in {"AWS_REGION", "AWS_ENDPOINT_URL"}


if __name__ == "__main__":
    main()
