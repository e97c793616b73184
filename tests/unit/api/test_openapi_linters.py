"""Two public linters find nothing to say of openapi.json: redocly by its strict rules, and spectral by all that it has for OpenAPI."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from api.app import create_app
from api.lists.store import Store
from contract.settings.settings import Settings
from tests.support.depth import deeper

REDOCLY = ("@redocly/cli@2.77.0", "lint", "--extends", "recommended-strict")
# One rule is off: it asks for an address of who runs this API, and nobody but them has that.
RULES = "extends: [[spectral:oas, all]]\nrules: {contact-properties: off}\n"
SPECTRAL = ("@stoplight/spectral-cli@6.16.3", "lint", "--ruleset", "spectral.yaml", "--fail-severity", "hint")


def lint(linter: tuple[str, ...], document: object, folder: Path) -> subprocess.CompletedProcess[str]:
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("there is no npx on PATH (Node.js 20 or later), which runs the linters")
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "spectral.yaml").write_text(RULES)
    command = [npx, "--yes", *linter, "openapi.json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.long
@deeper
@pytest.mark.parametrize("linter", [REDOCLY, SPECTRAL], ids=["redocly", "spectral"])
def test_nothing_is_found(linter: tuple[str, ...], store: Store, tmp_path: Path) -> None:
    """Of the document as it is, and as it is behind a proxy; something is of one that lacks what each rule set asks for."""
    behind = Settings(api_public_origin="https://shop.example", api_root_path="/larder")
    for settings in (Settings(), behind):
        document = create_app(settings, store).test_client().get("/openapi.json").get_json()
        found = lint(linter, document, tmp_path)
        assert found.returncode == 0, found.stdout + found.stderr
    del document["paths"]["/recommendations"]["post"]["operationId"]
    assert lint(linter, document, tmp_path).returncode == 1
