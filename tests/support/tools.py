"""Programs that a test needs and a machine may lack: here it is a skip, in CI a failure, for CI installs them."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """End the test, as one that lacks `what`."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def require(program: str) -> str:
    """The path of `program`."""
    return shutil.which(program) or missing(f"there is no {program} on PATH")
