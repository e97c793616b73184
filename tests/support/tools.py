"""Programs that a test needs and a machine may lack: here it is a skip, in CI a failure, for CI installs them."""

from __future__ import annotations

import os
import shutil

import pytest


def require(program: str) -> str:
    """The path of `program`."""
    found = shutil.which(program)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"there is no {program} on PATH")
    assert found is not None
    return found
