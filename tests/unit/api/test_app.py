from __future__ import annotations

import subprocess
import sys

import pytest

from api.app import create_app
from contract.errors import SettingsError
from tests.support.paths import ROOT

FORBIDDEN = ("numpy", "pandas", "polars", "numba", "rq", "croniter")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LARDER_API_PORTT", "5000")
    with pytest.raises(SettingsError, match=r"LARDER_API_PORT$"):
        create_app()


def test_an_application_is_made_without_a_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LARDER_REDIS_URL", "unix:///nonexistent/redis.sock")
    assert create_app().test_client().get("/health/live").status_code == 200


def test_the_api_imports_nothing_heavy() -> None:
    code = f"import sys, api.app, api.serving.worker_class, api.serving.logs; print([name for name in {FORBIDDEN} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
